"""Everything read about wallets."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.db import connection
from django.db.models import Count, Q, QuerySet, Sum

from dure.ledger import queries as ledger
from dure.ledger.models import Posting
from dure.payments import queries as payments
from dure.payments.models import Payment
from dure.payments.values import RETURNING, AgreementState, PaymentState, RefundState
from dure.people.models import Person
from dure.wallet import errors, rules
from dure.wallet.models import AutoTopUp, PayBack, TopUp, Wallet
from dure.wallet.values import PRACTICE, Kind, Limits, Room, Safeguarding, TopUpState, WalletState, Why


def wallets_on() -> bool:
    """Whether the operator stated a registration: without one there are no wallets."""
    return bool(settings.WALLET["registration"])


def practising() -> bool:
    """Whether the wallet only practises, with no real money."""
    return bool(settings.WALLET["registration"] == PRACTICE)


def failed_top_up(wallet: Wallet, at: datetime) -> TopUp | None:
    """The wallet's newest top-up where it did not happen, as long as its owner may still wonder."""
    last = wallet.top_ups.order_by("-id").first()
    if last is None or last.state != TopUpState.FAILED or last.ended_at is None:
        return None
    return last if at - last.ended_at < rules.WONDERS else None


def limits() -> Limits:
    """The limits of this installation."""
    kept: Limits = settings.WALLET["limits"]
    return kept


def wallet_of(person: Person | None) -> Wallet | None:
    """The person's wallet, where wallets are on and they opened one."""
    if person is None or not wallets_on():
        return None
    return Wallet.objects.filter(person=person).first()


def wallet_by_public_id(public_id: str) -> Wallet:
    """A wallet; NoSuchWallet where there is none."""
    found = Wallet.objects.filter(public_id=public_id).first()
    if found is None:
        raise errors.NoSuchWallet
    return found


def wallet_by_account(code: str) -> Wallet | None:
    """The wallet whose account this is."""
    room, _, public_id = code.partition(":")
    return Wallet.objects.filter(public_id=public_id).first() if room == "wallet" else None


def balance_of(wallet: Wallet | None) -> int:
    """What the wallet holds, in won."""
    return ledger.balance_of(wallet.account) if wallet else 0


def is_named(person: Person | None) -> bool:
    """Whether the law's higher holding limit applies: whose phone number was proven."""
    return person is not None and person.phone_verified


def room_in(wallet: Wallet, at: datetime) -> Room:
    """What may still be put in and paid today."""
    since = rules.day_begins(at)
    coming = wallet.top_ups.filter(state=TopUpState.OPEN).aggregate(won=Sum("amount"))["won"] or 0
    today = wallet.top_ups.exclude(state=TopUpState.FAILED).filter(opened_at__gte=since)
    return rules.room_in(
        limits(),
        named=is_named(wallet.person),
        balance=balance_of(wallet),
        coming=coming,
        topped_up_today=today.aggregate(won=Sum("amount"))["won"] or 0,
        paid_today=payments.paid_from(wallet.account, since=since),
    )


def covers(wallet: Wallet | None, total: int, at: datetime) -> bool:
    """Whether the wallet could pay `total` right now."""
    return (
        wallet is not None
        and wallet.state == WalletState.ACTIVE
        and balance_of(wallet) >= total
        and room_in(wallet, at).pay >= total
    )


def returnable(wallet: Wallet, at: datetime) -> tuple[Why, int] | None:
    """By what right how much of the balance goes back now."""
    last = wallet.top_ups.filter(state=TopUpState.PAID).order_by("-ended_at", "-id").first()
    open_for_all = settings.WALLET["refund_all"]
    return rules.right_to_return(
        limits(),
        balance=balance_of(wallet),
        peak=last.balance_after or 0 if last else 0,
        last=last.amount if last else 0,
        last_at=last.ended_at if last else None,
        open_for_all=Why(open_for_all) if open_for_all else None,
        at=at,
    )


@dataclass(frozen=True, slots=True)
class Source:
    """A top-up and the won of it that can still go back to where they came from."""

    top_up: TopUp
    payment: Payment
    left: int


def sources_of(wallet: Wallet) -> list[Source]:
    """Where the balance can go back to, the latest top-up first."""
    paid = {top_up.public_id: top_up for top_up in wallet.top_ups.filter(state=TopUpState.PAID)}
    found = Payment.objects.filter(reference__in=paid, state=PaymentState.APPROVED).order_by("-settled_at", "-id")
    gone = found.annotate(gone=Sum("refunds__amount", filter=~Q(refunds__state=RefundState.FAILED), default=0))
    return [Source(paid[one.reference], one, one.amount - one.gone) for one in gone if one.amount > one.gone]


def top_ups_of(wallet: Wallet) -> QuerySet[TopUp]:
    """Every top-up, the latest first."""
    return wallet.top_ups.order_by("-id")


def open_top_up(wallet: Wallet) -> TopUp | None:
    """The latest top-up of which nobody knows yet how it ends."""
    return wallet.top_ups.filter(state=TopUpState.OPEN).order_by("-id").first()


def automation_of(wallet: Wallet) -> AutoTopUp | None:
    """The automatic top-up that the person agreed to and did not revoke."""
    alive = wallet.automations.filter(agreement__state__in=[AgreementState.ASKED, AgreementState.ACTIVE])
    return alive.select_related("agreement").order_by("-id").first()


