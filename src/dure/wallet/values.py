"""Words of the wallet."""

from dataclasses import dataclass
from enum import StrEnum

from dure.kit.language import Text, say

PRACTICE = "practice"
"""The registration of a wallet that only practises: the demo's."""


class WalletState(StrEnum):
    """FROZEN: nothing goes out and nobody tops up; money that comes back still comes in. CLOSED: its person is gone, or
    it became part of another one."""

    ACTIVE = "active"
    FROZEN = "frozen"
    CLOSED = "closed"


class TopUpState(StrEnum):
    """OPEN: the person is at the provider, or its answer is not known. PAID: in the balance. FAILED: it never was."""

    OPEN = "open"
    PAID = "paid"
    FAILED = "failed"


class Why(StrEnum):
    """By what right a balance goes back to where it came from (전자금융거래법 §19, 전자상거래법 §17)."""

    USED = "used"
    UNUSED = "unused"
    DISASTER = "disaster"
    DEFECT = "defect"
    WORSENED = "worsened"
    CLOSING = "closing"


WHY_WORDS: dict[Why, Text] = {
    Why.USED: say("충전한 돈을 거의 다 쓴 뒤 남은 돈", en="What is left after most was used"),
    Why.UNUSED: say("쓰지 않은 충전", en="A top-up that was not used"),
    Why.DISASTER: say("재해로 쓸 수 없게 됨", en="A disaster stops its use"),
    Why.DEFECT: say("지갑의 결함", en="A defect of the wallet"),
    Why.WORSENED: say("쓸 곳이 줄거나 조건이 나빠짐", en="Fewer shops, or worse terms"),
    Why.CLOSING: say("지갑을 닫음", en="The wallet is closed"),
}


@dataclass(frozen=True, slots=True)
class Limits:
    """What the operator's registration and terms allow, in won; `refund_bps`: the share of the last topped-up balance at
    or below which all that is left can be taken back; `unused_days`: how long an unused top-up can be returned."""

    holding_named: int
    holding_anonymous: int
    pay_a_day: int
    top_up_a_day: int
    least: int
    refund_bps: int
    unused_days: int


@dataclass(frozen=True, slots=True)
class Room:
    """What may still happen today, in won."""

    holding: int
    top_up: int
    pay: int


class Kind(StrEnum):
    """A line of the statement."""

    TOP_UP = "top_up"
    PAID = "paid"
    RETURNED = "returned"
    TAKEN_BACK = "taken_back"
    KEPT = "kept"
    JOINED = "joined"


KIND_WORDS: dict[Kind, Text] = {
    Kind.TOP_UP: say("충전", en="Top-up"),
    Kind.PAID: say("결제", en="Payment"),
    Kind.RETURNED: say("결제 취소", en="Payment returned"),
    Kind.TAKEN_BACK: say("잔액 돌려받기", en="Taken back"),
    Kind.KEPT: say("돌려받기 취소", en="Not taken back"),
    Kind.JOINED: say("지갑 합치기", en="Wallets joined"),
}


@dataclass(frozen=True, slots=True)
class Safeguarding:
    """Customers' money at one instant, in won, counted twice: from the balances that are kept (`kept`) and from the
    entries of the books (`entered`). All of it must lie outside the operator's own money (전자금융거래법 §25의2)."""

    kept: int
    on_its_way_back: int
    entered: int
    topped_up: int
    paid: int
    returned: int
    taken_back: int
    wallets: int
    frozen: int
    ownerless: int

    @property
    def due_outside(self) -> int:
        """What must be held outside: every balance, and what is on its way back."""
        return self.kept + self.on_its_way_back

    @property
    def agrees(self) -> bool:
        """Whether both ways of counting say the same."""
        moved = self.topped_up - self.paid + self.returned - self.taken_back
        return self.due_outside == self.entered == moved


SAFEGUARDING_WORDS: dict[str, Text] = {
    "due_outside": say("밖에 두어야 하는 고객의 돈 (100%)", en="customers' money that must lie outside (100 %)"),
    "kept": say("지갑의 잔액", en="balances of wallets"),
    "on_its_way_back": say("돌려보내는 중", en="on its way back"),
    "topped_up": say("지금까지 충전", en="topped up so far"),
    "paid": say("지금까지 결제", en="paid so far"),
    "returned": say("결제 취소로 돌아온 돈", en="returned by shops"),
    "taken_back": say("넣은 곳으로 돌려준 돈", en="returned to where it came from"),
    "ownerless": say("닫힌 지갑에 남은 돈 (손으로 돌려주세요)", en="left in closed wallets (pay it back by hand)"),
    "wallets": say("지갑 수", en="wallets"),
    "frozen": say("멈춘 지갑", en="frozen wallets"),
}
