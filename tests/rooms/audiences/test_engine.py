"""The engine against a naive set model: nested conditions, ranges, changes; and what is meant to wear it out."""

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from pyroaring import BitMap

from dure.audiences import queries
from dure.audiences.engine import draw, hands, index, kernel
from dure.audiences.engine.containers import Damaged, assembled, gathered, packed, row_of
from dure.audiences.engine.expression import All, Any, Between, Everybody, Expression, Is, Not, Unanswerable
from dure.audiences.engine.few import which
from dure.audiences.engine.index import Change, Index
from dure.audiences.engine.traits import Kind, Trait

SCHEMA = (
    Trait("region", Kind.REGION),
    Trait("sex", Kind.CHOICE, ("f", "m"), sorted=True),
    Trait("age", Kind.NUMBER, low=0, high=90, sorted=True),
    Trait("taste", Kind.SET, tuple(f"t{number}" for number in range(10))),
    Trait("last_seen", Kind.NUMBER, low=0, high=364),
)
DONGS = np.array([1111051500, 1144066000, 1144068000, 2611051000, 5011025000])
PEOPLE = 150_000  # three blocks, the last of them cut off
Columns = dict[str, NDArray[np.int64]]


def country(seed: int) -> tuple[NDArray[np.int64], Columns]:
    chance = np.random.default_rng(seed)
    tastes = chance.random((10, PEOPLE)) < np.geomspace(0.0002, 0.8, 10)[:, None]
    return chance.permutation(PEOPLE) + 1, {
        "region": DONGS[chance.choice(5, PEOPLE, p=[0.5, 0.3, 0.1, 0.0999, 0.0001])],
        "sex": chance.integers(-1, 2, PEOPLE),
        "age": np.where(chance.random(PEOPLE) < 0.01, -1, chance.integers(0, 91, PEOPLE)),
        "taste": (tastes.astype(np.int64) << np.arange(10)[:, None]).sum(axis=0),
        "last_seen": np.where(chance.random(PEOPLE) < 0.3, -1, chance.geometric(0.05, PEOPLE).clip(max=365) - 1),
    }


IDS, COLUMNS = country(5)
INDEX = Index.of(SCHEMA, IDS, COLUMNS)

CONDITIONS = st.one_of(
    st.just(Everybody()),
    st.builds(
        Is,
        st.just("region"),
        st.lists(st.sampled_from(["11", "11440", "1144066000", "26", "5011025000", "99"])).map(tuple),
    ),
    st.builds(Is, st.just("sex"), st.lists(st.sampled_from(["f", "m"])).map(tuple)),
    st.builds(Is, st.just("taste"), st.lists(st.sampled_from([f"t{n}" for n in range(10)]), max_size=4).map(tuple)),
    st.builds(Is, st.just("age"), st.lists(st.integers(-5, 95), max_size=3).map(tuple)),
    st.builds(
        lambda name, a, b: Between(name, *sorted((a, b))),
        st.sampled_from(["age", "last_seen"]),
        st.integers(-3, 400),
        st.integers(-3, 400),
    ),
    st.builds(Between, st.just("last_seen"), st.none(), st.integers(0, 400)),
    st.builds(Between, st.just("age"), st.integers(0, 90), st.none()),
)
EXPRESSIONS: st.SearchStrategy[Expression] = st.recursive(
    CONDITIONS,
    lambda parts: st.one_of(
        st.builds(Not, parts),
        st.lists(parts, max_size=4).map(lambda some: All(tuple(some))),
        st.lists(parts, max_size=4).map(lambda some: Any(tuple(some))),
    ),
    max_leaves=12,
)


