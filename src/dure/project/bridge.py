"""A bridge from the server's asyncio to Django's threads: one step over for the request, one step back for the answer.

Threads and the event loop share one interpreter, and every step from one to the other waits for it. So a request is read whole
before a thread begins with it (a large one goes to a file, as Django would do), and an answer in one piece goes back in one piece.
"""

import asyncio
import sys
from collections.abc import Awaitable, Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from io import BytesIO
from tempfile import SpooledTemporaryFile
from typing import Any

IN_MEMORY, BODY_MAX = 1_000_000, 64_000_000
TOO_LARGE = {"type": "http.response.start", "status": 413, "headers": [(b"connection", b"close")]}
Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]
Pages = Callable[[dict[str, Any], Callable[..., None]], Iterable[bytes]]


class Bridge:
    """An ASGI callable that serves a WSGI application from `threads` threads, and paths that end in one of `computing` from one more:
    what computes for long waits for its like, and nothing quick waits behind it."""

    def __init__(self, pages: Pages, *, threads: int, computing: tuple[str, ...] = ()) -> None:
        self.pages, self.computing = pages, computing
        self.threads = ThreadPoolExecutor(threads, thread_name_prefix="pages")
        self.aside = ThreadPoolExecutor(1, thread_name_prefix="computing")
        self.answering = 0
        """Requests that are with the threads or wait for them."""

    async def __call__(self, scope: dict[str, Any], receive: Receive, send: Send) -> None:
        loop = asyncio.get_running_loop()
        message = await receive()
        # Hardly any request has a body, and hardly any body more than one piece.
        with SpooledTemporaryFile(IN_MEMORY) if message.get("more_body") else BytesIO() as body:
            while True:
                if message["type"] == "http.disconnect":
                    return
                body.write(message.get("body", b""))
                if body.tell() > BODY_MAX:
                    await send(TOO_LARGE)
                    await send({"type": "http.response.body", "body": b""})
                    return
                if not message.get("more_body"):
                    break
                message = await receive()
            body.seek(0)
            answer = _Answer(loop, send)
            environ = _environ(scope, body)
            computes = bool(self.computing) and scope["path"].endswith(self.computing)
            threads = self.aside if computes else self.threads
            # In a context of its own: what a request leaves there (its language, its shop) no other finds.
            self.answering += 1
            try:
                await loop.run_in_executor(threads, copy_context().run, answer.make, self.pages, environ)
            finally:
                self.answering -= 1
            for message in answer.left:
                await send(message)


class _Answer:
    """What Django says. What is `left` when its thread has ended is sent by the loop; only what comes in several pieces is
    sent from the thread, piece by piece, so that a long download never lies in memory whole."""

    def __init__(self, loop: asyncio.AbstractEventLoop, send: Send) -> None:
        self.loop, self.send = loop, send
        self.left: list[dict[str, Any]] = []

    def make(self, pages: Pages, environ: dict[str, Any]) -> None:
        pieces = pages(environ, self._start)
        try:
            for piece in pieces:
                if len(self.left) > 1:
                    self._send_what_is_left()
                self.left.append({"type": "http.response.body", "body": piece, "more_body": True})
            if self.left and self.left[-1]["type"] == "http.response.body":
                self.left[-1]["more_body"] = False
            else:
                self.left.append({"type": "http.response.body", "body": b""})
        finally:
            close = getattr(pieces, "close", None)
            if close:
                close()

    def _start(self, status: str, headers: list[tuple[str, str]], exc_info: object = None) -> None:
        self.left = [
            {
                "type": "http.response.start",
                "status": int(status[:3]),
                "headers": [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in headers],
            }
        ]

    def _send_what_is_left(self) -> None:
        for message in self.left:
            asyncio.run_coroutine_threadsafe(_awaited(self.send(message)), self.loop).result()
        self.left = []


async def _awaited(sent: Awaitable[None]) -> None:
    await sent


def _environ(scope: dict[str, Any], body: Any) -> dict[str, Any]:
    """The request as WSGI has it (PEP 3333): text is bytes read as latin-1."""
    host, port = scope.get("server") or ("localhost", 80)
    client = scope.get("client") or ("", 0)
    environ = {
        "REQUEST_METHOD": scope["method"],
        "SCRIPT_NAME": "",
        "PATH_INFO": scope["path"].encode().decode("latin-1"),
        "QUERY_STRING": scope["query_string"].decode("latin-1"),
        "SERVER_PROTOCOL": f"HTTP/{scope['http_version']}",
        "SERVER_NAME": host,
        "SERVER_PORT": str(port),
        "REMOTE_ADDR": client[0],
        "REMOTE_PORT": str(client[1]),
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": scope.get("scheme", "http"),
        "wsgi.input": body,
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": True,
        "wsgi.multiprocess": True,
        "wsgi.run_once": False,
    }
    for raw_name, raw_value in scope["headers"]:
        if b"_" in raw_name:
            continue  # X_Forwarded_Proto would pass for X-Forwarded-Proto, which only the proxy may say
        name, value = raw_name.decode("latin-1").upper().replace("-", "_"), raw_value.decode("latin-1")
        if name not in ("CONTENT_TYPE", "CONTENT_LENGTH"):
            name = f"HTTP_{name}"
        between = "; " if name == "HTTP_COOKIE" else ","
        environ[name] = f"{environ[name]}{between}{value}" if name in environ else value
    return environ
