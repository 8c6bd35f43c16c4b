"""When a shop takes orders, what day it is there, and who may do what."""

from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dure.kit.clock import KST
from dure.shops import rules
from dure.shops.values import ABILITIES, Ability, Category, OpeningWhy, Role

MONDAY = date(2026, 11, 23)
PUB = {"0": ["17:00", "02:00"], "5": ["17:00", "24:00"]}
LUNCH_AND_SUPPER = {day: ["11:00", "15:00", "17:00", "22:00"] for day in "0123456"}


def seoul(hour: int, minute: int = 0, day: date = MONDAY) -> datetime:
    return datetime.combine(day, time(hour, minute), KST).astimezone(UTC)


def opening(hours: dict[str, list[str]], at: datetime, paused_until: datetime | None = None) -> rules.Opening:
    return rules.opening(hours=hours, paused_until=paused_until, closed_at=None, at=at)


def test_a_shop_is_open_from_its_opening_until_just_before_its_closing() -> None:
    assert not opening(LUNCH_AND_SUPPER, seoul(10, 59)).open
    assert opening(LUNCH_AND_SUPPER, seoul(11)).open
    assert opening(LUNCH_AND_SUPPER, seoul(14, 59)).open
    assert not opening(LUNCH_AND_SUPPER, seoul(15)).open


def test_during_the_afternoon_break_it_says_when_it_opens_again() -> None:
    found = opening(LUNCH_AND_SUPPER, seoul(16))
    assert (found.why, found.opens_at) == (OpeningWhy.HOURS, seoul(17))


def test_a_night_out_goes_on_after_midnight() -> None:
    tuesday = MONDAY + timedelta(days=1)
    assert opening(PUB, seoul(1, 59, tuesday)).open
    assert opening(PUB, seoul(1, 59, tuesday)).closes_at == seoul(2, 0, tuesday)
    assert not opening(PUB, seoul(2, 0, tuesday)).open


def test_after_its_last_night_it_names_the_next_opening_days_later() -> None:
    tuesday, saturday = MONDAY + timedelta(days=1), MONDAY + timedelta(days=5)
    assert opening(PUB, seoul(3, 0, tuesday)).opens_at == seoul(17, 0, saturday)


def test_a_shop_without_hours_never_opens_and_does_not_promise_to() -> None:
    found = opening({}, seoul(12))
    assert (found.open, found.opens_at) == (False, None)


def test_a_shop_that_never_closes_names_no_closing() -> None:
    always = {day: ["00:00", "24:00"] for day in "0123456"}
    found = opening(always, seoul(3))
    assert (found.open, found.closes_at) == (True, None)


def test_a_pause_ends_at_its_end_or_at_the_next_opening_after_it() -> None:
    assert opening(LUNCH_AND_SUPPER, seoul(12), seoul(12, 20)).opens_at == seoul(12, 20)
    assert opening(LUNCH_AND_SUPPER, seoul(14, 50), seoul(15, 10)).opens_at == seoul(17)
    assert opening(LUNCH_AND_SUPPER, seoul(12, 20), seoul(12, 20)).open


def test_a_shop_closed_for_good_says_so() -> None:
    found = rules.opening(hours=LUNCH_AND_SUPPER, paused_until=None, closed_at=seoul(11), at=seoul(12))
    assert (found.open, found.why, found.opens_at) == (False, OpeningWhy.CLOSED, None)


CLOCKS = st.integers(0, 1439).map(lambda m: f"{m // 60:02}:{m % 60:02}")
DAYS = st.lists(CLOCKS, min_size=2, max_size=4, unique=True).filter(lambda times: len(times) % 2 == 0).map(sorted)
HOURS = st.dictionaries(st.sampled_from("0123456"), DAYS)
INSTANTS = st.datetimes(datetime(2026, 1, 1), datetime(2027, 1, 1)).map(lambda moment: moment.replace(tzinfo=UTC))  # noqa: DTZ001


@given(HOURS, INSTANTS)
def test_the_instant_it_names_for_opening_is_open_and_none_before_is(hours: dict[str, list[str]], at: datetime) -> None:
    found = opening(hours, at)
    if found.opens_at is not None:
        assert found.opens_at > at
        assert opening(hours, found.opens_at).open
        assert not opening(hours, found.opens_at - timedelta(microseconds=1)).open
    if found.open and found.closes_at is not None:
        assert opening(hours, found.closes_at - timedelta(microseconds=1)).open
        assert not opening(hours, found.closes_at).open


@given(HOURS)
def test_hours_that_were_read_are_read_again_as_they_are(hours: dict[str, list[str]]) -> None:
    assert rules.read_hours(rules.read_hours(hours)) == rules.read_hours(hours)


@pytest.mark.parametrize(
    "hours",
    [
        "11:00-22:00",
        {"7": ["11:00", "22:00"]},
        {"0": ["11:00"]},
        {"0": ["11:00", "25:00"]},
        {"0": ["15:00", "11:00", "17:00", "22:00"]},
        {"0": ["11:00", "15:00", "17:00", "16:00"]},
        {"0": ["24:00", "02:00"]},
        {"0": "11:00"},
        {"0": ["11:00\x00", "22:00"]},
        {"٣": ["11:00", "22:00"]},
        None,
    ],
)
def test_hours_that_nobody_could_keep_are_refused(hours: object) -> None:
    with pytest.raises(ValueError, match=r"."):
        rules.read_hours(hours)


@pytest.mark.parametrize(
    ("clock", "day"),
    [((4, 59), MONDAY - timedelta(days=1)), ((5, 0), MONDAY), ((23, 59), MONDAY), ((0, 0), MONDAY - timedelta(days=1))],
)
def test_the_business_day_turns_when_the_shop_says(clock: tuple[int, int], day: date) -> None:
    assert rules.business_day(time(5), seoul(*clock)) == day


def test_every_role_can_do_less_than_the_one_above_it_and_the_owner_everything() -> None:
    ladder = [ABILITIES[role] for role in (Role.KITCHEN, Role.CASHIER, Role.MANAGER, Role.OWNER)]
    assert all(lower < higher for lower, higher in pairwise(ladder))
    assert ladder[-1] == frozenset(Ability)


@pytest.mark.parametrize("ability", Ability)
def test_a_stranger_may_do_nothing(ability: Ability) -> None:
    assert not rules.may(None, ability)


def test_only_owners_touch_staff_and_settings() -> None:
    for ability in (Ability.EDIT_STAFF, Ability.EDIT_SHOP):
        assert [role for role in Role if rules.may(role, ability)] == [Role.OWNER]


def test_every_category_has_hours_that_can_be_kept() -> None:
    for category in Category:
        usual = rules.usual_hours(category)
        assert rules.read_hours(usual) == usual


@pytest.mark.parametrize(
    ("digits", "holds"), [("1208147521", True), ("1208147522", False), ("12081", False), ("", False)]
)
def test_a_business_number_is_checked_by_its_last_digit(digits: str, holds: bool) -> None:
    assert rules.business_number_holds(digits) is holds
