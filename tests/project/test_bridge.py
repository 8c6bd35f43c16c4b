import asyncio
import threading
from collections.abc import Callable, Iterable
from typing import Any

import pytest

from dure.project import bridge
from dure.project.bridge import Bridge

Environ = dict[str, Any]
Start = Callable[..., None]
SCOPE = {"type": "http", "method": "GET", "path": "/", "query_string": b"", "http_version": "1.1", "headers": []}


def ask(pages: bridge.Pages, *bodies: bytes, headers: Iterable[tuple[bytes, bytes]] = ()) -> list[dict[str, Any]]:
    """Every message that the application sends for one request whose body comes in these pieces."""
    scope = {
        "type": "http",
        "method": "POST",
        "path": "/t/두레",
        "query_string": b"a=1",
        "http_version": "1.1",
        "scheme": "http",
        "server": ("127.0.0.1", 8000),
        "client": ("10.0.0.7", 4711),
        "headers": [(b"content-type", b"text/plain"), *headers],
    }
    waiting = [
        {"type": "http.request", "body": body, "more_body": n + 1 < len(bodies)} for n, body in enumerate(bodies)
    ]
    said: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:
        return waiting.pop(0)

    async def send(message: dict[str, Any]) -> None:
        said.append(message)

    asyncio.run(Bridge(pages, threads=2)(scope, receive, send))
    return said


def echo(environ: Environ, start: Start) -> Iterable[bytes]:
    start("201 Created", [("Content-Type", "text/plain"), ("Set-Cookie", "a=1"), ("Set-Cookie", "b=2")])
    return [environ["wsgi.input"].read()]


def test_an_answer_in_one_piece_goes_back_in_one_piece() -> None:
    start, body = ask(echo, b"bar", b"ley")
    assert start["status"] == 201
    assert start["headers"] == [(b"content-type", b"text/plain"), (b"set-cookie", b"a=1"), (b"set-cookie", b"b=2")]
    assert body == {"type": "http.response.body", "body": b"barley", "more_body": False}


def test_the_page_reads_the_request_as_wsgi_has_it() -> None:
    seen: Environ = {}

    def look(environ: Environ, start: Start) -> Iterable[bytes]:
        seen.update(environ)
        start("204 No Content", [])
        return []

    said = ask(look, b"", headers=[(b"cookie", b"a=1"), (b"cookie", b"b=2"), (b"x_forwarded_proto", b"https")])
    assert [message["type"] for message in said] == ["http.response.start", "http.response.body"]
    assert seen["PATH_INFO"].encode("latin-1").decode() == "/t/두레"
    assert (seen["QUERY_STRING"], seen["REMOTE_ADDR"], seen["SERVER_PORT"]) == ("a=1", "10.0.0.7", "8000")
    assert (seen["CONTENT_TYPE"], seen["HTTP_COOKIE"]) == ("text/plain", "a=1; b=2")
    assert "HTTP_X_FORWARDED_PROTO" not in seen


def test_a_long_answer_is_sent_while_it_is_made() -> None:
    sent_before: list[int] = []

    def count(environ: Environ, start: Start) -> Iterable[bytes]:
        start("200 OK", [])
        for number in range(6):
            sent_before.append(len(said))
            yield f"{number},".encode()

    said: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: dict[str, Any]) -> None:
        said.append(message)

    asyncio.run(Bridge(count, threads=1)(SCOPE, receive, send))
    assert b"".join(message.get("body", b"") for message in said) == b"0,1,2,3,4,5,"
    assert sent_before[-1] >= 3
    assert [message.get("more_body") for message in said if "body" in message] == [True] * 5 + [False]


def test_a_body_beyond_the_limit_is_refused_before_a_page_sees_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bridge, "BODY_MAX", 10)
    assert ask(echo, b"12345", b"67890")[0]["status"] == 201
    assert ask(echo, b"12345", b"678901", b"...")[0]["status"] == 413


def test_a_page_is_closed_when_it_was_sent() -> None:
    class Page:
        closed = False

        def __iter__(self) -> Any:
            return iter([b"x"])

        def close(self) -> None:
            Page.closed = True

    def page(environ: Environ, start: Start) -> Iterable[bytes]:
        start("200 OK", [])
        return Page()

    ask(page, b"")
    assert Page.closed


def test_it_says_how_many_requests_it_is_answering() -> None:
    both_are_here = threading.Barrier(2)
    seen: list[int] = []

    def page(environ: Environ, start: Start) -> Iterable[bytes]:
        both_are_here.wait(10)
        seen.append(bridged.answering)
        both_are_here.wait(10)
        start("200 OK", [])
        return [b"x"]

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: dict[str, Any]) -> None:
        assert message

    async def two() -> None:
        await asyncio.gather(*(bridged(SCOPE, receive, send) for _ in range(2)))

    bridged = Bridge(page, threads=2)
    asyncio.run(two())
    assert (seen, bridged.answering) == ([2, 2], 0)


def test_what_computes_for_long_goes_one_by_one_and_nothing_quick_waits_behind_it() -> None:
    at_once, most, done = 0, 0, threading.Event()
    order: list[str] = []

    def pages(environ: Environ, start: Start) -> Iterable[bytes]:
        nonlocal at_once, most
        start("200 OK", [])
        if environ["PATH_INFO"] == "/quick":
            order.append("quick")
            done.set()
            return [b""]
        at_once += 1
        most = max(most, at_once)
        assert done.wait(20), "the quick page waits behind a picture"
        at_once -= 1
        order.append("picture")
        return [b""]

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": b""}

    async def send(message: dict[str, Any]) -> None:
        pass

    async def ask_all() -> None:
        served = Bridge(pages, threads=1, computing=("/picture",))
        paths = ("/a/picture", "/b/picture", "/quick", "/a/picture")
        await asyncio.gather(*(served({**SCOPE, "path": path}, receive, send) for path in paths))

    asyncio.run(ask_all())
    assert order == ["quick", "picture", "picture", "picture"]
    assert most == 1
