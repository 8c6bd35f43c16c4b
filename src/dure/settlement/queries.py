"""Everything read about a shop's money: what holds, what is owed, what was paid."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import cache
from pathlib import Path

from django.conf import settings
from django.db import connection
from django.db.models import Count, Q, QuerySet, Sum

from dure.kit import money
from dure.ledger import queries as ledger
from dure.ordering.models import Bill, BillPart
from dure.payments.models import Call, Payment, Refund
from dure.payments.values import COUNTER, WALLET, Outcome, PaymentState, RefundState
from dure.settlement import errors, rules
from dure.settlement.engine import fees as table
from dure.settlement.engine import matching, paper, sheets
from dure.settlement.engine.provider_file import LAYOUTS, REFUND, SALE
from dure.settlement.models import (
    Adjustment,
    Difference,
    Export,
    Payout,
    PayoutLine,
    PayoutStep,
    PayoutTerms,
    ProviderFile,
)
from dure.settlement.values import (
    Draft,
    LineKind,
    Method,
    Parts,
    PayoutState,
    Rates,
    Sale,
    SalesTier,
    Statement,
    StatementLine,
    TrueCost,
)
from dure.shops.models import Shop

CLOSING = "payout"
FUNDING = ("offer-funding", "offer-funding-reversal")
_KINDS = {
    "payment": LineKind.SALE,
    "refund": LineKind.RETURN,
    "hold": LineKind.HOLD,
    "release": LineKind.RELEASE,
    "correction": LineKind.CORRECTION,
}
_METHODS = {"MONEY": Method.MONEY, "CHECK": Method.CHECK}


# What holds ---------------------------------------------------------------------------------------------------------


@cache
def fee_table() -> table.Fees:
    """The table of fees: the file that the settings name, or ours. Raises FeesUnclear."""
    chosen = settings.PAYOUTS["fees"]
    return table.read((Path(chosen) if chosen else Path(__file__).with_name("fees.toml")).read_text())


def terms_of(shop: Shop, day: date) -> PayoutTerms:
    """What holds for the shop on `day`; where nobody said anything, the house's terms (not kept)."""
    said = PayoutTerms.objects.filter(shop=shop, valid_from__lte=day).order_by("-valid_from", "-id").first()
    return said or PayoutTerms(
        shop=shop, sales_tier=SalesTier.UNKNOWN, payout_days=settings.PAYOUTS["days"], valid_from=day, by="house"
    )


def terms_said_of(shop: Shop) -> QuerySet[PayoutTerms]:
    """Everything that was ever said, the latest on top."""
    return PayoutTerms.objects.filter(shop=shop).order_by("-valid_from", "-id")


# What is owed -------------------------------------------------------------------------------------------------------


def account_of(shop: Shop) -> str:
    """The account that holds what is owed to a shop."""
    return f"shop:{shop.public_id}"


def balance_of(shop: Shop) -> int:
    """What the books owe the shop and no payout carries yet."""
    return ledger.balance_of(account_of(shop))


def waiting_of(shop: Shop, *, at: datetime) -> Parts:
    """What the next payouts will carry, as it stands at `at`."""
    return rules.total(draft.parts for draft in unsettled(shop, until=at + timedelta(seconds=1)))


@dataclass(frozen=True, slots=True)
class _Moved:
    entry_id: int
    key: str
    kind: str
    reference: str
    at: datetime
    won: int


def unsettled(shop: Shop, *, until: datetime) -> list[Draft]:
    """A line for each entry before `until` that moved the shop's account and that no payout carries, oldest first."""
    moved = _moved(shop, until)
    return _drafts(shop, moved) if moved else []


def unsettled_days(shop: Shop, *, until: datetime) -> list[date]:
    """The Korean days on which the entries of `unsettled` lie."""
    return sorted({rules.korean_day(one.at) for one in _moved(shop, until)})


def _moved(shop: Shop, until: datetime) -> list[_Moved]:
    with connection.cursor() as cursor:
        cursor.execute(
            """
            WITH here AS (SELECT id FROM ledger_account WHERE code = %s), change AS (
                SELECT entry_id, amount FROM ledger_posting WHERE destination_id = (SELECT id FROM here)
                UNION ALL SELECT entry_id, -amount FROM ledger_posting WHERE source_id = (SELECT id FROM here)
            )
            SELECT e.id, e.key, e.kind, e.reference, e.at, sum(change.amount)::bigint
            FROM change JOIN ledger_entry e ON e.id = change.entry_id
            WHERE e.kind <> %s AND e.at < %s
              AND NOT EXISTS (SELECT 1 FROM settlement_payoutline line WHERE line.entry_id = e.id)
            GROUP BY e.id ORDER BY e.at, e.id
            """,
            [account_of(shop), CLOSING, until],
        )
        return [_Moved(*row) for row in cursor.fetchall()]


