"""`make bench-targeting`: are Dure's scores any good? On public experiments and histories, beside the published figures.

Hillstrom's e-mail test and the Starbucks promotion are files that their owners publish and this project may not carry: name the
folder with ARGS="--data FOLDER" (hillstrom/dev.csv, starbucks/training.csv; the same columns as the originals). CDNOW comes with
the package `lifetimes`. Each file is split in halves again and again; Dure learns on one half through `scores_from` and is judged on the
other. AUUC: the area under V(k), treated responders in the best k over all treated less the same of those held out. NIR: ten
won a buyer and fifteen jeon a message, of those whom Dure would write to. Writes benchmarks/results/targeting.json.
"""

import argparse
import csv
import json
import os
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from dure.targeting import queries
from dure.targeting.engine import visits
from dure.targeting.engine.measures import auuc, qini_auc, uplift_at

RESULT = Path(__file__).parent / "results" / "targeting.json"
F64 = NDArray[np.float64]
BUYER, MESSAGE = 10.0, 0.15
CDNOW = {"r": 0.2426, "alpha": 4.4137, "a": 0.7930, "b": 2.4262, "log_likelihood": -9582.429}
"""Fader, Hardie & Lee 2005, table 2."""


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


def halves(file: Path, keep: tuple[str, set[str]], seed: int, folder: Path) -> tuple[Path, Path, list[dict[str, str]]]:
    """Two random halves of the rows that belong to one of the arms, as files, and the second one's rows."""
    with file.open(newline="") as opened:
        rows = [row for row in csv.DictReader(opened) if not keep[1] or row[keep[0]] in keep[1]]
    order = np.random.default_rng(seed).permutation(len(rows))
    parts = [[rows[i] for i in order[: len(rows) // 2]], [rows[i] for i in order[len(rows) // 2 :]]]
    files = []
    for number, part in enumerate(parts):
        files.append(folder / f"half-{number}.csv")
        with files[-1].open("w", newline="") as opened:
            writer = csv.DictWriter(opened, list(rows[0]))
            writer.writeheader()
            writer.writerows(part)
    return files[0], files[1], parts[1]


def judged(one: Experiment, data: Path, seed: int) -> dict[str, Any]:
    """One split of one experiment: Dure's score, the response ranking and none, on the unseen half."""
    with tempfile.TemporaryDirectory() as scratch:
        arms = {one.control, one.treated} - {None} if one.treated else set()
        known, asked, rows = halves(data / one.file, (one.treatment, {str(arm) for arm in arms}), seed, Path(scratch))
        begun = time.perf_counter()
        scores = queries.scores_from(
            train=known, apply=asked, treatment=one.treatment, outcome=one.outcome, control=one.control, seed=seed
        )
        took = time.perf_counter() - begun
    treated = np.array([row[one.treatment] != one.control for row in rows])
    came = np.array([float(row[one.outcome]) for row in rows])
    dice = np.random.default_rng(seed)
    write = scores.uplift * BUYER > MESSAGE
    net = BUYER * came[treated & write].sum() - MESSAGE * (treated & write).sum() - BUYER * came[~treated & write].sum()
    return {
        "auuc": auuc(scores.score, treated, came), "auuc_uplift": auuc(scores.uplift, treated, came),
        "auuc_response": auuc(scores.expected, treated, came), "auuc_random": auuc(dice.random(len(rows)), treated, came),
        "qini_auc": qini_auc(scores.score, treated, came), "uplift_at_30": uplift_at(scores.score, treated, came, 0.3),
        "gate_passed": scores.gate.passed, "written_to": float(write.mean()), "nir": float(net), "rows": len(rows), "seconds": took,
    }  # fmt: skip


def cdnow() -> dict[str, Any] | None:
    """BG/NBD on the one-in-ten sample of CDNOW's customers; None where `lifetimes` is not installed."""
    try:
        from lifetimes.datasets import load_cdnow_summary
    except ImportError:
        return None
    table = load_cdnow_summary()
    columns = [table[name].to_numpy(float) for name in ("frequency", "recency", "T")]
    begun = time.perf_counter()
    found = visits.fit(*columns)
    took = time.perf_counter() - begun
    ours = {"r": found.r, "alpha": found.alpha, "a": found.a, "b": found.b, "log_likelihood": found.log_likelihood}
    return {"ours": ours, "published": CDNOW, "seconds": took}


def alive_seconds(people: int) -> float:
    """How long P(alive) of so many people takes, compiled beforehand."""
    dice = np.random.default_rng(1)
    known = dice.integers(10, 104, people).astype(np.float32)
    last = (known * dice.random(people, dtype=np.float32)).astype(np.float32)
    came = dice.integers(0, 30, people).astype(np.uint16)
    habits = visits.Habits(0.2426, 4.4137, 0.7930, 2.4262)
    visits.alive(habits, came[:10], last[:10], known[:10])
    begun = time.perf_counter()
    visits.alive(habits, came, last, known)
    return time.perf_counter() - begun


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=None, help="the folder of public experiments")
    parser.add_argument("--splits", type=int, default=6)
    parser.add_argument("--people", type=int, default=40_000_000, help="for P(alive)")
    asked = parser.parse_args()
    found: dict[str, Any] = {"splits": asked.splits, "load": os.getloadavg()[0], "experiments": {}}
    there = [one for one in EXPERIMENTS if asked.data and (asked.data / one.file).exists()]
    table = Table(
        "experiment", "AUUC", "response", "random", "Qini", "uplift@30 %", "gate passed", "NIR", "s", "published"
    )
    with Progress() as bar:
        task = bar.add_task("experiments", total=len(there) * asked.splits)
        for one in there:
            splits = []
            for seed in range(asked.splits):
                splits.append(judged(one, asked.data, seed))
                bar.advance(task)
            middle = {name: float(np.mean([split[name] for split in splits])) for name in splits[0]}
            found["experiments"][one.name] = {"mean": middle, "splits": splits, "published": one.published}
            table.add_row(
                one.name, f"{middle['auuc']:.4f}", f"{middle['auuc_response']:.4f}", f"{middle['auuc_random']:.4f}",
                f"{middle['qini_auc']:.3f}", f"{middle['uplift_at_30']:.3f}", f"{middle['gate_passed']:.0%}",
                f"{middle['nir']:.0f}", f"{middle['seconds']:.0f}", one.published,
            )  # fmt: skip
    found["not_there"] = [one.name for one in EXPERIMENTS if one not in there]
    found["cdnow"] = cdnow()
    found["alive"] = {"people": asked.people, "seconds": alive_seconds(asked.people)}
    console = Console()
    console.print(table)
    for name in found["not_there"]:
        console.print(f"not there: {name}")
    console.print("CDNOW:", found["cdnow"] or "lifetimes is not installed")
    console.print(f"P(alive) of {asked.people:,} people: {found['alive']['seconds']:.2f} s")
    RESULT.write_text(json.dumps(found, indent=1, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    main()
