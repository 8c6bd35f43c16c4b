"""The four calls of a single payment. Only a complete answer that names our payment and sum counts as done."""

import re
from typing import Any

import httpx

from dure.payments.providers.kakaopay import words
from dure.payments.values import AgreementTruth, Answer, Capabilities, Outcome, Standing, Terms, Truth

CONNECT_SECONDS = 2.0
TEXT_MAX = 100

# What is kept of an answer: never the card's details, and never text that a database cannot hold.
KEPT = ("aid", "payment_method_type", "approved_at", "canceled_at", "error_message", "lost")
_TID = re.compile(r"[A-Za-z0-9_-]{1,64}")
_URL = re.compile(r"https?://[\x21-\x7e]{1,1000}")
_PLAIN = re.compile(r"[^\w .,:!?/+-]")


class KakaoPay:
    """Speaks to `host` as the contract `cid`. Safe to share between threads."""

    def __init__(
        self, host: str, cid: str, secret_key: str, read_seconds: float, recurring_cid: str = "TCSUBSCRIP"
    ) -> None:
        self._cid, self._recurring = cid, recurring_cid
        self._http = httpx.Client(
            base_url=f"{host}/online/v1/payment/",
            headers={"Authorization": f"SECRET_KEY {secret_key}"},
            timeout=httpx.Timeout(read_seconds, connect=CONNECT_SECONDS),
            follow_redirects=False,
            trust_env=False,
        )

    @property
    def capabilities(self) -> Capabilities:
        return Capabilities(keys=False, finds_by_reference=False, compares_rest=True, recurring=True)

    def close(self) -> None:
        self._http.close()

    def ready(self, terms: Terms, *, origin: str) -> Answer:
        back = f"{origin}/hooks/kakaopay/{terms.public_id}"
        status, said = self._post(
            "ready",
            **self._names(terms),
            item_name=terms.item_name[:TEXT_MAX],
            quantity=1,
            total_amount=terms.amount.total,
            tax_free_amount=terms.amount.tax_free,
            vat_amount=terms.amount.vat,
            approval_url=f"{back}/approval",
            cancel_url=f"{back}/cancel",
            fail_url=f"{back}/fail",
        )
        tid, url = said.get("tid"), said.get("next_redirect_mobile_url")
        if status == httpx.codes.OK and _TID.fullmatch(str(tid)) and _URL.fullmatch(str(url)):
            return Answer(outcome=Outcome.DONE, provider_key=str(tid), redirect_url=str(url))
        return _judged(status, said)

    def approve(self, terms: Terms, *, token: str, key: str = "") -> Answer:
        status, said = self._post(
            "approve",
            **self._names(terms),
            tid=terms.provider_key,
            pg_token=token,
            total_amount=terms.amount.total,
        )
        ours = (terms.provider_key, terms.public_id, terms.amount.total)
        if status == httpx.codes.OK and (said.get("tid"), said.get("partner_order_id"), _total(said, "amount")) == ours:
            return Answer(outcome=Outcome.DONE, agreement_key=_sid(said), detail=_kept(said))
        return _judged(status, said)

    def charge(self, terms: Terms) -> Answer:
        status, said = self._post(
            "subscription",
            **self._names(terms),
            sid=terms.agreement_key,
            item_name=terms.item_name[:TEXT_MAX],
            quantity=1,
            total_amount=terms.amount.total,
            tax_free_amount=terms.amount.tax_free,
        )
        tid = str(said.get("tid"))
        ours = (said.get("partner_order_id"), _total(said, "amount")) == (terms.public_id, terms.amount.total)
        if status == httpx.codes.OK and ours and _TID.fullmatch(tid):
            return Answer(outcome=Outcome.DONE, provider_key=tid, detail=_kept(said))
        return _judged(status, said)

    def end(self, key: str) -> Answer:
        status, said = self._post("manage/subscription/inactive", cid=self._recurring, sid=key)
        if status == httpx.codes.OK and (said.get("sid"), said.get("status")) == (key, "INACTIVE"):
            return Answer(outcome=Outcome.DONE)
        return _judged(status, said)

    def standing(self, key: str) -> AgreementTruth:
        status, said = self._post("manage/subscription/status", cid=self._recurring, sid=key)
        word = _plain(said.get("status", said.get("error_code", status)))
        if status != httpx.codes.OK or said.get("sid") != key:
            return AgreementTruth(active=None, code=word)
        active = {"ACTIVE": True, "INACTIVE": False}.get(word)
        return AgreementTruth(active=active, last=_plain(said.get("last_approved_at") or ""), code=word)

    def order(self, terms: Terms) -> Truth:
        status, said = self._post("order", cid=self._cid_of(terms), tid=terms.provider_key)
        word = _plain(said.get("status", said.get("error_code", "")))
        if status != httpx.codes.OK or said.get("tid") != terms.provider_key:
            return Truth(standing=Standing.UNKNOWN, code=word)
        total, refunded = _total(said, "amount"), _total(said, "canceled_amount")
        standing = words.STANDINGS.get(word, Standing.UNKNOWN)
        if standing is Standing.PAID and total is None:
            standing = Standing.UNKNOWN
        return Truth(
            standing=standing,
            code=word,
            public_id=str(said.get("partner_order_id", "")),
            total=total or 0,
            refunded=refunded or 0,
            agreement_key=_sid(said),
        )

    def cancel(self, terms: Terms, *, amount: int, tax_free: int, available: int, key: str = "") -> Answer:
        status, said = self._post(
            "cancel",
            cid=self._cid_of(terms),
            tid=terms.provider_key,
            cancel_amount=amount,
            cancel_tax_free_amount=tax_free,
            cancel_available_amount=available,
        )
        went = (said.get("tid"), _total(said, "approved_cancel_amount"))
        if status == httpx.codes.OK and went == (terms.provider_key, amount):
            return Answer(outcome=Outcome.DONE, detail=_kept(said))
        return _judged(status, said)

    def _cid_of(self, terms: Terms) -> str:
        return self._recurring if terms.recurring else self._cid

    def _names(self, terms: Terms) -> dict[str, Any]:
        return {
            "cid": self._cid_of(terms),
            "partner_order_id": terms.public_id,
            "partner_user_id": terms.payer[:TEXT_MAX],
        }

    def _post(self, path: str, **fields: Any) -> tuple[int, dict[str, Any]]:
        """The status and the JSON object of the answer; 0 and what went wrong where there is no whole answer."""
        try:
            response = self._http.post(path, json=fields)
            said = response.json()
        except (httpx.HTTPError, ValueError, RecursionError) as lost:
            return 0, {"lost": type(lost).__name__}
        return response.status_code, said if isinstance(said, dict) else {}


