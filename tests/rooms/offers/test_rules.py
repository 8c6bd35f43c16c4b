"""What an offer takes off, and which coupons go together: pure rules, against plain arithmetic and against trying all."""

from datetime import UTC, datetime, timedelta
from itertools import combinations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dure.offers import rules
from dure.offers.rules import Candidate, Terms, discount_of, discounts
from dure.offers.values import Line, OfferKind, OfferState, Stacking

NOON = datetime(2026, 11, 23, 3, 0, tzinfo=UTC)
SOUP = Line(item="soup", section="noodles", unit_price=8_000, quantity=2)
TEA = Line(item="tea", section="drinks", unit_price=3_000)
CAKE = Line(item="cake", section="sweets", unit_price=4_500, quantity=3)


def terms(kind: OfferKind = OfferKind.AMOUNT, value: int = 1_000, **more: object) -> Terms:
    return Terms(kind=kind, value=value, **more)  # type: ignore[arg-type]


def test_an_amount_is_shared_by_what_each_line_costs_and_no_won_is_lost() -> None:
    assert discounts(terms(value=1_000), [SOUP, TEA, CAKE]) == (492, 92, 416)
    assert discounts(terms(value=90_000), [SOUP, TEA]) == (16_000, 3_000)


def test_a_percentage_is_rounded_down_and_stops_at_its_ceiling() -> None:
    assert discount_of(terms(OfferKind.PERCENT, 33), [Line(item="a", section="s", unit_price=101)]) == 33
    assert discount_of(terms(OfferKind.PERCENT, 50, ceiling=2_000), [SOUP]) == 2_000


def test_the_free_item_is_the_dearest_that_the_offer_speaks_of() -> None:
    free = terms(OfferKind.FREE_ITEM, 1, sections=frozenset({"drinks", "sweets"}))
    assert discounts(free, [SOUP, TEA, CAKE]) == (0, 0, 4_500)
    assert discounts(terms(OfferKind.FREE_ITEM, 2), [TEA]) == (3_000,)


def test_buy_two_get_one_makes_the_third_dearest_free_and_nothing_when_it_is_missing() -> None:
    offer = terms(OfferKind.BUY_GET, 1, buy=2)
    assert discounts(offer, [SOUP, TEA]) == (0, 3_000)
    assert discounts(offer, [SOUP, TEA, CAKE]) == (0, 0, 4_500)
    assert discounts(offer, [SOUP]) == (0,)
    assert discounts(terms(OfferKind.BUY_GET, 1, buy=1), [SOUP, TEA]) == (8_000, 0)


def test_the_minimum_spend_counts_only_what_the_offer_speaks_of() -> None:
    offer = terms(items=frozenset({"tea"}), minimum_spend=5_000)
    assert discount_of(offer, [SOUP, TEA]) == 0
    assert discounts(offer, [SOUP, Line(item="tea", section="drinks", unit_price=3_000, quantity=2)]) == (0, 1_000)


def test_an_item_or_its_section_is_enough() -> None:
    offer = terms(items=frozenset({"tea"}), sections=frozenset({"sweets"}))
    assert discounts(offer, [SOUP, TEA, CAKE]) == (0, 182, 818)


@pytest.mark.parametrize(
    ("at", "holds"),
    [
        ("2026-11-23T05:00:00Z", True),  # Monday 14:00 in Korea
        ("2026-11-23T04:59:00Z", False),
        ("2026-11-23T08:00:00Z", False),  # 17:00, the first minute after
        ("2026-11-24T05:00:00Z", False),  # Tuesday
        ("2026-11-22T15:30:00Z", False),  # Monday 00:30
    ],
)
def test_days_and_hours_are_korean(at: str, holds: bool) -> None:
    happy = terms(days=frozenset({0}), from_minute=14 * 60, until_minute=17 * 60)
    assert rules.holds_at(happy, datetime.fromisoformat(at)) is holds


@pytest.mark.parametrize(
    ("at", "holds"),
    [
        ("2026-11-27T14:00:00Z", True),  # Friday 23:00
        ("2026-11-27T16:30:00Z", True),  # Saturday 01:30, still Friday's night
        ("2026-11-26T16:30:00Z", False),  # Friday 01:30 is Thursday's night
        ("2026-11-27T17:00:00Z", False),
    ],
)
def test_a_window_over_midnight_belongs_to_the_day_it_began(at: str, holds: bool) -> None:
    late = terms(days=frozenset({4}), from_minute=22 * 60, until_minute=2 * 60)
    assert rules.holds_at(late, datetime.fromisoformat(at)) is holds


def test_the_states_of_an_offer() -> None:
    assert rules.may_move(OfferState.DRAFT, OfferState.REVIEW)
    assert not rules.may_move(OfferState.DRAFT, OfferState.RUNNING)
    assert rules.TRANSITIONS[OfferState.ENDED] == ()
    assert set(rules.TRANSITIONS) == set(OfferState)


