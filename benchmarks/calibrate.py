"""`make calibrate`: is what the lift page says true? Thousands of simulated campaigns whose truth is known.

Shops of one family with 50 to 5,000 people each (log-normal, median 120), held out as the product holds out; people who
differ in how often they come; five shapes of effects; families of 30, 300 and 3,000 shops. Beside Dure's estimators the
naive ways stand, which must be seen to fail: Wald's interval, before/after, redemptions, a plugged-in spread, weights from
the outcomes. Writes benchmarks/results/calibrate.json and fails when a goal is missed or a naive way passes.
"""

import argparse
import json
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq

from dure.campaigns.engine.assign import holdout_share
from dure.lift import rules
from dure.lift.estimators import cuped, eprocess
from dure.lift.estimators.newcombe import newcombe
from dure.lift.estimators.pooled import SHOPS_FOR_CLAIMS, Pooled, pool, season_of, smoothed
from dure.lift.values import Verdict

RESULT = Path(__file__).parent / "results" / "calibrate.json"
SHAPES = ("normal", "spike", "harm", "heavy", "zero")
SIZES = (50, 100, 200, 500, 1_000, 2_000, 5_000)
HISTORY = 10.0
SEASON = 0.02
Numbers = NDArray[np.float64]


@dataclass(frozen=True)
class Family:
    """One simulated family: per shop the truth and what was seen."""

    effect: Numbers
    reached: Numbers
    held: Numbers
    came_reached: Numbers
    came_held: Numbers
    predicted_reached: Numbers
    predicted_held: Numbers
    before: Numbers
    came_before: Numbers
    redeemed: Numbers
    theta: float
    explained: float


def effects(shape: str, shops: int, rng: np.random.Generator) -> Numbers:
    """True effects on the chance to come, (s,)."""
    if shape == "zero":
        return np.zeros(shops)
    if shape == "normal":
        return rng.normal(0.015, 0.01, shops)
    if shape == "spike":
        return np.where(rng.random(shops) < 0.3, 0.04, 0.0)
    if shape == "harm":
        return rng.choice([0.025, 0.0, -0.02], shops, p=[0.6, 0.2, 0.2])
    return np.clip(0.015 + 0.007 * rng.standard_t(3, shops), -0.2, 0.3)


def simulate(shape: str, shops: int, rng: np.random.Generator, sizes: Numbers | None = None) -> Family:
    """Draw one family. A person's chance to come is their shop's rate times a gamma draw; a coupon adds the shop's effect."""
    if sizes is None:
        sizes = np.clip(np.exp(rng.normal(np.log(120), 1.0, shops)), 50, 5_000).astype(int)
    share = np.array([holdout_share(int(n)) for n in sizes])
    people = np.ceil(sizes / (1 - share)).astype(int)
    rate = np.clip(rng.beta(4, 56, shops), 0.01, 0.4)
    effect = np.clip(effects(shape, shops, rng), -rate * 0.9, 0.5)
    shop = np.repeat(np.arange(shops), people)
    weight = rng.gamma(0.7, 1 / 0.7, len(shop))
    chance = np.clip(rate[shop] * weight, 0, 0.9)
    intensity = -np.log1p(-chance)
    history = rng.poisson(intensity * HISTORY)
    held = rng.random(len(shop)) < share[shop]
    # The window before the campaign: for coefficients and for the naive before/after, never part of the history.
    before = rng.random(len(shop)) < chance
    # The spring is better for everybody: before/after takes that for an effect.
    lifted = np.clip(chance + SEASON + effect[shop] * ~held, 0, 1)
    came = rng.random(len(shop)) < lifted
    mean = float(history.mean() / HISTORY)
    predicted = cuped.predicted_rate(history, HISTORY, mean=mean)
    theta = cuped.coefficient(before.astype(float), predicted)
    explained = cuped.explained(before.astype(float), predicted)

    def total(values: NDArray[Any], mask: NDArray[np.bool_]) -> Numbers:
        return np.bincount(shop[mask], weights=np.asarray(values, float)[mask], minlength=shops)

    everybody = np.ones(len(shop), bool)
    n_t, n_c = total(everybody, ~held), total(everybody, held)
    return Family(
        effect=effect,
        reached=n_t,
        held=n_c,
        came_reached=total(came, ~held),
        came_held=total(came, held),
        predicted_reached=total(predicted, ~held) / np.maximum(n_t, 1),
        predicted_held=total(predicted, held) / np.maximum(n_c, 1),
        before=smoothed(total(-np.expm1(-history / HISTORY), everybody) / people, people.astype(float)),
        came_before=total(before, ~held),
        redeemed=total(came & (rng.random(len(shop)) < 0.8), ~held),
        theta=theta,
        explained=explained,
    )


