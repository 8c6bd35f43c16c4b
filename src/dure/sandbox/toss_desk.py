"""Toss Payments over HTTP: its calls, its page, and the webhooks it owes."""

import asyncio
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
from starlette.background import BackgroundTask
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from dure.sandbox import pages
from dure.sandbox.faults import Faults, Kind
from dure.sandbox.going_wrong import go_wrong
from dure.sandbox.toss import TossContract, TossPayment, TossRefusal

REFUSALS = {
    "toss_create": TossRefusal("FORBIDDEN_REQUEST", "not allowed", status=403),
    "toss_confirm": TossRefusal("REJECT_CARD_COMPANY", "결제 승인이 거절되었습니다.", status=403),
    "toss_query": TossRefusal("FORBIDDEN_REQUEST", "not allowed", status=403),
    "toss_cancel": TossRefusal("NOT_CANCELABLE_PAYMENT", "취소 할 수 없는 결제 입니다.", status=403),
}
UNKNOWN = TossRefusal("SOMETHING_NEW", "a code that nobody documented")
BROKEN = TossRefusal("FAILED_INTERNAL_SYSTEM_PROCESSING", "내부 시스템 처리 작업이 실패했습니다.", status=500)
PROCESSING = TossRefusal("IDEMPOTENT_REQUEST_PROCESSING", "the same key is being worked on", status=409)
TRIES = 3


class TossDesk:
    """One Toss Payments to practise with."""

    def __init__(self, path: Path, faults: Faults) -> None:
        self.contract, self.faults, self.delivers = TossContract(path), faults, True

    def routes(self) -> list[Route]:
        """Its addresses under /toss."""
        return [
            Route("/toss/v1/payments", self.create, methods=["POST"]),
            Route("/toss/v1/payments/confirm", self.confirm, methods=["POST"]),
            Route("/toss/v1/payments/orders/{order}", self.query),
            Route("/toss/v1/payments/{key}", self.query),
            Route("/toss/v1/payments/{key}/cancel", self.cancel, methods=["POST"]),
            Route("/toss/pay/{tid}", self.page),
            Route("/toss/pay/{tid}/{button}", self.pressed, methods=["POST"]),
            Route("/sandbox/toss/payments", self.truth),
            Route("/sandbox/toss/webhooks", self.webhooks, methods=["GET", "POST"]),
        ]

    async def create(self, request: Request) -> Response:
        """POST /v1/payments."""
        said = await _json(request)
        return await self._answered(
            "toss_create", request, lambda stale: self.contract.create(said, pages=_pages(said, request))
        )

    async def confirm(self, request: Request) -> Response:
        """POST /v1/payments/confirm."""
        said = await _json(request)
        return await self._answered("toss_confirm", request, lambda stale: self.contract.confirm(said))

    async def query(self, request: Request) -> Response:
        """GET /v1/payments/{paymentKey} and /v1/payments/orders/{orderId}."""
        key, order = request.path_params.get("key", ""), request.path_params.get("order", "")
        return await self._answered(
            "toss_query", request, lambda stale: self.contract.query(key=key, order=order, stale=stale)
        )

    async def cancel(self, request: Request) -> Response:
        """POST /v1/payments/{paymentKey}/cancel."""
        said, key = await _json(request), request.path_params["key"]
        return await self._answered("toss_cancel", request, lambda stale: self.contract.cancel(key, said))

    async def _answered(self, call: str, request: Request, act: Callable[[bool], dict[str, Any]]) -> Response:
        key = request.headers.get("idempotency-key", "") if request.method == "POST" else ""

        def answer(*, stale: bool = False) -> Response:
            try:
                self.contract.check_key(request.headers.get("authorization", ""))
                known = self.contract.known(key, request.url.path)
                if known:
                    return JSONResponse(json.loads(known.body), status_code=known.status)
                try:
                    status, body = 200, act(stale)
                except TossRefusal as refusal:
                    status, body = refusal.status, refusal.body()
                self.contract.keep(key, request.url.path, status, body)
            except TossRefusal as refusal:
                return refused(refusal)
            return JSONResponse(body, status_code=status, background=BackgroundTask(self._deliver))

        fault = self.faults.next(call)
        if fault is None:
            return answer()
        if fault.kind is Kind.PROCESSING:
            return refused(PROCESSING)
        return await go_wrong(
            fault,
            request,
            answer=answer,
            refused=refused(REFUSALS[call]),
            unknown=refused(UNKNOWN),
            broken=refused(BROKEN),
        )

    async def page(self, request: Request) -> Response:
        """Where the person pays."""
        payment = self._found(request)
        return pages.toss_pay(payment) if payment else pages.missing()

    async def pressed(self, request: Request) -> Response:
        """What the person pressed."""
        payment, button = self._found(request), request.path_params["button"]
        if payment is None or button not in ("approval", "cancel", "fail"):
            return pages.missing()
        to = (
            self.contract.agree(payment)
            if button == "approval"
            else self.contract.leave(payment, failing=button == "fail")
        )
        return RedirectResponse(to, status_code=303, background=BackgroundTask(self._deliver))

    async def truth(self, request: Request) -> Response:
        """Every payment as this side knows it."""
        return JSONResponse({"payments": [_fact(one) for one in reversed(self.contract.payments.newest(-1))]})

    async def webhooks(self, request: Request) -> Response:
        """GET: every webhook so far, oldest first. POST `{"deliver": false}` keeps them here, for tests that carry them
        over themselves: twice, late, early, in any order."""
        if request.method == "POST":
            self.delivers = (await _json(request)).get("deliver") is not False
        owed = reversed(self.contract.events.newest(-1))
        return JSONResponse({"deliver": self.delivers, "events": [json.loads(one.body) for one in owed]})

    async def _deliver(self) -> None:
        """Tell the shop what happened last. Seven more tries over days are theirs; three at once are ours."""
        if not self.delivers:
            return
        newest = self.contract.events.newest(1)
        async with httpx.AsyncClient(timeout=5, trust_env=False) as http:
            for one in newest:
                for _ in range(TRIES):
                    try:
                        told = await http.post(one.url, content=one.body, headers={"Content-Type": "application/json"})
                    except httpx.HTTPError:
                        continue
                    if told.status_code == httpx.codes.OK:
                        break
                    await asyncio.sleep(0.2)

    def _found(self, request: Request) -> TossPayment | None:
        return self.contract.payments.get(request.path_params["tid"])


def refused(refusal: TossRefusal) -> Response:
    """An error as they write it."""
    return JSONResponse(refusal.body(), status_code=refusal.status)


async def _json(request: Request) -> dict[str, Any]:
    try:
        said = await request.json()
    except ValueError:
        said = None
    return said if isinstance(said, dict) else {}


def _pages(said: dict[str, Any], request: Request) -> str:
    try:
        host = urlsplit(str(said.get("successUrl", ""))).hostname
    except ValueError:
        host = None
    named = f"[{host}]" if host and ":" in host else host or request.url.hostname
    return f"http://{named}:{request.url.port or 80}"


def _fact(payment: TossPayment) -> dict[str, Any]:
    canceled = payment.totalAmount - payment.balanceAmount if payment.confirms else 0
    return {
        "tid": payment.paymentKey,
        "partner_order_id": payment.orderId,
        "status": payment.status,
        "total": payment.totalAmount,
        "canceled": canceled,
        "approvals": payment.confirms,
        "cancels": len(json.loads(payment.cancels)),
    }
