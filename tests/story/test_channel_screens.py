"""A shop's channel in real browsers: for every eye and thumb, two that talk with each other, one that loses the network, and
one that is rung."""

import json
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import APIResponse, Page, Route, expect

from tests.patience import eventually
from tests.story.conftest import DESK, PHONE, Open, Product
from tests.story.test_console_screens import at_shop, come_in
from tests.story.test_customer_screens import SHOP, SMALL

pytestmark = pytest.mark.story


def channel_of(product: Product, page: Page) -> str:
    """The channel of the shop, found as a guest finds it: from the table's menu."""
    page.goto(product.table(SHOP, 2))
    path = page.locator("a[href*='?from=menu']").get_attribute("href")
    assert path
    return f"{product.url}{path}"


def befriend(page: Page, address: str) -> None:
    page.goto(address)
    page.get_by_role("button", name=re.compile("친구 되|Join")).first.click()
    page.wait_for_url("**/friendship?welcome=1")


def guest_screens(page: Page, product: Product) -> Iterator[str]:
    """Walk what a guest sees of the channel; says which page is shown now."""
    address = channel_of(product, page)
    page.goto(address)
    yield "channel, a stranger"
    befriend(page, address)
    yield "joined"
    page.goto(address)
    yield "channel, a friend"
    page.goto(address.partition("?")[0] + "/chat")
    yield "chat"
    page.locator("#text").fill("유모차가 들어가나요? " * 4)
    page.locator("#say button").click()
    expect(page.locator(".chat li")).to_have_count(1)
    yield "chat with a line"
    page.goto(f"{product.url}/inbox")
    expect(page.locator("[data-bell]")).to_be_visible()
    yield "inbox"
    page.goto(f"{product.url}/inbox?copy=1")
    yield "inbox, saved"
    page.goto(f"{product.url}/offline")
    yield "offline"


@pytest.mark.parametrize(
    ("theme", "width", "letters", "language"), [("light", 320, "large", "en-US"), ("dark", 360, "usual", "ko-KR")]
)
def test_every_screen_of_a_guest_is_for_every_eye_and_thumb(
    product: Product, opened: Open, theme: str, width: int, letters: str, language: str
) -> None:
    page = opened(color_scheme=theme, reduced_motion="reduce", size={"width": width, "height": 700}, language=language)
    page.context.add_cookies([{"name": "text", "value": letters, "url": product.url}])
    for screen in guest_screens(page, product):
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), screen
        assert page.evaluate(SMALL) == [], screen
        found = [(f["id"], [n["html"][:120] for n in f["nodes"]]) for f in Axe().run(page).response["violations"]]
        assert not found, (screen, found)


@pytest.mark.parametrize(("theme", "size"), [("dark", PHONE), ("light", DESK)])
def test_every_screen_of_the_owner_is_for_every_eye(
    product: Product, opened: Open, theme: str, size: dict[str, int]
) -> None:
    guest = opened()
    befriend(guest, channel_of(product, guest))
    guest.goto(channel_of(product, guest).partition("?")[0] + "/chat")
    guest.locator("#text").fill("안녕하세요")
    guest.locator("#say button").click()
    expect(guest.locator(".chat li")).to_have_count(1)
    page = opened(color_scheme=theme, reduced_motion="reduce", size=size)
    come_in(page, product)
    shop = at_shop(product, page)
    for path in ("channel", "channel/posts/new", "chats", ""):
        page.goto(shop + path) if path else page.locator("#chats a").first.click()
        expect(page.locator("h1").last).to_be_visible()
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), path
        found = [(f["id"], [n["html"][:120] for n in f["nodes"]]) for f in Axe().run(page).response["violations"]]
        assert not found, (path, found)


