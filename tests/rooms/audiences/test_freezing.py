"""Who is meant is fixed for a campaign, and whoever withdraws, leaves or is erased is out of it from that moment."""

from datetime import timedelta

import numpy as np
import pytest
from pyroaring import BitMap

from dure.audiences import actions, queries
from dure.audiences.engine.expression import All, Everybody, Expression, Is, Not
from dure.audiences.engine.index import Index
from dure.audiences.errors import NameTaken, TooFew
from dure.audiences.models import Frozen
from dure.audiences.values import NETWORK
from dure.people import actions as people
from dure.people.events import PersonsMerged
from dure.people.models import Person
from dure.people.values import Purpose, shop_sender
from dure.regulars import actions as regulars
from dure.regulars.models import Relation
from dure.shops import fence
from tests.rooms.audiences.conftest import NOON, Place, network, place, shop

__all__ = ["network", "place", "shop"]

FRIENDS = Is("relation", ("friend",))


def friend(place: Place, *also: Purpose) -> Person:
    device, _ = people.remember_device(at=NOON)
    person = people.ensure_person(device=device, at=NOON)
    device.refresh_from_db()
    regulars.join_channel(shop=place.shop, person=person, device=device, source="test", by="guest", at=NOON)
    for purpose in also:
        say(place, person, purpose, yes=True)
    return person


def say(place: Place, person: Person, purpose: Purpose, *, yes: bool) -> None:
    sender = shop_sender(place.shop.public_id)
    tell = people.give_consent if yes else people.withdraw_consent
    tell(person=person, sender=sender, purpose=purpose, source="test", proof={}, by="guest", at=NOON)


def meant(place: Place, expression: Expression) -> BitMap:
    return queries.persons_of(queries.resolve(place.shop, expression, at=NOON))


def test_only_friends_who_agreed_to_advertising_are_in_an_audience(shop: Place) -> None:
    agreed, silent = friend(shop, Purpose.ADVERTISING), friend(shop)
    assert agreed.pk != silent.pk
    assert set(meant(shop, FRIENDS)) == {agreed.pk}
    assert set(meant(shop, Everybody())) == {agreed.pk}
    assert set(meant(shop, Not(FRIENDS))) == set()


def test_a_withdrawal_is_out_of_counts_and_of_what_is_frozen_at_once(shop: Place) -> None:
    stays, leaves, forgotten, withdraws = (friend(shop, Purpose.ADVERTISING) for _ in range(4))
    frozen = actions.freeze_audience(shop=shop.shop, definition=FRIENDS, by="staff:test", at=NOON)
    assert set(queries.still_allowed(frozen, at=NOON)) == {p.pk for p in (stays, leaves, forgotten, withdraws)}
    say(shop, withdraws, Purpose.ADVERTISING, yes=False)
    regulars.leave_channel(shop=shop.shop, person=leaves, by="guest", at=NOON)
    people.erase_person(person=forgotten, by="guest", at=NOON)
    assert set(meant(shop, FRIENDS)) == {stays.pk}
    frozen.refresh_from_db()
    assert set(queries.still_allowed(frozen, at=NOON)) == {stays.pk}
    assert forgotten.pk not in queries.ordinals_of(frozen)


def test_a_guest_who_turns_out_to_be_somebody_is_meant_once_as_that_person(shop: Place) -> None:
    kept, gone, other = (friend(shop, Purpose.ADVERTISING) for _ in range(3))
    frozen = actions.freeze_audience(shop=shop.shop, definition=FRIENDS, by="staff:test", at=NOON)
    actions.join_frozen(PersonsMerged(kept_id=kept.pk, gone_id=gone.pk, at=NOON))
    frozen.refresh_from_db()
    assert set(queries.ordinals_of(frozen)) == {kept.pk, other.pk}
    assert frozen.people == 2
    # Whoever withdrew is not written to, by whichever name they were meant.
    say(shop, kept, Purpose.ADVERTISING, yes=False)
    assert set(queries.still_allowed(frozen, at=NOON)) == {other.pk}


