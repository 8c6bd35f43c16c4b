"""The kitchen's screen is there, is gone, is back."""

from datetime import datetime, timedelta

from django.db import transaction

from dure.kit.language import say
from dure.messaging.values import MessageKind
from dure.ordering import queries, rules
from dure.ordering.models import KitchenScreen
from dure.people import actions as people
from dure.shops import actions as shops
from dure.shops import queries as shop_queries
from dure.shops.models import Shop
from dure.shops.values import OpeningWhy, Role

BY = "job:kitchen"


def watch_kitchen(*, shop: Shop, at: datetime) -> bool:
    """A kitchen screen of the shop shows the board. Orders again, if silence had paused them and nobody decided otherwise
    meanwhile: whether it did. Safe to repeat; writes at most every `rules.BEAT`."""
    known = KitchenScreen.objects.filter(shop=shop).first()
    if known and known.paused_until is None and at - known.seen_at < rules.BEAT:
        return False
    with transaction.atomic():
        KitchenScreen.objects.get_or_create(shop=shop, defaults={"seen_at": at})
        screen = KitchenScreen.objects.select_for_update().get(shop=shop)
        paused_until, screen.paused_until = screen.paused_until, None
        screen.seen_at = max(screen.seen_at, at)
        screen.save(update_fields=["seen_at", "paused_until"])
        held = Shop.objects.select_for_update().get(pk=shop.pk)
        if paused_until is None or held.paused_until != paused_until or held.closed_at is not None:
            return False
        shops.resume_orders(shop=held, by=BY, at=at)
        return True


def pause_unwatched(*, shop: Shop, at: datetime) -> bool:
    """Pause a shop whose orders wait without a kitchen screen, tell its owners once a silence, and keep it paused for as
    long as the silence lasts, this business day. Who takes orders again by hand is obeyed until the screen was back.
    Whether it paused. Safe to repeat."""
    with transaction.atomic():
        screen = KitchenScreen.objects.select_for_update().filter(shop=shop).first()
        held = Shop.objects.select_for_update().get(pk=shop.pk)
        if screen is None or not rules.is_unwatched(
            queries.unwatched_since(held, at, kept=screen.paused_until is not None),
            at=at,
            after=rules.UNWATCHED_PAUSES_AFTER,
        ):
            return False
        opening = shop_queries.opening(held, at)
        if screen.paused_until is None:
            if not opening.open:
                return False
            _tell_owners(held, screen, at)
        elif held.paused_until != screen.paused_until or opening.why not in (OpeningWhy.OPEN, OpeningWhy.PAUSED):
            return False
        minutes = rules.UNWATCHED_PAUSE // timedelta(minutes=1)
        screen.paused_until = shops.pause_orders(shop=held, minutes=minutes, by=BY, at=at).paused_until
        screen.save(update_fields=["paused_until"])
        return True


def _tell_owners(shop: Shop, screen: KitchenScreen, at: datetime) -> None:
    for member in shop_queries.staff_of(shop).filter(role=Role.OWNER):
        language = member.person.language
        people.message_person(
            person=member.person,
            sender="dure",
            sender_name="두레",
            kind=MessageKind.INFORMATION,
            title=say(
                "{s}: 주방 화면이 꺼져 주문을 멈췄어요",
                en="{s}: orders paused, the kitchen screen is gone",
                s=shop.name,
            ).within(language),
            body=say(
                "기다리는 주문이 있는데 3분 넘게 주방 화면이 연결되지 않았어요. 주방 화면을 열면 바로 다시 받아요.",
                en="Orders wait, and no kitchen screen was connected for three minutes. Open the kitchen screen and orders resume at once.",
            ).within(language),
            link=f"/console/{shop.public_id}/kitchen",
            key=f"kitchen-gone:{shop.public_id}:{screen.seen_at.isoformat()}",
            at=at,
        )