def naive(expression: Expression, columns: Columns) -> NDArray[np.bool_]:
    """One by one, as the words say it."""
    everybody = np.ones(len(columns["sex"]), bool)
    match expression:
        case Everybody():
            return everybody
        case Not(part):
            return ~naive(part, columns)
        case All(parts):
            return np.logical_and.reduce([everybody, *(naive(part, columns) for part in parts)])
        case Any(parts):
            return np.logical_or.reduce([~everybody, *(naive(part, columns) for part in parts)])
        case Between(trait, low, high):
            column = columns[trait]
            return (column >= max(0, low or 0)) & (column <= (10**6 if high is None else high))
        case Is(trait, values):
            column, found = columns[trait], ~everybody
            for value in values:
                if trait == "region":
                    found = found | (column // 10 ** (10 - len(str(value))) == int(value))
                elif trait == "taste":
                    found = found | (column >> int(str(value)[1:]) & 1).astype(bool)
                else:
                    code = int(value) if trait == "age" else ("f", "m").index(str(value))
                    found = found | ((column == code) & (column >= 0))
            return found
    raise AssertionError(expression)


@settings(max_examples=150, deadline=None)
@given(EXPRESSIONS)
def test_it_counts_and_finds_as_one_by_one(expression: Expression) -> None:
    mask = naive(expression, COLUMNS)
    assert INDEX.count(expression) == int(mask.sum())
    assert set(INDEX.persons(INDEX.resolve(expression)).tolist()) == set(IDS[mask].tolist())


RANGES = st.tuples(st.sampled_from(["age", "last_seen"]), st.integers(-3, 400), st.integers(-3, 400)).map(
    lambda said: Between(said[0], *sorted(said[1:]))
)


@settings(max_examples=60, deadline=None)
@given(EXPRESSIONS, st.lists(RANGES, min_size=1, max_size=5))
def test_a_slider_moved_again_and_again_counts_as_one_by_one(rest: Expression, ranges: list[Between]) -> None:
    for moved in ranges:
        asked = All((rest, All((Everybody(), moved))))
        assert INDEX.count_sliding(asked) == int(naive(asked, COLUMNS).sum())


def test_a_withdrawal_is_out_of_the_next_count_of_a_slider() -> None:
    def asked(low: int) -> Expression:
        return All((Is("taste", ("t9",)), Between("age", low, 80)))

    before = [INDEX.count_sliding(asked(low)) for low in (20, 21, 20)]
    who = int(INDEX.ids(All((Is("taste", ("t9",)), Is("age", (40,)))))[0])
    after = INDEX.changed([Change(1, who, "taste", "t9", holds=False)])
    assert [after.count_sliding(asked(low)) for low in (20, 21, 20)] == [many - 1 for many in before]
    assert [INDEX.count_sliding(asked(low)) for low in (20, 21, 20)] == before
    beside = INDEX.beside({"relation": {"friend": INDEX.ordinals(np.array([who]))}})
    friends = All((Is("relation", ("friend",)), Between("age", 40, 40)))
    assert [beside.count_sliding(friends) for _ in range(3)] == [1, 1, 1]


def test_what_is_kept_for_sliders_has_its_bounds(monkeypatch: pytest.MonkeyPatch) -> None:
    block = 8 * kernel.WORDS
    monkeypatch.setattr(index, "RESTS_BYTES", 3 * block)
    monkeypatch.setattr(index, "RESTS_SEEN", 4)
    own = Index.of(SCHEMA, IDS, COLUMNS)
    for name in (f"t{number}" for number in range(8)):
        for high in range(3):
            asked = All((Is("taste", (name,)), Between("age", 20, 60 + high)))
            assert own.count_sliding(asked) == INDEX.count(asked)
        seen = own._rests._seen
        assert len(seen) <= 4
        assert sum(one.keep.nbytes for one in seen.values() if one) <= 3 * block


def test_nobody_at_all_is_kept_as_nobody() -> None:
    for high in range(50, 53):
        assert INDEX.count_sliding(All((Is("region", ("99",)), Between("age", 20, high)))) == 0
        assert INDEX.count_sliding(All((Is("taste", ()), Is("sex", ("f",)), Between("age", 20, high)))) == 0


@settings(max_examples=25, deadline=None)
@given(EXPRESSIONS, st.sampled_from([2, 5, 10]))
def test_regions_of_each_size_are_counted_as_one_by_one(expression: Expression, digits: int) -> None:
    codes = COLUMNS["region"][naive(expression, COLUMNS)] // 10 ** (10 - digits)
    found, many = np.unique(codes, return_counts=True)
    expected = {f"{code:0{digits}d}": count for code, count in zip(found.tolist(), many.tolist(), strict=True)}
    assert INDEX.by_region(expression, digits) == expected


@settings(max_examples=25, deadline=None)
@given(EXPRESSIONS)
def test_it_spreads_them_as_one_by_one(expression: Expression) -> None:
    mask = naive(expression, COLUMNS)
    for trait in ("age", "last_seen"):
        numbers, many = np.unique(COLUMNS[trait][mask], return_counts=True)
        expected = {int(n): int(m) for n, m in zip(numbers, many, strict=True) if n >= 0}
        assert INDEX.breakdown(expression, trait) == expected
    regions, many = np.unique(COLUMNS["region"][mask], return_counts=True)
    assert INDEX.breakdown(expression, "region") == {
        f"{r:010d}": m for r, m in zip(regions, many.tolist(), strict=True)
    }
    tastes = {f"t{n}": int((COLUMNS["taste"][mask] >> n & 1).sum()) for n in range(10)}
    assert INDEX.breakdown(expression, "taste") == tastes


@settings(max_examples=15, deadline=None)
@given(EXPRESSIONS)
def test_a_portrait_is_all_of_it_in_one_go(expression: Expression) -> None:
    mask = naive(expression, COLUMNS)
    found = INDEX.portrait(expression)
    assert found.people == int(mask.sum())
    pairs, many = np.unique(np.stack([COLUMNS["sex"], COLUMNS["age"]])[:, mask], axis=1, return_counts=True)
    expected = {
        ((None, "f", "m")[sex + 1], None if age < 0 else age): count
        for (sex, age), count in zip(pairs.T.tolist(), many.tolist(), strict=True)
    }
    assert found.cells == expected
    assert found.regions == INDEX.breakdown(expression, "region")
    assert found.districts == INDEX.by_region(expression, 5)


def test_a_change_of_what_people_are_sorted_by_is_in_the_portrait() -> None:
    before = INDEX.breakdown(Everybody(), "age")
    person = int(IDS[(COLUMNS["age"] == 40) & (COLUMNS["sex"] == 0)][0])
    after = INDEX.changed([Change(1, person, "age", 41), Change(2, person, "sex", "f", holds=False)])
    moved = after.breakdown(Everybody(), "age")
    assert (moved[40], moved[41]) == (before[40] - 1, before[41] + 1)
    assert after.breakdown(Everybody(), "sex")["f"] == INDEX.breakdown(Everybody(), "sex")["f"] - 1
    assert INDEX.breakdown(Everybody(), "age") == before


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(st.none() | st.integers(0, 364), st.none() | st.integers(0, 364)), min_size=2, max_size=4))
def test_several_ranges_of_one_number_are_where_they_meet(ends: list[tuple[int | None, int | None]]) -> None:
    whole = [(a, b) for a, b in ends if a is None or b is None or a <= b]
    asked = All((Is("taste", ("t9",)), *(Between("last_seen", a, b) for a, b in whole)))
    assert INDEX.count(asked) == int(naive(asked, COLUMNS).sum())


