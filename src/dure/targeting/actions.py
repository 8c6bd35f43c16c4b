"""Models are learned, kept, put into use and taken back: nothing is ever changed, a new model is a new row. And what is suggested at the
basket and over the menu."""

import hashlib
import inspect
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import date, datetime, timedelta
from importlib.metadata import version
from types import ModuleType
from typing import Any, TypeVar

import numpy as np
from django.db import connection, transaction
from numpy.typing import NDArray

from dure.kit import ids
from dure.kit.clock import KST
from dure.menu.models import Item
from dure.ordering.models import Visit
from dure.people.models import Person
from dure.people.values import Purpose, shop_sender
from dure.shops import queries as shops
from dure.targeting import errors, queries, rules
from dure.targeting.models import ModelStep, Pairing, ScoreModel, Sequel, Suggestion
from dure.targeting.values import PEOPLE_LEAST, ModelName, Place

T = TypeVar("T")

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


def learn_pairings(*, at: datetime) -> int:
    """Learn anew, for every shop, what is ordered together more often than apart, and keep the best few additions of each item;
    how many were kept. Call it across shops. Safe to repeat.

    Orders of visits that were shown a suggestion are not looked at: what was suggested would prove itself. The shop's own count is
    shrunk towards what shops of its kind in its district, else of its kind anywhere, see of two dishes with these names.
    """
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtext('targeting:pairings'))")
        Pairing.objects.all().delete()
        asked: dict[str, Any] = {
            "since": at - timedelta(days=rules.PAIRED_DAYS), "at": at, "least": rules.PAIRED_LEAST, "doubt": rules.PAIRED_DOUBT,
            "shops": rules.PAIRED_SHOPS, "extra": rules.EXTRA_LEAST, "kept": rules.PAIRED_KEPT,
        }  # fmt: skip
        with _gathered(cursor, PAIRING_STEPS, asked):
            cursor.execute(PAIRINGS, asked)
            return int(cursor.rowcount)


@contextmanager
def _gathered(cursor: Any, steps: Iterable[tuple[str, str]], asked: Mapping[str, Any]) -> Iterator[None]:
    """Inside the block there is a temporary table of each step, made of those before it. Each is counted as soon as it is there: a
    planner who took thousands of rows for one would begin anew for every one of them."""
    made = []
    for table, rows in steps:
        cursor.execute(f"CREATE TEMPORARY TABLE {table} ON COMMIT DROP AS {rows}", asked)
        cursor.execute(f"ANALYZE {table}")
        made.append(table)
    yield
    cursor.execute(f"DROP TABLE {', '.join(made)}")


PAIRING_STEPS = (
    (
        "pairing_line",
        """
    SELECT DISTINCT o.shop_id, o.id AS of, l.item_id AS item, s.category, s.district, lower(i.name->>'ko') AS called
    FROM ordering_order o
    JOIN ordering_orderline l ON l.order_id = o.id
    JOIN menu_item i ON i.id = l.item_id
    JOIN shops_shop s ON s.id = o.shop_id
    WHERE o.received_at >= %(since)s AND o.received_at < %(at)s AND o.state <> 'refused' AND l.struck_at IS NULL AND NOT i.alcohol
      AND NOT EXISTS (SELECT 1 FROM targeting_suggestion g WHERE g.visit_id = o.visit_id AND g.shown)
        """,
    ),
    (
        "pairing_every",
        """
    SELECT shop_id, count(DISTINCT of)::float8 AS n FROM pairing_line GROUP BY shop_id
        """,
    ),
    (
        "pairing_one",
        """
    SELECT shop_id, item, category, district, called, count(*)::float8 AS n FROM pairing_line GROUP BY 1, 2, 3, 4, 5
        """,
    ),
    (
        "pairing_together",
        """
    SELECT a.shop_id, a.item, b.item AS addition, count(*)::float8 AS n FROM pairing_line a JOIN pairing_line b ON b.of = a.of AND b.item <> a.item
    GROUP BY 1, 2, 3
        """,
    ),
    (
        "pairing_pair",
        """
    SELECT x.shop_id, x.item, y.item AS addition, x.category, x.district, x.called, y.called AS with_called, x.n AS n_item,
           y.n / e.n AS usual, coalesce(t.n, 0) AS n, x.n * y.n / e.n AS by_chance
    FROM pairing_one x JOIN pairing_one y ON y.shop_id = x.shop_id AND y.item <> x.item JOIN pairing_every e ON e.shop_id = x.shop_id
    LEFT JOIN pairing_together t ON t.shop_id = x.shop_id AND t.item = x.item AND t.addition = y.item
        """,
    ),
)

