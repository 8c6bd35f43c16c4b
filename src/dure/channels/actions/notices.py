"""What a person is told because they ordered, joined or asked: information through the gate, and never a word of praise."""

from collections.abc import Mapping
from datetime import datetime, timedelta

from django.db.models import QuerySet

from dure.channels import queries
from dure.channels.models import Chat
from dure.channels.values import Notice
from dure.kit import jobs
from dure.kit.language import Text, say
from dure.kit.money import won
from dure.kit.sql import written_once
from dure.messaging import actions as messaging
from dure.messaging import queries as messages
from dure.messaging.errors import BadText, TooLate
from dure.messaging.values import Medium, MessageKind
from dure.offers import queries as offers
from dure.offers.values import OfferOccasion
from dure.ordering.events import BillReturned, OrderMoved, OrderReceived
from dure.ordering.models import Bill, Order
from dure.ordering.values import OrderState
from dure.people import actions as people
from dure.people.models import Person
from dure.people.values import inbox_address, shop_sender
from dure.regulars.events import FriendJoined
from dure.regulars.models import Relation
from dure.shops import fence
from dure.shops.models import Shop

STALE_AFTER = timedelta(hours=2)
BY_STATE: Mapping[str, Notice] = {
    OrderState.ACCEPTED: Notice.ACCEPTED,
    OrderState.READY: Notice.READY,
    OrderState.REFUSED: Notice.REFUSED,
}
TITLES: Mapping[Notice, Text] = {
    Notice.RECEIVED: say("주문 {n}번이 가게에 전달됐어요", en="Order {n} reached the shop"),
    Notice.ACCEPTED: say("주문 {n}번을 가게가 받았어요", en="Order {n} is accepted"),
    Notice.READY: say("주문 {n}번이 준비됐어요", en="Order {n} is ready"),
    Notice.REFUSED: say("주문 {n}번이 취소됐어요", en="Order {n} was cancelled"),
    Notice.REFUNDED: say("{amount}을 돌려드려요", en="{amount} is on its way back to you"),
}
BODIES: Mapping[Notice, Text] = {
    Notice.RECEIVED: say("받는 대로 다시 알려 드릴게요.", en="We will tell you when it is accepted."),
    Notice.ACCEPTED: say("준비되면 다시 알려 드릴게요.", en="We will tell you when it is ready."),
    Notice.READY: say("주문 화면에서 확인해 주세요.", en="See your order's page."),
    Notice.REFUSED: say(
        "가게가 주문을 받지 못했어요. 낸 돈이 있으면 모두 돌려드려요.",
        en="The shop could not take the order. Whatever you paid comes back.",
    ),
    Notice.REFUNDED: say(
        "결제한 수단으로 돌아가요. 카드는 며칠 걸릴 수 있어요.",
        en="It goes back the way you paid. A card may take a few days.",
    ),
}


def note_received_order(fact: OrderReceived) -> None:
    """Have the person who ordered told that the shop has it. Nobody is told whom we do not know."""
    _note(fact.shop_id, fact.order_id, Notice.RECEIVED)


def note_moved_order(fact: OrderMoved) -> None:
    """Have the person who ordered told what became of it: accepted, ready or refused."""
    if fact.state in BY_STATE:
        _note(fact.shop_id, fact.order_id, BY_STATE[fact.state])


def note_returned_bill(fact: BillReturned) -> None:
    """Have the person who paid told that money goes back."""
    if fact.person_id is not None:
        bill = Bill.objects.only("refunded").get(pk=fact.bill_id)
        jobs.enqueue(
            "channels.tell_about_refund",
            bill_id=fact.bill_id,
            shop_id=fact.shop_id,
            person_id=fact.person_id,
            amount=fact.amount,
            refunded=bill.refunded,
        )


@written_once
def _of_somebody(order_id: int) -> QuerySet[Order]:
    return Order.objects.only("pk").filter(pk=order_id, device__person__isnull=False)


def _note(shop_id: int, order_id: int, notice: Notice) -> None:
    # Most guests are nobody to us: the kitchen's path pays one look and no job for them.
    if _of_somebody(order_id):
        jobs.enqueue("channels.tell_about_order", order_id=order_id, shop_id=shop_id, notice=str(notice))


def tell_about_order(*, shop_id: int, order_id: int, notice: Notice, at: datetime) -> bool:
    """Tell whoever ordered. One text for one order and state, however often it is asked for. False where nobody is left."""
    with fence.within_shop(shop_id):
        order = Order.objects.select_related("shop", "device__person").get(pk=order_id)
        person = order.device.person if order.device else None
        if person is None or person.erased_at is not None or at - order.changed_at > STALE_AFTER:
            return False
        return tell(
            order.shop,
            person,
            key=f"order:{order.public_id}:{notice}",
            title=TITLES[notice].given(n=order.number),
            body=BODIES[notice],
            topic="order",
            link=f"/orders/{order.public_id}",
            at=at,
        )


