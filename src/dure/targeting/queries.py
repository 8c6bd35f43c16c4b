"""Everything that targeting can tell of the people that the database knows: scores for a week's campaigns, models, reasons."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, TypeVar

import numpy as np
from django.db import connection
from django.db.models import Exists, F, Model, OuterRef, Q, QuerySet
from django.db.models.lookups import IsNull

from dure.kit.language import Text
from dure.menu.models import Item, OptionGroup
from dure.ordering import queries as ordering
from dure.ordering.models import Visit
from dure.people import queries as people
from dure.people.models import Person
from dure.people.values import Purpose, shop_sender
from dure.shops.models import Shop
from dure.targeting import rules
from dure.targeting.errors import NoSuchModel
from dure.targeting.models import ModelStep, Pairing, ScoreModel, Sequel
from dure.targeting.values import STRUCTURE, ModelName, Offering, Why

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from dure.targeting.engine.visits import Habits

M = TypeVar("M", bound=Model)


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


@dataclass(frozen=True, slots=True)
class KnownEffects:
    """What a message adds, as far as the network's own holdouts have shown it: by goal, by shop (public id) as a factor, and how
    far both follow the visits that come anyway."""

    structure: float
    goals: Mapping[str, float]
    shops: Mapping[str, float]

    def of(self, *, goal: str, shop: str, usual: float) -> float:
        """Extra visits that a message with this goal from this shop brings on average; `usual` where nothing was learned."""
        return self.goals.get(goal, usual) * self.shops.get(shop, 1.0)


def effects() -> KnownEffects:
    """What a message adds: the registry's model, or nothing but the usual structure."""
    model = model_in_use(ModelName.EFFECT)
    if model is None:
        return KnownEffects(STRUCTURE, {}, {})
    return KnownEffects(model.parameters["structure"], model.parameters["effects"], model.parameters["shops"])


def pull_of(histories: Histories, *, days: float) -> NDArray[np.float64]:
    """What pulls each pair anyway, (pairs,): the root of its expected visits within `days`, in those of a typical friend."""
    usual = habits()
    return np.sqrt(expected_within(histories, days=days) / (usual.r / usual.alpha * days))


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
    structure = effects().structure
    pull = structure * pull_of(known, days=days)
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


def addition_to(shop: int, items: Collection[int], only: int | None = None) -> Item | None:
    """What these items (ids) of a basket want most beside them, `only` that one where it is named: on the menu, not sold out, without
    an age limit, not in the basket, and ordered with one tap, so with no choice to make."""
    wanted = Pairing.objects.filter(shop_id=shop, item_id__in=items)
    best = _fit_to_suggest(wanted, "addition", beside=items, only=only).order_by("-extra", "addition_id").first()
    return best.addition if best else None


def next_dish(
    shop: Shop, person: Person, *, visit: Visit, beside: Collection[int], only: int | None = None
) -> Sequel | None:
    """What this friend is likeliest to choose next of what they have not ordered here yet, after something they paid for on an
    earlier visit; the best seller they have not had where nothing is known to follow. `only` that dish where it is named, nothing
    that is in the basket (`beside`: ids). None for whoever has not agreed to be offered what fits their taste: then what they
    ordered is not even read."""
    if not people.consent_holds(person, shop_sender(shop.public_id), Purpose.TASTE):
        return None
    had = ordering.dishes_had(person, shop)
    earlier = {item for item, at, paid in had if paid and at is not None and at != visit.pk}
    if not earlier:
        return None
    after = Sequel.objects.filter(Q(item__in=earlier) | Q(item__isnull=True), shop=shop).select_related("item")
    fit = _fit_to_suggest(after, "dish", beside={*beside, *(item for item, _, _ in had)}, only=only)
    return fit.order_by(IsNull(F("item"), True), "-chance", "dish_id").first()


def _fit_to_suggest(rows: QuerySet[M], dish: str, *, beside: Collection[int], only: int | None) -> QuerySet[M]:
    """Of rows whose `dish` names an item those of items on the menu, not sold out, without an age limit, with no choice to make, so
    that one tap orders them, and not among `beside` (ids)."""
    to_choose = OptionGroup.objects.filter(shop_id=OuterRef("shop_id"), item_id=OuterRef(f"{dish}_id"), least__gt=0)
    free = {f"{dish}__retired_at__isnull": True, f"{dish}__sold_out": False, f"{dish}__alcohol": False}
    named = {} if only is None else {f"{dish}_id": only}
    fit = rows.filter(**free, **named).exclude(**{f"{dish}_id__in": beside}).exclude(Exists(to_choose))
    return fit.select_related(dish)
