"""The owner's screens in a real browser: for every eye and thumb, on a tablet in the kitchen, with a bad network."""

import os
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import segno
from playwright.sync_api import Browser, Page, expect

from tests.story.conftest import CHROMIUM_FLAGS, DESK, Open, Product, log_in, unfit_for_an_eye

pytestmark = pytest.mark.story
SHOP = "두레국수"
LIGHT_ENOUGH = 300_000
TABS = (
    "today",
    "kitchen",
    "tables",
    "menu",
    "orders",
    "receive",
    "friends",
    "offers",
    "audiences",
    "concessions",
    "money",
    "staff",
    "settings",
)
MORE = (
    "kitchen/sold-out",
    "orders/new",
    "menu/items/new",
    "menu/import",
    "tables/stands",
    "offers/new",
    "offers/points",
    "audiences/new",
    "receive/code",
    "receive/stickers",
    "connections",
    "export",
)
SMALL = """
[...document.querySelectorAll('a, button, summary, select, input:not([type=hidden])')].filter(one => {
  if (!one.checkVisibility() || one.classList.contains('skip')) return false;
  const box = (one.closest('label') ?? one).getBoundingClientRect();
  return box.width > 1 && (box.width < 43.5 || box.height < 43.5);
}).map(one => one.outerHTML.slice(0, 120))
"""


@pytest.fixture
def desk(product: Product, opened: Open) -> Page:
    page = opened(size=DESK)
    come_in(page, product)
    return page


def come_in(page: Page, product: Product) -> None:
    log_in(page, product, product.login("owner", SHOP))
    # The login page names the console in its own address, so its coming is no proof of being in.
    page.wait_for_url(re.compile(r"/console/shp_\w+/today"))


def at_shop(product: Product, page: Page) -> str:
    """The address of the owner's only shop, to which the console's own leads."""
    page.goto(f"{product.url}/console/")
    return page.url.removesuffix("today")


def screens(page: Page, product: Product) -> Iterator[str]:
    """Walk the console; says which page is shown now."""
    shop = at_shop(product, page)
    page.goto(f"{product.url}/console/?all")
    yield "shops"
    page.goto(f"{product.url}/console/new")
    yield "opening"
    for path in (*TABS, *MORE):
        page.goto(shop + path)
        yield path
    for path, link in (("menu", "a.dish"), ("tables", "a.seat"), ("orders", ".list a.whole")):
        page.goto(shop + path)
        # These lists are drawn anew while others order: a click may meet a row that is just being replaced.
        page.goto(product.url + str(page.locator(link).last.get_attribute("href")))
        assert re.search(r"/(items|tables|orders)/\w", page.url)
        yield f"one of {path}"


def unfit_for_a_thumb(page: Page, width: int) -> list[str]:
    """What is too small to be tapped, or that the page is wider than this screen."""
    page.set_viewport_size({"width": width, "height": 800})
    fits = page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    return [*page.evaluate(SMALL), *([] if fits else [f"wider than {width}"])]


def test_every_screen_is_light_and_is_for_every_eye_and_thumb(product: Product, opened: Open) -> None:
    page = opened(size=DESK, color_scheme="light", reduced_motion="reduce")
    come_in(page, product)
    network = page.context.new_cdp_session(page)
    network.send("Network.enable")
    network.send("Network.setCacheDisabled", {"cacheDisabled": True})
    came: list[int] = []
    network.on("Network.loadingFinished", lambda one: came.append(int(one["encodedDataLength"])))
    for screen in screens(page, product):
        page.wait_for_load_state("load")
        assert sum(came) <= LIGHT_ENOUGH, screen
        assert unfit_for_an_eye(page) == [], screen
        assert unfit_for_a_thumb(page, 390) == [], screen
        page.set_viewport_size(DESK)  # type: ignore[arg-type]
        came.clear()


