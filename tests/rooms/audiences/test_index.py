"""The index against sets: whatever is asked, the answer is what counting people one by one gives."""

import numpy as np
import pytest

from dure.audiences.engine.expression import All, Any, Between, Everybody, Expression, Is, Not, Unanswerable
from dure.audiences.engine.index import Index
from dure.audiences.engine.traits import Kind, Trait

SCHEMA = (
    Trait("region", Kind.REGION),
    Trait("sex", Kind.CHOICE, ("f", "m"), sorted=True),
    Trait("age", Kind.NUMBER, low=0, high=110, sorted=True),
    Trait("taste", Kind.SET, ("coffee", "noodles", "meat")),
    Trait("last_seen", Kind.NUMBER, low=0, high=365),
)
MAPO, SEOGYO, JONGNO = 1144066000, 1144068000, 1111051500


def small() -> Index:
    return Index.of(
        SCHEMA,
        np.array([11, 12, 13, 14, 15]),
        {
            "region": np.array([MAPO, SEOGYO, JONGNO, MAPO, JONGNO]),
            "sex": np.array([0, 1, 0, 1, -1]),
            "age": np.array([25, 39, 61, 40, -1]),
            "taste": np.array([0b011, 0b001, 0b100, 0b000, 0b111]),
            "last_seen": np.array([0, 10, -1, 365, 30]),
        },
    )


@pytest.mark.parametrize(
    ("expression", "people"),
    [
        (Everybody(), {11, 12, 13, 14, 15}),
        (Is("region", ("11440",)), {11, 12, 14}),
        (Is("region", ("11", "1144066000")), {11, 12, 13, 14, 15}),
        (Is("region", ("26",)), set()),
        (Is("taste", ("coffee", "meat")), {11, 12, 13, 15}),
        (Between("age", 25, 39), {11, 12}),
        (Not(Between("age", 25, None)), {15}),
        (Between("last_seen", None, 30), {11, 12, 15}),
        (Between("last_seen", None, None), {11, 12, 14, 15}),
        (All((Is("region", ("11440",)), Is("taste", ("coffee",)), Not(Is("sex", ("m",))))), {11}),
        (Any((Is("sex", ("f",)), Between("age", 40, 40))), {11, 13, 14}),
        (Is("sex", ()), set()),
        (All(()), {11, 12, 13, 14, 15}),
        (Any(()), set()),
    ],
)
def test_it_finds_whom_the_words_mean(expression: Expression, people: set[int]) -> None:
    index = small()
    assert index.count(expression) == len(people)
    assert set(index.persons(index.resolve(expression))) == people


def test_it_says_how_they_are_spread() -> None:
    index = small()
    assert index.breakdown(Everybody(), "sex") == {"f": 2, "m": 2}
    assert index.breakdown(Is("sex", ("f",)), "taste") == {"coffee": 1, "noodles": 1, "meat": 1}
    assert index.breakdown(Everybody(), "region") == {"1111051500": 2, "1144066000": 2, "1144068000": 1}
    assert index.breakdown(Is("region", ("11440",)), "age") == {25: 1, 39: 1, 40: 1}


@pytest.mark.parametrize(
    ("expression", "reason"),
    [
        (Is("shoe", ("42",)), "unknown-trait"),
        (Is("taste", ("tea",)), "unknown-value"),
        (Is("region", ("서울",)), "unknown-value"),
        (Between("taste", 1, 2), "not-a-number"),
        (Between("age", 40, 20), "contradictory-range"),
    ],
)
def test_what_it_does_not_know_it_refuses(expression: Expression, reason: str) -> None:
    with pytest.raises(Unanswerable) as refusal:
        small().count(Not(expression))
    assert refusal.value.reason == reason
