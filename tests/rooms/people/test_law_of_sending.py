"""The gate against the law, written a second time by other means: over millions of cases nothing illegal is let out, a gate that
lacks one rule is caught, and the one statement for a million rows says the same as the rules."""

import random
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime, time, timedelta
from typing import Any

import numpy as np
import pytest
from django.db import connection

from dure.messaging.models import Endpoint
from dure.messaging.values import Medium
from dure.people import queries, rules
from dure.people.models import Attention, Consent, Person, SaleContact
from dure.people.rules import Ban, Caps, Case

BASE = datetime(2026, 11, 23, 15, 0, tzinfo=UTC)  # midnight in Seoul
CAPS = Caps(day=3, week=7, sender_week=3)
MEDIA = [Medium.INBOX, Medium.PUSH, Medium.BRAND, Medium.NOTICE, Medium.TEXT, Medium.MAIL]
NEVER = -1


def drawn(count: int, seed: int) -> dict[str, Any]:
    """Cases as columns. Each condition is mostly met, so that many cases hang on a single one."""
    chance = np.random.default_rng(seed)

    def mostly(value: bool, share: float = 0.93) -> Any:
        return np.where(chance.random(count) < share, value, not value)

    def days(share_never: float, longest: int) -> Any:
        return np.where(chance.random(count) < share_never, NEVER, chance.integers(0, longest, count))

    quiet = chance.random(count) < 0.1
    return {
        "advertising": mostly(True, 0.95),
        "medium": chance.integers(0, len(MEDIA), count),
        "gone": mostly(False, 0.98),
        "reachable": mostly(True),
        "in_time": mostly(True, 0.97),
        "refused_all": mostly(False),
        "refused": mostly(False),
        "refused_medium": mostly(False),
        "refused_topic": mostly(False),
        "ad_days": days(0.15, 800),
        "medium_days": days(0.15, 800),
        "night_days": days(0.5, 800),
        "sale_days": days(0.8, 250),
        "handed_day": chance.integers(0, 4, count),
        "handed_week": chance.integers(0, 9, count),
        "sender_week": chance.integers(0, 4, count),
        "own_day": np.where(chance.random(count) < 0.8, NEVER, chance.integers(0, 4, count)),
        "own_week": np.where(chance.random(count) < 0.8, NEVER, chance.integers(0, 9, count)),
        "quiet_from": np.where(quiet, chance.integers(0, 1440, count), NEVER),
        "quiet_until": np.where(quiet, chance.integers(0, 1440, count), NEVER),
        "minute": np.where(
            chance.random(count) < 0.8, chance.integers(470, 1270, count), chance.integers(0, 1440, count)
        ),
        "away": np.where(chance.random(count) < 0.9, 0, chance.integers(-720, 720, count)),
        "certified": mostly(True),
    }


def cases(columns: dict[str, Any]) -> list[Case]:
    instants = [BASE + timedelta(minutes=m) for m in range(1440)]

    def told(days: int, at: datetime) -> datetime | None:
        return None if days == NEVER else at - timedelta(days=days)

    found = []
    for row in zip(*(column.tolist() for column in columns.values()), strict=True):
        (ad, medium, gone, reach, timely, r_all, r, r_medium, r_topic, ad_d, me_d, ni_d, sale_d,
         day, week, sender, own_d, own_w, q_from, q_until, minute, away, certified) = row  # fmt: skip
        at = instants[minute]
        found.append(
            Case(
                ad, MEDIA[medium], gone, reach, timely, r_all, r, r_medium, r_topic,
                told(ad_d, at), told(me_d, at), told(ni_d, at), told(sale_d, at), day, week, sender,
                None if own_d == NEVER else own_d, None if own_w == NEVER else own_w,
                None if q_from == NEVER else q_from, None if q_until == NEVER else q_until,
                (minute + away) % 1440, minute, certified, at,
            )
        )  # fmt: skip
    return found


def _hours(minute: Any) -> Any:
    return (minute < 480) | (minute >= 1260)


def _fresh(days: Any) -> Any:
    return (days != NEVER) & (days < 730)


