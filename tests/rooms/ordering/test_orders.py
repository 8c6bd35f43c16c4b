from collections.abc import Callable
from datetime import timedelta

import pytest

from dure.kit.errors import DureError
from dure.menu.models import Item
from dure.ordering import actions as ordering
from dure.ordering import errors, queries
from dure.ordering.models import BasketLine, Bill, Order, OrderLine
from dure.ordering.values import BillState, OrderState, Wanted
from dure.payments import actions as rail
from dure.payments import queries as payments
from dure.payments.values import Amount
from dure.people.models import Device
from dure.shops import actions as shops
from tests.rooms.ordering.conftest import BY, NOON, Place, open_place

Key = Callable[[], str]


def place_tea(place: Place, device: Device | None, key: str, **more: object) -> Order:
    said: dict[str, object] = {
        "shop": place.shop,
        "visit": place.sit(),
        "table": place.tables[0],
        "device": device,
        "wanted": [place.want(quantity=2)],
        "key": key,
        "expected_total": 6_000,
        "by": "guest",
        "at": NOON,
        **more,
    }
    return ordering.place_order(**said)  # type: ignore[arg-type]


def test_pay_first_waits_for_money_before_the_kitchen_sees_it(place: Place, phone: Device, key: Key) -> None:
    order = place_tea(place, phone, key())
    assert order.state == OrderState.WAITING
    assert queries.kitchen_board(place.shop, at=NOON).tickets == []
    bill = Bill.objects.get(id=order.bill_id)
    assert (bill.subtotal, bill.total, bill.tax_free, bill.vat) == (6_000, 6_000, 6_000, 0)
    ordering.settle_at_counter(bill=bill, by=BY, at=NOON)
    board = queries.kitchen_board(place.shop, at=NOON)
    assert [ticket.order.public_id for ticket in board.tickets] == [order.public_id]
    assert board.tickets[0].needs_look


def test_a_tab_reaches_the_kitchen_at_once_and_is_paid_at_the_end(tab_place: Place, phone: Device, key: Key) -> None:
    first = place_tea(tab_place, phone, key())
    second = place_tea(tab_place, phone, key())
    assert (first.state, second.state, second.addition) == (OrderState.RECEIVED, OrderState.RECEIVED, True)
    visit = tab_place.sit()
    with pytest.raises(errors.NotPaidYet):
        ordering.close_visit(visit=visit, by=BY, at=NOON)
    bill = ordering.open_bill(visit=visit, device=phone, at=NOON)
    assert bill.total == 12_000
    ordering.settle_at_counter(bill=bill, by=BY, at=NOON)
    ordering.close_visit(visit=visit, by=BY, at=NOON)
    with pytest.raises(errors.NothingToPay):
        ordering.open_bill(visit=visit, device=phone, at=NOON)


def test_prices_come_from_the_menu_with_the_options_chosen(place: Place, phone: Device, key: Key) -> None:
    wanted = [Wanted(item=place.noodles.public_id, options=(place.large.public_id,), quantity=3)]
    order = place_tea(place, phone, key(), wanted=wanted, expected_total=28_500)
    line = OrderLine.objects.get(order=order)
    assert (line.unit_price, line.total, order.total) == (9_500, 28_500, 28_500)
    Item.objects.filter(id=place.noodles.id).update(price=1)
    line.refresh_from_db()
    assert line.unit_price == 9_500


@pytest.mark.parametrize(
    ("wanted", "refusal"),
    [
        (lambda p: [Wanted(item=p.noodles.public_id)], errors.OptionsInvalid),
        (lambda p: [Wanted(item=p.tea.public_id, options=(p.large.public_id,))], errors.OptionsInvalid),
        (lambda p: [Wanted(item=p.noodles.public_id, options=(p.large.public_id,) * 2)], errors.OptionsInvalid),
        (lambda p: [Wanted(item="itm_" + "0" * 26)], errors.NotOnMenu),
        (lambda p: [Wanted(item=p.tea.public_id, quantity=0)], errors.QuantityInvalid),
        (lambda p: [Wanted(item=p.tea.public_id, quantity=-1)], errors.QuantityInvalid),
        (lambda p: [Wanted(item=p.tea.public_id, quantity=100)], errors.QuantityInvalid),
        (lambda p: [Wanted(item=p.tea.public_id, quantity=2**63)], errors.QuantityInvalid),
        (lambda p: [p.want()] * 51, errors.TooMuch),
        (lambda p: [p.want(quantity=99)] * 50, errors.TooMuch),
        (lambda p: [], errors.EmptyBasket),
        (lambda p: None, errors.EmptyBasket),
    ],
)
def test_what_cannot_be_ordered_is_refused_and_leaves_nothing(
    place: Place, phone: Device, key: Key, wanted: Callable[[Place], list[Wanted] | None], refusal: type[DureError]
) -> None:
    with pytest.raises(refusal):
        place_tea(place, phone, key(), wanted=wanted(place), expected_total=None)
    assert not Order.objects.exists()
    assert not Bill.objects.exists()


