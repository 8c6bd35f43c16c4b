"""The named cast of every test: the demo's people and shops, built through the rooms' actions.

순이 keeps 두레국수 with 철수 in the kitchen and 동백 at the counter; 영희 keeps 느티나무 커피 and must see nothing of
it; 목련 comes back, 진달래 is here for the first time.
"""

from datetime import UTC, datetime

from dure.menu.queries import menu_of
from dure.menu.values import MenuItem
from dure.people import actions as people
from dure.people import queries as person_queries
from dure.people.models import Person
from dure.shops import fence
from dure.shops.models import Shop
from dure.town.actions import open_place
from dure.town.cast import CHEOLSU, DONGBAEK, JINDALLAE, KEEPER, MOKRYEON, OKJA, SOONI, YOUNGHEE, Character
from dure.town.places import DURE_NOODLES, MANGWON_SOTBAP, ZELKOVA_COFFEE, Place
from tests.remembered import remembered

__all__ = [
    "CHEOLSU",
    "DONGBAEK",
    "JINDALLAE",
    "KEEPER",
    "MOKRYEON",
    "NOON",
    "OKJA",
    "SOONI",
    "YOUNGHEE",
    "item_of",
    "noodle_house",
    "person",
    "pot_rice_house",
    "zelkova_coffee",
]

NOON = datetime(2026, 11, 24, 3, 0, tzinfo=UTC)
"""A Tuesday, 12:00 in Seoul, when every shop of the cast is open."""


def person(character: Character, *, password: str | None = None, at: datetime = NOON) -> Person:
    """This character's account, opened at the first asking."""
    known = person_queries.person_by_email(character.email)
    return known or people.open_account(
        email=character.email, name=character.name, password=password, operator=character is KEEPER, at=at
    )


def noodle_house(at: datetime = NOON) -> Shop:
    """두레국수: pay first, 8 tables, always open, a welcome coupon and a stamp card."""
    return _opened(DURE_NOODLES, at)


def zelkova_coffee(at: datetime = NOON) -> Shop:
    """느티나무 커피: pay first, 6 tables, 08:00 to 22:00."""
    return _opened(ZELKOVA_COFFEE, at)


def pot_rice_house(at: datetime = NOON) -> Shop:
    """망원솥밥: a tab, 10 tables, lunch and supper, closed on Mondays."""
    return _opened(MANGWON_SOTBAP, at)


def item_of(shop: Shop, name: str) -> MenuItem:
    """The item of this Korean name on the shop's menu."""
    with fence.within_shop(shop.pk):
        return next(item for item in menu_of(shop).items() if item.name["ko"] == name)


def _opened(place: Place, at: datetime) -> Shop:
    workers = (place.owner, *(character for character, _ in place.staff))

    def opened() -> Shop:
        return open_place(place, persons={character: person(character, at=at) for character in workers}, at=at)

    known = Person.objects.filter(email__in=[character.email for character in workers]).exists()
    return opened() if known else remembered((place.name, at), opened)
