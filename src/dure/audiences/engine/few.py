"""Expressions asked of so few people that bitmaps would cost more to build than the question is worth: column by column.

The answers are those of an `Index` of the same people, refusals included; a test compares the two on random expressions.
"""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from dure.audiences.engine.expression import All, Any, Between, Everybody, Expression, Is, Not, Unanswerable, walk
from dure.audiences.engine.layout import Column
from dure.audiences.engine.traits import Kind, Schema, Trait

Truths = NDArray[np.bool_]


def which(expression: Expression, schema: Schema, columns: Mapping[str, Column], people: int) -> Truths:
    """Who of the people is reached, bool [people]: `columns` has one of [people] for each trait, see `Kind`. Unanswerable where it
    names what the schema does not have."""
    traits = {trait.name: trait for trait in schema}
    done: list[Truths] = []
    for part in reversed(list(walk(expression))):  # children before their parents
        match part:
            case Everybody():
                done.append(np.ones(people, bool))
            case Is() | Between():
                if part.trait not in traits:
                    raise Unanswerable("unknown-trait", trait=part.trait)
                trait, column = traits[part.trait], columns[part.trait]
                done.append(_among(part, trait, column) if isinstance(part, Is) else _within(part, trait, column))
            case Not():
                done.append(~done.pop())
            case All(parts) | Any(parts):
                joined = np.full(people, isinstance(part, All))
                for _ in parts:
                    joined = joined & done.pop() if isinstance(part, All) else joined | done.pop()
                done.append(joined)
    return done.pop()


def _within(part: Between, trait: Trait, column: Column) -> Truths:
    if trait.kind is not Kind.NUMBER:
        raise Unanswerable("not-a-number", trait=trait.name)
    low, high = (trait.low if part.low is None else part.low), (trait.high if part.high is None else part.high)
    if low > high:
        raise Unanswerable("contradictory-range", trait=trait.name)
    return np.asarray((column >= max(low, trait.low)) & (column <= high))


def _among(part: Is, trait: Trait, column: Column) -> Truths:
    found = np.zeros(len(column), bool)
    for value in part.values:
        if trait.kind is Kind.NUMBER:
            if not isinstance(value, int):
                raise Unanswerable("not-a-number", trait=trait.name, value=value)
            found |= (column == value) & (value >= trait.low)
        elif trait.kind is Kind.REGION:
            if not (isinstance(value, str) and value.isascii() and value.isdecimal() and len(value) in (2, 5, 10)):
                raise Unanswerable("unknown-value", trait=trait.name, value=value)
            found |= column // 10 ** (10 - len(value)) == int(value)
        elif value not in trait.values:
            raise Unanswerable("unknown-value", trait=trait.name, value=value)
        elif trait.kind is Kind.CHOICE:
            found |= column == trait.values.index(value)
        else:
            found |= (column >> trait.values.index(value) & 1).astype(bool)
    return found
