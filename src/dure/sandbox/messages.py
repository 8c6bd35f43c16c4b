"""Two practice agencies for messages, SOLAPI v4 and NHN Cloud, a practice push service (RFC 8030), and the phones they reach.

Each keeps its provider's contract as far as Dure uses it: headers, sizes, lengths, codes, duplicates, rate limits. What a
number is decides what happens to it: …0001 is no Kakao user, …0002 is full, …0003 is reported late.
"""

import asyncio
import hashlib
import hmac
import re
import time
from collections import Counter, deque
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from html import escape
from typing import Any

import httpx
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import Route

from dure.sandbox import clock

CALLS = ("solapi.send", "solapi.list", "nhn.send", "nhn.list", "push")
KINDS = ("error_before", "error_after", "hang_before", "hang_after", "rate_limit", "cut")
SOLAPI_MAX, NHN_MAX, SKEW = 10_000, 1_000, timedelta(minutes=15)
IDEMPOTENT_SECONDS = 600
SIGNATURE = "SANDBOX-SIGNATURE"
SECRET = "SANDBOX-SECRET"  # noqa: S105 - a practice key
_HEADER = re.compile(
    r"HMAC-SHA256 apiKey=(?P<key>[^,\s]+), date=(?P<date>[^,\s]+), salt=(?P<salt>[^,\s]{12,64}), signature=(?P<seal>[0-9a-f]{64})"
)


@dataclass(slots=True)
class Agencies:
    """What the agencies took, by their own ids; `phones` are the newest bubbles for the page."""

    solapi: dict[str, dict[str, Any]] = field(default_factory=dict)
    nhn: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    pushed: list[dict[str, Any]] = field(default_factory=list)
    gone: set[str] = field(default_factory=set)
    phones: deque[tuple[str, str, str]] = field(default_factory=lambda: deque(maxlen=200))
    received: Counter[str] = field(default_factory=Counter)
    faults: dict[str, tuple[str, int]] = field(default_factory=dict)
    happened: Counter[str] = field(default_factory=Counter)
    salts: dict[str, float] = field(default_factory=dict)
    once: dict[str, float] = field(default_factory=dict)
    number: int = 0

    def due(self, call: str) -> str:
        """The fault that this call shows, used up by asking."""
        kind, count = self.faults.get(call, ("", 0))
        if count:
            self.faults[call] = (kind, count - 1)
            self.happened[f"{call} {kind}"] += 1
            return kind
        return ""

    def next_id(self, stem: str) -> str:
        self.number += 1
        return f"{stem}{self.number:012d}"

    # SOLAPI

    def seal_fault(self, header: str, now: datetime) -> str:
        """What is wrong with an Authorization header; empty where nothing is."""
        found = _HEADER.fullmatch(header)
        if found is None:
            return "InvalidAPIKey"
        try:
            said = datetime.fromisoformat(found["date"])
        except ValueError:
            return "RequestTimeTooSkewed"
        if abs(now - said) > SKEW:
            return "RequestTimeTooSkewed"
        right = hmac.new(SECRET.encode(), (found["date"] + found["salt"]).encode(), hashlib.sha256).hexdigest()
        if not hmac.compare_digest(right, found["seal"]):
            return "SignatureDoesNotMatch"
        if found["salt"] in self.salts:
            return "DuplicatedSignature"
        self.salts[found["salt"]] = now.timestamp()
        if len(self.salts) > 100_000:
            self.salts.clear()
        return ""

    def take_solapi(self, messages: list[dict[str, Any]], now: datetime) -> dict[str, Any]:
        group = self.next_id("G4V")
        failed, taken = [], []
        for message in messages:
            code = solapi_code(message, now)
            answer = {name: message.get(name) for name in ("to", "from", "type", "customFields")}
            answer |= {"messageId": self.next_id("M4V"), "statusCode": code, "groupId": group}
            if code != "2000":
                failed.append({**answer, "statusMessage": "refused"})
                continue
            self._remember(message, answer, now)
            taken.append(answer)
        count = {"total": len(messages), "registeredSuccess": len(taken), "registeredFailed": len(failed)}
        return {
            "groupInfo": {"groupId": group, "status": "SENDING", "count": count},
            "failedMessageList": failed,
            "messageList": taken,
        }

    def _remember(self, message: dict[str, Any], answer: dict[str, Any], now: datetime) -> None:
        fields = message.get("customFields") or {}
        self.solapi[answer["messageId"]] = {**answer, "statusCode": "4000", "dateCreated": now.isoformat()}
        self.received[str(fields.get("key", answer["messageId"]))] += 1
        self.phones.appendleft((str(message["to"]), str(message["type"]), str(message.get("text", ""))))

    # NHN

    def take_nhn(self, said: dict[str, Any], kind: str, now: datetime) -> dict[str, Any]:
        request = self.next_id("R")
        results = []
        for place, person in enumerate(said["recipientList"]):
            code = nhn_code(said, person, kind, now)
            row = {
                "recipientSeq": place,
                "recipientNo": person.get("recipientNo"),
                "resultCode": code,
                "resultMessage": "SUCCESS" if code == 0 else "refused",
                "recipientGroupingKey": person.get("recipientGroupingKey", ""),
            }
            results.append(row)
            if code == 0:
                kept = {**row, "requestId": request, "resultCode": "1000", "messageStatus": "COMPLETED"}
                self.nhn.setdefault(str(said.get("senderGroupingKey", "")), []).append(kept)
                self.received[str(person.get("recipientGroupingKey"))] += 1
                text = said.get("content") or f"[{said.get('templateCode')}] {person.get('templateParameter')}"
                self.phones.appendleft((str(person.get("recipientNo")), kind, str(text)))
        return {"header": _header(0), "message": {"requestId": request, "sendResults": results}}


