"""Many phones at once, on real PostgreSQL. Every checker here has a control that must fail: see the last tests."""

import contextlib
import threading
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection, transaction

from dure.kit import clock, ids
from dure.kit.errors import DureError
from dure.offers import actions as offers
from dure.offers.models import Coupon, Offer, Redemption
from dure.ordering import actions as ordering
from dure.ordering import errors
from dure.ordering.models import Bill, Order, Visit
from dure.payments import actions as payments
from dure.payments.models import Payment
from dure.people import actions as people
from dure.shops import fence
from tests.provider import Sandbox
from tests.rooms.ordering.conftest import BY, NOON, open_place
from tests.rooms.ordering.test_orders import place_tea

pytestmark = pytest.mark.django_db(transaction=True)
THREADS = 8  # the pool holds ten connections a process


def at_once(shop_id: int, tasks: list[Callable[[], object]]) -> list[object]:
    """Run all tasks together; each result is what it returned or the name of the refusal it met."""
    start = threading.Barrier(min(THREADS, len(tasks)))

    def run(task: Callable[[], object]) -> object:
        with contextlib.suppress(threading.BrokenBarrierError):
            start.wait(timeout=10)
        try:
            with fence.within_shop(shop_id):
                return task()
        except DureError as refusal:
            return type(refusal).__name__
        finally:
            connection.close()

    with ThreadPoolExecutor(THREADS) as pool:
        return list(pool.map(run, tasks))


def test_one_key_sent_by_many_is_one_order() -> None:
    place = open_place("두레국수", pay_timing="tab")
    with fence.within_shop(place.shop.id):
        visit = place.sit()
    for _ in range(5):
        key = ids.new_code(20)
        sent = [lambda key=key: place_tea(place, None, key, visit=visit).id] * THREADS
        assert len(set(at_once(place.shop.id, sent))) == 1
    staff = [lambda: place_tea(place, None, key, visit=None, by_staff=True).id] * THREADS
    key = ids.new_code(20)
    assert len(set(at_once(place.shop.id, staff))) == 1
    with fence.within_shop(place.shop.id):
        assert Order.objects.count() == 6
        assert sorted(Order.objects.values_list("number", flat=True)) == [1, 2, 3, 4, 5, 6]


def test_many_scans_of_an_empty_table_open_one_visit() -> None:
    place = open_place("두레국수", pay_timing="tab")
    scans = [lambda: ordering.scan(table=place.tables[0], carried="", at=NOON).visit.id] * THREADS  # type: ignore[union-attr]
    assert len(set(at_once(place.shop.id, scans))) == 1


def test_one_coupon_on_many_bills_is_used_once() -> None:
    place = open_place("두레국수", pay_timing="first")
    phone, _ = people.remember_device(at=NOON)
    person = people.ensure_person(device=phone, at=NOON)
    phone.refresh_from_db()
    with fence.within_shop(place.shop.id):
        offers.issue_coupon(offer=place.welcome, person=person, key="one", at=NOON)
        bills = [
            Bill.objects.get(orders=place_tea(place, phone, ids.new_code(20), coupon="none")) for _ in range(THREADS)
        ]
        coupon = Coupon.objects.get().public_id
    tries = [lambda bill=bill: ordering.choose_coupon(bill=bill, coupon=coupon, at=NOON).total for bill in bills]
    met = Counter(at_once(place.shop.id, tries))
    assert met == {5_000: 1, "CouponInUse": THREADS - 1}


def test_stock_is_given_out_to_the_last_one_and_no_further() -> None:
    place = open_place("두레국수", pay_timing="first")
    with fence.within_shop(place.shop.id):
        Offer.objects.filter(id=place.welcome.id).update(stock=10)
    persons = []
    for _ in range(32):
        device, _ = people.remember_device(at=NOON)
        persons.append(people.ensure_person(device=device, at=NOON))
    asks = [
        lambda person=person: bool(
            offers.issue_coupon(offer=place.welcome, person=person, key=f"w:{person.pk}", at=NOON)
        )
        for person in persons
    ]
    assert Counter(at_once(place.shop.id, asks)) == {True: 10, "OutOfStock": 22}


def test_a_bill_is_paid_once_however_many_cashiers_press() -> None:
    place = open_place("두레국수", pay_timing="first")
    with fence.within_shop(place.shop.id):
        bill = Bill.objects.get(orders=place_tea(place, None, ids.new_code(20)))
    presses = [lambda: bool(ordering.settle_at_counter(bill=bill, by=BY, at=NOON))] * THREADS
    assert Counter(at_once(place.shop.id, presses)) == {True: 1, "AlreadyPaid": THREADS - 1}
    assert Payment.objects.filter(reference=bill.public_id, state="approved").count() == 1


def test_closing_and_ordering_at_once_never_leaves_an_order_in_a_closed_visit() -> None:
    place = open_place("두레국수", pay_timing="tab")
    for _ in range(10):
        with fence.within_shop(place.shop.id):
            visit = place.sit()
        tasks: list[Callable[[], object]] = [
            lambda visit=visit: place_tea(place, None, ids.new_code(20), visit=visit).public_id,
            lambda visit=visit: ordering.close_visit(visit=visit, by=BY, at=NOON),
        ]
        ordered, closed = at_once(place.shop.id, tasks)
        assert (ordered == "VisitOver") != (closed == "NotPaidYet")
        if ordered != "VisitOver":
            with fence.within_shop(place.shop.id):
                ordering.close_visit(visit=visit, by=BY, at=NOON, unpaid_because="test")


