"""The operator sees the week's market: the certificate, prices, how shops fare, and whether forecasts came true."""

import re
from datetime import timedelta

import pytest
from django.test import Client

from dure.campaigns import actions as campaigns
from dure.campaigns import queries
from dure.campaigns.models import Campaign
from dure.campaigns.values import PlanState
from dure.lift import actions as lift
from dure.lift.models import Forecast
from dure.people import actions as people
from dure.shops import fence
from dure.shops.models import Shop
from tests import cast
from tests.cast import NOON, zelkova_coffee
from tests.rooms.campaigns.conftest import BY, friends, sent, shop
from tests.rooms.campaigns.test_till import free_of_the_coin, left_over, pays
from tests.rooms.campaigns.test_till import market as a_market
from tests.rooms.campaigns.test_week import market, planned

__all__ = ["market", "shop"]
pytestmark = pytest.mark.django_db


@pytest.fixture
def operator() -> Client:
    client = Client()
    client.force_login(people.open_account(email="operator@example.com", operator=True, at=NOON))
    return client


def test_without_a_plan_the_page_says_so_and_planning_nothing_is_refused(operator: Client) -> None:
    assert "아직 계획이 없어요" in operator.get("/office/market/").content.decode()
    refused = operator.post("/office/market/", {"do": "this"})
    assert refused.status_code == 409
    assert "계획할 캠페인이 없어요" in refused.content.decode()


def test_a_plan_is_shown_with_its_certificate_and_planned_again(
    operator: Client, shop: Shop, market: tuple[Campaign, Campaign]
) -> None:
    plan = planned(cap=1)
    page = operator.get("/office/market/").content.decode()
    assert 'id="certificate"' in page
    assert f"{plan.value:,}원" in page
    assert "두레국수" in page
    assert "느티나무" in page
    assert "서울 마포구 망원동" in page
    english = operator.get("/office/market/", headers={"accept-language": "en"}).content.decode()
    assert "Mangwon-dong, Mapo-gu, Seoul" in english
    assert "마포구" not in english
    assert " style=" not in page.partition('id="plan"')[2].partition("</main>")[0]
    answer = operator.post("/office/market/", {"do": "again", "plan": plan.public_id, "alpha": "0"})
    assert answer.status_code == 302
    again = queries.plans().first()
    assert again is not None
    assert (again.first_id, again.alpha, again.state) == (plan.pk, 0.0, PlanState.SOLVING)
    assert "<progress" in operator.get(answer["Location"]).content.decode()
    with fence.across_shops():
        done = campaigns.advance_plan(plan=again, at=NOON)
    assert done.value == done.most_value


@pytest.mark.parametrize("typed", [{}, {"do": "x"}, {"do": "again", "alpha": "7"}, {"do": "again", "plan": "wpl_none"}])
def test_nonsense_is_refused(operator: Client, typed: dict[str, str]) -> None:
    assert operator.post("/office/market/", typed).status_code in (404, 422)
    assert operator.get("/office/market/", {"plan": "x"}).status_code == 404


def test_a_forecast_stands_beside_what_was_measured(operator: Client, shop: Shop) -> None:
    friends(shop, 200)
    campaign = sent(shop)
    told = lift.foretell_campaign(campaign=campaign, at=NOON)
    assert (told.low, told.behind) == (0, 0)
    assert told.high >= 1
    assert lift.foretell_campaign(campaign=campaign, at=NOON + timedelta(days=3)).pk == told.pk
    assert "결과가 나온 예보가 아직 없어요" in operator.get("/office/market/").content.decode()
    lift.measure_campaign(campaign=campaign, at=NOON + timedelta(days=14))
    page = operator.get("/office/market/").content.decode()
    assert "캠페인 1개 가운데 1개" in page
    assert Forecast.objects.count() == 1
    assert BY


def test_nobody_else_comes_in() -> None:
    client = Client()
    assert client.get("/office/market/").status_code == 302
    client.force_login(people.open_account(email="kim@example.com", at=cast.NOON))
    assert client.get("/office/market/", follow=True).status_code == 403


def test_what_was_given_at_the_till_stands_beside_the_plan(operator: Client, shop: Shop) -> None:
    everybody, campaign, plan = a_market(shop, zelkova_coffee())
    for guest in free_of_the_coin(left_over(everybody, plan), campaign)[:6]:
        pays(guest, shop)
    campaign.refresh_from_db()
    assert campaign.given_at_till > 0
    page = operator.get("/office/market/").content.decode()
    assert f"손님께 쿠폰 {campaign.given_at_till}장을 드렸어요" in page
    assert f"{campaign.given_at_till} / {campaign.at_till}" in page
    assert "held" not in page
    trade = re.search(r"<(th|td)[^>]*>\s*cafe\s*</", page)
    assert trade is None, "a trade is told in words"
    english = operator.get("/office/market/", headers={"accept-language": "en"}).content.decode()
    assert f"were given {campaign.given_at_till} coupons, of {campaign.at_till}" in english
