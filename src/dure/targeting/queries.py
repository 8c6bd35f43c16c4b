"""Everything that targeting can tell: scores of a file's rows, and of everybody for a week's campaigns."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from django.db import connection
from django.db.models import QuerySet

from dure.kit.language import Text
from dure.targeting import rules
from dure.targeting.errors import ArmsUnclear, NoSuchModel, NothingToLearn, OutcomeNoNumber
from dure.targeting.models import ModelStep, ScoreModel
from dure.targeting.values import ModelName, Offering, Ranking, Scores, Why

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from dure.targeting.engine.stack import Model
    from dure.targeting.engine.table import Encoder
    from dure.targeting.engine.visits import Habits

Progress = Callable[[int, int], None]
NO_MESSAGE = re.compile(
    r"0|0\.0+|no|no[ _-].*|none|null|false|f|n|c|control.*|ctrl|placebo|hold[ _-]?out|held[ _-]out|대조.*|보류.*|없음|아니요",
    re.IGNORECASE,
)
YES, NO = {"yes", "y", "true", "t", "1", "예", "네"}, {"no", "n", "false", "f", "0", "아니요", "아니오"}
ROWS_FEWEST = 200
ROWS_MOST = 400_000
"""More rows than this add minutes and no figure that anybody would see."""


def scores_from(
    *,
    train: Path,
    apply: Path,
    treatment: str,
    outcome: str,
    control: str | None = None,
    treated: str | None = None,
    ids: str | None = None,
    ignore: tuple[str, ...] = (),
    why: bool = False,
    seed: int = 1,
    progress: Progress = lambda done, of: None,
) -> Scores:
    """Learn from the randomised rows of `train` and score the rows of `apply`, which may lack treatment and outcome.

    Refuses: FileUnreadable, ColumnMissing, ArmsUnclear, OutcomeNoNumber, NothingToLearn.
    """
    from dure.targeting.engine import stack
    from dure.targeting.engine.learners import Design
    from dure.targeting.engine.table import Encoder, covariates
    from dure.targeting.storage.file import column_of, read

    known, asked = read(train), read(apply)
    arm, with_, without = _arms(column_of(known, treatment, train), treatment, control, treated)
    came = _outcome(column_of(known, outcome, train), outcome)
    notes: list[str] = []
    usable = (arm >= 0) & ~np.isnan(came)
    if not usable.all():
        notes.append(
            f"{int((~usable).sum())} rows of the training file lack the treatment or the outcome, or belong to another arm"
        )
    chosen = np.flatnonzero(usable)
    if len(chosen) > ROWS_MOST:
        notes.append(f"learned from {ROWS_MOST} rows, drawn by lot from {len(chosen)}")
        chosen = np.sort(np.random.default_rng(seed).choice(chosen, ROWS_MOST, replace=False))
    _enough(arm[chosen], came[chosen])
    rows = {name: column[chosen] for name, column in known.items()}
    got, truth = arm[chosen] == 1, came[chosen]
    truth, capped = _capped(truth)
    if capped:
        notes.append(
            f"outcomes above {capped:g} count as {capped:g}: the largest one in a thousand would drown the rest"
        )
    besides = {treatment, outcome, *ignore} | ({ids} if ids else set())
    names, left_out = covariates(rows, asked, treated=got, outcome=truth, besides=besides)
    if not names:
        raise NothingToLearn(why="no covariate is left" + "".join(f"; {one.column}: {one.why}" for one in left_out[:8]))
    encoder = Encoder.fit(rows, names)
    design = Design(encoder.plain(rows), encoder.smooth(rows))
    model = stack.learn(design, got, truth, seed, progress)
    goal = Design(encoder.plain(asked), encoder.smooth(asked))
    uplift, expected = model.uplift(goal), model.expected(goal)
    ranking = Ranking.UPLIFT if model.gate.passed else Ranking.RESPONSE
    return Scores(
        score=uplift if ranking is Ranking.UPLIFT else _by_response(model, expected), uplift=uplift, expected=expected,
        why=_reasons(encoder, design, goal, model, ranking) if why else None,
        ids=[_plain(one) for one in column_of(asked, ids, apply)] if ids else None,
        ranking=ranking, gate=model.gate, treatment=treatment, treated=with_, control=without, outcome=outcome, covariates=names,
        left_out=left_out, effect=model.effect, effect_error=model.effect_error, slope=model.slope, learners=model.weights,
        learned_from=model.rows, notes=notes,
    )  # fmt: skip


def _arms(
    column: NDArray[np.generic], name: str, control: str | None, treated: str | None
) -> tuple[NDArray[np.int8], list[str], list[str]]:
    """1 with a message, 0 without, -1 neither; and the values that mean each."""
    texts = np.array([_level(value) for value in column])
    levels = [level for level in dict.fromkeys(sorted(texts)) if level]
    without = [
        level for level in levels if (level == control if control is not None else NO_MESSAGE.fullmatch(level.strip()))
    ]
    with_ = [level for level in levels if level not in without and (treated is None or level == treated)]
    if len(without) != 1 or not with_ or len(levels) > 50:
        raise ArmsUnclear(column=name, values=", ".join(levels[:8]))
    return np.where(np.isin(texts, with_), 1, np.where(np.isin(texts, without), 0, -1)).astype(np.int8), with_, without


def _level(value: Any) -> str:
    if value is None or value != value:  # NaN is unlike itself
        return ""
    return f"{value:g}" if isinstance(value, float) else str(value)


def _outcome(column: NDArray[np.generic], name: str) -> NDArray[np.float64]:
    if column.dtype != object:
        return np.asarray(column, float)
    texts = [None if value is None else str(value).strip().lower() for value in column]
    if not all(text is None or text in YES | NO for text in texts):
        raise OutcomeNoNumber(column=name)
    return np.array([np.nan if text is None else float(text in YES) for text in texts])


def _capped(outcome: NDArray[np.float64]) -> tuple[NDArray[np.float64], float]:
    if np.isin(outcome, (0.0, 1.0)).all():
        return outcome, 0.0
    most = float(np.quantile(outcome, 0.999))
    return (np.minimum(outcome, most), most) if most > 0 and outcome.max() > most else (outcome, 0.0)


def _enough(arm: NDArray[np.int8], outcome: NDArray[np.float64]) -> None:
    if len(arm) < ROWS_FEWEST:
        raise NothingToLearn(why=f"{len(arm)} rows, {ROWS_FEWEST} are needed")
    for side in (0, 1):
        there = outcome[arm == side]
        if len(there) < ROWS_FEWEST // 4:
            raise NothingToLearn(why="one arm is nearly empty")
    if np.ptp(outcome) == 0:
        raise NothingToLearn(why="every outcome is the same")


def _by_response(model: Model, expected: NDArray[np.float64]) -> NDArray[np.float64]:
    """The response ranking in the unit of an effect: as if the average effect fell to each by what they do anyway."""
    mean = float(model.expected_out_of_fold.mean())
    return expected * abs(model.effect / mean) if mean else expected


def _reasons(encoder: Encoder, design: Any, goal: Any, model: Model, ranking: Ranking) -> list[str]:
    """For each row the two features that raise its score most above the average, by a linear reading of the scores."""
    told = model.out_of_fold if ranking is Ranking.UPLIFT else model.expected_out_of_fold
    names = np.array(encoder.names())
    middle = design.smooth.mean(axis=0)
    centred = design.smooth - middle
    weights = np.linalg.solve(
        centred.T @ centred + np.eye(len(names)) * len(centred) * 1e-3, centred.T @ (told - told.mean())
    )
    raised = (goal.smooth - middle) * weights
    best = np.argsort(-raised, axis=1)[:, :2]
    lines = []
    for row, (ranked, values) in enumerate(zip(best, goal.smooth, strict=True)):
        said = [
            _said(str(names[one]), float(values[one]), float(middle[one])) for one in ranked if raised[row, one] > 0
        ]
        lines.append(", ".join(dict.fromkeys(said)))
    return lines


def _said(name: str, value: float, middle: float) -> str:
    if "=" in name:
        return name if value > middle else f"not {name}"
    return (
        f"{'high' if value > middle else 'low'} {name}"
        if not name.endswith("²")
        else f"{'extreme' if value > middle else 'middling'} {name[:-1]}"
    )


def _plain(value: Any) -> Any:
    if value is None or value != value:
        return None
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return value if isinstance(value, str) else float(value)


@dataclass(frozen=True, slots=True)
class Histories:
    """What persons and shops have had with each other: arrays over known pairs, sorted by person. `row` is the person's place
    among those asked for; days are before the instant asked about."""

    row: NDArray[np.int64]
    shop: NDArray[np.int64]
    visits: NDArray[np.float64]
    first: NDArray[np.float64]
    last: NDArray[np.float64]


def histories_of(persons: NDArray[np.uint32], *, at: datetime) -> Histories:
    """Every relation of these persons (sorted ids) in which a visit was counted."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT person_id, shop_id, visits, extract(epoch FROM %(at)s - first_visit_at)::float8 / 86400,
                   extract(epoch FROM %(at)s - last_visit_at)::float8 / 86400
            FROM regulars_relation
            WHERE person_id = ANY(%(persons)s) AND visits > 0 AND left_at IS NULL AND first_visit_at < %(at)s
            ORDER BY person_id, shop_id
            """,
            {"persons": persons.tolist(), "at": at},
        )
        rows = np.array(cursor.fetchall(), np.float64).reshape(-1, 5)
    return Histories(
        np.searchsorted(persons, rows[:, 0]), rows[:, 1].astype(np.int64), rows[:, 2], rows[:, 3],
        np.minimum(np.maximum(rows[:, 4], 0), rows[:, 3]),
    )  # fmt: skip


def expected_within(histories: Histories, *, days: float) -> NDArray[np.float64]:
    """How many visits each pair will have within `days` by itself, (pairs,): the organic model, BG/NBD."""
    from dure.targeting.engine import visits

    known = histories.first
    span = known - histories.last
    # Somebody who came twice within a day was there for a day at least; the model wants time between visits.
    span = np.where(histories.visits > 1, np.maximum(span, np.minimum(known, 1.0)), 0.0)
    again = np.where(span > 0, histories.visits - 1, 0.0)
    return visits.expected_visits(habits(), again, span, np.maximum(known, span), days)


def habits() -> Habits:
    """The habits of visiting that the organic model goes by: the registry's, or what is usual."""
    from dure.targeting.engine.visits import Habits

    model = model_in_use(ModelName.VISITS)
    return Habits(**model.parameters) if model else Habits(*rules.USUAL_HABITS)


