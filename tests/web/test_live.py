"""What a page's stream says first, and what it says when something rings."""

import asyncio
import time
from typing import Any

import pytest
from django.core import signing
from django.test import override_settings

from dure.web.ui import live

A_WHILE = live.SLOWEST_PAGE_SECONDS + 5


class Screen:
    """A browser at the other end of a stream."""

    def __init__(self, path: str) -> None:
        self.said: asyncio.Queue[str] = asyncio.Queue()
        self.left = asyncio.Event()
        self.stream = asyncio.create_task(live.stream({"path": path}, self.receive, self.send))

    async def receive(self) -> dict[str, Any]:
        await self.left.wait()
        return {"type": "http.disconnect"}

    async def send(self, message: dict[str, Any]) -> None:
        await self.said.put(str(message.get("status", message.get("body", b"").decode())))

    async def hears(self) -> str:
        said = await asyncio.wait_for(self.said.get(), 30)
        return next((line.removeprefix("event: ") for line in said.splitlines() if line.startswith("event: ")), said)

    async def leaves(self) -> None:
        self.left.set()
        await self.stream


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> live.Hub:
    """A hub that has heard every ring for an hour."""

    class Listening(live.Hub):
        async def listen(self) -> None:
            self.since = time.time() - 3600
            await asyncio.Event().wait()

    hub = Listening()
    monkeypatch.setattr(live, "hub", hub)
    return hub


def first_words(*paths: str) -> list[str]:
    async def walk() -> list[str]:
        heard = []
        for path in paths:
            screen = Screen(path)
            assert await screen.hears() == "200"
            heard.append(await screen.hears())
            await screen.leaves()
        return heard

    return asyncio.run(walk())


def test_a_page_is_told_to_look_again_unless_surely_nothing_rang(hub: live.Hub) -> None:
    path = live.url("shop:1")
    assert first_words(path, path) == ["changed", "beat"], "the first watcher makes the hub listen"
    hub.wake("shop:2")
    assert first_words(path) == ["beat"]
    hub.wake("shop:1")
    assert first_words(path) == ["changed"], "a ring just before the page was signed may have come after it looked"
    hub.rung["shop:1"] -= A_WHILE
    assert first_words(path) == ["beat"]


def test_a_ring_reaches_the_open_page(hub: live.Hub) -> None:
    async def walk() -> list[str]:
        screen = Screen(live.url("shop:1"))
        heard = [await screen.hears(), await screen.hears()]
        hub.wake("shop:1")
        heard.append(await screen.hears())
        await screen.leaves()
        return heard

    assert asyncio.run(walk()) == ["200", "changed", "changed"]
    assert not hub.watchers


def test_a_page_older_than_the_memory_or_than_the_listening_looks_again(hub: live.Hub) -> None:
    now = time.time()
    hub.since = now - 3600
    assert hub.quiet_since("shop:1", now)
    assert hub.quiet_since("shop:1", now - live.MEMORY_SECONDS + A_WHILE)
    assert not hub.quiet_since("shop:1", now - live.MEMORY_SECONDS)
    hub.since = now - live.SLOWEST_PAGE_SECONDS
    assert not hub.quiet_since("shop:1", now), "the database was lost a moment ago"


def test_the_memory_of_rings_stays_small(hub: live.Hub) -> None:
    for number in range(1000):
        hub.wake(f"visit:{number}")
    hub.wake("visit:0")
    for topic in hub.rung:
        hub.rung[topic] -= live.MEMORY_SECONDS + 1
    hub.wake("visit:1", "visit:2")
    assert sorted(hub.rung) == ["visit:1", "visit:2"]


def test_a_forged_address_hears_nothing() -> None:
    with override_settings(SECRET_KEY="another"):
        forged = f"/live/{signing.TimestampSigner(salt='dure.live').sign('shop:1')}"

    async def walk() -> str:
        return await Screen(forged).hears()

    assert asyncio.run(walk()) == "404"
