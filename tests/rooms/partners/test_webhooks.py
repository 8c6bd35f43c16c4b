"""Webhooks against a real server that keeps what it hears, and names that lead where nobody should be led."""

import json
import socket
import threading
from collections.abc import Iterator
from datetime import datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import httpcore
import pytest
from pytest_django.fixtures import Settings

from dure.checkouts import actions as checkouts
from dure.checkouts.models import Checkout
from dure.checkouts.values import CheckoutKind
from dure.ordering import actions as ordering
from dure.partners import actions, queries, rules
from dure.partners.channels import webhooks
from dure.partners.models import Dispatch, Endpoint, Event
from dure.partners.values import DispatchState
from dure.shops import fence
from dure.shops.models import Shop
from tests import cast
from tests.rooms.partners.test_rules import TARGETS


class Partner:
    """A partner's server: what it heard, and what it answers."""

    def __init__(self) -> None:
        self.heard: list[tuple[dict[str, str], bytes]] = []
        self.answers: list[int] = []
        self.location = ""
        partner = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                partner.heard.append(({k.lower(): v for k, v in self.headers.items()}, body))
                status = partner.answers.pop(0) if partner.answers else 204
                if status == 0:
                    partner.gate.wait(10)
                    return
                self.send_response(status)
                if partner.location:
                    self.send_header("Location", partner.location)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def do_GET(self) -> None:
                partner.heard.append(({"redirected": "yes"}, b""))

            def log_message(self, *said: Any) -> None: ...

        self.gate = threading.Event()
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.origin = f"http://127.0.0.1:{self.server.server_address[1]}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def kinds(self) -> list[str]:
        return [json.loads(body)["type"] for _, body in self.heard]

    def close(self) -> None:
        self.gate.set()
        self.server.shutdown()
        self.server.server_close()


@pytest.fixture
def partner(settings: Settings) -> Iterator[Partner]:
    server = Partner()
    settings.WEBHOOK_PRACTICE = [server.origin]
    settings.WEBHOOK_SECONDS = 1.0
    yield server
    server.close()


@pytest.fixture
def shop(transactional_db: None) -> Iterator[Shop]:
    with fence.across_shops():
        yield cast.noodle_house()


def listens(shop: Shop, partner: Partner) -> Endpoint:
    return actions.add_endpoint(shop=shop, url=f"{partner.origin}/hook", by="staff:test", at=cast.NOON)[0]


def asked_and_paid(shop: Shop, key: str = "k") -> Checkout:
    checkout = checkouts.open_checkout(
        shop=shop, kind=CheckoutKind.LINK, amount=5_000, key=key, by="staff:test", at=cast.NOON
    )
    ordering.settle_at_counter(bill=checkout.bill, by="staff:test", at=cast.NOON)
    return checkout


def run(at: datetime = cast.NOON) -> int:
    """What the worker does: everything that is due, until nothing is."""
    turns = 0
    while due := queries.due_dispatches(at):
        for number in due:
            actions.send_event(dispatch=Dispatch.objects.get(pk=number), at=at)
            turns += 1
        assert turns < 200
    return turns


def test_what_happened_arrives_signed_in_order_once(shop: Shop, partner: Partner) -> None:
    endpoint = listens(shop, partner)
    asked_and_paid(shop)
    run()
    assert partner.kinds() == ["checkout.opened", "checkout.paid"]
    assert run() == 0
    secret = queries.secrets_of(endpoint, cast.NOON)[0]
    for headers, body in partner.heard:
        assert rules.verifies([secret], headers, body, int(cast.NOON.timestamp()))
        assert len(body) < rules.BODY_MAX
    assert json.loads(partner.heard[1][1])["data"]["state"] == "paid"


