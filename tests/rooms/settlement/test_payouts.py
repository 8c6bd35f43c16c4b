"""A day's money reaches the bank once, to the won, whoever dies on the way."""

from datetime import date, timedelta

import pytest
from django.db import connection, transaction
from django.db.utils import IntegrityError
from pytest_django.fixtures import Settings

from dure.ledger import queries as books
from dure.ledger.models import Entry
from dure.settlement import actions, errors, queries, rules
from dure.settlement.models import Adjustment, Payout, PayoutLine, PayoutStep, PayoutTerms
from dure.settlement.values import LineKind, PayoutState
from dure.shops import fence
from tests.races import at_once
from tests.rooms.settlement.conftest import MONDAY, Bank, Till

TUESDAY = MONDAY + timedelta(days=1)
WEDNESDAY = MONDAY + timedelta(days=2)
THE_DAY = date(2026, 11, 23)
BY = "operator:test"


def closed(till: Till, day: date = THE_DAY) -> Payout:
    payout = actions.close_day(shop=till.place.shop, day=day, at=TUESDAY)
    assert payout
    return payout


def moved_by(payout: Payout) -> int:
    """What the payout's own entry took from the shop's account."""
    if payout.entry is None:
        return 0
    here = queries.account_of(payout.shop)
    return sum(
        posting.amount if posting.source.code == here else -posting.amount
        for posting in payout.entry.postings.select_related("source", "destination")
    )


def tiny(till: Till) -> PayoutTerms:
    return actions.set_terms(
        shop=till.place.shop, sales_tier="tiny", payout_days=2, valid_from=date(2026, 1, 1), by=BY, at=MONDAY
    )


def test_a_day_of_sales_is_one_payout_to_the_won(till: Till) -> None:
    tiny(till)
    till.online(noodles=1, teas=1)
    till.online(teas=2, method="MONEY")
    till.counter(teas=1)
    payout = closed(till)
    sale, by_money, at_counter = queries.lines_of(payout)
    assert (sale.amount, sale.tax_free, sale.vat) == (11_000, 3_000, 727)
    assert (sale.card_fee, sale.provider_fee, sale.fee_vat) == (44, 165, 16)
    assert (by_money.card_fee, by_money.provider_fee, by_money.fee_vat) == (0, 204, 20)
    assert (at_counter.kept, queries.parts_of(at_counter).fees, queries.parts_of(at_counter).net) == (3_000, 0, 0)
    assert (payout.amount, payout.fees, payout.kept, payout.net) == (20_000, 449, 3_000, 16_551)
    assert payout.due_on == date(2026, 11, 25)
    assert moved_by(payout) == payout.amount == payout.net + payout.fees + payout.kept
    shop = till.place.shop
    assert queries.balance_of(shop) == 0
    assert books.balance_of(f"payout:{shop.public_id}") == 16_551
    assert books.balance_of("fees:kakaopay") == 449
    assert books.balance_of(f"counter:shop:{shop.public_id}") == 0, "what was taken at the counter is the shop's"


def test_closing_a_day_again_changes_nothing(till: Till) -> None:
    till.online()
    first = closed(till)
    entries = Entry.objects.count()
    assert closed(till) == first
    assert actions.close_days(shop=till.place.shop, at=WEDNESDAY) == []
    assert (Payout.objects.count(), PayoutLine.objects.count(), Entry.objects.count()) == (1, 1, entries)


def test_a_day_that_is_not_over_is_not_closed(till: Till) -> None:
    till.online()
    assert actions.close_days(shop=till.place.shop, at=MONDAY + timedelta(hours=11)) == []
    assert [p.period_on for p in actions.close_days(shop=till.place.shop, at=MONDAY + timedelta(hours=13))] == [THE_DAY]


def test_days_that_were_missed_are_each_closed(till: Till) -> None:
    for days in range(3):
        till.online(at=MONDAY + timedelta(days=days))
    found = actions.close_days(shop=till.place.shop, at=MONDAY + timedelta(days=5))
    assert [one.period_on.day for one in found] == [23, 24, 25]
    assert all(one.lines.count() == 1 for one in found)


