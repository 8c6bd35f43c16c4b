"""Experiments whose truth is known, for `make bench-targeting`: what a message adds to each row is written down beside it."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

F64 = NDArray[np.float64]


@dataclass(frozen=True)
class Known:
    """A table with `got` and `came`, and what a message truly adds to each of its rows."""

    table: pa.Table
    effect: F64


def _people(dice: np.random.Generator, rows: int) -> dict[str, Any]:
    often = dice.gamma(1.0, 2.0, rows)
    return {
        "often": often, "last": dice.exponential(30, rows), "age": dice.integers(18, 80, rows).astype(float),
        "bill": np.exp(dice.normal(9.4, 0.5, rows)), "taste": dice.choice(["coffee", "noodles", "bakery", "grill"], rows),
        "dong": dice.choice([f"dong-{n}" for n in range(60)], rows, p=_zipf(60)), "app": dice.random(rows) < 0.4,
        **{f"other-{n}": dice.normal(size=rows) for n in range(6)},
    }  # fmt: skip


def _zipf(levels: int) -> F64:
    share = 1 / np.arange(1, levels + 1)
    return np.asarray(share / share.sum())


def _base(people: dict[str, Any]) -> F64:
    return np.asarray(np.clip(0.04 + 0.05 * np.minimum(people["often"], 6) - 0.0004 * people["last"], 0.01, 0.6))


def _chance(dice: np.random.Generator, people: dict[str, Any], base: F64, effect: F64, share: float) -> Known:
    rows = len(base)
    effect = np.clip(base + effect, 0, 1) - base
    got = dice.random(rows) < share
    came = dice.random(rows) < base + got * effect
    return Known(pa.table(people | {"got": got, "came": came.astype(int)}), effect)


def mixed(dice: np.random.Generator, rows: int) -> Known:
    """The young who like coffee are moved, others hardly, some harmed; nothing to do with who comes anyway."""
    who = _people(dice, rows)
    young = np.clip((50 - who["age"]) / 30, -1, 1)
    return _chance(dice, who, _base(who), 0.02 + 0.07 * young * (who["taste"] == "coffee") + 0.03 * who["app"], 0.5)


def curved(dice: np.random.Generator, rows: int) -> Known:
    """A bump and a step that no line follows."""
    who = _people(dice, rows)
    bump = np.exp(-(((who["age"] - 45) / 8) ** 2))
    return _chance(dice, who, _base(who), 0.10 * bump * (who["last"] > 20) - 0.01, 0.5)


def flat(dice: np.random.Generator, rows: int) -> Known:
    """Everybody is moved alike."""
    who = _people(dice, rows)
    return _chance(dice, who, _base(who), np.full(rows, 0.04), 0.5)


def none(dice: np.random.Generator, rows: int) -> Known:
    """Nobody is moved."""
    who = _people(dice, rows)
    return _chance(dice, who, _base(who), np.zeros(rows), 0.5)


def opposite(dice: np.random.Generator, rows: int) -> Known:
    """Who comes anyway is not moved, who hardly comes is."""
    who = _people(dice, rows)
    base = _base(who)
    return _chance(dice, who, base, 0.09 * np.exp(-base * 8), 0.5)


def tied(dice: np.random.Generator, rows: int) -> Known:
    """The effect follows who comes anyway."""
    who = _people(dice, rows)
    base = _base(who)
    return _chance(dice, who, base, 0.35 * base, 0.5)


def uneven(dice: np.random.Generator, rows: int) -> Known:
    """As mixed, but rarer outcomes, 85 of a hundred written to, and much unknown."""
    who = _people(dice, rows)
    young = np.clip((50 - who["age"]) / 30, -1, 1)
    effect = 0.01 + 0.04 * young * (who["taste"] == "coffee")
    base = _base(who) * 0.4
    for name in ("age", "often", "other-1"):
        who[name] = np.where(dice.random(rows) < 0.15, np.nan, who[name])
    return _chance(dice, who, base, effect, 0.85)


def spend(dice: np.random.Generator, rows: int) -> Known:
    """Won instead of visits: nothing mostly, sometimes very much (log-normal), and visits of the moved cost the more."""
    who = _people(dice, rows)
    young = np.clip((50 - who["age"]) / 30, -1, 1)
    base, effect = _base(who), 0.02 + 0.08 * young * (who["taste"] == "coffee")
    effect = np.clip(base + effect, 0, 1) - base
    got = dice.random(rows) < 0.5
    came = dice.random(rows) < base + got * effect
    paid = who["bill"] * np.exp(dice.normal(0, 1.0, rows) - 0.5)
    return Known(pa.table(who | {"got": got, "came": came * np.round(paid)}), effect * who["bill"])


SETS: dict[str, Callable[[np.random.Generator, int], Known]] = {
    one.__name__: one for one in (mixed, curved, flat, none, opposite, tied, uneven, spend)
}


def drawn(name: str, rows: int, seed: int, folder: Path) -> tuple[Path, Path, F64]:
    """A training file, a file to score without treatment and outcome, and what is true of the latter. Every set is its own world."""
    dice = np.random.default_rng([seed, rows, *name.encode()])
    known, asked = SETS[name](dice, rows), SETS[name](dice, 20_000)
    files = folder / "train.parquet", folder / "apply.parquet"
    pq.write_table(known.table, files[0])
    pq.write_table(asked.table.drop_columns(["got", "came"]), files[1])
    return *files, asked.effect


def share_of_truth(score: F64, effect: F64) -> float:
    """Of what knowing the truth adds to a random order (area under the true V), the share that this score adds; 0 where there is
    nothing to know."""

    def area(by: F64) -> float:
        _, place = np.unique(-by, return_inverse=True)
        mean = np.bincount(place, effect) / np.bincount(place)  # rows of one score come in together
        ranked = mean[np.sort(place)]
        return float((np.cumsum(ranked) - ranked / 2).mean() / len(effect))

    best = area(effect) - effect.mean() / 2
    return (area(score) - effect.mean() / 2) / best if best > 1e-6 * max(1.0, float(np.abs(effect).max())) else 0.0