PAIRINGS = """
WITH near AS (
    SELECT category, district, called, with_called, sum(n) / sum(by_chance) AS lift FROM pairing_pair
    GROUP BY 1, 2, 3, 4 HAVING count(DISTINCT shop_id) >= %(shops)s
), far AS (
    SELECT category, called, with_called, sum(n) / sum(by_chance) AS lift FROM pairing_pair
    GROUP BY 1, 2, 3 HAVING count(DISTINCT shop_id) >= %(shops)s
), told AS (
    SELECT p.shop_id, p.item, p.addition, p.n,
           (p.n + %(doubt)s * least(0.95, p.usual * coalesce(near.lift, far.lift, 1))) / (p.n_item + %(doubt)s) - p.usual AS extra
    FROM pairing_pair p LEFT JOIN near USING (category, district, called, with_called) LEFT JOIN far USING (category, called, with_called)
    WHERE p.n >= %(least)s
)
INSERT INTO targeting_pairing (shop_id, item_id, addition_id, extra, orders)
SELECT shop_id, item, addition, extra, n FROM (
    SELECT *, row_number() OVER (PARTITION BY shop_id, item ORDER BY extra DESC, addition) AS place FROM told WHERE extra >= %(extra)s
) ranked WHERE place <= %(kept)s
"""


def learn_sequels(*, at: datetime) -> int:
    """Learn anew, for every shop, what friends choose next: of a dish that somebody had, which other one they first had on a later
    visit, and what sells best; how many were kept. Call it across shops. Safe to repeat.

    Only visits of friends count who agree that what they order is looked at for their taste, only what they paid for, and of one
    person each pair once. A chance is shrunk towards what those who come again choose anyway. A visit that was shown a suggestion
    proves nothing: what was first had there is left out on both sides.
    """
    last = shops.open_shops().order_by("-id").values_list("id", flat=True).first() or 0
    return sum(_learn_sequels(low, low + rules.SHOPS_AT_ONCE, at) for low in range(0, last, rules.SHOPS_AT_ONCE))


@transaction.atomic
def _learn_sequels(low: int, high: int, at: datetime) -> int:
    """The same for the shops whose numbers are above `low`, up to `high`."""
    asked: dict[str, Any] = {
        "since": at - timedelta(days=rules.SEQUEL_DAYS), "at": at, "least": PEOPLE_LEAST, "doubt": rules.SEQUEL_DOUBT,
        "extra": rules.EXTRA_LEAST, "kept": rules.SEQUEL_KEPT, "best": rules.BEST_KEPT, "low": low, "high": high,
        "recent": at - timedelta(days=rules.PAIRED_DAYS), "taste": Purpose.TASTE, "sender": shop_sender(""),
    }  # fmt: skip
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtext('targeting:sequels'))")
        Sequel.objects.filter(shop_id__gt=low, shop_id__lte=high).delete()
        with _gathered(cursor, SEQUEL_STEPS, asked):
            cursor.execute(SEQUELS, asked)
            kept = cursor.rowcount
            cursor.execute(BEST_SELLERS, asked)
            return int(kept + cursor.rowcount)


SEQUEL_STEPS = (
    (
        "sequel_line",
        """
    SELECT DISTINCT o.shop_id, b.person_id AS person, v.opened_at AS at, l.item_id AS item,
           EXISTS (SELECT 1 FROM targeting_suggestion g WHERE g.visit_id = v.id AND g.shown) AS shown
    FROM ordering_order o
    JOIN ordering_bill b ON b.id = o.bill_id AND b.settled_at IS NOT NULL
    JOIN ordering_visit v ON v.id = o.visit_id
    JOIN shops_shop s ON s.id = o.shop_id
    JOIN people_standing t ON t.sender = %(sender)s || s.public_id AND t.purpose = %(taste)s AND t.person_id = b.person_id AND t.granted
    JOIN ordering_orderline l ON l.order_id = o.id
    JOIN menu_item i ON i.id = l.item_id
    WHERE o.shop_id > %(low)s AND o.shop_id <= %(high)s AND o.received_at >= %(since)s AND o.received_at < %(at)s
      AND o.state <> 'refused' AND l.struck_at IS NULL AND NOT i.alcohol
        """,
    ),
    (
        "sequel_first",
        """
    SELECT DISTINCT ON (shop_id, person, item) shop_id, person, item, at, shown FROM sequel_line ORDER BY shop_id, person, item, at
        """,
    ),
    (
        "sequel_back",
        """
    SELECT shop_id, person, min(at) AS began, max(at) FILTER (WHERE NOT shown) AS until FROM sequel_line GROUP BY 1, 2
        """,
    ),
    (
        "best_line",
        """
    SELECT DISTINCT o.shop_id, o.id AS of, o.device_id, l.item_id AS item
    FROM ordering_order o JOIN ordering_orderline l ON l.order_id = o.id JOIN menu_item i ON i.id = l.item_id
    WHERE o.shop_id > %(low)s AND o.shop_id <= %(high)s AND o.received_at >= %(recent)s AND o.received_at < %(at)s
      AND o.state <> 'refused' AND l.struck_at IS NULL AND NOT i.alcohol
      AND NOT EXISTS (SELECT 1 FROM targeting_suggestion g WHERE g.visit_id = o.visit_id AND g.shown)
        """,
    ),
)

