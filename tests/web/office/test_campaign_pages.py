"""Operators read campaigns to strangers, put money onto message balances, and hand consents to an inspector."""

import io
from typing import Any

import openpyxl
import pytest
from django.test import Client

from dure.campaigns import actions as campaigns
from dure.campaigns import queries
from dure.campaigns.models import Campaign
from dure.campaigns.values import CampaignState
from dure.offers import actions as offers
from dure.offers.values import OfferKind
from dure.people import actions as people
from dure.people.models import Consent
from dure.people.values import Purpose
from dure.shops import fence
from dure.shops.models import Shop
from tests import cast
from tests.rooms.campaigns.conftest import BY, a_draft, shop
from tests.rooms.campaigns.test_network import STRANGERS, index, neighbours

__all__ = ["index", "shop"]
pytestmark = pytest.mark.django_db


@pytest.fixture
def operator() -> Client:
    client = Client()
    client.force_login(people.open_account(email="operator@example.com", operator=True, at=cast.NOON))
    return client


def waiting(shop: Shop) -> Campaign:
    neighbours(400)
    draft = a_draft(shop, audience=STRANGERS, title="건강한 국수 <b>무료</b>")
    return campaigns.submit_campaign(campaign=draft, send_at=cast.NOON, by=BY, at=cast.NOON)


def test_a_campaign_is_sent_back_with_a_reason_and_let_go(operator: Client, shop: Shop) -> None:
    campaign = waiting(shop)
    page = operator.get("/office/reviews/").content.decode()
    assert "건강한 국수 &lt;b&gt;무료" in page
    assert "식품의 효능" in page or "음식의 효능" in page
    said = {"campaign": campaign.public_id, "say": "no"}
    assert operator.post("/office/reviews/", said).status_code == 422
    assert operator.post("/office/reviews/", {**said, "reason": "근거가 없어요"}).status_code == 302
    campaign.refresh_from_db()
    assert (campaign.state, campaign.reason) == (CampaignState.DRAFT, "근거가 없어요")
    assert operator.post("/office/reviews/", {**said, "say": "yes"}).status_code == 404, "it waits no longer"
    again = campaigns.submit_campaign(
        campaign=campaign, send_at=cast.NOON, by=BY, at=campaign.steps.order_by("-at")[0].at
    )
    assert operator.post("/office/reviews/", {"campaign": again.public_id, "say": "yes"}).status_code == 302
    again.refresh_from_db()
    assert again.state == CampaignState.SCHEDULED
    assert "기다리는 소식이 없어요" in operator.get("/office/reviews/").content.decode()


def test_a_coupon_that_others_pay_for_is_read_with_its_shares(operator: Client, shop: Shop) -> None:
    name = {"ko": "반반 <b>쿠폰</b>", "en": "Half and half"}
    shares = {"shop": 4_000, "district:마포구": 6_000}
    said: dict[str, Any] = {"kind": OfferKind.AMOUNT, "value": 1_000, "by": BY, "at": cast.NOON}
    with fence.within_shop(shop.pk):
        offer = offers.create_offer(shop=shop, name=name, funders=shares, **said)
    page = operator.get("/office/reviews/").content.decode()
    assert "반반 &lt;b&gt;쿠폰" in page
    assert "마포구 60%" in page
    no = {"offer": offer.public_id, "say": "no"}
    assert operator.post("/office/reviews/", no).status_code == 422, "a no without a reason helps nobody"


def test_a_transfer_counts_once(operator: Client, shop: Shop) -> None:
    said = {"shop": shop.public_id, "won": "50000", "transfer": "은행-1"}
    for _ in range(2):
        assert operator.post("/office/balances/", said).status_code == 302
    with fence.across_shops():
        assert queries.message_balance(shop) == 50_000
    assert "50,000원" in operator.get("/office/balances/").content.decode()
    assert operator.post("/office/balances/", {**said, "shop": "shp_nobody"}).status_code == 422


def test_an_inspector_gets_each_word_with_its_text_and_proof(operator: Client) -> None:
    device, _ = people.remember_device(at=cast.NOON)
    person = people.ensure_person(device=device, at=cast.NOON)
    about = {
        "person": person,
        "sender": "shop:x",
        "purpose": Purpose.ADVERTISING,
        "source": "=cmd()",
        "by": "t",
        "at": cast.NOON,
    }
    people.give_consent(proof={"address": "203.0.113.7"}, **about)
    people.withdraw_consent(proof={}, **about)
    file = operator.get("/office/inspection/", {"person": person.public_id, "kind": "csv"})
    assert file["Content-Disposition"].startswith("attachment")
    lines = file.content.decode("utf-8-sig").splitlines()
    assert len(lines) == 3
    assert "advertising-1" in lines[1]
    assert "203.0.113.7" in lines[1]
    assert "(선택) {shop}의 광고성 정보를 받을게요" in lines[1]
    assert ",=cmd()" not in lines[1], "no spreadsheet runs what somebody typed"
    book = openpyxl.load_workbook(
        io.BytesIO(
            operator.get("/office/inspection/", {"since": "2026-01-01", "until": "2030-01-01", "kind": "xlsx"}).content
        )
    )
    assert len(list(book["consents"].rows)) == 1 + Consent.objects.count()
    assert operator.get("/office/inspection/", {"kind": "csv"}).status_code == 422
    assert operator.get("/office/inspection/", {"person": "per_nobody"}).status_code == 422


@pytest.mark.parametrize("page", ["/office/reviews/", "/office/balances/", "/office/inspection/"])
def test_nobody_else_comes_in(page: str) -> None:
    client = Client()
    assert client.get(page).status_code == 302
    client.force_login(people.open_account(email="kim@example.com", at=cast.NOON))
    assert client.get(page, follow=True).status_code == 403
