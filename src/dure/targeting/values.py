"""What targeting says: scores for rows, the gate's verdict on them, and what was left out of sight."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    import numpy as np
    from numpy.typing import NDArray

    from dure.targeting.engine.stack import Gate
    from dure.targeting.engine.table import LeftOut


KEPT = 20
"""Of each person's candidate campaigns so many go into the week's market."""


STRUCTURE = 0.5
"""How far an effect follows the root of the visits that come anyway (docs: targeting): half, the rest is the same for all."""

SUGGESTION_UNIT, SUGGESTION_HELD = "basket-suggestion", 0.3
"""The coin for a visit's basket, and the share of visits whose basket is left alone, so that one can tell what the line brings."""
NEXT_UNIT, NEXT_HELD = "next-dish", 0.3
"""The same for the line over the menu of a friend who is back."""


PEOPLE_LEAST = 5
"""So many different people must stand behind what is said of their visits: of fewer, one could be recognised."""


class Place(StrEnum):
    """Where a visit is shown a suggestion: beside what is in its BASKET, or over the MENU of a friend who is back."""

    BASKET = "basket"
    MENU = "menu"


HELD = {Place.BASKET: SUGGESTION_HELD, Place.MENU: NEXT_HELD}


class ModelName(StrEnum):
    """What the registry keeps models of: VISITS, how often people come by themselves; EFFECT, what a message adds."""

    VISITS = "visits"
    EFFECT = "effect"


class Ranking(StrEnum):
    """By what people are ranked: what a message adds, or, until that is proven, what they are expected to do anyway."""

    UPLIFT = "uplift"
    RESPONSE = "response"


@dataclass(frozen=True, slots=True, kw_only=True)
class Offering:
    """A campaign as the scoring sees it: of which shop (id), how many extra visits a message of its kind brings on average, each
    worth how many won of sales, and within how many days they count."""

    shop: int
    effect: float
    worth: int
    window_days: int


class Scorer(Protocol):
    """What each campaign of a week is worth for each person: `queries.best_of_week`, and whatever it is weighed against."""

    def __call__(
        self, *, persons: NDArray[np.uint32], pair_row: NDArray[np.int64], pair_place: NDArray[np.uint16],
        offerings: Sequence[Offering], at: datetime,
    ) -> tuple[NDArray[np.uint16], NDArray[np.float32]]: ...  # fmt: skip


class Why(StrEnum):
    """What speaks most for writing to somebody. There is no reason that law or decency forbids: none is ever looked at."""

    OFTEN = "often"
    FRIEND = "friend"
    CAME = "came"
    AUDIENCE = "audience"


@dataclass(frozen=True, slots=True)
class Arm:
    """One value of the treatment's column: its rows, their mean outcome, and for a message the difference to those without and its
    standard error, nothing taken off."""

    name: str
    rows: int = 0
    mean: float | None = None
    effect: float | None = None
    effect_error: float | None = None


@dataclass(frozen=True, slots=True)
class Scores:
    """Scores of the rows of a file, in its order; floats in the outcome's unit, all of shape (rows,).

    `score` ranks. `uplift` is what a message is expected to add, `expected` what would come in any case.
    """

    score: NDArray[np.float64] = field(repr=False)
    uplift: NDArray[np.float64] = field(repr=False)
    expected: NDArray[np.float64] = field(repr=False)
    why: list[str] | None = field(repr=False)
    ids: list[Any] | None = field(repr=False)
    ranking: Ranking
    gate: Gate
    treatment: str
    arms: list[Arm]
    outcome: str
    covariates: list[str]
    left_out: list[LeftOut]
    effect: float
    effect_error: float
    slope: float
    learners: dict[str, float]
    learned_from: int
    notes: list[str]

    def as_json(self) -> dict[str, Any]:
        """Version 1 of the form that `dure targeting score --json` prints (docs/reference/targeting.md)."""
        return {
            "version": 1,
            "rows": len(self.score),
            "ranking": str(self.ranking),
            "gate": {
                "passed": self.gate.passed,
                "uplift_auuc": self.gate.uplift,
                "response_auuc": self.gate.response,
                "random_auuc": self.gate.random,
                "difference_low": self.gate.difference_low,
            },
            "effect": {"mean": self.effect, "standard_error": self.effect_error},
            "treatment": {
                "column": self.treatment,
                "control": [self.arms[0].name],
                "treated": [arm.name for arm in self.arms[1:]],
                "arms": [
                    {"value": arm.name, "rows": arm.rows, "mean": arm.mean}
                    | ({"effect": arm.effect, "standard_error": arm.effect_error} if arm.effect is not None else {})
                    for arm in self.arms
                ],
            },
            "outcome": self.outcome,
            "covariates": self.covariates,
            "left_out": [{"column": one.column, "why": one.why} for one in self.left_out],
            "learners": self.learners,
            "slope": self.slope,
            "learned_from": self.learned_from,
            "notes": self.notes,
            **({"ids": self.ids} if self.ids is not None else {}),
            "scores": _rounded(self.score),
            "uplift": _rounded(self.uplift),
            "expected": _rounded(self.expected),
            **({"why": self.why} if self.why is not None else {}),
        }


def _rounded(numbers: NDArray[np.float64]) -> list[float]:
    """Nine significant digits: more than anybody needs, and none that a machine could differ in."""
    return [float(f"{one:.9g}") for one in numbers.tolist()]
