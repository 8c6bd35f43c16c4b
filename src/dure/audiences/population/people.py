"""A synthetic country: people who do not exist, spread as the residents of Korea are, with tastes that hang together.

Person number `i` is the same person whatever the size of the pieces in which a country is made: chance comes in blocks of
`BLOCK` people, each seeded by the country's seed and its own number. Ids are scattered over the country, as those of real
people are, so whoever builds an index from the file must sort it.
"""

import math
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from dure.audiences.engine.traits import Kind, Schema, Trait
from dure.audiences.population import tastes
from dure.audiences.population.regions import BANDS, SEXES, country

BLOCK = 1 << 16
VISITED = (
    "korean", "chinese", "japanese", "western", "snacks", "chicken", "cafe", "bakery", "bar", "market",
)  # fmt: skip
"""Kinds of shop that somebody went to in the last 90 days."""
HOURS = ("morning", "lunch", "afternoon", "dinner", "night")
CHANNELS = ("inbox", "kakao", "text", "push", "email")
CONSENTS = ("marketing", "night", "network", "personal")

SCHEMA: Schema = (
    Trait("region", Kind.REGION),
    Trait("sex", Kind.CHOICE, SEXES, sorted=True),
    Trait("age", Kind.NUMBER, low=0, high=104, sorted=True),
    Trait("taste", Kind.SET, tastes.KEYS),
    Trait("visited", Kind.SET, VISITED),
    Trait("hours", Kind.SET, HOURS),
    Trait("last_seen", Kind.NUMBER, low=0, high=364),
    Trait("visits", Kind.NUMBER, low=0, high=127),
    Trait("spend", Kind.NUMBER, low=0, high=1023),
    Trait("channel", Kind.SET, CHANNELS),
    Trait("consent", Kind.SET, CONSENTS),
)
"""`last_seen` days ago (unknown: never), `visits` and `spend` (thousands of won) in the last 90 days."""

_TYPES = {
    "person": pa.int64(), "region": pa.int64(), "sex": pa.int8(), "age": pa.int16(), "taste": pa.int64(),
    "visited": pa.int64(), "hours": pa.int64(), "last_seen": pa.int16(), "visits": pa.int16(), "spend": pa.int16(),
    "channel": pa.int64(), "consent": pa.int64(),
}  # fmt: skip
Columns = dict[str, NDArray[np.int64]]


def synthesize(people: int, seed: int) -> Iterator[Columns]:
    """The country in blocks, as columns that `Kind` describes, person ids 1..people among them."""
    homes = _homes(people)
    step = _step(people)
    for block in range(math.ceil(people / BLOCK)):
        yield _block(block, people, seed, homes, step)


def write(people: int, seed: int, folder: Path, progress: Callable[[int, int], None] | None = None) -> Path:
    """The country as `folder/people.parquet`, and how many were written so far told to `progress` as (done, all)."""

    def told() -> Iterator[Columns]:
        done = 0
        for columns in synthesize(people, seed):
            yield columns
            done += len(columns["person"])
            if progress:
                progress(done, people)

    return save(told(), folder)


def save(blocks: Iterable[Columns], folder: Path, *, also: tuple[str, ...] = ()) -> Path:
    """Blocks of people as `folder/people.parquet`; `also` names further columns that they have."""
    folder.mkdir(parents=True, exist_ok=True)
    file, half = folder / "people.parquet", folder / "people.parquet.part"
    types = {**_TYPES, **{name: pa.int64() for name in also}}
    schema = pa.schema(list(types.items()))
    with pq.ParquetWriter(half, schema, compression="zstd", compression_level=1, use_dictionary=False) as writer:
        for columns in blocks:
            writer.write_batch(pa.record_batch([pa.array(columns[n]).cast(kind) for n, kind in types.items()], schema))
    half.replace(file)
    return file


@dataclass(frozen=True)
class _Homes:
    """The cells (dong × sex × band) where somebody lives, and up to which place of the country each reaches."""

    ends: NDArray[np.int64]
    dong: NDArray[np.int64]
    sex: NDArray[np.int64]
    band: NDArray[np.int64]


def _homes(people: int) -> _Homes:
    """Every cell gets its share of `people`, rounded so that all shares add up and no region drifts."""
    here = country()
    codes = np.array([int(dong.code) for dong in here.dongs])
    dong, sex, band = np.nonzero(here.residents)
    sums = np.cumsum(here.residents[dong, sex, band], dtype=np.float64)
    ends = np.rint(sums * (people / sums[-1])).astype(np.int64)
    return _Homes(ends, codes[dong], sex, band)


def _step(people: int) -> int:
    """A stride that visits every place of the country once before it returns."""
    step = int(people * 0.6180339887) | 1
    while math.gcd(step, people) != 1:
        step += 2 if people % 2 == 0 else 1
    return step


@cache
def _masks() -> NDArray[np.uint64]:
    """The chances of all tastes of a kind of people as eight words: word k has bit j where p_j has bit k, least first."""
    eighths = np.rint(tastes.chances() * 256).astype(np.uint64).reshape(-1, len(tastes.KEYS))
    bits = np.arange(len(tastes.KEYS), dtype=np.uint64)
    return np.stack([((eighths >> np.uint64(k) & np.uint64(1)) << bits).sum(axis=1) for k in range(8)])