def korean(now: datetime) -> tuple[int, int]:
    here = now + timedelta(hours=9)
    return here.hour, here.minute


def brand_closed(now: datetime) -> bool:
    """20:50 to 08:00 in Korea."""
    return korean(now) >= (20, 50) or korean(now) < (8, 0)


def solapi_code(message: dict[str, Any], now: datetime) -> str:
    """2000, or why the agency does not take it."""
    to, kind, text = str(message.get("to", "")), str(message.get("type", "")), str(message.get("text", ""))
    if not re.fullmatch(r"01\d{8,9}", to) or not message.get("from"):
        return "1062" if re.fullmatch(r"01\d{8,9}", to) else "1010"
    if to.endswith("0002"):
        return "1030"
    options = message.get("kakaoOptions") or {}
    if kind in ("SMS", "LMS"):
        try:
            size = len(text.encode("euc-kr"))
        except UnicodeEncodeError:
            return "1010"
        return "2000" if size <= (90 if kind == "SMS" else 2_000) else "1031"
    if to.endswith("0001"):
        return "3104"
    if kind == "ATA":
        named = options.get("templateId") and all(isinstance(v, str) for v in (options.get("variables") or {}).values())
        return "2000" if named else "1042"
    if kind.startswith("BMS"):
        bubble = options.get("bms") or {}
        if brand_closed(now):
            return "3108"
        if len(str(bubble.get("content", ""))) > 1_300 or not bubble.get("content", "").startswith("(광고)"):
            return "1031"
        return "2000" if bubble.get("targeting") in ("I", "M", "N") else "1010"
    return "1010"


def nhn_code(said: dict[str, Any], person: dict[str, Any], kind: str, now: datetime) -> int:
    """0, or the code with which the agency refuses one recipient."""
    to = str(person.get("recipientNo", ""))
    if not re.fullmatch(r"01\d{8,9}", to):
        return 3008
    if to.endswith("0001"):
        return 3019
    if to.endswith("0002"):
        return 3006
    if kind == "BRAND":
        if person.get("targeting") not in ("I", "M", "N"):
            return -3298
        if brand_closed(now):
            return 3022
        if len(str(said.get("content", ""))) > 1_300:
            return 3014
    return 0


def _header(code: int, message: str = "SUCCESS") -> dict[str, Any]:
    return {"resultCode": code, "resultMessage": message, "isSuccessful": code == 0}


