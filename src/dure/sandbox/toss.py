"""Toss Payments' contract: create, confirm, query, cancel, with keys. Fields, checks, codes and answers are theirs; the
money is play money, in a file of its own."""

import base64
import hashlib
import json
import re
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit

from dure.sandbox import clock
from dure.sandbox.store import Table, opened

KST = timezone(timedelta(hours=9))
VERSION = "2022-11-16"
READY_LASTS, CONFIRM_LASTS = timedelta(minutes=30), timedelta(minutes=10)
LEAST = 100
WON_MAX = 2**31 - 1
PAID = {"DONE", "PARTIAL_CANCELED"}
OVER = {"ABORTED", "EXPIRED"}
_ORDER = re.compile(r"[A-Za-z0-9_\-=]{6,64}")
_UNREADABLE = re.compile("[\x00\ud800-\udfff]")


@dataclass(slots=True)
class TossPayment:
    """One payment as Toss sees it. Won; `confirms` counts how often money moved; `cancels` is their list as JSON."""

    paymentKey: str  # noqa: N815 - their names
    orderId: str  # noqa: N815
    orderName: str  # noqa: N815
    totalAmount: int  # noqa: N815
    taxFreeAmount: int  # noqa: N815
    successUrl: str  # noqa: N815
    failUrl: str  # noqa: N815
    requestedAt: str  # noqa: N815
    status: str = "READY"
    balanceAmount: int = 0  # noqa: N815
    authenticatedAt: str = ""  # noqa: N815
    approvedAt: str = ""  # noqa: N815
    confirms: int = 0
    cancels: str = "[]"


@dataclass(slots=True)
class Said:
    """What was answered to a key, so that the same question gets the same answer for fifteen days."""

    name: str
    asked: str
    status: int
    body: str


@dataclass(slots=True)
class Event:
    """A webhook that is owed to the shop: what it says, and where it goes."""

    name: str
    url: str
    body: str


class TossRefusal(Exception):
    """An error answer, in their words."""

    def __init__(self, code: str, message: str, *, status: int = 400) -> None:
        super().__init__(message)
        self.code, self.message, self.status = code, message, status

    def body(self) -> dict[str, Any]:
        return {"code": self.code, "message": self.message}


