"""An owner's campaigns in a browser without JavaScript: from the five steps to the sentence."""

from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse

from dure.campaigns import actions as campaigns
from dure.campaigns.models import Campaign
from dure.campaigns.values import CampaignState
from dure.kit import clock
from dure.lift import actions as lift
from dure.messaging.models import Message
from dure.people.values import shop_sender
from dure.shops import fence
from dure.shops.models import Shop
from tests import cast
from tests.rooms.campaigns.conftest import friends, hand_over, sent

pytestmark = pytest.mark.django_db


@pytest.fixture
def owner(noodles: Shop) -> Client:
    """순이 at her browser; forms are sent as they stand there."""
    client = Client()
    client.force_login(cast.person(cast.SOONI), "dure.people.sessions.ByPassword")
    return client


def page(name: str, shop: Shop, *ids: str) -> str:
    return reverse(f"console:{name}", args=[shop.public_id, *ids])


def test_the_empty_list_proposes_goals_and_the_form_is_filled_in(owner: Client, noodles: Shop) -> None:
    listed = owner.get(page("campaigns", noodles))
    assert "뜸한 단골 다시 부르기" in listed.content.decode()
    form = owner.get(page("new_campaign", noodles) + "?goal=second_visit").content.decode()
    assert "또 오세요" in form
    assert "(광고)" in form


def test_five_steps_send_and_two_weeks_later_there_is_a_sentence(owner: Client, noodles: Shop) -> None:
    with fence.within_shop(noodles.pk):
        friends(noodles, 100)
    typed = {
        "goal": "win_back", "stages": ["lapsed"], "offer": "", "title": "오랜만이에요", "body": "보고 싶어요", "hour": "11",
        "do": "send",
    }  # fmt: skip
    preview = owner.get(page("new_campaign", noodles), typed).content.decode()
    assert "친구 100명" in preview
    assert "보고 싶어요" in preview
    sent = owner.post(page("new_campaign", noodles), typed)
    assert sent.status_code == 303
    with fence.across_shops():
        campaign = campaigns.start_campaign(campaign=Campaign.objects.get(shop=noodles), at=cast.NOON)
        hand_over(campaign)
        reached = Message.objects.filter(sender=shop_sender(noodles.public_id)).count()
    assert 30 < reached < 70
    address = page("campaign", noodles, campaign.public_id)
    waiting = owner.get(address).content.decode()
    assert "<progress" in waiting
    assert 'id="sentence"' not in waiting
    later = cast.NOON + timedelta(days=14)
    with fence.across_shops():
        lift.measure_campaign(campaign=campaign, at=later)
    with clock.showing(lambda: later):
        shown = owner.get(address).content.decode()
    assert "아직 알 수 없어요" in shown
    assert "<polyline" in shown
    assert "끝남" in shown


def test_a_refusal_stands_at_its_field_and_nothing_is_written(owner: Client, noodles: Shop) -> None:
    refused = owner.post(
        page("new_campaign", noodles),
        {"goal": "win_back", "title": "#{name}님", "body": "국내 최고", "hour": "11", "do": "send"},
    )
    assert refused.status_code == 422
    assert "name" in refused.content.decode()
    with fence.within_shop(noodles.pk):
        assert not Campaign.objects.filter(shop=noodles).exists()


def test_drafts_go_on_and_copies_are_drafts(owner: Client, noodles: Shop) -> None:
    typed = {"goal": "win_back", "title": "오랜만이에요", "body": "보고 싶어요", "hour": "11", "do": "draft"}
    owner.post(page("new_campaign", noodles), typed)
    with fence.within_shop(noodles.pk):
        draft = Campaign.objects.get(shop=noodles)
    edit = page("campaign_edit", noodles, draft.public_id)
    assert "보고 싶어요" in owner.get(edit).content.decode()
    owner.post(edit, {**typed, "title": "다시 뵐까요"})
    owner.post(page("campaign_copy", noodles, draft.public_id))
    with fence.within_shop(noodles.pk):
        assert (
            list(Campaign.objects.filter(shop=noodles).values_list("title", "state"))
            == [("다시 뵐까요", CampaignState.DRAFT)] * 2
        )


def test_automations_are_turned_on_changed_paused_and_off(owner: Client, noodles: Shop) -> None:
    on = page("automation", noodles, "win_back")
    assert owner.post(on, {"number": "45", "title": "오랜만", "body": "보고 싶어요"}).status_code == 303
    assert owner.post(on, {"number": "30", "title": "오랜만", "body": "보고 싶어요"}).status_code == 303
    assert owner.post(on, {"number": "0", "title": "오랜만", "body": "보고 싶어요"}).status_code == 422
    with fence.within_shop(noodles.pk):
        made = Campaign.objects.get(shop=noodles)
    assert (made.version, made.number, made.state) == (2, 30, CampaignState.RUNNING)
    for state in ("paused", "running", "stopped"):
        owner.post(page("campaign_state", noodles, made.public_id), {"state": state})
        with fence.within_shop(noodles.pk):
            made.refresh_from_db()
        assert made.state == state
    assert "꺼짐" in owner.get(page("automations", noodles)).content.decode()


def test_no_page_tells_who_was_held_out(owner: Client, noodles: Shop) -> None:
    """The campaign's page shows numbers; no nickname, no public id of anybody in it."""
    with fence.across_shops():
        everybody = friends(noodles, 80)
        campaign = sent(noodles)
    shown = owner.get(page("campaign", noodles, campaign.public_id)).content.decode()
    assert not [p.public_id for p in everybody if p.public_id in shown]
    assert "친구 1" not in shown
