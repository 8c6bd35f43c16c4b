"""The practice partner believes a webhook whose signature holds, and nothing else. The whole way is walked in the story."""

import asyncio
import base64
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from standardwebhooks.webhooks import Webhook
from starlette.applications import Starlette

from dure.sandbox.partner import Order, Orders, Partner

SECRET = f"whsec_{base64.b64encode(bytes(range(32))).decode()}"


@pytest.fixture
def partner(tmp_path: Path) -> Partner:
    (tmp_path / "partner.json").write_text(json.dumps({"origin": "http://127.0.0.1:1", "key": "k", "secret": SECRET}))
    shop = Partner(tmp_path)
    shop.orders.put(Order("kit-1", "broth", 4_900, datetime.now(UTC).isoformat(), checkout="chk_1"))
    return shop


class Browser:
    """Asks the partner's application without a socket."""

    def __init__(self, partner: Partner) -> None:
        self._transport = httpx.ASGITransport(Starlette(routes=partner.routes()))

    def get(self, path: str) -> httpx.Response:
        return self._ask("GET", path)

    def post(self, path: str, **more: Any) -> httpx.Response:
        return self._ask("POST", path, **more)

    def _ask(self, method: str, path: str, **more: Any) -> httpx.Response:
        async def ask() -> httpx.Response:
            async with httpx.AsyncClient(transport=self._transport, base_url="http://127.0.0.1:8001") as client:
                return await client.request(method, path, **more)

        return asyncio.run(ask())


@pytest.fixture
def browser(partner: Partner) -> Browser:
    return Browser(partner)


def told(
    browser: Browser, *, secret: str = SECRET, late: timedelta = timedelta(), tampered: bool = False, **data: str
) -> int:
    at = datetime.now(UTC) + late
    said = {"id": "chk_1", "reference": "kit-1", "state": "paid", **data}
    body = json.dumps({"type": f"checkout.{said['state']}", "timestamp": at.isoformat(), "data": said})
    headers = {
        "webhook-id": "evt_1",
        "webhook-timestamp": str(int(at.timestamp())),
        "webhook-signature": Webhook(secret).sign("evt_1", at, body),
    }
    return browser.post("/partner/dure", content=body + (" " if tampered else ""), headers=headers).status_code


def state(partner: Partner) -> str:
    found = partner.orders.get("kit-1")
    assert found
    return found.state


def test_a_signed_webhook_is_believed_and_shown(partner: Partner, browser: Browser) -> None:
    assert "결제를 기다려요" in browser.get("/partner/orders/kit-1").text
    assert (told(browser), state(partner)) == (204, "paid")
    page = browser.get("/partner/orders/kit-1").text
    assert "결제됐어요" in page
    assert "signed webhook checkout.paid" in page


@pytest.mark.parametrize(
    "wrong",
    [
        {"secret": f"whsec_{base64.b64encode(bytes(32)).decode()}"},
        {"late": timedelta(minutes=-6)},
        {"late": timedelta(minutes=6)},
        {"tampered": True},
    ],
)
def test_what_cannot_be_verified_did_not_happen(partner: Partner, browser: Browser, wrong: dict[str, object]) -> None:
    assert told(browser, **wrong) == 400  # type: ignore[arg-type]
    assert (state(partner), partner.refused) == ("open", 1)
    assert browser.post("/partner/dure", content=b"\xff").status_code == 400


def test_another_checkout_says_nothing_about_this_order(partner: Partner, browser: Browser) -> None:
    assert told(browser, id="chk_2") == 204
    assert state(partner) == "open"


def test_an_older_webhook_that_is_sent_again_takes_nothing_back(partner: Partner, browser: Browser) -> None:
    told(browser)
    told(browser, state="returned")
    told(browser)
    assert state(partner) == "returned"


def test_coming_back_proves_nothing(partner: Partner, browser: Browser) -> None:
    browser.get("/partner/orders/kit-1?checkout=chk_1&state=paid")
    assert state(partner) == "open"


def test_a_dure_that_does_not_answer_leaves_an_order_that_says_so(partner: Partner, browser: Browser) -> None:
    went = browser.post("/partner/orders", data={"goods": "noodles"})
    assert went.headers["Location"].startswith("http://127.0.0.1:8001/partner/orders/kit-")
    page = browser.get(went.headers["Location"])
    assert "받지 않았어요" in page.text
    assert "Refresh" not in page.headers  # nothing more will come of it
    assert browser.post("/partner/orders", data={"goods": "<b>"}).status_code == 404


def test_its_book_survives_a_restart(partner: Partner, tmp_path: Path) -> None:
    assert Orders(tmp_path / "partner-orders.json").get("kit-1") == partner.orders.get("kit-1")


def test_without_a_connection_it_says_what_to_do(tmp_path: Path) -> None:
    unknown = Browser(Partner(tmp_path))
    assert "make run" in unknown.get("/partner").text
    assert unknown.post("/partner/dure", content=b"{}").status_code == 400
