"""NHN Cloud KakaoTalk Bizmessage: Alimtalk v2.3 and brand message v1.0, up to 1,000 recipients in one request.

Contract: TOAST-DOCS/Alimtalk 8dc8f5c5 (2026-06-23). A batch's key is the idempotency key (ten minutes) and the grouping key,
so a request whose answer was lost is looked for by it. HTTP 200 alone is no success.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from itertools import groupby
from typing import Any

import httpx

from dure.messaging.providers import Unheard
from dure.messaging.values import Answer, Letter, Medium, Verdict

CONNECT_SECONDS, READ_SECONDS = 2.0, 5.0
ALREADY_RECEIVED = -1005
AGAIN = {3006, 3010, 3012, 9998, 9999}
ASK_LATER = {3005, 4000, 4161}
OTHER_WAY = {3018, 3019, 3020, 3021, 3022}
ARRIVED = 1000


def verdict_of(code: int) -> Verdict:
    """A result code of one recipient, by its retry class."""
    if code == ARRIVED:
        return Verdict.ARRIVED
    if code == 0:
        return Verdict.ACCEPTED
    if code in ASK_LATER:
        return Verdict.ASK
    if code in AGAIN:
        return Verdict.LATER
    return Verdict.OTHER_WAY if code in OTHER_WAY else Verdict.FAILED


class Nhn:
    """Speaks to `host` as one app. Safe to share between threads."""

    name = "nhn"
    batch_max = 1_000
    can_find, repeatable = True, False

    def __init__(self, host: str, app_key: str, secret_key: str, sender_key: str, certificate: str) -> None:
        self._app, self._sender = app_key, sender_key
        self.certificate = certificate
        self._http = httpx.Client(
            base_url=host,
            headers={"X-Secret-Key": secret_key},
            timeout=httpx.Timeout(READ_SECONDS, connect=CONNECT_SECONDS),
            follow_redirects=False,
            trust_env=False,
        )

    def send(
        self,
        medium: Medium,
        letters: Sequence[Letter],
        *,
        key: str,
        sending: Mapping[int, Mapping[str, Any]],
        at: datetime,
    ) -> list[Answer]:
        """One request for each text that differs: only Alimtalk's templates are filled at the provider's."""

        def text(letter: Letter) -> tuple[int, str]:
            return sending[letter.outgoing]["sending"], "" if medium is Medium.NOTICE else letter.body

        answers: list[Answer] = []
        for number, (_, same) in enumerate(groupby(sorted(letters, key=text), key=text)):
            answers += self._request(medium, list(same), sending, f"{key}-{number}", key)
        return answers

    def _request(
        self, medium: Medium, letters: list[Letter], sending: Mapping[int, Mapping[str, Any]], once: str, key: str
    ) -> list[Answer]:
        said = sending[letters[0].outgoing]
        people: list[dict[str, Any]] = [{"recipientNo": _number(x), "recipientGroupingKey": x.key} for x in letters]
        body: dict[str, Any] = {"senderKey": self._sender, "senderGroupingKey": key, "recipientList": people}
        if medium is Medium.NOTICE:
            path = f"/alimtalk/v2.3/appkeys/{self._app}/messages"
            body["templateCode"] = said["details"]["template"]
            for person, letter in zip(people, letters, strict=True):
                values = sending[letter.outgoing]["variables"]
                person["templateParameter"] = {name: str(value) for name, value in values.items()}
                person["resendParameter"] = {"isResend": False}
        else:
            path = f"/brand-message/v1.0/appkeys/{self._app}/freestyle-messages"
            body |= {"chatBubbleType": "TEXT", "content": letters[0].body, "pushAlarm": True, "adult": False}
            body |= {name: said["details"][name] for name in ("buttons", "coupon") if said["details"].get(name)}
            if said["refusal_number"]:
                body["unsubscribeNo"] = said["refusal_number"]
            for person in people:
                person["targeting"] = "I"
                person["resendParameter"] = {"isResend": False}
        status, answer = self._ask("POST", path, json=body, headers={"X-NC-API-IDEMPOTENCY-KEY": once})
        if status == httpx.codes.TOO_MANY_REQUESTS:
            return [Answer(letter.outgoing, Verdict.LATER, "429") for letter in letters]
        header = answer.get("header", {})
        code = header.get("resultCode")
        if code == ALREADY_RECEIVED or not isinstance(code, int) or httpx.codes.is_server_error(status):
            raise Unheard
        if not header.get("isSuccessful"):
            return [Answer(letter.outgoing, Verdict.FAILED, str(code)) for letter in letters]
        return self._each(letters, answer)

    def _each(self, letters: list[Letter], answer: dict[str, Any]) -> list[Answer]:
        message = answer.get("message", {})
        results = {str(r.get("recipientGroupingKey")): r for r in message.get("sendResults", [])}
        answers = []
        for letter in letters:
            result = results.get(letter.key, {})
            code = result.get("resultCode", -1)
            name = f"{message.get('requestId', '')}:{result.get('recipientSeq', '')}"
            answers.append(Answer(letter.outgoing, verdict_of(code), str(code), name))
        return answers

    def close(self) -> None:
        self._http.close()

    def find(self, medium: Medium, letters: Sequence[Letter], *, key: str, begun_at: datetime) -> list[Answer]:
        wanted = {letter.key: letter for letter in letters}
        product = "alimtalk/v2.3" if medium is Medium.NOTICE else "brand-message/v1.0"
        path, found, page = f"/{product}/appkeys/{self._app}/messages", [], 1
        while True:
            query = {"senderGroupingKey": key, "pageNum": page, "pageSize": 1_000}
            status, said = self._ask("GET", path, params=query)
            if status != httpx.codes.OK or not said.get("header", {}).get("isSuccessful"):
                raise Unheard
            listed = said.get("messageSearchResultResponse", {}).get("messages", [])
            for message in listed:
                letter = wanted.get(str(message.get("recipientGroupingKey")))
                if letter:
                    raw = str(message.get("resultCode", "0"))
                    code = int(raw) if raw.lstrip("-").isdigit() else {"MRC01": ARRIVED}.get(raw, 0)
                    name = f"{message.get('requestId', '')}:{message.get('recipientSeq', '')}"
                    found.append(Answer(letter.outgoing, verdict_of(code), raw, name))
            if len(listed) < 1_000:
                return found
            page += 1

    def _ask(self, method: str, path: str, **how: Any) -> tuple[int, dict[str, Any]]:
        try:
            response = self._http.request(method, path, **how)
            said = response.json()
        except (httpx.HTTPError, ValueError, RecursionError) as lost:
            raise Unheard from lost
        return response.status_code, said if isinstance(said, dict) else {}


def _number(letter: Letter) -> str:
    return "0" + letter.address.removeprefix("+82") if letter.address.startswith("+82") else letter.address


def reports(body: object) -> list[tuple[str, str, str]]:
    """What a webhook says: our key, the result code and the provider's id of each message."""
    hooks = body.get("hooks") if isinstance(body, dict) else None
    found = []
    for hook in hooks if isinstance(hooks, list) else []:
        if isinstance(hook, dict) and isinstance(hook.get("recipientGroupingKey"), str):
            name = f"{hook.get('requestId', '')}:{hook.get('recipientSeq', '')}"
            found.append((hook["recipientGroupingKey"], str(hook.get("resultCode", "")), name))
    return found
