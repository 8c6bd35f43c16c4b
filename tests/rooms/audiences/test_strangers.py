"""What the network knows of people who are no friends: worked out for those alone who let it, and of the same words once."""

from datetime import UTC, datetime, timedelta

import numpy as np

from dure.audiences.engine.traits import Kind
from dure.audiences.queries import OWN_SCHEMA, _told_of_strangers

AT = datetime(2026, 11, 23, 3, tzinfo=UTC)
Row = tuple[int, bool, str | None, list[str] | None, list[int] | None, datetime | None, int, int]


def told(*rows: Row) -> dict[str, list[int]]:
    found = _told_of_strangers(rows, AT)
    assert set(found) == {trait.name for trait in OWN_SCHEMA}
    return {name: values.tolist() for name, values in found.items()}


def named(trait: str, bits: int) -> set[str]:
    values = next(one for one in OWN_SCHEMA if one.name == trait and one.kind is Kind.SET).values
    return {value for place, value in enumerate(values) if bits >> place & 1}


def test_nothing_is_known_of_whoever_did_not_say_yes_to_it() -> None:
    last = AT - timedelta(days=3)
    said = told(
        (1, False, "서울 마포구 망원동", ["cafe"], [12], last, 4, 50_000),
        (2, True, None, None, None, None, 0, 0),
        (3, True, "서울 마포구 망원동", ["cafe", "noodles"], [12, 19], last, 4, 50_900),
    )
    for name in ("region", "taste", "visited", "hours", "visits", "spend"):
        assert said[name][:2] == [0, 0], name
    assert said["last_seen"] == [-1, -1, 3]
    assert said["consent"] == [1, 9, 9]
    assert said["sex"] == said["age"] == [-1, -1, -1]
    assert str(said["region"][2]).startswith("11440")
    assert named("taste", said["taste"][2]) == {"coffee", "noodles"}
    assert (said["visits"][2], said["spend"][2]) == (4, 50)


def test_many_are_what_each_is_alone() -> None:
    rows: list[Row] = [
        (n, n % 3 > 0, ("서울 마포구 망원동", "")[n % 2], ["pub", "grill"][: n % 2 + 1], [n % 24, 9], AT - timedelta(days=n), n, n * 7_000)
        for n in range(120)
    ]  # fmt: skip
    together = _told_of_strangers(rows, AT)
    for place, row in enumerate(rows):
        alone = _told_of_strangers([row], AT)
        assert all(np.array_equal(alone[name], together[name][place : place + 1]) for name in together), row
