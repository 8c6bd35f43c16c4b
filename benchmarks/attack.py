"""An attacker who knows everything about everybody but one bit of one person, against what Dure says of real people.

`make attack` tries every way we know, 10,000 times each, at a day's and at ninety days' budget, and four weaker ways of
publishing that it must break; writes benchmarks/results/attack.json. A bit is guessed by likelihood, the best test there is.
"""

import argparse
import json
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from dure.audiences.engine.noise import A_DAY, EPSILON, IN_90_DAYS, noised_all
from dure.audiences.values import SMALLEST

RESULTS = Path(__file__).parent / "results" / "attack.json"
A_DAYS_GOAL, NINETY_DAYS_GOAL, CONTROLS_GOAL = 0.55, 0.62, 0.85
Bits = NDArray[np.int64]
Attack = Callable[[Bits, int, float, np.random.Generator], NDArray[np.float64]]
"""(bits [trials], questions, epsilon, chance) -> evidence that each bit is 1: above zero it is guessed to be."""


def answers(true: NDArray[np.int64], epsilon: float) -> NDArray[np.int64]:
    """What the guard says, each cell a question of its own. Under 100 it only says so; the attacker stays above."""
    return noised_all(true, epsilon, 1)


def _leans(said: NDArray[np.int64], without: NDArray[np.int64], epsilon: float) -> NDArray[np.float64]:
    """Of each answer: log-likelihood that the person is counted over that they are not, everybody else known."""
    off = said - without
    leans: NDArray[np.float64] = epsilon * (np.abs(off) - np.abs(off - 1))
    return leans


def narrowing(bits: Bits, questions: int, epsilon: float, chance: np.random.Generator) -> NDArray[np.float64]:
    """As many different groups around the person as the budget has, everybody else in them known."""
    without = chance.integers(5 * SMALLEST, 5000, (len(bits), questions))
    return _leans(answers(without + bits[:, None], epsilon), without, epsilon).sum(axis=1)


