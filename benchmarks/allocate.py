"""`make bench-allocate`: a week of messages planned by Dure and by what else could plan it, in one run on one machine.

    make bench-allocate ARGS="--people 4000000"

A synthetic market: everybody may hear from 20 campaigns drawn evenly from all (the worst case for caches), values log-normal,
budgets log-normal (sd 1) that add up to 0.7 of all attention. Each peer works on the sizes that it can hold, in a process of its
own with a limit of two minutes; Dure alone plans the whole country. Values are of whole plans that keep every budget, except where
the table says LP: a solver's optimum in fractions. Every plan of Dure's is audited edge by edge. Seconds are as the clock
had them on a machine that may have been busy (`load`), with seconds of processor beside them.
"""

import argparse
import json
import os
import resource
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import numba
import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.progress import Progress
from rich.table import Table
from scipy.sparse import coo_array, csr_array
from scipy.stats import norm

from dure.campaigns.engine.allocate import LEVELS, Budgets, Local, Plan, Prices, bound, clear, finish, solve
from dure.campaigns.engine.audit import Audit, audit
from dure.campaigns.engine.fair import satisfaction, solve_fair, stand_alone
from dure.campaigns.engine.market import Edges, Terms, lottery
from dure.campaigns.engine.online import Till
from dure.campaigns.engine.plan import complete, value_of

RESULT = Path(__file__).parent / "results" / "allocate.json"
SIZES = ((10_000, 100), (50_000, 500), (200_000, 1_000))
DEGREE, CAP, LOAD = 20, 2, 0.7
LIMIT = 120
WHOLE = 40_000_000
ROBUST = (400_000, 1_000)
AGAIN = ((1, 3),)
EXACT = {"OR-Tools PDLP": "ortools", "HiGHS simplex": "highspy", "HiGHS interior point": "highspy"}
PARTS = ("whole", "till", "limits", "peers")
RULES = ("ridge dual + Nesterov", "sort all, greedy", "first come", "no prices")


# The market ----------------------------------------------------------------------------------------------------------


@numba.njit(parallel=True, cache=True)
def _fill(campaign, value, table, campaigns, seed):  # type: ignore[no-untyped-def]
    people, degree = campaign.shape
    for i in numba.prange(people):
        for e in range(degree):
            again, turn = True, 0
            while again:
                j = np.uint16(lottery(i, e + 32 * turn, seed) * campaigns)
                again = False
                for d in range(e):
                    if campaign[i, d] == j:
                        again = True
                turn += 1
            campaign[i, e] = j
            value[i, e] = table[np.int64(lottery(i, e, seed + 1) * table.shape[0])]


def market(people: int, campaigns: int, *, load: float = LOAD, cap: int = CAP, seed: int = 1) -> tuple[Edges, Budgets]:
    """Edges and message budgets; the same for the same seed."""
    campaign, value = np.empty((people, DEGREE), np.uint16), np.empty((people, DEGREE), np.float32)
    table = np.exp(norm.ppf((np.arange(1 << 20) + 0.5) / (1 << 20))).astype(np.float32)
    _fill(campaign, value, table, campaigns, seed)
    messages = np.random.default_rng(seed).lognormal(0, 1, campaigns)
    return Edges(campaign, value), Budgets(np.floor(messages / messages.sum() * load * cap * people) + 1)


def plain(budgets: Budgets, cap: int = CAP) -> Terms:
    return Terms(cap, np.ones(budgets.campaigns, np.float32))


def timed(work: Callable[[], Any]) -> tuple[Any, float, float]:
    """What it gave, seconds by the clock, seconds of processor."""
    clock, processor = time.perf_counter(), time.process_time()
    made = work()
    return made, round(time.perf_counter() - clock, 3), round(time.process_time() - processor, 3)


def compiled() -> None:
    """Everything that is measured, once on next to nothing: compilation is no part of a plan."""
    edges, budgets = market(2_000, 100)
    costly = replace(edges, cost=np.ones_like(edges.value))
    for some, most in ((edges, budgets), (costly, replace(budgets, money=budgets.messages))):
        audit(some, most, CAP, solve(some, most, plain(most)).chosen)


