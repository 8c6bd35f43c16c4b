"""The contract: ready, approve, order, cancel, and charging again (subscription, inactive, status). Fields, checks, codes and answers are Kakao Pay's; the money is play money."""

import re
import secrets
from datetime import datetime, timedelta, timezone
from typing import Any
from urllib.parse import urlsplit

from dure.sandbox import clock
from dure.sandbox.store import Payment, Store, Subscription

CID = "TC0ONETIME"
RECURRING = "TCSUBSCRIP"
CIDS = (CID, RECURRING)
KST = timezone(timedelta(hours=9))
CALLS_NEED_KEY = "SECRET_KEY DEV"
LIFE = timedelta(minutes=15)
TEXT_MAX = 100
URL_MAX = 255
WON_MAX = 2**31 - 1

PAID = {"SUCCESS_PAYMENT", "PART_CANCEL_PAYMENT"}
APPROVED = PAID | {"CANCEL_PAYMENT"}
_UNREADABLE = re.compile("[\x00\ud800-\udfff]")
GONE = {"QUIT_PAYMENT", "FAIL_PAYMENT"}


class Refusal(Exception):
    """An error answer, in the provider's words."""

    def __init__(self, code: int, message: str, *, why: str = "", status: int = 400) -> None:
        super().__init__(message)
        self.code, self.message, self.why, self.status = code, message, why, status

    def body(self) -> dict[str, Any]:
        said: dict[str, Any] = {"error_code": self.code, "error_message": self.message}
        if self.why:
            said["extras"] = {"method_result_code": self.why, "method_result_message": self.message}
        return said


