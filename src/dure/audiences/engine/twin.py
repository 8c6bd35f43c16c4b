"""A twin of the country: invented people drawn from noised marginals of the real ones.

Whoever may ask the twin anything learns no more than the marginals below told, once, at a total epsilon of at most one:

- where people live: dong × sex × band of five years, dong alone, and 시군구 × year of age × sex;
- how common each bit (a taste, a consent, …) is: by activity, sex and band, and by 시군구;
- how bits go together: the pairs, by four groups of age;
- how numbers are spread: by activity, sex and band, in bins.

Activity is whether somebody was seen in these 90 days, earlier, or never. Most of what is known of people hangs on it, and sharply: who
was never seen consented to nothing. No copula bends to that, so it is a cell like sex and age.

A person counts in each marginal with at most so many bits (`BITS_MAX`, `PAIR_BITS_MAX`; more are dropped by chance), so noise
has a fixed scale. From the marginals people are drawn through a Gaussian copula: for each bit and each number a normal deviate
with the correlations that give the noised pairs (tetrachoric, solved within the cells of sex and band), cut where the cell's
noised share says. Pairs are thus kept; triples follow as far as pairs determine them.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, logit, ndtri

from dure.audiences.engine.noise import noised_all
from dure.audiences.engine.traits import Kind, Schema, Trait

BANDS = 21
BITS_MAX = 40
PAIR_BITS_MAX = 40
GROUPS = np.array([0] * 4 + [1] * 4 + [2] * 4 + [3] * 9)
"""Which of four groups of age (under 20, under 40, under 60, older) a band belongs to."""
LEADER, RECENT = "last_seen", 90
"""The number that says how active somebody is: below RECENT, RECENT and more, unknown."""
ACTIVITIES = 3
BINS = 24
BINS_BELOW = 9
CHUNK = 1 << 16

EPSILONS: Mapping[str, float] = {
    "dong x sex x band": 0.20,
    "dong": 0.03,
    "district x age x sex": 0.07,
    "bits by activity x sex x band": 0.12,
    "bits by district": 0.12,
    "pairs of bits by group of age": 0.38,
    "numbers by activity x sex x band": 0.06,
}
"""What each release costs a person; together 0.98."""

Columns = Mapping[str, NDArray[np.int64]]


@dataclass(frozen=True)
class Plan:
    """What of a schema becomes bits and numbers: sets are bits; numbers but the age are numbers with bins."""

    schema: Schema
    sets: tuple[Trait, ...]
    numbers: tuple[Trait, ...]

    @classmethod
    def of(cls, schema: Schema) -> "Plan":
        sets = tuple(t for t in schema if t.kind is Kind.SET)
        return cls(schema, sets, tuple(t for t in schema if t.kind is Kind.NUMBER and t.name != "age"))

    @property
    def bits(self) -> int:
        return sum(len(t.values) for t in self.sets)

    @property
    def width(self) -> int:
        """Columns of the copula: the bits, then one threshold for each number."""
        return self.bits + len(self.numbers)

    @staticmethod
    def edges(trait: Trait) -> NDArray[np.int64]:
        """The lower ends of a number's bins, finer where numbers are small; unknown is one more bin,
        after the last: who was never seen was seen longest ago. Fixed, not looked up."""
        span = trait.high - trait.low + 1
        steps = np.rint(np.geomspace(1, span + 1, BINS)).astype(np.int64) - 1
        steps = np.unique(np.append(steps, RECENT - trait.low) if trait.name == LEADER else steps)
        return trait.low + steps[steps < span]

    @property
    def leader(self) -> int | None:
        """Which of the numbers says how active somebody is; where none does, everybody is alike."""
        return next((place for place, trait in enumerate(self.numbers) if trait.name == LEADER), None)

    def activity(self, columns: Columns) -> NDArray[np.int64]:
        """0, 1 or 2 for each person: seen lately, earlier, never."""
        if self.leader is None:
            return np.zeros(len(columns["sex"]), np.int64)
        seen = columns[LEADER]
        return np.where(seen < self.numbers[self.leader].low, 2, (seen >= RECENT).astype(np.int64))

    def rows(self, columns: Columns) -> NDArray[np.bool_]:
        """[people, bits] of truths."""
        parts = [(columns[t.name][:, None] >> np.arange(len(t.values), dtype=np.int64)) & 1 for t in self.sets]
        return np.concatenate(parts, axis=1).astype(bool)


@dataclass
class Marginals:
    """The sums, exact until `noised`: see the module. Shapes: home [dong, 2, 21], age [district, 2, years], bits
    [3, 2, 21, bits], local [district, bits], pairs [4, width, width], numbers a list of [3, 2, 21, bins]."""

    plan: Plan
    dongs: NDArray[np.int64]
    districts: NDArray[np.int64]
    home: NDArray[np.int64]
    dong: NDArray[np.int64]
    age: NDArray[np.int64]
    bits: NDArray[np.int64]
    local: NDArray[np.int64]
    pairs: NDArray[np.int64]
    numbers: list[NDArray[np.int64]]
    epsilons: dict[str, float] = field(default_factory=dict)


YEARS = 105


def measure(blocks: Iterable[Columns], schema: Schema, dongs: Iterable[int], seed: int) -> Marginals:
    """The exact marginals of people that come in blocks. `dongs` are the public codes of all 읍면동; `seed` chooses which bits
    of a person with too many are dropped."""
    plan = Plan.of(schema)
    codes = np.array(sorted(dongs), dtype=np.int64)
    districts = np.unique(codes // 100_000)
    made = Marginals(
        plan,
        codes,
        districts,
        home=np.zeros((len(codes), 2, BANDS), np.int64),
        dong=np.zeros(len(codes), np.int64),
        age=np.zeros((len(districts), 2, YEARS), np.int64),
        bits=np.zeros((ACTIVITIES, 2, BANDS, plan.bits), np.int64),
        local=np.zeros((len(districts), plan.bits), np.int64),
        pairs=np.zeros((4, plan.width, plan.width), np.int64),
        numbers=[np.zeros((ACTIVITIES, 2, BANDS, len(Plan.edges(t)) + 1), np.int64) for t in plan.numbers],
    )
    chance = np.random.default_rng(seed)
    for block in blocks:
        _add(made, block, chance)
    made.dong = made.home.sum(axis=(1, 2))
    return made


def _add(made: Marginals, block: Columns, chance: np.random.Generator) -> None:
    plan = made.plan
    known = (block["sex"] >= 0) & (block["age"] >= 0) & np.isin(block["region"], made.dongs)
    block = {name: column[known] for name, column in block.items()}
    dong = np.searchsorted(made.dongs, block["region"])
    district = np.searchsorted(made.districts, block["region"] // 100_000)
    sex, age = block["sex"], np.minimum(block["age"], YEARS - 1)
    band = age // 5
    np.add.at(made.home, (dong, sex, band), 1)
    np.add.at(made.age, (district, sex, age), 1)
    rows = plan.rows(block)
    capped = _capped(rows, BITS_MAX, chance)
    order = np.argsort(district, kind="stable")
    starts = np.flatnonzero(np.r_[True, np.diff(district[order]) > 0])
    if len(order):
        made.local[district[order][starts]] += np.add.reduceat(capped[order].astype(np.int32), starts)
    activity = plan.activity(block)
    cell = (activity * 2 + sex) * BANDS + band
    order = np.argsort(cell, kind="stable")
    starts = np.flatnonzero(np.r_[True, np.diff(cell[order]) > 0])
    if len(order):
        flat = made.bits.reshape(-1, plan.bits)
        flat[cell[order][starts]] += np.add.reduceat(capped[order].astype(np.int32), starts)
    for place, trait in enumerate(plan.numbers):
        np.add.at(made.numbers[place], (activity, sex, band, _bin(plan, trait, block[trait.name])), 1)
    above = [_is_above(t, block[t.name]) for t in plan.numbers]
    wide = _capped(np.column_stack([rows, *above]), PAIR_BITS_MAX, chance).astype(np.float32)
    group = GROUPS[band]
    for one in range(4):
        part = wide[group == one]
        made.pairs[one] += np.rint(part.T @ part).astype(np.int64)


def _middle(trait: Trait) -> int:
    """The public threshold at which a number joins the pairs."""
    return int(Plan.edges(trait)[BINS_BELOW])


def _is_above(trait: Trait, column: NDArray[np.int64]) -> NDArray[np.bool_]:
    result: NDArray[np.bool_] = (column >= _middle(trait)) | (column < trait.low)
    return result


def _bin(plan: Plan, trait: Trait, column: NDArray[np.int64]) -> NDArray[np.int64]:
    edges = Plan.edges(trait)
    place = np.searchsorted(edges, np.minimum(column, trait.high), side="right") - 1
    return np.where(place < 0, len(edges), place)


def _capped(rows: NDArray[np.bool_], most: int, chance: np.random.Generator) -> NDArray[np.bool_]:
    """The rows with at most so many truths each; who has more keeps a random choice of them."""
    many = rows.sum(axis=1)
    over = np.flatnonzero(many > most)
    if not len(over):
        return rows
    kept = rows.copy()
    order = np.where(kept[over], chance.random((len(over), rows.shape[1])), 2.0).argsort(axis=1)
    drop = np.zeros((len(over), rows.shape[1]), bool)
    np.put_along_axis(drop, order[:, most:], True, axis=1)
    kept[over] &= ~drop
    return kept


def noised(exact: Marginals, epsilons: Mapping[str, float] = EPSILONS) -> Marginals:
    """The marginals with OpenDP's discrete Laplace noise in every cell, of each release its epsilon. Sensitivities (L1): one
    in the tables of people, BITS_MAX in those of bits, BITS_MAX·(BITS_MAX-1)/2 with PAIR_BITS_MAX in the pairs, one for each
    number."""
    up = np.triu_indices(exact.plan.width, 1)
    flat = np.stack([exact.pairs[group][up] for group in range(4)])
    sensitivity = PAIR_BITS_MAX * (PAIR_BITS_MAX - 1) // 2
    flat = noised_all(flat, epsilons["pairs of bits by group of age"], sensitivity)
    pairs = np.zeros_like(exact.pairs)
    for group in range(4):
        pairs[group][up] = flat[group]
    share = epsilons["numbers by activity x sex x band"] / max(len(exact.numbers), 1)
    return Marginals(
        exact.plan,
        exact.dongs,
        exact.districts,
        home=noised_all(exact.home, epsilons["dong x sex x band"], 1),
        dong=noised_all(exact.dong, epsilons["dong"], 1),
        age=noised_all(exact.age, epsilons["district x age x sex"], 1),
        bits=noised_all(exact.bits, epsilons["bits by activity x sex x band"], BITS_MAX),
        local=noised_all(exact.local, epsilons["bits by district"], BITS_MAX),
        pairs=pairs,
        numbers=[noised_all(table, share, 1) for table in exact.numbers],
        epsilons=dict(epsilons),
    )


# From marginals to people


@dataclass(frozen=True)
class Model:
    """What people are drawn from: counts of homes and ages, shares of activity [3, 2, 21], cuts
    [district, 3, 2, 21, bits], spreads of numbers, factors of the correlations [4, width, width] (lower triangular)."""

    plan: Plan
    cells: NDArray[np.int64]
    dongs: NDArray[np.int64]
    district_of: NDArray[np.int64]
    years: NDArray[np.float64]
    active: NDArray[np.float64]
    cuts: NDArray[np.float32]
    spreads: list[NDArray[np.float64]]
    factors: NDArray[np.float32]


def fitted(told: Marginals) -> Model:
    """The model that agrees with noised marginals. Nothing but them is looked at."""
    home, years = _homes(told)
    active = _active(told)
    people = active * home.sum(axis=0)
    chances, base = _chances(told, home, active)
    correlations = _correlations(told, people, base)
    return Model(
        told.plan,
        _whole(home),
        told.dongs,
        np.searchsorted(told.districts, told.dongs // 100_000),
        years,
        active,
        (-ndtri(chances)).astype(np.float32),
        [_shares(told, place) for place in range(len(told.numbers))],
        np.stack([np.linalg.cholesky(c) for c in correlations]).astype(np.float32),
    )


def _homes(told: Marginals) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """People in each dong × sex × band, raked to the noised dongs and districts; and how years divide within bands."""
    of = np.searchsorted(told.districts, told.dongs // 100_000)
    noise_cell, noise_dong = _variance(told, "dong x sex x band"), _variance(told, "dong")
    noise_year = _variance(told, "district x age x sex")
    summed = told.home.sum(axis=(1, 2))
    weight = noise_dong / (noise_dong + 2 * BANDS * noise_cell)
    raw = weight * summed + (1 - weight) * told.dong
    # Cutting off what noise made negative would invent people: a district keeps its unbiased sum.
    totals = np.maximum(raw, 0.0)
    sums = np.maximum(np.bincount(of, raw), 0.0)
    totals *= (sums / np.maximum(np.bincount(of, totals), 1e-9))[of]
    by_band = np.add.reduceat(told.age, np.arange(0, YEARS, 5), axis=2)
    cells = np.maximum(told.home, 0).astype(np.float64)
    for district in range(len(told.districts)):
        here = of == district
        many = int(here.sum())
        own = told.home[here].sum(axis=0)
        lean = (5 * noise_year) / (5 * noise_year + many * noise_cell)
        columns = np.maximum(lean * own + (1 - lean) * by_band[district], 0.0)
        rows = totals[here]
        if columns.sum() <= 0 or rows.sum() <= 0:
            cells[here] = 0
            continue
        columns *= rows.sum() / columns.sum()
        # Where noise drowns a cell, it leans on what its dong and its district say together.
        expected = rows[:, None, None] * columns / columns.sum()
        trust = expected / (expected + noise_cell)
        table = np.maximum(trust * told.home[here] + (1 - trust) * expected, 1e-6)
        for _ in range(12):
            table *= (rows / np.maximum(table.sum(axis=(1, 2)), 1e-9))[:, None, None]
            table *= columns / np.maximum(table.sum(axis=0), 1e-9)
        cells[here] = table
    years = np.maximum(told.age, 0.0) + 1e-6
    national = years.sum(axis=0)
    smooth = national / np.add.reduceat(national, np.arange(0, YEARS, 5), axis=1).repeat(5, axis=1)
    expected = by_band.clip(min=1).repeat(5, axis=2) * smooth
    years = np.maximum(expected + (told.age - expected) * expected / (expected + noise_year), 1e-6)
    return cells, years.reshape(len(told.districts), 2, BANDS, 5)


def _variance(told: Marginals, name: str, sensitivity: int = 1) -> float:
    return 2.0 * (sensitivity / told.epsilons[name]) ** 2


def _whole(cells: NDArray[np.float64]) -> NDArray[np.int64]:
    """Rounded so that the running sum never drifts."""
    ends = np.rint(np.cumsum(cells.ravel())).astype(np.int64)
    return np.diff(ends, prepend=0).reshape(cells.shape)


def _active(told: Marginals) -> NDArray[np.float64]:
    """How people of one sex and band divide by activity, [3, 2, 21]."""
    leader = told.plan.leader
    if leader is None:
        return np.stack([np.ones((2, BANDS)), *np.zeros((ACTIVITIES - 1, 2, BANDS))])
    counts = np.maximum((told.numbers[leader] * _possible(told.plan, leader)).sum(axis=3), 0.0) + 1e-6
    shares: NDArray[np.float64] = counts / counts.sum(axis=0)
    return shares


def _possible(plan: Plan, place: int) -> NDArray[np.bool_]:
    """Which bins of a number may have somebody, [3, 1, 1, bins]: who was seen lately was not seen long ago."""
    edges = Plan.edges(plan.numbers[place])
    may = np.ones((ACTIVITIES, len(edges) + 1), bool)
    if place == plan.leader:
        may[:, :-1] = np.stack([edges < RECENT, edges >= RECENT, np.zeros(len(edges), bool)])
        may[:, -1] = (False, False, True)
    return may[:, None, None, :]


def _chances(
    told: Marginals, home: NDArray[np.float64], active: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The chance of each bit, [district, 3, 2, 21, bits] and over all districts: by activity, sex and band, moved on the
    logistic scale by what is different about a district, as far as that is more than noise."""
    people = (active * home.sum(axis=0))[..., None]
    rates = told.bits / np.maximum(people, 1.0)
    floor = 0.3 / np.maximum(people, 1.0)
    base = np.clip(rates, np.minimum(floor, 0.4), 1 - 1e-4)
    starts = np.searchsorted(told.dongs // 100_000, told.districts)
    local_people = np.add.reduceat(home, starts, axis=0)
    expected = np.einsum("dsb,asb,asbk->dk", local_people, active, base, optimize=True)
    noise = _variance(told, "bits by district", BITS_MAX)
    size = np.maximum(expected, 1.0)
    gap = (told.local - expected) / size
    spread = noise / size**2
    true = np.maximum((gap**2 - spread - 1 / size).mean(axis=0), 0.0)
    kept = np.clip(gap * true / (true + spread), -0.9, 3.0)
    chances = expit(logit(base)[None] + np.log1p(kept)[:, None, None, None, :])
    return np.clip(chances, 1e-6, 1 - 1e-6), base


def _shares(told: Marginals, place: int) -> NDArray[np.float64]:
    """How a number is spread over its bins, [3, 2, 21, bins]."""
    positive = np.maximum(told.numbers[place], 0.0) * _possible(told.plan, place) + 1e-9 * _possible(told.plan, place)
    shares: NDArray[np.float64] = positive / positive.sum(axis=3, keepdims=True)
    return shares


def _correlations(told: Marginals, people: NDArray[np.float64], base: NDArray[np.float64]) -> list[NDArray[np.float64]]:
    """For each group of age the correlations by which the copula gives the noised pairs, as near as such a matrix can be."""
    plan = told.plan
    above = []
    for place, trait in enumerate(plan.numbers):
        cut = int(np.searchsorted(Plan.edges(trait), _middle(trait), side="left"))
        above.append(np.clip(_shares(told, place)[..., cut:].sum(axis=3), 1e-5, 1 - 1e-5))
    rates = np.concatenate([base, np.stack(above, axis=3)], axis=3) if above else base
    up = np.triu_indices(plan.width, 1)
    found = []
    noise = np.sqrt(_variance(told, "pairs of bits by group of age", PAIR_BITS_MAX * (PAIR_BITS_MAX - 1) // 2))
    for group in range(4):
        cells = group == GROUPS
        many = people[:, :, cells].reshape(-1)
        p = rates[:, :, cells].reshape(-1, plan.width)
        target = told.pairs[group][up].astype(np.float64)
        solved = _tetrachoric(many, -ndtri(p), up, target, noise)
        matrix = np.eye(plan.width)
        matrix[up] = solved
        matrix = matrix + matrix.T - np.eye(plan.width)
        values, vectors = np.linalg.eigh(matrix)
        matrix = (vectors * np.maximum(values, 1e-3)) @ vectors.T
        scale = 1 / np.sqrt(np.diag(matrix))
        found.append(matrix * scale[:, None] * scale)
    return found


def _tetrachoric(
    many: NDArray[np.float64],
    cuts: NDArray[np.float64],
    up: tuple[NDArray[np.intp], NDArray[np.intp]],
    target: NDArray[np.float64],
    noise: float,
) -> NDArray[np.float64]:
    """The correlation of each pair that makes Σ many·P(both) the target. Where few are expected, noise is most of what the
    target says; then the correlation leans to nothing."""
    nodes, weights = np.polynomial.legendre.leggauss(6)
    nodes, weights = (nodes + 1) / 2, weights / 2
    a, b = cuts[:, up[0]], cuts[:, up[1]]
    alone = (many[:, None] * _upper(a) * _upper(b)).sum(axis=0)

    def both(rho: NDArray[np.float64]) -> NDArray[np.float64]:
        extra = np.zeros_like(rho)
        for node, weight in zip(nodes, weights, strict=True):
            r = rho * node
            left = 1 - r * r
            density = np.exp(-(a * a - 2 * r * a * b + b * b) / (2 * left)) / np.sqrt(left)
            extra += weight * (many[:, None] * density).sum(axis=0)
        result: NDArray[np.float64] = alone + extra * rho / (2 * np.pi)
        return result

    low, high = np.full(len(target), -0.97), np.full(len(target), 0.97)
    for _ in range(13):
        middle = (low + high) / 2
        less = both(middle) < target
        low, high = np.where(less, middle, low), np.where(less, high, middle)
    rho = (low + high) / 2
    slope = np.maximum((both(np.full(len(target), 0.05)) - both(np.full(len(target), -0.05))) / 0.1, 1e-9)
    error = (noise / slope) ** 2
    kept: NDArray[np.float64] = rho * 0.05 / (0.05 + error)
    return kept


def _upper(x: NDArray[np.float64]) -> NDArray[np.float64]:
    from scipy.special import ndtr

    result: NDArray[np.float64] = ndtr(-x)
    return result


def draw(model: Model, seed: int) -> Iterator[dict[str, NDArray[np.int64]]]:
    """The people of the twin in blocks of columns as `Kind` describes, numbered from 1, in the order of where they live."""
    plan = model.plan
    ends = np.cumsum(model.cells.ravel())
    people = int(ends[-1])
    for number, first in enumerate(range(0, people, CHUNK)):
        chance = np.random.Generator(np.random.SFC64(np.random.SeedSequence((seed, number))))
        last = min(first + CHUNK, people)
        cell = np.searchsorted(ends, np.arange(first, last), side="right")
        dong, sex, band = np.unravel_index(cell, model.cells.shape)
        district = model.district_of[dong]
        among = model.active.cumsum(axis=0)[:-1, sex, band]
        activity = (among < chance.random(len(cell))).sum(axis=0)
        years = model.years[district, sex, band]
        within = (years.cumsum(axis=1) / years.sum(axis=1, keepdims=True) < chance.random((len(cell), 1))).sum(axis=1)
        deviates = chance.standard_normal((len(cell), plan.width), dtype=np.float32)
        group = GROUPS[band]
        for one in range(4):
            here = group == one
            deviates[here] = deviates[here] @ model.factors[one].T
        truths = deviates[:, : plan.bits] > model.cuts[district, activity, sex, band]
        columns: dict[str, NDArray[np.int64]] = {
            "person": np.arange(first + 1, last + 1),
            "region": model.dongs[dong],
            "sex": sex.astype(np.int64),
            "age": band * 5 + within.clip(max=4),
        }
        start = 0
        for trait in plan.sets:
            many = len(trait.values)
            packed = np.zeros(len(cell), np.int64)
            for bit in range(many):
                packed |= truths[:, start + bit].astype(np.int64) << bit
            columns[trait.name] = packed
            start += many
        for place, trait in enumerate(plan.numbers):
            columns[trait.name] = _number(
                plan, trait, model.spreads[place][activity, sex, band], deviates[:, plan.bits + place], chance
            )
        yield columns


def _number(
    plan: Plan,
    trait: Trait,
    shares: NDArray[np.float64],
    deviate: NDArray[np.float32],
    chance: np.random.Generator,
) -> NDArray[np.int64]:
    """The number at the deviate's place in the cell's spread, even within a bin."""
    from scipy.special import ndtr

    reach = shares.cumsum(axis=1)
    found = (reach[:, :-1] <= ndtr(deviate)[:, None]).sum(axis=1)
    edges = np.r_[Plan.edges(trait), trait.high + 1]
    unknown = len(edges) - 1
    at = np.minimum(found, unknown - 1)
    value = edges[at] + np.floor(chance.random(len(found)) * (edges[at + 1] - edges[at])).astype(np.int64)
    return np.where(found == unknown, trait.low - 1, value)