def pooled(f: Family) -> Pooled:
    """As the product does it."""
    season = season_of(f.came_held, f.held, f.before)
    return pool(difference(f), f.reached, f.held, f.before, explained=f.explained, season=season)


def difference(f: Family) -> Numbers:
    raw = f.came_reached / f.reached - f.came_held / f.held
    return cuped.adjusted(raw, f.predicted_reached, f.predicted_held, f.theta)


# The naive ways, each as people do it -------------------------------------------------------------------------------


def wald(f: Family) -> tuple[Numbers, Numbers]:
    p1, p2 = f.came_reached / f.reached, f.came_held / f.held
    half = 1.96 * np.sqrt(p1 * (1 - p1) / f.reached + p2 * (1 - p2) / f.held)
    return p1 - p2 - half, p1 - p2 + half


def before_after(f: Family) -> tuple[Numbers, Numbers]:
    p1, p0 = f.came_reached / f.reached, f.came_before / f.reached
    half = 1.96 * np.sqrt(p1 * (1 - p1) / f.reached + p0 * (1 - p0) / f.reached)
    return p1 - p0 - half, p1 - p0 + half


def redemptions(f: Family) -> tuple[Numbers, Numbers]:
    p = f.redeemed / f.reached
    half = 1.96 * np.sqrt(np.maximum(p * (1 - p), 1e-9) / f.reached)
    return p - half, p + half


def plug_in(f: Family) -> tuple[Numbers, Numbers]:
    """Paule-Mandel's spread with variances from this campaign's own, pooled and smoothed rates."""
    d = f.came_reached / f.reached - f.came_held / f.held
    p1 = np.full(len(d), f.came_reached.sum() / f.reached.sum())
    p2 = (f.came_held + 20 * f.came_held.sum() / f.held.sum()) / (f.held + 20)
    v = p1 * (1 - p1) / f.reached + p2 * (1 - p2) / f.held

    def excess(tau2: float) -> float:
        w = 1 / (v + tau2)
        return float((w * (d - w @ d / w.sum()) ** 2).sum() - (len(d) - 1))

    tau2 = 0.0 if excess(0.0) <= 0 else float(brentq(excess, 0, 1))
    w = 1 / (v + tau2)
    mean = w @ d / w.sum()
    b = v / (v + tau2)
    middle, sd = b * mean + (1 - b) * d, np.sqrt((1 - b) * v + b**2 / w.sum())
    return middle - 1.96 * sd, middle + 1.96 * sd


def outcome_weights(f: Family) -> tuple[Numbers, Numbers]:
    """The family's mean with weights 1/v from what came of it, as in a meta-analysis of rare events."""
    p1, p2 = f.came_reached / f.reached, f.came_held / f.held
    q1, q2 = (f.came_reached + 0.5) / (f.reached + 1), (f.came_held + 0.5) / (f.held + 1)
    v = q1 * (1 - q1) / f.reached + q2 * (1 - q2) / f.held
    mean = (p1 - p2) @ (1 / v) / (1 / v).sum()
    error = np.sqrt(1 / (1 / v).sum())
    return np.array([mean - 1.96 * error]), np.array([mean + 1.96 * error])


NAIVE = {
    "Wald": wald,
    "before/after": before_after,
    "redemptions": redemptions,
    "plug-in spread": plug_in,
    "outcome-dependent weights": outcome_weights,
}


# What is measured ----------------------------------------------------------------------------------------------------


def alone(runs: int, rng: np.random.Generator) -> list[dict[str, Any]]:
    """A/A false positives of one campaign alone, by messages sent and base rate, at one fixed look."""
    rows = []
    for n in SIZES:
        share = holdout_share(n)
        held = max(1, round(n * share / (1 - share)))
        for rate in (0.02, 0.05, 0.12):
            yes_t, yes_c = rng.binomial(n, rate, runs), rng.binomial(held, rate, runs)
            found = newcombe(yes_t, n, yes_c, held)
            p1, p2 = yes_t / n, yes_c / held
            half = 1.96 * np.sqrt(p1 * (1 - p1) / n + p2 * (1 - p2) / held)
            sure = newcombe(yes_t, n, yes_c, held, level=rules.SURE_ALONE)
            rows.append(
                {
                    "messages": n,
                    "rate": rate,
                    "newcombe": float(np.mean((found.low > 0) | (found.high < 0))),
                    "wald": float(np.mean(np.abs(p1 - p2) > half)),
                    "worked": float(np.mean(sure.low > 0)),
                    "width": float(np.mean(found.high - found.low)),
                }
            )
    return rows


