"""Batch scoring against the plain way, for any shape of candidates."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dure.targeting.engine.scoring import Candidates, Gains, best


def plainly(
    features: np.ndarray,
    pairs: set[tuple[int, int]],
    weights: np.ndarray,
    gains: dict[tuple[int, int], float],
    keep: int,
) -> list[list[tuple[int, float]]]:
    rows = []
    for person in range(len(features)):
        scored = [
            (campaign, float(features[person] @ weights[campaign]) + gains.get((person, campaign), 0.0))
            for one, campaign in sorted(pairs)
            if one == person
        ]
        rows.append(sorted(((c, s) for c, s in scored if s > 0), key=lambda pair: -pair[1])[:keep])
    return rows


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 10_000), people=st.integers(1, 40), campaigns=st.integers(1, 30), share=st.floats(0, 1))
def test_the_best_of_everybody_are_those_of_the_plain_way(seed: int, people: int, campaigns: int, share: float) -> None:
    dice = np.random.default_rng(seed)
    features = dice.normal(size=(people, 3)).astype(np.float32)
    weights = dice.normal(size=(campaigns, 3)).astype(np.float32)
    may = dice.random((people, campaigns)) < share
    row, campaign = np.nonzero(may)
    known = np.flatnonzero(dice.random(len(row)) < 0.3)
    gain = dice.normal(size=len(known)).astype(np.float32)
    counts = np.bincount(row[known], minlength=people)
    own = Gains(np.concatenate([[0], np.cumsum(counts)]), campaign[known].astype(np.uint16), gain)
    candidates = Candidates.of_pairs(people, row, campaign.astype(np.uint16))
    found, value = best(features, candidates, weights, gains=own, keep=5)
    gains = {(int(row[n]), int(campaign[n])): float(g) for n, g in zip(known, gain, strict=True)}
    expected = plainly(features, {(int(a), int(b)) for a, b in zip(row, campaign, strict=True)}, weights, gains, 5)
    for person, scored in enumerate(expected):
        assert value[person, : len(scored)] == pytest.approx([s for _, s in scored], abs=1e-4)
        assert (value[person, len(scored) :] == 0).all()
        for place, score in zip(found[person], value[person], strict=True):
            if score > 0:
                assert (person, int(place)) in {(int(a), int(b)) for a, b in zip(row, campaign, strict=True)}


def test_people_who_have_the_same_candidates_are_one_cell() -> None:
    row = np.repeat(np.arange(6), [2, 2, 1, 0, 2, 1])
    campaign = np.array([3, 7, 3, 7, 3, 3, 8, 7], np.uint16)
    candidates = Candidates.of_pairs(6, row, campaign)
    cell = candidates.cell
    assert cell[0] == cell[1]
    assert len({int(one) for one in cell}) == 5
    assert [candidates.campaign[candidates.begin[c] : candidates.begin[c + 1]].tolist() for c in cell] == [
        [3, 7], [3, 7], [3], [], [3, 8], [7],
    ]  # fmt: skip


def test_shapes_that_do_not_belong_together_are_refused() -> None:
    candidates = Candidates.of_pairs(2, np.arange(2), np.zeros(2, np.uint16))
    with pytest.raises(ValueError, match="same people"):
        best(np.ones((2, 3), np.float32), candidates, np.ones((1, 2), np.float32))