def test_another_shops_item_is_not_on_this_menu(place: Place, phone: Device, key: Key) -> None:
    other = open_place("옆집", pay_timing="tab")
    with pytest.raises(errors.NotOnMenu):
        place_tea(place, phone, key(), wanted=[other.want()])


def test_a_changed_price_is_shown_before_anything_is_ordered(place: Place, phone: Device, key: Key) -> None:
    Item.objects.filter(id=place.tea.id).update(price=3_500)
    with pytest.raises(errors.PriceChanged) as refused:
        place_tea(place, phone, key())
    assert refused.value.facts["total"] == 7_000
    assert not Order.objects.exists()


def test_sold_out_in_the_basket_names_the_item_and_keeps_the_basket(place: Place, phone: Device, key: Key) -> None:
    visit = place.sit()
    ordering.put_in_basket(visit=visit, wanted=place.want(), at=NOON)
    Item.objects.filter(id=place.tea.id).update(sold_out=True)
    with pytest.raises(errors.SoldOut) as refused:
        place_tea(place, phone, key(), wanted=None, expected_total=3_000)
    assert refused.value.facts["items"] == [place.tea.public_id]
    assert queries.basket_of(visit, person=None, at=NOON).sold_out
    assert BasketLine.objects.count() == 1


def test_the_same_key_is_the_same_order_and_other_contents_are_refused(place: Place, phone: Device, key: Key) -> None:
    same = key()
    first = place_tea(place, phone, same)
    assert place_tea(place, phone, same).id == first.id
    with pytest.raises(errors.KeyReused):
        place_tea(place, phone, same, wanted=[place.want(quantity=3)], expected_total=9_000)
    assert Order.objects.count() == 1


def test_a_basket_order_repeated_after_its_answer_was_lost_is_the_same_order(
    place: Place, phone: Device, key: Key
) -> None:
    visit = place.sit()
    ordering.put_in_basket(visit=visit, wanted=place.want(quantity=2), at=NOON)
    same = key()
    first = place_tea(place, phone, same, wanted=None)
    assert queries.basket_of(visit, person=None, at=NOON).rows == []
    assert place_tea(place, phone, same, wanted=None).id == first.id
    ordering.close_visit(visit=visit, by=BY, at=NOON)
    assert place_tea(place, phone, same, wanted=None, visit=visit).id == first.id


def test_a_closed_shop_takes_no_orders_but_its_staff_may(place: Place, phone: Device, key: Key) -> None:
    shop = shops.pause_orders(shop=place.shop, minutes=20, by=BY, at=NOON)
    with pytest.raises(errors.ClosedNow) as refused:
        place_tea(place, phone, key(), shop=shop)
    assert "12:20" in str(refused.value.sentence)
    assert place_tea(place, None, key(), shop=shop, visit=None, by_staff=True).by_staff


def test_refusing_a_paid_order_returns_the_money_and_tells_why(place: Place, phone: Device, key: Key) -> None:
    order = place_tea(place, phone, key())
    bill = Bill.objects.get(id=order.bill_id)
    ordering.settle_at_counter(bill=bill, by=BY, at=NOON)
    with pytest.raises(errors.NoReason):
        ordering.refuse_order(shop=place.shop, order=order.public_id, reason=" ", by=BY, at=NOON)
    for _ in range(2):
        ordering.refuse_order(shop=place.shop, order=order.public_id, reason="재료가 떨어졌어요", by=BY, at=NOON)
    bill.refresh_from_db()
    order.refresh_from_db()
    assert (bill.state, bill.refunded, order.reason) == (BillState.RETURNED, 6_000, "재료가 떨어졌어요")
    (payment,) = payments.payments_about(bill.public_id)
    assert [refund.amount for refund in payment.refunds.all()] == [6_000]


