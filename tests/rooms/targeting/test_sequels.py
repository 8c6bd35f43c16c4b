"""The line over the menu: what friends choose next is learned of those who agree, of enough of them, and offered to those who agree."""

from collections.abc import Iterator
from datetime import datetime, timedelta

import pytest

from dure.kit import ids
from dure.menu.models import Item
from dure.ordering import actions as ordering
from dure.ordering.models import OrderLine, Visit
from dure.ordering.values import Wanted
from dure.people import actions as people
from dure.people.models import Device, Person
from dure.people.values import Purpose, shop_sender
from dure.regulars import actions as regulars
from dure.shops import fence
from dure.shops import queries as shops
from dure.shops.models import Shop
from dure.targeting import actions, queries, rules
from dure.targeting.models import Sequel, Suggestion
from dure.targeting.values import PEOPLE_LEAST, Place
from tests import cast
from tests.cast import NOON

pytestmark = pytest.mark.django_db
PANCAKE, PUNCH, RICE = "감자전", "식혜", "주먹밥"
WEEK = timedelta(weeks=1)


@pytest.fixture
def shop() -> Iterator[Shop]:
    shop = cast.noodle_house()
    with fence.across_shops():
        yield shop


def friend(shop: Shop, *, taste: bool = True, at: datetime = NOON) -> Device:
    """A phone whose person is a friend of the shop."""
    device, _ = people.remember_device(at=at)
    person = people.ensure_person(device=device, at=at)
    regulars.join_channel(shop=shop, person=person, device=device, source="receipt", by="guest:test", at=at)
    if taste:
        people.give_consent(
            person=person, sender=shop_sender(shop.public_id), purpose=Purpose.TASTE, source="join page", proof={}, by="guest:test", at=at
        )  # fmt: skip
    return device


def one(device: Device) -> Person:
    assert device.person
    return device.person


def ate(shop: Shop, device: Device | None, *names: str, at: datetime, pays: bool = True) -> Visit:
    """One visit with one order of these dishes."""
    visit = seated(shop, at)
    placed = ordering.place_order(
        shop=shop, visit=visit, table=visit.table, device=device, wanted=[Wanted(item=cast.item_of(shop, name).public_id) for name in names],
        key=ids.new_code(), expected_total=None, by="guest:test", at=at,
    )  # fmt: skip
    assert placed.bill
    if pays:
        ordering.settle_at_counter(bill=placed.bill, by="staff:test", at=at)
    ordering.close_visit(visit=visit, by="staff:test", at=at)
    return visit


def seated(shop: Shop, at: datetime) -> Visit:
    visit = ordering.sit_down(table=shops.tables_of(shop)[0], at=at).visit
    assert visit
    return visit


def came_twice(shop: Shop, first: str, then: str, *, people: int, taste: bool = True) -> list[Visit]:
    """So many friends who had the one dish, and a week later the other; their second visits."""
    later = []
    for n in range(people):
        device = friend(shop, taste=taste)
        ate(shop, device, first, at=NOON + timedelta(minutes=n))
        later.append(ate(shop, device, then, at=NOON + WEEK + timedelta(minutes=n)))
    return later


def learned(shop: Shop) -> dict[tuple[str, str], Sequel]:
    actions.learn_sequels(at=NOON + 2 * WEEK)
    rows = Sequel.objects.filter(shop=shop, item__isnull=False).select_related("item", "dish")
    return {(row.item.name["ko"], row.dish.name["ko"]): row for row in rows if row.item}


def dish(shop: Shop, name: str) -> int:
    return cast.item_of(shop, name).id


def test_what_people_choose_after_a_dish_is_learned_and_shrunk_towards_what_they_choose_anyway(shop: Shop) -> None:
    came_twice(shop, PANCAKE, PUNCH, people=8)
    came_twice(shop, PUNCH, RICE, people=8)
    came_twice(shop, PANCAKE, RICE, people=2)
    came_twice(shop, RICE, RICE, people=10)
    found = learned(shop)
    assert set(found) == {(PANCAKE, PUNCH), (PUNCH, RICE)}
    row = found[PANCAKE, PUNCH]
    usual = 8 / 20  # of the 28 who came again, the eight who began with the punch could not choose it anew
    assert row.people == 8
    assert row.chance == pytest.approx((8 + rules.SEQUEL_DOUBT * usual) / (10 + rules.SEQUEL_DOUBT))


def test_the_order_of_visits_counts_and_not_that_both_were_had(shop: Shop) -> None:
    came_twice(shop, PANCAKE, PUNCH, people=8)
    came_twice(shop, RICE, RICE, people=8)
    assert set(learned(shop)) == {(PANCAKE, PUNCH)}
    for n in range(8):
        device = friend(shop)
        ate(shop, device, PUNCH, RICE, at=NOON + timedelta(hours=1, minutes=n))
        ate(shop, device, PUNCH, at=NOON + WEEK + timedelta(hours=1, minutes=n))
    assert (PUNCH, RICE) not in learned(shop)


