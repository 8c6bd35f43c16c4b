"""Who decides whom the shops of a lived town write to. Everything after the decision is the product's, whoever made it.

*Blast* hands its campaigns in for all friends. The others hand theirs in for the week's plan, each with as many messages: the
product freezes who may be written to, takes off who has refused or had enough, clears the market, certifies the plan, throws the
coin and sends. *Dure* is that and nothing else, and learns before each plan what there is to be learned. *Chance* and *RFM* put scores of
their own in the place of the product's, and so keep the same budgets, caps and holdouts to the letter.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import date, datetime, time, timedelta
from typing import Protocol

import numpy as np
from django.conf import settings
from django.db.models import Sum
from numpy.typing import NDArray

from dure.campaigns import actions as campaigns
from dure.campaigns import queries as campaign_queries
from dure.campaigns.errors import NothingToPlan
from dure.campaigns.models import WeekPlan
from dure.kit.clock import KST
from dure.kit.errors import Refused
from dure.lift import actions as lift
from dure.people.models import Person
from dure.regulars.models import Relation
from dure.shops import queries as shop_queries
from dure.targeting import actions as learners
from dure.targeting import queries as targeting
from dure.targeting.values import KEPT, ModelName, Offering
from dure.town.engine import diary
from dure.town.engine.world import Seen, World

BY = "town:lived"
LEARNS, PLANS = timedelta(hours=2, minutes=10), timedelta(hours=5, minutes=30)
"""After the midnight with which the week begins, in Korea: the hours of the jobs `targeting.learn` and `campaigns.plan_weeks`."""
RECENT = timedelta(weeks=5)
"""A point less for every five weeks since the last visit."""
Scored = tuple[NDArray[np.uint16], NDArray[np.float32]]


class Policy(Protocol):
    """`by_plan`: its campaigns wait for a plan of their week. `often`: how many messages a person gets in a week, at most."""

    key: str
    by_plan: bool
    often: int

    def most(self, shop: int) -> int | None:
        """How many messages a campaign of this shop may send; None: as many as it has friends."""
        ...

    def decide(self, week_on: date) -> None:
        """Once all campaigns of the week that begins on this Monday are handed in, before the first goes out."""
        ...


class Blast:
    """Each campaign to all of the shop's friends whom the product lets it write to."""

    key, by_plan = "blast", False

    def __init__(self) -> None:
        self.often = settings.AD_CAPS[1]

    def most(self, shop: int) -> int | None:
        return None

    def decide(self, week_on: date) -> None:
        pass


class Dure:
    """The product's own plan. Call it across shops. A shop that writes every second week has two weeks' messages for it."""

    key, by_plan = "dure", True

    def __init__(self, seen: Seen, seed: int) -> None:
        self.seen, self.seed, self.often = seen, seed, 0
        self.planned: Counter[str] = Counter()
        """People who were chosen for messages, before the coin, by what ranked them: the `usual` effects, `learned` ones."""
        self.refused: Counter[str] = Counter()
        """Why nothing new was put into use when it was to be learned, by model."""

    def most(self, shop: int) -> int | None:
        return int(self.seen.budget[shop]) * diary.EVERY

    def decide(self, week_on: date) -> None:
        midnight = datetime.combine(week_on, time(), KST)
        self._learn(midnight + LEARNS)
        try:
            plan = campaigns.plan_week(week_on=week_on, by=BY, at=midnight + PLANS)
        except NothingToPlan:
            return
        plan = self._score(plan, midnight + PLANS)
        self.often = plan.cap
        self.planned[self._by()] += campaign_queries.parts_of_plan(plan).aggregate(used=Sum("used"))["used"]

    def _by(self) -> str:
        return "learned" if targeting.model_in_use(ModelName.EFFECT) else "usual"

    def _learn(self, at: datetime) -> None:
        """As `dure targeting learn` does, which the job calls."""
        for name, learn in ((ModelName.VISITS, learners.learn_visits), (ModelName.EFFECT, lift.learn_effects)):
            try:
                learners.activate_model(model=learn(by=BY, at=at), by=BY, at=at)
            except Refused as refusal:
                self.refused[f"{name}: {refusal.code}"] += 1

    def _score(self, plan: WeekPlan, at: datetime) -> WeekPlan:
        return campaigns.advance_plan(plan=plan, at=at)


