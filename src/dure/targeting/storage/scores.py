"""Scores from files: randomised rows to learn from in one, rows to score in another. No database is asked."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from dure.targeting.engine import stack
from dure.targeting.engine.learners import Design
from dure.targeting.engine.stack import Model
from dure.targeting.engine.table import Column, Encoder, Raw, Words, covariates, rows_of
from dure.targeting.errors import ArmsUnclear, NothingToLearn, OutcomeNoNumber
from dure.targeting.storage.file import alike, column_of, read
from dure.targeting.values import Arm, Ranking, Scores

F64 = NDArray[np.float64]
Progress = Callable[[int, int], None]
NO_MESSAGE = re.compile(
    r"0|0\.0+|no|not?[ _-].*|none|nothing|null|false|f|n|c|control.*|ctrl.*|ctl|placebo|hold[ _-]?out.*|held[ _-]out|untreated"
    r"|un(?:sent|touched|contacted)|without.*|baseline|off|대조.*|보류.*|없음|아니요|아니오|미발송|안\s?보냄",
    re.IGNORECASE,
)
YES, NO = {"yes", "y", "true", "t", "1", "예", "네"}, {"no", "n", "false", "f", "0", "아니요", "아니오"}
ROWS_FEWEST, ARM_FEWEST = 200, 50
ROWS_MOST = 200_000
"""More rows than this add minutes and no figure that anybody would see."""
ARMS_MOST = 50
PIECE = 50_000


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
    """Learn from the randomised rows of `train` and score the rows of `apply`, which may lack treatment and outcome and in which
    they are not looked at.

    Refuses: FileUnreadable, ColumnMissing, ArmsUnclear, OutcomeNoNumber, NothingToLearn.
    """
    known = read(train, frozenset({treatment}))
    arm, arms = _arms(column_of(known, treatment, train), treatment, control, treated)
    came = _outcome(column_of(known, outcome, train), outcome)
    asked = read(apply)
    named = _plain(column_of(asked, ids, apply)) if ids else None
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
    _enough(arm[chosen], came[chosen], arms, treatment)
    got, truth = arm[chosen] > 0, came[chosen]
    arms = _effects(arms, arm[chosen], truth)
    truth, capped = _capped(truth)
    if capped:
        notes.append(
            f"outcomes above {capped:g} count as {capped:g}: the largest one in a thousand would drown the rest"
        )
    besides = {treatment, outcome, *ignore} | ({ids} if ids else set())
    rows: dict[str, Column] = {}
    for name in [one for one in known if one not in besides]:
        if name in asked:
            known[name], asked[name] = alike(known[name], asked[name])
        rows[name] = rows_of(known.pop(name), chosen)
    names, left_out = covariates(rows, asked, treated=got, outcome=truth, besides=besides)
    if not names:
        raise NothingToLearn(why="no covariate is left" + "".join(f"; {one.column}: {one.why}" for one in left_out[:8]))
    encoder = Encoder.fit(rows, names)
    design = Design(encoder.plain(rows), encoder.smooth(rows))
    model = stack.learn(design, got, truth, seed, progress)
    ranking = Ranking.UPLIFT if model.gate.passed else Ranking.RESPONSE
    if ranking is Ranking.RESPONSE:
        notes.append("ranked by the expected outcome: that ranking by uplift is better was not beyond doubt")
    reasons = _Reasons(encoder, design, model, ranking) if why else None
    with threadpool_limits(1):  # the same sums in the same order on any machine
        goal = _Goal(model, encoder, {name: asked[name] for name in names}, reasons)
    return Scores(
        score=goal.uplift if ranking is Ranking.UPLIFT else _by_response(model, goal.expected), uplift=goal.uplift,
        expected=goal.expected, why=goal.why, ids=named, ranking=ranking, gate=model.gate, treatment=treatment, arms=arms,
        outcome=outcome, covariates=names, left_out=left_out, effect=model.effect, effect_error=model.effect_error,
        slope=model.slope, learners=model.weights, learned_from=model.rows, notes=notes,
    )  # fmt: skip


def _arms(column: Column, name: str, control: str | None, treated: str | None) -> tuple[NDArray[np.int16], list[Arm]]:
    """0 without a message, 1, 2, ... for each kind of message, -1 for none of them; and what they are called, in that order."""
    levels, codes = _levels(column)
    if len(levels) > ARMS_MOST:
        raise ArmsUnclear(column=name, values=", ".join(levels[:8]) + ", …")
    without = [
        level for level in levels if (level == control if control is not None else NO_MESSAGE.fullmatch(level.strip()))
    ]
    with_ = [level for level in levels if level not in without and (treated is None or level == treated)]
    if len(without) != 1 or not with_:
        raise ArmsUnclear(column=name, values=", ".join(levels[:8]))
    called = [*without, *with_]
    place = np.array([called.index(level) if level in called else -1 for level in levels] + [-1], np.int16)
    return place[codes], [Arm(level) for level in called]


def _levels(column: Column) -> tuple[list[str], NDArray[np.int64]]:
    """The different values as texts, in their order, and which of them each row has; -1 where nothing is known."""
    if isinstance(column, Words):
        order = np.argsort(np.array(column.levels, object), kind="stable")
        place = np.append(np.argsort(order), -1)
        return [column.levels[i] for i in order], place[column.codes]
    values, codes = np.unique(column, return_inverse=True)
    there = ~np.isnan(values)
    return [f"{value:g}" for value in values[there].tolist()], np.where(there[codes], codes, -1)


def _outcome(column: Column, name: str) -> F64:
    if not isinstance(column, Words):
        return column
    said = [level.strip().lower() for level in column.levels]
    if not all(level in YES | NO for level in said):
        raise OutcomeNoNumber(column=name, values=", ".join(column.levels[:6]))
    return np.array([float(level in YES) for level in said] + [np.nan])[column.codes]


def _capped(outcome: F64) -> tuple[F64, float]:
    if np.isin(outcome, (0.0, 1.0)).all():
        return outcome, 0.0
    most = float(np.quantile(outcome, 0.999))
    return (np.minimum(outcome, most), most) if most > 0 and outcome.max() > most else (outcome, 0.0)


def _enough(arm: NDArray[np.int16], outcome: F64, arms: list[Arm], treatment: str) -> None:
    if len(arm) < ROWS_FEWEST:
        raise NothingToLearn(
            why=f"{len(arm)} rows with a treatment and an outcome, {ROWS_FEWEST} are needed: wait for more, or give more campaigns together"
        )
    without = int((arm == 0).sum())
    for there, of in ((without, f"'{arms[0].name}' (without)"), (len(arm) - without, "any other value (with)")):
        if there < ARM_FEWEST:
            raise NothingToLearn(
                why=f"one arm is nearly empty: {there} rows of '{treatment}' are {of}, {ARM_FEWEST} are needed; hold people out by lot, or name the arms with --control and --treated"
            )
    if np.ptp(outcome) == 0:
        raise NothingToLearn(why="every outcome is the same; wait until something came of the messages")


def _effects(arms: list[Arm], arm: NDArray[np.int16], outcome: F64) -> list[Arm]:
    """What each arm came to: rows, mean, and for the kinds of message the difference to those without with its standard error."""
    found = []
    without = outcome[arm == 0]
    for number, one in enumerate(arms):
        theirs = outcome[arm == number]
        there = len(theirs) > 1
        error = float(np.sqrt(theirs.var(ddof=1) / len(theirs) + without.var(ddof=1) / len(without))) if there else None
        mean = float(theirs.mean()) if there else None
        effect = mean - float(without.mean()) if mean is not None and number else None
        found.append(Arm(one.name, len(theirs), mean, effect, error if number else None))
    return found


def _by_response(model: Model, expected: F64) -> F64:
    """The response ranking in the unit of an effect: as if the average effect fell to each by what they do anyway."""
    mean = float(model.expected_out_of_fold.mean())
    return expected * abs(model.effect / mean) if model.effect and mean else expected


class _Goal:
    """The rows to score, piece by piece: a big file is never there as features all at once."""

    def __init__(self, model: Model, encoder: Encoder, raw: Raw, reasons: _Reasons | None) -> None:
        rows = len(next(iter(raw.values())))
        self.uplift, self.expected = np.empty(rows), np.empty(rows)
        self.why: list[str] | None = [] if reasons else None
        for begin in range(0, rows, PIECE):
            part = slice(begin, begin + PIECE)
            piece = Design(encoder.plain(raw, part), encoder.smooth(raw, part))
            self.uplift[part], self.expected[part] = model.uplift(piece), model.expected(piece)
            if reasons and self.why is not None:
                self.why += reasons.of(piece)


class _Reasons:
    """For each row the two features that raise its score most above the average, by a linear reading of the scores."""

    def __init__(self, encoder: Encoder, design: Design, model: Model, ranking: Ranking) -> None:
        told = model.out_of_fold if ranking is Ranking.UPLIFT else model.expected_out_of_fold
        self.names = encoder.names()
        self.middle = design.smooth.mean(axis=0, dtype=float)
        centred = design.smooth - self.middle
        ridge = np.eye(len(self.names)) * len(centred) * 1e-3
        self.weights = np.linalg.solve(centred.T @ centred + ridge, centred.T @ (told - told.mean()))

    def of(self, goal: Design) -> list[str]:
        raised = (goal.smooth - self.middle) * self.weights
        best = np.argsort(-raised, axis=1)[:, :2]
        lines = []
        for row, (ranked, values) in enumerate(zip(best, goal.smooth, strict=True)):
            said = [
                _said(self.names[one], float(values[one]), float(self.middle[one]))
                for one in ranked
                if raised[row, one] > 0
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


def _plain(column: Column) -> list[Any]:
    """Values as JSON has them; None where nothing is known."""
    if isinstance(column, Words):
        texts = (*column.levels, None)
        return [texts[code] for code in column.codes]
    return [None if value != value else int(value) if value.is_integer() else value for value in column.tolist()]
