"""Words of the settlement room."""

from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import NamedTuple

from dure.kit.language import Text, say


class SalesTier(StrEnum):
    """A shop's sales of a year, as the card law sorts them. UNKNOWN pays what GENERAL pays until somebody says."""

    UNKNOWN = "unknown"
    TINY = "tiny"
    SMALL = "small"
    MEDIUM = "medium"
    LARGE = "large"
    GENERAL = "general"


TIER_WORDS: dict[SalesTier, Text] = {
    SalesTier.UNKNOWN: say("아직 몰라요", en="Not known yet"),
    SalesTier.TINY: say("3억 원 이하 (영세)", en="Up to 300 million won"),
    SalesTier.SMALL: say("3억–5억 원", en="300–500 million won"),
    SalesTier.MEDIUM: say("5억–10억 원", en="500 million–1 billion won"),
    SalesTier.LARGE: say("10억–30억 원", en="1–3 billion won"),
    SalesTier.GENERAL: say("30억 원 초과", en="Above 3 billion won"),
}


class Method(StrEnum):
    """What the guest paid with at the provider, as far as it told."""

    CREDIT = "credit"
    CHECK = "check"
    MONEY = "money"


@dataclass(frozen=True, slots=True, kw_only=True)
class Rates:
    """Basis points of one payment: to the card company, to the provider, to the platform."""

    card: int
    provider: int
    platform: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Sale:
    """What is known of one payment: the won paid, what was taken off before, and where the money lies."""

    amount: int
    tax_free: int
    vat: int
    discount: int
    rates: Rates
    at_counter: bool = False


class Parts(NamedTuple):
    """Every won of a sale (or of a change to it), in whole won. `amount` = `subtotal` − `discount`; what the shop is paid
    is `net`. `kept` lies in the shop's own drawer already."""

    subtotal: int = 0
    discount: int = 0
    amount: int = 0
    tax_free: int = 0
    vat: int = 0
    card_fee: int = 0
    provider_fee: int = 0
    platform_fee: int = 0
    fee_vat: int = 0
    kept: int = 0

    @property
    def fees(self) -> int:
        """All that others take of it."""
        return self.card_fee + self.provider_fee + self.platform_fee + self.fee_vat

    @property
    def net(self) -> int:
        """What is paid out."""
        return self.amount - self.fees - self.kept

    def less(self, other: "Parts") -> "Parts":
        return Parts(*(mine - theirs for mine, theirs in zip(self, other, strict=True)))

    def plus(self, other: "Parts") -> "Parts":
        return Parts(*(mine + theirs for mine, theirs in zip(self, other, strict=True)))


class LineKind(StrEnum):
    """What a line of a payout stands for. FUNDING: somebody else's share of a discount. OTHER: any further movement of
    the shop's account, so that nothing is ever left out."""

    SALE = "sale"
    RETURN = "return"
    FUNDING = "funding"
    HOLD = "hold"
    RELEASE = "release"
    CORRECTION = "correction"
    OTHER = "other"


