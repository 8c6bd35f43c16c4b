from collections.abc import Callable
from datetime import timedelta

import pytest

from dure.ordering import actions as ordering
from dure.ordering import errors, queries
from dure.ordering.actions.visits import Seat
from dure.ordering.models import Bill, Visit
from dure.people.models import Device
from dure.shops import actions as shops
from dure.shops import queries as shop_queries
from tests.rooms.ordering.conftest import BY, NOON, Place
from tests.rooms.ordering.test_orders import place_tea

Key = Callable[[], str]


def test_scanning_opens_a_visit_and_others_join_it(place: Place) -> None:
    first = ordering.scan(table=place.tables[0], carried="", at=NOON)
    second = ordering.scan(table=place.tables[0], carried="", at=NOON)
    assert first.seat == second.seat == Seat.SEATED
    assert first.visit == second.visit
    assert ordering.scan(table=place.tables[1], carried="", at=NOON).visit != first.visit


def test_a_pass_dies_with_its_visit(place: Place, phone: Device, key: Key) -> None:
    scan = ordering.scan(table=place.tables[0], carried="", at=NOON)
    assert scan.visit
    ordering.close_visit(visit=scan.visit, by=BY, at=NOON)
    again = ordering.scan(table=place.tables[0], carried=scan.carries, at=NOON)
    assert again.seat == Seat.OVER
    assert queries.open_visit_at(place.tables[0]) is None
    with pytest.raises(errors.VisitOver):
        place_tea(place, phone, key(), visit=scan.visit)
    with pytest.raises(errors.VisitOver):
        ordering.put_in_basket(visit=scan.visit, wanted=place.want(), at=NOON)


@pytest.mark.parametrize("carried", ["", "vis_forged", "vis_0:sig", "\x00", "a" * 5000])
def test_a_pass_cannot_be_made_up(place: Place, carried: str) -> None:
    assert queries.visit_by_pass(place.shop, carried) is None


def test_the_next_guests_never_see_the_last_guests_basket(place: Place) -> None:
    visit = place.sit()
    ordering.put_in_basket(visit=visit, wanted=place.want(), at=NOON)
    ordering.close_visit(visit=visit, by=BY, at=NOON)
    assert queries.basket_of(place.sit(), person=None, at=NOON).rows == []


def test_guests_whom_nobody_closed_are_closed_by_the_next_scan(place: Place, phone: Device, key: Key) -> None:
    old = place.sit()
    order = place_tea(place, phone, key())
    ordering.settle_at_counter(bill=Bill.objects.get(id=order.bill_id), by=BY, at=NOON)
    later = NOON + timedelta(hours=2)
    assert place.sit(at=later) == old, "still cooking: they still sit there"
    for state in ("accepted", "cooking", "ready", "served"):
        ordering.move_order(shop=place.shop, order=order.public_id, to=state, by=BY, at=NOON)  # type: ignore[arg-type]
    Visit.objects.filter(id=old.id).update(last_active_at=NOON)
    assert place.sit(at=NOON + timedelta(minutes=29)) == old
    assert place.sit(at=later) != old


def test_where_staff_seats_guests_a_photo_of_the_code_opens_nothing(place: Place) -> None:
    shops.update_shop(shop=place.shop, by=BY, at=NOON, seating="staff")
    table = shop_queries.table_by_code(place.tables[0].code)
    assert ordering.scan(table=table, carried="", at=NOON).seat == Seat.WAIT
    visit = ordering.open_visit_by_staff(table=table, by=BY, at=NOON)
    assert ordering.scan(table=table, carried="", at=NOON).visit == visit
    with pytest.raises(errors.TableTaken):
        ordering.open_visit_by_staff(table=table, by=BY, at=NOON)


def test_moving_takes_orders_basket_and_phones_along(place: Place, phone: Device, key: Key) -> None:
    scan = ordering.scan(table=place.tables[0], carried="", at=NOON)
    assert scan.visit
    order = place_tea(place, phone, key())
    ordering.put_in_basket(visit=scan.visit, wanted=place.want(), at=NOON)
    ordering.move_visit(visit=scan.visit, to_table=place.tables[1], by=BY, at=NOON)
    order.refresh_from_db()
    assert order.table_id == place.tables[1].id
    followed = ordering.scan(table=place.tables[0], carried=scan.carries, at=NOON)
    assert followed.seat == Seat.MOVED
    assert followed.visit
    assert followed.visit.table_id == place.tables[1].id
    other = place.sit(0)
    with pytest.raises(errors.TableTaken):
        ordering.move_visit(visit=other, to_table=place.tables[1], by=BY, at=NOON)


def test_merging_adds_baskets_and_orders_up(tab_place: Place, phone: Device, key: Key) -> None:
    one, two = tab_place.sit(0), tab_place.sit(1)
    place_tea(tab_place, phone, key(), visit=one)
    place_tea(tab_place, phone, key(), visit=two, table=tab_place.tables[1])
    ordering.put_in_basket(visit=one, wanted=tab_place.want(quantity=2), at=NOON)
    ordering.put_in_basket(visit=two, wanted=tab_place.want(), at=NOON)
    carried = queries.pass_of(one)
    ordering.merge_visits(visit=one, into=two, by=BY, at=NOON)
    assert queries.basket_of(two, person=None, at=NOON).count == 3
    assert ordering.open_bill(visit=two, device=phone, at=NOON).total == 12_000
    assert queries.visit_by_pass(tab_place.shop, carried) == two


def test_a_guest_who_left_without_paying_is_written_down_not_lost(tab_place: Place, phone: Device, key: Key) -> None:
    order = place_tea(tab_place, phone, key())
    ordering.close_visit(visit=tab_place.sit(), by=BY, at=NOON, unpaid_because="그냥 가셨어요")
    order.refresh_from_db()
    assert order.bill
    assert order.bill.state == "void"
    assert order.steps.get().reason == "그냥 가셨어요"
