"""What targeting says and takes for granted before it has learned. Pure."""

from __future__ import annotations

from dure.kit.language import Text, say
from dure.targeting.values import Why

USUAL_HABITS = (0.6, 30.0, 0.8, 2.5)
"""r, alpha (days), a, b of the visits that are expected before a model of the network's own histories is in use: a visit in
seven weeks on average while somebody is a customer, one in four lost after each."""
STRUCTURE = 0.5
"""How far an effect follows the root of the visits that come anyway (docs: targeting): half, the rest is the same for all."""
OFTEN = 3


def typical_visits(days: float) -> float:
    """The visits of somebody of whom nothing is known but that they came once today."""
    r, alpha, _, _ = USUAL_HABITS
    return r / alpha * days


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