def test_refusing_one_order_of_a_paid_tab_returns_its_share_and_all_of_them_everything(
    tab_place: Place, phone: Device, key: Key
) -> None:
    orders = [place_tea(tab_place, phone, key()) for _ in range(3)]
    bill = ordering.open_bill(visit=tab_place.sit(), device=phone, at=NOON)
    ordering.settle_at_counter(bill=bill, by=BY, at=NOON)
    for n, order in enumerate(orders, start=1):
        ordering.refuse_order(shop=tab_place.shop, order=order.public_id, reason="no", by=BY, at=NOON)
        bill.refresh_from_db()
        assert bill.refunded == 6_000 * n
    assert bill.state == BillState.RETURNED


def test_the_kitchen_steps_forward_and_one_step_back(place: Place, phone: Device, key: Key) -> None:
    order = place_tea(place, phone, key())
    with pytest.raises(errors.WrongStep):
        ordering.move_order(shop=place.shop, order=order.public_id, to=OrderState.ACCEPTED, by=BY, at=NOON)
    ordering.settle_at_counter(bill=Bill.objects.get(id=order.bill_id), by=BY, at=NOON)
    for state in (OrderState.ACCEPTED, OrderState.COOKING, OrderState.READY, OrderState.SERVED):
        moved = ordering.move_order(shop=place.shop, order=order.public_id, to=state, by=BY, at=NOON)
        assert moved.state == state
        ordering.move_order(shop=place.shop, order=order.public_id, to=state, by=BY, at=NOON)
    assert ordering.recall_order(shop=place.shop, order=order.public_id, by=BY, at=NOON).state == OrderState.READY
    with pytest.raises(errors.WrongStep):
        ordering.move_order(shop=place.shop, order=order.public_id, to=OrderState.ACCEPTED, by=BY, at=NOON)


def test_a_guest_may_step_back_until_it_is_paid(place: Place, phone: Device, key: Key) -> None:
    order = place_tea(place, phone, key())
    ordering.give_up_order(shop=place.shop, order=order.public_id, by="guest", at=NOON)
    order.refresh_from_db()
    assert order.state == OrderState.GIVEN_UP
    with pytest.raises(errors.NothingToPay):
        ordering.settle_at_counter(bill=Bill.objects.get(id=order.bill_id), by=BY, at=NOON)


def test_numbers_start_again_every_business_day(place: Place, phone: Device, key: Key) -> None:
    today = [place_tea(place, phone, key()).number for _ in range(2)]
    later = NOON + timedelta(days=1)
    assert today == [1, 2]
    assert place_tea(place, phone, key(), at=later, visit=place.sit(1, at=later), table=place.tables[1]).number == 1


def test_staff_orders_for_a_guest_without_a_phone(place: Place, key: Key) -> None:
    order = place_tea(place, None, key(), visit=None, by_staff=True, by=BY)
    assert order.by_staff
    assert order.table_id == place.tables[0].id


def test_money_of_another_sum_pays_no_bill_and_goes_back(place: Place, phone: Device, key: Key) -> None:
    bill = Bill.objects.get(orders=place_tea(place, phone, key()))
    for other in (bill.total - 1, bill.total + 1):
        paid = rail.settle_at_counter(
            reference=bill.public_id, amount=Amount(other, 0, 0), item_name="i", payer="p",
            payee=queries.payee_of(place.shop), key=f"other:{other}", by=BY, at=NOON,
        )  # fmt: skip
        paid.refresh_from_db()
        bill.refresh_from_db()
        assert (bill.state, paid.refunded) == (BillState.OPEN, other)


def test_guests_whose_bill_lies_on_the_table_are_not_closed_away(tab_place: Place, phone: Device, key: Key) -> None:
    place_tea(tab_place, phone, key())
    visit = tab_place.sit()
    bill = ordering.open_bill(visit=visit, device=phone, at=NOON)
    with pytest.raises(errors.NotPaidYet):
        ordering.close_visit(visit=visit, by=BY, at=NOON)
    bill.refresh_from_db()
    assert bill.state == BillState.OPEN


def test_a_visit_that_was_closed_orders_nothing_more(tab_place: Place, phone: Device, key: Key) -> None:
    visit = tab_place.sit()
    ordering.close_visit(visit=visit, by=BY, at=NOON)
    with pytest.raises(errors.VisitOver):
        place_tea(tab_place, phone, key(), visit=visit)
    assert not Order.objects.exists()
