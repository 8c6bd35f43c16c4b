"""A table splits its bill: no won is lost, nobody pays another's part, and what failed is the table's again."""

from collections.abc import Callable, Iterator

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dure.kit import ids
from dure.offers import actions as offers
from dure.offers.models import Redemption
from dure.ordering import actions as ordering
from dure.ordering import errors, jobs, queries, rules
from dure.ordering.models import Bill, BillPart, Order
from dure.ordering.values import BillState, OrderState, PartState, SplitBy, Wanted
from dure.payments import actions as payments
from dure.payments import queries as payment_queries
from dure.payments.models import Payment
from dure.people import actions as people
from dure.people.models import Device
from dure.project import verify
from dure.regulars import actions as regulars
from dure.regulars.models import Relation
from dure.shops import fence
from tests.provider import Sandbox
from tests.rooms.ordering.conftest import BY, NOON, Place

ORIGIN = "http://127.0.0.1:8000"


def a_phone() -> Device:
    device, _ = people.remember_device(at=NOON)
    return device


def a_bill(place: Place, *, teas: int = 3, coupon: str = "none", device: Device | None = None) -> Bill:
    """A tab of noodles and teas: 9,500 + 3,000 × `teas` won."""
    visit = place.sit()
    ordering.place_order(
        shop=place.shop,
        visit=visit,
        table=place.tables[0],
        device=device,
        wanted=[
            Wanted(item=place.noodles.public_id, options=(place.large.public_id,)),
            Wanted(item=place.tea.public_id, quantity=teas),
        ],
        key=ids.new_code(20),
        expected_total=None,
        by="guest:test",
        at=NOON,
    )
    return ordering.open_bill(visit=visit, device=device, coupon=coupon, at=NOON)


def broken_promises() -> list[str]:
    promises = (*verify.LEDGER, *verify.PAYMENTS, *verify.STORY)
    return [line for promise in promises for line in verify._broken(promise)]


def fresh(bill: Bill) -> Bill:
    return Bill.objects.get(pk=bill.pk)


@pytest.fixture(autouse=True)
def nothing_is_off(tab_place: Place) -> Iterator[None]:
    yield
    assert broken_promises() == []


# Pure ---------------------------------------------------------------------------------------------------------------


@given(st.integers(1, 10_000_000), st.integers(2, 20))
def test_equal_parts_sum_to_the_bill_and_differ_by_one_won(total: int, ways: int) -> None:
    parts: list[int] = []
    while sum(parts) < total and len(parts) < ways:
        parts.append(rules.next_share(total - sum(parts), ways, len(parts)))
    assert sum(parts) == total
    assert max(parts) - min(parts) <= 1


@given(st.integers(0, 50_000), st.integers(1, 30), st.data())
def test_units_of_a_line_sum_to_it_and_striking_from_the_end_leaves_the_others_alone(
    unit: int, quantity: int, data: st.DataObject
) -> None:
    discount = data.draw(st.integers(0, unit * quantity))
    prices = rules.unit_prices(unit, quantity, discount)
    assert sum(prices) == unit * quantity - discount
    kept = data.draw(st.integers(1, quantity))
    left = discount - (unit * (quantity - kept) - sum(prices[kept:]))
    assert rules.unit_prices(unit, kept, left) == prices[:kept]


@given(st.lists(st.tuples(st.integers(0, 50_000), st.integers(0, 50_000)), min_size=1, max_size=8), st.data())
def test_money_goes_back_to_the_won_and_to_nobody_more_than_they_hold(
    who: list[tuple[int, int]], data: st.DataObject
) -> None:
    held, weights = [h for h, _ in who], [w for _, w in who]
    won = data.draw(st.integers(0, sum(held)))
    back = rules.shares_back(won, held, weights)
    assert sum(back) == won
    assert all(0 <= b <= h for b, h in zip(back, held, strict=True))


