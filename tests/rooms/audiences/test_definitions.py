"""A definition says what it means, in JSON and in text, and what cannot be right is refused at its exact place."""

import contextlib
import json
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dure.audiences import rules
from dure.audiences.engine.expression import All, Any, Between, Everybody, Expression, Is, Not
from dure.audiences.errors import BadDefinition
from dure.audiences.population.regions import country
from dure.audiences.values import Asks
from dure.audiences.words import catalogue, home_of

CATALOGUE = catalogue()
CODES = [r.code for r in (*country().provinces, *country().districts[::7], *country().dongs[::97])]


def conditions() -> st.SearchStrategy[Expression]:
    kinds: list[st.SearchStrategy[Expression]] = []
    for words in CATALOGUE.traits.values():
        if words.asks is Asks.RANGE:
            end = st.integers(words.low, words.high)
            name = words.name
            kinds.append(
                st.one_of(
                    st.tuples(end, end).map(lambda p, n=name: Between(n, min(p), max(p))),  # type: ignore[misc]
                    end.map(lambda low, n=name: Between(n, low, None)),  # type: ignore[misc]
                    end.map(lambda high, n=name: Between(n, None, high)),  # type: ignore[misc]
                )
            )
        else:
            values = CODES if words.asks is Asks.REGION else list(words.words)
            kinds.append(
                st.lists(st.sampled_from(values), min_size=1, max_size=5, unique=True).map(
                    lambda found, n=words.name: Is(n, tuple(found))  # type: ignore[misc]
                )
            )
    return st.one_of(*kinds)


def trees() -> st.SearchStrategy[Expression]:
    return st.recursive(
        st.one_of(conditions(), st.just(Everybody())),
        lambda inner: st.one_of(
            st.lists(inner, min_size=2, max_size=4).map(lambda parts: All(tuple(parts))),
            st.lists(inner, min_size=2, max_size=4).map(lambda parts: Any(tuple(parts))),
            inner.map(Not),
        ),
        max_leaves=12,
    )


@given(trees())
@settings(max_examples=60, deadline=None)
def test_json_brings_back_what_was_written(expression: Expression) -> None:
    assert rules.from_json(rules.to_json(expression), CATALOGUE) == expression


@given(trees(), st.sampled_from(["ko", "en"]))
@settings(max_examples=60, deadline=None)
def test_text_brings_back_what_was_written_in_both_languages(expression: Expression, language: str) -> None:
    assert rules.from_text(rules.to_text(expression, CATALOGUE, language=language), CATALOGUE) == expression


@given(trees())
@settings(max_examples=40, deadline=None)
def test_the_canonical_form_is_one_and_does_not_look_at_order(expression: Expression) -> None:
    once = rules.canonical(expression)
    assert rules.canonical(once) == once
    assert rules.canonical(All((expression, expression))) == once
    assert rules.canonical(Not(Not(expression))) == once
    if isinstance(expression, All | Any):
        assert rules.canonical(type(expression)(tuple(reversed(expression.parts)))) == once


@given(st.text(max_size=200))
@settings(max_examples=100, deadline=None)
def test_any_text_is_understood_or_refused(written: str) -> None:
    for read in (rules.from_text, rules.from_json):
        with contextlib.suppress(BadDefinition):
            assert rules.to_json(read(written, CATALOGUE))


def test_the_line_of_the_manual_means_what_it_says() -> None:
    line = "region:서울-마포구 age:25-39 taste:커피,디저트 -friend"
    assert rules.from_text(line, CATALOGUE) == All(
        (
            Is("region", ("11440",)),
            Between("age", 25, 39),
            Is("taste", ("coffee", "dessert")),
            Not(Is("relation", ("friend",))),
        )
    )
    assert rules.from_text("지역:마포구", CATALOGUE) != rules.from_text("지역:부산", CATALOGUE)
    assert rules.from_text("  ", CATALOGUE) == Everybody()


def leaf(**more: object) -> str:
    return json.dumps({"version": 1, "who": {"all": [{"any": [{"trait": "sex", "in": ["f"]}, more]}]}})