# Dure ----------------------------------------------------------------------------------------------------------------


def ours(people: int, campaigns: int) -> dict[str, Any]:
    """Prices, whole messages and certificate of one plan, with the audit and the memory of this process."""
    compiled()
    edges, budgets = market(people, campaigns)
    terms, look = plain(budgets), Local(edges)
    prices, prices_s, prices_cpu = timed(lambda: clear(look, terms, budgets))
    (chosen, _, _), round_s, round_cpu = timed(lambda: complete(edges, budgets, terms, prices, look.shortlist))
    (worth, above), certify_s, _ = timed(lambda: (value_of(edges, chosen), bound(look, terms, budgets, prices)))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    found, audit_s, _ = timed(lambda: audit(edges, budgets, CAP, chosen))
    # Tomorrow one campaign in a hundred has twice as much: from today's prices.
    messages = np.where(np.arange(campaigns) % 100 == 0, budgets.messages * 2, budgets.messages)
    more = replace(budgets, messages=messages)

    def again() -> tuple[Prices, NDArray[np.uint32]]:
        moved = clear(look, terms, more, start=prices, levels=((1, 1),))
        return moved, complete(edges, more, terms, moved, look.shortlist)[0]

    (moved, re_chosen), re_s, re_cpu = timed(again)
    re_bound, re_worth = bound(look, terms, more, moved), value_of(edges, re_chosen)
    return {
        "people": people, "campaigns": campaigns, "edges": people * DEGREE, "prices_s": prices_s, "round_s": round_s,
        "prices_cpu_s": prices_cpu, "round_cpu_s": round_cpu, "certify_s": certify_s, "audit_s": audit_s, "peak_mb": round(peak),
        "plan": worth, "bound": above, "gap": (above - worth) / above, "violations": found.violations, "audited": found.edges,
        "again_s": re_s, "again_cpu_s": re_cpu, "again_gap": (re_bound - re_worth) / re_bound,
        "again_violations": audit(edges, more, CAP, re_chosen).violations, "load": os.getloadavg()[0],
    }  # fmt: skip


# Others --------------------------------------------------------------------------------------------------------------


def as_program(edges: Edges, budgets: Budgets) -> tuple[csr_array, NDArray[np.float64], NDArray[np.float64]]:
    """max value x, matrix x <= top, 0 <= x <= 1."""
    people, degree = edges.value.shape
    rows = np.concatenate([np.repeat(np.arange(people), degree), people + edges.campaign.ravel().astype(np.int64)])
    columns = np.tile(np.arange(people * degree), 2)
    matrix = csr_array(coo_array((np.ones(len(rows)), (rows, columns))))
    return matrix, np.concatenate([np.full(people, CAP), budgets.messages]), edges.value.ravel().astype(np.float64)


def by_pdlp(edges: Edges, budgets: Budgets, limit: int) -> dict[str, Any]:
    from ortools.pdlp import solve_log_pb2, solvers_pb2
    from ortools.pdlp.python import pdlp

    matrix, top, value = as_program(edges, budgets)
    program = pdlp.QuadraticProgram()
    program.objective_vector = -value
    program.constraint_matrix = matrix.tocsc()
    program.constraint_lower_bounds = np.full(len(top), -np.inf)
    program.constraint_upper_bounds = top
    program.variable_lower_bounds = np.zeros(len(value))
    program.variable_upper_bounds = np.ones(len(value))
    params = solvers_pb2.PrimalDualHybridGradientParams()
    criteria = params.termination_criteria.simple_optimality_criteria
    criteria.eps_optimal_relative = criteria.eps_optimal_absolute = 1e-4
    params.termination_criteria.time_sec_limit = limit
    params.num_threads = 2
    found, seconds, cpu = timed(lambda: pdlp.primal_dual_hybrid_gradient(program, params))
    x = np.asarray(found.primal_solution)
    over = np.maximum(matrix @ x - top, 0)[edges.people :] / budgets.messages
    name = solve_log_pb2.TerminationReason.Name(found.solve_log.termination_reason)
    return {"seconds": seconds, "cpu_s": cpu, "value": float(value @ x), "overrun": float(over.max()), "status": name}