def test_portions_are_done_once_each_by_whoever_is_free(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hands, "machine", hands.Machine(hands=3))
    done = sorted(
        begin_end for some in range(5) for begin_end in hands.shared(lambda begin, end: (begin, end), 1_000, 100)
    )
    expected = [(first, min(first + hands.PORTION, 1_000)) for first in range(0, 1_000, hands.PORTION)]
    assert done == sorted(expected * 5)
    with pytest.raises(ZeroDivisionError):
        hands.shared(lambda begin, end: 1 // 0, 1_000, 100)
    monkeypatch.setattr(hands, "machine", hands.Machine(hands=3, is_busy=lambda: True))
    assert hands.shared(lambda begin, end: (begin, end), 1_000, 100) == [(0, 1_000)], "a busy machine helps nobody"


def test_a_count_is_alone_while_others_are_answered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hands, "machine", hands.Machine(hands=3))
    busy = [True]
    queries.count_alone_while(lambda: busy[0])
    assert hands.shared(lambda begin, end: (begin, end), 1_000, 100) == [(0, 1_000)]
    busy[0] = False
    assert len(hands.shared(lambda begin, end: (begin, end), 1_000, 100)) > 1


CHANGES = st.lists(
    st.one_of(
        st.builds(
            Change,
            st.just(0),
            st.integers(1, PEOPLE + 5),
            st.just("taste"),
            st.sampled_from(["t0", "t5", "t9"]),
            st.booleans(),
        ),
        st.builds(Change, st.just(0), st.integers(1, PEOPLE), st.just("last_seen"), st.none() | st.integers(0, 364)),
        st.builds(Change, st.just(0), st.integers(1, PEOPLE), st.just("age"), st.integers(0, 90)),
        st.builds(
            Change, st.just(0), st.integers(1, PEOPLE), st.just("sex"), st.sampled_from(["f", "m"]), st.booleans()
        ),
        st.builds(Change, st.just(0), st.integers(1, PEOPLE), st.just(""), st.none(), st.booleans()),
    ),
    max_size=30,
).map(lambda changes: [Change(n + 1, c.person, c.trait, c.value, c.holds) for n, c in enumerate(changes)])


