"""A bank's (or a payout agency's) server, spoken to in the plainest way there is.

`PUT /payouts/<public id>` with `{"shop", "amount", "due_on"}` gives the transfer; it is one transfer however often it is
given, and given with another amount it is refused. `GET` on the same address tells how it stands, 404 that nobody ever gave
it. Both answer `{"public_id", "amount", "state": "paid" | "refused" | …, "key", "code"}`. Any other state, another amount
and every other answer prove nothing.
"""

import httpx
from django.conf import settings

from dure.settlement.values import BankAnswer, BankSays, TransferTerms

_UNKNOWN = BankAnswer(says=BankSays.UNKNOWN)
TIMEOUT = httpx.Timeout(5, connect=2)


class Transfer:
    def __init__(self, url: str, secret_key: str) -> None:
        self._url, self._headers = url.rstrip("/"), {"Authorization": f"Bearer {secret_key}"}

    def send(self, terms: TransferTerms) -> BankAnswer:
        body = {"shop": terms.shop, "amount": terms.amount, "due_on": terms.due_on.isoformat()}
        return self._answer("PUT", terms, body)

    def ask(self, terms: TransferTerms) -> BankAnswer:
        return self._answer("GET", terms, None)

    def _answer(self, method: str, terms: TransferTerms, body: dict[str, object] | None) -> BankAnswer:
        try:
            said = httpx.request(
                method,
                f"{self._url}/payouts/{terms.public_id}",
                json=body,
                headers=self._headers,
                timeout=TIMEOUT,
                follow_redirects=False,
                trust_env=False,
            )
            if method == "GET" and said.status_code == 404 and said.json().get("public_id") == terms.public_id:
                return BankAnswer(says=BankSays.NEVER_HEARD)
            if said.status_code != 200:
                return _UNKNOWN
            return _read(said.json(), terms)
        except (httpx.HTTPError, httpx.InvalidURL, ValueError, AttributeError):
            return _UNKNOWN


def _read(said: dict[str, object], terms: TransferTerms) -> BankAnswer:
    if (said.get("public_id"), said.get("amount")) != (terms.public_id, terms.amount):
        return _UNKNOWN
    says = {"paid": BankSays.PAID, "refused": BankSays.REFUSED}.get(str(said.get("state")), BankSays.UNKNOWN)
    return BankAnswer(says=says, key=_plain(said.get("key")), code=_plain(said.get("code")))


def _plain(text: object) -> str:
    return "".join(c for c in str(text or "") if c.isprintable())[:100]


def bank() -> Transfer:
    """The server of the settings."""
    chosen = settings.PAYOUTS
    return Transfer(str(chosen["url"]), str(chosen["secret_key"]))