class Contract:
    """The calls over one store. Each checks everything before it changes anything."""

    def __init__(self, store: Store) -> None:
        self.store = store

    def ready(self, said: dict[str, Any], *, pages: str) -> dict[str, Any]:
        """Prepare a payment whose pages the person finds under `pages`."""
        _contract(said)
        total, tax_free = _won(said, "total_amount"), _won(said, "tax_free_amount")
        vat = _won(said, "vat_amount") if "vat_amount" in said else _vat(total - tax_free)
        if total < 1 or tax_free > total or vat > total - tax_free:
            raise Refusal(-703, "invalid amount")
        payment = Payment(
            tid="T" + secrets.token_hex(10)[:19],
            cid=said["cid"],
            partner_order_id=_text(said, "partner_order_id"),
            partner_user_id=_text(said, "partner_user_id"),
            item_name=_text(said, "item_name"),
            quantity=_won(said, "quantity"),
            total=total,
            tax_free=tax_free,
            vat=vat,
            approval_url=_url(said, "approval_url"),
            cancel_url=_url(said, "cancel_url"),
            fail_url=_url(said, "fail_url"),
            created_at=_now(),
        )
        self.store.put(payment)
        page = f"{pages}/pay/{payment.tid}"
        return {
            "tid": payment.tid,
            "next_redirect_app_url": page,
            "next_redirect_mobile_url": page,
            "next_redirect_pc_url": page,
            "android_app_scheme": f"dure-sandbox://pay/{payment.tid}",
            "ios_app_scheme": f"dure-sandbox://pay/{payment.tid}",
            "created_at": payment.created_at,
        }

    def approve(self, said: dict[str, Any]) -> dict[str, Any]:
        """Move the money, once, after the person agreed."""
        payment = self._payment(said)
        if _text(said, "partner_order_id") != payment.partner_order_id:
            raise Refusal(-706, "partner_order_id does not match")
        if _text(said, "partner_user_id") != payment.partner_user_id:
            raise Refusal(-707, "partner_user_id does not match")
        token = _text(said, "pg_token", longest=URL_MAX)
        if payment.status in APPROVED:
            raise Refusal(-702, "payment is already done")
        if _is_over(payment) or payment.status in GONE:
            raise Refusal(-723, "payment is expired")
        if not payment.pg_token:
            raise Refusal(-701, "payment is not authenticated yet")
        if not secrets.compare_digest(token.encode(), payment.pg_token.encode()):
            raise Refusal(-708, "pg_token is invalid")
        if "total_amount" in said and _won(said, "total_amount") != payment.total:
            raise Refusal(-722, "amount does not match")
        payment.status, payment.approved_at = "SUCCESS_PAYMENT", _now()
        payment.approvals += 1
        if payment.cid == RECURRING:
            payment.sid = "S" + secrets.token_hex(10)[:19]
            self.store.subscriptions.put(
                Subscription(
                    sid=payment.sid,
                    cid=payment.cid,
                    partner_user_id=payment.partner_user_id,
                    item_name=payment.item_name,
                    created_at=payment.approved_at,
                    last_approved_at=payment.approved_at,
                )
            )
        self.store.change(payment)
        return {"aid": _aid(), **_names(payment), "amount": _paid(payment), "approved_at": payment.approved_at}

    def subscription(self, said: dict[str, Any]) -> dict[str, Any]:
        """Charge again under an agreement: the money moves at once, and nobody is asked."""
        agreed = self._agreed(said)
        total, tax_free = _won(said, "total_amount"), _won(said, "tax_free_amount")
        if agreed.status != "ACTIVE":
            raise Refusal(-751, "sid is inactive")
        if _text(said, "partner_user_id") != agreed.partner_user_id:
            raise Refusal(-753, "partner_user_id does not match")
        if total < 1 or tax_free > total:
            raise Refusal(-703, "invalid amount")
        at = _after(agreed.last_approved_at)
        payment = Payment(
            tid="T" + secrets.token_hex(10)[:19],
            cid=agreed.cid,
            partner_order_id=_text(said, "partner_order_id"),
            partner_user_id=agreed.partner_user_id,
            item_name=_text(said, "item_name"),
            quantity=_won(said, "quantity"),
            total=total,
            tax_free=tax_free,
            vat=_vat(total - tax_free),
            approval_url="",
            cancel_url="",
            fail_url="",
            created_at=at,
            status="SUCCESS_PAYMENT",
            approvals=1,
            approved_at=at,
            sid=agreed.sid,
        )
        self.store.put(payment)
        agreed.last_approved_at, agreed.charges = at, agreed.charges + 1
        self.store.subscriptions.change(agreed)
        return {"aid": _aid(), **_names(payment), "amount": _paid(payment), "approved_at": at}

    def inactive(self, said: dict[str, Any]) -> dict[str, Any]:
        """End an agreement; ending it twice is ended."""
        agreed = self._agreed(said)
        if agreed.status == "ACTIVE":
            agreed.status, agreed.inactivated_at = "INACTIVE", _now()
            self.store.subscriptions.change(agreed)
        return _standing(agreed)

    def status(self, said: dict[str, Any]) -> dict[str, Any]:
        """How an agreement stands, and when it was last charged."""
        return _standing(self._agreed(said))

    def _agreed(self, said: dict[str, Any]) -> Subscription:
        if _text(said, "cid") != RECURRING:
            raise Refusal(-731, f"only {RECURRING} charges again")
        agreed = self.store.subscriptions.get(_text(said, "sid"))
        if agreed is None:
            raise Refusal(-750, "no such sid")
        return agreed

    def order(self, said: dict[str, Any], *, stale: bool = False) -> dict[str, Any]:
        """How a payment stands; a `stale` answer is one from before the money moved."""
        payment = self._payment(said)
        if stale:
            return {**_names(payment), "status": "READY", "amount": _paid(payment)}
        return {**_names(payment), "status": payment.status, "amount": _paid(payment), **_gone(payment)}

    def cancel(self, said: dict[str, Any]) -> dict[str, Any]:
        """Return money; with `cancel_available_amount` only if that much can still be returned."""
        payment = self._payment(said)
        amount, tax_free = _won(said, "cancel_amount"), _won(said, "cancel_tax_free_amount")
        available = payment.total - payment.canceled
        if payment.status not in APPROVED:
            raise Refusal(-783, "payment is not in a state that can be canceled")
        if "cancel_available_amount" in said and _won(said, "cancel_available_amount") != available:
            raise Refusal(-782, "cancel failure!", why="INVALID_CANCEL_AMOUNT")
        left_tax_free = payment.tax_free - payment.canceled_tax_free
        if not 1 <= amount <= available or not 0 <= amount - tax_free <= available - left_tax_free:
            raise Refusal(-710, "cancel amount exceeds what can be canceled")
        if tax_free > left_tax_free:
            raise Refusal(-710, "cancel tax free amount exceeds what can be canceled")
        left_vat = payment.vat - payment.canceled_vat
        vat = left_vat if amount == available else min(left_vat, _vat(amount - tax_free))
        payment.canceled += amount
        payment.canceled_tax_free += tax_free
        payment.canceled_vat += vat
        payment.cancels += 1
        payment.canceled_at = _now()
        payment.status = "CANCEL_PAYMENT" if payment.canceled == payment.total else "PART_CANCEL_PAYMENT"
        self.store.change(payment)
        return {
            "aid": _aid(),
            **_names(payment),
            "status": payment.status,
            "amount": _paid(payment),
            "approved_cancel_amount": _sums(amount, tax_free, vat),
            **_gone(payment),
        }

    def agree(self, payment: Payment) -> str:
        """The person presses pay: returns where the browser goes, with the token."""
        if payment.status in GONE or _is_over(payment):
            return payment.fail_url
        if not payment.pg_token:
            payment.pg_token, payment.status = secrets.token_hex(10), "AUTH_PASSWORD"
            self.store.change(payment)
        return back_from(payment)

    def leave(self, payment: Payment, *, failing: bool) -> str:
        """The person presses cancel, or the provider cannot go on: returns where the browser goes."""
        if payment.status not in APPROVED:
            payment.status = "FAIL_PAYMENT" if failing else "QUIT_PAYMENT"
            self.store.change(payment)
        return payment.fail_url if failing else payment.cancel_url

    def _payment(self, said: dict[str, Any]) -> Payment:
        _contract(said)
        payment = self.store.get(_text(said, "tid"))
        if payment is None or payment.cid != said["cid"]:
            raise Refusal(-721, "no such tid")
        return payment