def by_highs(edges: Edges, budgets: Budgets, solver: str, limit: int) -> dict[str, Any]:
    import highspy

    matrix, top, value = as_program(edges, budgets)
    columns = matrix.tocsc()
    program = highspy.HighsLp()
    program.num_col_, program.num_row_ = len(value), len(top)
    program.col_cost_, program.col_lower_, program.col_upper_ = -value, np.zeros(len(value)), np.ones(len(value))
    program.row_lower_, program.row_upper_ = np.full(len(top), -highspy.kHighsInf), top
    program.a_matrix_.format_ = highspy.MatrixFormat.kColwise
    program.a_matrix_.start_, program.a_matrix_.index_ = columns.indptr, columns.indices
    program.a_matrix_.value_ = columns.data
    highs = highspy.Highs()
    highs.setOptionValue("output_flag", False)
    highs.setOptionValue("solver", solver)
    highs.setOptionValue("threads", 2)
    highs.setOptionValue("time_limit", float(limit))
    if solver == "ipm":
        highs.setOptionValue("run_crossover", "off")
    highs.passModel(program)
    _, seconds, cpu = timed(highs.run)
    status = highs.modelStatusToString(highs.getModelStatus())
    worth = -highs.getInfo().objective_function_value
    return {"seconds": seconds, "cpu_s": cpu, "value": worth if status == "Optimal" else None, "status": status}


