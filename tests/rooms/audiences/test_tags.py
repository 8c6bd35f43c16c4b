"""An operator's own trait: from a file or a rule, asked in both languages once a twin knows it, and never of a shop's friends."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dure.audiences import actions, queries, words
from dure.audiences.engine.expression import All, Is, Not
from dure.audiences.engine.index import Index
from dure.audiences.errors import BadDefinition, CannotCount
from dure.audiences.values import NETWORK
from tests.rooms.audiences.conftest import NOON, Place, network, place, shop

__all__ = ["network", "place", "shop"]

FESTIVAL = Is("tag", ("festival",))


@pytest.fixture(autouse=True)
def home(tmp_path: Path, settings: Any) -> None:
    settings.HOME = tmp_path


def add(network: Index, **kwargs: Any) -> int:
    with queries.standing_on(network=network, twin=network):
        return actions.add_trait(
            name="festival", ko="축제 손님", en="festival guests", by="operator:test", at=NOON, **kwargs
        )


def test_a_file_of_people_is_a_trait_that_is_asked_like_any_other(shop: Place, network: Index) -> None:
    people = np.asarray(network.ids(Is("consent", ("network",)))[:500], np.int64)
    assert add(network, persons=np.append(people, 10**7)) == 500  # one of them is nobody's number
    with pytest.raises(BadDefinition):
        queries.read_definition("tag:festival")  # no twin knows it yet
    words.tags().come_alive(["festival"])
    expression = queries.read_definition("꼬리표:축제손님")
    assert expression == queries.read_definition("tag:festival") == FESTIVAL
    assert queries.read_definition(queries.as_text(expression, "en")) == expression
    assert queries.read_definition(queries.as_text(expression)) == expression
    assert "festival" in str(queries.published_schema())
    assert set(queries.resolve(shop.shop, expression, at=NOON)) == {int(n) + NETWORK for n in people}
    asked = All((expression, Is("sex", ("f",))))
    women = set(network.ids(Is("sex", ("f",))).tolist()) & set(people.tolist())
    assert {n - NETWORK for n in queries.resolve(shop.shop, asked, at=NOON)} == women
    actions.drop_trait(name="festival", by="operator:test", at=NOON)
    with pytest.raises(BadDefinition):
        queries.read_definition("tag:festival")


def test_a_rule_is_asked_anew_of_each_network(network: Index) -> None:
    rule = queries.read_definition("region:제주 age:20-39")
    assert add(network, rule="region:제주 age:20-39") == network.count(rule)
    later = network.changed([])
    with queries.standing_on(network=later, twin=later):
        actions.ask_rules_anew()
        assert set(words.tags().ids("festival").tolist()) == set(later.ids(rule).tolist())
        assert queries.index("network").count(Not(FESTIVAL)) == later.people - later.count(rule)


@pytest.mark.parametrize("rule", ["친구", "near:-3", "꼬리표:축제손님", "no:such"])
def test_a_rule_means_people_of_the_network_and_nothing_else(network: Index, rule: str) -> None:
    add(network, persons=np.array([1, 2]))
    words.tags().come_alive(["festival"])
    with pytest.raises(BadDefinition):
        add(network, rule=rule)


@pytest.mark.parametrize("name", ["Festival", "../up", "축제", "", "a" * 31])
def test_a_name_is_a_plain_word(network: Index, name: str) -> None:
    with queries.standing_on(network=network), pytest.raises(BadDefinition):
        actions.add_trait(name=name, ko="가", en="a", persons=np.array([1]), by="operator:test", at=NOON)
    assert words.tags().all() == ()


def test_what_the_twin_does_not_know_is_refused_in_words(shop: Place, network: Index) -> None:
    add(network, persons=network.ids(Is("consent", ("network",)))[:500])
    words.tags().come_alive(["festival"])
    asked: tuple[Callable[[], object], ...] = (
        lambda: queries.count_in_twin(shop.shop, FESTIVAL),
        lambda: queries.explore(shop.shop, FESTIVAL),
    )
    for question in asked:
        with queries.standing_on(network=network, twin=network), pytest.raises(CannotCount):
            question()
