"""The builder of audiences in a real browser: slide, tap the map, save, reload, and all of it without a script."""

import re
from collections.abc import Callable

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from tests.story.conftest import DESK, PHONE, Open, Product, log_in
from tests.story.test_console_screens import SMALL

pytestmark = [pytest.mark.story, pytest.mark.heavy]  # a product and a country of its own
SHOP = "두레국수"


@pytest.fixture(scope="module")
def peopled(product: Product) -> Product:
    """The product with a country of thirty thousand."""
    product.dure("audience", "build", "--people", "30000")
    return product


def come_in(page: Page, product: Product) -> str:
    """Log in; the address of the shop's audiences."""
    page.set_default_timeout(15_000)
    log_in(page, product, product.login("owner", SHOP))
    page.wait_for_url(re.compile(r"/console/shp_\w+/today"))
    return page.url.removesuffix("today") + "audiences"


def test_before_there_is_a_country_the_page_says_so(product: Product, opened: Open) -> None:
    page = opened(size=DESK)
    page.goto(come_in(page, product) + "/new")
    expect(page.get_by_text("닮은 나라를 짓고 있어요")).to_be_visible()


def test_slide_tap_save_and_come_back(peopled: Product, opened: Open, picture: Callable[[Page, str], None]) -> None:
    page = opened(size=DESK)
    audiences = come_in(page, peopled)
    page.goto(audiences + "/new?age_from=20&age_to=39")
    said = page.locator("#reach-said")
    before = said.inner_text()
    thumb = page.get_by_label("나이 이하")
    right = page.locator("[data-trait=age] input[type=range]").nth(1)
    right.focus()
    for _ in range(10):
        page.keyboard.press("ArrowRight")
    expect(page.locator("[name=age_to]")).to_have_value("49")
    expect(said).not_to_have_text(before)
    expect(right).to_have_attribute("aria-valuetext", "49 세")
    expect(page.locator("[data-drop=age]")).to_contain_text("20–49세")
    page.select_option("#view", "11")
    expect(page.locator(".korea circle")).to_have_count(25)
    wide = said.inner_text()
    bubble = page.locator(".korea circle[data-region='11440']")
    bubble.scroll_into_view_if_needed()  # a mouse at a place below the fold meets nothing
    box = bubble.bounding_box()
    assert box
    page.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    expect(page.locator("#r-11440")).to_be_checked()
    expect(said).not_to_have_text(wide)
    expect(page.locator(".korea circle.picked")).to_have_count(1)
    page.reload()
    expect(page.locator("#r-11440")).to_be_checked()
    expect(page.locator("[name=age_to]")).to_have_value("49")
    picture(page, "console-audience")
    page.locator("[data-drop=region]").click()
    expect(page.locator("#r-11440")).not_to_be_checked()
    expect(said).to_have_text(wide)
    page.locator("#name").fill("스물에서 마흔아홉")
    page.get_by_role("button", name="저장").click()
    page.wait_for_url(re.compile(r"/audiences/aud_\w+/reach"))
    picture(page, "console-audience-reach")
    page.get_by_role("button", name=re.compile("실제 인원 물어보기")).click()
    expect(page.get_by_text("오늘 20번 중 1번")).to_be_visible()
    page.goto(audiences)
    page.get_by_role("link", name="스물에서 마흔아홉").first.click()
    expect(page.locator("[name=age_to]")).to_have_value("49")
    expect(thumb.first).to_be_visible()


def test_the_last_answer_is_the_one_shown(peopled: Product, opened: Open) -> None:
    """However fast one slides, the number is that of where the thumb is in the end."""
    page = opened(size=DESK)
    page.goto(come_in(page, peopled) + "/new?age_from=20&age_to=30")
    right = page.locator("[data-trait=age] input[type=range]").nth(1)
    for age in (60, 35, 80, 41, 70, 44):
        right.evaluate("(one, age) => { one.value = age; one.dispatchEvent(new Event('input', {bubbles: true})) }", age)
    expect(page.locator("[name=age_to]")).to_have_value("44")
    expect(page.locator("[data-drop=age]")).to_contain_text("20–44세")
    shown = page.locator("#reach-said").inner_text()
    page.reload()
    assert page.locator("#reach-said").inner_text() == shown


def test_without_a_script_the_same_form_counts_and_saves(peopled: Product, opened: Open) -> None:
    page = opened(java_script_enabled=False)
    page.goto(come_in(page, peopled) + "/new")
    page.locator("[data-trait=age] > summary").click()
    page.locator("[name=age_from]").fill("20")
    page.get_by_role("button", name="다시 세기").click()
    page.wait_for_url("**age_from=20**")
    expect(page.locator("[data-drop=age]")).to_contain_text("20세부터")
    page.locator("#name").fill("스물부터")
    page.get_by_role("button", name="저장").click()
    page.wait_for_url(re.compile(r"/audiences/aud_\w+/reach"))


@pytest.mark.parametrize(("theme", "size", "language"), [("light", DESK, "ko"), ("dark", PHONE, "en")])
def test_axe_finds_nothing_and_everything_fits(
    peopled: Product, opened: Open, theme: str, size: dict[str, int], language: str
) -> None:
    page = opened(size=size, color_scheme=theme, reduced_motion="reduce")
    audiences = come_in(page, peopled)
    page.context.add_cookies([{"name": "language", "value": language, "url": peopled.url}])
    for path in (
        "",
        "/new",
        "/new?age_from=20&taste=coffee&region=11440&no.relation=friend",
        "/new?taste=coffee&region=41111&view=41&find=mangwon",
        "/new?line=(sex:f|sex:m)|age:9-",
    ):
        page.goto(audiences + path)
        looked = Axe().run(page).response
        assert looked["passes"]
        found = [(fault["id"], [node["html"][:120] for node in fault["nodes"]]) for fault in looked["violations"]]
        assert not found, (path, found)
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), path
        assert page.evaluate(SMALL) == [], path
    page.goto(peopled.url + "/register")
    looked = Axe().run(page).response
    assert not looked["violations"]