class TossContract:
    """The calls over a store of their own. Each checks everything before it changes anything."""

    def __init__(self, path: Path) -> None:
        db = opened(path)
        self.payments = Table(db, "payment", TossPayment, "paymentKey")
        self.answers = Table(db, "answer", Said, "name")
        self.events = Table(db, "event", Event, "name")

    def forget(self) -> None:
        """Everything."""
        for table in (self.payments, self.answers, self.events):
            table.forget()

    def check_key(self, authorization: str) -> None:
        """Basic, the secret key and a colon; keys for development only."""
        scheme, _, written = authorization.partition(" ")
        try:
            named = base64.b64decode(written, validate=True).decode()
        except ValueError:
            named = ""
        if scheme != "Basic" or not named.endswith(":"):
            raise TossRefusal("INCORRECT_BASIC_AUTH_FORMAT", "Basic and base64 of the key and a colon", status=401)
        if not named.startswith(("test_sk_", "test_gsk_")):
            raise TossRefusal("UNAUTHORIZED_KEY", "the sandbox takes test keys only", status=401)

    def known(self, key: str, asked: str) -> Said | None:
        """What was answered before under this key, to the same question at the same address."""
        if not key:
            return None
        if len(key) > 300:
            raise TossRefusal("INVALID_IDEMPOTENCY_KEY", "at most 300 characters")
        return self.answers.get(_digest(key, asked))

    def keep(self, key: str, asked: str, status: int, body: dict[str, Any]) -> None:
        """Remember an answer under its key."""
        if key:
            self.answers.put(Said(_digest(key, asked), asked, status, json.dumps(body)))

    def create(self, said: dict[str, Any], *, pages: str) -> dict[str, Any]:
        """Prepare a payment whose page the person finds under `pages`."""
        amount, tax_free = _won(said, "amount"), _won(said, "taxFreeAmount") if "taxFreeAmount" in said else 0
        order = _text(said, "orderId", longest=64)
        if not _ORDER.fullmatch(order):
            raise TossRefusal("INVALID_ORDER_ID", "6 to 64 of letters, digits, - _ =")
        if amount < LEAST:
            raise TossRefusal("BELOW_MINIMUM_AMOUNT", f"at least {LEAST} won")
        if tax_free > amount:
            raise TossRefusal("INVALID_REQUEST", "taxFreeAmount exceeds amount")
        if _text(said, "method") != "CARD":
            raise TossRefusal("INVALID_REQUEST", "the sandbox knows the method CARD only")
        if self.payments.get(order, by="orderId"):
            raise TossRefusal("DUPLICATED_ORDER_ID", "this orderId was used before")
        payment = TossPayment(
            paymentKey="tgen_" + secrets.token_hex(12),
            orderId=order,
            orderName=_text(said, "orderName"),
            totalAmount=amount,
            taxFreeAmount=tax_free,
            successUrl=_url(said, "successUrl"),
            failUrl=_url(said, "failUrl"),
            requestedAt=_now(),
        )
        self.payments.put(payment)
        return {**shown(payment), "checkout": {"url": f"{pages}/toss/pay/{payment.paymentKey}"}}

    def confirm(self, said: dict[str, Any]) -> dict[str, Any]:
        """Move the money, once, after the person agreed."""
        payment = self.payments.get(_text(said, "paymentKey", longest=200))
        if payment is None:
            raise TossRefusal("NOT_FOUND_PAYMENT_SESSION", "no such payment, or its time is over", status=404)
        if _text(said, "orderId") != payment.orderId or _won(said, "amount") != payment.totalAmount:
            raise TossRefusal("INVALID_REQUEST", "orderId or amount does not match")
        if payment.confirms:
            raise TossRefusal("ALREADY_PROCESSED_PAYMENT", "this payment was processed already")
        if payment.status == "READY":
            raise TossRefusal("NOT_FOUND_PAYMENT_SESSION", "the person did not agree yet", status=404)
        if payment.status in OVER or _age(payment.authenticatedAt) > CONFIRM_LASTS:
            payment.status = payment.status if payment.status in OVER else "EXPIRED"
            self.payments.change(payment)
            raise TossRefusal("NOT_FOUND_PAYMENT_SESSION", "its time is over", status=404)
        payment.status, payment.approvedAt, payment.balanceAmount = "DONE", _now(), payment.totalAmount
        payment.confirms += 1
        self.payments.change(payment)
        self._owe("PAYMENT_STATUS_CHANGED", payment)
        return shown(payment)

    def query(self, *, key: str = "", order: str = "", stale: bool = False) -> dict[str, Any]:
        """How a payment stands, by its key or by the shop's own name; `stale` is from before the money moved."""
        payment = self.payments.get(key) if key else self.payments.get(order, by="orderId")
        if payment is None:
            raise TossRefusal("NOT_FOUND_PAYMENT", "no such payment", status=404)
        self._expire(payment)
        if stale:
            payment.status, payment.balanceAmount, payment.cancels = "IN_PROGRESS", 0, "[]"
        return shown(payment)

    def cancel(self, key: str, said: dict[str, Any]) -> dict[str, Any]:
        """Return all or part of the money."""
        payment = self.payments.get(key)
        if payment is None:
            raise TossRefusal("NOT_FOUND_PAYMENT", "no such payment", status=404)
        reason = _text(said, "cancelReason", longest=200)
        if payment.status == "CANCELED":
            raise TossRefusal("ALREADY_CANCELED_PAYMENT", "all of it was canceled already")
        if payment.status not in PAID:
            raise TossRefusal("NOT_CANCELABLE_PAYMENT", "not in a state to be canceled", status=403)
        amount = _won(said, "cancelAmount") if "cancelAmount" in said else payment.balanceAmount
        tax_free = _won(said, "taxFreeAmount") if "taxFreeAmount" in said else 0
        if not 1 <= amount <= payment.balanceAmount or tax_free > amount:
            raise TossRefusal("NOT_CANCELABLE_AMOUNT", "more than can be canceled", status=403)
        payment.balanceAmount -= amount
        payment.status = "PARTIAL_CANCELED" if payment.balanceAmount else "CANCELED"
        done = {
            "cancelAmount": amount,
            "cancelReason": reason,
            "taxFreeAmount": tax_free,
            "refundableAmount": payment.balanceAmount,
            "canceledAt": _now(),
            "transactionKey": secrets.token_hex(16).upper(),
            "cancelStatus": "DONE",
        }
        payment.cancels = json.dumps([*json.loads(payment.cancels), done])
        self.payments.change(payment)
        self._owe("CANCEL_STATUS_CHANGED", payment)
        return shown(payment)

    # The person's side

    def agree(self, payment: TossPayment) -> str:
        """The person presses pay: returns where the browser goes, with what their own page would put there."""
        self._expire(payment)
        if payment.status == "READY":
            payment.status, payment.authenticatedAt = "IN_PROGRESS", _now()
            self.payments.change(payment)
            self._owe("PAYMENT_STATUS_CHANGED", payment)
        return back_from(payment)

    def leave(self, payment: TossPayment, *, failing: bool) -> str:
        """The person presses cancel, or the card is refused: returns where the browser goes."""
        if payment.status in ("READY", "IN_PROGRESS"):
            payment.status = "ABORTED"
            self.payments.change(payment)
            self._owe("PAYMENT_STATUS_CHANGED", payment)
        code, word = (
            ("REJECT_CARD_COMPANY", "카드사에서 거절했어요") if failing else ("PAY_PROCESS_CANCELED", "취소했어요")
        )
        return _with(payment.failUrl, code=code, message=word, orderId=payment.orderId)

    def _expire(self, payment: TossPayment) -> None:
        if payment.status == "READY" and _age(payment.requestedAt) > READY_LASTS:
            payment.status = "EXPIRED"
            self.payments.change(payment)

    def _owe(self, kind: str, payment: TossPayment) -> None:
        """A webhook goes to the shop that gave the addresses. Theirs are not signed, so this one is not either."""
        parts = urlsplit(payment.successUrl)
        body = {"eventType": kind, "createdAt": _now(), "data": shown(payment)}
        url = f"{parts.scheme}://{parts.netloc}/hooks/toss/webhook"
        self.events.put(Event(secrets.token_hex(8), url, json.dumps(body)))