def test_every_screen_in_english_and_in_large_letters_fits_and_takes_a_thumb(product: Product, opened: Open) -> None:
    page = opened(size={"width": 320, "height": 800})
    come_in(page, product)
    page.context.add_cookies(
        [{"name": n, "value": v, "url": product.url} for n, v in (("text", "large"), ("language", "en"))]
    )
    for screen in screens(page, product):
        assert unfit_for_a_thumb(page, 320) == [], screen
        # Large letters are a class of the page and nothing else: without it, it is the page of usual letters.
        assert page.evaluate("document.documentElement.classList.contains('large')"), screen
        page.evaluate("document.documentElement.classList.remove('large')")
        assert unfit_for_a_thumb(page, 820) == [], screen
        page.set_viewport_size({"width": 320, "height": 800})


def test_every_tab_is_two_taps_away_on_a_phone(product: Product, opened: Open) -> None:
    page = opened()
    come_in(page, product)
    page.goto(at_shop(product, page))
    for tab in TABS:
        link = page.locator(f"nav.tabs a[href$='/{tab}']:visible")
        if not link.count():
            page.locator("nav.tabs summary").click()
        link.first.click()
        page.wait_for_url(f"**/{tab}")


def test_an_order_rings_in_the_kitchen_until_somebody_accepts_it(product: Product, desk: Page) -> None:
    shop = at_shop(product, desk)
    kitchen = desk.context.new_page()
    kitchen.clock.install()
    kitchen.goto(f"{shop}kitchen")
    kitchen.locator("#start").click()
    before = kitchen.locator("[data-state=received]").count()
    rings = int(kitchen.locator("#kitchen").get_attribute("data-rings") or 0)
    desk.goto(f"{shop}orders/new")
    desk.get_by_label("메뉴 찾기").fill("ㅈㅁㅂ")
    desk.locator("[data-dish]:visible [data-step='1']").click()
    desk.get_by_role("button", name=re.compile("주방에 넣기")).click()
    desk.get_by_role("button", name=re.compile("받았어요")).click()
    new = kitchen.locator("[data-state=received]").nth(before)
    expect(new).to_be_visible()
    expect(kitchen.locator("#kitchen")).to_have_attribute("data-rings", str(rings + 1))
    kitchen.clock.fast_forward(21_000)
    expect(kitchen.locator("#kitchen")).to_have_attribute("data-rings", str(rings + 2))
    expect(new.locator(".dish-name").first).to_have_css("font-size", re.compile(r"^(2[89]|[3-9]\d)"))
    expect(new.locator(".qty").first).to_have_css("font-size", re.compile(r"^[4-9]\d"))
    new.locator("footer .first").click()
    expect(kitchen.locator("[data-state=received]")).to_have_count(before)
    kitchen.get_by_role("button", name="되돌리기", exact=True).click()
    expect(kitchen.locator("[data-state=received]")).to_have_count(before + 1)
    kitchen.locator("[data-state=received]").nth(before).locator("footer .first").click()
    expect(kitchen.locator("[data-state=received]")).to_have_count(before)


def test_a_board_without_a_heartbeat_says_so_and_catches_up_by_itself(product: Product, desk: Page) -> None:
    desk.clock.install()
    desk.goto(at_shop(product, desk) + "kitchen")
    expect(desk.locator(".silence")).to_be_hidden()
    desk.route("**/live/**", lambda route: route.abort())
    desk.route("**/board*", lambda route: route.abort())
    desk.clock.fast_forward(12_000)
    expect(desk.locator(".silence")).to_be_visible()
    desk.unroute_all()
    desk.clock.fast_forward(12_000)
    expect(desk.locator(".silence")).to_be_hidden()


