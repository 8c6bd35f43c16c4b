"""Scan, order, pay, join, come back: the first test to read, and the last to break."""

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

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
    expect(ticket).to_be_visible(timeout=5_000)
    picture(owner, "console-03-kitchen-order")
    for state, words in (("accepted", "접수"), ("cooking", "조리"), ("ready", "준비")):
        ticket.locator(".go button").click()
        expect(ticket).to_have_attribute("data-state", state, timeout=5_000)
        expect(guest.locator(".steps [aria-current=step]")).to_contain_text(words, timeout=5_000)
    ticket.locator(".go button").click()
    expect(guest.locator(".steps .done")).to_have_count(4, timeout=5_000)
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
    expect(guest.locator("#now")).to_be_visible(timeout=5_000)
    picture(guest, "guest-11-second-visit")

    # The owner learns who came back, and sees no name and no number.
    owner.get_by_role("link", name="단골", exact=False).first.click()
    picture(owner, "console-05-friends")
    assert "010" not in owner.locator("main").inner_text()