LINE_WORDS: dict[LineKind, Text] = {
    LineKind.SALE: say("판매", en="Sale"),
    LineKind.RETURN: say("환불", en="Refund"),
    LineKind.FUNDING: say("다른 곳이 낸 할인", en="Discount paid by others"),
    LineKind.HOLD: say("보류", en="Held back"),
    LineKind.RELEASE: say("보류 풀림", en="Released"),
    LineKind.CORRECTION: say("바로잡음", en="Correction"),
    LineKind.OTHER: say("그 밖", en="Other"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """A line that some payout will carry: one entry of the books that moved the shop's account."""

    entry_id: int
    kind: LineKind
    reference: str
    provider: str
    at: datetime
    parts: Parts


class PayoutKind(StrEnum):
    """SALES: a day's sales, and whatever else moved the shop's account until that day ended."""

    SALES = "sales"


class PayoutState(StrEnum):
    """DUE: closed, waits for its day. SENDING: the call to the bank has left. UNKNOWN: its answer was lost; the bank is
    asked, and nothing is sent again before it answered. PAID. REFUSED: the bank said no, a person must look."""

    DUE = "due"
    SENDING = "sending"
    UNKNOWN = "unknown"
    PAID = "paid"
    REFUSED = "refused"


STATE_WORDS: dict[PayoutState, Text] = {
    PayoutState.DUE: say("입금 예정", en="Due"),
    PayoutState.SENDING: say("보내는 중", en="On its way"),
    PayoutState.UNKNOWN: say("은행에 확인 중", en="Asking the bank"),
    PayoutState.PAID: say("입금됨", en="Paid"),
    PayoutState.REFUSED: say("은행이 거절함", en="Refused by the bank"),
}


class AdjustmentKind(StrEnum):
    """HOLD keeps some of a shop's money back, RELEASE gives a hold back whole, CORRECTION adds or takes won."""

    HOLD = "hold"
    RELEASE = "release"
    CORRECTION = "correction"


class BankSays(StrEnum):
    """How a transfer stands at the bank. UNKNOWN proves nothing. NEVER_HEARD: it was not given, so it may be given."""

    PAID = "paid"
    REFUSED = "refused"
    UNKNOWN = "unknown"
    NEVER_HEARD = "never_heard"


@dataclass(frozen=True, slots=True, kw_only=True)
class TransferTerms:
    """What a bank is told of one payout. `public_id` binds its answers to this payout and no other."""

    public_id: str
    shop: str
    amount: int
    due_on: date


@dataclass(frozen=True, slots=True, kw_only=True)
class BankAnswer:
    """A bank's answer, `key` its own name for the transfer, `code` its own word."""

    says: BankSays
    key: str = ""
    code: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class TrueCost:
    """What a shop's orders of some days cost all in. `online` went through a provider, `counter` into the drawer.
    `discounts` the shop paid itself, `funded` others paid. `regulated`, `low` and `high` are what the card law and vendors
    of table ordering would have taken of `online`, with their basis points and sources."""

    first: date
    last: date
    orders: int
    online: Parts
    counter: Parts
    discounts: int
    funded: int
    tier: SalesTier
    regulated: int
    regulated_bps: int
    regulated_source: str
    low: int
    low_bps: int
    high: int
    high_bps: int
    vendor_source: str

    @property
    def taken(self) -> int:
        """What guests paid and did not get back."""
        return self.online.amount + self.counter.amount

    @property
    def cost(self) -> int:
        """What others kept of it."""
        return self.online.fees


@dataclass(frozen=True, slots=True, kw_only=True)
class StatementLine:
    """One line of a statement: each won from the sale to the day on which the rest is paid."""

    at: datetime
    kind: LineKind
    reference: str
    provider: str
    parts: Parts
    period_on: date
    due_on: date
    paid_on: date | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    """All that was settled for the days of a month, and what it comes to."""

    first: date
    last: date
    lines: tuple[StatementLine, ...]
    whole: Parts


class ExportState(StrEnum):
    """READY: the file can be fetched for a week; then it is GONE, and asking again writes it anew."""

    ASKED = "asked"
    RUNNING = "running"
    READY = "ready"
    FAILED = "failed"
    GONE = "gone"


EXPORT_WORDS: dict[ExportState, Text] = {
    ExportState.ASKED: say("차례를 기다려요", en="Waiting"),
    ExportState.RUNNING: say("만드는 중", en="Being made"),
    ExportState.READY: say("받을 수 있어요", en="Ready"),
    ExportState.FAILED: say("만들지 못했어요. 다시 해 주세요", en="Failed; please try again"),
    ExportState.GONE: say("지운 파일", en="Removed"),
}


class DifferenceKind(StrEnum):
    """What a provider's file and our books do not agree on."""

    MISSING_HERE = "missing_here"
    MISSING_THERE = "missing_there"
    AMOUNT = "amount"
    FEE = "fee"
    DATE = "date"


DIFFERENCE_WORDS: dict[DifferenceKind, Text] = {
    DifferenceKind.MISSING_HERE: say("우리에게 없음", en="Not with us"),
    DifferenceKind.MISSING_THERE: say("결제사에 없음", en="Not with them"),
    DifferenceKind.AMOUNT: say("금액이 다름", en="Amount"),
    DifferenceKind.FEE: say("수수료가 다름", en="Fee"),
    DifferenceKind.DATE: say("날짜가 다름", en="Date"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class FileFault:
    """What is wrong in one cell of a provider's file: its row as a spreadsheet counts, and our column."""

    row: int
    column: str