@settings(max_examples=40, deadline=None)
@given(CHANGES, EXPRESSIONS)
def test_changes_are_as_if_the_people_had_been_so(changes: list[Change], expression: Expression) -> None:
    columns, present = {name: column.copy() for name, column in COLUMNS.items()}, np.ones(PEOPLE, bool)
    for change in changes:
        at = np.flatnonzero(change.person == IDS)
        if change.trait == "taste":
            bit = 1 << int(str(change.value)[1:])
            columns["taste"][at] = columns["taste"][at] & ~bit | (bit if change.holds else 0)
        elif change.trait == "sex":
            columns["sex"][at] = ("f", "m").index(str(change.value)) if change.holds else -1
        elif change.trait:
            columns[change.trait][at] = -1 if change.value is None else change.value
        else:
            present[at] = change.holds
    half = len(changes) // 2
    after = INDEX.changed(changes[:half]).changed(changes[half:])
    mask = naive(expression, columns) & present
    assert after.count(expression) == int(mask.sum())
    assert after.changed(changes).count(expression) == int(mask.sum()), "what was applied is not applied again"
    assert INDEX.count(expression) == int(naive(expression, COLUMNS).sum()), "the index before is as it was"


def test_traits_of_one_asking_stand_beside_the_others() -> None:
    friends = INDEX.resolve(Is("taste", ("t3",)))
    beside = INDEX.beside({"relation": {"friend": friends, "lapsed": BitMap()}})
    asked = All((Is("relation", ("friend", "lapsed")), Is("sex", ("f",))))
    assert beside.count(asked) == INDEX.count(All((Is("taste", ("t3",)), Is("sex", ("f",)))))
    assert beside.count(Not(Is("relation", ("friend",)))) == PEOPLE - len(friends)
    with pytest.raises(Unanswerable):
        INDEX.count(asked)


def nested(levels: int, wrap: Callable[[Expression], Expression]) -> Expression:
    expression: Expression = Is("taste", ("t4",))
    for _ in range(levels):
        expression = wrap(expression)
    return expression


def test_ten_thousand_negations_are_one() -> None:
    one = INDEX.count(Is("taste", ("t4",)))
    assert INDEX.count(nested(10_000, Not)) == one
    assert INDEX.count(nested(10_001, Not)) == PEOPLE - one


def test_joins_within_like_joins_are_one_join() -> None:
    assert INDEX.count(nested(5_000, lambda e: All((e, Is("sex", ("f",)))))) == INDEX.count(
        All((Is("taste", ("t4",)), Is("sex", ("f",))))
    )


@pytest.mark.parametrize(
    ("hostile", "reason"),
    [
        (nested(30_000, Not), "too-large"),
        (nested(3_000, lambda e: All((Is("sex", ("f",)), Any((e, Is("sex", ("m",))))))), "too-deep"),
        (Any(tuple(Between("age", n % 90, None) for n in range(20_001))), "too-large"),
    ],
)
def test_what_would_cost_too_much_is_refused_before_it_costs(hostile: Expression, reason: str) -> None:
    with pytest.raises(Unanswerable) as refusal:
        INDEX.count(hostile)
    assert refusal.value.reason == reason


def test_a_wide_choice_costs_what_its_kinds_cost() -> None:
    wide = Any(tuple(Between("age", n % 90, None) for n in range(15_000)))
    assert INDEX.count(wide) == INDEX.count(Between("age", 0, None))


