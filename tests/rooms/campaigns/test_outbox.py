"""A campaign goes by the first way that reaches each person and that they agreed to, for the price that was said."""

from collections.abc import Iterator
from datetime import timedelta

import pytest

from dure.campaigns import actions as campaigns
from dure.campaigns import queries
from dure.campaigns.models import Assignment
from dure.campaigns.values import CampaignState
from dure.messaging import actions as messaging
from dure.messaging import providers
from dure.messaging import queries as messages
from dure.messaging.errors import NotEnoughBalance
from dure.messaging.models import Message, Outgoing
from dure.messaging.providers.solapi import Solapi
from dure.messaging.values import Fate, Medium
from dure.people.models import Consent, Person
from dure.people.values import Purpose, shop_sender
from dure.shops import actions as shops
from dure.shops.models import Shop
from tests.cast import NOON
from tests.provider import Sandbox
from tests.rooms.campaigns.conftest import BY, a_draft, friends, hand_over


@pytest.fixture
def agency(sandbox: Sandbox) -> Iterator[None]:
    solapi = Solapi(sandbox.url, "SANDBOX", "SANDBOX-SECRET", "0212345678", "PF", "CERT-1")
    providers.choose({Medium.TEXT: solapi, Medium.BRAND: solapi})
    yield
    providers.choose({})


@pytest.fixture
def silent_agency() -> Iterator[None]:
    """An address where nobody listens."""
    solapi = Solapi("http://127.0.0.1:9", "SANDBOX", "SANDBOX-SECRET", "0212345678", "PF", "CERT-1")
    providers.choose({Medium.TEXT: solapi})
    yield
    providers.choose({})


def with_phones(shop: Shop, persons: list[Person], *, begin: int) -> None:
    """These gave a proven number and agreed to texts."""
    for number, person in enumerate(persons):
        Person.objects.filter(pk=person.pk).update(phone=f"+8210{begin + number:08d}", phone_verified=True)
    Consent.objects.bulk_create(
        Consent(person=p, sender=shop_sender(shop.public_id), purpose=Purpose.ADVERTISING_PHONE, granted=True, text_version="advertising-phone-1", source="t", at=NOON)
        for p in persons
    )  # fmt: skip


def ready(shop: Shop, *, balance: int) -> Shop:
    if balance:
        messaging.fund_messages(
            account=queries.message_account(shop), source="subsidy:messages", won=balance, key="f", at=NOON
        )
    return shops.update_shop(shop=shop, by=BY, at=NOON, phone="02-123-4567")


def test_who_agreed_to_texts_gets_one_the_others_find_it_in_their_inbox_and_what_arrived_is_paid(
    shop: Shop, agency: None
) -> None:
    everybody = friends(shop, 40)
    with_phones(shop, everybody[:10], begin=31001111)
    shop = ready(shop, balance=5_000)
    draft = a_draft(shop, media=("text", "inbox"))
    each = campaigns.price_each(campaign=draft, at=NOON)
    assert each == 39, "an advertisement with its refusal link is a long one"
    started = campaigns.submit_campaign(campaign=draft, send_at=NOON, by=BY, at=NOON)
    started = campaigns.start_campaign(campaign=started, at=NOON)
    reached = Assignment.objects.get(campaign=started).reached_people
    texts = Outgoing.objects.filter(medium="text", fate=Fate.WAITING).count()
    assert 8 <= texts <= 10
    assert queries.price_held(started) == texts * each
    assert queries.message_balance(shop) == 5_000 - texts * each
    hand_over(started)
    rows = list(Outgoing.objects.filter(medium="text").order_by("pk"))
    assert {row.fate for row in rows} == {Fate.ACCEPTED}
    assert Message.objects.filter(kind="advertising").count() == reached - texts
    reports = [(messages.letter_key(row), "4000", "") for row in rows[: texts - 1]]
    messaging.note_reports(reports=reports, provider="solapi", at=NOON)
    lost = [(messages.letter_key(row), "3104", "") for row in rows[texts - 1 :]]
    messaging.note_reports(reports=lost, provider="solapi", at=NOON)
    hand_over(started)
    assert Message.objects.filter(kind="advertising").count() == reached - texts + 1, (
        "an unknown number: the inbox instead"
    )
    messaging.close_sendings(at=NOON + timedelta(days=2))
    assert queries.delivery_of(started).won == (texts - 1) * each
    assert queries.message_balance(shop) == 5_000 - (texts - 1) * each


def test_a_balance_that_does_not_cover_the_quote_stops_everything(shop: Shop, agency: None) -> None:
    everybody = friends(shop, 40)
    with_phones(shop, everybody, begin=32001111)
    shop = ready(shop, balance=100)
    waiting = campaigns.submit_campaign(campaign=a_draft(shop, media=("text", "inbox")), send_at=NOON, by=BY, at=NOON)
    with pytest.raises(NotEnoughBalance):
        campaigns.start_campaign(campaign=waiting, at=NOON)
    assert not Outgoing.objects.exists()
    assert not Assignment.objects.exists()
    assert queries.message_balance(shop) == 100


def test_an_agency_that_nobody_hears_sends_nothing_twice_and_a_stop_frees_the_money(
    shop: Shop, silent_agency: None
) -> None:
    everybody = friends(shop, 40)
    with_phones(shop, everybody, begin=33001111)
    shop = ready(shop, balance=5_000)
    waiting = campaigns.submit_campaign(campaign=a_draft(shop, media=("text", "inbox")), send_at=NOON, by=BY, at=NOON)
    started = campaigns.start_campaign(campaign=waiting, at=NOON)
    hand_over(started)
    assert not Message.objects.filter(kind="advertising").exists()
    assert not Outgoing.objects.filter(fate__in=(Fate.ACCEPTED, Fate.ARRIVED)).exists()
    started.refresh_from_db()
    assert started.state == CampaignState.RUNNING, "it waits; nothing is said to have gone"
    campaigns.stop_campaign(campaign=started, by=BY, at=NOON)
    assert hand_over(started) == 0


def test_at_night_it_waits_for_the_morning_unless_its_coupon_ends_first(shop: Shop) -> None:
    friends(shop, 40)
    night = NOON + timedelta(hours=10)
    waiting = campaigns.submit_campaign(campaign=a_draft(shop, at=night), send_at=night, by=BY, at=night)
    started = campaigns.start_campaign(campaign=waiting, at=night)
    assert hand_over(started, at=night) == 0
    assert hand_over(started, at=night + timedelta(hours=11, minutes=1)) > 30