def test_taste_is_known_only_of_those_who_agreed_to_it_even_in_the_negative(shop: Place) -> None:
    yes, no = friend(shop, Purpose.ADVERTISING, Purpose.TASTE), friend(shop, Purpose.ADVERTISING)
    with fence.within_shop(shop.shop.id):
        Relation.objects.filter(person__in=[yes, no]).update(last_visit_at=NOON - timedelta(days=2))
    likes, dislikes = Is("taste", ("korean",)), Not(Is("taste", ("coffee",)))
    for expression in (likes, dislikes, All((likes, dislikes)), Not(Not(likes)), Not(Is("hours", ("night",)))):
        assert set(meant(shop, expression)) == {yes.pk}, expression
    say(shop, yes, Purpose.TASTE, yes=False)
    for expression in (likes, dislikes, Not(Not(likes))):
        assert set(meant(shop, expression)) == set(), expression


def test_of_the_network_too_nobody_without_the_consent_is_in_a_taste_audience(shop: Place, network: Index) -> None:
    may = {int(n) + NETWORK for n in network.persons(network.resolve(Is("consent", ("personal",))))}
    reachable = {int(n) + NETWORK for n in network.persons(network.resolve(Is("consent", ("network",))))}
    coffee = Is("taste", ("coffee",))
    likes, dislikes = (set(queries.resolve(shop.shop, e, at=NOON)) for e in (coffee, Not(coffee)))
    assert likes
    assert dislikes
    assert likes | dislikes == may & reachable
    assert not likes & dislikes
    # The control: asked without the rule, the index would have said more.
    assert network.count(All((Is("consent", ("network",)), Not(coffee)))) > len(dislikes)


def test_a_radius_is_a_set_of_registered_districts(shop: Place, network: Index) -> None:
    near = queries.resolve(shop.shop, queries.read_definition("near:-3"), at=NOON)
    further = queries.resolve(shop.shop, queries.read_definition("near:-30"), at=NOON)
    ring = queries.resolve(shop.shop, queries.read_definition("near:4-30"), at=NOON)
    assert near < further
    assert near | ring == further
    assert not near & ring


def test_a_frozen_audience_is_what_was_meant_and_can_be_split(shop: Place, network: Index) -> None:
    frozen = actions.freeze_audience(shop=shop.shop, definition=Everybody(), by="staff:test", at=NOON)
    numbers = queries.ordinals_of(frozen)
    assert len(numbers) == frozen.people == network.count(Is("consent", ("network",)))
    assert np.all(np.asarray(numbers.to_array()) > NETWORK)
    part = queries.sampled(numbers, 100, seed=7)
    assert len(part) == 100
    assert part < numbers
    assert part == queries.sampled(numbers, 100, seed=7) != queries.sampled(numbers, 100, seed=8)
    assert queries.still_allowed(frozen, at=NOON) == numbers


@pytest.mark.usefixtures("no_noise")
def test_so_few_that_it_may_be_one_person_are_not_frozen(shop: Place) -> None:
    with pytest.raises(TooFew):
        actions.freeze_audience(
            shop=shop.shop,
            definition=queries.as_document(queries.read_definition("region:제주 age:30 sex:f")),
            by="staff:test",
            at=NOON,
        )
    assert not Frozen.objects.exists()


def test_a_saved_definition_has_one_name_and_comes_back(shop: Place) -> None:
    expression = queries.read_definition("region:마포구 age:25-39 -friend")
    saved = actions.save_audience(shop=shop.shop, name="이웃", expression=expression, by="staff:test", at=NOON)
    assert queries.read_document(saved.definition) == expression
    with pytest.raises(NameTaken):
        actions.save_audience(shop=shop.shop, name="이웃", expression=expression, by="staff:test", at=NOON)
    actions.drop_audience(shop=shop.shop, audience=saved, by="staff:test", at=NOON)
    assert not queries.audiences_of(shop.shop).exists()