def test_fewer_than_five_people_teach_nothing_however_often_they_come(shop: Shop) -> None:
    came_twice(shop, RICE, RICE, people=8)
    few = [friend(shop) for _ in range(PEOPLE_LEAST - 1)]
    for week in range(4):
        for n, device in enumerate(few):
            ate(shop, device, PUNCH if week % 2 else PANCAKE, at=NOON + timedelta(days=2 * week, minutes=n))
    assert learned(shop) == {}
    last = friend(shop)
    ate(shop, last, PANCAKE, at=NOON + timedelta(hours=2))
    ate(shop, last, PUNCH, at=NOON + timedelta(days=2, hours=2))
    assert learned(shop)[PANCAKE, PUNCH].people == PEOPLE_LEAST


def test_only_those_who_agree_that_their_taste_is_looked_at_teach(shop: Shop) -> None:
    came_twice(shop, RICE, RICE, people=8)
    came_twice(shop, PANCAKE, PUNCH, people=8, taste=False)
    assert learned(shop) == {}


def test_visits_that_were_shown_a_suggestion_prove_nothing(shop: Shop) -> None:
    came_twice(shop, RICE, RICE, people=8)
    later = came_twice(shop, PANCAKE, PUNCH, people=8)
    assert learned(shop)
    Suggestion.objects.bulk_create(
        Suggestion(shop=shop, visit=v, place=Place.MENU, item=None, shown=True, at=NOON) for v in later
    )
    assert learned(shop) == {}
    Suggestion.objects.update(shown=False)
    assert learned(shop), "those whom the coin held out are as they are"


def test_a_dish_with_an_age_limit_teaches_nothing(shop: Shop) -> None:
    came_twice(shop, RICE, RICE, people=8)
    came_twice(shop, PANCAKE, PUNCH, people=8)
    assert learned(shop)
    Item.objects.filter(pk=dish(shop, PANCAKE)).update(alcohol=True)
    assert learned(shop) == {}


def test_the_best_sellers_come_from_five_phones_at_least(shop: Shop) -> None:
    for n in range(PEOPLE_LEAST):
        device, _ = people.remember_device(at=NOON)
        ate(shop, device, PANCAKE, *([PUNCH] if n else []), at=NOON + timedelta(minutes=n))
    ate(shop, device, PUNCH, at=NOON + timedelta(hours=1))
    ate(shop, None, PUNCH, at=NOON + timedelta(hours=2))
    actions.learn_sequels(at=NOON + WEEK)
    (row,) = Sequel.objects.all()
    assert (row.item_id, row.dish_id, row.people) == (None, dish(shop, PANCAKE), PEOPLE_LEAST)
    assert row.chance == pytest.approx(5 / 7)


def follows(shop: Shop, item: str | None, then: str, chance: float = 0.5) -> None:
    Sequel.objects.create(
        shop=shop, item_id=dish(shop, item) if item else None, dish_id=dish(shop, then), chance=chance, people=9
    )


def offered(shop: Shop, device: Device, beside: tuple[int, ...] = ()) -> str | None:
    """What the friend would be offered on a visit a week later."""
    visit = Visit.objects.filter(closed_at=None).first() or seated(shop, NOON + WEEK)
    found = queries.next_dish(shop, one(device), visit=visit, beside=beside)
    return found.dish.name["ko"] if found else None


def test_the_likeliest_dish_after_what_they_had_comes_before_the_best_seller_and_never_one_they_had(shop: Shop) -> None:
    follows(shop, PANCAKE, RICE, 0.3)
    follows(shop, None, PUNCH, 0.9)
    device = friend(shop)
    assert offered(shop, device) is None, "they were never here"
    ordering.close_visit(visit=Visit.objects.get(), by="staff:test", at=NOON)
    ate(shop, device, PANCAKE, at=NOON)
    assert offered(shop, device) == RICE
    assert offered(shop, device, (dish(shop, RICE),)) == PUNCH, "it is in the basket"
    follows(shop, PANCAKE, PUNCH, 0.4)
    assert offered(shop, device) == PUNCH
    ordering.close_visit(visit=Visit.objects.get(closed_at=None), by="staff:test", at=NOON)
    ate(shop, device, PUNCH, at=NOON + timedelta(days=1), pays=True)
    assert offered(shop, device) == RICE
    ordering.close_visit(visit=Visit.objects.get(closed_at=None), by="staff:test", at=NOON)
    ate(shop, device, RICE, at=NOON + timedelta(days=2))
    assert offered(shop, device) is None


def test_what_was_not_paid_for_or_is_of_today_is_no_earlier_visit(shop: Shop) -> None:
    follows(shop, None, PUNCH)
    device = friend(shop)
    ate(shop, device, PANCAKE, at=NOON, pays=False)
    assert offered(shop, device) is None
    visit = Visit.objects.get(closed_at=None)
    placed = ordering.place_order(
        shop=shop, visit=visit, table=visit.table, device=device, wanted=[Wanted(item=cast.item_of(shop, RICE).public_id)],
        key=ids.new_code(), expected_total=None, by="guest:test", at=NOON + WEEK,
    )  # fmt: skip
    assert placed.bill
    ordering.settle_at_counter(bill=placed.bill, by="staff:test", at=NOON + WEEK)
    assert offered(shop, device) is None
    OrderLine.objects.update(struck_at=NOON)


