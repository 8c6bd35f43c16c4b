"""The practice provider over HTTP: the provider's calls, the person's page, and the switches for faults."""

import asyncio
import os
import signal
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from dure.sandbox import pages
from dure.sandbox.contract import CALLS_NEED_KEY, Contract, Refusal
from dure.sandbox.faults import KAKAOPAY, Faults
from dure.sandbox.going_wrong import go_wrong
from dure.sandbox.messages import MessageDesk
from dure.sandbox.partner import Partner
from dure.sandbox.store import Payment, Store
from dure.sandbox.toss_desk import TossDesk

SHOWN_ON_DESK = 30
MANAGE = ("inactive", "status")
ONCE = tuple(call for call in KAKAOPAY if call not in MANAGE)
UNKNOWN = Refusal(-99999, "a code that nobody documented")
REFUSALS = {
    "ready": Refusal(-798, "server address is not allowed"),
    "approve": Refusal(-780, "approval failure!", why="LACK_BALANCE"),
    "order": Refusal(-721, "no such tid"),
    "cancel": Refusal(-782, "cancel failure!", why="BANK_FIRM_UNAVAILABLE"),
    "subscription": Refusal(-782, "subscription failure!", why="NOT_ENOUGH_BALANCE"),
    "inactive": Refusal(-750, "no such sid"),
    "status": Refusal(-750, "no such sid"),
}
BROKEN = Refusal(-1, "internal server error", status=500)


class Sandbox:
    """One practice provider."""

    def __init__(self, store: Store, toss: Path) -> None:
        self.contract, self.faults = Contract(store), Faults()
        self.partner = Partner(toss.parent)
        self.toss = TossDesk(toss, self.faults)

    async def call(self, request: Request) -> Response:
        """One of Kakao Pay's calls, with the fault that is due."""
        call = request.path_params["call"]
        if not request.headers.get("authorization", "").startswith(CALLS_NEED_KEY):
            return _refused(Refusal(-401, "Authorization must be SECRET_KEY and a key for development", status=401))
        try:
            said = await request.json()
        except ValueError:
            said = None
        if not isinstance(said, dict):
            return _refused(Refusal(-2, "the body must be a JSON object"))
        fault = self.faults.next(call)
        if fault is None:
            return self._answer(call, said, request)

        def answer(*, stale: bool = False) -> Response:
            return self._answer(call, said, request, stale=stale)

        return await go_wrong(
            fault,
            request,
            answer=answer,
            refused=_refused(REFUSALS[call]),
            unknown=_refused(UNKNOWN),
            broken=_refused(BROKEN),
        )

    def _answer(self, call: str, said: dict[str, Any], request: Request, *, stale: bool = False) -> Response:
        try:
            if call == "ready":
                return JSONResponse(self.contract.ready(said, pages=self._pages(said, request)))
            if call == "approve":
                return JSONResponse(self.contract.approve(said))
            if call in ("cancel", "subscription", "inactive", "status"):
                return JSONResponse(getattr(self.contract, call)(said))
            return JSONResponse(self.contract.order(said, stale=stale))
        except Refusal as refusal:
            return _refused(refusal)

    def _pages(self, said: dict[str, Any], request: Request) -> str:
        """Where the person's browser finds us: at the host through which it reaches the shop, on our own port."""
        try:
            host = urlsplit(str(said.get("approval_url", ""))).hostname
        except ValueError:
            host = None
        here = request.url
        named = f"[{host}]" if host and ":" in host else host or here.hostname
        return f"http://{named}:{here.port or 80}"

    async def page(self, request: Request) -> Response:
        """Where the person pays."""
        payment = self._found(request)
        return pages.pay(payment) if payment else pages.missing()

    async def pressed(self, request: Request) -> Response:
        """What the person pressed."""
        payment, button = self._found(request), request.path_params["button"]
        if payment is None:
            return pages.missing()
        if button == "approval":
            return RedirectResponse(self.contract.agree(payment), status_code=303)
        if button in ("cancel", "fail"):
            return RedirectResponse(self.contract.leave(payment, failing=button == "fail"), status_code=303)
        return pages.missing()

    async def desk(self, request: Request) -> Response:
        """What came in lately, and the switches."""
        return pages.desk(
            self.contract.store.newest(SHOWN_ON_DESK), self.toss.contract.payments.newest(SHOWN_ON_DESK), self.faults
        )

    async def desk_switched(self, request: Request) -> Response:
        """A switch on the desk: the form's call, kind and count."""
        form = parse_qs((await request.body()).decode(errors="replace"))
        call, kind, count = (form.get(name, [""])[0] for name in ("call", "kind", "count"))
        try:
            self.faults.change({call: {"kind": kind, "count": int(count)} if kind else None})
        except ValueError:
            return pages.missing()
        return RedirectResponse("/", status_code=303)

    async def faults_shown(self, request: Request) -> Response:
        """GET shows the switches; POST changes them."""
        if request.method == "POST":
            try:
                self.faults.change(await request.json())
            except (ValueError, AttributeError) as wrong:
                return JSONResponse({"error": str(wrong)}, status_code=422)
        return JSONResponse(self.faults.shown())

    async def truth(self, request: Request) -> Response:
        """Every payment as this side knows it."""
        found = self.contract.store.newest(-1)
        return JSONResponse({"payments": [_fact(payment) for payment in reversed(found)]})

    async def emptied(self, request: Request) -> Response:
        """Begin anew: forget every payment and agreement, and clear the faults."""
        self.contract.store.forget()
        self.toss.contract.forget()
        self.faults.change(dict.fromkeys(self.faults.shown()["calls"]))
        return Response(status_code=204)

    async def health(self, request: Request) -> Response:
        """Whether it answers."""
        return JSONResponse({"ok": True})

    def _found(self, request: Request) -> Payment | None:
        return self.contract.store.get(request.path_params["tid"])

    def app(self) -> Starlette:
        """The ASGI application."""
        return Starlette(
            routes=[
                Route("/online/v1/payment/{call}", _only(ONCE, self.call), methods=["POST"]),
                Route("/online/v1/payment/manage/subscription/{call}", _only(MANAGE, self.call), methods=["POST"]),
                *self.toss.routes(),
                *self.partner.routes(),
                Route("/pay/{tid}", self.page),
                Route("/pay/{tid}/{button}", self.pressed, methods=["POST"]),
                Route("/", self.desk),
                Route("/faults", self.desk_switched, methods=["POST"]),
                Route("/sandbox.css", pages.style),
                Route("/sandbox/faults", self.faults_shown, methods=["GET", "POST"]),
                Route("/sandbox/payments", self.truth),
                Route("/sandbox/empty", self.emptied, methods=["POST"]),
                Route("/healthz", self.health),
                *MessageDesk().routes(),
            ],
        )