def effects() -> tuple[float, dict[str, float]]:
    """How far an effect follows the visits that come anyway, and the average effect by goal where it was learned."""
    model = model_in_use(ModelName.EFFECT)
    return (model.parameters["structure"], model.parameters["effects"]) if model else (rules.STRUCTURE, {})


def model_in_use(name: ModelName) -> ScoreModel | None:
    """The model in use; None where there is none, or where it has a fault, whoever put it there: then what is usual serves."""
    last = steps_of(name).last()
    return last.model if last and last.model and not fault_in(last.model) else None


def fault_in(model: ScoreModel) -> str:
    """Why a model may not be used, looked at anew; empty when it may."""
    return rules.fault_of(ModelName(model.name), model.parameters, model.calibration, model.gate)


def steps_of(name: ModelName) -> QuerySet[ModelStep]:
    """What was put into use and taken back, oldest first."""
    return ModelStep.objects.filter(name=name).select_related("model").order_by("id")


def models_kept() -> QuerySet[ScoreModel]:
    """The registry, newest first."""
    return ScoreModel.objects.order_by("name", "-version")


def model_by_public_id(public_id: str) -> ScoreModel:
    """One model, or NoSuchModel."""
    found = ScoreModel.objects.filter(public_id=public_id).first()
    if found is None:
        raise NoSuchModel
    return found