def test_a_guest_and_the_owner_talk_from_two_browsers(product: Product, opened: Open) -> None:
    guest, owner = opened(), opened(size=DESK)
    address = channel_of(product, guest)
    befriend(guest, address)
    come_in(owner, product)
    owner.goto(at_shop(product, owner) + "chats")
    guest.goto(address.partition("?")[0] + "/chat")
    guest.locator("#text").fill("오늘 저녁 여섯 명 자리 있나요?")
    guest.locator("#say button").click()
    expect(guest.locator(".chat .by-guest")).to_have_count(1)
    waiting = owner.locator("#chats li", has_text="오늘 저녁 여섯 명")
    expect(waiting).to_contain_text("답을 기다려요")
    waiting.locator("a").click()
    expect(guest.locator(".seen")).to_be_visible()
    owner.locator("#id_text").fill("네, 여섯 시에 비워 둘게요.")
    owner.get_by_role("button", name="답하기").click()
    expect(guest.locator(".chat .by-shop")).to_contain_text("네, 여섯 시에 비워 둘게요.")
    # The guest's page is live now: the next line goes without leaving it, and stands in the owner's open page.
    guest.locator("#text").fill("고마워요!")
    guest.locator("#say button").click()
    expect(owner.locator("#lines li").last).to_contain_text("고마워요!")
    expect(guest.locator("#text")).to_have_value("")
    assert "canary" not in owner.content()


@contextmanager
def held_answer(page: Page, address: re.Pattern[str]) -> Iterator[Callable[[], bool]]:
    """The next answer to what the page asks at `address` is on its way until the block ends. Yields whether it was written."""
    written: list[tuple[Route, APIResponse]] = []

    def hold(route: Route) -> None:
        if written or not route.request.headers.get("x-fragment"):
            return route.continue_()
        written.append((route, route.fetch()))
        return None

    page.route(address, hold)
    yield lambda: page.evaluate("1") == 1 and bool(written)
    ((route, answer),) = written
    route.fulfill(response=answer)


def test_what_changes_while_an_answer_is_on_its_way_is_shown_too(product: Product, opened: Open) -> None:
    guest, owner = opened(), opened(size=DESK)
    address = channel_of(product, guest)
    befriend(guest, address)
    guest.goto(address.partition("?")[0] + "/chat")

    def say(text: str) -> None:
        guest.locator("#text").fill(text)
        guest.locator("#say button").click()
        expect(guest.locator(".chat")).to_contain_text(text)

    def answer(text: str) -> None:
        owner.locator("#id_text").fill(text)
        owner.get_by_role("button", name="답하기").click()
        expect(owner.locator("#lines")).to_contain_text(text)

    say("첫째 줄")
    come_in(owner, product)
    owner.goto(at_shop(product, owner) + "chats")
    owner.locator("#chats li", has_text="첫째 줄").locator("a").click()
    expect(owner.locator("#lines")).to_contain_text("첫째 줄")
    with held_answer(owner, re.compile(r"/chats/\w+$")) as written:
        say("둘째 줄")
        eventually(written)
        say("셋째 줄")
    expect(owner.locator("#lines")).to_contain_text("셋째 줄")
    with held_answer(guest, re.compile(r"/chat/state$")) as written:
        answer("첫째 답")
        eventually(written)
        answer("둘째 답")
    expect(guest.locator(".chat")).to_contain_text("둘째 답")


def saved_inbox(page: Page) -> str:
    said: str = page.evaluate(
        "caches.has('dure-own').then(has => has ? caches.open('dure-own').then(kept => kept.match('/inbox'))"
        ".then(found => found ? found.text() : '') : '')"
    )
    return said


