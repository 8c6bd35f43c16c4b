"""What whoever ordered is told: once for each state, by the browser that they let ring, and never an advertisement."""

from collections.abc import Callable
from datetime import timedelta

import pytest

from dure.channels import actions as channels
from dure.channels.values import Notice
from dure.kit import jobs
from dure.messaging import actions as messaging
from dure.messaging import queries as messages
from dure.messaging.models import Message, Outgoing, Sending
from dure.messaging.values import Medium, MessageKind
from dure.ordering import actions as ordering
from dure.ordering.models import Bill, Order
from dure.ordering.values import OrderState
from dure.people import actions as people
from dure.people.models import Device, Person
from dure.people.values import EVERYBODY, inbox_address, shop_sender
from dure.shops import fence
from tests.rooms.ordering.conftest import BY, NOON, Place, key, phone, place
from tests.rooms.ordering.test_orders import place_tea
from tests.rooms.regulars.test_friends import join

__all__ = ["key", "phone", "place"]

Key = Callable[[], str]


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, dict[str, object]]]:
    """The jobs that would run, in order."""
    found: list[tuple[str, dict[str, object]]] = []
    real = jobs.enqueue

    def enqueue(name: str, **said: object) -> int | None:
        if name.startswith("channels."):
            found.append((name.removeprefix("channels."), said))
        return real(name, **said)  # type: ignore[arg-type]

    monkeypatch.setattr(jobs, "enqueue", enqueue)
    return found


def run(asked: list[tuple[str, dict[str, object]]]) -> None:
    """What the worker does with them, twice each."""
    for name, said in asked * 2:
        if "notice" in said:
            said = {**said, "notice": Notice(str(said["notice"]))}
        getattr(channels, name)(at=NOON, **{k: v for k, v in said.items() if k not in ("at", "once")})
    for medium in (Medium.PUSH, Medium.INBOX):
        people.dispatch(medium=medium, read_clock=lambda: NOON)


def titles(person: Person) -> list[str]:
    return [m.title for m in messages.inbox_of(inbox_address(person.public_id)).order_by("id")]


def ordered(place: Place, device: Device, key: str) -> Order:
    order = place_tea(place, device, key, expected_total=None)
    ordering.settle_at_counter(bill=Bill.objects.get(orders=order), by=BY, at=NOON)
    return order


def move(place: Place, order: Order, *states: OrderState) -> None:
    for state in states:
        ordering.move_order(shop=place.shop, order=order.public_id, to=state, by=BY, at=NOON)


def test_each_state_is_told_once_as_information(
    place: Place, phone: Device, key: Key, asked: list[tuple[str, dict[str, object]]]
) -> None:
    relation = join(place, phone)
    person = relation.person
    people.refuse_advertising(person=person, sender=EVERYBODY, source="t", proof={}, by="t", at=NOON)
    order = ordered(place, phone, key())
    move(place, order, OrderState.ACCEPTED, OrderState.COOKING, OrderState.READY)
    run(asked)
    assert titles(person) == [
        "주문 1번이 가게에 전달됐어요",
        "주문 1번을 가게가 받았어요",
        "주문 1번이 준비됐어요",
    ]
    assert set(Message.objects.values_list("kind", flat=True)) == {MessageKind.INFORMATION}
    assert set(Message.objects.values_list("link", flat=True)) == {f"/orders/{order.public_id}"}


def test_a_refused_order_and_its_money_are_told(
    place: Place, phone: Device, key: Key, asked: list[tuple[str, dict[str, object]]]
) -> None:
    person = join(place, phone).person
    order = ordered(place, phone, key())
    ordering.refuse_order(shop=place.shop, order=order.public_id, reason="재료가 떨어졌어요", by=BY, at=NOON)
    run(asked)
    assert "주문 1번이 취소됐어요" in titles(person)
    assert titles(person).count("5,000원을 돌려드려요") == 1


def test_a_guest_who_is_nobody_costs_no_job(
    place: Place, phone: Device, key: Key, asked: list[tuple[str, dict[str, object]]]
) -> None:
    move(place, ordered(place, phone, key()), OrderState.ACCEPTED)
    assert asked == []


def test_nothing_stale_is_told_and_nobody_erased(
    place: Place, phone: Device, key: Key, asked: list[tuple[str, dict[str, object]]]
) -> None:
    person = join(place, phone).person
    ordered(place, phone, key())
    (name, said), *_ = asked
    channels.tell_about_order(
        shop_id=place.shop.pk, order_id=int(str(said["order_id"])), notice=Notice.RECEIVED, at=NOON
    )
    people.dispatch(medium=Medium.INBOX, read_clock=lambda: NOON + timedelta(hours=3))
    assert titles(person) == []
    with fence.across_shops():
        people.erase_person(person=person, by="t", at=NOON)
    assert not channels.tell_about_order(
        shop_id=place.shop.pk, order_id=int(str(said["order_id"])), notice=Notice.READY, at=NOON
    )
    assert name == "tell_about_order"


def test_receipts_of_notices_go_after_ninety_days_and_others_stay(
    place: Place, phone: Device, key: Key, asked: list[tuple[str, dict[str, object]]]
) -> None:
    join(place, phone)
    ordered(place, phone, key())
    run(asked)
    later = NOON + timedelta(days=100)
    messaging.close_sendings(at=later)
    assert messaging.drop_notices(topics=("order", "chat"), before=NOON) == 0
    assert messaging.drop_notices(topics=("order", "chat"), before=later) == 1
    assert (Sending.objects.count(), Outgoing.objects.count(), Message.objects.count()) == (0, 0, 1)


def test_a_muted_shop_writes_silently_and_its_mute_is_forgotten_with_the_person(place: Place, phone: Device) -> None:
    person = join(place, phone).person
    inbox, sender = inbox_address(person.public_id), shop_sender(place.shop.public_id)
    for _ in range(2):
        messaging.mute_sender(address=inbox, sender=sender, at=NOON)
    assert messages.is_muted(inbox, sender)
    with fence.across_shops():
        people.erase_person(person=person, by="t", at=NOON)
    assert not messages.is_muted(inbox, sender)