@pytest.mark.parametrize(
    ("written", "pointer"),
    [
        ("[]", ""),
        ("{", ""),
        ("{}", "/version"),
        ('{"version": 2, "who": {"all": []}}', "/version"),
        ('{"version": true, "who": {"all": []}}', "/version"),
        ('{"version": 1}', "/who"),
        ('{"version": 1, "who": {"all": []}, "why": 1}', "/why"),
        ('{"version": 1, "who": 7}', "/who"),
        ('{"version": 1, "who": {}}', "/who"),
        ('{"version": 1, "who": {"all": [], "any": []}}', "/who"),
        ('{"version": 1, "who": {"any": []}}', "/who/any"),
        ('{"version": 1, "version": 1, "who": {"all": []}}', ""),
        ('{"version": 1, "who": {"not": {"not": {"all": [{"trait": 3}]}}}}', "/who/not/not/all/0/trait"),
        (leaf(trait="blood"), "/who/all/0/any/1/trait"),
        (leaf(trait="age", **{"from": 40, "to": 30}), "/who/all/0/any/1/to"),
        (leaf(trait="age", **{"from": -1}), "/who/all/0/any/1/from"),
        (leaf(trait="age", to=2**63), "/who/all/0/any/1/to"),
        (leaf(trait="age", to=1.5), "/who/all/0/any/1/to"),
        (leaf(trait="age", to=True), "/who/all/0/any/1/to"),
        (leaf(trait="age"), "/who/all/0/any/1"),
        (leaf(trait="age", **{"in": [3]}), "/who/all/0/any/1/in"),
        (leaf(trait="taste", **{"in": ["coffee", "gold"]}), "/who/all/0/any/1/in/1"),
        (leaf(trait="taste", **{"in": []}), "/who/all/0/any/1/in"),
        (leaf(trait="taste", **{"in": ["coffee"], "from": 1}), "/who/all/0/any/1/from"),
        (leaf(trait="region", **{"in": ["99999"]}), "/who/all/0/any/1/in/0"),
        (leaf(trait="taste", **{"in": ["coffee"], "a/b~c": 1}), "/who/all/0/any/1/a~1b~0c"),
        ('{"version": 1, "who": {"trait": "age", "to": NaN}}', ""),
    ],
)
def test_json_that_cannot_be_right_is_refused_at_its_place(written: str, pointer: str) -> None:
    with pytest.raises(BadDefinition) as refused:
        rules.from_json(written, CATALOGUE)
    assert refused.value.pointer == pointer


@pytest.mark.parametrize(
    ("written", "pointer"),
    [
        ("blood:a", "/0"),
        ("age:25-39 stranger", "/1"),
        ("age:39-25", "/0/to"),
        ("age:x", "/0"),
        ("age:-", "/0"),
        ("taste:커피,", "/0"),
        ("region:화성-올림푸스구", "/0"),
        ("(age:20-", "/2"),
        ("age:20- )", "/1"),
        ("| age:20-", "/0"),
        ("age:20- -", "/2"),
    ],
)
def test_text_that_cannot_be_right_is_refused_at_its_word(written: str, pointer: str) -> None:
    with pytest.raises(BadDefinition) as refused:
        rules.from_text(written, CATALOGUE)
    assert refused.value.pointer == pointer


NOTS = 10_000


@pytest.mark.parametrize(
    "written",
    [
        '{"version":1,"who":' + '{"not":' * NOTS + '{"all":[]}' + "}" * NOTS + "}",
        '{"version":1,"who":' + '{"not":' * 40 + '{"all":[]}' + "}" * 40 + "}",
        "[" * 60_000,
        "-" * NOTS + "friend",
        "(" * NOTS + "friend" + ")" * NOTS,
        "friend " * 300,
        '{"version":1,"who":{"any":[' + ",".join(['{"trait":"sex","in":["f"]}'] * 300) + "]}}",
        '{"version":1,"who":{"trait":"region","in":[' + ",".join(['"11"'] * 301) + "]}}",
        "x" * 10_000_000,
        '{"version":1,"who":{"trait":"' + "x" * 10_000_000 + '"}}',
        "taste:" + ",".join(["커피"] * 301),
    ],
    ids=range(11),
)
def test_what_is_too_much_is_refused_before_work_is_spent_on_it(written: str) -> None:
    begun = time.process_time()
    with pytest.raises(BadDefinition):
        rules.from_json(written, CATALOGUE) if written[0] in "{[" else rules.from_text(written, CATALOGUE)
    assert time.process_time() - begun < 2


def test_the_published_schema_says_what_the_reader_reads() -> None:
    told = rules.schema(CATALOGUE, "https://dure.example/audience.schema.json")
    named = {
        one["properties"]["trait"]["const"] for one in told["$defs"]["who"]["oneOf"] if "trait" in one["properties"]
    }
    assert named == set(CATALOGUE.traits)
    json.dumps(told)


def test_a_shops_district_is_found_as_people_write_it() -> None:
    found = [
        home_of(w) for w in ("서울 마포구 망원동", "서울특별시 마포구 서교동", "경기 수원시 장안구", "마포구 망원1동")
    ]
    assert [region.code[:5] if region else None for region in found] == ["11440", "11440", "41111", "11440"]
    assert home_of("") is None
    assert home_of("달나라 토끼구") is None