@numba.njit(parallel=True, cache=True)
def _ridge(campaign, value, price, gamma, cap, threads):  # type: ignore[no-untyped-def]
    """Usage at the ridge's answer: each person's x = clip((value - price - mu) / gamma, 0, 1), mu >= 0 so that sum x <= cap."""
    people, degree = campaign.shape
    used = np.zeros((threads, price.shape[0]))
    for thread in numba.prange(threads):
        reduced = np.empty(degree)
        for i in range(people * thread // threads, people * (thread + 1) // threads):
            top, all_of = 0.0, 0.0
            for e in range(degree):
                reduced[e] = (value[i, e] - price[campaign[i, e]]) / gamma
                top = max(top, reduced[e])
                all_of += min(1.0, max(0.0, reduced[e]))
            low, high = 0.0, top if all_of > cap else 0.0
            for _ in range(24 if all_of > cap else 0):
                middle, asked = (low + high) / 2, 0.0
                for e in range(degree):
                    asked += min(1.0, max(0.0, reduced[e] - middle))
                low, high = (middle, high) if asked > cap else (low, middle)
            for e in range(degree):
                used[thread, campaign[i, e]] += min(1.0, max(0.0, reduced[e] - high))
    return used


def by_ridge(edges: Edges, budgets: Budgets) -> dict[str, Any]:
    """In the manner of DuaLip: the dual of the program with a ridge, smooth, climbed by Nesterov's method with a step scaled by
    budget and restarts, the ridge shrinking (2, 0.5, 0.1); whole messages from its prices by Dure's own rounding."""
    reach = np.bincount(edges.campaign.ravel(), minlength=budgets.campaigns)
    _ridge(edges.campaign[:10], edges.value[:10], np.zeros(budgets.campaigns), 1.0, CAP, numba.get_num_threads())

    def climb() -> NDArray[np.float64]:
        price = np.zeros(budgets.campaigns)
        for gamma in (2.0, 0.5, 0.1):
            # The curvature in one price is its interior edges over gamma, no more than a few times those that are sent.
            step = gamma / np.maximum(1.0, np.minimum(reach, 4 * budgets.messages))
            look, momentum = price.copy(), 1.0
            for _ in range(70):
                used = _ridge(edges.campaign, edges.value, look, gamma, CAP, numba.get_num_threads()).sum(axis=0)
                climbed = np.maximum(0, look + step * (used - budgets.messages))
                if (climbed - price) @ (look - climbed) > 0:
                    momentum = 1.0
                after = (1 + np.sqrt(1 + 4 * momentum**2)) / 2
                look = np.maximum(0, climbed + (momentum - 1) / after * (climbed - price))
                price, momentum = climbed, after
        return price

    price, seconds, cpu = timed(climb)
    prices = Prices(price.astype(np.float32), np.zeros(budgets.campaigns, np.float32))
    plan = finish(edges, budgets, plain(budgets), prices)
    return {"seconds": seconds, "cpu_s": cpu, "value": plan.value, "bound": plan.bound, "status": "210 looks"}


@numba.njit(cache=True)
def _hand_out(order, campaign, value, messages, cap):  # type: ignore[no-untyped-def]
    """Edges in `order`, as long as person and campaign have room."""
    degree = campaign.shape[1]
    got = np.zeros(campaign.shape[0], np.uint8)
    worth = 0.0
    for at in range(order.shape[0]):
        i, e = order[at] // degree, order[at] % degree
        j = campaign[i, e]
        if got[i] < cap and messages[j] >= 1:
            got[i] += 1
            messages[j] -= 1
            worth += value[i, e]
    return worth


def by_rule(edges: Edges, budgets: Budgets, rule: str) -> dict[str, Any]:
    people, degree = edges.value.shape

    def hand_out() -> float:
        if rule == "sort all, greedy":
            order = np.argsort(-edges.value.ravel(), kind="stable")
        elif rule == "first come":
            # Who comes first takes the first that asks for them.
            order = np.arange(people * degree)
        else:
            # Everybody is meant to get their two best, in the order of people; a budget that is empty is empty.
            best = np.argsort(-edges.value, axis=1)[:, :CAP] + np.arange(people)[:, None] * degree
            order = best.ravel()
        return float(_hand_out(order, edges.campaign, edges.value, budgets.messages.copy(), CAP))

    _hand_out(np.zeros(0, np.int64), edges.campaign[:1], edges.value[:1], budgets.messages.copy(), CAP)
    worth, seconds, cpu = timed(hand_out)
    return {"seconds": seconds, "cpu_s": cpu, "value": worth, "status": "whole messages"}


def peer(name: str, people: int, campaigns: int, limit: int) -> dict[str, Any]:
    """One peer on one market, in this process."""
    edges, budgets = market(people, campaigns)
    if name == "OR-Tools PDLP":
        return by_pdlp(edges, budgets, limit)
    if name.startswith("HiGHS"):
        return by_highs(edges, budgets, "simplex" if name.endswith("simplex") else "ipm", limit)
    if name == "ridge dual + Nesterov":
        compiled()
        return by_ridge(edges, budgets)
    return by_rule(edges, budgets, name)


def elsewhere(*asked: str, limit: int = 0) -> dict[str, Any]:
    """This program in a process of its own; what it printed last."""
    command = [sys.executable, "-m", "benchmarks.allocate", *asked]
    try:
        done = subprocess.run(command, stdout=subprocess.PIPE, check=True, text=True, timeout=1.5 * limit or None)
    except subprocess.TimeoutExpired:
        return {"seconds": None, "value": None, "status": f"stopped at the limit of {limit} s"}
    told: dict[str, Any] = json.loads(done.stdout.strip().splitlines()[-1])
    if told.get("seconds") is not None and told["seconds"] >= limit > 0:
        told["status"] = f"stopped at the limit of {limit} s"
        told["value"] = None
    return told


def installed(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


# Rows ----------------------------------------------------------------------------------------------------------------


class Rows:
    """Plans under every kind of limit, each audited."""

    def __init__(self) -> None:
        self.rows: list[dict[str, Any]] = []

    def add(
        self, name: str, edges: Edges, budgets: Budgets, terms: Terms, make: Callable[[], Plan] | None = None
    ) -> Plan:
        plan, seconds, cpu = timed(make or (lambda: solve(edges, budgets, terms)))
        found: Audit = audit(edges, budgets, terms.cap, plan.chosen)
        self.rows.append(
            {"row": name, "gap": plan.gap, "plan": plan.value, "seconds": seconds, "cpu_s": cpu, "violations": found.violations, "audited": found.edges}
        )  # fmt: skip
        return plan


def robustness(people: int, campaigns: int) -> list[dict[str, Any]]:
    """Loads, caps, ties, money, shops, floors, warm restarts."""
    rows = Rows()
    for load in (0.1, 0.4, 0.7, 1.0, 1.5, 2.0):
        edges, budgets = market(people, campaigns, load=load)
        rows.add(f"load {load}", edges, budgets, plain(budgets))
    for cap in (1, 3, 4):
        edges, budgets = market(people, campaigns, cap=cap)
        rows.add(f"cap {cap}", edges, budgets, plain(budgets, cap))
    edges, budgets = market(people, campaigns)
    terms, draw = plain(budgets), np.random.default_rng(3)
    levels = draw.lognormal(0, 1, (campaigns, 20)).astype(np.float32)
    tied = replace(edges, value=levels[edges.campaign, draw.integers(0, 20, edges.value.shape)])
    for jitter in (0.0, 0.02, 0.05):
        lot = replace(terms, jitter=jitter, salt=9)
        full = ((*LEVELS[:-1], (1, 20)) if jitter else LEVELS)  # fmt: skip
        rows.add(f"ties, lottery {jitter:.0%}", tied, budgets, lot, lambda lot=lot, full=full: solve(tied, budgets, lot, levels=full))  # fmt: skip
    cost = draw.integers(100, 1_000, edges.value.shape).astype(np.float32)
    rows.add("money", replace(edges, cost=cost), replace(budgets, money=budgets.messages * 400), terms)
    shop = (np.arange(campaigns) // 4).astype(np.int32)
    together = np.floor(np.bincount(shop, budgets.messages) * 0.6)
    rows.add("shops of 4 campaigns", edges, replace(budgets, shop=shop, shop_messages=together), terms)
    edges, scarce = market(people, campaigns, load=1.5)
    floor = np.floor(np.minimum(scarce.messages, people * DEGREE / campaigns) * 0.3)
    rows.add("floors of 30 %, load 1.5", edges, replace(scarce, floor=floor), terms)
    edges, budgets = market(people, campaigns)
    first = solve(edges, budgets, terms)
    other = {
        "1 % of campaigns doubled": np.where(np.arange(campaigns) % 100 == 0, 2.0, 1.0),
        "10 % of budgets anew": np.where(draw.random(campaigns) < 0.1, draw.lognormal(0, 1, campaigns), 1.0),
        "all budgets x lognormal(0.3)": draw.lognormal(0, 0.3, campaigns),
    }
    for name, change in other.items():
        more = replace(budgets, messages=np.floor(budgets.messages * change) + 1)
        rows.add(f"again: {name}", edges, more, terms, lambda more=more: solve(edges, more, terms, start=first.prices, levels=AGAIN))  # fmt: skip
    return rows.rows


def fairness(people: int, campaigns: int) -> list[dict[str, Any]]:
    """Attention is scarce (load 1.5): what alpha costs and brings."""
    edges, budgets = market(people, campaigns, load=1.5)
    alone = stand_alone(edges, budgets)
    terms, rows = plain(budgets), []
    blind = finish(edges, budgets, terms, Prices.none(campaigns))
    told = satisfaction(edges, budgets, blind.chosen, alone)
    most = None
    for alpha in (0.0, 0.5, 1.0):
        (fair, best, after, _), seconds, cpu = timed(
            lambda alpha=alpha: solve_fair(edges, budgets, terms, alpha=alpha, alone=alone)
        )
        most = most or best
        rows.append(
            {"policy": f"alpha {alpha}", "value": fair.value / most.value, "gini": after.gini, "worst_tenth": after.worst_tenth,
             "median": after.median, "seconds": seconds, "cpu_s": cpu, "violations": audit(edges, budgets, CAP, fair.chosen).violations}
        )  # fmt: skip
    assert most is not None
    rows.insert(
        0, {"policy": "no prices", "value": blind.value / most.value, "gini": told.gini, "worst_tenth": told.worst_tenth, "median": told.median, "violations": 0}
    )  # fmt: skip
    return rows


def at_the_till(people: int = 20_000, campaigns: int = 200) -> dict[str, float]:
    """Next week's people come one by one, one message each at most, under the prices of this week's plan."""
    (last, _), (now, _) = market(people, campaigns, seed=5), market(people, campaigns, seed=6)
    # One in ten of those who come: a coupon at the till is scarce.
    budgets = market(people, campaigns, load=0.1, cap=1)[1]
    terms = plain(budgets, 1)
    solved, best = solve(last, budgets, terms).prices, solve(now, budgets, terms)
    occasions = np.bincount(now.campaign.ravel(), minlength=campaigns).astype(np.float64)
    typical = best.value / max(1, int(best.used.sum()))
    ways = {
        "solved": (solved, True),
        "solved_still": (solved, False),
        "cold": (Prices.none(campaigns), True),
        "none": (Prices.none(campaigns), False),
    }
    found, rows = {}, list(zip(now.campaign.tolist(), now.value.tolist(), strict=True))
    for name, (prices, learning) in ways.items():
        till = Till(prices, budgets, occasions, typical, learning=learning)

        def live(till: Till = till) -> float:
            kept = 0.0
            for there, worth in rows:
                place = till.offer(there, worth)
                kept += worth[place] if place is not None else 0.0
            return kept

        kept, _, cpu = timed(live)
        found[name] = kept / best.value
        if name == "solved":
            found["micros"] = cpu / people * 1e6
    return found


def planted() -> int:
    """The audit's own trial: a plan with one message too many."""
    edges, budgets = market(1_000, 100)
    chosen = solve(edges, budgets, plain(budgets)).chosen
    chosen[0] = np.uint32(2**DEGREE - 1)
    return audit(edges, budgets, CAP, chosen).violations


# Telling -------------------------------------------------------------------------------------------------------------


def _per_cent(part: float | None) -> str:
    return "–" if part is None else f"{part:.4%}"


def beside(console: Console, sizes: tuple[tuple[int, int], ...], bar: Progress, limit: int) -> list[dict[str, Any]]:
    """Ours and each peer's row on each size. Past a limit a peer is not asked for more."""
    names, rows, slow = [*EXACT, *RULES], [], set()
    task = bar.add_task("peers", total=len(sizes) * (len(names) + 1))
    for people, campaigns in sizes:
        mine = elsewhere("--alone", str(people), "--campaigns", str(campaigns))
        bar.advance(task)
        seconds = mine["prices_s"] + mine["round_s"]
        cpu = mine["prices_cpu_s"] + mine["round_cpu_s"]
        at = {"people": people, "campaigns": campaigns, "bound": mine["bound"]}
        rows.append(
            {
                **at,
                "peer": "Dure",
                "seconds": seconds,
                "cpu_s": cpu,
                "value": mine["plan"],
                "status": "whole messages",
                "times": 1.0,
            }
        )
        for name in names:
            bar.advance(task)
            if name in EXACT and installed(EXACT[name]) is None:
                continue
            if name in slow:
                rows.append(
                    {
                        **at,
                        "peer": name,
                        "seconds": None,
                        "cpu_s": None,
                        "value": None,
                        "status": "too slow on the smaller one",
                        "times": None,
                    }
                )
                continue
            told = elsewhere(
                "--peer",
                name,
                "--alone",
                str(people),
                "--campaigns",
                str(campaigns),
                "--limit",
                str(limit),
                limit=limit,
            )
            if "limit" in told["status"]:
                slow.add(name)
            times = told["seconds"] / seconds if told["seconds"] else None
            rows.append({**at, "peer": name, **told, "bound": mine["bound"], "times": times})
    for people, campaigns in sizes:
        title = f"{people:,} people x {campaigns:,} campaigns"
        table = Table("who", "s", "processor s", "x ours", "of the bound", "how", title=title)
        for row in rows:
            if row["people"] == people:
                share = None if row["value"] is None else row["value"] / row["bound"]
                told = (None if row.get(key) is None else f"{row[key]:.2f}" for key in ("seconds", "cpu_s", "times"))
                how = "fractions" if row["peer"] in EXACT and row["value"] else row["status"]
                table.add_row(row["peer"], *(one or "–" for one in told), _per_cent(share), how)
        console.print(table)
    return rows


def _kept(found: dict[str, Any]) -> None:
    """Into the result's file, beside the parts that were measured before; a smaller country does not take a larger one's place."""
    before = json.loads(RESULT.read_text()) if RESULT.exists() else {}
    if found.get("people", WHOLE) >= before.get("people", 0):
        RESULT.write_text(json.dumps({**before, **found}, indent=1) + "\n")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--people", type=int, default=WHOLE, help="whom Dure plans for alone")
    parser.add_argument("--campaigns", type=int, default=10_000)
    parser.add_argument(
        "--part", choices=PARTS, action="append", help="only this part (again and again); the file keeps the others"
    )
    parser.add_argument("--sizes", type=int, default=len(SIZES), help="how many of the sizes for peers")
    parser.add_argument("--limit", type=int, default=LIMIT, help="seconds that a peer may take")
    parser.add_argument("--alone", type=int, default=0, help=argparse.SUPPRESS)
    parser.add_argument("--peer", default="", help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.alone:
        made = (
            peer(asked.peer, asked.alone, asked.campaigns, asked.limit)
            if asked.peer
            else ours(asked.alone, asked.campaigns)
        )
        print(json.dumps(made))
        return
    console, parts = Console(), asked.part or PARTS
    compiled()
    if "whole" in parts:
        whole = elsewhere("--alone", str(asked.people), "--campaigns", str(asked.campaigns))
        _kept({**whole, "cores": os.cpu_count(), "planted_found": planted()})
        console.print(
            f"{whole['people']:,} people x {whole['campaigns']:,} campaigns x {DEGREE}: prices {whole['prices_s']:.1f} s + whole "
            f"messages {whole['round_s']:.1f} s (processor {whole['prices_cpu_s']:.0f} + {whole['round_cpu_s']:.0f} s), gap "
            f"{whole['gap']:.4%}, peak {whole['peak_mb']:,} MB; one look and whole messages again after new budgets "
            f"{whole['again_s']:.1f} s, gap {whole['again_gap']:.4%}; load {whole['load']:.1f}"
        )
        console.print(
            f"{whole['violations']} violations in {whole['audited']:,} edges; a planted one is found: {planted() > 0}"
        )
    if "till" in parts:
        told = at_the_till()
        _kept({"till": told})
        console.print(
            f"at the till: {told['micros']:.0f} us a decision; of a new plan's value solved prices keep {told['solved']:.1%}, "
            f"without following {told['solved_still']:.1%}, cold ones that learn {told['cold']:.1%}, none {told['none']:.1%}"
        )
    if "limits" in parts:
        robust, fair = robustness(*ROBUST), fairness(*ROBUST)
        _kept({"robust": robust, "fairness": fair, "robust_size": ROBUST})
        limits = Table(
            "row", "gap", "s", "processor s", "violations", title="{:,} people, {:,} campaigns".format(*ROBUST)
        )
        for row in robust:
            seconds = (f"{row[key]:.1f}" for key in ("seconds", "cpu_s"))
            limits.add_row(row["row"], _per_cent(row["gap"]), *seconds, str(row["violations"]))
        console.print(limits)
        shares = Table(
            "policy", "value", "Gini", "worst tenth", "median", title="Fairness, attention scarce (load 1.5)"
        )
        for row in fair:
            shares.add_row(row["policy"], *(f"{row[k]:.4f}" for k in ("value", "gini", "worst_tenth", "median")))
        console.print(shares)
        audited = sum(row["audited"] for row in robust)
        console.print(f"{sum(row['violations'] for row in [*robust, *fair])} violations in {audited:,} edges")
    if "peers" in parts:
        there = {name: installed(package) for name, package in EXACT.items()}
        measured = ", ".join(f"{name} {v}" for name, v in there.items() if v)
        console.print(f"measured beside: {measured or 'no solver'}; and {', '.join(RULES)}")
        missing = [name for name, v in there.items() if v is None]
        console.print("not installed:", ", ".join(missing) or "nothing")
        with Progress(console=console) as bar:
            rows = beside(console, SIZES[: asked.sizes], bar, asked.limit)
        _kept({"peers": rows, "versions": there, "not_installed": missing, "limit_s": asked.limit})


if __name__ == "__main__":
    main()
