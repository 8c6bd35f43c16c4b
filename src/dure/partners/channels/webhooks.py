"""Sends one webhook. Where the name leads is looked up here, checked here, and connected to here: a name that points
elsewhere a moment later (DNS rebinding) gains nothing. Redirects are not followed; an answer is read to 64 KiB."""

import socket
import ssl
from collections.abc import Iterable, Sequence
from functools import cache
from time import monotonic
from typing import Any
from urllib.parse import urlsplit

import certifi
import httpcore

from dure.partners import rules
from dure.partners.values import Answered

CONNECT_SECONDS, SECONDS = 5.0, 15.0
ANSWER_MAX = 65_536
HTTPS = 443


class NotPublic(httpcore.ConnectError):
    """The name leads into a network that is nobody's business."""


class Hurried(httpcore.NetworkStream):
    """A connection that waits for nothing beyond an instant, however slowly the other side trickles."""

    def __init__(self, stream: httpcore.NetworkStream, until: float) -> None:
        self._stream, self._until = stream, until

    def _left(self, timeout: float | None) -> float:
        left = self._until - monotonic()
        if left <= 0:
            raise httpcore.ReadTimeout
        return left if timeout is None else min(left, timeout)

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._stream.read(max_bytes, self._left(timeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._stream.write(buffer, self._left(timeout))

    def close(self) -> None:
        self._stream.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        return Hurried(self._stream.start_tls(ssl_context, server_hostname, self._left(timeout)), self._until)

    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)


class Guarded(httpcore.NetworkBackend):
    """Connects to public addresses on 443 only; `practice` holds (host, port) pairs of this machine that are allowed."""

    def __init__(self, until: float, practice: frozenset[tuple[str, int]] = frozenset()) -> None:
        self._until, self._practice = until, practice
        self._real = httpcore.SyncBackend()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.NetworkStream:
        found = addresses_of(host, port)
        if (host, port) not in self._practice:
            wrong = [address for address in found if not rules.is_public(address)]
            if wrong or port != HTTPS:
                raise NotPublic(f"{host}:{port} leads to {', '.join(wrong) or 'another port'}")
        return Hurried(self._real.connect_tcp(found[0], port, timeout, local_address, socket_options), self._until)

    def connect_unix_socket(
        self, path: str, timeout: float | None = None, socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None
    ) -> httpcore.NetworkStream:
        raise NotPublic("not a network address")


def addresses_of(host: str, port: int) -> list[str]:
    """Every address that a name has now."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as unknown:
        raise httpcore.ConnectError(f"{host} is unknown") from unknown
    return [str(one[4][0]) for one in found]


@cache
def _tls() -> ssl.SSLContext:
    return ssl.create_default_context(cafile=certifi.where())


def send(
    url: str, headers: Sequence[tuple[str, str]], body: bytes, *, practice: Sequence[str] = (), seconds: float = SECONDS
) -> Answered:
    """POST the body; what was answered, or why nothing was. Never raises for what a partner's server may do."""
    pairs = frozenset(
        (parts.hostname, parts.port or 443) for parts in map(urlsplit, practice) if parts.hostname is not None
    )
    sent = [(b"content-type", b"application/json"), (b"user-agent", b"Dure-Webhooks/1")]
    sent += [(name.encode(), value.encode()) for name, value in headers]
    limits = {"connect": min(CONNECT_SECONDS, seconds), "read": seconds, "write": seconds, "pool": seconds}
    try:
        with (
            httpcore.ConnectionPool(ssl_context=_tls(), network_backend=Guarded(monotonic() + seconds, pairs)) as pool,
            pool.stream("POST", url, headers=sent, content=body, extensions={"timeout": limits}) as answer,
        ):
            read = 0
            for chunk in answer.iter_stream():
                read += len(chunk)
                if read > ANSWER_MAX:
                    break
            return Answered(status=answer.status)
    except NotPublic:
        return Answered(fault="not a public address")
    except httpcore.TimeoutException:
        return Answered(fault="no answer in time")
    except (
        httpcore.NetworkError,
        httpcore.ProtocolError,
        httpcore.UnsupportedProtocol,
        ssl.SSLError,
        OSError,
        TypeError,
        ValueError,
    ) as wrong:
        return Answered(fault=type(wrong).__name__)
