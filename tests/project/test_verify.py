"""`dure verify` says that all is well when it is, and finds every way in which we broke it on purpose."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection, transaction

from dure.kit import clock, ids
from dure.ledger import actions as ledger
from dure.offers import actions as offers
from dure.offers.models import Coupon
from dure.offers.values import OfferKind
from dure.ordering import actions as ordering
from dure.ordering.models import Order, Visit
from dure.payments import actions as payments
from dure.payments.models import Payment
from dure.payments.providers import provider_named
from dure.payments.values import Outcome
from dure.people import actions as people
from dure.people.models import Device
from dure.project import verify
from dure.regulars import actions as regulars
from dure.settlement import actions as settlement
from dure.shops import fence
from tests.provider import Sandbox
from tests.rooms.ordering.conftest import BY, Place, open_place

NOW = datetime.now(UTC).replace(microsecond=0)


def run(sql: str) -> None:
    with fence.across_shops(), connection.cursor() as cursor:
        cursor.execute(sql)


def placed(place: Place, device: Device | None = None, costs: int = 6_000, visit: Visit | None = None) -> Order:
    device = device or people.remember_device(at=NOW)[0]
    return ordering.place_order(
        shop=place.shop,
        visit=visit,
        table=place.tables[0],
        device=device,
        wanted=[place.want(quantity=2)],
        key=ids.new_code(20),
        expected_total=costs,
        by=BY,
        at=NOW,
    )


def paid(place: Place, sandbox: Sandbox) -> Payment:
    bill = placed(place).bill
    assert bill is not None
    ready = ordering.begin_payment(bill=bill, provider="kakaopay", origin="http://127.0.0.1:8000", device=None, at=NOW)
    return payments.approve_payment(payment=ready, token=sandbox.agree(ready.redirect_url), at=NOW)


def left_without_paying(place: Place) -> None:
    with fence.within_shop(place.shop.pk):
        visit = place.sit(at=NOW)
        placed(place, visit=visit)
        ordering.close_visit(visit=visit, by=BY, at=NOW, unpaid_because="그냥 가셨어요")


@pytest.fixture
def house(transactional_db: None, fresh_sandbox: Sandbox) -> Iterator[Place]:
    """One order paid at the provider and partly returned, one paid at the counter, one that waits; and next door guests
    who left without paying."""
    left_without_paying(open_place("솥밥집", pay_timing="tab"))
    place = open_place("두레국수", pay_timing="first")
    with fence.within_shop(place.shop.pk):
        payment = paid(place, fresh_sandbox)
        refused = Order.objects.get(bill__public_id=payment.reference)
        paid(place, fresh_sandbox)
        ordering.refuse_order(shop=place.shop, order=refused.public_id, reason="재료가 떨어졌어요", by=BY, at=NOW)
        payments.carry_out_refund(refund=payment.refunds.get(), at=NOW)
        at_counter = placed(place).bill
        assert at_counter is not None
        ordering.settle_at_counter(bill=at_counter, by=BY, at=NOW)
        placed(place)
        discounted(place)
        settled = settlement.close_day(
            shop=place.shop, day=NOW.astimezone(clock.KST).date(), at=NOW + timedelta(days=1)
        )
        assert settled
        settlement.confirm_payout(payout=settled, bank_key="test", by=BY, at=NOW)
        yield place


def discounted(place: Place) -> None:
    """A bill paid at the counter with a coupon that the operator helped to pay for, and one that waits with such a coupon."""
    device, _ = people.remember_device(at=NOW)
    person = people.ensure_person(device=device, at=NOW)
    device.refresh_from_db()
    regulars.keep_points(
        shop=place.shop, running=True, earn_bps=500, valid_days=365, least=100, tier_days=180, by=BY, at=NOW
    )
    regulars.keep_stamp_card(shop=place.shop, goal=10, running=True, by=BY, at=NOW)
    friend = regulars.join_channel(shop=place.shop, person=person, device=device, source="test", by="guest", at=NOW)
    regulars.give_stamps(
        shop=place.shop, relation=friend.public_id, count=2, reason="종이 도장", key="hand", by=BY, at=NOW
    )
    Coupon.objects.filter(person=person).update(withdrawn_at=NOW)  # the welcome coupon is not what this is about
    offer = offers.create_offer(
        shop=place.shop,
        name={"ko": "함께 내는 쿠폰"},
        kind=OfferKind.AMOUNT,
        value=1_000,
        per_person=2,
        budget=2_000,
        funders={"shop": 3_333, "operator": 6_667},
        by=BY,
        at=NOW,
    )
    offers.review_offer(shop=place.shop, offer=offer.public_id, accepted=True, by=BY, at=NOW)
    for key in ("one", "two"):
        offers.issue_coupon(offer=offer, person=person, key=key, at=NOW)
        bill = placed(place, device, 5_000).bill
        assert bill is not None
        if key == "one":
            ordering.settle_at_counter(bill=bill, by=BY, at=NOW)


def told(capsys: pytest.CaptureFixture[str]) -> tuple[int, str]:
    code = verify.main()
    return code, capsys.readouterr().out


BREAKAGES = {
    "an entry was changed behind the guard": (
        (
            "ALTER TABLE ledger_posting DISABLE TRIGGER USER; UPDATE ledger_posting SET amount = amount + 1;"
            "ALTER TABLE ledger_posting ENABLE TRIGGER USER"
        ),
        "the books say",
    ),
    "an entry lost its postings": (
        (
            "ALTER TABLE ledger_posting DISABLE TRIGGER USER; DELETE FROM ledger_posting;"
            "ALTER TABLE ledger_posting ENABLE TRIGGER USER"
        ),
        "every entry of the books moves money",
    ),
    "the guard was taken off": ("ALTER TABLE ledger_entry DISABLE TRIGGER USER", "no guard on ledger_entry"),
    "a payment claims money that never moved": (
        "UPDATE payments_payment SET state = 'failed' WHERE provider = 'kakaopay' AND refunded = 0",
        "kakaopay says 6000",
    ),
    "a payment forgot what went back": ("UPDATE payments_payment SET refunded = 0", "says"),
    "a payment never heard of its settlement": (
        "UPDATE payments_payment SET state = 'ready' WHERE refunded = 0",
        "holds 0 here and 6000 there",
    ),
    "a payment belongs to no bill": ("UPDATE payments_payment SET reference = 'bil_gone'", "for bil_gone"),
    "a bill was settled for nothing": (
        "UPDATE ordering_bill SET state = 'settled' WHERE state = 'open'",
        "is settled, asks 6000",
    ),
    "an order cooks on a bill that is void": (
        "UPDATE ordering_bill SET state = 'void' WHERE state = 'settled'",
        "is received, its bill void",
    ),
    "an offer miscounts its coupons": ("UPDATE offers_offer SET issued = 7", "issued 2, says 7"),
    "a budget forgets what it paid": ("UPDATE offers_offer SET spent = 0", "spent 2000, says 0 of 2000"),
    "a funder's part was never booked": (
        "UPDATE offers_redemption SET funded = 600 WHERE state = 'committed'",
        "is committed, others pay 600, the books say 667",
    ),
    "a funder pays for a discount that went back": (
        "UPDATE offers_redemption SET state = 'returned' WHERE state = 'committed'",
        "is returned, others pay 667, the books say 667",
    ),
    "a funder pays another share than it agreed to": (
        """UPDATE offers_offer SET funders = '{"shop": 5000, "operator": 5000}' WHERE funders <> '{}'""",
        "operator pays 667 of 1000",
    ),
    "points appear from nowhere": ("UPDATE regulars_pointlot SET remaining = 251", "has 251 points, the books say 250"),
    "a stamp has no source": ("UPDATE regulars_relation SET stamps = 4", "has 4 stamps, their sources say 3"),
    "a stamp by hand was made bigger": (
        "UPDATE regulars_handstamp SET count = 5; UPDATE regulars_relation SET stamps = 6",
        "stamp",
    ),
    "points were moved as won": (
        "UPDATE ledger_account SET asset = 'KRW' WHERE code LIKE 'points:rel%'",
        "moves POINT to KRW",
    ),
    "a waiting bill lost its coupon": (
        "DELETE FROM offers_redemption WHERE state = 'reserved'",
        "1000 off, its coupons",
    ),
    "a line carries another discount": (
        "UPDATE ordering_orderline SET discount = 7 WHERE discount = 1000",
        "takes 1000 off, its lines 7",
    ),
    "a floored account differs from its entries": (
        "UPDATE ledger_account SET balance = 400 WHERE code = 'box:1'",
        "box:1 keeps 400, entries say 500",
    ),
    "a payout promises more than its lines": (
        "UPDATE settlement_payout SET net = net + 1, amount = amount + 1",
        "its lines",
    ),
    "a line was changed behind the guard": (
        (
            "ALTER TABLE settlement_payoutline DISABLE TRIGGER USER;"
            "UPDATE settlement_payoutline SET amount = amount + 1, subtotal = subtotal + 1"
        ),
        "which moved",
    ),
    "a payout claims to wait that was paid": (
        "UPDATE settlement_payout SET state = 'due', paid_at = NULL",
        "the books deposited",
    ),
    "a shop's money moved past its payouts": (
        "UPDATE payments_payment SET amount = amount + 500 WHERE provider = 'counter'",
        " besides",
    ),
    "a payment hangs for hours": (
        (
            f"UPDATE payments_payment SET state = 'approving', approving_at = '{NOW - timedelta(hours=3)}'"
            " WHERE refunded = 0 AND provider = 'kakaopay'"
        ),
        "is approving since",
    ),
}


def test_it_says_that_all_is_well_and_finds_whatever_we_break(
    house: Place, fresh_sandbox: Sandbox, capsys: pytest.CaptureFixture[str]
) -> None:
    ledger.record_entry(
        key="gift",
        kind="gift",
        reference="r",
        postings=[("dure:gifts", "box:1", 500)],
        at=NOW,
        floored=frozenset({"box:1"}),
    )
    code, text = told(capsys)
    assert code == 0, text
    assert "✗" not in text
    assert "모두 맞아요" in text
    assert "연습장" in text, "the sandbox's own list was compared too"

    for breakage, (sql, named) in BREAKAGES.items():
        with transaction.atomic():
            run(sql)
            code, text = told(capsys)
            transaction.set_rollback(True)
        assert code == 1, breakage
        assert named in text, breakage

    fresh_sandbox.faults(order={"kind": "error_5xx_before", "count": 99})
    code, text = told(capsys)
    assert code == 1
    assert "does not say how it stands" in text
    fresh_sandbox.calm()
    assert told(capsys)[0] == 0


def test_money_that_only_the_provider_knows_is_found(
    transactional_db: None, fresh_sandbox: Sandbox, capsys: pytest.CaptureFixture[str]
) -> None:
    place = open_place("두레국수", pay_timing="first")
    with fence.within_shop(place.shop.pk):
        bill = placed(place).bill
        assert bill is not None
        ready = ordering.begin_payment(
            bill=bill, provider="kakaopay", origin="http://127.0.0.1:8000", device=None, at=NOW
        )
        token = fresh_sandbox.agree(ready.redirect_url)
        assert provider_named("kakaopay").approve(ready.terms, token=token).outcome is Outcome.DONE
        code, text = told(capsys)
    assert code == 1
    assert f"{ready.public_id} holds 0, kakaopay says 6000" in text
    assert f"{ready.public_id} holds 0 here and 6000 there" in text