def _only(
    names: tuple[str, ...], handle: Callable[[Request], Awaitable[Response]]
) -> Callable[..., Awaitable[Response]]:
    async def handled(request: Request) -> Response:
        if request.path_params["call"] not in names:
            return JSONResponse({"error_code": -404, "error_message": "no such call"}, status_code=404)
        return await handle(request)

    return handled


def _refused(refusal: Refusal) -> Response:
    return JSONResponse(refusal.body(), status_code=refusal.status)


def _fact(payment: Payment) -> dict[str, Any]:
    names = ("tid", "sid", "partner_order_id", "status", "total", "canceled", "approvals", "cancels")
    return {name: getattr(payment, name) for name in names}


def serve(*, port: int, store: Path, host: str = "0.0.0.0") -> None:  # noqa: S104 - a phone opens its pages
    """Run until SIGINT or SIGTERM, with its payments in the file `store`; then the process ends."""
    from granian.constants import Interfaces
    from granian.server.embed import Server

    kept = Store(store)

    def leave() -> None:
        # Every change is in the file before it is answered, so nothing is lost by going at once; waiting for callers who
        # are being kept waiting on purpose would take as long as their faults.
        kept.close()
        os._exit(0)

    async def run() -> None:
        for number in (signal.SIGINT, signal.SIGTERM):
            asyncio.get_running_loop().add_signal_handler(number, leave)
        application = Sandbox(kept, store.with_name(f"toss-{store.name}")).app()
        await Server(application, address=host, port=port, interface=Interfaces.ASGI, log_enabled=False).serve()

    asyncio.run(run())
