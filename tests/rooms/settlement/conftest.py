"""A noodle house with guests who paid online and at the counter, and a bank that keeps its contract over HTTP."""

import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from pytest_django.fixtures import Settings

from dure.kit import ids
from dure.ordering import actions as ordering
from dure.ordering.models import Bill
from dure.payments import actions as payments
from dure.payments.models import Payment, Refund
from dure.people import actions as people
from dure.shops import fence
from tests.provider import Sandbox
from tests.rooms.ordering.conftest import BY, Place, open_place

MONDAY = datetime(2026, 11, 23, 3, 0, tzinfo=UTC)
"""12:00 in Seoul."""


@dataclass
class Till:
    """A shop in which guests pay; every amount is a number of teas (3,000 won, free of tax) and of noodles (8,000 won)."""

    place: Place
    sandbox: Sandbox

    def bill(self, *, teas: int = 1, noodles: int = 0, at: datetime = MONDAY, coupon: str = "none") -> Bill:
        from dure.ordering.values import Wanted

        usual = self.place.noodles.option_groups.get().options.get(name__ko="보통")
        wanted = [self.place.want(quantity=teas)] if teas else []
        if noodles:
            item = self.place.noodles.public_id
            wanted.append(Wanted(item=item, quantity=noodles, options=(usual.public_id,)))
        device, _ = people.remember_device(at=at)
        order = ordering.place_order(
            shop=self.place.shop,
            visit=None,
            table=self.place.tables[0],
            device=device,
            wanted=wanted,
            key=ids.new_code(20),
            expected_total=None,
            by=BY,
            at=at,
            coupon=coupon,
        )
        assert order.bill
        return order.bill

    def online(self, *, method: str = "CARD", at: datetime = MONDAY, **what: Any) -> Payment:
        ready = ordering.begin_payment(
            bill=self.bill(at=at, **what), provider="kakaopay", origin="http://127.0.0.1:8000", device=None, at=at
        )
        token = self.sandbox.agree(ready.redirect_url)
        paid = payments.approve_payment(payment=ready, token=token, at=at)
        call = paid.calls.get(kind="approve")
        call.detail = {**call.detail, "payment_method_type": method}
        call.save(update_fields=["detail"])
        return paid

    def counter(self, *, at: datetime = MONDAY, **what: Any) -> Payment:
        paid = ordering.settle_at_counter(bill=self.bill(at=at, **what), by=BY, at=at)
        assert paid
        return paid

    def returns(self, payment: Payment, *, at: datetime = MONDAY) -> Refund:
        """Refuse the order behind a payment, which sends its money back."""
        bill = Bill.objects.get(public_id=payment.reference)
        for order in bill.orders.all():
            ordering.refuse_order(shop=self.place.shop, order=order.public_id, reason="재료가 떨어졌어요", by=BY, at=at)
        refund = payment.refunds.get()
        return payments.carry_out_refund(refund=refund, at=at) if payment.provider != "counter" else refund


@pytest.fixture
def till(db: None, fresh_sandbox: Sandbox) -> Iterator[Till]:
    place = open_place("두레국수", pay_timing="first")
    with fence.within_shop(place.shop.pk):
        yield Till(place, fresh_sandbox)


@dataclass
class Bank:
    """A bank's server: what it was given, what it paid, and how it fails. `fault`: refuse, lose_before (the transfer is
    never heard of), lose_after (it is done and nobody is told), nonsense."""

    given: list[str] = field(default_factory=list)
    paid: dict[str, dict[str, Any]] = field(default_factory=dict)
    refused: set[str] = field(default_factory=set)
    fault: str = ""

    def put(self, name: str, body: dict[str, Any]) -> tuple[int, dict[str, Any]] | None:
        self.given.append(name)
        if self.fault == "lose_before":
            return None
        if self.fault == "nonsense":
            return 200, {"public_id": "pyt_other", "amount": 1, "state": "paid"}
        if self.fault == "refuse":
            self.refused.add(name)
            return self.get(name)
        self.refused.discard(name)
        known = self.paid.setdefault(name, body)
        if known["amount"] != body["amount"]:
            return 409, {"public_id": name}
        return None if self.fault == "lose_after" else self.get(name)

    def get(self, name: str) -> tuple[int, dict[str, Any]]:
        if name in self.paid:
            return 200, {"public_id": name, "amount": self.paid[name]["amount"], "state": "paid", "key": f"bank-{name}"}
        if name in self.refused:
            return 200, {"public_id": name, "amount": self.expects(name), "state": "refused", "code": "NO_ACCOUNT"}
        return 404, {"public_id": name}

    def expects(self, name: str) -> int:
        from dure.settlement.models import Payout

        return self._asked.get(name) or Payout.objects.get(public_id=name).net

    _asked: dict[str, int] = field(default_factory=dict)


@pytest.fixture
def bank(settings: Settings) -> Iterator[Bank]:
    kept = Bank()

    class Handler(BaseHTTPRequestHandler):
        def do_PUT(self) -> None:
            name = self.path.rpartition("/")[2]
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            kept._asked[name] = body["amount"]
            self._answer(kept.put(name, body))

        def do_GET(self) -> None:
            self._answer(kept.get(self.path.rpartition("/")[2]))

        def _answer(self, said: tuple[int, dict[str, Any]] | None) -> None:
            if said is None:
                self.close_connection = True
                self.connection.close()
                return
            content = json.dumps(said[1]).encode()
            self.send_response(said[0])
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *args: object) -> None:
            """Quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=[0.05], daemon=True)
    thread.start()
    settings.PAYOUTS = {
        **settings.PAYOUTS,
        "by": "transfer",
        "url": f"http://127.0.0.1:{server.server_port}",
        "secret_key": "test",
    }
    yield kept
    server.shutdown()
    server.server_close()
    thread.join(5)
