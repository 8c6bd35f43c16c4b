"""A dish that was sold out is back: whoever asked is told once, as information, and nobody else."""

from datetime import timedelta

import pytest
from procrastinate.contrib.django.models import ProcrastinateJob

from dure.channels import actions as channels
from dure.channels import queries
from dure.channels.errors import NotSoldOut, TooManyWishes
from dure.channels.models import Wish
from dure.channels.values import WISH_LASTS, WISHES_MAX
from dure.menu import actions as menu
from dure.menu.errors import MenuEntryNotFound
from dure.messaging import queries as messages
from dure.messaging.models import Message
from dure.messaging.values import Medium, MessageKind
from dure.people import actions as people
from dure.people.models import Device, Person
from dure.people.values import EVERYBODY, inbox_address
from dure.shops import fence
from tests.rooms.ordering.conftest import BY, NOON, Place, key, phone, place

__all__ = ["key", "phone", "place"]


def mark(place: Place, sold_out: bool) -> None:
    with fence.within_shop(place.shop.pk):
        menu.mark_sold_out(shop=place.shop, item=place.tea, sold_out=sold_out, by=BY, at=NOON)


def wish(place: Place, person: Person) -> Wish:
    with fence.within_shop(place.shop.pk):
        return channels.wish_for(shop=place.shop, person=person, item=place.tea.public_id, at=NOON)


def tell(place: Place, *, days: int = 0) -> int:
    told = channels.tell_item_back(shop_id=place.shop.pk, item_id=place.tea.pk, at=NOON + timedelta(days=days))
    people.dispatch(medium=Medium.INBOX, read_clock=lambda: NOON + timedelta(days=days))
    return told


def waiting_jobs() -> int:
    return ProcrastinateJob.objects.filter(task_name="channels.tell_item_back").count()


def test_whoever_asked_is_told_once_in_their_language_even_who_refuses_all_advertising(
    place: Place, phone: Device
) -> None:
    person = people.ensure_person(device=phone, at=NOON)
    people.keep_language(person=person, language="en")
    people.refuse_advertising(person=person, sender=EVERYBODY, source="t", proof={}, by="t", at=NOON)
    mark(place, True)
    assert wish(place, person).pk == wish(place, person).pk
    assert waiting_jobs() == 0
    mark(place, False)
    assert waiting_jobs() == 1
    assert (tell(place), tell(place)) == (1, 0)
    (message,) = messages.inbox_of(inbox_address(person.public_id))
    assert message.kind == MessageKind.INFORMATION
    assert "is back" in message.title
    mark(place, True)
    mark(place, False)
    assert tell(place) == 0
    assert Message.objects.count() == 1


def test_nobody_asked_and_nothing_is_queued(place: Place) -> None:
    mark(place, True)
    mark(place, False)
    assert waiting_jobs() == 0
    place.tea.refresh_from_db()
    assert place.tea.back_at == NOON


def test_gone_again_before_the_job_ran_nobody_is_told(place: Place, phone: Device) -> None:
    person = people.ensure_person(device=phone, at=NOON)
    mark(place, True)
    wish(place, person)
    mark(place, False)
    mark(place, True)
    assert tell(place) == 0
    with fence.within_shop(place.shop.pk):
        assert queries.wishes_for(person, place.tea.public_id)
        channels.drop_wish(shop=place.shop, person=person, item=place.tea.public_id)
        assert not queries.wishes_for(person, place.tea.public_id)


def test_what_is_there_cannot_be_wished_for_and_too_much_neither(place: Place, phone: Device) -> None:
    person = people.ensure_person(device=phone, at=NOON)
    with pytest.raises(NotSoldOut):
        wish(place, person)
    with fence.within_shop(place.shop.pk):
        with pytest.raises(MenuEntryNotFound):
            channels.wish_for(shop=place.shop, person=person, item="itm_" + "0" * 26, at=NOON)
        for number in range(WISHES_MAX):
            item = menu.add_item(
                shop=place.shop, section=place.tea.section, name={"ko": f"차 {number}"}, price=1, by=BY, at=NOON, sold_out=True
            )  # fmt: skip
            channels.wish_for(shop=place.shop, person=person, item=item.public_id, at=NOON)
    mark(place, True)
    with pytest.raises(TooManyWishes):
        wish(place, person)


def test_a_month_later_it_is_forgotten_and_so_is_who_asks_to_be(place: Place, phone: Device) -> None:
    person = people.ensure_person(device=phone, at=NOON)
    mark(place, True)
    wish(place, person)
    mark(place, False)
    assert tell(place, days=WISH_LASTS.days + 1) == 0
    assert channels.drop_old_wishes(at=NOON + WISH_LASTS) == 1
    mark(place, True)
    wish(place, person)
    with fence.across_shops():
        people.erase_person(person=person, by="t", at=NOON)
        assert not Wish.objects.exists()