def lawful(c: dict[str, Any]) -> Any:
    """정보통신망법 §50 and the promises of Dure, as one expression over whole columns: it shares no line with the gate.

    Two years are 730 days back from 2026-11-24, six months 184.
    """
    local = (c["minute"] + c["away"]) % 1440
    mail, inbox = c["medium"] == MEDIA.index(Medium.MAIL), c["medium"] == MEDIA.index(Medium.INBOX)
    brand = c["medium"] == MEDIA.index(Medium.BRAND)
    night = (_hours(c["minute"]) | _hours(local)) & ~mail
    bought = (c["sale_days"] != NEVER) & (c["sale_days"] < 184)
    agreed = _fresh(c["ad_days"]) & (inbox | _fresh(c["medium_days"]))
    right = bought | agreed
    q_from, q_until = c["quiet_from"], c["quiet_until"]
    quiet = np.where(q_from <= q_until, (local >= q_from) & (local < q_until), (local >= q_from) | (local < q_until))
    quiet = quiet & (q_from != NEVER)
    refused = c["refused_all"] | c["refused"] | c["refused_medium"] | c["refused_topic"]
    enough = (c["handed_day"] >= 3) | (c["handed_week"] >= 7) | (c["sender_week"] >= 3)
    enough |= (c["own_day"] != NEVER) & (c["handed_day"] >= c["own_day"])
    enough |= (c["own_week"] != NEVER) & (c["handed_week"] >= c["own_week"])
    closed = brand & ((c["minute"] >= 1250) | (c["minute"] < 480))
    advertisement = right & ~refused & ~(night & ~_fresh(c["night_days"])) & ~closed & ~quiet & ~enough & c["certified"]
    return ~c["gone"] & c["reachable"] & c["in_time"] & (~c["advertising"] | advertisement)


def disagreements(count: int, seed: int, **tables: Any) -> tuple[int, int, int]:
    """How many cases the gate lets out against the law, holds back although they are lawful, and lets out at all."""
    columns = drawn(count, seed)
    out = np.array([rules.verdict(case, CAPS, **tables) is None for case in cases(columns)])
    law = lawful(columns)
    return int((out & ~law).sum()), int((~out & law).sum()), int(out.sum())


def test_nothing_illegal_is_let_out_and_nothing_lawful_held_back() -> None:
    illegal, withheld, sent = disagreements(60_000, seed=5)
    assert (illegal, withheld) == (0, 0)
    assert sent > 3_000, "a gate that lets nobody out proves nothing"


@pytest.mark.heavy
def test_millions_of_cases() -> None:
    told = Counter[str]()
    for seed in range(20):
        illegal, withheld, sent = disagreements(250_000, seed)
        told.update(illegal=illegal, withheld=withheld, sent=sent)
    assert (told["illegal"], told["withheld"]) == (0, 0)
    assert told["sent"] > 500_000


@pytest.mark.parametrize("place", range(len(rules.FOR_ALL)))
def test_a_gate_without_one_rule_for_all_is_caught(place: int) -> None:
    left = [rule for n, rule in enumerate(rules.FOR_ALL) if n != place]
    assert disagreements(6_000, seed=7, for_all=left)[0] > 0


@pytest.mark.parametrize("ban", [ban for ban, _ in rules.FOR_ADVERTISING])
def test_a_gate_without_one_rule_for_advertising_is_caught(ban: Ban) -> None:
    left = [rule for rule in rules.FOR_ADVERTISING if rule[0] is not ban]
    assert disagreements(6_000, seed=7, for_advertising=left)[0] > 0


