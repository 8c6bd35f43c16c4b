"""SOLAPI (CoolSMS) v4: text messages, Alimtalk and brand messages, up to 10,000 in one request.

Contract: solapi 5.0.3; status codes of 2022. A letter's key travels in `customFields`, so that a batch whose answer was lost
is found again in the list of messages. Nothing here stops a second request from sending twice, so nothing is sent again
before it was looked for.
"""

import hashlib
import hmac
import secrets
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import httpx

from dure.kit import clock
from dure.messaging.channels import text
from dure.messaging.providers import Unheard
from dure.messaging.values import Answer, Letter, Medium, Verdict

PAGE = 500
CONNECT_SECONDS, READ_SECONDS = 2.0, 5.0
AGAIN = {"1030", "3106", "3059"}
OTHER_WAY = {"3102", "3104", "3107"}


def authorization(key: str, secret: str, *, at: datetime, salt: str) -> str:
    """The header of one request; a salt is used once, and the clock may be wrong by a quarter of an hour."""
    date = at.strftime("%Y-%m-%dT%H:%M:%S.") + f"{at.microsecond // 1000:03d}Z"
    seal = hmac.new(secret.encode(), (date + salt).encode(), hashlib.sha256).hexdigest()
    return f"HMAC-SHA256 apiKey={key}, date={date}, salt={salt}, signature={seal}"


def verdict_of(code: str, medium: Medium) -> Verdict:
    """2000 accepted, 3000 with the carrier, 4000 there; everything else by its class."""
    if code == "4000":
        return Verdict.ARRIVED
    if code in ("2000", "3000"):
        return Verdict.ACCEPTED
    if code in AGAIN:
        return Verdict.LATER
    if code in OTHER_WAY or (code == "3108" and medium is Medium.BRAND):
        return Verdict.OTHER_WAY
    return Verdict.FAILED


class Solapi:
    """Speaks to `host`. Safe to share between threads."""

    name = "solapi"
    batch_max = 10_000
    can_find, repeatable = True, False

    def __init__(self, host: str, key: str, secret: str, sender_number: str, channel: str, certificate: str) -> None:
        self._key, self._secret, self._from, self._channel = key, secret, sender_number, channel
        self.certificate = certificate
        self._http = httpx.Client(
            base_url=host,
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
        """One request. A refusal of the whole request sends nothing: everybody waits, or is tried another way."""
        messages = [self._message(letter, medium, sending[letter.outgoing], key) for letter in letters]
        status, said = self._ask(
            "POST", "/messages/v4/send-many/detail", {"messages": messages, "showMessageList": True}
        )
        if status in (httpx.codes.TOO_MANY_REQUESTS, httpx.codes.SERVICE_UNAVAILABLE):
            return [Answer(letter.outgoing, Verdict.LATER, str(status)) for letter in letters]
        if httpx.codes.is_client_error(status):
            return [
                Answer(letter.outgoing, Verdict.FAILED, str(said.get("errorCode", status))[:60]) for letter in letters
            ]
        if status != httpx.codes.OK or "groupInfo" not in said:
            raise Unheard
        return self._answers(medium, letters, said)

    def _answers(self, medium: Medium, letters: Sequence[Letter], said: dict[str, Any]) -> list[Answer]:
        group = str(said["groupInfo"].get("groupId", ""))
        refused = {str(m.get("customFields", {}).get("key", "")): m for m in said.get("failedMessageList", [])}
        taken = {str(m.get("customFields", {}).get("key", "")): m for m in said.get("messageList", []) or []}
        answers = []
        for letter in letters:
            if letter.key in refused:
                code = str(refused[letter.key].get("statusCode", ""))
                answers.append(Answer(letter.outgoing, verdict_of(code, medium), code))
            else:
                name = str(taken.get(letter.key, {}).get("messageId", "")) or f"{group}:{letter.key}"
                answers.append(Answer(letter.outgoing, Verdict.ACCEPTED, "2000", name))
        return answers

    def close(self) -> None:
        self._http.close()

    def find(self, medium: Medium, letters: Sequence[Letter], *, key: str, begun_at: datetime) -> list[Answer]:
        wanted = {letter.key: letter for letter in letters}
        found = []
        for message in self._listed(begun_at - timedelta(minutes=1)):
            letter = wanted.get(str(message.get("customFields", {}).get("key", "")))
            if letter:
                code = str(message.get("statusCode", "2000"))
                found.append(Answer(letter.outgoing, verdict_of(code, medium), code, str(message.get("messageId", ""))))
        return found

    def _listed(self, since: datetime) -> Iterator[dict[str, Any]]:
        after = ""
        while True:
            query = {"startDate": since.isoformat(), "limit": PAGE, **({"startKey": after} if after else {})}
            status, said = self._ask("GET", "/messages/v4/list", query)
            if status != httpx.codes.OK:
                raise Unheard
            listed = said.get("messageList", {})
            yield from listed.values() if isinstance(listed, dict) else listed
            after = str(said.get("nextKey") or "")
            if not after:
                return

    def _message(self, letter: Letter, medium: Medium, said: Mapping[str, Any], batch: str) -> dict[str, Any]:
        number = "0" + letter.address.removeprefix("+82") if letter.address.startswith("+82") else letter.address
        message: dict[str, Any] = {
            "to": number,
            "from": self._from,
            "customFields": {"key": letter.key, "batch": batch},
        }
        if medium is Medium.TEXT:
            return {**message, "text": letter.body, "type": text.type_of(letter.body)}
        details = said["details"]
        if medium is Medium.NOTICE:
            values = {f"#{{{name}}}": str(value) for name, value in said["variables"].items()}
            options = {"pfId": self._channel, "templateId": details.get("template", ""), "variables": values}
            return {**message, "text": letter.body, "type": "ATA", "kakaoOptions": {**options, "disableSms": True}}
        bubble: dict[str, Any] = {"targeting": "I", "chatBubbleType": "TEXT", "content": letter.body, "adult": False}
        if details.get("buttons"):
            bubble["buttons"] = [
                {"linkType": b["type"], "name": b["name"], "linkMobile": b.get("linkMo", "")}
                for b in details["buttons"]
            ]
        if details.get("coupon"):
            coupon = details["coupon"]
            bubble["coupon"] = {
                "title": coupon["title"],
                "description": coupon.get("description", ""),
                "linkMobile": coupon.get("linkMo", ""),
            }
        options = {"pfId": self._channel, "disableSms": True, "bms": bubble}
        return {**message, "text": letter.body, "type": "BMS_FREE", "kakaoOptions": options}

    def _ask(self, method: str, path: str, said: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        header = authorization(self._key, self._secret, at=clock.wall(), salt=secrets.token_hex(16))
        body: dict[str, Any] = {"params": said} if method == "GET" else {"json": said}
        try:
            response = self._http.request(method, path, headers={"Authorization": header}, **body)
            found = response.json()
        except (httpx.HTTPError, ValueError, RecursionError) as lost:
            raise Unheard from lost
        return response.status_code, found if isinstance(found, dict) else {}


def reports(body: object) -> list[tuple[str, str, str]]:
    """What a webhook says: our key, the status code and the provider's own id of each message. Anything else is skipped."""
    found = []
    for event in body if isinstance(body, list) else []:
        data = event.get("data") if isinstance(event, dict) else None
        fields = data.get("customFields") if isinstance(data, dict) else None
        if isinstance(data, dict) and isinstance(fields, dict) and isinstance(fields.get("key"), str):
            found.append((fields["key"], str(data.get("statusCode", "")), str(data.get("messageId", ""))))
    return found