def test_a_bitmap_is_byte_for_byte_what_roaring_writes() -> None:
    chance = np.random.default_rng(1)
    for share in (0.0001, 0.03, 0.5, 1.0):
        truths = (chance.random(3 * kernel.BLOCK) < share).reshape(3, -1)
        truths[1, 1000:50_000] = True
        blocks = np.packbits(truths, bitorder="little", axis=1).view(np.uint64)
        mine = assembled([made for n, words in enumerate(blocks) if (made := packed(n, words))])
        theirs = BitMap(np.flatnonzero(truths.reshape(-1)).astype(np.uint32))
        theirs.run_optimize()
        assert mine == theirs.serialize()


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=200), st.integers(0, 60))
def test_bytes_that_are_no_bitmap_point_nowhere(noise: bytes, at: int) -> None:
    whole = BitMap([1, 5, 70_000, *range(131_072, 140_000)])
    whole.run_optimize()
    good = bytearray(whole.serialize())
    good[at : at + len(noise)] = noise
    content = np.frombuffer(bytes(good), np.uint8)
    try:
        row = row_of(content, 4)
    except Damaged:
        return
    lengths = np.where(row.kinds == kernel.RUNS, 4 * row.sizes, np.where(row.kinds == kernel.LIST, 2 * row.sizes, 8192))
    for kind, address, length in zip(row.kinds, row.addresses.tolist(), lengths.tolist(), strict=True):
        if kind > kernel.EVERYBODY:
            start = int(address) - content.ctypes.data
            assert 0 <= start <= start + length <= len(content)


def test_numbers_in_no_order_are_gathered_into_the_bitmap_that_roaring_makes() -> None:
    numbers = np.random.default_rng(3).permutation(np.r_[5:70_000, 200_000:900_000:7]).astype(np.uint32)
    expected = BitMap(numbers + np.uint32(1 << 31))
    assert BitMap.deserialize(gathered(numbers, 1 << 31)) == expected
    assert gathered(numbers[:0]) == b""


@pytest.mark.parametrize("kind", [np.int64, np.uint32])
@pytest.mark.parametrize("size", [1, 7, 5_000, 19_999])
def test_a_sample_is_whoever_has_the_lowest_lots(kind: type, size: int) -> None:
    ids = np.random.default_rng(2).permutation(20_000).astype(kind) + kind(1)
    lots = draw.lots(ids, "salt")
    assert set(draw.sample(ids, size, "salt").tolist()) == set(ids[np.argsort(lots)[:size]].tolist())
    assert len(draw.sample(ids, size, "salt")) == size


def test_a_draw_is_the_same_tomorrow_and_another_salt_another() -> None:
    ids = np.arange(1, 20_001)
    chosen = draw.sample(ids, 500, "campaign-1")
    assert len(chosen) == 500
    assert np.array_equal(chosen, draw.sample(ids, 500, "campaign-1"))
    assert len(np.intersect1d(chosen, draw.sample(ids, 500, "campaign-2"))) < 60
    held, rest = draw.split(ids, (100,), "holdout")
    assert len(held) + len(rest) == len(ids)
    assert 1_800 < len(held) < 2_200
    later, _ = draw.split(np.arange(1, 40_001), (100,), "holdout")
    assert set(held) <= set(later), "who is held out stays held out when the audience grows"
    assert len(draw.sample(ids, 30_000, "x")) == len(ids)


@settings(max_examples=150, deadline=None)
@given(EXPRESSIONS)
def test_of_few_people_the_same_is_said_without_an_index(expression: Expression) -> None:
    few = {name: column[:900] for name, column in COLUMNS.items()}
    assert which(expression, SCHEMA, few, 900).tolist() == naive(expression, few).tolist()


@pytest.mark.parametrize(
    "expression",
    [
        Is("shoe_size", ("42",)),
        Is("taste", ("t99",)),
        Is("sex", ("x",)),
        Is("region", ("서울",)),
        Is("age", ("young",)),
        Between("taste", 1, 2),
        Between("age", 40, 20),
        Any((Everybody(), Not(Is("taste", ("t99",))))),
    ],
)
def test_what_an_index_cannot_answer_of_many_is_not_answered_of_few(expression: Expression) -> None:
    with pytest.raises(Unanswerable) as of_many:
        INDEX.count(expression)
    with pytest.raises(Unanswerable) as of_few:
        which(expression, SCHEMA, COLUMNS, PEOPLE)
    assert (of_few.value.reason, of_few.value.trait, of_few.value.value) == (
        of_many.value.reason, of_many.value.trait, of_many.value.value,
    )  # fmt: skip
