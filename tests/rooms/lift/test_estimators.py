"""What may be said, and that the arithmetic behind it is right."""

import numpy as np
import pytest

from benchmarks import calibrate
from dure.lift import rules
from dure.lift.estimators import cuped, eprocess
from dure.lift.estimators.newcombe import newcombe
from dure.lift.estimators.pooled import pool, season_of
from dure.lift.values import Footing, Judgement, Told, Verdict


def test_newcombe_is_as_published_but_for_a_hair() -> None:
    """56/70 against 48/80: (0.0524, 0.3339) in Newcombe's table II, method 10."""
    found = newcombe(56, 70, 48, 80)
    assert float(found.low) == pytest.approx(0.0524, abs=0.004)
    assert float(found.high) == pytest.approx(0.3339, abs=0.004)
    assert float(found.low) < 0.0524 < 0.3339 < float(found.high)


def test_newcombe_says_something_of_nobody() -> None:
    nobody = newcombe(0, 0, 0, 0)
    assert (float(nobody.low), float(nobody.high)) == (-1.0, 1.0)


def test_an_e_process_is_fair_however_often_one_looks_and_finds_harm() -> None:
    rng = np.random.default_rng(7)
    people = np.full((30, 3_000), 20.0)
    null = eprocess.evidence(rng.binomial(20, 0.05, people.shape), people, rng.binomial(20, 0.05, people.shape), people)
    assert float((null.max(axis=0) >= eprocess.ALARM).mean()) <= 0.01
    harm = eprocess.evidence(rng.binomial(20, 0.15, people.shape), people, rng.binomial(20, 0.05, people.shape), people)
    assert float((harm.max(axis=0) >= eprocess.ALARM).mean()) > 0.8


def test_cuped_takes_noise_away_and_no_effect() -> None:
    rng = np.random.default_rng(3)
    rate = rng.gamma(0.7, 0.2, 20_000)
    history = rng.poisson(rate * 10)
    came = (rng.random(20_000) < 1 - np.exp(-rate)).astype(float)
    predicted = cuped.predicted_rate(history, 10, mean=float(rate.mean()))
    theta = cuped.coefficient(came, predicted)
    assert cuped.explained(came, predicted) > 0.1
    assert float(np.var(came - theta * predicted)) < 0.9 * float(np.var(came))


def test_a_shop_borrows_from_the_family_and_nobody_owns_its_weight() -> None:
    n = np.full(400, 100.0)
    rng = np.random.default_rng(5)
    d = rng.normal(0.02, 0.05, 400)
    family = pool(d, n, n, np.full(400, 0.06))
    assert family.mean == pytest.approx(float(d.mean()))
    assert float(np.std(family.guesses)) < 0.6 * float(np.std(d))
    assert season_of(np.full(400, 12.0), n, np.full(400, 0.06)) == pytest.approx(2.0)
    with pytest.raises(ValueError, match="both groups"):
        pool(d, n, n * 0, np.full(400, 0.06))


def test_the_short_calibration_keeps_its_goals_and_sees_the_naive_ways_fail() -> None:
    result = calibrate.calibrate(quick=True)
    missed = {name: goal for name, goal in result["goals"].items() if not goal["met"]}
    # Two families of 300 shops say too little about these: `make calibrate` does.
    noisy = ("width", "falsely said it worked, of those", "coverage")
    assert min(row["coverage"] for row in result["families"]) > 0.88
    assert [name for name in missed if not name.startswith(noisy)] == []


TOLD = Told(reached=400, held=100, coupon=True, spent=48_000, earned=96_000)


def judged(verdict: Verdict, low: float, guess: float, high: float, **more: object) -> Judgement:
    return Judgement(verdict=verdict, footing=Footing.ALONE, low=low, guess=guess, high=high, **more)  # type: ignore[arg-type]


def test_the_sentence_of_each_verdict() -> None:
    worked = rules.sentence(judged(Verdict.WORKED, 0.0075, 0.03, 0.0525), TOLD)
    assert worked.within("ko") == (
        "쿠폰을 받은 400명 중 12명쯤이 이것 때문에 더 왔어요 (90% 범위 3~21명). 쓴 돈 48,000원, 더 번 돈 약 96,000원."
    )
    assert "about 12 came who would not have come otherwise (90% range 3 to 21)" in worked.within("en")
    probably = rules.sentence(judged(Verdict.PROBABLY, -0.005, 0.02, 0.04), TOLD)
    assert "아마 몇 명 더 온 것 같아요: 400명 중 8명쯤, 90% 범위는 2명 덜부터 16명 더까지예요" in probably.within("ko")
    assert "between 2 fewer and 16 more" in probably.within("en")
    unknown = rules.sentence(judged(Verdict.UNKNOWN, -0.05, 0.0, 0.05, shops=320, typical=0.021), TOLD)
    assert unknown.within("ko").startswith("아직 알 수 없어요")
    assert "비슷한 가게 320곳의 결과를 합치면 100명에 2.1명꼴로" in unknown.within("ko")
    hurt = rules.sentence(judged(Verdict.HURT, -0.06, -0.03, -0.01), TOLD)
    assert "12명쯤이 오히려 덜 왔어요 (90% 범위 4~24명)" in hurt.within("ko")


@pytest.mark.parametrize("verdict", list(Verdict))
def test_no_sentence_speaks_of_redemptions_per_cents_or_significance(verdict: Verdict) -> None:
    said = rules.sentence(judged(verdict, -0.02, 0.01, 0.04, shops=320, typical=0.02), TOLD)
    for language in ("ko", "en"):
        text = said.within(language).replace("90%", "")
        assert not [bad for bad in ("%", "유의", "significan", "redeem", "사용률", "ROI") if bad in text]


def test_verdicts_follow_the_numbers() -> None:
    def verdict(a: int, n: int, b: int, m: int) -> Verdict:
        return rules.judge(came_reached=a, reached=n, came_held=b, held=m).verdict

    assert verdict(150, 1_000, 50, 1_000) == Verdict.WORKED
    assert verdict(50, 1_000, 150, 1_000) == Verdict.HURT
    assert verdict(62, 1_000, 48, 1_000) == Verdict.PROBABLY
    assert verdict(3, 60, 3, 60) == Verdict.UNKNOWN
    assert verdict(0, 0, 0, 0) == Verdict.UNKNOWN
    assert (rules.may_be_measured(59), rules.may_be_measured(60)) == (False, True)


def test_one_guest_is_no_probably() -> None:
    """Four times in five it is right, and still nobody says it of a single visit. The control: of five visits it is said."""
    said = {
        came: rules.judge(came_reached=came, reached=40, came_held=0, held=40).verdict
        for came in (1, rules.FEW - 1, rules.FEW)
    }
    assert list(said.values()) == [Verdict.UNKNOWN, Verdict.UNKNOWN, Verdict.PROBABLY]


def test_a_family_of_fewer_than_three_hundred_claims_nothing() -> None:
    def said(shops: int) -> Verdict:
        n = np.full(shops, 300.0)
        family = pool(np.full(shops, 0.06), n, n, np.full(shops, 0.05))
        return rules.judge(came_reached=24, reached=300, came_held=15, held=300, family=family).verdict

    assert said(299) == Verdict.PROBABLY
    assert said(300) == Verdict.WORKED
