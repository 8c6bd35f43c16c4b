"""Words of the ordering room."""

from dataclasses import dataclass
from enum import StrEnum

QUANTITY_MAX = 99
LINES_MAX = 50


class OrderState(StrEnum):
    """WAITING: placed, to be paid before the kitchen sees it. RECEIVED … SERVED: the kitchen's steps. REFUSED: by the
    shop, with a reason, money returned. GIVEN_UP: not paid in time, or the guest stepped back before paying."""

    WAITING = "waiting"
    RECEIVED = "received"
    ACCEPTED = "accepted"
    COOKING = "cooking"
    READY = "ready"
    SERVED = "served"
    REFUSED = "refused"
    GIVEN_UP = "given_up"


class BillState(StrEnum):
    """OPEN: to be paid. SETTLED: paid in full. VOID: nothing is to be paid (refused or given up before payment).
    RETURNED: it was paid, and all of it went back."""

    OPEN = "open"
    SETTLED = "settled"
    VOID = "void"
    RETURNED = "returned"


class SplitBy(StrEnum):
    """How a table splits a bill. EVENLY: in so many equal parts. ITEM: each pays what they ate. AMOUNT: each says how much."""

    EVENLY = "evenly"
    ITEM = "item"
    AMOUNT = "amount"


class PartState(StrEnum):
    """TAKEN: somebody is about to pay it. PAID: they did. GIVEN_BACK: they did not, and the table owes it again. RETURNED:
    it was paid, and all of it went back. WAIVED: nobody paid it, and a member of staff said why."""

    TAKEN = "taken"
    PAID = "paid"
    GIVEN_BACK = "given_back"
    RETURNED = "returned"
    WAIVED = "waived"


class VisitState(StrEnum):
    """OPEN: guests sit there. CLOSED: they left. MERGED: they joined another table."""

    OPEN = "open"
    CLOSED = "closed"
    MERGED = "merged"


class CallState(StrEnum):
    """OPEN: somebody waits at the table. ANSWERED: a member of staff went, or the guests left."""

    OPEN = "open"
    ANSWERED = "answered"


class ConcessionKind(StrEnum):
    """REFUSAL: of a whole order. STRIKE: of units of a line. REFUND: of money that was asked for without an order. UNPAID:
    guests left without paying, and staff said why."""

    REFUSAL = "refusal"
    STRIKE = "strike"
    REFUND = "refund"
    UNPAID = "unpaid"


class ConcessionState(StrEnum):
    """WAITING: for a second person; nothing has moved. DONE: it was given. DECLINED: the second person said no, or the first
    wanted it no more. EXPIRED: nobody answered in time, or there was nothing left to give."""

    WAITING = "waiting"
    DONE = "done"
    DECLINED = "declined"
    EXPIRED = "expired"


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What a member of staff wants to give back or write off, and why. `subject` is the public id of an order (REFUSAL, STRIKE),
    a bill (REFUND) or a visit (UNPAID); `line` (its place, from 1) and `quantity` say what is struck, `amount` the won of a
    refund; `key` is the sender's."""

    kind: ConcessionKind
    subject: str
    reason: str
    line: int = 0
    quantity: int = 0
    amount: int = 0
    key: str = ""

    @property
    def about(self) -> str:
        """What may wait once only: an order, one of its lines, a bill, a visit."""
        return f"{self.subject}:{self.line}" if self.line else self.subject


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """One line somebody wants: an item, its options, how many. Never a price: prices are the menu's."""

    item: str
    options: tuple[str, ...] = ()
    quantity: int = 1
    note: str = ""
