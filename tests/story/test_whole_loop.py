"""Scan, order, pay, join, come back; then audience, campaign, message, return and lift: the first test to read, and the last
to break."""

import re
import urllib.request
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.patience import eventually
from tests.story.conftest import DESK, Open, Product, log_in

pytestmark = pytest.mark.story
Picture = Callable[[Page, str], None]


def test_a_guest_becomes_a_friend_and_comes_back_with_a_coupon(
    product: Product, opened: Open, picture: Picture
) -> None:
    guest, owner = opened(), opened(size=DESK)

    # The owner opens the kitchen before lunch.
    log_in(owner, product, product.login("owner", "두레국수"))
    picture(owner, "console-01-today")
    owner.get_by_role("link", name="주방", exact=False).first.click()
    owner.get_by_role("button", name=re.compile("영업 시작")).click()
    picture(owner, "console-02-kitchen-empty")

    # A guest scans, and orders the most popular dish: four taps until it is paid, no field to fill.
    guest.goto(product.table("두레국수", 5))
    picture(guest, "guest-01-menu")
    guest.get_by_role("button", name=re.compile("잔치국수.*담기|담기.*잔치국수")).first.click()
    guest.locator("a[href$='/basket']").first.click()
    picture(guest, "guest-02-basket")
    guest.get_by_role("button", name=re.compile("카카오페이로 결제")).click()
    guest.wait_for_url("**/pay/**")
    picture(guest, "guest-03-provider")
    guest.get_by_role("button", name=re.compile("결제하기")).first.click()
    guest.wait_for_url("**/orders/**")
    expect(guest.locator("#now")).to_be_visible()
    picture(guest, "guest-04-order")
    number = guest.locator(".number").first.inner_text()

    # The kitchen sees it without touching anything, and the guest sees the kitchen.
    ticket = owner.locator(f"article[aria-label='#{number}']")
    expect(ticket).to_be_visible()
    picture(owner, "console-03-kitchen-order")
    for state, words in (("accepted", "접수"), ("cooking", "조리"), ("ready", "준비")):
        ticket.locator(".go button").click()
        expect(ticket).to_have_attribute("data-state", state)
        expect(guest.locator(".steps [aria-current=step]")).to_contain_text(words)
    ticket.locator(".go button").click()
    expect(guest.locator(".steps .done")).to_have_count(4)
    picture(guest, "guest-05-served")

    # After paying, the guest becomes a friend: nothing is ticked, and the coupon is there.
    guest.locator("#invite").click()
    assert not guest.locator("input[type=checkbox]:checked").count()
    picture(guest, "guest-06-join")
    guest.get_by_role("button", name=re.compile("친구 되고 쿠폰 받기")).click()
    expect(guest.get_by_text("1,000원").first).to_be_visible()
    picture(guest, "guest-07-friend")
    guest.goto(f"{product.url}/my")
    picture(guest, "guest-08-my")

    # The table is closed. The old page cannot order any more; sitting down again is a new visit with an empty basket.
    owner.get_by_role("link", name="테이블", exact=False).first.click()
    picture(owner, "console-04-tables")
    owner.get_by_role("link", name=re.compile(r"^5번 테이블")).first.click()
    owner.get_by_role("button", name=re.compile("^자리 비우기")).first.click()
    guest.goto(product.table("두레국수", 5))
    picture(guest, "guest-09-over")
    guest.get_by_role("button", name=re.compile("다시 앉았어요")).first.click()

    # The next visit: the best coupon is applied by itself, and the guest pays at the counter.
    guest.get_by_role("button", name=re.compile("잔치국수.*담기|담기.*잔치국수")).first.click()
    guest.locator("a[href$='/basket']").first.click()
    expect(guest.locator(".total .won")).to_have_text("7,000원")
    picture(guest, "guest-10-coupon-applied")
    guest.get_by_role("button", name=re.compile("카운터에서 결제")).click()
    guest.wait_for_url("**/orders/**")
    number = guest.locator(".number").first.inner_text()
    owner.get_by_role("link", name="주방", exact=False).first.click()
    owner.locator(".beside .alarm", has_text=f"#{number}").get_by_role("button").click()
    expect(guest.locator("#now")).to_be_visible()
    picture(guest, "guest-11-second-visit")

    # The owner learns who came back, and sees no name and no number.
    owner.get_by_role("link", name="단골", exact=False).first.click()
    picture(owner, "console-05-friends")
    assert "010" not in owner.locator("main").inner_text()


TITLE = "오랜만이에요, 두레국수에서 인사드려요"


def inbox_of(product: Product, phone: str) -> str:
    """The inbox as the phone with this cookie sees it."""
    asked = urllib.request.Request(f"{product.url}/inbox", headers={"Cookie": f"device={phone}"})
    with urllib.request.urlopen(asked, timeout=30) as answer:
        return str(answer.read().decode())