def test_a_failure_is_tried_again_and_nothing_about_the_same_thing_overtakes(shop: Shop, partner: Partner) -> None:
    listens(shop, partner)
    partner.answers = [500, 503]
    asked_and_paid(shop)
    asked_and_paid(shop, "other")
    run()
    assert partner.kinds().count("checkout.paid") == 0
    heard = len(partner.heard)
    for later in Dispatch.objects.filter(event__kind="checkout.paid"):  # whoever asks for it by name changes nothing
        assert actions.send_event(dispatch=later, at=cast.NOON).state == DispatchState.WAITING
    assert len(partner.heard) == heard
    now = cast.NOON
    for pause in (timedelta(minutes=1), timedelta(minutes=5), timedelta(minutes=30)):
        now += pause
        run(now)
    order: dict[str, list[str]] = {}
    for headers, body in partner.heard:
        said = json.loads(body)
        assert headers["webhook-id"] == said["id"]
        order.setdefault(said["data"]["id"], []).append(said["type"])
    for told in order.values():
        assert list(dict.fromkeys(told)) == ["checkout.opened", "checkout.paid"]
        assert told.index("checkout.paid") > max(n for n, kind in enumerate(told) if kind == "checkout.opened")
    assert set(Dispatch.objects.values_list("state", flat=True)) == {DispatchState.SENT}


def test_after_ten_further_tries_it_is_given_up_shown_and_sent_again_on_request(shop: Shop, partner: Partner) -> None:
    endpoint = listens(shop, partner)
    partner.answers = [500] * 11
    checkouts.open_checkout(shop=shop, kind=CheckoutKind.LINK, amount=500, key="k", by="staff:test", at=cast.NOON)
    now = cast.NOON
    for _ in range(11):
        run(now)
        now += timedelta(hours=36)
        if Endpoint.objects.get(pk=endpoint.pk).disabled_at:
            break
    endpoint.refresh_from_db()
    dispatch = Dispatch.objects.get()
    assert dispatch.state == DispatchState.GIVEN_UP
    assert endpoint.disabled_because == "dead"
    assert queries.lost_of(endpoint) == 1
    heard = len(partner.heard)
    partner.answers = []
    actions.enable_endpoint(endpoint=endpoint, at=now)
    assert actions.resend_lost(endpoint=Endpoint.objects.get(), at=now) == 1
    run(now)
    assert len(partner.heard) == heard + 1
    assert partner.heard[-1][0]["webhook-id"] == partner.heard[0][0]["webhook-id"]
    assert Dispatch.objects.get().state == DispatchState.SENT


def test_410_disables_and_a_redirect_is_not_followed(shop: Shop, partner: Partner) -> None:
    endpoint = listens(shop, partner)
    partner.location = f"{partner.origin}/elsewhere"
    partner.answers = [302, 410]
    asked_and_paid(shop)
    run()
    assert len(partner.heard) == 1
    assert Dispatch.objects.order_by("id")[0].status == 302
    run(cast.NOON + timedelta(minutes=1))
    endpoint.refresh_from_db()
    assert endpoint.disabled_because == "gone"
    assert {"redirected": "yes"} not in [headers for headers, _ in partner.heard]
    assert set(Dispatch.objects.values_list("state", flat=True)) == {DispatchState.GIVEN_UP}


def test_silence_ends_in_time(shop: Shop, partner: Partner) -> None:
    listens(shop, partner)
    partner.answers = [0]
    checkouts.open_checkout(shop=shop, kind=CheckoutKind.LINK, amount=500, key="k", by="staff:test", at=cast.NOON)
    run()
    assert Dispatch.objects.get().fault == "no answer in time"


def test_both_secrets_sign_for_a_day_after_a_rotation(shop: Shop, partner: Partner) -> None:
    endpoint = listens(shop, partner)
    old = queries.secrets_of(endpoint, cast.NOON)[0]
    endpoint, new = actions.rotate_secret(endpoint=endpoint, at=cast.NOON)
    assert old != new
    actions.ping_endpoint(endpoint=endpoint, at=cast.NOON)
    run()
    headers, body = partner.heard[0]
    stamp = int(cast.NOON.timestamp())
    assert rules.verifies([old], headers, body, stamp)
    assert rules.verifies([new], headers, body, stamp)
    later = cast.NOON + timedelta(days=1)
    actions.ping_endpoint(endpoint=endpoint, at=later)
    run(later)
    headers, body = partner.heard[1]
    assert not rules.verifies([old], headers, body, int(later.timestamp()))
    assert rules.verifies([new], headers, body, int(later.timestamp()))


