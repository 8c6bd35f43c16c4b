"""How far the twin is from the country, by kind of audience, and what it costs to make one.

    make bench-twin                (or: python -m benchmarks.twin --people 40000000)

The synthetic country stands for real people. Its marginals are measured, noised with OpenDP at the epsilons of the register, and
a twin is drawn from them; then both are counted for audiences of each kind, nationwide, in 시도 and in 시군구, those of at least
1,000 real people. What noise does to a share depends on epsilon times people, so a run with fewer people than `--as` multiplies
the epsilons by the ratio and says so: its errors then have also the chance of drawing fewer people, and are no smaller than those
of the whole country.
"""

import argparse
import json
import resource
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dure.audiences.engine import twin
from dure.audiences.population import people as population
from dure.audiences.population import tastes
from dure.audiences.population.regions import country

RESULTS = Path(__file__).parent / "results"
SEED, SMALLEST, OF_A_KIND = 20_240_601, 1_000, 120
Columns = dict[str, NDArray[np.int64]]
Condition = tuple[str, Any]
GOALS = {"all": (0.01, 0.05), "both of two tastes": (None, 0.05)}


def questions(seed: int = SEED) -> dict[str, list[list[Condition]]]:
    """Audiences by kind: lists of conditions that must all hold. A condition is a trait with a mask or with two ends."""
    chance = np.random.default_rng(seed)
    here = country()

    def place() -> list[Condition]:
        level = int(chance.integers(3))
        if level == 0:
            return []
        regions = here.provinces if level == 1 else here.districts
        return [("region", str(regions[chance.integers(len(regions))].code))]

    def one(name: str, values: tuple[str, ...]) -> Condition:
        return (name, 1 << int(chance.integers(len(values))))

    def taste() -> Condition:
        return one("taste", tastes.KEYS)

    def some_tastes(many: int) -> Condition:
        return ("taste", sum(1 << int(at) for at in chance.choice(len(tastes.KEYS), many, replace=False)))

    def age() -> Condition:
        low = int(chance.integers(14, 70))
        return ("age", (low, low + int(chance.integers(4, 25))))

    def seen() -> Condition:
        return ("last_seen", (0, int(chance.integers(1, 120))))

    def visits() -> Condition:
        return ("visits", (int(chance.integers(1, 10)), 10**6))

    def spend() -> Condition:
        low = int(chance.integers(5, 200))
        return ("spend", (low, low + int(chance.integers(30, 300))))

    def agreed() -> Condition:
        return one("consent", population.CONSENTS)

    kinds = {
        "place, age and sex": lambda: [*place(), age(), ("sex", (s := int(chance.integers(2)), s))],
        "one taste": lambda: [*place(), taste()],
        "any of three tastes": lambda: [*place(), some_tastes(3)],
        "both of two tastes": lambda: [*place(), taste(), taste()],
        "all of three tastes": lambda: [*place(), taste(), taste(), taste()],
        "a taste at an age": lambda: [*place(), age(), taste()],
        "last seen": lambda: [*place(), seen()],
        "visits or spend": lambda: [*place(), visits() if chance.random() < 0.5 else spend()],
        "consent or channel": lambda: [*place(), agreed(), one("channel", population.CHANNELS)],
        "last seen, taste and consent": lambda: [*place(), seen(), taste(), agreed()],
        "visited, hours and taste": lambda: [
            *place(), one("visited", population.VISITED), one("hours", population.HOURS), taste()
        ],
    }  # fmt: skip
    return {kind: [make() for _ in range(OF_A_KIND)] for kind, make in kinds.items()}