def refills_left_lying(at: datetime) -> list[Wallet]:
    """Wallets with an automatic top-up that was written down a minute ago and of which no payment knows."""
    open_ones = TopUp.objects.filter(automatic=True, state=TopUpState.OPEN, opened_at__lte=at - timedelta(minutes=1))
    known = Payment.objects.filter(reference__in=open_ones.values("public_id")).values_list("reference", flat=True)
    return [one.wallet for one in open_ones.exclude(public_id__in=list(known)).select_related("wallet")]


def refilled_today(wallet: Wallet, at: datetime) -> int:
    """What was put in by itself today, or is on its way."""
    today = wallet.top_ups.filter(automatic=True, opened_at__gte=rules.day_begins(at)).exclude(state=TopUpState.FAILED)
    return int(today.aggregate(won=Sum("amount"))["won"] or 0)


def pay_backs_under_way(wallet: Wallet) -> QuerySet[PayBack]:
    """What is on its way back and not there yet."""
    return wallet.pay_backs.exclude(refund__state=RefundState.DONE).order_by("-id")


# The statement ------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Line:
    """One movement of the balance: won with their sign, the balance after it, and the payment's name where it has one."""

    id: int
    kind: Kind
    won: int
    balance: int
    what: str
    at: datetime


_KINDS: Mapping[tuple[str, bool], Kind] = {
    ("payment", True): Kind.TOP_UP,
    ("payment", False): Kind.PAID,
    ("refund", True): Kind.RETURNED,
    ("refund-hold", False): Kind.TAKEN_BACK,
    ("refund-hold-reversal", True): Kind.KEPT,
}


def statement_of(wallet: Wallet, *, limit: int = 100, before: int | None = None) -> list[Line]:
    """Movements of the balance, the latest first, each with the balance after it; from the books alone."""
    moved = (
        Posting.objects.filter(Q(source__code=wallet.account) | Q(destination__code=wallet.account))
        .select_related("entry", "destination")
        .order_by("-id")
    )
    balance = balance_of(wallet)
    if before is not None:
        later = moved.filter(id__gte=before)
        balance -= sum(_signed(one, wallet.account) for one in later)
        moved = moved.filter(id__lt=before)
    page = list(moved[:limit])
    names = dict(
        Payment.objects.filter(public_id__in={one.entry.reference for one in page}).values_list(
            "public_id", "item_name"
        )
    )
    lines = []
    for one in page:
        won = _signed(one, wallet.account)
        kind = _KINDS.get((one.entry.kind, won > 0), Kind.JOINED)
        lines.append(
            Line(
                id=one.pk,
                kind=kind,
                won=won,
                balance=balance,
                what=names.get(one.entry.reference, "") if kind in (Kind.PAID, Kind.RETURNED) else "",
                at=one.entry.at,
            )
        )
        balance -= won
    return lines


def _signed(posting: Posting, account: str) -> int:
    return posting.amount if posting.destination.code == account else -posting.amount


# What must lie outside ----------------------------------------------------------------------------------------------------


def safeguarding() -> Safeguarding:
    """Customers' money as it stands now, counted from the kept balances and again from the entries."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT coalesce(sum(change.won), 0),
                   coalesce(sum(change.won) FILTER (WHERE e.kind = 'payment' AND change.won > 0), 0),
                   coalesce(-sum(change.won) FILTER (WHERE e.kind = 'payment' AND change.won < 0), 0),
                   coalesce(sum(change.won) FILTER (WHERE e.kind = 'refund' AND change.won > 0), 0),
                   coalesce(-sum(change.won) FILTER (WHERE e.kind = 'refund' AND change.won < 0), 0)
            FROM (
                SELECT entry_id, destination_id AS account_id, amount AS won FROM ledger_posting
                UNION ALL SELECT entry_id, source_id, -amount FROM ledger_posting
            ) AS change JOIN ledger_account a ON a.id = change.account_id JOIN ledger_entry e ON e.id = change.entry_id
            WHERE a.code LIKE 'wallet:%%' OR a.code LIKE 'returning:wallet:%%'
            """
        )
        entered, topped_up, paid, returned, taken_back = (int(won) for won in cursor.fetchone())
    counted = Wallet.objects.aggregate(
        all=Count("id", filter=~Q(state=WalletState.CLOSED)), frozen=Count("id", filter=Q(state=WalletState.FROZEN))
    )
    return Safeguarding(
        kept=ledger.floored_sum("wallet:"),
        on_its_way_back=ledger.floored_sum(f"{RETURNING}wallet:"),
        entered=entered,
        topped_up=topped_up,
        paid=paid,
        returned=returned,
        taken_back=taken_back,
        wallets=counted["all"],
        frozen=counted["frozen"],
        ownerless=sum(ledger.balance_of(one.account) for one in Wallet.objects.filter(state=WalletState.CLOSED)),
    )


def wallets_for_a_person() -> list[Wallet]:
    """Closed wallets with won left in them, which no provider takes back by itself: an operator has to pay them out."""
    return [one for one in Wallet.objects.filter(state=WalletState.CLOSED).order_by("id") if balance_of(one)]
