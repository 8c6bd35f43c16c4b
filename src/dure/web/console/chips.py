"""An audience as chips and sliders: what a form says as the published JSON, and back where it is no deeper than that.

Three boxes: everybody in an audience fits all of the first, at least one of the second ("or"), and none of the third
("except"). Deeper definitions stay as they are and are shown as a line of text.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from dure.audiences import queries
from dure.audiences.values import Asks, TraitWords
from dure.kit.language import Text, say

if TYPE_CHECKING:
    from django.http import QueryDict

Document = dict[str, Any]
Typed = dict[str, list[str]]

BOXES = ("all", "any", "no")
EVERY_TASTE = "taste_every"
"""Ticked: somebody likes all of the tastes chosen, not one of them."""
IN_FIRST_BOX = ("region", "near")
LINE_MAX = 4_000


def named(box: str, trait: str) -> str:
    """The name of a trait's field in a box."""
    return trait if box == "all" else f"{box}.{trait}"


def names() -> list[str]:
    """Every field that a definition is read from."""
    found = ["line", EVERY_TASTE]
    for box in BOXES:
        for trait, words in queries.catalogue().traits.items():
            if box != "all" and trait in IN_FIRST_BOX:
                continue
            name = named(box, trait)
            found += [f"{name}_from", f"{name}_to"] if words.asks is Asks.RANGE else [name]
    return found


@dataclass(slots=True)
class Read:
    """A form as the published JSON, and which field each part of it came from, by JSON pointer."""

    document: Document
    fields: dict[str, str] = field(default_factory=dict)

    def field_at(self, pointer: str) -> str:
        """The field that a refusal at this place is about; nothing where it is about no single one."""
        found = [known for known in self.fields if pointer == known or pointer.startswith(f"{known}/")]
        name = self.fields[max(found, key=len)] if found else ""
        ends = {"from": "_from", "to": "_to"}
        return name + ends.get(pointer.rpartition("/")[2], "") if name else ""


def read(said: QueryDict) -> Read:
    """The definition that a form says. Refuses: BadDefinition, where a line of text cannot be read."""
    line = said.get("line", "")[: LINE_MAX + 1].strip()
    if line:
        return Read(queries.as_document(queries.read_definition(line)))
    boxes: dict[str, list[tuple[str, Document]]] = {box: [] for box in BOXES}
    traits = queries.catalogue().traits
    for box in BOXES:
        if box != "all" and not any(name.startswith(f"{box}.") for name in said):
            continue
        for trait, words in traits.items():
            if box == "all" or trait not in IN_FIRST_BOX:
                boxes[box] += [(named(box, trait), one) for one in _conditions(said, box, words)]
    whole, fields = [one for _, one in boxes["all"]], {}
    for place, (name, _) in enumerate(boxes["all"]):
        fields[f"/who/all/{place}"] = name
    for box in ("any", "no"):
        if not boxes[box]:
            continue
        parts = [one for _, one in boxes[box]]
        # Alone in its box it still stands in an "any", so that it comes back into the same box.
        at = f"/who/all/{len(whole)}"
        inside = f"{at}/any" if box == "any" else f"{at}/not/any"
        whole.append({"any": parts} if box == "any" else {"not": {"any": parts}})
        for place, (name, _) in enumerate(boxes[box]):
            fields[f"{inside}/{place}"] = name
    return Read({"version": 1, "who": {"all": whole}}, fields)


def _conditions(said: QueryDict, box: str, words: TraitWords) -> list[Document]:
    name = named(box, words.name)
    if words.asks is Asks.RANGE:
        if f"{name}_from" not in said and f"{name}_to" not in said:
            return []
        ends = {"from": said.get(f"{name}_from", "").strip(), "to": said.get(f"{name}_to", "").strip()}
        typed = {end: int(text) if text.isdecimal() and len(text) < 9 else text for end, text in ends.items() if text}
        return [{"trait": words.name, **typed}] if typed else []
    if name not in said:
        return []
    values = list(dict.fromkeys(value for value in said.getlist(name) if value))
    if words.asks is Asks.REGION:
        # A 구 within a 시 narrows it: the larger one is what the smaller ones were opened from.
        values = [one for one in values if not any(other != one and other.startswith(one) for other in values)]
    if not values:
        return []
    if words.name == "taste" and box == "all" and said.get(EVERY_TASTE) and len(values) > 1:
        return [{"trait": "taste", "in": [one]} for one in values]
    return [{"trait": words.name, "in": values}]


def typed(document: Document) -> Typed:
    """The fields of the form that says this definition; where no form says it, a line of text."""
    found: Typed = {}
    if _fill(document["who"], found):
        return found
    return {"line": [queries.as_text(queries.read_document(document))]}


def is_deep(document: Document) -> bool:
    """Whether the boxes cannot hold it."""
    return not _fill(document["who"], {})


