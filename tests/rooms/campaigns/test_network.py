"""A campaign to people who are no friends of the shop: read by an operator first, sent by the platform, told in noised numbers."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
from pyroaring import BitMap

from dure.audiences import queries as audiences
from dure.audiences.errors import TooFew
from dure.campaigns import actions as campaigns
from dure.campaigns import errors, queries
from dure.campaigns.models import Assignment, Campaign
from dure.campaigns.values import CampaignState
from dure.kit import ids
from dure.messaging import queries as messages
from dure.messaging.models import Message, Outgoing
from dure.people import actions as people
from dure.people.models import Consent, Person
from dure.people.values import NETWORK_SENDER, Purpose, RefusalScope, inbox_address, shop_sender
from dure.shops.models import Shop
from tests.cast import NOON
from tests.rooms.audiences.conftest import country
from tests.rooms.campaigns.conftest import BY, a_draft, friends, hand_over

STRANGERS = {"definition": {"version": 1, "who": {"trait": "relation", "in": ["never"]}}}
DAY = timedelta(days=1)


def neighbours(count: int) -> list[Person]:
    """So many persons who told the platform that shops may be shown to them."""
    persons = Person.objects.bulk_create(
        Person(public_id=ids.new_public_id("per"), password="!", created_at=NOON) for _ in range(count)
    )
    Consent.objects.bulk_create(
        Consent(person=p, sender=NETWORK_SENDER, purpose=Purpose.ADVERTISING, granted=True, text_version="network-1", source="test", at=NOON - DAY)
        for p in persons
    )  # fmt: skip
    return persons


@pytest.fixture(autouse=True)
def index() -> Iterator[None]:
    small = country(3_000)
    with audiences.standing_on(network=small, twin=small):
        yield


def reviewed(shop: Shop, **more: object) -> Campaign:
    draft = a_draft(shop, audience=STRANGERS, **more)
    waiting = campaigns.submit_campaign(campaign=draft, send_at=NOON, by=BY, at=NOON)
    assert waiting.state == CampaignState.REVIEW
    return campaigns.review_campaign(campaign=waiting, accepted=True, by="operator:1", at=NOON)


def test_strangers_hear_it_from_the_platform_and_friends_do_not(shop: Shop) -> None:
    known, near = friends(shop, 20), neighbours(400)
    campaign = campaigns.start_campaign(campaign=reviewed(shop), at=NOON)
    hand_over(campaign)
    fixed = Assignment.objects.get(campaign=campaign)
    reached = BitMap.deserialize(bytes(fixed.reached_bits))
    assert fixed.held_people > 20
    assert not reached & BitMap(p.pk for p in known)
    got = set(Message.objects.filter(sender=NETWORK_SENDER, kind="advertising").values_list("address", flat=True))
    assert got == {inbox_address(p.public_id) for p in near if p.pk in reached}
    assert Message.objects.filter(
        sender=NETWORK_SENDER, kind="advertising", sender_name="두레국수 (두레)"
    ).count() == len(got)
    campaign.refresh_from_db()
    assert campaign.state == CampaignState.MEASURING
    assert abs(campaign.said["reached"] - len(reached)) < 400, "noised, once"


def test_a_no_to_the_shop_or_to_the_platform_holds_for_what_waits(shop: Shop) -> None:
    neighbours(400)
    campaign = campaigns.start_campaign(campaign=reviewed(shop), at=NOON)
    first, second = Outgoing.objects.order_by("pk")[:2]
    for row, sender in ((first, shop_sender(shop.public_id)), (second, NETWORK_SENDER)):
        person = Person.objects.get(pk=row.recipient)
        people.refuse_advertising(person=person, sender=sender, source="t", proof={}, by="t", at=NOON)
    hand_over(campaign)
    assert set(Outgoing.objects.filter(pk__in=[first.pk, second.pk]).values_list("reason", flat=True)) == {"refused"}
    arrived = Outgoing.objects.filter(reason="").order_by("pk").first()
    assert arrived is not None
    token = messages.refusal_path(arrived).rpartition("/")[2]
    people.refuse_by_link(token=token, scope=RefusalScope.SENDER, proof={}, at=NOON)
    newest = Consent.objects.order_by("pk").last()
    assert newest is not None
    assert newest.sender == shop_sender(shop.public_id), "the link in it refuses the shop, not all of the neighbourhood"


@pytest.mark.usefixtures("no_noise")
def test_too_few_real_people_are_refused_before_anybody_reads_it(shop: Shop) -> None:
    """The network's index is full of people; those who can be written to are twenty."""
    neighbours(20)
    with pytest.raises(TooFew):
        campaigns.submit_campaign(campaign=a_draft(shop, audience=STRANGERS), send_at=NOON, by=BY, at=NOON)
    assert not Outgoing.objects.exists()


@pytest.mark.usefixtures("no_noise")
def test_an_audience_that_shrank_below_a_hundred_stops_everything(shop: Shop) -> None:
    near = neighbours(500)
    draft = a_draft(shop, audience=STRANGERS)
    waiting = campaigns.submit_campaign(campaign=draft, send_at=NOON + DAY, by=BY, at=NOON)
    campaign = campaigns.review_campaign(campaign=waiting, accepted=True, by="operator:1", at=NOON)
    Consent.objects.bulk_create(
        Consent(person=p, sender=NETWORK_SENDER, purpose=Purpose.ADVERTISING, granted=False, text_version="network-1", source="t", at=NOON)
        for p in near[20:]
    )  # fmt: skip
    with pytest.raises(TooFew):
        campaigns.start_campaign(campaign=campaign, at=NOON + DAY)
    assert not Outgoing.objects.exists()
    assert not Assignment.objects.exists()


def test_an_operator_reads_it_first_and_the_owner_is_told(shop: Shop) -> None:
    neighbours(400)
    draft = a_draft(shop, audience=STRANGERS, title="동네에서 제일 건강한 국수, 무료 곱빼기")
    waiting = campaigns.submit_campaign(campaign=draft, send_at=NOON, by=BY, at=NOON)
    (review,) = queries.reviews()
    assert {fault.words for fault in review.doubts} == {"건강", "무료"}
    assert not review.faults
    with pytest.raises(errors.ReasonMissing):
        campaigns.review_campaign(campaign=waiting, accepted=False, by="operator:1", at=NOON)
    back = campaigns.review_campaign(
        campaign=waiting, accepted=False, reason="근거를 적어 주세요", by="operator:1", at=NOON
    )
    assert (back.state, back.reason) == (CampaignState.DRAFT, "근거를 적어 주세요")
    told = Message.objects.get(kind="information", title__contains="겨울 인사")
    assert "근거를 적어 주세요" in told.body
    assert not queries.reviews()