def test_sold_out_and_refusal_open_beside_the_board_and_close_with_escape(product: Product, desk: Page) -> None:
    desk.goto(at_shop(product, desk) + "kitchen")
    desk.get_by_role("link", name="품절").click()
    panel = desk.get_by_role("dialog")
    expect(panel).to_be_visible()
    switch = panel.locator("[data-sold]", has_text="식혜").get_by_role("button")
    expect(switch).to_have_attribute("aria-pressed", "false")
    switch.click()
    expect(switch).to_have_attribute("aria-pressed", "true")
    switch.click()
    expect(switch).to_have_attribute("aria-pressed", "false")
    desk.keyboard.press("Escape")
    expect(panel).to_be_hidden()
    expect(desk.get_by_role("link", name="품절")).to_be_focused()


def test_moving_an_item_swaps_the_menu_in_place(product: Product, desk: Page) -> None:
    desk.goto(at_shop(product, desk) + "menu")
    names = desk.locator("#menu .dish b")
    first, second = names.nth(0).inner_text(), names.nth(1).inner_text()
    desk.evaluate("document.body.dataset.same = 'page'")
    desk.locator("form[action*='/items/'][action$='/place'] button").first.click()
    expect(names.nth(0)).to_have_text(second)
    assert desk.evaluate("document.body.dataset.same") == "page"
    desk.locator("form[action*='/items/'][action$='/place'] button").first.click()
    expect(names.nth(0)).to_have_text(first)


INSIDE = {
    "protocol": "ctap2",
    "transport": "internal",
    "hasResidentKey": True,
    "hasUserVerification": True,
    "isUserVerified": True,
    "automaticPresenceSimulation": True,
}
"""A device's own authenticator, as its fingerprint reader is."""


def test_a_passkey_is_enrolled_logs_in_and_is_recovered_from_when_it_is_lost(product: Product, opened: Open) -> None:
    """Chromium's own WebAuthn with a virtual authenticator. A passkey belongs to a name, so by localhost, not by address."""
    home, owner = product.url.replace("127.0.0.1", "localhost"), product.login("owner", "느티나무 커피")
    page = opened()
    device = page.context.new_cdp_session(page)
    device.send("WebAuthn.enable")
    inside = device.send("WebAuthn.addVirtualAuthenticator", {"options": INSIDE})["authenticatorId"]

    def forgotten() -> None:
        """No cookies, and no page left whose late answers could bring some back."""
        page.goto("about:blank")
        page.context.clear_cookies()

    def log_in_by_password() -> None:
        forgotten()
        page.goto(f"{home}/accounts/login/")
        page.locator("input[name=login]").fill(owner["email"])
        page.locator("input[name=password]").fill(owner["password"])
        page.get_by_role("button", name="계속하기").click()

    log_in_by_password()
    page.wait_for_url(re.compile("/console/"))
    page.goto(f"{home}/accounts/2fa/webauthn/add/")
    if "reauthenticate" in page.url:
        page.locator("input[name=password]").fill(owner["password"])
        page.get_by_role("button", name="확인").click()
    page.get_by_label("이 기기를 뭐라고 부를까요?").fill("내 휴대폰")
    page.get_by_role("button", name="등록하기").click()
    page.wait_for_url(re.compile("recovery-codes"))
    code = page.locator(".codes li").first.inner_text()
    (kept,) = device.send("WebAuthn.getCredentials", {"authenticatorId": inside})["credentials"]
    assert kept["isResidentCredential"]

    forgotten()
    page.goto(f"{home}/accounts/login/")
    page.get_by_role("button", name="패스키로 로그인").click()
    page.wait_for_url(re.compile("/console/"))

    device.send("WebAuthn.removeVirtualAuthenticator", {"authenticatorId": inside})
    log_in_by_password()
    page.wait_for_url(re.compile("/2fa/authenticate"))
    page.get_by_text("기기를 잃어버렸어요").click()
    page.get_by_label("복구 코드").fill("000000")
    page.get_by_role("button", name="복구 코드로 로그인").click()
    expect(page.locator(".errorlist li")).to_be_visible()
    page.get_by_label("복구 코드").fill(code)
    page.get_by_role("button", name="복구 코드로 로그인").click()
    page.wait_for_url(re.compile("/console/"))

    page.goto(f"{home}/accounts/2fa/webauthn/")
    expect(page.get_by_text("내 휴대폰")).to_be_visible()
    page.get_by_role("link", name="지우기").click()
    if "reauthenticate" in page.url:
        page.locator("input[name=password]").fill(owner["password"])
        page.get_by_role("button", name="확인").click()
    page.get_by_role("button", name="지우기").click()
    expect(page.get_by_text("아직 패스키가 없어요")).to_be_visible()
    log_in_by_password()
    page.wait_for_url(re.compile("/console/"))