def test_a_refund_takes_its_fees_back_and_what_came_late_goes_into_a_later_day(till: Till) -> None:
    paid = till.online(teas=3)
    first = closed(till)
    till.returns(paid, at=MONDAY + timedelta(hours=1))  # the books say Monday, and Monday is closed
    assert actions.close_days(shop=till.place.shop, at=WEDNESDAY) == [], "the shop would owe: it waits"
    till.online(teas=5, at=WEDNESDAY)
    (later,) = actions.close_days(shop=till.place.shop, at=WEDNESDAY + timedelta(days=1))
    back = later.lines.get(kind=LineKind.RETURN)
    sale = first.lines.get()
    assert queries.parts_of(sale).plus(queries.parts_of(back)) == queries.parts_of(sale).less(queries.parts_of(sale))
    assert later.amount == 15_000 - 9_000
    assert queries.balance_of(till.place.shop) == 0


def test_a_day_with_counter_money_alone_has_nothing_to_pay(till: Till) -> None:
    till.counter()
    payout = closed(till)
    assert (payout.state, payout.net, payout.kept) == (PayoutState.PAID, 0, 3_000)
    assert payout.steps.count() == 1


def test_a_discount_is_traced_to_its_sale(till: Till) -> None:
    from dure.people import actions as people
    from dure.regulars import actions as regulars

    shop = till.place.shop
    bill = till.bill(teas=3)
    assert bill.device
    person = people.ensure_person(device=bill.device, at=MONDAY)
    regulars.join_channel(shop=shop, person=person, device=bill.device, source="test", by=BY, at=MONDAY)
    bill.device.refresh_from_db()
    bill.person = person
    bill.save(update_fields=["person"])
    from dure.ordering import actions as ordering

    ordering.choose_coupon(bill=bill, coupon="best", at=MONDAY)
    bill.refresh_from_db()
    ordering.settle_at_counter(bill=bill, by=BY, at=MONDAY)
    line = closed(till).lines.get()
    assert (line.subtotal, line.discount, line.amount) == (9_000, 1_000, 8_000)


def test_held_money_waits_and_comes_back_whole(till: Till) -> None:
    shop = till.place.shop
    till.online(teas=3)
    hold = actions.hold_money(shop=shop, amount=2_000, reason="영수증 확인", key="h1", by=BY, at=MONDAY)
    again = actions.hold_money(shop=shop, amount=2_000, reason="영수증 확인", key="h1", by=BY, at=MONDAY)
    assert again == hold
    payout = closed(till)
    assert payout.amount == 7_000
    assert books.balance_of(f"held:{shop.public_id}") == 2_000
    assert list(queries.held_of(shop)) == [hold]
    actions.release_money(hold=hold, reason="확인함", key="r1", by=BY, at=TUESDAY)
    with pytest.raises(errors.ReleasedAlready):
        actions.release_money(hold=hold, reason="또", key="r2", by=BY, at=TUESDAY)
    actions.correct_money(shop=shop, amount=-300, reason="어제 수수료 더 냄", key="c1", by=BY, at=TUESDAY)
    later = closed(till, date(2026, 11, 24))
    assert sorted((line.kind, line.amount) for line in later.lines.all()) == [("correction", -300), ("release", 2_000)]
    assert (later.net, books.balance_of(f"held:{shop.public_id}")) == (1_700, 0)
    assert [one.reason for one in Adjustment.objects.order_by("id")] == ["영수증 확인", "확인함", "어제 수수료 더 냄"]


@pytest.mark.parametrize(("amount", "reason"), [(0, "x"), (-5, "x"), (10**12, "x"), (100, " \u3164 ")])
def test_a_hold_without_an_amount_or_a_reason_is_refused(till: Till, amount: int, reason: str) -> None:
    with pytest.raises(errors.AmountUnclear):
        actions.hold_money(shop=till.place.shop, amount=amount, reason=reason, key="h", by=BY, at=MONDAY)
    assert not Adjustment.objects.exists()