def best_of_week(
    *,
    persons: NDArray[np.uint32],
    pair_row: NDArray[np.int64],
    pair_place: NDArray[np.uint16],
    offerings: Sequence[Offering],
    at: datetime,
) -> tuple[NDArray[np.uint16], NDArray[np.float32]]:
    """Each person's 20 best campaigns, as places in `offerings`, and what a message of each is expected to bring, in won of
    sales: both (people, 20), best first, 0 where there is none.

    `persons` are sorted ids; the pairs (row of the person, place of the campaign), sorted by both, say who may hear of what.
    """
    from dure.targeting.engine.scoring import Candidates, Gains, best

    people = len(persons)
    scale = np.array([one.effect * one.worth for one in offerings], np.float64)
    shops = np.array([one.shop for one in offerings], np.int64)
    days = float(np.median([one.window_days for one in offerings])) if offerings else 14.0
    candidates = Candidates.of_pairs(people, pair_row, pair_place)
    known = histories_of(persons, at=at)
    going_by = habits()
    typical = going_by.r / going_by.alpha * days
    structure, _ = effects()
    pull = structure * np.sqrt(expected_within(known, days=days) / typical)
    # Each known pair of a person and a shop lifts every campaign of that shop.
    by_shop = np.argsort(shops, kind="stable")
    begin, end = (
        np.searchsorted(shops[by_shop], known.shop, "left"),
        np.searchsorted(shops[by_shop], known.shop, "right"),
    )
    many = end - begin
    nth = np.arange(many.sum()) - np.repeat(np.cumsum(many) - many, many)
    lifted = by_shop[np.repeat(begin, many) + nth]
    row = np.repeat(known.row, many)
    own = Gains(
        np.concatenate([[0], np.cumsum(np.bincount(row, minlength=people))]).astype(np.int64),
        lifted.astype(np.uint16),
        (np.repeat(pull, many) * scale[lifted]).astype(np.float32),
    )
    weights = (scale * (1 - structure)).astype(np.float32)[:, None]
    return best(np.ones((people, 1), np.float32), candidates, weights, gains=own)


def whys_of(person_id: int, shops: Collection[str]) -> dict[str, Text]:
    """For each of these shops (public ids) the one line for a person who asks why its messages come to them. What the scores look
    at is all that it can say: how often they came, and whether they are friends. Call it across shops."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT s.public_id, r.visits FROM regulars_relation r JOIN shops_shop s ON s.id = r.shop_id
            WHERE r.person_id = %s AND s.public_id = ANY(%s) AND r.left_at IS NULL
            """,
            [person_id, list(shops)],
        )
        visits = dict(cursor.fetchall())
    return {
        shop: rules.said(
            Why.AUDIENCE
            if shop not in visits
            else Why.OFTEN
            if visits[shop] >= rules.OFTEN
            else Why.CAME
            if visits[shop]
            else Why.FRIEND
        )
        for shop in shops
    }
