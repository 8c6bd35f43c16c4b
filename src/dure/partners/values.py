"""Words of the partners room."""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from dure.kit.language import Text, say

VERSION = "2026-11-01"
"""The version of the API that a key is pinned to when it is made."""


class Scope(StrEnum):
    """One thing that a key lets a program do."""

    READ_SHOP = "shop:read"
    READ_ORDERS = "orders:read"
    READ_AUDIENCES = "audiences:read"
    READ_PAYMENTS = "payments:read"
    WRITE_PAYMENTS = "payments:write"
    READ_EVENTS = "events:read"
    WRITE_WEBHOOKS = "webhooks:write"


SCOPE_WORDS: dict[Scope, Text] = {
    Scope.READ_SHOP: say("가게와 메뉴 보기", en="See the shop and its menu"),
    Scope.READ_ORDERS: say("주문 보기", en="See orders"),
    Scope.READ_AUDIENCES: say("고객층 둘러보기", en="Explore audiences"),
    Scope.READ_PAYMENTS: say("결제 보기", en="See payments"),
    Scope.WRITE_PAYMENTS: say("결제 받고 돌려주기", en="Take and return payments"),
    Scope.READ_EVENTS: say("알림 기록 보고 다시 보내기", en="See events and resend them"),
    Scope.WRITE_WEBHOOKS: say("웹훅 주소 바꾸기", en="Change webhook addresses"),
}


class EventKind(StrEnum):
    """What a program is told, as the `type` of a webhook."""

    CHECKOUT_OPENED = "checkout.opened"
    CHECKOUT_PAID = "checkout.paid"
    CHECKOUT_RETURNED = "checkout.returned"
    CHECKOUT_CLOSED = "checkout.closed"
    ORDER_RECEIVED = "order.received"
    ORDER_MOVED = "order.moved"
    PING = "ping"


class DispatchState(StrEnum):
    """WAITING: to be sent, now or later. SENT: the endpoint took it. GIVEN_UP: the last try failed, or the endpoint was
    disabled before."""

    WAITING = "waiting"
    SENT = "sent"
    GIVEN_UP = "given_up"


DISPATCH_WORDS: dict[DispatchState, Text] = {
    DispatchState.WAITING: say("다시 보낼게요", en="Will be sent again"),
    DispatchState.SENT: say("받았어요", en="Received"),
    DispatchState.GIVEN_UP: say("받지 못했어요", en="Not received"),
}


@dataclass(frozen=True, slots=True)
class Answered:
    """What an endpoint said to one dispatch: its status, or why there is none (`fault`)."""

    status: int = 0
    fault: str = ""

    @property
    def took_it(self) -> bool:
        return 200 <= self.status < 300


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """One answer of the API that is kept for whoever asks again with the same key."""

    status: int
    body: str
    replayed: bool = False
    headers: dict[str, Any] = field(default_factory=dict)
