"""`make bench-week`: a whole week on this machine, from features to a certified plan, scored and cleared in bounded memory.

Invented people in 250 districts, ten thousand campaigns, about 220 candidates a person (the home district's, its neighbours', the
nation's) and twelve features; Dure scores every candidate in pieces of 100,000 people, keeps the best 20 of each person, and
clears the market. Scoring is linear in people and so is the clearing: what a run of N people took is scaled to forty million in
rows of their own, marked as such, by the clock and by what the processors spent. The scores are checked against the plain product on a sample. Writes
benchmarks/results/week.json.
"""

import argparse
import json
import os
import resource
import time
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from rich.progress import track
from rich.table import Table

from dure.campaigns.engine import allocate
from dure.campaigns.engine.market import Edges, Terms
from dure.campaigns.rules import LOTTERY
from dure.targeting.engine.scoring import Candidates, best
from dure.targeting.values import KEPT

RESULT = Path(__file__).parent / "results" / "week.json"
PIECE, FEATURES, CAMPAIGNS, DISTRICTS, EACH, NEIGHBOURS, NATIONAL = 100_000, 12, 10_000, 250, 36, 5, 8
WHOLE = 40_000_000


def candidates(dice: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """For each district the campaigns that may write to its people: its own, those of five neighbours, the nation's."""
    nation = np.arange(NATIONAL)
    home = NATIONAL + np.arange(CAMPAIGNS - NATIONAL) % DISTRICTS
    own = [np.flatnonzero(home == NATIONAL + d) + NATIONAL for d in range(DISTRICTS)]
    rows = []
    for district in range(DISTRICTS):
        near = [own[(district + step) % DISTRICTS] for step in range(NEIGHBOURS + 1)]
        rows.append(
            np.unique(np.concatenate([nation, *[dice.choice(one, min(EACH, len(one)), replace=False) for one in near]]))
        )
    begin = np.concatenate([[0], np.cumsum([len(row) for row in rows])])
    return begin.astype(np.int64), np.concatenate(rows).astype(np.uint16)


def piece(number: int, size: int, district: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The features of one piece of people, made when they are asked for, as a column store would give them."""
    dice = np.random.default_rng(1_000 + number)
    return dice.random((size, FEATURES), dtype=np.float32), district[number * PIECE : number * PIECE + size]


def run(people: int) -> dict[str, Any]:
    """One week of `people`."""
    dice = np.random.default_rng(1)
    begin, campaign = candidates(dice)
    weights = dice.gamma(0.7, 20.0, (CAMPAIGNS, FEATURES)).astype(np.float32)
    district = np.sort(dice.integers(0, DISTRICTS, people)).astype(np.int32)
    best(np.ones((9, FEATURES), np.float32), Candidates(np.zeros(9, np.int32), begin, campaign), weights)
    found, value = np.empty((people, KEPT), np.uint16), np.empty((people, KEPT), np.float32)
    scoring = cpu = 0.0
    scores = 0
    for number in track(
        range(-(-people // PIECE)), description="scoring", transient=True, console=Console(stderr=True)
    ):
        size = min(PIECE, people - number * PIECE)
        features, cell = piece(number, size, district)
        here = slice(number * PIECE, number * PIECE + size)
        began, cpu_began = time.perf_counter(), time.process_time()
        found[here], value[here] = best(features, Candidates(cell, begin, campaign), weights)
        scoring += time.perf_counter() - began
        cpu += time.process_time() - cpu_began
        scores += int((begin[cell + 1] - begin[cell]).sum())
        if number == 0:
            for i in range(0, size, max(1, size // 50)):
                mine = campaign[begin[cell[i]] : begin[cell[i] + 1]]
                plain = np.sort(weights[mine] @ features[i])[::-1][:KEPT]
                assert np.allclose(plain, value[i], rtol=1e-4), "the best 20 are not the best 20"
    messages = np.maximum(1, dice.lognormal(0, 1.1, CAMPAIGNS))
    messages *= 0.7 * 2 * people / messages.sum()
    edges = Edges(found, value)
    budgets = allocate.Budgets(np.floor(messages))
    terms = Terms(2, np.ones(CAMPAIGNS, np.float32), LOTTERY, 7)
    small = Edges(found[:2_000], value[:2_000])
    allocate.solve(small, allocate.Budgets(np.full(CAMPAIGNS, 3.0)), terms)
    began, cpu_began = time.perf_counter(), time.process_time()
    plan = allocate.solve(edges, budgets, terms)
    clearing, clearing_cpu = time.perf_counter() - began, time.process_time() - cpu_began
    cores = os.cpu_count() or 1
    assert (plan.used <= budgets.messages).all()
    # What the lottery gives away is a price that is paid on purpose, and no fault of the clearing: the same week without it.
    plain = allocate.solve(edges, budgets, terms.exact())
    grown = people / WHOLE
    return {
        "people": people,
        "campaigns": CAMPAIGNS,
        "candidates_a_person": round(scores / people, 1),
        "million_scores_a_second": round(scores / scoring / 1e6, 1),
        "million_scores_a_cpu_second": round(scores / cpu / 1e6, 1),
        "scoring_seconds": round(scoring, 2),
        "scoring_cpu_seconds": round(cpu, 2),
        "clearing_seconds": round(clearing, 2),
        "clearing_cpu_seconds": round(clearing_cpu, 2),
        "gap_percent": round(100 * plan.gap, 4),
        "gap_without_lottery_percent": round(100 * plain.gap, 4),
        "lottery_price_percent": round(100 * (plain.value - plan.value) / plain.value, 4),
        "peak_memory_gb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20, 2),
        "scaled_to_40_million": {
            "scoring_seconds": round(scoring / grown, 1),
            "clearing_seconds": round(clearing / grown, 1),
            "week_seconds": round((scoring + clearing) / grown, 1),
            "week_seconds_were_all_cores_free": round((cpu + clearing_cpu) / cores / grown, 1),
            "edges_gb": round(WHOLE * KEPT * 6 / 2**30, 2),
        },
        "load_before": round(os.getloadavg()[0], 1),
        "cores": cores,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--people", type=int, default=4_000_000)
    measured = run(parser.parse_args().people)
    table = Table(title="A week, scored and planned")
    table.add_column("")
    table.add_column("", justify="right")
    for name, told in measured.items():
        if not isinstance(told, dict):
            table.add_row(name.replace("_", " "), f"{told:,}")
    for name, told in measured["scaled_to_40_million"].items():
        table.add_row(f"scaled to 40 million: {name.replace('_', ' ')}", f"{told:,}")
    Console().print(table)
    RESULT.write_text(json.dumps(measured, indent=1) + "\n")


if __name__ == "__main__":
    main()