def tell_about_refund(*, shop_id: int, bill_id: int, person_id: int, amount: int, refunded: int, at: datetime) -> bool:
    """Tell whoever paid that `amount` of the bill goes back; `refunded` is what had gone back in all by then, and so tells two
    refunds of one bill apart."""
    with fence.within_shop(shop_id):
        bill = Bill.objects.select_related("shop").get(pk=bill_id)
        person = Person.objects.filter(pk=person_id, erased_at=None).first()
        order = Order.objects.filter(bill=bill).order_by("pk").first()
        if person is None:
            return False
        return tell(
            bill.shop,
            person,
            key=f"bill:{bill.public_id}:{person_id}:refunded:{refunded}",
            title=TITLES[Notice.REFUNDED].given(amount=won(amount)),
            body=BODIES[Notice.REFUNDED],
            topic="order",
            link=f"/orders/{order.public_id}" if order else "/my/orders",
            at=at,
        )


def tell_about_chat(*, shop_id: int, chat_id: int, at: datetime) -> bool:
    """Tell a guest who is not looking that the shop answered, without the answer itself. Once until they look."""
    with fence.within_shop(shop_id):
        chat = Chat.objects.select_related("shop", "person").filter(pk=chat_id).first()
        if chat is None or chat.person.erased_at is not None or not queries.unread_by_guest(chat):
            return False
        seen = f"{chat.seen_at:%Y%m%d%H%M%S%f}" if chat.seen_at else "never"
        return tell(
            chat.shop,
            chat.person,
            key=f"chat:{chat.public_id}:{seen}",
            title=say("물어본 것에 답이 왔어요", en="Your question was answered"),
            body=say("대화를 열어 확인해 주세요.", en="Open the conversation to read it."),
            topic="chat",
            link=f"/shops/{chat.shop.public_id}/chat",
            at=at,
        )


def tell(shop: Shop, person: Person, *, key: str, title: Text, body: Text, topic: str, link: str, at: datetime) -> bool:
    """One information for one person, by the browser that they let ring or else silently in the inbox."""
    if messages.sending_by_key(key) is not None:
        return True
    language = person.language
    rings = bool(messages.endpoints_of([inbox_address(person.public_id)]))
    try:
        sending = messaging.open_sending(
            key=key,
            reference=key,
            sender=shop_sender(shop.public_id),
            sender_name=_name(shop, language),
            kind=MessageKind.INFORMATION,
            media=[Medium.PUSH, Medium.INBOX] if rings else [Medium.INBOX],
            title=title.within(language),
            body=body.within(language),
            topic=topic,
            link=link,
            not_before=at,
            expires_at=at + STALE_AFTER,
            at=at,
        )
    except (BadText, TooLate):
        return False
    messaging.queue_from(sending=sending, query="SELECT %s::bigint, NULL::jsonb", parameters=[person.pk], at=at)
    return True


def _name(shop: Shop, language: str) -> str:
    return (shop.name_en or shop.name) if language == "en" else shop.name


def greet_friend(fact: FriendJoined) -> None:
    """Put a thank-you into a new friend's inbox, in the shop's own words where it has some, that says which coupon waits:
    information that they asked for by joining.

    Safe to repeat: one message for one friendship. Somebody who left or was erased meanwhile gets none.
    """
    with fence.across_shops():
        relation = Relation.objects.select_related("shop", "person").filter(id=fact.relation_id, left_at=None).first()
        if relation is None:
            return
        coupons = offers.coupons_of(relation.person, at=fact.at).filter(shop=relation.shop)
        coupon = coupons.filter(offer__occasion=OfferOccasion.WELCOME).first()
        language = relation.person.language
        name = _name(relation.shop, language)
        title = say("{shop} 친구가 되어 주셔서 고마워요", en="Thank you for being a friend of {shop}", shop=name)
        body = say("올 때마다 도장을 찍어 드릴게요.", en="You get a stamp every time you come.")
        if coupon:
            body = say(
                "‘{name}’ 쿠폰을 챙겨 두었어요. 다음에 QR을 찍으면 알아서 쓰여요.",
                en="The coupon “{name}” waits for you. It applies by itself when you scan next time.",
                name=coupon.offer.name.get(language) or coupon.offer.name["ko"],
            )
        own = queries.profile_of(relation.shop).welcome
        said = own.get(language) or own.get("ko", "")
        people.message_person(
            person=relation.person,
            sender=shop_sender(relation.shop.public_id),
            sender_name=name,
            kind=MessageKind.INFORMATION,
            title=title.within(language),
            body=f"{said}\n\n{body.within(language)}" if said else body.within(language),
            link="/my/coupons",
            key=f"greet:{relation.public_id}",
            at=fact.at,
        )