def counted(blocks: Any, asked: dict[str, list[list[Condition]]]) -> dict[str, NDArray[np.int64]]:
    """How many each audience has, block by block."""
    found = {kind: np.zeros(len(some), np.int64) for kind, some in asked.items()}
    for columns in blocks:
        known: dict[Condition, NDArray[np.bool_]] = {}

        def holds(condition: Condition, columns: Columns = columns, known: dict[Any, Any] = known) -> NDArray[np.bool_]:
            if condition not in known:
                name, told = condition
                column = columns[name]
                if name == "region":
                    known[condition] = column // 10 ** (10 - len(told)) == int(told)
                elif isinstance(told, tuple):
                    known[condition] = (column >= told[0]) & (column <= told[1])
                else:
                    known[condition] = column & told != 0
            return known[condition]

        for kind, some in asked.items():
            for at, conditions in enumerate(some):
                mask = holds(conditions[0])
                for condition in conditions[1:]:
                    mask = mask & holds(condition)
                found[kind][at] += int(mask.sum())
    return found


def main() -> int:
    said = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    said.add_argument("--people", type=int, default=4_000_000)
    said.add_argument("--as", dest="whole", type=int, default=40_000_000, help="people whose noise is to be shown")
    options = said.parse_args()
    times = max(1.0, options.whole / options.people)
    epsilons = {name: part * times for name, part in twin.EPSILONS.items()}
    dongs = [int(dong.code) for dong in country().dongs]
    asked = questions()

    began = time.perf_counter()
    exact = twin.measure(population.synthesize(options.people, SEED), population.SCHEMA, dongs, seed=1)
    measured_s = time.perf_counter() - began
    began = time.perf_counter()
    model = twin.fitted(twin.noised(exact, epsilons))
    fitted_s = time.perf_counter() - began
    real = counted(population.synthesize(options.people, SEED), asked)
    took: list[float] = []
    invented = counted(_timed(twin.draw(model, seed=2), took), asked)

    result: dict[str, Any] = {
        "people": options.people,
        "noise_as_of_people": max(options.whole, options.people),
        "epsilon": round(sum(twin.EPSILONS.values()), 4),
        "seconds": {
            "measure": round(measured_s, 1),
            "fit": round(fitted_s, 1),
            "draw": round(sum(took), 1),
            "of": "measuring includes synthesizing the country",
        },
        "peak_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024),
        "kinds": {},
    }
    every: list[float] = []
    for kind in asked:
        big = real[kind] >= SMALLEST
        off = (invented[kind][big] - real[kind][big]) / real[kind][big]
        every += np.abs(off).tolist()
        result["kinds"][kind] = {"audiences": int(big.sum()), **_told(np.abs(off)), "bias": round(float(off.mean()), 4)}
    result["all"] = {"audiences": len(every), **_told(np.array(every))}
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / "twin.json").write_text(json.dumps(result, indent=2) + "\n")
    show(result)
    return 0


def _timed(blocks: Any, took: list[float]) -> Any:
    """The blocks, and how long each took to make."""
    blocks = iter(blocks)
    while True:
        began = time.perf_counter()
        block = next(blocks, None)
        took.append(time.perf_counter() - began)
        if block is None:
            return
        yield block


def _told(off: NDArray[np.float64]) -> dict[str, float]:
    return {"median": round(float(np.median(off)), 4), "p90": round(float(np.quantile(off, 0.9)), 4)}


def show(result: dict[str, Any]) -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table(
        title=f"{result['people']:,} people, noise as of {result['noise_as_of_people']:,}, ε = {result['epsilon']}"
    )
    for heading in ("audiences of 1,000 and more", "how many", "median error", "p90", "bias"):
        table.add_column(heading, justify="left" if heading.startswith("audiences") else "right")
    for kind, told in [*result["kinds"].items(), ("all", {**result["all"], "bias": 0.0})]:
        bias = f"{told['bias']:+.1%}" if kind != "all" else ""
        table.add_row(kind, str(told["audiences"]), f"{told['median']:.1%}", f"{told['p90']:.1%}", bias)
    Console().print(table)
    print(json.dumps({key: result[key] for key in ("seconds", "peak_mb")}))


if __name__ == "__main__":
    sys.exit(main())
