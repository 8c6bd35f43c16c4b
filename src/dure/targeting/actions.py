"""Models are learned, kept, put into use and taken back. Nothing is ever changed: a new model is a new row."""

import hashlib
import inspect
from collections.abc import Mapping
from datetime import date, datetime, timedelta
from importlib.metadata import version
from types import ModuleType
from typing import Any

import numpy as np
from django.db import connection, transaction
from numpy.typing import NDArray

from dure.kit import ids
from dure.kit.clock import KST
from dure.targeting import errors, queries, rules
from dure.targeting.models import ModelStep, ScoreModel
from dure.targeting.values import ModelName

HISTORIES_MOST = 200_000


def keep_model(
    *,
    name: ModelName,
    parameters: Mapping[str, Any],
    from_on: date,
    until_on: date,
    rows: int,
    code_version: str,
    calibration: Mapping[str, Any],
    gate: Mapping[str, Any],
    by: str,
    at: datetime,
) -> ScoreModel:
    """Write a model into the registry, a bad one too, with its fault. It is used only once `activate_model` puts it into use."""
    with transaction.atomic():
        _one_at_a_time(name)
        last = ScoreModel.objects.filter(name=name).order_by("-version").values_list("version", flat=True).first()
        return ScoreModel.objects.create(
            public_id=ids.new_public_id("mdl"), name=name, version=(last or 0) + 1, parameters=dict(parameters),
            from_on=from_on, until_on=until_on, rows=rows, code_version=code_version, calibration=dict(calibration),
            gate=dict(gate), fault=rules.fault_of(name, parameters, calibration, gate), by=by, at=at,
        )  # fmt: skip


def activate_model(*, model: ScoreModel, by: str, at: datetime) -> ModelStep:
    """Put a model into use. Refuses ModelUnfit for one with a fault. Safe to repeat."""
    name = ModelName(model.name)
    with transaction.atomic():
        _one_at_a_time(name)
        fault = queries.fault_in(model)
        if fault:
            raise errors.ModelUnfit(why=fault)
        last = queries.steps_of(name).last()
        if last and last.model_id == model.pk:
            return last
        return ModelStep.objects.create(name=name, model=model, by=by, at=at)


def roll_back(*, name: ModelName, reason: str = "", by: str, at: datetime) -> ScoreModel | None:
    """Bring back the model that was in use before the present one; None where there was none, and what is usual serves. Refuses
    NothingToRollBack."""
    with transaction.atomic():
        _one_at_a_time(name)
        stack = rules.in_use(queries.steps_of(name).values_list("model_id", "back"))
        if not stack:
            raise errors.NothingToRollBack
        before = ScoreModel.objects.get(pk=stack[-2]) if len(stack) > 1 else None
        ModelStep.objects.create(name=name, model=before, back=True, by=by, reason=reason, at=at)
        return before


def _one_at_a_time(name: ModelName) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtext(%s))", [f"targeting:{name}"])


def learn_visits(*, by: str, at: datetime) -> ScoreModel:
    """Learn from all friends' visits how often people come by themselves, judge it on the last four weeks, which it does not see,
    and keep it. Call it across shops. Refuses TooFewHistories below 500."""
    from dure.targeting.engine import visits

    until = at - timedelta(weeks=rules.WEEKS_JUDGED)
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM regulars_relation WHERE visits > 0")
        every = max(1, cursor.fetchone()[0] // HISTORIES_MOST)
        cursor.execute(
            """
            SELECT count(*) FILTER (WHERE at < %(until)s) - 1,
                   extract(epoch FROM max(at) FILTER (WHERE at < %(until)s) - min(at))::float8 / 86400,
                   extract(epoch FROM %(until)s - min(at))::float8 / 86400,
                   count(*) FILTER (WHERE at >= %(until)s), min(at)
            FROM regulars_countedvisit WHERE relation_id %% %(every)s = 0 AND at < %(at)s
            GROUP BY relation_id HAVING min(at) < %(until)s
            """,
            {"until": until, "at": at, "every": every},
        )
        rows = cursor.fetchall()
    if len(rows) < rules.FEWEST_HISTORIES:
        raise errors.TooFewHistories(there=len(rows), needed=rules.FEWEST_HISTORIES)
    x, last, known, came = (np.array([row[n] for row in rows], float) for n in range(4))
    # Two visits within one day are one to a model of days.
    again = np.where(last >= 1.0, x, 0.0)
    last = np.where(again > 0, last, 0.0)
    habits = visits.fit(again, last, known)
    foretold = visits.expected_visits(habits, again, last, known, rules.WEEKS_JUDGED * 7)
    return keep_model(
        name=ModelName.VISITS,
        parameters={"r": habits.r, "alpha": habits.alpha, "a": habits.a, "b": habits.b},
        from_on=min(row[4] for row in rows).astimezone(KST).date(), until_on=at.astimezone(KST).date(), rows=len(rows),
        code_version=code_version(module=visits), calibration=calibration_of(foretold=foretold, came=came), gate={}, by=by, at=at,
    )  # fmt: skip


def calibration_of(*, foretold: NDArray[np.float64], came: NDArray[np.float64]) -> dict[str, Any]:
    """What came beside what was foretold: their ratio in all, and both by tenths of what was foretold."""
    order = np.argsort(foretold, kind="stable")
    tenths = [part for part in np.array_split(order, 10) if len(part)]
    total = float(foretold.sum())
    return {
        "ratio": float(came.sum()) / total if total > 0 else None,
        "tenths": [[round(float(foretold[part].mean()), 5), round(float(came[part].mean()), 5)] for part in tenths],
    }


def code_version(*, module: ModuleType) -> str:
    """Dure's version, and the fingerprint of the code that learned."""
    return f"{version('dure')}+{hashlib.sha256(inspect.getsource(module).encode()).hexdigest()[:12]}"