def _judged(status: int, said: dict[str, Any]) -> Answer:
    """What an answer that is no success proves: only a refusal with a code we know proves anything."""
    code = said.get("error_code")
    extras = said.get("extras")
    why = extras.get("method_result_code", "") if isinstance(extras, dict) else ""
    outcome = Outcome.UNKNOWN
    if httpx.codes.is_client_error(status) and isinstance(code, int):
        if code in words.NOT_YET:
            outcome = Outcome.NOT_YET
        elif code in words.REFUSED:
            outcome = Outcome.REFUSED
    word = f"{code} {why}".strip() if code is not None else str(said.get("lost", status))
    return Answer(outcome=outcome, code=_plain(word), detail=_kept(said))


def _total(said: dict[str, Any], part: str) -> int | None:
    sums = said.get(part)
    total = sums.get("total") if isinstance(sums, dict) else None
    return total if isinstance(total, int) else None


def _sid(said: dict[str, Any]) -> str:
    named = str(said.get("sid") or "")
    return named if _TID.fullmatch(named) else ""


def _kept(said: dict[str, Any]) -> dict[str, Any]:
    return {name: _plain(said[name]) for name in KEPT if name in said}


def _plain(word: object) -> str:
    return _PLAIN.sub("?", str(word))[:TEXT_MAX]
