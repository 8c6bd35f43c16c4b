"""Live pages: one LISTEN connection a process, one event stream a page.

A stream carries no data, only "something changed": the page then asks for itself again, through the same access checks
as ever. So nothing leaks through a stream and nothing is shown twice. Nothing is lost by a cut or between a page's writing
and its stream: a stream begins with "changed", unless the hub listened all the while and nothing rang.
"""

import asyncio
import logging
import math
from collections import defaultdict
from typing import Any

import psycopg
from django.core import signing
from django.db import connection

from dure.kit import clock
from dure.kit.events import BELL

BEAT_SECONDS = 4
TOKEN_HOURS = 24
MEMORY_SECONDS = 600
SLOWEST_PAGE_SECONDS = 30
"""From a page's first look at the data to the signing of its stream's address, at most; clocks that differ are in it."""

_signer = signing.TimestampSigner(salt="dure.live")
_log = logging.getLogger(__name__)


def url(topic: str) -> str:
    """An address that only somebody who was shown the page can listen at."""
    return f"/live/{_signer.sign(topic)}"


class Hub:
    """Wakes the streams of a topic. Lives in one event loop."""

    def __init__(self) -> None:
        self.watchers: dict[str, set[asyncio.Event]] = defaultdict(set)
        self.listener: asyncio.Task[None] | None = None
        self.since = math.inf  # when it began to hear every ring, in seconds since 1970
        self.rung: dict[str, float] = {}  # when each topic last rang, the oldest first, as far as the memory goes

    def watch(self, topic: str) -> asyncio.Event:
        """An event that is set whenever `topic` rings."""
        if self.listener is None or self.listener.done():
            self.listener = asyncio.create_task(self.listen())
        bell = asyncio.Event()
        self.watchers[topic].add(bell)
        return bell

    def leave(self, topic: str, bell: asyncio.Event) -> None:
        self.watchers[topic].discard(bell)
        if not self.watchers[topic]:
            del self.watchers[topic]

    def quiet_since(self, topic: str, written: float) -> bool:
        """Whether surely nothing rang at `topic` since a page was written (in seconds since 1970)."""
        heard_all_since = max(self.since, clock.wall().timestamp() - MEMORY_SECONDS)
        return max(heard_all_since, self.rung.get(topic, 0.0)) < written - SLOWEST_PAGE_SECONDS

    async def listen(self) -> None:
        """Pass every ring on; when the database went away, come back and wake everybody, for rings may have been missed."""
        while True:
            self.since = math.inf
            try:
                parameters = {k: v for k, v in connection.get_connection_params().items() if k != "pool"}
                parameters.pop("cursor_factory", None)
                parameters.pop("context", None)
                async with await psycopg.AsyncConnection.connect(**parameters, autocommit=True) as database:
                    await database.execute(f"LISTEN {BELL}")
                    self.since = clock.wall().timestamp()
                    self.wake(*self.watchers)
                    async for note in database.notifies():
                        self.wake(note.payload)
            except psycopg.Error as error:
                _log.warning("live pages lost the database, trying again: %s", error)
            await asyncio.sleep(1)

    def wake(self, *topics: str) -> None:
        now = clock.wall().timestamp()
        while self.rung and self.rung[oldest := next(iter(self.rung))] < now - MEMORY_SECONDS:
            del self.rung[oldest]
        for topic in topics:
            self.rung.pop(topic, None)
            self.rung[topic] = now
            for bell in self.watchers.get(topic, ()):
                bell.set()


hub = Hub()


async def stream(scope: Any, receive: Any, send: Any) -> None:
    """The ASGI application behind `/live/<token>`: server-sent events `changed` and `beat`."""
    token = scope["path"].removeprefix("/live/")
    try:
        topic = _signer.unsign(token, max_age=TOKEN_HOURS * 3600)
    except signing.BadSignature:
        await send({"type": "http.response.start", "status": 404, "headers": [(b"content-type", b"text/plain")]})
        await send({"type": "http.response.body", "body": b"This stream has ended. Reload the page."})
        return
    headers = [
        (b"content-type", b"text/event-stream"),
        (b"cache-control", b"no-store"),
        (b"x-accel-buffering", b"no"),
        (b"x-content-type-options", b"nosniff"),
    ]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    bell = hub.watch(topic)
    gone = asyncio.create_task(_gone(receive))
    try:
        first = b"beat" if hub.quiet_since(topic, _written(token)) else b"changed"
        await send({"type": "http.response.body", "body": b"retry: 1000\n" + _event(first), "more_body": True})
        while not gone.done():
            rung = asyncio.create_task(bell.wait())
            await asyncio.wait({rung, gone}, timeout=BEAT_SECONDS, return_when=asyncio.FIRST_COMPLETED)
            rung.cancel()
            kind = b"changed" if bell.is_set() else b"beat"
            bell.clear()
            await send({"type": "http.response.body", "body": _event(kind), "more_body": True})
    finally:
        gone.cancel()
        hub.leave(topic, bell)


def _written(token: str) -> int:
    """When an address was signed, which is when its page was written: in seconds since 1970."""
    return signing.b62_decode(token.split(":")[-2])


def _event(kind: bytes) -> bytes:
    return b"event: " + kind + b"\ndata:\n\n"


async def _gone(receive: Any) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