def test_what_did_not_happen_is_not_told(shop: Shop, partner: Partner) -> None:
    from django.db import transaction

    listens(shop, partner)

    def given_up() -> None:
        with transaction.atomic():
            checkouts.open_checkout(
                shop=shop, kind=CheckoutKind.LINK, amount=500, key="k", by="staff:test", at=cast.NOON
            )
            raise RuntimeError

    with pytest.raises(RuntimeError):
        given_up()
    assert not Event.objects.exists()
    assert run() == 0


# Where a name leads is asked at the connection itself


class Trap:
    """Notices every connection to this machine."""

    def __init__(self) -> None:
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.port = self.socket.getsockname()[1]
        self.calls = 0
        threading.Thread(target=self.listen, daemon=True).start()

    def listen(self) -> None:
        while True:
            try:
                self.socket.accept()[0].close()
            except OSError:
                return
            self.calls += 1


def test_sixty_targets_are_never_connected_to(monkeypatch: pytest.MonkeyPatch) -> None:
    connected: list[str] = []

    def connect(self: object, host: str, port: int, *rest: object) -> httpcore.NetworkStream:
        connected.append(host)
        raise httpcore.ConnectError

    monkeypatch.setattr(httpcore.SyncBackend, "connect_tcp", connect)
    for url in TARGETS:
        answered = webhooks.send(url, [], b"{}", seconds=1)
        assert not answered.took_it, url
        assert answered.fault, url
    assert [host for host in connected if not rules.is_public(host)] == []


def test_a_name_that_leads_home_or_moves_between_looks_is_not_followed(monkeypatch: pytest.MonkeyPatch) -> None:
    trap = Trap()
    looks: list[int] = []

    def rebinding(host: str, port: int, **rest: object) -> list[Any]:
        looks.append(port)
        address = "93.184.216.34" if len(looks) == 1 else "127.0.0.1"
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port))]

    monkeypatch.setattr(socket, "getaddrinfo", rebinding)
    chosen: list[str] = []

    def connect(self: object, host: str, port: int, *rest: object) -> httpcore.NetworkStream:
        chosen.append(host)
        raise httpcore.ConnectError

    monkeypatch.setattr(httpcore.SyncBackend, "connect_tcp", connect)
    webhooks.send("https://rebinding.example/", [], b"{}", seconds=1)
    assert chosen == ["93.184.216.34"]
    assert looks == [443]
    assert webhooks.send("https://rebinding.example/", [], b"{}", seconds=1).fault == "not a public address"
    assert chosen == ["93.184.216.34"]
    assert trap.calls == 0
    trap.socket.close()


def test_a_check_before_the_connection_alone_would_be_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Control: check the name, then let the socket look it up again: the trap is reached."""
    trap = Trap()
    looks: list[str] = []
    real = socket.getaddrinfo

    def rebinding(host: object, port: int, *rest: Any, **more: Any) -> Any:
        if host != "rebinding.example":
            return real(host, port, *rest, **more)  # type: ignore[arg-type]
        looks.append(str(host))
        address = "93.184.216.34" if len(looks) == 1 else "127.0.0.1"
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port))]

    monkeypatch.setattr(socket, "getaddrinfo", rebinding)
    assert all(rules.is_public(one) for one in webhooks.addresses_of("rebinding.example", trap.port))
    socket.create_connection(("rebinding.example", trap.port), timeout=2).close()
    from tests.patience import eventually

    eventually(lambda: trap.calls == 1)
    trap.socket.close()