# Splitting ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("ways", [2, 3, 7])
def test_equal_parts_at_the_counter_settle_the_bill(tab_place: Place, ways: int) -> None:
    bill = a_bill(tab_place)
    for number in range(ways):
        assert fresh(bill).state == BillState.OPEN, number
        part = ordering.take_part(bill=bill, device=a_phone(), split_by=SplitBy.EVENLY, ways=ways, at=NOON)
        ordering.settle_part_at_counter(part=part, by=BY, at=NOON)
    settled = fresh(bill)
    assert (settled.state, settled.settled_with) == (BillState.SETTLED, "split")
    parts = list(BillPart.objects.filter(bill=bill))
    assert sum(p.amount for p in parts) == settled.total == 18_500
    assert sum(p.tax_free for p in parts) == settled.tax_free
    assert sum(p.vat for p in parts) == settled.vat
    assert Payment.objects.filter(reference__in=[p.public_id for p in parts], state="approved").count() == ways


def test_each_pays_what_they_ate_after_the_coupons_share(tab_place: Place) -> None:
    phone = a_phone()
    person = people.ensure_person(device=phone, at=NOON)
    phone.refresh_from_db()
    offers.issue_coupon(offer=tab_place.welcome, person=person, key="one", at=NOON)
    bill = a_bill(tab_place, coupon="best", device=phone)
    assert bill.total == 17_500
    noodles = ordering.take_part(bill=bill, device=phone, split_by=SplitBy.ITEM, dishes={1: 1}, at=NOON)
    tea = ordering.take_part(bill=bill, device=a_phone(), split_by=SplitBy.ITEM, dishes={2: 2}, at=NOON)
    with pytest.raises(errors.PartGone):
        ordering.take_part(bill=bill, device=a_phone(), split_by=SplitBy.ITEM, dishes={2: 2}, at=NOON)
    last = ordering.take_part(bill=bill, device=a_phone(), split_by=SplitBy.ITEM, dishes={2: 1}, at=NOON)
    assert noodles.amount + tea.amount + last.amount == 17_500
    assert noodles.amount == 9_500 - bill.orders.get().lines.order_by("id")[0].discount
    for part in (noodles, tea, last):
        ordering.settle_part_at_counter(part=part, by=BY, at=NOON)
    assert fresh(bill).state == BillState.SETTLED
    assert Redemption.objects.get().state == "committed"


def test_an_amount_is_at_most_what_is_left(tab_place: Place) -> None:
    bill = a_bill(tab_place)
    for wrong in (0, -1, 18_501, 2**40):
        with pytest.raises(errors.PartInvalid):
            ordering.take_part(bill=bill, device=a_phone(), split_by=SplitBy.AMOUNT, amount=wrong, at=NOON)
    ordering.take_part(bill=bill, device=a_phone(), split_by=SplitBy.AMOUNT, amount=18_000, at=NOON)
    with pytest.raises(errors.PartInvalid):
        ordering.take_part(bill=bill, device=a_phone(), split_by=SplitBy.AMOUNT, amount=501, at=NOON)
    with pytest.raises(errors.SplitOtherwise):
        ordering.take_part(bill=bill, device=a_phone(), split_by=SplitBy.EVENLY, ways=2, at=NOON)
    assert queries.split_of(fresh(bill)).left == 500


def test_a_phone_that_chooses_again_gives_its_first_part_back(tab_place: Place) -> None:
    bill, phone = a_bill(tab_place), a_phone()
    ordering.take_part(bill=bill, device=phone, split_by=SplitBy.AMOUNT, amount=10_000, at=NOON)
    second = ordering.take_part(bill=bill, device=phone, split_by=SplitBy.EVENLY, ways=2, at=NOON)
    assert second.amount == 9_250
    assert fresh(bill).taken == 9_250