def _fill(who: Document, found: Typed) -> bool:
    tastes: list[Document] = []
    seen: set[str] = set()
    for part in who.get("all", [who]):
        kind = next(iter(part))
        if "trait" in part and part["trait"] == "taste":
            tastes.append(part)
        elif "trait" in part:
            if not _put(part, "all", found):
                return False
        else:
            box, inner = ("any", part) if kind == "any" else ("no", part.get("not", {}))
            if kind == "all" or box in seen:
                return False
            seen.add(box)
            if not all("trait" in one and _put(one, box, found) for one in inner.get("any", [inner])):
                return False
    if len(tastes) == 1:
        return _put(tastes[0], "all", found)
    if tastes:
        if any(len(one["in"]) > 1 for one in tastes):
            return False
        found["taste"], found[EVERY_TASTE] = [one["in"][0] for one in tastes], ["on"]
    return True


def _put(condition: Document, box: str, found: Typed) -> bool:
    trait = condition["trait"]
    if box != "all" and trait in IN_FIRST_BOX:
        return False
    name = named(box, trait)
    said = (
        {name: [str(value) for value in condition["in"]]}
        if "in" in condition
        else {f"{name}_{end}": [str(condition[end])] for end in ("from", "to") if end in condition}
    )
    if any(other in found for other in (name, f"{name}_from", f"{name}_to")):
        return False
    found.update(said)
    return True


def query(document: Document) -> str:
    """The definition in an address, as the form would send it."""
    return urlencode(typed(document), doseq=True)


@dataclass(frozen=True, slots=True)
class Chip:
    """One condition in words, and the fields that say it: without them it is gone."""

    title: Text
    said: str
    box: str
    drop: str


def chips(fields: Mapping[str, list[str]]) -> list[Chip]:
    """The conditions of a form, in the order of the boxes."""
    found = []
    for box in BOXES:
        for trait, words in queries.catalogue().traits.items():
            name = named(box, trait)
            ends = [fields.get(f"{name}_{end}", [""])[0] for end in ("from", "to")]
            if fields.get(name):
                condition: Document = {"trait": trait, "in": fields[name]}
            elif any(ends):
                condition = {"trait": trait, **{e: v for e, v in zip(("from", "to"), ends, strict=True) if v}}
            else:
                continue
            found.append(Chip(words.title, in_words(condition), box, name))
    return found


SHOWN = 3


def in_words(condition: Document) -> str:
    """ "25–39세", "커피, 디저트 외 2"."""
    words = queries.catalogue().traits[condition["trait"]]
    if "in" not in condition:
        low, high = condition.get("from"), condition.get("to")
        if words.name == "near":
            return str(say("{n}km 안", en="within {n} km", n=high or words.high))
        span = f"{low}" if low == high else f"{'' if low is None else low}–{'' if high is None else high}"
        if high is None:
            return str(say("{n}{unit}부터", en="{n} {unit} or more", n=low, unit=words.unit))
        if low is None:
            return str(say("{n}{unit}까지", en="up to {n} {unit}", n=high, unit=words.unit))
        return str(say("{n}{unit}", en="{n} {unit}", n=span, unit=words.unit))
    said = [value_in_words(words, value) for value in condition["in"]]
    between = "; " if words.asks is Asks.REGION and any("," in one for one in said) else ", "
    shown = between.join(said[:SHOWN])
    return f"{shown} {say('외 {n}', en='and {n} more', n=len(said) - SHOWN)}" if len(said) > SHOWN else shown


def value_in_words(words: TraitWords, value: str) -> str:
    """What a value is called."""
    if words.asks is Asks.REGION:
        return place_in_words(value)
    own = RELATION_WORDS.get(value) if words.name == "relation" else None
    return str(own or words.words.get(value) or value)


RELATION_WORDS = {
    "never": say("우리 가게 친구가 아닌 분", en="No friend of ours yet"),
    "friend": say("우리 가게 친구 모두", en="Our friends, all"),
    "new": say("새 친구", en="New friends"),
    "returning": say("다시 온 친구", en="Came again"),
    "regular": say("단골", en="Regulars"),
    "lapsed": say("뜸해진 친구", en="Stay away"),
    "near-reward": say("도장이 거의 찬 친구", en="Close to a full card"),
}


def place_in_words(code: str) -> str:
    """ "마포구 망원1동", "Mangwon 1-dong, Mapo-gu": a place without its 시도, unless it is one."""
    return code if queries.catalogue().region_name(code) is None else str(queries.place_name(code).local)


def without(fields: Mapping[str, list[str]], dropped: Iterable[str]) -> Typed:
    """The fields less some traits."""
    gone = {f"{name}{end}" for name in dropped for end in ("", "_from", "_to")}
    return {name: values for name, values in fields.items() if name not in gone}


def kept(said: QueryDict) -> Typed:
    """What a form says, without what it left empty and what is none of its fields."""
    known = names()
    return {name: found for name in known if (found := [v for v in said.getlist(name) if v.strip()])}