class Chance(Dure):
    """Whoever the lot falls on."""

    key = "chance"

    def _by(self) -> str:
        return self.key

    def _learn(self, at: datetime) -> None:
        """Nothing: what it goes by is not learned."""

    def _score(self, plan: WeekPlan, at: datetime) -> WeekPlan:
        return campaigns.advance_plan(plan=plan, at=at, score=self.score)

    def score(
        self, *, persons: NDArray[np.uint32], pair_row: NDArray[np.int64], pair_place: NDArray[np.uint16],
        offerings: Sequence[Offering], at: datetime,
    ) -> Scored:  # fmt: skip
        return _best(len(persons), pair_row, pair_place, self._lots(len(pair_row), at))

    def _lots(self, many: int, at: datetime) -> NDArray[np.float64]:
        """(many,): lots in (0, 1]."""
        return 1 - np.random.default_rng((self.seed, at.toordinal())).random(many)


class Rfm(Chance):
    """Recency, frequency, spend: each shop's own guests first, who came lately, often and spend most anywhere; the rule of
    `engine/policies.py` on what the product wrote down."""

    key = "rfm"

    def score(
        self, *, persons: NDArray[np.uint32], pair_row: NDArray[np.int64], pair_place: NDArray[np.uint16],
        offerings: Sequence[Offering], at: datetime,
    ) -> Scored:  # fmt: skip
        known = targeting.histories_of(persons, at=at)
        shops = np.array([one.shop for one in offerings], np.int64)
        width = int(max(shops.max(), known.shop.max(initial=0))) + 1
        asked, there = pair_row * width + shops[pair_place], known.row * width + known.shop
        met = np.isin(asked, there)
        place = np.searchsorted(there, asked[met])
        points = np.zeros(len(asked))
        recent = np.clip(5 - known.last // RECENT.days, 1, 5)
        points[met] = (10 + recent + np.minimum(known.visits, 5))[place]
        spends = _fifths(_spent(persons))[pair_row]
        return _best(len(persons), pair_row, pair_place, points + spends + 0.5 * self._lots(len(asked), at))


class Oracle(Chance):
    """Is told what every message would truly do, to people who are not tired: as far as the same plan could get."""

    key = "oracle"

    def __init__(self, world: World) -> None:
        super().__init__(world.seen, world.seed)
        self.world = world

    def score(
        self,
        *,
        persons: NDArray[np.uint32],
        pair_row: NDArray[np.int64],
        pair_place: NDArray[np.uint16],
        offerings: Sequence[Offering],
        at: datetime,
    ) -> Scored:
        # The town settles its people and opens its shops in the order of their numbers in it.
        people = np.array(Person.objects.filter(email__isnull=True).order_by("pk").values_list("pk", flat=True))
        shops = np.array(shop_queries.open_shops().order_by("pk").values_list("pk", flat=True))
        who = np.searchsorted(people, persons)[pair_row]
        where = np.searchsorted(shops, [one.shop for one in offerings])[pair_place]
        effect = self.world.effect[who, diary.edges_to(self.world, who, where)]
        return _best(len(persons), pair_row, pair_place, np.maximum(effect, 0).astype(float))


def _spent(persons: NDArray[np.uint32]) -> NDArray[np.float64]:
    """(n,): won that each has paid anywhere."""
    rows = Relation.objects.filter(person__in=persons.tolist(), left_at__isnull=True)
    spent = dict(rows.values_list("person").annotate(Sum("spend")).order_by())
    return np.array([spent.get(person, 0) for person in persons.tolist()], float)


def _fifths(spent: NDArray[np.float64]) -> NDArray[np.int64]:
    """(n,): 1 to 5 by the fifth of those who spent anything, 0 for all others."""
    some = spent[spent > 0]
    steps = np.quantile(some, [0.2, 0.4, 0.6, 0.8]) if len(some) else np.zeros(4)
    return np.where(spent > 0, 1 + np.searchsorted(steps, spent), 0)


def _best(people: int, row: NDArray[np.int64], place: NDArray[np.uint16], value: NDArray[np.float64]) -> Scored:
    """Each person's best campaigns and what they are worth, both (people, KEPT), best first, from pairs sorted by person."""
    order = np.lexsort((-value, row))
    nth = np.arange(len(row)) - np.searchsorted(row, row)
    kept = nth < KEPT
    campaign, worth = np.zeros((people, KEPT), np.uint16), np.zeros((people, KEPT), np.float32)
    campaign[row[kept], nth[kept]], worth[row[kept], nth[kept]] = place[order][kept], value[order][kept]
    return campaign, worth
