"""The twin looks like the country in what is asked of many, and the register says what it cost."""

import numpy as np
import pytest

from dure.audiences.engine import twin
from dure.audiences.population import people as population
from dure.audiences.population.regions import country

PEOPLE = 131_072


@pytest.fixture(scope="module")
def both() -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
    # Noise of twenty times the epsilon beside so few people weighs what the real one does beside twenty times as many.
    dongs = [int(dong.code) for dong in country().dongs]
    blocks = list(population.synthesize(PEOPLE, 3))
    model = twin.fitted(
        twin.noised(
            twin.measure(blocks, population.SCHEMA, dongs, seed=1),
            {name: 20 * part for name, part in twin.EPSILONS.items()},
        )
    )
    drawn = list(twin.draw(model, seed=2))
    return tuple({n: np.concatenate([b[n] for b in some]) for n in some[0]} for some in (blocks, drawn))  # type: ignore[return-value]


def test_its_epsilons_stay_within_one() -> None:
    assert sum(twin.EPSILONS.values()) <= 1


def test_it_has_the_countrys_people_ages_and_provinces(both: tuple[dict[str, np.ndarray], ...]) -> None:
    real, drawn = both
    assert abs(len(drawn["age"]) / len(real["age"]) - 1) < 0.02
    for share in (lambda c: c["age"] < 30, lambda c: c["sex"] == 0, lambda c: c["region"] // 10**8 == 11):
        assert abs(share(drawn).mean() - share(real).mean()) < 0.02


def test_tastes_that_go_together_still_do(both: tuple[dict[str, np.ndarray], ...]) -> None:
    real, drawn = both
    coffee, dessert = 1 << 0, 1 << 1
    pair = [float(((c["taste"] & coffee > 0) & (c["taste"] & dessert > 0)).mean()) for c in both]
    alone = [float((drawn["taste"] & bit > 0).mean()) for bit in (coffee, dessert)]
    assert abs(pair[1] / pair[0] - 1) < 0.1
    # The control: drawn one by one they would meet much more rarely than they do.
    assert alone[0] * alone[1] < 0.75 * pair[0]
    assert (real["person"] > 0).all()