def back_from(payment: TossPayment) -> str:
    """Where the browser of a person who is done here belongs."""
    if payment.status in OVER:
        return _with(payment.failUrl, code="PAY_PROCESS_ABORTED", message="끝난 결제예요", orderId=payment.orderId)
    return _with(
        payment.successUrl,
        paymentType="NORMAL",
        orderId=payment.orderId,
        paymentKey=payment.paymentKey,
        amount=payment.totalAmount,
    )


def shown(payment: TossPayment) -> dict[str, Any]:
    """The Payment object, as far as the sandbox has something to say."""
    paid = payment.status in PAID or payment.status == "CANCELED"
    supplied = round((payment.totalAmount - payment.taxFreeAmount) * 10 / 11)
    return {
        "version": VERSION,
        "paymentKey": payment.paymentKey,
        "type": "NORMAL",
        "orderId": payment.orderId,
        "orderName": payment.orderName,
        "mId": "tsandbox",
        "currency": "KRW",
        "method": "카드" if paid else None,
        "totalAmount": payment.totalAmount,
        "balanceAmount": payment.balanceAmount if paid else payment.totalAmount,
        "suppliedAmount": supplied,
        "vat": payment.totalAmount - payment.taxFreeAmount - supplied,
        "taxFreeAmount": payment.taxFreeAmount,
        "status": payment.status,
        "requestedAt": payment.requestedAt,
        "approvedAt": payment.approvedAt or None,
        "cancels": json.loads(payment.cancels) or None,
        "isPartialCancelable": True,
        "card": {"cardType": "신용", "number": "12345678****000*", "approveNo": "00000000"} if paid else None,
        "failure": None,
    }


def _digest(key: str, asked: str) -> str:
    return hashlib.sha256(f"{asked}\n{key}".encode()).hexdigest()


def _with(url: str, **fields: object) -> str:
    return f"{url}{'&' if '?' in url else '?'}{urlencode(fields)}"


def _text(said: dict[str, Any], name: str, *, longest: int = 100) -> str:
    value = said.get(name)
    if not isinstance(value, str) or not 1 <= len(value) <= longest or _UNREADABLE.search(value):
        raise TossRefusal("INVALID_REQUEST", f"{name} must be a text of 1 to {longest} characters")
    return value


def _url(said: dict[str, Any], name: str) -> str:
    value = _text(said, name, longest=2_000)
    try:
        good = urlsplit(value).scheme in ("http", "https") and bool(urlsplit(value).hostname)
    except ValueError:
        good = False
    if not good or any(c <= " " for c in value):
        raise TossRefusal("INVALID_REQUEST", f"{name} must be an http(s) address")
    return value


def _won(said: dict[str, Any], name: str) -> int:
    value = said.get(name)
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= WON_MAX:
        raise TossRefusal("INVALID_REQUEST", f"{name} must be a whole number that is not negative")
    return value


def _now() -> str:
    return clock.now().astimezone(KST).isoformat(timespec="seconds")


def _age(since: str) -> timedelta:
    return clock.now().astimezone(KST) - datetime.fromisoformat(since)
