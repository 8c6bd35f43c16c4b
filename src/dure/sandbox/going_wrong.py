"""How a call goes wrong, whoever's call it is."""

import asyncio
from typing import Protocol

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from dure.sandbox.faults import HAPPENS_BEFORE, Fault, Kind


class Answer(Protocol):
    """Does what was asked, and says so."""

    def __call__(self, *, stale: bool = False) -> Response: ...


async def go_wrong(
    fault: Fault, request: Request, *, answer: Answer, refused: Response, unknown: Response, broken: Response
) -> Response:
    """What the caller sees of a call that `fault` befalls; whether it happens is the fault's to say."""
    kind = fault.kind
    if kind is Kind.STALE:
        return answer(stale=True)
    if kind is Kind.REFUSED:
        return refused
    happened = None if kind in HAPPENS_BEFORE else answer()
    if kind in (Kind.UNKNOWN_BEFORE, Kind.UNKNOWN_AFTER, Kind.PROCESSING):
        return unknown
    if kind is Kind.CUT and happened is not None:
        return Cut(bytes(happened.body))
    if kind is Kind.SLOW and happened is not None:
        await asyncio.sleep(fault.seconds)
        return happened
    if kind is Kind.LATE:
        await asyncio.sleep(fault.seconds)
        answer()
    elif kind in (Kind.TIMEOUT_BEFORE, Kind.TIMEOUT_AFTER):
        await _until_hung_up(request, fault.seconds)
    return broken


class Cut(Response):
    """Half of a body whose header promises all of it."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        half = bytes(self.body)[: len(self.body) // 2]
        await send({"type": "http.response.start", "status": 200, "headers": self.raw_headers})
        await send({"type": "http.response.body", "body": half, "more_body": True})
        raise ConnectionAbortedError


async def _until_hung_up(request: Request, seconds: float) -> None:
    async def hung_up() -> None:
        while (await request.receive())["type"] != "http.disconnect":
            pass

    try:
        await asyncio.wait_for(hung_up(), seconds)
    except TimeoutError:
        return
