"""A master and two workers on this machine find the prices of one machine, bit for bit, and a plan of the same value."""

from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from dure.campaigns.engine.allocate import solve
from dure.campaigns.engine.audit import audit
from dure.campaigns.engine.cluster import solve_on
from tests.rooms.audiences.test_spark import cluster
from tests.rooms.campaigns.test_allocate import plain, town

pytestmark = [
    pytest.mark.heavy,
    # py4j leaves its pipes to the collector.
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning", "ignore::ResourceWarning"),
]
PEOPLE, CAMPAIGNS, PARTS = 24_000, 40, 2
LEVELS = ((1, 6),)


def test_two_workers_make_the_plan_of_one_machine(tmp_path: Path) -> None:
    edges, budgets = town(PEOPLE, CAMPAIGNS, degree=12)
    costly, purses = town(PEOPLE, CAMPAIGNS, degree=12, money=True)
    terms = plain(CAMPAIGNS)
    ends = [PEOPLE * n // PARTS for n in range(PARTS + 1)]
    with cluster(tmp_path) as master:
        from pyspark.sql import SparkSession

        session = (
            SparkSession.builder.master(master)
            .config("spark.driver.host", "127.0.0.1")
            .config("spark.driver.bindAddress", "127.0.0.1")
            .config("spark.executor.memory", "900m")
            .config("spark.ui.enabled", "false")
            .getOrCreate()
        )
        try:
            context = session.sparkContext
            plans = []
            for whole, limits in ((edges, budgets), (costly, purses)):
                pieces = [whole.part(a, b) for a, b in pairwise(ends)]
                parts = context.parallelize(pieces, PARTS).cache()
                plans.append(solve_on(parts, limits, terms, levels=LEVELS))
            workers = context._jsc.sc().getExecutorMemoryStatus().size() - 1
        finally:
            session.stop()
    assert workers == 2
    here = solve(edges, budgets, terms, levels=LEVELS)
    assert (plans[0].prices.unit == here.prices.unit).all()
    assert plans[0].bound == pytest.approx(here.bound, rel=1e-12)
    assert plans[0].value == pytest.approx(here.value, rel=5e-4)
    assert audit(edges, budgets, 2, plans[0].chosen).violations == 0
    assert (plans[0].used <= budgets.messages).all()
    # Won are added up in another order, so their prices are as near as single precision goes.
    there = solve(costly, purses, terms, levels=LEVELS)
    assert plans[1].value == pytest.approx(there.value, rel=5e-3)
    assert audit(costly, purses, 2, plans[1].chosen).violations == 0
    assert np.isfinite(plans[1].gap)
    assert plans[1].gap < 0.05
