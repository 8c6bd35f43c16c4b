from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dure.kit import money

WEIGHTS = st.lists(st.integers(0, 10**9), min_size=1, max_size=30).filter(lambda weights: sum(weights) > 0)


@given(total=st.integers(-(10**12), 10**12), weights=WEIGHTS)
def test_the_parts_always_sum_to_the_whole(total: int, weights: list[int]) -> None:
    parts = money.split(total, weights)
    assert sum(parts) == total
    assert len(parts) == len(weights)


@given(total=st.integers(-(10**12), 10**12), weights=WEIGHTS)
def test_no_part_is_more_than_a_won_from_its_fair_share(total: int, weights: list[int]) -> None:
    whole = sum(weights)
    for part, weight in zip(money.split(total, weights), weights, strict=True):
        assert abs(part * whole - total * weight) < whole


@given(total=st.integers(0, 10**9), weights=WEIGHTS)
def test_who_weighs_nothing_gets_nothing_and_who_weighs_more_never_gets_less(total: int, weights: list[int]) -> None:
    parts = money.split(total, weights)
    assert all(part == 0 for part, weight in zip(parts, weights, strict=True) if weight == 0)
    by_weight = sorted(zip(weights, parts, strict=True))
    assert all(a <= b + (v == w) for (v, a), (w, b) in pairwise(by_weight))


@given(total=st.integers(-(10**9), 10**9), weights=WEIGHTS)
def test_a_return_is_split_like_the_payment(total: int, weights: list[int]) -> None:
    assert money.split(-total, weights) == [-part for part in money.split(total, weights)]


def test_a_tie_goes_to_the_earlier_share() -> None:
    assert money.split(10, [1, 1, 1]) == [4, 3, 3]
    assert money.split(1, [1, 1]) == [1, 0]


@pytest.mark.parametrize("weights", [[], [0, 0], [3, -1], [-1, -1]])
def test_shares_that_cannot_be_are_a_bug_of_the_caller(weights: list[int]) -> None:
    with pytest.raises(ValueError, match="weights"):
        money.split(100, weights)


@given(taxable=st.integers(0, 10**9))
def test_tax_is_one_eleventh_to_the_nearest_won(taxable: int) -> None:
    assert abs(11 * money.vat_in(taxable) - taxable) <= 5


def test_fees_are_rounded_down_and_prices_read_like_a_korean_menu() -> None:
    assert money.share_of(12_345, 150) == 185
    assert money.won(12_000) == "12,000원"
    assert money.won(0) == "0원"
