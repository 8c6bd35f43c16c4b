"""Score every candidate campaign of everybody and keep each person's best: the wide half of a weekly plan.

A score is linear in a few features of the person, so that forty million people times two hundred campaigns take a minute and not an
hour: `score = features . weights[campaign] + gain`, where the gain is there for the few campaigns of shops that the person
knows. People who have the same candidates are a *cell* (a district's, or those who belong to the same audiences); of a cell
the weights are laid out side by side once, and each person costs one pass over them.
"""

from __future__ import annotations

from dataclasses import dataclass

import numba
import numpy as np
from numpy.typing import NDArray

from dure.targeting.values import KEPT

F32 = NDArray[np.float32]
I64 = NDArray[np.int64]
U16 = NDArray[np.uint16]


@dataclass(frozen=True, slots=True)
class Candidates:
    """Which campaigns may write to whom: person i to those of cell `cell[i]`, which are `campaign[begin[cell] : begin[cell + 1]]`."""

    cell: NDArray[np.int32]
    begin: I64
    campaign: U16

    @classmethod
    def of_pairs(cls, people: int, person: I64, campaign: U16) -> Candidates:
        """Cells of people who have the same candidates, from pairs sorted by person (row numbers below `people`) and campaign."""
        counts = np.bincount(person, minlength=people)
        edges = np.concatenate([[0], np.cumsum(counts)])
        # Two people are alike when as many, and the same, campaigns may write to them: told by a hash, then looked up.
        mixed = (campaign.astype(np.uint64) + np.uint64(1)) * np.uint64(0x9E3779B97F4A7C15)
        mixed ^= mixed >> np.uint64(29)
        mixed *= np.uint64(0xBF58476D1CE4E5B9)
        mixed ^= mixed >> np.uint64(32)
        sums = np.concatenate([np.zeros(1, np.uint64), np.cumsum(mixed, dtype=np.uint64)])
        words = np.stack([sums[edges[1:]] - sums[edges[:-1]], counts.astype(np.uint64)], axis=1)
        _, first, cell = np.unique(words, axis=0, return_index=True, return_inverse=True)
        begin = np.concatenate([[0], np.cumsum(counts[first])]).astype(np.int64)
        parts = [campaign[edges[one] : edges[one + 1]] for one in first]
        return cls(cell.ravel().astype(np.int32), begin, np.concatenate([*parts, np.empty(0, np.uint16)]))


@dataclass(frozen=True, slots=True)
class Gains:
    """What a person's own history with a shop adds: of person i those at `begin[i] : begin[i + 1]`."""

    begin: I64
    campaign: U16
    gain: F32

    @classmethod
    def none(cls, people: int) -> Gains:
        return cls(np.zeros(people + 1, np.int64), np.empty(0, np.uint16), np.empty(0, np.float32))


@numba.njit(parallel=True, cache=True, fastmath={"contract", "arcp", "nsz", "reassoc"})
def _best(features, order, cell, begin, campaign, weights, gain_begin, gain_campaign, gain, campaigns, most, keep, threads, found, value):  # type: ignore[no-untyped-def]  # fmt: skip
    people, width = features.shape
    for thread in numba.prange(threads):
        side = np.empty((width, most), np.float32)
        score = np.empty(most, np.float32)
        gathered = np.empty(most + 1, np.int32)
        top = np.empty(keep + 1, np.float32)
        which = np.empty(keep + 1, np.int32)
        height = np.float32(1.0)
        place = np.full(campaigns, -1, np.int32)
        last_cell, many, first = -1, 0, 0
        for n in range(people * thread // threads, people * (thread + 1) // threads):
            i = order[n]
            if cell[i] != last_cell:
                for c in range(many):
                    place[campaign[first + c]] = -1
                last_cell = cell[i]
                first = begin[last_cell]
                many = begin[last_cell + 1] - first
                for c in range(many):
                    place[campaign[first + c]] = c
                    for k in range(width):
                        side[k, c] = weights[campaign[first + c], k]
            for c in range(many):
                score[c] = 0.0
            for k in range(width):
                x = features[i, k]
                row = side[k]
                for c in range(many):
                    score[c] += x * row[c]
            for g in range(gain_begin[i], gain_begin[i + 1]):
                c = place[gain_campaign[g]]
                if c >= 0:
                    score[c] += gain[g]
            # Whatever beats a guessed threshold is gathered without branches, then sorted: the threshold is so many deviations
            # above the mean, as many as lately let a few more than `keep` through.
            total = np.float32(0.0)
            squares = np.float32(0.0)
            for c in range(many):
                total += score[c]
                squares += score[c] * score[c]
            mean = total / max(many, 1)
            deviation = np.sqrt(max(squares / max(many, 1) - mean * mean, np.float32(0.0)))
            while True:
                least = max(mean + height * deviation, np.float32(0.0)) if many > keep else np.float32(0.0)
                passed = 0
                for c in range(many):
                    gathered[passed] = c
                    passed += score[c] > least
                if passed >= keep or least <= 0.0:
                    break
                height -= np.float32(0.2)
            if passed > keep + 8:
                height += np.float32(0.02)
            for g in range(passed):
                c = gathered[g]
                s = score[c]
                at = min(g, keep)
                while at > 0 and top[at - 1] < s:
                    top[at] = top[at - 1]
                    which[at] = which[at - 1]
                    at -= 1
                top[at] = s
                which[at] = c
            for e in range(min(passed, keep)):
                value[i, e] = top[e]
                found[i, e] = campaign[first + which[e]]


def best(
    features: F32, candidates: Candidates, weights: F32, *, gains: Gains | None = None, keep: int = KEPT
) -> tuple[U16, F32]:
    """Each person's `keep` best campaigns and their scores, both (people, keep), best first; where fewer score above 0, the rest
    is 0. `features` (people, k), `weights` (campaigns, k), in the unit of the score.

    Raises:
        ValueError: shapes that do not belong together.
    """
    people, width = features.shape
    if weights.ndim != 2 or weights.shape[1] != width or candidates.cell.shape != (people,):
        raise ValueError("features, weights and candidates must be of the same people and features")
    own = gains or Gains.none(people)
    found = np.zeros((people, keep), np.uint16)
    value = np.zeros((people, keep), np.float32)
    order = np.argsort(candidates.cell, kind="stable")
    most = int(np.diff(candidates.begin).max(initial=0))
    _best(
        features, order, candidates.cell, candidates.begin, candidates.campaign, weights, own.begin, own.campaign,
        own.gain, len(weights), most, keep, numba.get_num_threads(), found, value,
    )  # fmt: skip
    return found, value