def back_from(payment: Payment) -> str:
    """Where the browser of a person who is done here belongs."""
    if payment.status in GONE:
        return payment.cancel_url if payment.status == "QUIT_PAYMENT" else payment.fail_url
    return f"{payment.approval_url}{'&' if '?' in payment.approval_url else '?'}pg_token={payment.pg_token}"


def _contract(said: dict[str, Any]) -> None:
    if _text(said, "cid") not in CIDS:
        raise Refusal(-731, f"the sandbox knows the cids {' and '.join(CIDS)} only")


def _text(said: dict[str, Any], name: str, *, longest: int = TEXT_MAX) -> str:
    value = said.get(name)
    if not isinstance(value, str) or not 1 <= len(value) <= longest or _UNREADABLE.search(value):
        raise Refusal(-2, f"{name} must be a text of 1 to {longest} characters")
    return value


def _url(said: dict[str, Any], name: str) -> str:
    value = _text(said, name, longest=URL_MAX)
    try:
        parts = urlsplit(value)
        good = parts.scheme in ("http", "https") and bool(parts.hostname) and all(c > " " for c in value)
    except ValueError:
        good = False
    if not good:
        raise Refusal(-2, f"{name} must be an http(s) address")
    return value


def _won(said: dict[str, Any], name: str) -> int:
    value = said.get(name)
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= WON_MAX:
        raise Refusal(-2, f"{name} must be a whole number that is not negative")
    return value


def _vat(taxable: int) -> int:
    return round(taxable / 11)


def _is_over(payment: Payment) -> bool:
    return clock.now().astimezone(KST) > datetime.fromisoformat(payment.created_at).replace(tzinfo=KST) + LIFE


def _now() -> str:
    return clock.now().astimezone(KST).replace(tzinfo=None).isoformat(timespec="seconds")


def _after(last: str | None) -> str:
    """Now, and later than the charge before: the times of an agreement's charges tell them apart."""
    now = clock.now().astimezone(KST).replace(tzinfo=None, microsecond=0)
    before = datetime.fromisoformat(last) if last else now - timedelta(seconds=1)
    return max(now, before + timedelta(seconds=1)).isoformat(timespec="seconds")


def _standing(agreed: Subscription) -> dict[str, Any]:
    return {
        "available": agreed.status == "ACTIVE",
        "cid": agreed.cid,
        "sid": agreed.sid,
        "status": agreed.status,
        "payment_method_type": "MONEY",
        "item_name": agreed.item_name,
        "created_at": agreed.created_at,
        "last_approved_at": agreed.last_approved_at,
        "inactivated_at": agreed.inactivated_at,
    }


def _aid() -> str:
    return "A" + secrets.token_hex(10)[:19]


def _sums(total: int, tax_free: int, vat: int) -> dict[str, int]:
    return {"total": total, "tax_free": tax_free, "vat": vat, "point": 0, "discount": 0, "green_deposit": 0}


def _paid(payment: Payment) -> dict[str, int]:
    return _sums(payment.total, payment.tax_free, payment.vat)


def _gone(payment: Payment) -> dict[str, Any]:
    gone = (payment.canceled, payment.canceled_tax_free, payment.canceled_vat)
    left = [a - b for a, b in zip((payment.total, payment.tax_free, payment.vat), gone, strict=True)]
    return {
        "canceled_amount": _sums(*gone),
        "cancel_available_amount": _sums(*left) if payment.status in APPROVED else _sums(0, 0, 0),
        "approved_at": payment.approved_at,
        "canceled_at": payment.canceled_at,
    }


def _names(payment: Payment) -> dict[str, Any]:
    return {
        "tid": payment.tid,
        "cid": payment.cid,
        "partner_order_id": payment.partner_order_id,
        "partner_user_id": payment.partner_user_id,
        "payment_method_type": payment.method,
        "item_name": payment.item_name,
        "quantity": payment.quantity,
        "created_at": payment.created_at,
        **({"sid": payment.sid} if payment.sid else {}),
    }
