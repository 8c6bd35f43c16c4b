"""Who lives in the neighbourhood: the people of the demo, the tests and the documentation."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Character:
    """Somebody with a name, known by an e-mail address that no real person has."""

    name: str
    email: str


SOONI = Character(name="순이", email="owner@dure.example")
"""Keeps the noodle house 두레국수."""
CHEOLSU = Character(name="철수", email="kitchen@dure.example")
"""Cooks for 순이."""
DONGBAEK = Character(name="동백", email="cashier@dure.example")
"""Stands at 순이's counter."""
YOUNGHEE = Character(name="영희", email="cafe@dure.example")
"""Keeps the café 느티나무 커피, and must see nothing of anybody else's shop."""
OKJA = Character(name="옥자", email="sotbap@dure.example")
"""Keeps the pot rice house 망원솥밥."""
MOKRYEON = Character(name="목련", email="mokryeon@dure.example")
"""A customer who keeps coming back."""
JINDALLAE = Character(name="진달래", email="jindallae@dure.example")
"""A customer who is here for the first time."""
KEEPER = Character(name="지기", email="operator@dure.example")
"""Runs the platform."""