def looks(runs: int, rng: np.random.Generator, days: int = 28) -> list[dict[str, Any]]:
    """A/A with a look every day: the e-process beside Newcombe and Wald as if each look were the only one."""
    rows = []
    for n in SIZES:
        share = holdout_share(n)
        a = rng.multinomial(n, [1 / days] * days, runs).T.astype(float)
        b = rng.multinomial(max(1, round(n * share / (1 - share))), [1 / days] * days, runs).T.astype(float)
        for rate in (0.02, 0.05, 0.12):
            ya, yb = rng.binomial(a.astype(int), rate), rng.binomial(b.astype(int), rate)
            both = (
                np.maximum(eprocess.evidence(ya, a, yb, b).max(axis=0), eprocess.evidence(yb, b, ya, a).max(axis=0))
                >= 40
            )
            na, nb, sa, sb = a.cumsum(0), b.cumsum(0), ya.cumsum(0), yb.cumsum(0)
            found = newcombe(sa, na, sb, nb)
            p1, p2 = sa / np.maximum(na, 1), sb / np.maximum(nb, 1)
            half = 1.96 * np.sqrt(p1 * (1 - p1) / np.maximum(na, 1) + p2 * (1 - p2) / np.maximum(nb, 1))
            rows.append(
                {
                    "messages": n,
                    "rate": rate,
                    "e-process": float(both.mean()),
                    "newcombe daily": float(((found.low > 0) | (found.high < 0)).any(axis=0).mean()),
                    "wald daily": float((np.abs(p1 - p2) > half).any(axis=0).mean()),
                }
            )
    return rows


def families(plan: dict[int, int], rng: np.random.Generator) -> list[dict[str, Any]]:
    """Coverage, width, false claims of Dure's and the naive intervals, by shape and number of shops."""
    rows = []
    for shape in SHAPES:
        for shops, runs in plan.items():
            inside, wide, small_inside, worked, false_worked, told, gain = [], [], [], 0, 0, 0, []
            alone_wide: list[Numbers] = []
            naive: dict[str, list[NDArray[np.bool_]]] = {name: [] for name in NAIVE}
            for _ in range(runs):
                f = simulate(shape, shops, rng)
                keep = (f.reached > 0) & (f.held > 0)
                found = pooled(f)
                low, high = found.quantile(0.025), found.quantile(0.975)
                small = keep & (f.reached <= 100)
                inside.append((low <= f.effect) & (f.effect <= high))
                small_inside.append(inside[-1][small])
                wide.append((high - low)[small])
                found_alone = newcombe(f.came_reached, f.reached, f.came_held, f.held)
                alone_wide.append((found_alone.high - found_alone.low)[small])
                for name, way in NAIVE.items():
                    lo, hi = way(f)
                    truth = f.effect if len(lo) > 1 else f.effect.mean(keepdims=True)
                    naive[name].append((lo <= truth) & (truth <= hi))
                judged = verdict_counts(f, found)
                worked += int(judged.sum())
                false_worked += int((judged & (f.effect <= 0)).sum())
                told += shops
                gain.append(float(np.sqrt(np.mean((found.guesses - f.effect) ** 2))))
            rows.append(
                {
                    "shape": shape,
                    "shops": shops,
                    "campaigns": told,
                    "coverage": float(np.concatenate(inside).mean()),
                    "coverage of shops with ≤100 messages": float(np.concatenate(small_inside).mean()),
                    "width for ≤100 messages, pp": float(100 * np.concatenate(wide).mean()),
                    "width alone for ≤100 messages, pp": float(100 * np.concatenate(alone_wide).mean()),
                    "said it worked": worked / told,
                    "falsely said it worked": false_worked / told,
                    "of those sayings false": false_worked / worked if worked else 0.0,
                    "rmse, pp": 100 * float(np.mean(gain)),
                    "naive coverage": {name: float(np.concatenate(found).mean()) for name, found in naive.items()},
                }
            )
            print(line(rows[-1]), flush=True)
    return rows