def differencing(bits: Bits, questions: int, epsilon: float, chance: np.random.Generator) -> NDArray[np.float64]:
    """Pairs of groups that differ in the person alone, nobody else known: the likelihood of the differences."""
    without = chance.integers(5 * SMALLEST, 5000, (len(bits), questions // 2))
    gap = answers(without + bits[:, None], epsilon) - answers(without, epsilon)

    def log_density(x: NDArray[np.int64]) -> NDArray[np.float64]:
        density: NDArray[np.float64] = np.log1p(epsilon * np.abs(x)) - epsilon * np.abs(x)
        return density

    return (log_density(gap - 1) - log_density(gap)).sum(axis=1)


def fake_accounts(bits: Bits, questions: int, epsilon: float, chance: np.random.Generator) -> NDArray[np.float64]:
    """Ten accounts of the attacker's own pad each group, 0 to 10 of them, around the border of "under 100"."""
    own = np.tile(np.arange(11), questions // 11 + 1)[:questions]
    without = np.broadcast_to(SMALLEST - 5 + own, (len(bits), questions)).astype(np.int64)
    said = answers(without + bits[:, None], epsilon)
    hidden = said < SMALLEST
    # "Under 100" is an answer too: its likelihood is the sum of all that it hides.
    tail = [np.where(edge >= 0, 1 - 0.5 * np.exp(-epsilon * np.abs(edge)), 0.5 * np.exp(-epsilon * np.abs(edge)))
            for edge in (SMALLEST - 0.5 - without - 1, SMALLEST - 0.5 - without)]  # fmt: skip
    return np.where(hidden, np.log(tail[0] / tail[1]), _leans(said, without, epsilon)).sum(axis=1)


def today_minus_yesterday(
    bits: Bits, questions: int, epsilon: float, chance: np.random.Generator
) -> NDArray[np.float64]:
    """The same question before and after the day on which the person came or did not; each day has noise of its own."""
    return differencing(bits, questions, epsilon, chance)


def report_joining(bits: Bits, questions: int, epsilon: float, chance: np.random.Generator) -> NDArray[np.float64]:
    """Half of the budget on reach, half on reports of campaigns to the same groups, joined."""
    return narrowing(bits, questions // 2, epsilon, chance) + narrowing(
        bits, questions - questions // 2, epsilon, chance
    )


ATTACKS: dict[str, Attack] = {
    "narrowing": narrowing,
    "differencing": differencing,
    "ten fake accounts": fake_accounts,
    "today minus yesterday": today_minus_yesterday,
    "report joining": report_joining,
}


def accuracy(attack: Attack, questions: int, trials: int, seed: int, epsilon: float = EPSILON) -> float:
    """How often the bit is guessed right; a draw is worth a half."""
    chance = np.random.default_rng(seed)
    right, done = 0.0, 0
    while done < trials:
        many = min(1000, trials - done)
        bits = chance.integers(0, 2, many)
        evidence = attack(bits, questions, epsilon, chance)
        right += float(np.where(evidence == 0, 0.5, (evidence > 0) == (bits == 1)).sum())
        done += many
    return right / trials


# Weaker ways of publishing, which the attacker must break


def threshold_only(bits: Bits, questions: int, epsilon: float, chance: np.random.Generator) -> NDArray[np.float64]:
    """Exact above the threshold: one pair."""
    without = chance.integers(SMALLEST, 5000, len(bits))
    return ((without + bits) - without) - 0.5


def rounding(bits: Bits, questions: int, epsilon: float, chance: np.random.Generator) -> NDArray[np.float64]:
    """Rounded to ten: own accounts move the count until it is about to step."""
    without = chance.integers(SMALLEST, 5000, len(bits))
    pad = (5 - without - 1) % 10
    said = (without + pad + bits + 5) // 10 * 10
    return (said > (without + pad + 5) // 10 * 10) - 0.5


def noise_per_set(bits: Bits, questions: int, epsilon: float, chance: np.random.Generator) -> NDArray[np.float64]:
    """Noise that belongs to the set of people: two questions with one set have one answer."""
    without = chance.integers(SMALLEST, 5000, len(bits))
    noise_without = answers(np.zeros(len(bits), np.int64), epsilon)
    noise_with = answers(np.zeros(len(bits), np.int64), epsilon)
    second = without + np.where(bits == 1, noise_with + 1, noise_without)
    return (second != without + noise_without) - 0.5


def no_budget(bits: Bits, questions: int, epsilon: float, chance: np.random.Generator) -> NDArray[np.float64]:
    """The guard's own noise, and five thousand questions."""
    return sum((narrowing(bits, 500, epsilon, chance) for _ in range(10)), np.zeros(len(bits)))


CONTROLS: dict[str, Attack] = {
    "threshold only": threshold_only,
    "rounding": rounding,
    "noise per set": noise_per_set,
    "no budget": no_budget,
}


def run(trials: int, control_trials: int) -> dict[str, object]:
    """Everything, as it is written down."""
    day = {name: accuracy(attack, A_DAY, trials, 1) for name, attack in ATTACKS.items()}
    ninety = {name: accuracy(attack, IN_90_DAYS, trials, 2) for name, attack in ATTACKS.items()}
    controls = {name: accuracy(attack, A_DAY, control_trials, 3) for name, attack in CONTROLS.items()}
    at_a_tenth = {
        "a day": accuracy(narrowing, A_DAY, control_trials, 4, 0.1),
        "ninety days": accuracy(narrowing, IN_90_DAYS, control_trials, 5, 0.1),
    }
    return {
        "trials": trials,
        "control_trials": control_trials,
        "epsilon": EPSILON,
        "questions": {"a day": A_DAY, "ninety days": IN_90_DAYS},
        "a day": day,
        "ninety days": ninety,
        "controls": controls,
        "narrowing at epsilon 0.1": at_a_tenth,
        "holds": max(day.values()) <= A_DAYS_GOAL
        and max(ninety.values()) <= NINETY_DAYS_GOAL
        and min(controls.values()) >= CONTROLS_GOAL,
    }


def main() -> int:
    """Zero if the guard holds and every control breaks."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--trials", type=int, default=10_000)
    parser.add_argument("--controls", type=int, default=2_000)
    asked = parser.parse_args()
    found = run(asked.trials, asked.controls)
    for part in ("a day", "ninety days", "controls", "narrowing at epsilon 0.1"):
        print(part)
        for name, value in found[part].items():  # type: ignore[attr-defined]
            print(f"  {name:24} {value:.4f}")
    print("holds" if found["holds"] else "DOES NOT HOLD")
    RESULTS.write_text(json.dumps(found, indent=1) + "\n")
    return 0 if found["holds"] else 1


if __name__ == "__main__":
    sys.exit(main())