@cache
def _goes_to() -> NDArray[np.uint64]:
    """For each kind of shop, the tastes that lead there."""
    leads = {
        "korean": "korean soup noodles naengmyeon pork beef fish", "chinese": "chinese malatang", "japanese": "japanese ramen",
        "western": "western pizza burger brunch salad asian", "snacks": "bunsik lunchbox", "chicken": "chicken beer",
        "cafe": "coffee tea dessert icecream", "bakery": "bakery dessert", "bar": "beer soju wine makgeolli",
        "market": "local value homemaker",
    }  # fmt: skip
    return np.array([sum(1 << tastes.KEYS.index(key) for key in leads[kind].split()) for kind in VISITED], np.uint64)


def _block(block: int, people: int, seed: int, homes: _Homes, step: int) -> Columns:
    """One block. Whoever draws, draws for a whole block: the last one is cut afterwards."""
    chance = np.random.Generator(np.random.SFC64(np.random.SeedSequence((seed, block))))
    first, many = block * BLOCK, min(BLOCK, people - block * BLOCK)
    place = (np.arange(first, first + BLOCK, dtype=np.uint64) * np.uint64(step) % np.uint64(people)).astype(np.int64)
    cell = np.searchsorted(homes.ends, place, side="right")
    sex, band = homes.sex[cell], homes.band[cell]
    age = band * 5 + chance.integers(0, 5, BLOCK)

    shares = tastes.style_shares().cumsum(axis=2)[sex, band]
    style = (shares < chance.random(BLOCK)[:, None]).sum(axis=1).clip(max=len(tastes.STYLES) - 1)
    kind = (sex * BANDS + band) * len(tastes.STYLES) + style
    taste = _some_of(_masks()[:, kind], chance)

    # How much somebody is about: by age, and heavy-tailed as such things are.
    about = np.interp(age, [5, 14, 22, 35, 55, 75, 90], [0.0, 0.45, 1.5, 1.4, 1.0, 0.45, 0.12]) * chance.gamma(
        0.9, 1.1, BLOCK
    )
    seen = chance.random(BLOCK) < 1 - np.exp(-2.5 * about)
    last_seen = np.where(seen, chance.exponential(14 / (about + 0.08)).astype(np.int64), -1)
    last_seen[last_seen > 364] = -1
    recent = (last_seen >= 0) & (last_seen < 90)
    visits = np.where(recent, 1 + chance.poisson(5 * about), 0).clip(max=127)
    ticket = np.exp(chance.normal(2.6, 0.45, BLOCK)) * np.interp(age, [10, 25, 50, 80], [0.5, 0.9, 1.25, 0.8])
    spend = np.where(recent, np.maximum(visits * ticket, 1).astype(np.int64), 0).clip(max=1023)

    wants = np.stack([(taste & leads) != 0 for leads in _goes_to()])
    goes = chance.random((len(VISITED), BLOCK), dtype=np.float32)
    often = (visits / (visits + 4.0)).astype(np.float32)
    visited = _as_bits(recent & (goes < np.where(wants, 0.95, 0.25) * often))
    when = np.array([[0.15, 0.3], [0.7, 0.55], [0.3, 0.35], [0.6, 0.4], [0.3, 0.05]])
    old = np.clip((age - 20) / 50, 0, 1)
    at = chance.random((len(HOURS), BLOCK), dtype=np.float32)
    hours = _as_bits(recent & (at < (when[:, :1] + (when[:, 1:] - when[:, :1]) * old) * np.sqrt(often)))

    draws = chance.random((len(CHANNELS) + len(CONSENTS), BLOCK), dtype=np.float32)
    adult = age >= 14
    near = np.clip(0.35 + 0.3 * np.sqrt(about), 0, 0.95)
    reach = np.stack([seen, near * 0.9, near * 0.7, near * 0.5 * (age < 60), near * 0.3])
    channel = _as_bits(adult & (last_seen >= 0) & (draws[: len(CHANNELS)] < reach))
    yes = draws[len(CHANNELS) :]
    marketing = adult & (last_seen >= 0) & (yes[0] < near * 0.8)
    given = np.stack(
        [marketing, marketing & (yes[1] < 0.3), marketing & (yes[2] < 0.62), adult & seen & (yes[3] < 0.5)]
    )
    columns = {
        "person": np.arange(first + 1, first + BLOCK + 1), "region": homes.dong[cell], "sex": sex, "age": age,
        "taste": taste.astype(np.int64), "visited": visited, "hours": hours, "last_seen": last_seen, "visits": visits,
        "spend": spend, "channel": channel, "consent": _as_bits(given),
    }  # fmt: skip
    return {name: column[:many].astype(np.int64) for name, column in columns.items()}


def _some_of(masks: NDArray[np.uint64], chance: np.random.Generator) -> NDArray[np.uint64]:
    """Each bit set with its own chance, all 62 of a person at once: a coin for each binary digit of the chances."""
    drawn = np.zeros(BLOCK, np.uint64)
    for digit in masks:
        coins = chance.integers(0, 2**64, BLOCK, dtype=np.uint64)
        drawn = (drawn & coins) | (digit & (drawn | coins))
    return drawn


def _as_bits(rows: NDArray[np.bool_]) -> NDArray[np.int64]:
    """[values, people] of truths as one word a person."""
    bits = np.zeros(rows.shape[1], np.int64)
    for value, row in enumerate(rows):
        bits |= row.astype(np.int64) << value
    return bits
