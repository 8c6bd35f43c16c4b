"""Results teach the next week's plan what a message adds."""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta

import numpy as np
from django.db import connection
from numpy.typing import NDArray

from dure.campaigns import queries as campaigns
from dure.campaigns.values import Goal
from dure.kit.clock import KST
from dure.lift import errors, queries
from dure.lift.models import Result
from dure.targeting import actions as targeting
from dure.targeting import queries as habits
from dure.targeting.engine import effects
from dure.targeting.models import ScoreModel
from dure.targeting.queries import Histories
from dure.targeting.values import STRUCTURE, ModelName

LOOKED_BACK = timedelta(days=365)
PEOPLE_MOST, ROWS_MOST = 20_000, 1_000_000
"""People of one campaign, by lot, and rows in all, the newest campaigns first."""
SEED = 1


def learn_effects(*, by: str, at: datetime) -> ScoreModel:
    """Learn what a message adds from a year of results, each measured against its own holdout, judge it on campaigns that it has
    not seen, and keep it. Call it across shops. Refuses TooFewResults.

    Nobody's fate leaves: what is kept are an effect for each goal, a factor for each shop and one number that shapes both.
    """
    results = queries.results_to_learn_from(since=at - LOOKED_BACK)
    goals = sorted({result.campaign.goal for result in results})
    shops = sorted({result.shop.public_id for result in results})
    parts = list(_coins_of(results, goals, shops))
    if len(parts) < queries.RESULTS_TO_LEARN:
        raise errors.TooFewResults(there=len(parts), needed=queries.RESULTS_TO_LEARN)
    coins, begins = _together(parts)
    usual = effects.Effects(
        STRUCTURE, np.array([campaigns.usual_effect(Goal(goal)) for goal in goals]), np.ones(len(shops))
    )
    learned = effects.learn(coins, usual, seed=SEED)
    judged = learned.judged
    return targeting.keep_model(
        name=ModelName.EFFECT,
        parameters={
            "structure": learned.effects.structure,
            "effects": dict(zip(goals, learned.effects.goals.tolist(), strict=True)),
            "shops": dict(zip(shops, learned.effects.shops.tolist(), strict=True)),
        },
        from_on=begins.astimezone(KST).date(), until_on=at.astimezone(KST).date(), rows=len(coins.came),
        code_version=targeting.code_version(module=effects),
        calibration={"ratio": judged.ratio, "tenths": judged.tenths},
        gate={
            "passed": judged.passed, "learned_auuc": judged.learned, "usual_auuc": judged.usual,
            "response_auuc": judged.response, "over_usual_low": judged.over_usual,
            "over_response_low": judged.over_response, "campaigns": int(coins.campaign.max()) + 1,
        },
        by=by, at=at,
    )  # fmt: skip


def _coins_of(
    results: Sequence[Result], goals: list[str], shops: list[str]
) -> Iterator[tuple[datetime, effects.Coins]]:
    """Each campaign's people, newest campaign first, until there are enough."""
    dice, rows, place = np.random.default_rng(SEED), 0, 0
    for result in results:
        sent_at, reached, held = campaigns.groups_of(result.campaign)[0]
        groups = [np.array(group.to_array(), np.int64) for group in (reached, held)]
        if not all(len(group) for group in groups):
            continue
        persons = np.concatenate(groups)
        treated = np.arange(len(persons)) < len(groups[0])
        if len(persons) > PEOPLE_MOST:
            some = np.sort(dice.permutation(len(persons))[:PEOPLE_MOST])
            persons, treated = persons[some], treated[some]
        if not 0 < treated.sum() < len(treated):
            continue
        if rows + len(persons) > ROWS_MOST:
            return
        rows += len(persons)
        many = len(persons)
        yield sent_at, effects.Coins(
            np.full(many, place), np.full(many, goals.index(result.campaign.goal)),
            np.full(many, shops.index(result.shop.public_id)), *_lived(result, persons, sent_at, treated),
        )  # fmt: skip
        place += 1


def _lived(
    result: Result, persons: NDArray[np.int64], sent_at: datetime, treated: NDArray[np.bool_]
) -> tuple[NDArray[np.float64], NDArray[np.bool_], NDArray[np.float64], NDArray[np.float64]]:
    """What pulled each of them before the coin fell, who was written to, the chance of that, and who came in the window."""
    days = result.campaign.window_days
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT count(v.id)::float8, extract(epoch FROM %(at)s - min(v.at))::float8 / 86400,
                   extract(epoch FROM %(at)s - max(v.at))::float8 / 86400,
                   EXISTS (SELECT FROM ordering_bill b WHERE b.shop_id = %(shop)s AND b.person_id = g.person
                           AND b.settled_at >= %(at)s AND b.settled_at < %(end)s AND b.total > b.refunded)
            FROM unnest(%(persons)s::bigint[]) WITH ORDINALITY AS g (person, place)
            LEFT JOIN regulars_relation r ON r.shop_id = %(shop)s AND r.person_id = g.person
            LEFT JOIN regulars_countedvisit v ON v.relation_id = r.id AND v.at < %(at)s
            GROUP BY g.person, g.place ORDER BY g.place
            """,
            {
                "shop": result.shop_id, "persons": persons.tolist(), "at": sent_at,
                "end": sent_at + timedelta(days=days),
            },
        )  # fmt: skip
        rows = np.array(cursor.fetchall(), np.float64)
    known = np.flatnonzero(rows[:, 0] > 0)
    pull = np.zeros(len(persons))
    pull[known] = habits.pull_of(
        Histories(known, np.full(len(known), result.shop_id), rows[known, 0], rows[known, 1], rows[known, 2]), days=days
    )
    return pull, treated, np.full(len(persons), treated.mean()), rows[:, 3]


def _together(parts: Sequence[tuple[datetime, effects.Coins]]) -> tuple[effects.Coins, datetime]:
    """All campaigns' rows as one, and when the first of them went out."""
    columns = (np.concatenate([getattr(coins, name) for _, coins in parts]) for name in effects.Coins.__slots__)
    return effects.Coins(*columns), min(sent_at for sent_at, _ in parts)
