"""A practice partner: a tiny web shop that sells meal kits and takes money by Dure's API.

It knows Dure the way any partner does: by a key, the API's description, and webhooks. It creates a checkout, sends the person
to its page, and believes nothing but a webhook whose signature holds, or Dure's own answer when it asks. The key and the
webhook's secret lie in `partner.json` beside the provider's payments; `dure run` puts them there.
"""

import json
import secrets
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit, urlunsplit

import httpx
from standardwebhooks.webhooks import Webhook, WebhookVerificationError
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from dure.sandbox import clock, pages
from dure.sandbox.pages import partner as shown

LOOPBACK = ("127.0.0.1", "localhost", "::1")
ORDERS_MAX = 1_000
BODY_MAX = 65_536
GOODS = {
    "noodles": ("국수 밀키트 2인", "Noodle kit for two", 12_500),
    "broth": ("멸치 육수 1리터", "Anchovy broth, 1 l", 4_900),
    "kimchi": ("겉절이 500g", "Fresh kimchi, 500 g", 7_800),
}


@dataclass(slots=True)
class Order:
    """What somebody bought here. `state` is what Dure said last; `told` how and when we came to believe it."""

    number: str
    goods: str
    won: int
    at: str
    checkout: str = ""
    state: str = "open"
    told: str = ""


class Orders:
    """The partner's own book, in one file: written whole, and moved into place."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._orders: dict[str, Order] = {}
        if path.exists():
            self._orders = {one["number"]: Order(**one) for one in json.loads(path.read_text())}

    def get(self, number: str) -> Order | None:
        return self._orders.get(number)

    def newest(self) -> list[Order]:
        return list(self._orders.values())[:-9:-1]

    def put(self, order: Order) -> None:
        self._orders[order.number] = order
        while len(self._orders) > ORDERS_MAX:
            del self._orders[next(iter(self._orders))]
        fresh = self._path.with_suffix(".new")
        fresh.write_text(json.dumps([asdict(one) for one in self._orders.values()], ensure_ascii=False))
        fresh.replace(self._path)


class Partner:
    """One partner's shop under /partner."""

    def __init__(self, home: Path) -> None:
        self._connection = home / "partner.json"
        self.orders = Orders(home / "partner-orders.json")
        self.refused = 0

    def routes(self) -> list[Route]:
        return [
            Route("/partner", self.window),
            Route("/partner/orders", self.buy, methods=["POST"]),
            Route("/partner/orders/{number}", self.order),
            Route("/partner/orders/{number}/asking", self.ask, methods=["POST"]),
            Route("/partner/dure", self.hear, methods=["POST"]),
        ]

    def _known(self) -> dict[str, str]:
        """How to reach Dure: `origin`, `key`, `secret`; empty where nobody connected us."""
        try:
            found = json.loads(self._connection.read_text())
        except (OSError, ValueError):
            return {}
        return found if isinstance(found, dict) and {"origin", "key", "secret"} <= set(found) else {}

    async def window(self, request: Request) -> Response:
        """What is for sale, and what was bought lately."""
        return shown.window(GOODS, self.orders.newest(), connected=bool(self._known()), refused=self.refused)

    async def buy(self, request: Request) -> Response:
        """Ask Dure for a checkout, and send the person there."""
        known = self._known()
        goods = parse_qs((await request.body()).decode(errors="replace")).get("goods", [""])[0]
        if not known or goods not in GOODS:
            return pages.missing()
        name, _, won = GOODS[goods]
        order = Order(f"kit-{secrets.token_hex(6)}", goods, won, clock.now().isoformat())
        self.orders.put(order)
        here = f"{request.url.scheme}://{request.url.netloc}/partner/orders/{order.number}"
        asked: dict[str, Any] = {"amount": won, "item": name, "reference": order.number}
        if request.url.hostname in LOOPBACK:
            # Dure sends people back to https only, except on this machine; on a phone they stay on Dure's page.
            asked |= {"success_url": here, "cancel_url": here}
        said = await self._call(known, "POST", "/api/v1/checkouts", json=asked, key=order.number)
        if said is None or "url" not in said:
            order.state = "refused"
            self.orders.put(order)
            return RedirectResponse(here, status_code=303)
        order.checkout = str(said["id"])
        self.orders.put(order)
        return RedirectResponse(self._for_the_browser(str(said["url"]), request), status_code=303)

    async def order(self, request: Request) -> Response:
        """Where the person comes back to. Coming back proves nothing: the page waits for the webhook."""
        order = self.orders.get(request.path_params["number"])
        return shown.order(order, GOODS[order.goods]) if order else pages.missing()

    async def ask(self, request: Request) -> Response:
        """Lost a webhook? Ask Dure."""
        order, known = self.orders.get(request.path_params["number"]), self._known()
        if order is None or not known:
            return pages.missing()
        said = await self._call(known, "GET", f"/api/v1/checkouts?reference={order.number}")
        found = said["data"] if said and isinstance(said.get("data"), list) else []
        if found:
            self._believe(order, str(found[0]["state"]), "물어봐서 알았어요 · asked Dure")
        return RedirectResponse(f"/partner/orders/{order.number}", status_code=303)

    async def hear(self, request: Request) -> Response:
        """A webhook. Whatever we cannot verify did not happen."""
        body = await request.body()
        secret = self._known().get("secret", "")
        try:
            if not secret or len(body) > BODY_MAX:
                raise WebhookVerificationError("nobody told us a secret")
            said = Webhook(secret).verify(body, dict(request.headers))
        except (WebhookVerificationError, ValueError):
            self.refused += 1
            return JSONResponse({"error": "the signature does not hold"}, status_code=400)
        data = said.get("data", {}) if isinstance(said, dict) else {}
        order = self.orders.get(str(data.get("reference", "")))
        if order and data.get("id") == order.checkout:
            self._believe(order, str(data.get("state")), f"서명된 웹훅 · signed webhook {said.get('type')}")
        return Response(status_code=204)

    def _believe(self, order: Order, state: str, how: str) -> None:
        if (order.state, state) != ("returned", "paid"):  # an older webhook that was sent again takes nothing back
            order.state, order.told = state, f"{how}, {clock.now():%H:%M:%S} UTC"
            self.orders.put(order)

    async def _call(
        self, known: dict[str, str], method: str, path: str, *, json: object = None, key: str = ""
    ) -> dict[str, Any] | None:
        headers = {"Authorization": f"Bearer {known['key']}", **({"Idempotency-Key": key} if key else {})}
        async with httpx.AsyncClient(base_url=known["origin"], timeout=20, trust_env=False) as dure:
            try:
                answer = await dure.request(method, path, json=json, headers=headers)
                said = answer.json()
            except (httpx.HTTPError, ValueError):
                return None
        return said if answer.is_success and isinstance(said, dict) else None

    def _for_the_browser(self, url: str, request: Request) -> str:
        """Dure's page by the name by which the person's browser finds this machine."""
        parts = urlsplit(url)
        host = request.url.hostname or "127.0.0.1"
        named = f"[{host}]" if ":" in host else host
        return urlunsplit(parts._replace(netloc=f"{named}:{parts.port}" if parts.port else named))
