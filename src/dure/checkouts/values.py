"""Words of the checkouts room."""

from dataclasses import dataclass
from enum import StrEnum

from dure.kit.language import Text, say

AMOUNT_MAX = 10_000_000
STICKER_AMOUNT_MAX = 2_000_000
"""What a guest may type on the page of a sticker; above it the shop asks for the amount itself."""
ITEM_MAX, REFERENCE_MAX, URL_MAX = 100, 100, 1_000


class CheckoutKind(StrEnum):
    """Who asked. TILL: staff, on the shop's screen. LINK: staff, to be sent. STICKER: the guest typed the amount on the page
    of the shop's sticker. CODE: staff or a till program took the guest's one-time code. API: a program, for a page."""

    TILL = "till"
    LINK = "link"
    STICKER = "sticker"
    CODE = "code"
    API = "api"


KIND_WORDS: dict[CheckoutKind, Text] = {
    CheckoutKind.TILL: say("화면의 QR", en="QR on the screen"),
    CheckoutKind.LINK: say("결제 링크", en="Payment link"),
    CheckoutKind.STICKER: say("결제 스티커", en="Payment sticker"),
    CheckoutKind.CODE: say("손님 코드", en="Guest's code"),
    CheckoutKind.API: say("연결된 프로그램", en="Connected program"),
}


class CheckoutState(StrEnum):
    """OPEN: to be paid. PAID: paid, part of it may have gone back. CANCELLED: nobody asks for it any more. EXPIRED: nobody
    paid in time. RETURNED: it was paid, and all of it went back."""

    OPEN = "open"
    PAID = "paid"
    CANCELLED = "cancelled"
    EXPIRED = "expired"
    RETURNED = "returned"


STATE_WORDS: dict[CheckoutState, Text] = {
    CheckoutState.OPEN: say("결제를 기다려요", en="Waiting to be paid"),
    CheckoutState.PAID: say("결제됐어요", en="Paid"),
    CheckoutState.CANCELLED: say("취소했어요", en="Cancelled"),
    CheckoutState.EXPIRED: say("시간이 지났어요", en="Expired"),
    CheckoutState.RETURNED: say("모두 돌려드렸어요", en="All returned"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class MpmCode:
    """What a merchant-presented QR says. `sticker` or `checkout` is the code of the one that printed it; `amount` in won,
    None where the guest types it."""

    name: str
    city: str
    amount: int | None
    sticker: str = ""
    checkout: str = ""