@pytest.mark.parametrize(
    "zone", ["Asia/Seoul", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kolkata"]
)
@pytest.mark.django_db
def test_no_minute_of_a_traveller_s_night_is_missed_around_a_change_of_clocks(zone: str) -> None:
    """Every minute of two days around the autumn's change: by Korea's clock and by the traveller's."""
    from zoneinfo import ZoneInfo

    person = Person.objects.create_user(created_at=BASE)
    _agree(person, "shop:a", "advertising", True, BASE - timedelta(days=30))
    Attention.objects.create(person=person, zone=zone, changed_at=BASE)
    begin = datetime(2026, 10, 31, 12, 0, tzinfo=UTC)
    asked = queries.Asked(True, Medium.INBOX, "shop:a", "discount", "", begin + timedelta(days=30))
    sent = 0
    for minute in range(0, 2 * 1440, 7):
        at = begin + timedelta(minutes=minute)
        (found,) = queries.facts_about(asked, queries.ONE, at, recipient=person.pk)
        ban = rules.verdict(found.case, CAPS)
        hours = [at.astimezone(ZoneInfo(z)).hour for z in ("Asia/Seoul", zone)]
        assert (ban is Ban.NIGHT) == any(h >= 21 or h < 8 for h in hours), (at, ban)
        sent += ban is None
    if zone == "Asia/Seoul":
        assert sent > 200


def _agree(person: Person, sender: str, purpose: str, granted: bool, at: datetime) -> None:
    Consent.objects.create(
        person=person, sender=sender, purpose=purpose, granted=granted, text_version="t", source="t", at=at
    )


def _population(chance: random.Random, number: int) -> None:
    for _ in range(number):
        person = Person.objects.create_user(created_at=BASE)
        if chance.random() < 0.6:
            Person.objects.filter(pk=person.pk).update(
                phone=f"+8210{person.pk:08d}", phone_verified=chance.random() < 0.8
            )
        if chance.random() < 0.5:
            Endpoint.objects.create(
                address=f"inbox:{person.public_id}",
                url=f"https://push.example/{person.pk}",
                p256dh="x",
                auth="y",
                created_at=BASE,
            )
        for sender in ("shop:a", "shop:a", "*", "topic:discount", "shop:b"):
            for purpose in ("advertising", "night", "advertising-push", "advertising-phone"):
                share = {"shop:a": 0.75, "shop:b": 0.3}.get(sender, 0.08)
                if chance.random() < share:
                    granted = chance.random() < (0.85 if sender.startswith("shop") else 0.3)
                    _agree(person, sender, purpose, granted, BASE - timedelta(days=chance.randrange(900)))
        if chance.random() < 0.3:
            medium = chance.choice(["inbox", "text", "push"])
            ended = BASE - timedelta(days=chance.randrange(300))
            SaleContact.objects.create(person=person, sender="shop:a", medium=medium, goods="noodles", ended_at=ended)
        if chance.random() < 0.4:
            quiet = chance.random() < 0.5
            Attention.objects.create(
                person=person,
                per_day=chance.choice([None, 0, 1]),
                per_week=chance.choice([None, 2]),
                quiet_from=time(chance.randrange(24)) if quiet else None,
                quiet_until=time(chance.randrange(24)) if quiet else None,
                zone=chance.choice(["Asia/Seoul", "Europe/Berlin", "America/New_York"]),
                changed_at=BASE,
            )


@pytest.mark.django_db
def test_the_statement_for_a_million_says_what_the_rules_say() -> None:
    chance = random.Random(11)
    _population(chance, 220)
    everybody = "SELECT id, id AS recipient FROM people_person"
    seen = Counter[str]()
    for medium in (Medium.INBOX, Medium.PUSH, Medium.TEXT, Medium.BRAND, Medium.MAIL):
        for hour in (3, 12, 20, 23):
            for advertising in (True, False):
                at = BASE + timedelta(hours=hour, minutes=55)
                asked = queries.Asked(advertising, medium, "shop:a", "discount", "noodles", BASE + timedelta(hours=23))
                by_rules = {
                    f.number: _word(rules.verdict(f.case, queries.caps_here()))
                    for f in queries.facts_about(asked, everybody, at)
                }
                sql, parameters = queries.bans_sql(asked, everybody, at)
                with connection.cursor() as cursor:
                    cursor.execute(sql, parameters)
                    by_statement: dict[int, str | None] = dict(cursor.fetchall())
                assert by_statement == by_rules, (medium, hour, advertising)
                seen.update(str(ban) for ban in by_statement.values())
    missing = {str(ban) for ban, _ in (*rules.FOR_ALL, *rules.FOR_ADVERTISING)} - set(seen)
    assert missing <= {"gone", "not_certified", "enough_this_week", "enough_from_sender", "enough_today"}, seen
    assert seen["None"] > 100


def _word(ban: Ban | None) -> str | None:
    return None if ban is None else str(ban)


def test_the_law_table_knows_its_columns() -> None:
    columns: Sequence[str] = list(drawn(1, 1))
    assert len(columns) == 23