def film_of(text: str, at: Path) -> Path:
    """What a camera sees that looks at a phone with a QR code: half a second of it, as Y4M."""
    wide, high, dot = 640, 480, 12
    modules = [list(row) for row in segno.make(text, error="m", micro=False).matrix_iter(border=4)]
    left, top = (wide - dot * len(modules)) // 2, (high - dot * len(modules)) // 2
    light = [bytearray(b"\xb0" * wide) for _ in range(high)]
    for y, row in enumerate(modules):
        for x, dark in enumerate(row):
            for line in range(dot):
                begin = left + x * dot
                light[top + y * dot + line][begin : begin + dot] = (b"\x18" if dark else b"\xe8") * dot
    picture = b"".join(map(bytes, light)) + b"\x80" * (wide * high // 2)
    at.write_bytes(b"YUV4MPEG2 W640 H480 F10:1 Ip A1:1 C420jpeg\n" + (b"FRAME\n" + picture) * 5)
    return at


def test_a_browser_that_reads_no_codes_reads_a_guests_code_by_camera(
    product: Product, browser: Browser, opened: Open, tmp_path: Path
) -> None:
    guest = opened()
    guest.goto(f"{product.url}/my/code")
    guest.get_by_role("button", name="코드 보기").click()
    digits = "".join(guest.locator(".digits").inner_text().split())
    assert re.fullmatch(r"\d{24}", digits)
    film = film_of(digits, tmp_path / "camera.y4m")
    flags = ["--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream"]
    flags.append(f"--use-file-for-fake-video-capture={film}")
    chosen = os.environ.get("DURE_CHROMIUM") or None
    with browser.browser_type.launch(executable_path=chosen, args=[*CHROMIUM_FLAGS, *flags]) as seeing:
        page = seeing.new_context(viewport=DESK, locale="ko-KR").new_page()
        complaints: list[str] = []
        page.on(
            "console", lambda said: complaints.append(f"{said.text} {said.location}") if said.type == "error" else None
        )
        page.on("pageerror", lambda error: complaints.append(str(error)))
        come_in(page, product)
        page.goto(at_shop(product, page) + "receive/code")
        assert not page.evaluate("'BarcodeDetector' in window"), (
            "this browser reads codes by itself: nothing was proved"
        )
        page.locator("[name=amount]").fill("4500")
        page.get_by_role("button", name="카메라로 찍기").click()
        page.wait_for_url(re.compile(r"/receive/chk_\w+"), timeout=30_000)
        expect(page.get_by_text("4,500원").first).to_be_visible()
        assert not complaints, complaints
    expect(guest.get_by_text("금액이 맞으면 결제해 주세요.")).to_be_visible()


def test_a_hand_scanner_types_the_code_wherever_the_cursor_stands(product: Product, desk: Page, opened: Open) -> None:
    guest = opened()
    guest.goto(f"{product.url}/my/code")
    guest.get_by_role("button", name="코드 보기").click()
    digits = "".join(guest.locator(".digits").inner_text().split())
    desk.goto(at_shop(product, desk) + "receive/code")
    desk.locator("[name=amount]").fill("3200")
    desk.keyboard.type(digits)
    desk.keyboard.press("Enter")
    desk.wait_for_url(re.compile(r"/receive/chk_\w+"))
    expect(desk.get_by_text("3,200원").first).to_be_visible()