def test_shares_of_a_discount_add_up() -> None:
    assert rules.shares(1_001, {"shop": 5_000, "operator": 5_000}) == {"shop": 501, "operator": 500}
    with pytest.raises(ValueError, match="add up"):
        rules.shares(1_000, {"shop": 9_999})


LINES = st.lists(
    st.builds(
        Line,
        item=st.sampled_from("abc"),
        section=st.sampled_from("xy"),
        unit_price=st.integers(0, 20_000),
        quantity=st.integers(1, 5),
    ),
    min_size=1,
    max_size=5,
)
TERMS = st.one_of(
    st.builds(terms, kind=st.just(OfferKind.AMOUNT), value=st.integers(1, 50_000)),
    st.builds(terms, kind=st.just(OfferKind.PERCENT), value=st.integers(1, 100)),
    st.builds(terms, kind=st.just(OfferKind.FREE_ITEM), value=st.integers(1, 4)),
    st.builds(terms, kind=st.just(OfferKind.BUY_GET), value=st.integers(1, 3), buy=st.integers(1, 3)),
).flatmap(
    lambda base: st.builds(
        lambda ceiling, least, items, stacking: Terms(
            kind=base.kind,
            value=base.value,
            buy=base.buy,
            ceiling=ceiling,
            minimum_spend=least,
            items=items,
            stacking=stacking,
        ),
        st.none() | st.integers(1, 5_000),
        st.integers(0, 30_000),
        st.frozensets(st.sampled_from("abc"), max_size=2),
        st.sampled_from(Stacking),
    )
)


@given(TERMS, LINES)
@settings(max_examples=400, deadline=None)
def test_no_line_ever_costs_less_than_nothing(offer: Terms, lines: list[Line]) -> None:
    off = discounts(offer, lines)
    assert len(off) == len(lines)
    assert all(0 <= won <= line.total for won, line in zip(off, lines, strict=True))
    assert all(won == 0 or rules.fits(offer, line) for won, line in zip(off, lines, strict=True))
    assert offer.ceiling is None or sum(off) <= offer.ceiling
    if rules.spend_on(offer, lines) < offer.minimum_spend:
        assert sum(off) == 0


CANDIDATES = st.lists(TERMS, max_size=6).map(
    lambda many: [
        Candidate(coupon_id=n, offer_id=n, terms=one, expires_at=NOON + timedelta(days=n % 3))
        for n, one in enumerate(many, 1)
    ]
)


@given(CANDIDATES, LINES)
@settings(max_examples=300, deadline=None)
def test_no_other_combination_takes_off_more(candidates: list[Candidate], lines: list[Line]) -> None:
    best = rules.best_combination(candidates, lines)
    assert rules.stacks([use.candidate for use in best])
    subsets = [picked for n in range(4) for picked in combinations(candidates, n) if rules.stacks(picked)]
    most = max(sum(use.discount for use in rules.applied(picked, lines)) for picked in subsets)
    assert sum(use.discount for use in best) == most
    assert all(use.discount for use in best)
    taken = [sum(parts) for parts in zip(*(use.lines for use in best), strict=True)] if best else []
    assert all(won <= line.total for won, line in zip(taken, lines, strict=False))


@given(CANDIDATES, LINES, st.randoms())
@settings(max_examples=100, deadline=None)
def test_the_order_in_which_coupons_are_found_changes_nothing(candidates, lines, chance) -> None:  # type: ignore[no-untyped-def]
    mixed = list(candidates)
    chance.shuffle(mixed)
    assert rules.best_combination(mixed, lines) == rules.best_combination(candidates, lines)


def test_the_search_stays_within_its_bound() -> None:
    groups = (Stacking.MENU, Stacking.BILL, Stacking.POINTS, Stacking.ALONE)
    many = [
        Candidate(coupon_id=n, offer_id=n, terms=terms(value=100 + n, stacking=groups[n % 4]), expires_at=NOON)
        for n in range(1, 401)
    ]
    tried = 0

    def counted(*said: object) -> object:
        nonlocal tried
        tried += 1
        return apply(*said)  # type: ignore[arg-type]

    apply = rules.applied
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(rules, "applied", counted)
        best = rules.best_combination(many, [CAKE])
    assert tried == 9**3 + 8
    assert sum(use.discount for use in best) == 500 + 497 + 498


def test_alike_coupons_are_used_in_the_order_in_which_they_expire() -> None:
    twins = [
        Candidate(coupon_id=n, offer_id=1, terms=terms(), expires_at=NOON + timedelta(days=10 - n)) for n in range(1, 5)
    ]
    (use,) = rules.best_combination(twins, [SOUP])
    assert use.candidate.coupon_id == 4