def _drafts(shop: Shop, moved: Iterable[_Moved]) -> list[Draft]:
    moved = list(moved)
    ids = {one.reference for one in moved if one.kind in ("payment", "refund")}
    payments = {payment.public_id: payment for payment in Payment.objects.filter(public_id__in=ids)}
    sales = _sales(shop, list(payments.values()))
    changes = _changes(payments, sales)
    drafts = []
    for one in moved:
        kind = _KINDS.get(one.kind, LineKind.FUNDING if one.kind in FUNDING else LineKind.OTHER)
        payment = payments.get(one.reference)
        parts = changes.get(one.key)
        if parts is None or parts.amount != one.won:
            # Nothing that we know better than the books: the won as they moved, without a fee.
            kind = LineKind.OTHER if kind in (LineKind.SALE, LineKind.RETURN) else kind
            parts = Parts(subtotal=one.won, amount=one.won)
        drafts.append(
            Draft(
                entry_id=one.entry_id,
                kind=kind,
                reference=one.reference,
                provider=payment.provider if payment else "",
                at=one.at,
                parts=parts,
            )
        )
    return drafts


def _changes(payments: dict[str, Payment], sales: dict[str, Sale]) -> dict[str, Parts]:
    """For each payment and each refund that was done, by its key in the books: what it changed, to the won."""
    changes = {f"payment:{name}": rules.standing(sale, sale.amount, sale.tax_free) for name, sale in sales.items()}
    left = {name: (sale.amount, sale.tax_free) for name, sale in sales.items()}
    done = Refund.objects.filter(payment__in=payments.values(), state=RefundState.DONE).select_related("payment")
    for refund in done.order_by("done_at", "id"):
        name = refund.payment.public_id
        won, tax_free = left[name]
        after = (won - refund.amount, tax_free - refund.tax_free)
        changes[f"refund:{refund.public_id}"] = rules.standing(sales[name], *after).less(
            rules.standing(sales[name], won, tax_free)
        )
        left[name] = after
    return changes


def _sales(shop: Shop, payments: list[Payment]) -> dict[str, Sale]:
    """What each payment was for: its rates on its day, and its share of its bill's discount."""
    references = [payment.reference for payment in payments]
    whole = Bill.objects.filter(shop=shop, public_id__in=references).values_list("public_id", "discount", "total")
    parts = BillPart.objects.filter(shop=shop, public_id__in=references)
    of_parts = parts.values_list("public_id", "bill__discount", "bill__total")
    discounts = {name: (discount, total) for name, discount, total in [*whole, *of_parts]}
    methods = _methods(payments)
    days = {rules.korean_day(payment.settled_at or payment.created_at) for payment in payments}
    tiers = {day: SalesTier(terms_of(shop, day).sales_tier) for day in days}
    sales = {}
    for payment in payments:
        day = rules.korean_day(payment.settled_at or payment.created_at)
        discount, asked = discounts.get(payment.reference, (0, 0))
        sales[payment.public_id] = Sale(
            amount=payment.amount,
            tax_free=payment.tax_free,
            vat=payment.vat,
            discount=discount * payment.amount // asked if asked else 0,
            rates=_rates(payment.provider, methods.get(payment.pk, Method.CREDIT), tiers[day], day),
            at_counter=payment.provider == COUNTER,
        )
    return sales


def _rates(provider: str, method: Method, tier: SalesTier, day: date) -> Rates:
    if provider == COUNTER:
        return Rates(card=0, provider=0, platform=0)
    if provider == WALLET:
        method = Method.MONEY
    return fee_table().rates(provider, method, tier, day)


def _methods(payments: list[Payment]) -> dict[int, Method]:
    """What the guest paid with, where the provider's answer to the approval says so."""
    said = Call.objects.filter(payment__in=payments, kind="approve", outcome=Outcome.DONE)
    return {
        payment: _METHODS.get(str(detail.get("payment_method_type", "")).upper(), Method.CREDIT)
        for payment, detail in said.order_by("id").values_list("payment_id", "detail")
    }


# What was paid ------------------------------------------------------------------------------------------------------


def payouts_of(shop: Shop) -> QuerySet[Payout]:
    """Every payout of the shop, the latest day on top."""
    return Payout.objects.filter(shop=shop).order_by("-period_on", "-id")


def payouts_in(shop: Shop, month: date) -> QuerySet[Payout]:
    """The payouts for the days of `month`, the latest day on top."""
    return payouts_of(shop).filter(period_on__range=rules.month_of(month))


def payout_of(shop: Shop, public_id: str) -> Payout:
    """One payout of this shop, or NoSuchPayout."""
    found = Payout.objects.filter(shop=shop, public_id=public_id).first()
    if found is None:
        raise errors.NoSuchPayout
    return found


