"""A town that lives on the platform: both ways of writing guests down leave the same rows, and what is published is held against the
truth."""

from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from django.db import connection, transaction
from pytest_django.fixtures import Settings

from dure.kit import ids
from dure.shops import fence
from dure.shops.models import Shop
from dure.town.at_once import AtOnce
from dure.town.engine import diary, living
from dure.town.engine.world import SCENARIOS, World, found
from dure.town.errors import NotForReal
from dure.town.hands import Hands, OneByOne
from dure.town.lived import Life, Lived
from tests import cast

pytestmark = pytest.mark.django_db

PEOPLE, SHOPS, WEEKS = 130, 25, 3
WITH_FRIENDS = 2
"""Shops with so many friends that their campaigns are measured; the others have none when the story begins."""

ROWS = {
    "visits": """
        SELECT v.public_id, s.name, t.name, v.opened_by_staff, v.checked_at, v.opened_at, v.last_active_at, v.closed_at
        FROM ordering_visit v JOIN shops_shop s ON s.id = v.shop_id JOIN shops_table t ON t.id = v.table_id""",
    "bills": """
        SELECT b.public_id, v.public_id, b.state, b.person_id, b.device_id, b.subtotal, b.discount, b.total, b.tax_free, b.vat, b.refunded,
            b.opened_at, b.settled_at, b.settled_with, b.ended_at, b.split_by, b.ways, b.taken, c.public_id
        FROM ordering_bill b JOIN ordering_visit v ON v.id = b.visit_id LEFT JOIN offers_coupon c ON c.id = b.coupon_id""",
    "orders": """
        SELECT o.public_id, v.public_id, b.public_id, o.device_id, o.key, o.body_hash, o.number, o.business_day, o.state, o.addition,
            o.by_staff, o.total, o.note, o.reason, o.placed_at, o.received_at, o.changed_at
        FROM ordering_order o JOIN ordering_visit v ON v.id = o.visit_id AND v.table_id = o.table_id JOIN ordering_bill b ON b.id = o.bill_id""",
    "lines": """
        SELECT o.public_id, i.public_id, l.station, l.name, l.options, l.note, l.unit_price, l.quantity, l.total, l.discount, l.tax_free,
            l.struck_at, l.struck_because, l.strike_key, l.returned
        FROM ordering_orderline l JOIN ordering_order o ON o.id = l.order_id JOIN menu_item i ON i.id = l.item_id""",
    "steps": """
        SELECT o.public_id, t.state, t.by, t.reason, t.at FROM ordering_orderstep t JOIN ordering_order o ON o.id = t.order_id""",
    "numbers": "SELECT s.name, d.business_day, d.last FROM ordering_daynumber d JOIN shops_shop s ON s.id = d.shop_id",
    "payments": """
        SELECT key, provider, reference, item_name, payer, payee, charged, charged_after, source, amount, tax_free, vat, refunded, state,
            provider_key, approval_token, redirect_url, return_path, reason, created_at, approving_at, settled_at, asked_at, asks
        FROM payments_payment""",
    "books": """
        SELECT p.reference, e.kind, e.key = 'payment:' || p.public_id, e.at, e.reverses_id, f.code, t.code, f.asset, f.balance, m.amount
        FROM ledger_entry e JOIN payments_payment p ON p.public_id = e.reference JOIN ledger_posting m ON m.entry_id = e.id
        JOIN ledger_account f ON f.id = m.source_id JOIN ledger_account t ON t.id = m.destination_id""",
    "counted visits": """
        SELECT r.public_id, v.public_id, c.spent, c.stamps, c.won_per_stamp, c.at FROM regulars_countedvisit c
        JOIN regulars_relation r ON r.id = c.relation_id JOIN ordering_visit v ON c.reference = 'visit:' || v.id""",
    "relations": """
        SELECT r.public_id, s.name, r.person_id, r.joined_at, r.left_at, r.visits, r.spend, r.first_visit_at, r.last_visit_at, r.stamps,
            r.stamps_spent, r.cards, r.points_debt, r.door, r.tier_id FROM regulars_relation r JOIN shops_shop s ON s.id = r.shop_id""",
    "consents": "SELECT person_id, sender, purpose, granted, text_version, source, proof, at FROM people_consent",
    "standings": "SELECT person_id, sender, purpose, granted, at, told_at FROM people_standing",
    "assignments": """
        SELECT c.public_id, a.unit, a.share, a.reached_people, a.held_people, a.never_people, a.reached_bits, a.held_bits, a.digest, a.at
        FROM campaigns_assignment a JOIN campaigns_campaign c ON c.id = a.campaign_id""",
    "deliveries": """
        SELECT s.reference, o.recipient, o.medium, o.fate, o.reason, o.handed_at FROM messaging_outgoing o
        JOIN messaging_sending s ON s.id = o.sending_id""",
    "coupons": """
        SELECT s.name, c.public_id, c.person_id, c.key, c.worth, c.issued_at, c.expires_at, c.used_at, c.withdrawn_at, o.issued, o.spent
        FROM offers_coupon c JOIN shops_shop s ON s.id = c.shop_id JOIN offers_offer o ON o.id = c.offer_id""",
    "redemptions": """
        SELECT c.public_id, r.reference, r.amount, r.funded, r.state, r.reserved_at, r.ended_at FROM offers_redemption r
        JOIN offers_coupon c ON c.id = r.coupon_id""",
    "results": """
        SELECT c.public_id, r.family, r.reached, r.held, r.came_reached, r.came_held, r.figures, r.curve, r.rate_before, r.verdict, r.low,
            r.guess, r.high, r.spent, r.earned, r.at FROM lift_result r JOIN campaigns_campaign c ON c.id = r.campaign_id""",
}
"""Every table that anything of the town is measured by, with names instead of ids. Nicknames and fingerprints of secrets are apart."""