def verdict_counts(f: Family, found: Pooled) -> NDArray[np.bool_]:
    """Where `rules.judge` says WORKED, (s,): the same thresholds over all shops at once, checked against it on a few."""
    sure = newcombe(f.came_reached, f.reached, f.came_held, f.held, level=rules.SURE_ALONE)
    worked, below = sure.low > 0, found.below(0.0)
    low = (
        found.quantile((1 - rules.SHOWN) / 2)
        if len(below) >= 100
        else newcombe(f.came_reached, f.reached, f.came_held, f.held, level=rules.SHOWN).low
    )
    if len(below) >= SHOPS_FOR_CLAIMS:
        worked, hurt = 1 - below >= rules.SURE, below >= rules.SURE
    else:
        hurt = sure.high < 0
    said = worked & (low > 0) & ~hurt
    for place in (0, len(said) // 2, *np.flatnonzero(said)[:2]):
        one = rules.judge(
            came_reached=int(f.came_reached[place]),
            reached=int(f.reached[place]),
            came_held=int(f.came_held[place]),
            held=int(f.held[place]),
            family=found,
            place=int(place),
        )
        assert (one.verdict == Verdict.WORKED) == bool(said[place])
    return np.asarray(said, bool)


def line(row: dict[str, Any]) -> str:
    naive = " ".join(f"{name} {100 * share:.0f}" for name, share in row["naive coverage"].items())
    return (
        f"{row['shape']:<7}{row['shops']:>6} shops  coverage {100 * row['coverage']:5.1f} (small {100 * row['coverage of shops with ≤100 messages']:5.1f})"
        f"  width {row['width for ≤100 messages, pp']:4.1f} pp (alone {row['width alone for ≤100 messages, pp']:4.1f})"
        f"  worked {100 * row['said it worked']:5.2f} %, false {100 * row['falsely said it worked']:.3f} % ({100 * row['of those sayings false']:.1f} % of them)"
        f"  rmse {row['rmse, pp']:.2f}  | naive: {naive}"
    )


def judged(
    alone_rows: list[dict[str, Any]], look_rows: list[dict[str, Any]], rows: list[dict[str, Any]], *, noise: float
) -> dict[str, Any]:
    """Each goal and whether it was met; each naive way and whether it was seen to fail. `noise`: what the worst of so many
    rows may lie above 5 % by the luck of the runs alone."""
    large = [r for r in rows if r["shops"] >= 300]
    a_a = max(r["newcombe"] for r in alone_rows)
    daily = max(r["e-process"] for r in look_rows)
    worst, best = min(r["coverage"] for r in large), max(r["coverage"] for r in large)
    width = max(r["width for ≤100 messages, pp"] for r in large)
    false_share = max(r["falsely said it worked"] for r in rows)
    real = [r for r in large if r["shape"] != "zero"]
    said = sum(r["said it worked"] * r["campaigns"] for r in real)
    false_of_said = sum(r["falsely said it worked"] * r["campaigns"] for r in real) / max(said, 1)
    naive = {name: min(r["naive coverage"][name] for r in rows) for name in NAIVE}
    return {
        "A/A false positives, worst size, one look": (a_a, a_a <= 0.05 + noise),
        "A/A false positives, worst size, 28 daily looks": (daily, daily <= 0.05),
        "coverage of 95 % intervals from 300 shops, worst shape": (worst, worst >= 0.94),
        "coverage of 95 % intervals from 300 shops, best shape": (best, best <= 1.0),
        "width for ≤100 messages, pp, worst shape": (width, width <= 8),
        "falsely said it worked, of all campaigns, worst row": (false_share, false_share <= 0.01),
        "falsely said it worked, of those that said so (≥ 300 shops, shapes with effects)": (
            false_of_said,
            false_of_said <= 0.01,
        ),
        "naive: Wald's A/A is wrong": (max(r["wald"] for r in alone_rows), max(r["wald"] for r in alone_rows) > 0.08),
        "naive: Wald daily is wrong": (
            max(r["wald daily"] for r in look_rows),
            max(r["wald daily"] for r in look_rows) > 0.15,
        ),
        **{f"naive: {name}, worst coverage": (share, share < 0.90) for name, share in naive.items() if name != "Wald"},
    }


def calibrate(*, quick: bool = False, seed: int = 20_261_125) -> dict[str, Any]:
    """Everything measured; `quick` in some seconds, for the suite."""
    rng = np.random.default_rng(seed)
    began = time.perf_counter()
    alone_rows = alone(2_000 if quick else 40_000, rng)
    look_rows = looks(200 if quick else 2_000, rng)
    rows = families({300: 2} if quick else {30: 200, 300: 40, 3_000: 6}, rng)
    goals = judged(alone_rows, look_rows, rows, noise=2.5 * (0.05 * 0.95 / (2_000 if quick else 40_000)) ** 0.5)
    return {
        "seconds": round(time.perf_counter() - began, 1),
        "seed": seed,
        "campaigns": sum(r["campaigns"] for r in rows),
        "goals": {name: {"measured": value, "met": bool(met)} for name, (value, met) in goals.items()},
        "alone": alone_rows,
        "daily looks": look_rows,
        "families": rows,
    }


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a short version that writes no file")
    asked = parser.parse_args()
    result = calibrate(quick=asked.quick)
    for name, goal in result["goals"].items():
        shown = f"{goal['measured']:.2f}" if name.startswith("width") else f"{100 * goal['measured']:.2f} %"
        print(f"{'ok  ' if goal['met'] else 'MISS'} {name}: {shown}")
    if not asked.quick:
        RESULT.parent.mkdir(exist_ok=True)
        RESULT.write_text(json.dumps(result, ensure_ascii=False, indent=1) + "\n")
    return 0 if all(goal["met"] for goal in result["goals"].values()) else 1


if __name__ == "__main__":
    sys.exit(main())
