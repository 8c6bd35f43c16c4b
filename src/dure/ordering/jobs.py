"""What ordering does by itself, every minute: nobody waits for ever, and nothing unpaid stays open."""

from datetime import date, timedelta

from django.db.models import DateTimeField, DurationField, Exists, ExpressionWrapper, F, OuterRef, Value

from dure.kit import clock, jobs
from dure.kit.errors import DureError
from dure.ordering import actions, queries, rules
from dure.ordering.models import Bill, Order
from dure.ordering.values import BillState, OrderState
from dure.shops import fence
from dure.shops.models import Shop

REPORT_DAYS = 3
TOO_LATE = "주문이 밀려 제때 받지 못했어요. 죄송합니다. / We could not take your order in time. We are sorry."


@jobs.periodic("ordering.give_up_unpaid", cron="* * * * *")
def give_up_unpaid(timestamp: int) -> None:
    """Give up orders that nobody paid, so that their coupons are free and the counter's list is short."""
    now = clock.now()
    with fence.across_shops():
        waiting = Order.objects.filter(bill=OuterRef("pk"), state=OrderState.WAITING)
        for bill in Bill.objects.filter(Exists(waiting), state=BillState.OPEN, opened_at__lt=now - rules.UNPAID_FOR)[
            :500
        ]:
            try:
                actions.give_up_bill(bill=bill, by="job:unpaid", at=now)
            except DureError:
                continue


@jobs.periodic("ordering.refuse_unaccepted", cron="* * * * *")
def refuse_unaccepted(timestamp: int) -> None:
    """Return the money of orders that no kitchen looked at: the shop's screen is off, and guests should not wait."""
    now = clock.now()
    patience = ExpressionWrapper(F("shop__accept_minutes") * Value(timedelta(minutes=1)), DurationField())
    with fence.across_shops():
        late = Order.objects.select_related("shop").filter(
            state=OrderState.RECEIVED, received_at__lt=ExpressionWrapper(Value(now) - patience, DateTimeField())
        )
        for order in late[:500]:
            try:
                actions.refuse_order(shop=order.shop, order=order.public_id, reason=TOO_LATE, by="job:late", at=now)
            except DureError:
                continue


@jobs.periodic("ordering.pause_unwatched", cron="* * * * *")
def pause_unwatched(timestamp: int) -> None:
    """Take no more orders where some wait and the kitchen's screen is gone."""
    now = clock.now()
    with fence.across_shops():
        for screen in queries.silent_screens(now)[:500]:
            try:
                actions.pause_unwatched(shop=screen.shop, at=now)
            except DureError:
                continue


@jobs.periodic("ordering.give_parts_back", cron="* * * * *")
def give_parts_back(timestamp: int) -> None:
    """Give parts that somebody took and did not pay back to their tables."""
    now = clock.now()
    with fence.across_shops():
        for part in queries.parts_forgotten(now - rules.TAKEN_FOR)[:500]:
            try:
                actions.give_part_back(part=part, at=now)
            except DureError:
                continue


@jobs.periodic("ordering.expire_concessions", cron="*/5 * * * *")
def expire_concessions(timestamp: int) -> None:
    """Requests for a second person that nobody answered are over."""
    with fence.across_shops():
        actions.expire_concessions(at=clock.now())


@jobs.periodic("ordering.report_concessions", cron="13 * * * *")
def report_concessions(timestamp: int) -> None:
    """Tell owners what was given back on the business day that is over. Every hour and not once a day: shops' days turn at
    different hours, and a worker that was down must not cost a report."""
    now = clock.now()
    today = now.astimezone(clock.KST).date()
    with fence.across_shops():
        for shop, day in queries.shops_that_conceded(today - timedelta(days=REPORT_DAYS), today):
            jobs.enqueue("ordering.report_shop", once=f"report:{shop}:{day}", shop_id=shop, day=day.isoformat())


@jobs.job("ordering.report_shop")
def report_shop(shop_id: int, day: str) -> None:
    """One shop's report of one day, where the day is over."""
    with fence.within_shop(shop_id):
        actions.report_concessions(shop=Shop.objects.get(pk=shop_id), day=date.fromisoformat(day), at=clock.now())