class MessageDesk:
    """The agencies over HTTP."""

    def __init__(self, agencies: Agencies | None = None) -> None:
        self.agencies = agencies or Agencies()

    async def _fault(self, call: str, answer: Any) -> Response:
        """Show the fault that is due around `answer`, a function that does the work and gives the body."""
        kind = self.agencies.due(call)
        if kind == "rate_limit":
            return JSONResponse({"errorCode": "TooManyRequests", "errorMessage": "slow down"}, status_code=429)
        if kind in ("error_before", "hang_before"):
            if kind == "hang_before":
                await asyncio.sleep(6)
            return JSONResponse({"errorCode": "InternalError"}, status_code=500)
        body = answer()
        if kind == "hang_after":
            await asyncio.sleep(6)
        if kind == "error_after":
            return JSONResponse({"errorCode": "InternalError"}, status_code=500)
        if kind == "cut":
            return Response(b'{"groupInfo": {"gro', media_type="application/json")
        return JSONResponse(body)

    async def solapi_send(self, request: Request) -> Response:
        wrong = self.agencies.seal_fault(request.headers.get("authorization", ""), clock.wall())
        if wrong:
            return JSONResponse({"errorCode": wrong, "errorMessage": wrong}, status_code=403)
        said = await request.json()
        messages = said.get("messages")
        if not isinstance(messages, list) or not 1 <= len(messages) <= SOLAPI_MAX:
            return JSONResponse({"errorCode": "ValidationError", "errorMessage": "1 to 10,000"}, status_code=400)
        return await self._fault("solapi.send", lambda: self.agencies.take_solapi(messages, clock.now()))

    async def solapi_list(self, request: Request) -> Response:
        wrong = self.agencies.seal_fault(request.headers.get("authorization", ""), clock.wall())
        if wrong:
            return JSONResponse({"errorCode": wrong, "errorMessage": wrong}, status_code=403)
        query = request.query_params
        limit, after = min(int(query.get("limit", 20)), 500), query.get("startKey", "")
        since = datetime.fromisoformat(query.get("startDate", "2000-01-01T00:00:00+00:00").replace(" ", "+"))

        def answer() -> dict[str, Any]:
            kept = [m for m in self.agencies.solapi.values() if datetime.fromisoformat(m["dateCreated"]) >= since]
            kept = [m for m in kept if m["messageId"] > after]
            page = kept[:limit]
            following = page[-1]["messageId"] if len(kept) > limit else None
            return {"messageList": {m["messageId"]: m for m in page}, "nextKey": following, "limit": limit}

        return await self._fault("solapi.list", answer)

    async def nhn_send(self, request: Request) -> Response:
        if request.headers.get("x-secret-key") != SECRET:
            return JSONResponse({"header": _header(-1001, "secret")}, status_code=401)
        said = await request.json()
        listed = said.get("recipientList")
        if not isinstance(listed, list) or not 1 <= len(listed) <= NHN_MAX or not said.get("senderKey"):
            return JSONResponse({"header": _header(4, "parameter")}, status_code=400)
        kind = "BRAND" if "brand-message" in request.url.path else "NOTICE"
        if kind == "NOTICE" and not said.get("templateCode"):
            return JSONResponse({"header": _header(-3003, "template")})
        once, now = request.headers.get("x-nc-api-idempotency-key", ""), time.monotonic()

        def answer() -> dict[str, Any]:
            if once and now - self.agencies.once.get(once, -IDEMPOTENT_SECONDS) < IDEMPOTENT_SECONDS:
                return {"header": _header(-1005, "duplicate idempotency key")}
            if once:
                self.agencies.once[once] = now
            return self.agencies.take_nhn(said, kind, clock.now())

        return await self._fault("nhn.send", answer)

    async def nhn_list(self, request: Request) -> Response:
        if request.headers.get("x-secret-key") != SECRET:
            return JSONResponse({"header": _header(-1001, "secret")}, status_code=401)
        query = request.query_params
        page, size = int(query.get("pageNum", 1)), int(query.get("pageSize", 15))
        kept = self.agencies.nhn.get(query.get("senderGroupingKey", ""), [])
        part = kept[(page - 1) * size : page * size]
        body = {"header": _header(0), "messageSearchResultResponse": {"messages": part, "totalCount": len(kept)}}
        return await self._fault("nhn.list", lambda: body)

    async def push(self, request: Request) -> Response:
        """RFC 8030: TTL is required, 4,096 octets at least are taken, a Topic replaces what still waits, 410 is for ever."""
        name = request.path_params["name"]
        if name in self.agencies.gone:
            return Response(status_code=410)
        headers = request.headers
        if "ttl" not in headers:
            return Response("TTL is required", status_code=400)
        if not headers.get("authorization", "").startswith("vapid t="):
            return Response("VAPID is required", status_code=401)
        if headers.get("content-encoding") != "aes128gcm":
            return Response("aes128gcm", status_code=415)
        body = await request.body()
        if len(body) > 4_096:
            return Response(status_code=413)
        kind = self.agencies.due("push")
        if kind == "rate_limit":
            return Response(status_code=429, headers={"Retry-After": "30"})
        if kind == "error_before":
            return Response(status_code=500)
        topic = headers.get("topic", "")
        kept = [p for p in self.agencies.pushed if not (topic and p["name"] == name and p["topic"] == topic)]
        kept.append(
            {"name": name, "topic": topic, "body": body.hex(), "ttl": headers["ttl"], "vapid": headers["authorization"]}
        )
        self.agencies.pushed = kept
        if kind == "error_after":
            return Response(status_code=500)
        return Response(status_code=201, headers={"Location": f"{request.url}/m/{len(kept)}"})

    async def push_gone(self, request: Request) -> Response:
        self.agencies.gone.add(request.path_params["name"])
        return Response(status_code=204)

    async def faults(self, request: Request) -> Response:
        """POST {"solapi.send": {"kind": "error_after", "count": 3}}; GET shows what is set and what happened."""
        if request.method == "POST":
            for call, how in (await request.json()).items():
                if call not in CALLS or how.get("kind") not in KINDS:
                    return JSONResponse({"error": f"one of {CALLS} and one of {KINDS}"}, status_code=422)
                self.agencies.faults[call] = (how["kind"], int(how.get("count", 1)))
        return JSONResponse({"set": self.agencies.faults, "happened": self.agencies.happened})

    async def truth(self, request: Request) -> Response:
        """How often each of Dure's keys was taken, and what lies at the push service."""
        return JSONResponse({"received": self.agencies.received, "pushed": self.agencies.pushed})

    async def report(self, request: Request) -> Response:
        """POST {"to": a webhook's address, "by": solapi or nhn, "code": optional}: report everything taken so far, as the agency does."""
        said = await request.json()
        if said["by"] == "solapi":
            body: Any = [
                {
                    "eventDataId": f"E{name}",
                    "data": {**m, "statusCode": said.get("code", m["statusCode"])},
                    "retryCount": 0,
                }
                for name, m in self.agencies.solapi.items()
            ]
        else:
            rows = [row for kept in self.agencies.nhn.values() for row in kept]
            hooks = [{**row, "resultCode": said.get("code", row["resultCode"])} for row in rows]
            body = {"hooksId": "H1", "event": "MESSAGE_RESULT_UPDATE", "hooks": hooks}
        headers = {"X-Toast-Webhook-Signature": SIGNATURE} if said["by"] == "nhn" else {}
        async with httpx.AsyncClient(trust_env=False, timeout=10) as line:
            answer = await line.post(said["to"], json=body, headers=headers)
        return JSONResponse({"status": answer.status_code})

    async def phones(self, request: Request) -> Response:
        """What the phones show: the newest 200."""
        rows = "".join(
            f"<li><b>{escape(to)}</b> <small>{escape(kind)}</small><pre>{escape(text)}</pre></li>"
            for to, kind, text in self.agencies.phones
        )
        empty = "" if rows else "<p>아직 받은 메시지가 없어요. · No messages yet.</p>"
        return HTMLResponse(
            "<!doctype html><html lang=ko><head><meta charset=utf-8><meta name=viewport content='width=device-width'>"
            "<title>메시지 연습장</title><link rel=stylesheet href=/sandbox.css></head><body><main><h1>휴대폰이 받은 메시지 · "
            f"What the phones received</h1>{empty}<ol class=phones>{rows}</ol></main></body></html>"
        )

    def routes(self) -> list[Route]:
        return [
            Route("/messages/v4/send-many/detail", self.solapi_send, methods=["POST"]),
            Route("/messages/v4/list", self.solapi_list),
            Route("/alimtalk/v2.3/appkeys/{app}/messages", self.nhn_send, methods=["POST"]),
            Route("/alimtalk/v2.3/appkeys/{app}/messages", self.nhn_list),
            Route("/brand-message/v1.0/appkeys/{app}/freestyle-messages", self.nhn_send, methods=["POST"]),
            Route("/brand-message/v1.0/appkeys/{app}/messages", self.nhn_list),
            Route("/push/{name}", self.push, methods=["POST"]),
            Route("/push/{name}", self.push_gone, methods=["DELETE"]),
            Route("/phones", self.phones),
            Route("/sandbox/messages/faults", self.faults, methods=["GET", "POST"]),
            Route("/sandbox/messages/report", self.report, methods=["POST"]),
            Route("/sandbox/messages", self.truth),
        ]