def test_terms_hold_from_their_day(till: Till) -> None:
    shop = till.place.shop
    assert (queries.terms_of(shop, THE_DAY).sales_tier, queries.terms_of(shop, THE_DAY).payout_days) == ("unknown", 2)
    tiny(till)
    actions.set_terms(shop=shop, sales_tier="small", payout_days=5, valid_from=date(2026, 12, 1), by=BY, at=MONDAY)
    assert queries.terms_of(shop, THE_DAY).sales_tier == "tiny"
    assert queries.terms_of(shop, date(2026, 12, 1)).payout_days == 5
    for wrong in ({"sales_tier": "rich"}, {"payout_days": 31}, {"payout_days": -1}):
        with pytest.raises(errors.TermsUnclear):
            actions.set_terms(
                **{
                    "shop": shop,
                    "sales_tier": "tiny",
                    "payout_days": 2,
                    "valid_from": THE_DAY,
                    "by": BY,
                    "at": MONDAY,
                    **wrong,
                }
            )


@pytest.mark.parametrize("table", ["payoutline", "payoutstep", "payoutterms", "adjustment"])
def test_what_was_written_down_stays(till: Till, table: str) -> None:
    tiny(till)
    actions.hold_money(shop=till.place.shop, amount=1, reason="x", key="h", by=BY, at=MONDAY)
    till.online()
    closed(till)
    for words in (f"UPDATE settlement_{table} SET at = at", f"DELETE FROM settlement_{table}"):
        with pytest.raises(IntegrityError, match="append-only"), transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(words)


def test_an_entry_stands_in_one_payout(till: Till) -> None:
    till.online()
    line = closed(till).lines.get()
    twin = PayoutLine(**{f.attname: getattr(line, f.attname) for f in PayoutLine._meta.fields if f.name != "id"})
    with pytest.raises(IntegrityError), transaction.atomic():
        twin.save()


# The bank -----------------------------------------------------------------------------------------------------------


def test_it_is_paid_on_its_day_and_once(till: Till, bank: Bank) -> None:
    till.online(teas=3)
    payout = closed(till)
    assert actions.pay_out(payout=payout, at=TUESDAY).state == PayoutState.DUE, "tomorrow, not today"
    paid = actions.pay_out(payout=payout, at=WEDNESDAY)
    assert (paid.state, paid.bank_key) == (PayoutState.PAID, f"bank-{payout.public_id}")
    assert actions.pay_out(payout=payout, at=WEDNESDAY).state == PayoutState.PAID
    assert bank.given == [payout.public_id]
    shop = till.place.shop
    assert books.balance_of(f"bank:{shop.public_id}") == payout.net
    assert books.balance_of(f"payout:{shop.public_id}") == 0
    assert list(payout.steps.order_by("id").values_list("state", flat=True)) == ["due", "sending", "paid"]


@pytest.mark.parametrize("fault", ["lose_before", "lose_after", "nonsense"])
def test_a_lost_answer_is_asked_about_and_paid_once(till: Till, bank: Bank, fault: str) -> None:
    till.online(teas=3)
    payout = closed(till)
    bank.fault = fault
    assert actions.pay_out(payout=payout, at=WEDNESDAY).state == PayoutState.UNKNOWN
    assert actions.pay_out(payout=payout, at=WEDNESDAY).state == PayoutState.UNKNOWN, "nothing is sent in doubt"
    assert len(bank.given) == 1
    with pytest.raises(errors.PayoutMoving):
        actions.confirm_payout(payout=payout, bank_key="x", by=BY, at=WEDNESDAY)
    bank.fault = ""
    asked = actions.ask_bank(payout=payout, at=WEDNESDAY)
    assert asked.state == (PayoutState.PAID if fault == "lose_after" else PayoutState.DUE)
    assert actions.pay_out(payout=asked, at=WEDNESDAY).state == PayoutState.PAID
    assert len(bank.paid) == 1
    assert books.balance_of(f"bank:{till.place.shop.public_id}") == payout.net


def test_a_refusal_waits_for_a_person(till: Till, bank: Bank) -> None:
    till.online(teas=3)
    payout = closed(till)
    bank.fault = "refuse"
    assert actions.pay_out(payout=payout, at=WEDNESDAY).state == PayoutState.REFUSED
    assert actions.pay_out(payout=payout, at=WEDNESDAY).state == PayoutState.REFUSED
    bank.fault = ""
    with pytest.raises(errors.AmountUnclear):
        actions.retry_payout(payout=payout, reason="", by=BY, at=WEDNESDAY)
    actions.retry_payout(payout=payout, reason="계좌를 고침", by=BY, at=WEDNESDAY)
    with pytest.raises(errors.NotRefused):
        actions.retry_payout(payout=payout, reason="또", by=BY, at=WEDNESDAY)
    assert actions.pay_out(payout=payout, at=WEDNESDAY).state == PayoutState.PAID
    assert PayoutStep.objects.filter(reason="계좌를 고침", by=BY).count() == 1