def town(scenario: str = "base", seed: int = 5) -> World:
    truth = next(one for one in SCENARIOS if one.key == scenario)
    world = found(PEOPLE, SHOPS, seed, truth, living.history)
    often = np.where(world.seen.shop < WITH_FRIENDS, 0.12, world.chance / 4).astype(np.float32)
    return replace(world, chance=often)


@pytest.fixture
def some_shops_have_friends(monkeypatch: pytest.MonkeyPatch) -> None:
    def friends(world: World) -> Any:
        return (world.seen.shop < WITH_FRIENDS) & (world.aware == 1)

    monkeypatch.setattr(diary, "first_friends", friends)


@pytest.fixture
def counted_names(monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """Names are counted instead of drawn; asked for, everything is counted from the beginning again."""
    given: Counter[str] = Counter()

    def name(prefix: str) -> str:
        given[prefix] += 1
        return f"{prefix}_{given[prefix]:026d}"

    monkeypatch.setattr(ids, "new_public_id", name)

    def again() -> None:
        given.clear()
        with connection.cursor() as cursor:
            for table in ("people_person", "people_device"):
                cursor.execute("SELECT setval(pg_get_serial_sequence(%s, 'id'), 1000000)", [table])

    return again


def life(hands: Hands, world: World) -> Lived:
    begun = Life(world, hands, weeks=WEEKS, quiet=1)
    begun.state.fatigue[:] = 14  # they have been written to so often that some are about to refuse
    return begun.live()


def rows() -> dict[str, list[tuple[Any, ...]]]:
    found_rows = {}
    with connection.cursor() as cursor:
        for name, query in ROWS.items():
            cursor.execute(query)
            found_rows[name] = sorted(map(repr, cursor.fetchall()))
    return found_rows  # type: ignore[return-value]


def lived_and_undone(hands: Hands, world: World) -> tuple[Lived, dict[str, list[tuple[Any, ...]]]]:
    with transaction.atomic(), fence.across_shops():
        came, left = life(hands, world), rows()
        transaction.set_rollback(True)
    return came, left


def test_both_hands_leave_the_same_rows(some_shops_have_friends: None, counted_names: Callable[[], None]) -> None:
    world = town()
    counted_names()
    one_by_one, there = lived_and_undone(OneByOne(), world)
    counted_names()
    at_once, there_too = lived_and_undone(AtOnce(), world)
    for name in ROWS:
        assert there[name] == there_too[name], name
        assert there[name], f"nothing was compared: {name}"
    assert one_by_one == at_once
    assert len(one_by_one.published) == WITH_FRIENDS
    assert one_by_one.refusals
    assert +one_by_one.violations == Counter()


def test_what_the_product_publishes_is_held_against_what_its_messages_did(some_shops_have_friends: None) -> None:
    """Where no message does anything the truth is nought; where they do, it is no more than the strongest of them."""
    world, nothing = town(), town("none")
    for there in (world, nothing):
        with transaction.atomic(), fence.across_shops():
            came = life(AtOnce(), there)
            transaction.set_rollback(True)
        strongest = float(np.abs(there.effect).max())
        for one in came.published:
            assert one.reached >= one.arrived > 0
            assert abs(one.truth) <= strongest * one.arrived / one.reached
        assert any(one.truth for one in came.published) == (there is world)


def test_a_town_is_lived_neither_in_production_nor_beside_real_shops(settings: Settings) -> None:
    world = town()
    with fence.across_shops():
        settings.PRODUCTION = True
        for real in (AtOnce, lambda: Life(world, OneByOne(), weeks=WEEKS)):
            with pytest.raises(NotForReal):
                real()
        settings.PRODUCTION = False
        cast.noodle_house()
        with pytest.raises(NotForReal):
            Life(world, OneByOne(), weeks=WEEKS)
        assert list(Shop.objects.values_list("name", flat=True)) == ["두레국수"]
