"""The practice provider for tests: the real server in a process of its own, reached over HTTP."""

import contextlib
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from django.conf import settings
from pytest_django.fixtures import Settings

from dure.payments.providers import kakaopay, toss
from dure.sandbox.faults import SECONDS
from tests.patience import eventually

PATIENCE, HELD_BACK_PATIENCE = 60.0, 0.4
"""Seconds that our clients wait for an answer. A starved machine must not look like a provider that is silent, so little
patience is only for tests in which the provider holds its answers back."""


class Sandbox:
    """One practice provider: its address, its switches, its truth, and the person's thumb."""

    def __init__(self, url: str) -> None:
        self.url = url
        self._http = httpx.Client(base_url=url, timeout=60, trust_env=False)

    def faults(self, **wanted: dict[str, Any] | None) -> dict[str, Any]:
        """Set faults, `approve={"kind": "timeout_after", "count": 1}`; returns what is set and what happened. With a fault that
        holds an answer back, our clients are impatient until the test ends.
        """
        if any(fault and fault["kind"] in SECONDS for fault in wanted.values()):
            for rail in (settings.KAKAOPAY, settings.TOSS):
                if rail.get("read_seconds") == PATIENCE:
                    rail["read_seconds"] = HELD_BACK_PATIENCE
        response = self._http.post("/sandbox/faults", json=wanted)
        response.raise_for_status()
        shown: dict[str, Any] = response.json()
        return shown

    def truth(self) -> dict[str, dict[str, Any]]:
        """What the provider knows, by our payment's public id."""
        found = self._http.get("/sandbox/payments").json()["payments"]
        found += self._http.get("/sandbox/toss/payments").json()["payments"]
        return {payment["partner_order_id"]: payment for payment in found}

    def webhooks(self) -> list[dict[str, Any]]:
        """What Toss has told or would have told so far, oldest first; it keeps its webhooks for us to carry over."""
        events: list[dict[str, Any]] = self._http.post("/sandbox/toss/webhooks", json={"deliver": False}).json()[
            "events"
        ]
        return events

    def press(self, redirect_url: str, button: str = "approval") -> str:
        """Press a button on the person's page; returns the address the browser is sent to."""
        response = self._http.post(f"{urlsplit(redirect_url).path}/{button}")
        assert response.status_code == 303, response.text
        return response.headers["Location"]

    def agree(self, redirect_url: str) -> str:
        """Press pay; returns the token that comes back with the browser."""
        back = parse_qs(urlsplit(self.press(redirect_url)).query)
        return (back.get("pg_token") or back["paymentKey"])[0]

    def close(self) -> None:
        self._http.close()
        kakaopay.close()
        toss.close()

    def empty(self) -> None:
        """Let it forget everything."""
        self._http.post("/sandbox/empty").raise_for_status()
        assert not self.truth()

    def calm(self) -> None:
        self.faults(**dict.fromkeys(self._http.get("/sandbox/faults").json()["calls"]))
        self.webhooks()


@contextlib.contextmanager
def running_sandbox(store: Path) -> Iterator[Sandbox]:
    """A practice provider with its own store, until the block ends."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "dure.project.cli", "sandbox", "--port", str(port), "--store", str(store)]
    server = subprocess.Popen(command)
    try:
        url = f"http://127.0.0.1:{port}"
        eventually(lambda: _answers(url), within=60)
        sandbox = Sandbox(url)
        yield sandbox
        sandbox.close()
    finally:
        server.terminate()
        assert server.wait(60) == 0


def _answers(url: str) -> bool:
    try:
        return httpx.get(f"{url}/healthz", trust_env=False).is_success
    except httpx.HTTPError:
        return False


@pytest.fixture(scope="session")
def sandbox_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    with running_sandbox(tmp_path_factory.mktemp("sandbox") / "sandbox.sqlite") as server:
        yield server


@pytest.fixture
def sandbox(sandbox_server: Sandbox, settings: Settings) -> Sandbox:
    """The practice provider, without faults, and Kakao Pay's client pointed at it."""
    sandbox_server.calm()
    point_at(sandbox_server, settings)
    return sandbox_server


@pytest.fixture
def fresh_sandbox(sandbox: Sandbox) -> Sandbox:
    """A practice provider that has never seen a payment."""
    sandbox.empty()
    return sandbox


def point_at(server: Sandbox, settings: Settings) -> None:
    settings.KAKAOPAY = {
        "host": server.url,
        "cid": "TC0ONETIME",
        "secret_key": "DEV-TEST",
        "read_seconds": PATIENCE,
    }
    settings.TOSS = {"host": f"{server.url}/toss", "secret_key": "test_sk_tests", "read_seconds": PATIENCE}