@pytest.mark.parametrize("change", [{"sold_out": True}, {"alcohol": True}, {"retired_at": NOON}])
def test_nothing_is_offered_that_cannot_be_had_or_has_an_age_limit(shop: Shop, change: dict[str, object]) -> None:
    follows(shop, PANCAKE, PUNCH)
    device = friend(shop)
    ate(shop, device, PANCAKE, at=NOON)
    assert offered(shop, device) == PUNCH
    Item.objects.filter(pk=dish(shop, PUNCH)).update(**change)
    assert offered(shop, device) is None


def test_without_the_consent_or_after_it_was_withdrawn_nothing_is_offered(shop: Shop) -> None:
    follows(shop, PANCAKE, PUNCH)
    plain, tasting = friend(shop, taste=False), friend(shop)
    for n, device in enumerate((plain, tasting)):
        ate(shop, device, PANCAKE, at=NOON + timedelta(minutes=n))
    assert offered(shop, plain) is None
    assert offered(shop, tasting) == PUNCH
    people.withdraw_consent(
        person=one(tasting), sender=shop_sender(shop.public_id), purpose=Purpose.TASTE, source="my page", proof={}, by="t", at=NOON
    )  # fmt: skip
    assert offered(shop, tasting) is None


def test_whoever_leaves_the_channel_is_offered_nothing(shop: Shop) -> None:
    follows(shop, PANCAKE, PUNCH)
    device = friend(shop)
    ate(shop, device, PANCAKE, at=NOON)
    assert offered(shop, device) == PUNCH
    regulars.leave_channel(shop=shop, person=one(device), by="t", at=NOON)
    assert offered(shop, device) is None


def test_the_held_out_are_written_down_and_a_visit_is_offered_one_dish(shop: Shop) -> None:
    follows(shop, PANCAKE, PUNCH)
    follows(shop, PANCAKE, RICE, 0.2)
    device = friend(shop)
    ate(shop, device, PANCAKE, at=NOON)
    visit = seated(shop, NOON + WEEK)

    def asked(*, held: bool, beside: tuple[int, ...] = ()) -> Sequel | None:
        return actions.suggest_next(visit=visit, person=one(device), beside=beside, held=held, at=NOON + WEEK)

    assert asked(held=True) is None
    assert asked(held=False) is None, "the first word stands"
    assert Suggestion.objects.filter(visit=visit).values_list("place", "shown", "item_id").get() == (
        "menu", False, dish(shop, PUNCH)
    )  # fmt: skip
    ordering.close_visit(visit=visit, by="staff:test", at=NOON + WEEK)
    visit = seated(shop, NOON + 2 * WEEK)
    shown = asked(held=False)
    assert shown
    assert (shown.dish_id, shown.item_id) == (dish(shop, PUNCH), dish(shop, PANCAKE))
    assert asked(held=False) == shown
    assert asked(held=False, beside=(dish(shop, PUNCH),)) is None, "no second one"


def test_an_erased_person_is_offered_nothing_teaches_nothing_and_stands_in_no_row(shop: Shop) -> None:
    came_twice(shop, RICE, RICE, people=8)
    came_twice(shop, PANCAKE, PUNCH, people=PEOPLE_LEAST - 1)
    device = friend(shop)
    ate(shop, device, PANCAKE, at=NOON + timedelta(hours=2))
    visit = ate(shop, device, PUNCH, at=NOON + WEEK + timedelta(hours=2))
    Suggestion.objects.create(shop=shop, visit=visit, place=Place.MENU, item_id=dish(shop, PUNCH), shown=False, at=NOON)
    assert (PANCAKE, PUNCH) in learned(shop)
    person = one(device)
    people.erase_person(person=person, by="guest", at=NOON + WEEK)
    assert learned(shop) == {}
    assert queries.next_dish(shop, person, visit=visit, beside=()) is None
    assert Suggestion.objects.get().visit_id == visit.pk
    linked = {f.related_model for m in (Sequel, Suggestion) for f in m._meta.get_fields() if f.is_relation}
    assert not linked & {Person, Device}


def test_two_phones_that_turn_out_to_be_one_person_have_had_what_both_had(shop: Shop) -> None:
    follows(shop, PANCAKE, PUNCH)
    follows(shop, PANCAKE, RICE, 0.2)
    account = friend(shop)
    ate(shop, account, PANCAKE, at=NOON)
    other = friend(shop)
    ate(shop, other, PUNCH, at=NOON + timedelta(hours=1))
    assert offered(shop, account) == PUNCH
    people.claim_device(device=other, person=cast.person(cast.MOKRYEON), at=NOON)
    people.claim_device(device=account, person=cast.person(cast.MOKRYEON), at=NOON)
    assert offered(shop, account) == RICE