def lines_of(payout: Payout) -> QuerySet[PayoutLine]:
    """Its lines, oldest first."""
    return PayoutLine.objects.filter(shop_id=payout.shop_id, payout=payout).order_by("at", "id")


def steps_of(payout: Payout) -> QuerySet[PayoutStep]:
    """What happened to it, oldest first."""
    return PayoutStep.objects.filter(shop_id=payout.shop_id, payout=payout).order_by("id")


def payouts_due(at: datetime) -> QuerySet[Payout]:
    """What is to be sent now (across shops): due today or before."""
    return Payout.objects.filter(state=PayoutState.DUE, due_on__lte=rules.korean_day(at)).order_by("id")


def payouts_in_doubt(at: datetime) -> QuerySet[Payout]:
    """Whose transfer left and was not answered (across shops): the bank is to be asked."""
    patient = at - rules.PATIENCE
    return Payout.objects.filter(
        Q(state=PayoutState.UNKNOWN) | Q(state=PayoutState.SENDING, asked_at__lte=patient)
    ).order_by("id")


def held_of(shop: Shop) -> QuerySet[Adjustment]:
    """What is held back now, oldest first."""
    return Adjustment.objects.filter(shop=shop, kind="hold", released_by__isnull=True).order_by("id")


def parts_of(line: PayoutLine) -> Parts:
    """The won of a line."""
    return Parts(*(getattr(line, name) for name in Parts._fields))


# For the owner ------------------------------------------------------------------------------------------------------


def statement_of(shop: Shop, month: date) -> Statement:
    """What was settled for the days of `month`, oldest first."""
    first, last = rules.month_of(month)
    found = PayoutLine.objects.filter(shop=shop, payout__period_on__range=(first, last)).select_related("payout")
    lines = tuple(
        StatementLine(
            at=line.at,
            kind=LineKind(line.kind),
            reference=line.reference,
            provider=line.provider,
            parts=parts_of(line),
            period_on=line.payout.period_on,
            due_on=line.payout.due_on,
            paid_on=rules.korean_day(line.payout.paid_at) if line.payout.paid_at else None,
        )
        for line in found.order_by("payout__period_on", "at", "id").iterator(chunk_size=2_000)
    )
    return Statement(first=first, last=last, lines=lines, whole=rules.total(line.parts for line in lines))


def true_cost_of(shop: Shop, month: date) -> TrueCost:
    """What every order of `month` cost the shop all in, settled or not, beside what others would have taken."""
    first, last = rules.month_of(month)
    starts, ends = rules.end_of(first - timedelta(days=1)), rules.end_of(last)
    settled = PayoutLine.objects.filter(shop=shop, at__gte=starts, at__lt=ends).values_list("kind", "provider")
    summed = settled.annotate(Count("id"), **{f"{name}_won": Sum(name) for name in Parts._fields})
    rows = [(kind, provider, lines, Parts(*won)) for kind, provider, lines, *won in summed.order_by()]
    rows += [
        (draft.kind, draft.provider, 1, draft.parts) for draft in unsettled(shop, until=ends) if draft.at >= starts
    ]
    trade = [row for row in rows if row[0] in (LineKind.SALE, LineKind.RETURN)]
    online = rules.total(parts for _, provider, _, parts in trade if provider != COUNTER)
    counter = rules.total(parts for _, provider, _, parts in trade if provider == COUNTER)
    funded = sum(parts.amount for kind, _, _, parts in rows if kind == LineKind.FUNDING)
    tier = SalesTier(terms_of(shop, last).sales_tier)
    regulated_bps, source = fee_table().regulated(tier, last)
    elsewhere = fee_table().compared(last)
    return TrueCost(
        first=first,
        last=last,
        orders=sum(lines for kind, _, lines, _ in trade if kind == LineKind.SALE),
        online=online,
        counter=counter,
        discounts=max(online.discount + counter.discount - funded, 0),
        funded=funded,
        tier=tier,
        regulated=money.share_of(online.amount, regulated_bps),
        regulated_bps=regulated_bps,
        regulated_source=source,
        low=money.share_of(online.amount, elsewhere.low),
        low_bps=elsewhere.low,
        high=money.share_of(online.amount, elsewhere.high),
        high_bps=elsewhere.high,
        vendor_source=elsewhere.source,
    )


def statement_as_csv(statement: Statement) -> bytes:
    """For any spreadsheet: UTF-8 with its mark, texts made harmless."""
    return sheets.as_csv(paper.rows(statement))


def rows_as_csv(rows: Sequence[Sequence[str | int]]) -> bytes:
    """Rows of anything as CSV that Korean Excel opens rightly."""
    return sheets.as_csv(rows)