SEQUELS = """
WITH came AS (
    SELECT f.*, b.began FROM sequel_first f JOIN sequel_back b USING (shop_id, person) WHERE b.began < b.until
), again AS (SELECT shop_id, count(DISTINCT person)::float8 AS n FROM came GROUP BY 1),
usual AS (
    SELECT c.shop_id, c.item, coalesce(
        count(*) FILTER (WHERE at > began AND NOT shown)
        / nullif(a.n - count(*) FILTER (WHERE at = began OR shown), 0), 0) AS share
    FROM came c JOIN again a USING (shop_id) GROUP BY c.shop_id, c.item, a.n
), one AS (
    SELECT f.shop_id, f.item, count(*)::float8 AS n FROM sequel_first f JOIN sequel_back b USING (shop_id, person) WHERE f.at < b.until GROUP BY 1, 2
), pair AS (
    SELECT x.shop_id, x.item, y.item AS dish, count(*) FILTER (WHERE y.at > x.at AND NOT y.shown) AS n,
           count(*) FILTER (WHERE y.at <= x.at OR y.shown) AS apart
    FROM sequel_first x JOIN sequel_back b USING (shop_id, person) JOIN sequel_first y ON y.shop_id = x.shop_id AND y.person = x.person AND y.item <> x.item
    WHERE x.at < b.until
    GROUP BY 1, 2, 3 HAVING count(*) FILTER (WHERE y.at > x.at AND NOT y.shown) >= %(least)s
), told AS (
    SELECT p.shop_id, p.item, p.dish, p.n, u.share,
           (p.n + %(doubt)s * u.share) / (o.n - p.apart + %(doubt)s) AS chance
    FROM pair p JOIN one o ON o.shop_id = p.shop_id AND o.item = p.item JOIN usual u ON u.shop_id = p.shop_id AND u.item = p.dish
)
INSERT INTO targeting_sequel (shop_id, item_id, dish_id, chance, people)
SELECT shop_id, item, dish, chance, n FROM (
    SELECT *, row_number() OVER (PARTITION BY shop_id, item ORDER BY chance DESC, dish) AS place FROM told
    WHERE chance - share >= %(extra)s
) ranked WHERE place <= %(kept)s
"""

BEST_SELLERS = """
WITH every AS (SELECT shop_id, count(DISTINCT of)::float8 AS n FROM best_line GROUP BY 1)
INSERT INTO targeting_sequel (shop_id, item_id, dish_id, chance, people)
SELECT shop_id, NULL, item, chance, people FROM (
    SELECT l.shop_id, l.item, count(*) / e.n AS chance, count(DISTINCT l.device_id) AS people,
           row_number() OVER (PARTITION BY l.shop_id ORDER BY count(*) DESC, l.item) AS place
    FROM best_line l JOIN every e ON e.shop_id = l.shop_id GROUP BY l.shop_id, l.item, e.n
) ranked WHERE place <= %(best)s AND people >= %(least)s
"""


def suggest_addition(*, visit: Visit, items: Collection[int], held: bool, at: datetime) -> Item | None:
    """The one item to suggest beside these items (ids) in the visit's basket; None where there is none, or where the coin left the visit
    alone (`held`). The first time there is one it is written down, for both groups alike; a visit is suggested one item, whatever
    comes into its basket later. Safe to repeat."""
    return _let_by_coin(
        visit, Place.BASKET, held, at, lambda only: queries.addition_to(visit.shop_id, items, only), lambda found: found
    )


def suggest_next(*, visit: Visit, person: Person, beside: Collection[int], held: bool, at: datetime) -> Sequel | None:
    """The one dish to offer this friend over the menu, with what it follows, not among the items (ids) in the basket; None where
    there is none (see `queries.next_dish`) or where the coin left the visit alone (`held`). Written down like an addition, apart
    from it: a visit is offered one dish, whoever of the table looks. Safe to repeat."""

    def find(only: int | None) -> Sequel | None:
        return queries.next_dish(visit.shop, person, visit=visit, beside=beside, only=only)

    return _let_by_coin(visit, Place.MENU, held, at, find, lambda found: found.dish)


def _let_by_coin(
    visit: Visit,
    place: Place,
    held: bool,
    at: datetime,
    find: Callable[[int | None], T | None],
    dish: Callable[[T], Item],
) -> T | None:
    """What `find` finds for this visit, written down once for both groups; afterwards only that dish, as far as it still fits."""
    known = (
        Suggestion.objects.filter(shop_id=visit.shop_id, visit=visit, place=place)
        .values_list("item_id", "shown")
        .first()
    )
    if known is None:
        found = find(None)
        if found is None:
            return None
        row = Suggestion(shop_id=visit.shop_id, visit=visit, place=place, item=dish(found), shown=not held, at=at)
        Suggestion.objects.bulk_create([row], ignore_conflicts=True)
        return None if held else found
    item, shown = known
    return find(item) if shown and item else None


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
