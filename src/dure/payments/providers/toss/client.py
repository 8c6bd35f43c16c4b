"""The calls of a payment at Toss. Only a complete answer that names our payment and sum counts as done."""

import re
from datetime import timedelta
from typing import Any
from urllib.parse import quote

import httpx

from dure.payments.providers.toss import words
from dure.payments.values import Answer, Capabilities, Outcome, Standing, Terms, Truth

CONNECT_SECONDS = 2.0
TEXT_MAX, REASON_MAX = 100, 200
LEAST = 100

# What is kept of an answer: never the card's details, and never text that a database cannot hold.
KEPT = ("lastTransactionKey", "approvedAt", "message", "lost")
_KEY = re.compile(r"[A-Za-z0-9_-]{1,200}")
_URL = re.compile(r"https?://[\x21-\x7e]{1,1000}")
_PLAIN = re.compile(r"[^\w .,:!?/+-]")
_CHECK = "체크"


class Toss:
    """Speaks to `host` with a secret key. Safe to share between threads."""

    def __init__(
        self, host: str, secret_key: str, read_seconds: float, *, cancel_window: timedelta | None = None
    ) -> None:
        self._window = cancel_window
        self._http = httpx.Client(
            base_url=f"{host}/v1/",
            auth=(secret_key, ""),
            timeout=httpx.Timeout(read_seconds, connect=CONNECT_SECONDS),
            follow_redirects=False,
            trust_env=False,
        )

    @property
    def capabilities(self) -> Capabilities:
        return Capabilities(
            keys=True, finds_by_reference=True, compares_rest=False, least=LEAST, cancel_window=self._window
        )

    def close(self) -> None:
        self._http.close()

    def ready(self, terms: Terms, *, origin: str) -> Answer:
        back = f"{origin}/hooks/toss/{terms.public_id}"
        status, said = self._post(
            "",
            f"{terms.public_id}:ready",
            method="CARD",
            amount=terms.amount.total,
            taxFreeAmount=terms.amount.tax_free,
            orderId=terms.public_id,
            orderName=terms.item_name[:TEXT_MAX],
            successUrl=f"{back}/success",
            failUrl=f"{back}/fail",
        )
        checkout = said.get("checkout")
        key, url = said.get("paymentKey"), checkout.get("url") if isinstance(checkout, dict) else None
        ours = (said.get("orderId"), said.get("totalAmount")) == (terms.public_id, terms.amount.total)
        if status == httpx.codes.OK and ours and _KEY.fullmatch(str(key)) and _URL.fullmatch(str(url)):
            return Answer(outcome=Outcome.DONE, provider_key=str(key), redirect_url=str(url))
        return _judged(status, said)

    def approve(self, terms: Terms, *, token: str, key: str = "") -> Answer:
        if token != terms.provider_key:
            return Answer(outcome=Outcome.NOT_YET, code="another payment's key")
        status, said = self._post(
            "/confirm",
            key,
            paymentKey=terms.provider_key,
            orderId=terms.public_id,
            amount=terms.amount.total,
        )
        if (
            status == httpx.codes.OK
            and _names(said, terms)
            and words.STANDINGS.get(str(said.get("status"))) is Standing.PAID
        ):
            return Answer(outcome=Outcome.DONE, detail={**_kept(said), "payment_method_type": _method(said)})
        return _judged(status, said)

    def order(self, terms: Terms) -> Truth:
        named = quote(terms.provider_key, safe="")
        status, said = self._get(f"/{named}" if named else f"/orders/{quote(terms.public_id, safe='')}")
        word = _plain(said.get("status", said.get("code", status)))
        if status != httpx.codes.OK or terms.provider_key not in ("", said.get("paymentKey")):
            return Truth(standing=Standing.UNKNOWN, code=_plain(said.get("code", word)))
        standing = words.STANDINGS.get(word, Standing.UNKNOWN)
        total, left = said.get("totalAmount"), said.get("balanceAmount")
        if standing is Standing.PAID and not (isinstance(total, int) and isinstance(left, int)):
            standing = Standing.UNKNOWN
        paid = standing is Standing.PAID
        return Truth(
            standing=standing,
            code=word,
            public_id=str(said.get("orderId", "")),
            total=int(total) if isinstance(total, int) else 0,
            refunded=int(total) - int(left) if paid and isinstance(total, int) and isinstance(left, int) else 0,
        )

    def cancel(self, terms: Terms, *, amount: int, tax_free: int, available: int, key: str = "") -> Answer:
        status, said = self._post(
            f"/{quote(terms.provider_key, safe='')}/cancel",
            key,
            cancelReason="주문 취소"[:REASON_MAX],
            cancelAmount=amount,
            taxFreeAmount=tax_free,
        )
        if status == httpx.codes.OK and _names(said, terms) and (amount, available - amount) == _went(said):
            return Answer(outcome=Outcome.DONE, detail=_kept(said))
        return _judged(status, said)

    def _post(self, path: str, key: str, **fields: Any) -> tuple[int, dict[str, Any]]:
        return self._sent("POST", path, headers={"Idempotency-Key": key} if key else {}, json=fields)

    def _get(self, path: str) -> tuple[int, dict[str, Any]]:
        return self._sent("GET", path)

    def _sent(self, method: str, path: str, **rest: Any) -> tuple[int, dict[str, Any]]:
        """The status and the JSON object of the answer; 0 and what went wrong where there is no whole answer."""
        try:
            response = self._http.request(method, f"payments{path}", **rest)
            said = response.json()
        except (httpx.HTTPError, ValueError, RecursionError) as lost:
            return 0, {"lost": type(lost).__name__}
        return response.status_code, said if isinstance(said, dict) else {}


def _names(said: dict[str, Any], terms: Terms) -> bool:
    named = (said.get("paymentKey"), said.get("orderId"), said.get("totalAmount"))
    return named == (terms.provider_key, terms.public_id, terms.amount.total)


def _went(said: dict[str, Any]) -> tuple[object, object]:
    """What the last cancel returned, and what it left."""
    cancels = said.get("cancels")
    last = cancels[-1] if isinstance(cancels, list) and cancels else None
    return (last.get("cancelAmount"), last.get("refundableAmount")) if isinstance(last, dict) else (None, None)


def _method(said: dict[str, Any]) -> str:
    """As the settlement knows it: a check card costs less than a credit card."""
    card = said.get("card")
    kind = card.get("cardType") if isinstance(card, dict) else None
    return "CHECK" if kind == _CHECK else "CARD"


def _judged(status: int, said: dict[str, Any]) -> Answer:
    """What an answer that is no success proves: only a refusal with a code we know proves anything."""
    code = said.get("code")
    outcome = Outcome.UNKNOWN
    if httpx.codes.is_client_error(status) and isinstance(code, str):
        if code in words.NOT_YET:
            outcome = Outcome.NOT_YET
        elif code in words.REFUSED:
            outcome = Outcome.REFUSED
    return Answer(outcome=outcome, code=_plain(code or said.get("lost", status)), detail=_kept(said))


def _kept(said: dict[str, Any]) -> dict[str, Any]:
    return {name: _plain(said[name]) for name in KEPT if name in said}


def _plain(word: object) -> str:
    return _PLAIN.sub("?", str(word))[:TEXT_MAX]
