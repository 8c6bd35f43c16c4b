"""How a ranking is judged: against counting by hand, and against what cannot be ranked."""

import numpy as np
import pytest

from dure.targeting.engine.measures import Ranked, auuc, qini_area, qini_auc, uplift_at

TREATED = np.array([True, False, True, False, True, False, True, False])
CAME = np.array([1.0, 0, 1, 0, 0, 1, 0, 0])
GOOD = np.array([8.0, 7, 6, 5, 4, 3, 2, 1])


def test_gains_count_both_arms_of_the_best() -> None:
    share, value = Ranked.by(GOOD).gains(TREATED, CAME)
    assert share.tolist() == [0, 1 / 8, 2 / 8, 3 / 8, 4 / 8, 5 / 8, 6 / 8, 7 / 8, 1]
    assert value.tolist() == [0, 1 / 4, 1 / 4, 2 / 4, 2 / 4, 2 / 4, 1 / 4, 1 / 4, 1 / 4]


def test_a_good_ranking_beats_its_reverse() -> None:
    for measure in (auuc, qini_area, qini_auc):
        assert measure(GOOD, TREATED, CAME) > 0 > measure(-GOOD, TREATED, CAME) - measure(GOOD, TREATED, CAME)
    assert uplift_at(GOOD, TREATED, CAME, 0.5) == 1.0


def test_rows_of_one_score_cannot_be_ordered_to_flatter() -> None:
    alike = np.zeros(8)
    assert auuc(alike, TREATED, CAME) == pytest.approx(0.25 / 2)
    assert qini_area(alike, TREATED, CAME) == pytest.approx(0)


def test_a_weight_of_two_is_the_same_row_twice() -> None:
    weight = np.array([2.0, 1, 1, 3, 1, 1, 1, 1])
    twice = np.repeat(np.arange(8), weight.astype(int))
    assert auuc(GOOD, TREATED, CAME, weight) == pytest.approx(auuc(GOOD[twice], TREATED[twice], CAME[twice]), abs=1e-12)