def test_the_inbox_is_read_without_network_and_is_nobody_elses(product: Product, opened: Open) -> None:
    page = opened()
    address = channel_of(product, page)
    befriend(page, address)
    eventually(lambda: page.evaluate("navigator.serviceWorker.controller !== null"))

    def greeted() -> bool:
        page.goto(f"{product.url}/inbox")
        return "친구가 되어 주셔서" in page.content()

    eventually(greeted, within=30)
    eventually(lambda: "친구가 되어 주셔서" in saved_inbox(page))
    message = page.locator("a[href^='/inbox/msg_']").first.get_attribute("href")
    page.context.set_offline(True)
    page.goto(f"{product.url}{message}")
    expect(page.locator("article").first).to_contain_text("친구가 되어 주셔서")
    expect(page.locator("#offline")).to_be_visible()
    assert page.url.endswith(f"/inbox#{str(message).rpartition('/')[2]}")
    page.goto(f"{product.url}/my/orders")
    expect(page.locator("h1")).to_have_text("인터넷이 끊겼어요")
    page.context.set_offline(False)
    expect(page.locator("h1")).not_to_have_text(
        "인터넷이 끊겼어요"
    )  # it goes on by itself, and would meet our next step

    # Leaving the shop takes the copy along; so does being forgotten.
    page.goto(address)
    page.get_by_role("button", name="친구 그만두기").click()
    page.wait_for_url("**/friendship")
    eventually(lambda: saved_inbox(page) == "")
    page.goto(f"{product.url}/inbox")
    eventually(lambda: saved_inbox(page) != "")
    page.goto(f"{product.url}/my/erasure")
    page.get_by_role("button", name="모두 지우기").click()
    expect(page.locator("h1")).to_have_text("모두 지웠어요")
    eventually(lambda: saved_inbox(page) == "")
    assert [c["name"] for c in page.context.cookies() if c["name"] == "device"] == []


def test_a_push_rings_and_its_tap_opens_the_message(product: Product, opened: Open) -> None:
    page = opened(permissions=["notifications"])
    page.goto(f"{product.url}/inbox")
    eventually(lambda: page.evaluate("navigator.serviceWorker.controller !== null"))
    expect(page.locator("[data-bell]")).to_be_visible()
    assert page.evaluate("Notification.permission") == "granted", "nothing on the page asked by itself"
    network = page.context.new_cdp_session(page)
    found: list[str] = []
    network.on(
        "ServiceWorker.workerRegistrationUpdated",
        lambda said: found.extend(one["registrationId"] for one in said["registrations"]),
    )
    network.send("ServiceWorker.enable")
    eventually(lambda: page.evaluate("1") == 1 and bool(found))
    told = {
        "title": "두레국수 주문 3번이 준비됐어요", "body": "가지러 오세요", "link": "/inbox/msg_x", "refuse": "/no/x", "tag": "t1",
    }  # fmt: skip
    (worker,) = page.context.service_workers
    worker.evaluate(
        "() => { const show = registration.showNotification.bind(registration); self.rung = [];"
        " registration.showNotification = (title, more) => show(title, more).then(() => { self.rung.push([title, more]); }); }"
    )
    rung = 0

    def ring() -> None:
        """A push comes, and what it shows is on the screen. A browser that is asked what it shows while it is about to show it
        sweeps that away as something the person has closed: then another push comes."""
        nonlocal rung
        network.send(
            "ServiceWorker.deliverPushMessage",
            {"origin": product.url, "registrationId": found[-1], "data": json.dumps(told)},
        )
        rung += 1
        eventually(lambda: worker.evaluate("self.rung.length") == rung)

    def listed() -> int:
        every = "navigator.serviceWorker.ready.then(one => one.getNotifications()).then(all => all.length)"
        return int(page.evaluate(every))

    def shows() -> bool:
        ring()
        return listed() == 1

    eventually(shows)
    [(title, more), *_] = worker.evaluate("self.rung")
    assert title == told["title"]
    assert (more["body"], more["tag"], more["data"]) == (
        told["body"],
        "t1",
        {"link": told["link"], "refuse": told["refuse"]},
    )
    # Nobody's finger is on this screen, so the browser would open no window: what it is asked to open is looked at.
    tap = (
        "async action => { self.opened = []; clients.openWindow = async to => { self.opened.push(new URL(to).pathname); };"
        " const [told] = await registration.getNotifications();"
        " dispatchEvent(new NotificationEvent('notificationclick', { notification: told, action }));"
        " while (!self.opened.length) await new Promise(done => setTimeout(done, 20)); return self.opened; }"
    )
    assert worker.evaluate(tap, "refuse") == ["/no/x"]
    eventually(lambda: listed() == 0)
    eventually(shows)
    assert worker.evaluate(tap, "") == ["/inbox/msg_x"]