def rows_as_xlsx(rows: Sequence[Sequence[str | int]], title: str) -> bytes:
    """The same as XLSX."""
    return sheets.as_xlsx(rows, title)


def statement_as_xlsx(statement: Statement) -> bytes:
    """The same as XLSX, won as numbers."""
    return sheets.as_xlsx(paper.rows(statement), f"{statement.first:%Y-%m}")


def statement_as_pdf(shop: Shop, statement: Statement, language: str) -> bytes:
    """The same on paper: a page of days, then every line."""
    return paper.as_pdf(shop.name, shop.business_number, statement, language)


def exports_of(shop: Shop) -> QuerySet[Export]:
    """What was asked for, the newest on top."""
    return Export.objects.filter(shop=shop).order_by("-asked_at", "-id")


def export_of(shop: Shop, public_id: str) -> Export:
    """One export of this shop, or NoSuchExport."""
    found = Export.objects.filter(shop=shop, public_id=public_id).first()
    if found is None:
        raise errors.NoSuchExport
    return found


def export_file_of(export: Export) -> Path:
    """Where the file of an export is, or will be."""
    return Path(settings.MEDIA_ROOT) / "exports" / f"{export.public_id}.zip"


# Beside what a provider says (across shops) ----------------------------------------------------------------------------


def layouts() -> tuple[str, ...]:
    """The layouts of settlement files that we read."""
    return tuple(LAYOUTS)


def our_side(provider: str, first: date, last: date, theirs: matching.Sides) -> dict[tuple[str, str], matching.Side]:
    """What we know of a provider's trades on these days, and of those that its file names, whenever they were."""
    named = {payment for payment, _ in theirs}
    starts, ends = rules.end_of(first - timedelta(days=1)), rules.end_of(last)
    paid = Payment.objects.filter(provider=provider, state=PaymentState.APPROVED)
    sold = paid.filter(Q(settled_at__gte=starts, settled_at__lt=ends) | Q(public_id__in=named))
    back = Refund.objects.filter(payment__provider=provider, state=RefundState.DONE).filter(
        Q(done_at__gte=starts, done_at__lt=ends) | Q(payment__public_id__in=named)
    )
    trades = [(SALE, one.public_id, one.amount, one.settled_at or one.created_at) for one in sold.iterator(2_000)]
    trades += [
        (REFUND, one.payment.public_id, one.amount, one.done_at or one.asked_at)
        for one in back.select_related("payment").iterator(2_000)
    ]
    known = {name for _, name, _, _ in trades}
    fees, days = _settled(known)
    sides: dict[tuple[str, str], matching.Side] = {}
    for trade, name, amount, at in trades:
        key = (name, trade)
        if key not in theirs and not starts <= at < ends:
            continue
        before = sides.get(key)
        sides[key] = matching.Side(
            amount + (before.amount if before else 0),
            fees.get(key),
            (before.traded_on if before else frozenset()) | {rules.korean_day(at)},
            frozenset(days.get(key, ())),
        )
    return sides


def _settled(payments: set[str]) -> tuple[dict[tuple[str, str], int], dict[tuple[str, str], set[date]]]:
    """Fees and deposit days of what is in payouts already, by payment and trade."""
    fees: dict[tuple[str, str], int] = defaultdict(int)
    days: dict[tuple[str, str], set[date]] = defaultdict(set)
    trades = {LineKind.SALE: SALE, LineKind.RETURN: REFUND}
    lines = PayoutLine.objects.filter(reference__in=payments, kind__in=list(trades)).select_related("payout")
    for line in lines.iterator(2_000):
        key = (line.reference, trades[LineKind(line.kind)])
        parts = parts_of(line)
        fees[key] += abs(parts.fees - parts.platform_fee)
        days[key].add(line.payout.due_on)
    return fees, days


def files_read() -> QuerySet[ProviderFile]:
    """Files, the newest on top, with how many differences are still `open`."""
    still = Count("differences", filter=Q(differences__explanations__isnull=True))
    return ProviderFile.objects.annotate(open=still).order_by("-read_at", "-id")


def open_differences() -> QuerySet[Difference]:
    """What nobody explained yet, the oldest on top."""
    return Difference.objects.filter(explanations__isnull=True).select_related("file").order_by("id")


def explained_differences() -> QuerySet[Difference]:
    """What was explained, the newest on top."""
    found = Difference.objects.filter(explanations__isnull=False).distinct()
    return found.select_related("file").prefetch_related("explanations").order_by("-id")


def difference_by_id(number: int) -> Difference:
    """One difference, or NoSuchDifference."""
    found = Difference.objects.filter(pk=number).first() if 0 < number < 2**62 else None
    if found is None:
        raise errors.NoSuchDifference
    return found