def test_a_part_that_nobody_pays_is_the_tables_again(tab_place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    bill = a_bill(tab_place)
    part = ordering.take_part(bill=bill, device=a_phone(), split_by=SplitBy.AMOUNT, amount=10_000, at=NOON)
    monkeypatch.setattr("dure.kit.clock.now", lambda: NOON + rules.TAKEN_FOR + rules.TAKEN_FOR)
    jobs.give_parts_back(0)
    part.refresh_from_db()
    assert (part.state, fresh(bill).taken, fresh(bill).split_by) == (PartState.GIVEN_BACK, 0, "")
    ordering.give_part_back(part=part, at=NOON)


def test_the_shop_takes_the_rest_at_the_counter(tab_place: Place) -> None:
    bill = a_bill(tab_place)
    part = ordering.take_part(bill=bill, device=a_phone(), split_by=SplitBy.ITEM, dishes={2: 1}, at=NOON)
    ordering.settle_part_at_counter(part=part, by=BY, at=NOON)
    ordering.settle_at_counter(bill=bill, by=BY, at=NOON)
    assert fresh(bill).state == BillState.SETTLED
    assert sorted(BillPart.objects.values_list("amount", flat=True)) == [3_000, 15_500]
    with pytest.raises(errors.AlreadyPaid):
        ordering.settle_at_counter(bill=bill, by=BY, at=NOON)


def test_who_leaves_without_paying_the_rest_leaves_the_paid_parts_paid(tab_place: Place) -> None:
    bill = a_bill(tab_place)
    part = ordering.take_part(bill=bill, device=a_phone(), split_by=SplitBy.EVENLY, ways=2, at=NOON)
    ordering.settle_part_at_counter(part=part, by=BY, at=NOON)
    assert bill.visit
    with pytest.raises(errors.NotPaidYet):
        ordering.close_visit(visit=bill.visit, by=BY, at=NOON)
    ordering.close_visit(visit=bill.visit, by=BY, at=NOON, unpaid_because="도망갔어요")
    closed = fresh(bill)
    assert (closed.state, closed.total - closed.refunded) == (BillState.SETTLED, 9_250)


def test_what_is_ordered_after_somebody_paid_is_another_bill(tab_place: Place) -> None:
    bill = a_bill(tab_place)
    part = ordering.take_part(bill=bill, device=a_phone(), split_by=SplitBy.EVENLY, ways=2, at=NOON)
    ordering.settle_part_at_counter(part=part, by=BY, at=NOON)
    assert bill.visit
    assert ordering.open_bill(visit=bill.visit, device=None, at=NOON).pk == bill.pk
    with pytest.raises(errors.BillPartlyPaid):
        ordering.choose_coupon(bill=bill, coupon="none", at=NOON)
    ordering.place_order(
        shop=tab_place.shop, visit=bill.visit, table=tab_place.tables[0], device=None, wanted=[tab_place.want()],
        key=ids.new_code(20), expected_total=None, by="guest:test", at=NOON,
    )  # fmt: skip
    another = ordering.open_bill(visit=bill.visit, device=None, at=NOON)
    assert (another.pk == bill.pk, another.total) == (False, 3_000)
    assert fresh(bill).total == 18_500


def test_each_friend_counts_what_they_paid_themselves(tab_place: Place) -> None:
    friends = []
    for _ in range(2):
        phone = a_phone()
        person = people.ensure_person(device=phone, at=NOON)
        phone.refresh_from_db()
        regulars.join_channel(
            shop=tab_place.shop, person=person, device=phone, source="test", by=f"person:{person.pk}", at=NOON
        )
        friends.append((phone, person))
    bill = a_bill(tab_place, device=friends[0][0])
    for phone, _ in friends:
        part = ordering.take_part(bill=bill, device=phone, split_by=SplitBy.EVENLY, ways=2, at=NOON)
        ordering.settle_part_at_counter(part=part, by=BY, at=NOON)
    assert [Relation.objects.get(person=person).spend for _, person in friends] == [9_250, 9_250]
    order = bill.orders.get()
    ordering.refuse_order(shop=tab_place.shop, order=order.public_id, reason="탔어요", by=BY, at=NOON)
    assert [Relation.objects.get(person=person).visits for _, person in friends] == [0, 0]
    assert set(BillPart.objects.values_list("state", flat=True)) == {PartState.RETURNED}


# Online -------------------------------------------------------------------------------------------------------------


def pay_online(part: BillPart, phone: Device, sandbox: Sandbox) -> Payment:
    payment = ordering.begin_part_payment(
        part=part, provider="kakaopay", origin=ORIGIN, return_path="/", device=phone, at=NOON
    )
    return payments.approve_payment(payment=payment, token=sandbox.agree(payment.redirect_url), at=NOON)


@pytest.mark.django_db(transaction=True)
class TestOnline:
    def test_two_phones_pay_their_parts_and_the_kitchen_hears_once(self, tab_place: Place, sandbox: Sandbox) -> None:
        bill = a_bill(tab_place)
        for _ in range(2):
            phone = a_phone()
            part = ordering.take_part(bill=bill, device=phone, split_by=SplitBy.EVENLY, ways=2, at=NOON)
            assert pay_online(part, phone, sandbox).state == "approved"
        assert fresh(bill).state == BillState.SETTLED
        assert sum(one["total"] for one in map(sandbox.truth().get, paid_names(bill)) if one) == 18_500

    def test_a_part_that_failed_is_the_tables_again(self, tab_place: Place, sandbox: Sandbox) -> None:
        bill, phone = a_bill(tab_place), a_phone()
        part = ordering.take_part(bill=bill, device=phone, split_by=SplitBy.AMOUNT, amount=10_000, at=NOON)
        sandbox.faults(approve={"kind": "refused", "count": 1})
        assert pay_online(part, phone, sandbox).state == "failed"
        part.refresh_from_db()
        assert (part.state, fresh(bill).taken) == (PartState.GIVEN_BACK, 0)
        again = ordering.take_part(bill=bill, device=phone, split_by=SplitBy.AMOUNT, amount=18_500, at=NOON)
        pay_online(again, phone, sandbox)
        assert fresh(bill).state == BillState.SETTLED

    def test_a_part_in_doubt_stays_taken(self, tab_place: Place, sandbox: Sandbox) -> None:
        bill, phone = a_bill(tab_place), a_phone()
        part = ordering.take_part(bill=bill, device=phone, split_by=SplitBy.EVENLY, ways=2, at=NOON)
        sandbox.faults(approve={"kind": "timeout_after", "count": 1})
        payment = pay_online(part, phone, sandbox)
        assert payment.state == "approving"
        for act in (
            lambda: ordering.give_part_back(part=part, at=NOON),
            lambda: ordering.settle_at_counter(bill=bill, by=BY, at=NOON),
            lambda: ordering.take_part(bill=bill, device=phone, split_by=SplitBy.EVENLY, ways=2, at=NOON),
        ):
            with pytest.raises(errors.PaymentBeingChecked):
                act()
        payments.resolve_payment(payment=payment, at=NOON + rules.TAKEN_FOR / 100)
        part.refresh_from_db()
        assert part.state == PartState.PAID
        ordering.settle_at_counter(bill=bill, by=BY, at=NOON)
        assert fresh(bill).state == BillState.SETTLED


def paid_names(bill: Bill) -> list[str]:
    return [
        payment.public_id
        for part in BillPart.objects.filter(bill=bill)
        for payment in payment_queries.payments_about(part.public_id)
    ]


# Striking lines -----------------------------------------------------------------------------------------------------


def strike(place: Place, order: Order, line: int, quantity: int = 1, key: str = "") -> None:
    ordering.strike_line(
        shop=place.shop, order=order.public_id, line=line, quantity=quantity, reason="재료가 없어요",
        key=key or ids.new_code(12), by=BY, at=NOON,
    )  # fmt: skip


def test_a_struck_line_of_an_unpaid_tab_is_not_asked_for(tab_place: Place) -> None:
    bill = a_bill(tab_place)
    order = bill.orders.get()
    strike(tab_place, order, 2, 2, key="struck-once")
    strike(tab_place, order, 2, 2, key="struck-once")
    assert fresh(bill).total == 12_500
    board = queries.kitchen_board(tab_place.shop, at=NOON)
    assert [(name["ko"], n) for name, n in board.all_day] == [("칼국수", 1), ("보리차", 1)]
    assert [line.struck_at is not None for line in board.tickets[0].lines] == [False, False, True]
    ordering.settle_at_counter(bill=bill, by=BY, at=NOON)
    for wrong in (0, 2, 99):
        with pytest.raises(errors.QuantityInvalid):
            strike(tab_place, order, 2, wrong)
    for wrong in (0, 3, 4):
        with pytest.raises(errors.NoSuchLine):
            strike(tab_place, order, wrong)


def test_a_struck_line_of_a_split_bill_goes_back_to_who_paid_it(tab_place: Place) -> None:
    bill = a_bill(tab_place)
    noodles = ordering.take_part(bill=bill, device=a_phone(), split_by=SplitBy.ITEM, dishes={1: 1}, at=NOON)
    tea = ordering.take_part(bill=bill, device=a_phone(), split_by=SplitBy.ITEM, dishes={2: 3}, at=NOON)
    for part in (noodles, tea):
        ordering.settle_part_at_counter(part=part, by=BY, at=NOON)
    strike(tab_place, bill.orders.get(), 2)
    noodles.refresh_from_db()
    tea.refresh_from_db()
    assert (noodles.refunded, tea.refunded, fresh(bill).refunded) == (0, 3_000, 3_000)


def test_a_line_struck_while_the_table_is_paying_gives_back_what_was_paid_too_much(tab_place: Place) -> None:
    bill = a_bill(tab_place)
    part = ordering.take_part(bill=bill, device=a_phone(), split_by=SplitBy.AMOUNT, amount=12_000, at=NOON)
    ordering.settle_part_at_counter(part=part, by=BY, at=NOON)
    strike(tab_place, bill.orders.get(), 1)
    part.refresh_from_db()
    assert (fresh(bill).state, fresh(bill).total, part.amount - part.refunded) == (BillState.SETTLED, 9_000, 9_000)


@pytest.mark.django_db
@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(pieces=st.permutations([(1, 1), (2, 1), (2, 1), (2, 1), (2, 1)]), whole=st.booleans(), ways=st.integers(1, 3))
def test_returning_in_any_pieces_returns_what_returning_at_once_does(
    tab_place: Place, pieces: list[tuple[int, int]], whole: bool, ways: int
) -> None:
    from django.db import transaction

    with transaction.atomic(), fence.within_shop(tab_place.shop.id):
        phone = a_phone()
        person = people.ensure_person(device=phone, at=NOON)
        phone.refresh_from_db()
        coupon = offers.issue_coupon(offer=tab_place.welcome, person=person, key=ids.new_code(8), at=NOON)
        bill = a_bill(tab_place, teas=4, coupon="best", device=phone)
        if ways == 1:
            ordering.settle_at_counter(bill=bill, by=BY, at=NOON)
        for _ in range(ways if ways > 1 else 0):
            part = ordering.take_part(bill=bill, device=a_phone(), split_by=SplitBy.EVENLY, ways=ways, at=NOON)
            ordering.settle_part_at_counter(part=part, by=BY, at=NOON)
        order = bill.orders.get()
        prices = {
            line.pk: rules.unit_prices(line.unit_price, line.quantity, line.discount) for line in order.lines.all()
        }
        for line, quantity in pieces[: 2 if whole else 5]:
            before = fresh(bill).refunded
            strike(tab_place, order, line, quantity)
            exactly = {won for each in prices.values() for won in each}
            assert fresh(bill).refunded - before in exactly
        if whole:
            ordering.refuse_order(shop=tab_place.shop, order=order.public_id, reason="닫아요", by=BY, at=NOON)
        order.refresh_from_db()
        coupon.refresh_from_db()
        done = fresh(bill)
        assert (done.state, done.refunded, order.state) == (BillState.RETURNED, done.total, OrderState.REFUSED)
        assert coupon.used_at is None
        assert broken_promises() == []
        transaction.set_rollback(True)


def test_a_coupon_stays_used_while_anything_stays_paid(tab_place: Place, key: Callable[[], str]) -> None:
    phone = a_phone()
    person = people.ensure_person(device=phone, at=NOON)
    phone.refresh_from_db()
    coupon = offers.issue_coupon(offer=tab_place.welcome, person=person, key="one", at=NOON)
    bill = a_bill(tab_place, coupon="best", device=phone)
    ordering.settle_at_counter(bill=bill, by=BY, at=NOON)
    lines = list(bill.orders.get().lines.order_by("id"))
    strike(tab_place, bill.orders.get(), 1)
    coupon.refresh_from_db()
    assert coupon.used_at is not None
    assert fresh(bill).refunded == lines[0].total - lines[0].discount