@pytest.mark.heavy
def test_a_campaign_brings_a_friend_back_and_says_after_two_weeks_what_it_caused(
    product: Product, opened: Open, picture: Picture
) -> None:
    owner = opened(size=DESK)
    owner.set_default_timeout(20_000)
    # Eighty phones joined by a link: from sixty on an effect can be measured. It is eleven in the morning.
    phones = product.run("tests.story.friends", "두레국수", "80").split()
    product.dure("clock", "11:00")

    # The owner makes a coupon and writes to the friends: five choices, all filled in.
    log_in(owner, product, product.login("owner", "두레국수"))
    owner.wait_for_url(re.compile(r"/console/shp_\w+/today"))
    shop = owner.url.removesuffix("today")
    owner.goto(shop + "offers/new")
    owner.locator("[name=name]").fill("따뜻한 겨울 인사")
    owner.locator("[name=value]").fill("2000")
    picture(owner, "console-06-new-coupon")
    owner.get_by_role("button", name="시작하기").click()
    owner.wait_for_url("**/offers**")
    owner.goto(shop + "campaigns")
    picture(owner, "console-07-campaigns")
    owner.goto(shop + "campaigns/new")
    for stage in owner.locator("[name=stages]:checked").all():
        stage.uncheck()
    owner.locator("[name=title]").fill(TITLE)
    expect(owner.locator("#preview")).to_contain_text("받을 수 있는 친구 80명")
    picture(owner, "console-08-new-campaign")
    owner.get_by_role("button", name="보내기", exact=True).click()
    owner.wait_for_url(re.compile(r"/campaigns/cmp_\w+$"))
    campaign = owner.url

    # It arrives at most of them, and some are left without, to compare.
    def arrived() -> list[str]:
        return [phone for phone in phones if TITLE in inbox_of(product, phone)]

    eventually(lambda: bool(arrived()), within=60)
    eventually(lambda: owner.reload() is not None and "결과를 기다려요" in owner.content(), within=60)
    reached = arrived()
    assert 30 <= len(reached) < len(phones)
    assert owner.locator("#sentence").count() == 0
    picture(owner, "console-09-campaign-waiting")

    # A second phone reads it, and comes two days later: the coupon is taken off by itself.
    friend = opened()
    friend.set_default_timeout(20_000)
    friend.context.add_cookies([{"name": "device", "value": reached[0], "url": product.url}])
    friend.goto(f"{product.url}/inbox")
    picture(friend, "guest-12-inbox")
    friend.get_by_role("link", name=TITLE).click()
    expect(friend.get_by_role("heading", name=re.compile(TITLE))).to_be_visible()
    picture(friend, "guest-13-message")
    friend.goto(f"{product.url}/my/coupons")
    expect(friend.get_by_text("따뜻한 겨울 인사").first).to_be_visible()
    picture(friend, "guest-14-coupons")
    product.dure("clock", "+2d")
    owner.goto(shop + "kitchen")  # a kitchen that nobody watches takes no orders
    friend.goto(product.table("두레국수", 6))
    friend.get_by_role("button", name=re.compile("잔치국수.*담기|담기.*잔치국수")).first.click()
    friend.locator("a[href$='/basket']").first.click()
    expect(friend.locator(".total .won")).to_have_text("6,000원")
    picture(friend, "guest-15-campaign-coupon")
    friend.get_by_role("button", name=re.compile("카카오페이로 결제")).click()
    friend.wait_for_url("**/pay/**")
    friend.get_by_role("button", name=re.compile("결제하기")).first.click()
    friend.wait_for_url("**/orders/**")
    expect(friend.locator("#now")).to_be_visible()
    number = friend.locator(".number").first.inner_text()
    owner.goto(shop + "kitchen")
    ticket = owner.locator(f"article[aria-label='#{number}']")
    for state in ("accepted", "cooking", "ready"):
        ticket.locator(".go button").click()
        expect(ticket).to_have_attribute("data-state", state)
    ticket.locator(".go button").click()
    expect(friend.locator(".steps .done")).to_have_count(4)

    # On the day of the result one sentence says what it brought, or that nobody can tell; a used coupon is no success.
    owner.goto(campaign)
    assert owner.locator("#sentence").count() == 0
    product.dure("clock", "+12d")
    eventually(lambda: owner.reload() is not None and owner.locator("#sentence").count() == 1, within=90)
    said = owner.locator("#sentence").inner_text()
    assert "아직 알 수 없어요" in said
    expect(owner.locator("svg.lift polyline.reached")).to_have_count(1)
    owner.get_by_text("표로 보기").click()
    owner.get_by_text("무엇을 세었나요?").click()
    expect(owner.get_by_text("쓴 쿠폰 1장")).to_be_visible()
    picture(owner, "console-10-lift")