def test_two_guests_pay_a_tab_while_a_third_orders_and_no_won_is_lost() -> None:
    place = open_place("솥밥집", pay_timing="tab")
    with fence.within_shop(place.shop.id):
        visit = place.sit()
        place_tea(place, None, ids.new_code(20), visit=visit)

    def pay() -> object:
        return ordering.settle_at_counter(bill=ordering.open_bill(visit=visit, device=None, at=NOON), by=BY, at=NOON)

    met = at_once(place.shop.id, [pay, pay, lambda: place_tea(place, None, ids.new_code(20), visit=visit), pay])
    assert not [one for one in met if isinstance(one, str) and one not in {"AlreadyPaid", "NothingToPay"}]
    with fence.within_shop(place.shop.id):
        with contextlib.suppress(errors.NothingToPay):
            ordering.settle_at_counter(bill=ordering.open_bill(visit=visit, device=None, at=NOON), by=BY, at=NOON)
        ordered = sum(Order.objects.values_list("total", flat=True))
        paid = sum(Payment.objects.filter(state="approved").values_list("amount", flat=True))
        assert ordered == paid == 12_000
        ordering.close_visit(visit=Visit.objects.get(id=visit.id), by=BY, at=NOON)


def test_control_reading_before_writing_hands_out_too_many() -> None:
    """If this one passes the limit, the checks above would have seen it; if it does not, they may be blind."""
    place = open_place("두레국수", pay_timing="first")
    with fence.within_shop(place.shop.id):
        Offer.objects.filter(id=place.welcome.id).update(stock=3)
    meet = threading.Barrier(THREADS)

    def naive(number: int) -> object:
        with transaction.atomic():
            left = Coupon.objects.count() < 3
            meet.wait(timeout=10)
            if left:
                Coupon.objects.create(
                    shop=place.shop,
                    public_id=ids.new_public_id("cpn"),
                    offer=place.welcome,
                    key=f"naive:{number}",
                    issued_at=NOON,
                    expires_at=NOON,
                )
        return left

    at_once(place.shop.id, [lambda n=n: naive(n) for n in range(THREADS)])
    with fence.within_shop(place.shop.id):
        assert Coupon.objects.count() == THREADS > 3


def test_control_without_the_unique_row_two_redemptions_live() -> None:
    place = open_place("두레국수", pay_timing="first")
    with fence.within_shop(place.shop.id):
        coupon = offers.issue_coupon(
            offer=place.welcome, person=people.ensure_person(device=people.remember_device(at=NOON)[0], at=NOON),
            key="one", at=NOON,
        )  # fmt: skip
    with connection.cursor() as cursor:
        cursor.execute("DROP INDEX redemption_one_alive")
    try:
        meet = threading.Barrier(2)

        def naive(number: int) -> object:
            alive = Redemption.objects.filter(coupon=coupon, state="reserved").exists()
            meet.wait(timeout=10)
            if not alive:
                Redemption.objects.create(
                    shop=place.shop, coupon=coupon, reference=f"bill:{number}", amount=1, reserved_at=NOON
                )
            return alive

        at_once(place.shop.id, [lambda n=n: naive(n) for n in range(2)])
        with fence.within_shop(place.shop.id):
            assert Redemption.objects.filter(coupon=coupon).count() == 2
            Redemption.objects.all().delete()
    finally:
        with connection.cursor() as cursor:
            cursor.execute(
                "CREATE UNIQUE INDEX redemption_one_alive ON offers_redemption (coupon_id)"
                " WHERE state IN ('reserved', 'committed')"
            )


def test_paying_online_and_at_the_counter_at_once_takes_the_money_once(sandbox: Sandbox) -> None:
    place = open_place("두레국수", pay_timing="first")
    winners: Counter[str] = Counter()
    for _ in range(8):
        with fence.within_shop(place.shop.id):
            bill = Bill.objects.get(orders=place_tea(place, None, ids.new_code(20)))
            payment = ordering.begin_payment(
                bill=bill, provider="kakaopay", origin="http://127.0.0.1", device=None, at=clock.now()
            )
        token = sandbox.agree(payment.redirect_url)
        met = at_once(
            place.shop.id,
            [
                lambda payment=payment, token=token: (
                    payments.approve_payment(payment=payment, token=token, at=clock.now()).state
                ),
                lambda bill=bill: bool(ordering.settle_at_counter(bill=bill, by=BY, at=clock.now())),
            ],
        )
        with fence.within_shop(place.shop.id):
            bill.refresh_from_db()
            tries = Payment.objects.filter(reference=bill.public_id)
            kept = sum(one.amount - one.refunded for one in tries if one.state == "approved")
        truth = sandbox.truth()[payment.public_id]
        assert bill.state == "settled"
        assert kept == bill.total == 6_000
        assert (truth["status"] == "SUCCESS_PAYMENT") == (bill.settled_with == "kakaopay"), (truth, met)
        winners[bill.settled_with] += 1
    assert sum(winners.values()) == 8
