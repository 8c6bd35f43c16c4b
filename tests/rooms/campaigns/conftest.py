"""두레국수 with hundreds of friends, some of whom agreed to advertising."""

from collections.abc import Iterator
from datetime import datetime, timedelta

import pytest

from dure.campaigns import actions as campaigns
from dure.campaigns.models import Campaign
from dure.campaigns.values import WAYS, Goal
from dure.kit import ids
from dure.people import actions as people
from dure.people.models import Consent, Person
from dure.people.values import Purpose, shop_sender
from dure.regulars.models import Relation
from dure.shops import fence
from dure.shops.models import Shop
from tests.cast import NOON, noodle_house

BY = "staff:owner"


def friends(
    shop: Shop, count: int, *, away_days: int = 60, agreed: bool = True, visits: int = 3, at: datetime = NOON
) -> list[Person]:
    """So many friends who came last `away_days` ago; written in bulk, because hundreds through the front door take minutes."""
    begin = Relation.objects.filter(shop=shop).count()
    persons = Person.objects.bulk_create(
        Person(public_id=ids.new_public_id("per"), password="!", created_at=at) for _ in range(count)
    )
    Relation.objects.bulk_create(
        Relation(
            shop=shop,
            person=person,
            public_id=ids.new_public_id("rel"),
            nickname=f"친구 {begin + number}",
            joined_at=at - timedelta(days=away_days + 100),
            visits=visits,
            first_visit_at=at - timedelta(days=away_days + 100),
            last_visit_at=at - timedelta(days=away_days),
        )
        for number, person in enumerate(persons)
    )
    Consent.objects.bulk_create(
        Consent(
            person=person,
            sender=shop_sender(shop.public_id),
            purpose=purpose,
            granted=True,
            text_version=f"{purpose}-1",
            source="test",
            at=at - timedelta(days=away_days + 100),
        )
        for person in persons
        for purpose in ((Purpose.FRIENDSHIP, Purpose.ADVERTISING) if agreed else (Purpose.FRIENDSHIP,))
    )
    return persons


@pytest.fixture
def shop(db: None) -> Iterator[Shop]:
    made = noodle_house()
    with fence.across_shops():
        yield made


def a_draft(shop: Shop, **more: object) -> Campaign:
    said: dict[str, object] = {
        "shop": shop,
        "goal": Goal.WIN_BACK,
        "name": "겨울 인사",
        "audience": {"stages": ["lapsed"]},
        "title": "오랜만이에요, #{shop}에서 인사드려요",
        "body": "요즘 어떻게 지내세요?",
        "by": BY,
        "at": NOON,
        **more,
    }
    return campaigns.draft_campaign(**said)  # type: ignore[arg-type]


def hand_over(campaign: Campaign, *, at: datetime = NOON) -> int:
    """Everything of a campaign that is due goes out, by each of its media in their order. How many texts were decided."""
    decided = sum(people.dispatch(medium=medium, read_clock=lambda: at) for medium in WAYS)
    campaigns.finish_sending(campaign=campaign, at=at)
    return decided


def sent(shop: Shop, *, at: datetime = NOON, **more: object) -> Campaign:
    """A campaign that was written, handed in, started and handed over."""
    draft = campaigns.submit_campaign(campaign=a_draft(shop, at=at, **more), send_at=at, by=BY, at=at)
    started = campaigns.start_campaign(campaign=draft, at=at)
    hand_over(started, at=at)
    started.refresh_from_db()
    return started
