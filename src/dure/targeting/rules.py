"""What targeting says and takes for granted before it has learned. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from math import isfinite
from typing import Any

from dure.kit.language import Text, say
from dure.targeting.values import ModelName, Why

USUAL_HABITS = (0.6, 30.0, 0.8, 2.5)
"""r, alpha (days), a, b of the visits that are expected before a model of the network's own histories is in use: a visit in
seven weeks on average while somebody is a customer, one in four lost after each."""
OFTEN = 3


def said(why: Why) -> Text:
    """The reason as a person reads it."""
    return WORDS[why]


WORDS = {
    Why.OFTEN: say("이 가게에 자주 오셔서 보냈어요.", en="Because you often come to this shop."),
    Why.CAME: say("이 가게에 오신 적이 있어서 보냈어요.", en="Because you have been to this shop."),
    Why.FRIEND: say("이 가게의 친구여서 보냈어요.", en="Because you are a friend of this shop."),
    Why.AUDIENCE: say(
        "가게가 고른 조건에 맞고, 동네 가게 소식에 동의하셔서 보냈어요.",
        en="Because you agreed to hear from shops nearby and match what this one asked for.",
    ),
}


PAIRED_DAYS = 180
PAIRED_LEAST = 5
"""Orders of the shop that must have held both."""
PAIRED_DOUBT = 20
"""What the street or the trade says of a pair counts like so many orders of the shop's own."""
PAIRED_SHOPS = 5
"""So many shops must sell both before a pair of theirs is looked at: fewer, and a rival would shine through."""
EXTRA_LEAST = 0.05
PAIRED_KEPT = 3
SEQUEL_DAYS = 365
SEQUEL_DOUBT = 20
"""What friends choose on later visits anyway counts like so many people who had the dish before it."""
SEQUEL_KEPT = 5
SHOPS_AT_ONCE = 500
"""Shops whose sequels are learned in one transaction."""
BEST_KEPT = 10
FEWEST_HISTORIES = 500
CALIBRATED = {ModelName.VISITS: (0.7, 1.4), ModelName.EFFECT: (0.4, 2.5)}
"""What came, divided by what was foretold on rows that the model had not seen: beyond these it is broken."""
MOST = {"effects": 1.0, "shops": 4.0}
"""No message adds more than a visit, and no shop's messages are worth more than so many times another's."""
WEEKS_JUDGED = 4


def fault_of(
    name: ModelName, parameters: Mapping[str, Any], calibration: Mapping[str, Any], gate: Mapping[str, Any]
) -> str:
    """Why a model may not be used, in one line; empty when it may. The same is asked when it is made, when it is put into use and
    each time it is served."""
    wanted = {"r", "alpha", "a", "b"} if name is ModelName.VISITS else {"structure", "effects", "shops"}
    if set(parameters) != wanted:
        return "its parameters are not those of such a model"
    if not all(_sound(key, one) for key, one in parameters.items()):
        return "a parameter is no positive number"
    ratio, (low, high) = calibration.get("ratio"), CALIBRATED[name]
    if not isinstance(ratio, int | float) or not isfinite(ratio):
        return "it was not calibrated"
    if not low <= ratio <= high:
        return f"{ratio:.2f} of what it foretold came; {low} to {high} may be"
    if name is ModelName.EFFECT and not gate.get("passed"):
        return "the gate did not let it replace what is usual"
    return ""


def _sound(key: str, value: Any) -> bool:
    if isinstance(value, Mapping):
        most = MOST[key]
        return all(isinstance(one, int | float) and isfinite(one) and 0 <= one <= most for one in value.values())
    return isinstance(value, int | float) and isfinite(value) and 0 < value < 1e6


def in_use(steps: Iterable[tuple[int | None, bool]]) -> list[int]:
    """The models that were put into use and not taken back, the present one last, from the steps (model, back) in their order."""
    stack: list[int] = []
    for model, back in steps:
        if back:
            stack.pop()
        elif model is not None:
            stack.append(model)
    return stack