def test_by_hand_an_operator_confirms(till: Till, settings: Settings) -> None:
    settings.PAYOUTS = {**settings.PAYOUTS, "by": "hand"}
    till.online(teas=3)
    payout = closed(till)
    assert actions.pay_out(payout=payout, at=WEDNESDAY).state == PayoutState.DUE
    for _ in range(2):
        actions.confirm_payout(payout=payout, bank_key="신한 1123", by=BY, at=WEDNESDAY)
    payout.refresh_from_db()
    assert (payout.state, payout.bank, payout.bank_key) == (PayoutState.PAID, "hand", "신한 1123")
    assert Entry.objects.filter(kind="deposit").count() == 1


class Killed(BaseException):
    """What a kill -9 looks like from inside: nothing after it runs."""


STEPS = {
    "before anything of the closing is written": ("dure.settlement.queries", "unsettled"),
    "after the books, before the payout": ("dure.settlement.actions.payouts", "Payout.save"),
    "after the payout, before its lines": ("dure.settlement.actions.payouts", "PayoutLine.objects.bulk_create"),
    "after everything, before the commit": ("dure.settlement.actions.payouts", "_step"),
    "before the transfer leaves": ("dure.settlement.actions.payouts", "_terms"),
    "after the transfer, before its answer is kept": ("dure.settlement.actions.payouts", "_believe"),
    "after the answer, before it is committed": ("dure.settlement.actions.payouts", "_paid"),
}


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("step", STEPS)
def test_dying_at_any_step_pays_once(till: Till, bank: Bank, step: str, monkeypatch: pytest.MonkeyPatch) -> None:
    till.online(teas=3)
    shop = till.place.shop
    module, _, name = STEPS[step][0], None, STEPS[step][1]
    calls: list[object] = []

    def dies(*args: object, **more: object) -> object:
        calls.append(args)
        raise Killed

    def run() -> None:
        actions.close_days(shop=shop, at=TUESDAY)
        for payout in Payout.objects.order_by("id"):
            actions.pay_out(payout=actions.ask_bank(payout=payout, at=WEDNESDAY), at=WEDNESDAY)

    with monkeypatch.context() as patch:
        patch.setattr(f"{module}.{name}", dies)
        with pytest.raises(Killed):
            run()
    assert calls
    later = WEDNESDAY + rules.PATIENCE
    for _ in range(3):
        run()
        for payout in queries.payouts_in_doubt(later):
            actions.ask_bank(payout=payout, at=later)
    payout = Payout.objects.get()
    assert (payout.state, payout.lines.count()) == (PayoutState.PAID, 1)
    assert list(bank.paid) == [payout.public_id]
    assert queries.balance_of(shop) == 0
    assert books.balance_of(f"bank:{shop.public_id}") == payout.net
    assert books.trial().balanced


@pytest.mark.django_db(transaction=True)
def test_eight_workers_close_and_pay_one_day_once(till: Till, bank: Bank) -> None:
    till.online(teas=3)
    shop = till.place.shop

    def work() -> None:
        with fence.within_shop(shop.pk):
            actions.close_days(shop=shop, at=TUESDAY)
            for payout in Payout.objects.all():
                actions.pay_out(payout=payout, at=WEDNESDAY)

    assert at_once(*[work] * 8) == [None] * 8
    payout = Payout.objects.get()
    assert (payout.state, payout.lines.count()) == (PayoutState.PAID, 1)
    assert bank.given == [payout.public_id]


@pytest.mark.django_db(transaction=True)
def test_the_jobs_do_it_by_themselves(till: Till, bank: Bank) -> None:
    from dure.kit import clock
    from dure.settlement import jobs

    till.online(teas=3)
    shop = till.place.shop
    with clock.showing(lambda: WEDNESDAY):
        jobs.close(0)
        jobs.close_shop(shop.pk)
        jobs.pay(0)
        payout = Payout.objects.get()
        jobs.pay_one(payout.pk, shop.pk)
    payout.refresh_from_db()
    assert payout.state == PayoutState.PAID
