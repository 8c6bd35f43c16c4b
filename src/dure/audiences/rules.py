"""The definition of an audience: as JSON (version 1) and as a line of text, both read into the engine's expression and back.

Pure. Whatever is sent, reading takes time and memory in proportion to at most `BYTES_MAX`, never recursion: size, depth and
number of conditions are bounded before anything is built. See docs/reference/audience.md.
"""

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any as Whatever

from dure.audiences.engine.expression import All, Any, Between, Everybody, Expression, Is, Not, Value, walk
from dure.audiences.errors import BadDefinition
from dure.audiences.values import Asks, TraitWords, Where
from dure.kit.language import Text, say

VERSION = 1
BYTES_MAX = 65_536
DEPTH_MAX = 32
CONDITIONS_MAX = 256
VALUES_MAX = 300


@dataclass(frozen=True, slots=True)
class Catalogue:
    """What may be asked for. `region_code` finds the code (2, 5 or 10 digits) of a written region, `region_name` writes it."""

    traits: Mapping[str, TraitWords]
    region_code: Callable[[str], str | None]
    region_name: Callable[[str], Text | None]


# JSON


def from_json(written: str | bytes, catalogue: Catalogue) -> Expression:
    """The expression of a definition sent as JSON. Refuses: BadDefinition, with the place as a JSON pointer."""
    if len(written) > BYTES_MAX:
        raise BadDefinition(_TOO_LONG, pointer="")
    if _nesting(written) > 3 * DEPTH_MAX:
        raise BadDefinition(_TOO_DEEP, pointer="")
    try:
        document = json.loads(written, object_pairs_hook=_once, parse_constant=_no_constant)
    except BadDefinition:
        raise
    except (ValueError, RecursionError) as error:
        place = f" ({error.lineno}:{error.colno})" if isinstance(error, json.JSONDecodeError) else ""
        raise BadDefinition(
            say("JSON으로 읽을 수 없어요{place}.", en="This is not JSON{place}.", place=place), pointer=""
        ) from error
    return from_document(document, catalogue)


def from_document(document: object, catalogue: Catalogue) -> Expression:
    """The expression of a definition that was JSON. Refuses: BadDefinition, with the place as a JSON pointer."""
    if not isinstance(document, dict):
        raise BadDefinition(say("객체여야 해요.", en="Must be an object."), pointer="")
    for key in document:
        if key not in ("version", "who"):
            raise BadDefinition(_unknown_key(key), pointer=_at("", key))
    version = document.get("version")
    if version != VERSION or isinstance(version, bool):
        raise BadDefinition(say("version은 1이어야 해요.", en="version must be 1."), pointer="/version")
    if "who" not in document:
        raise BadDefinition(say("who가 없어요.", en="who is missing."), pointer="/who")
    return _Reader(catalogue).read(document["who"])


def to_document(expression: Expression) -> dict[str, Whatever]:
    """The definition as JSON would hold it; `from_document` gives the same expression back."""
    return {"version": VERSION, "who": _written(expression)}


def to_json(expression: Expression) -> str:
    """The canonical writing: equal expressions are equal bytes."""
    return json.dumps(to_document(expression), ensure_ascii=False, sort_keys=True, separators=(",", ":"))


def _written(expression: Expression) -> dict[str, Whatever]:
    match expression:
        case Everybody():
            return {"all": []}
        case All(parts):
            return {"all": [_written(part) for part in parts]}
        case Any(parts):
            return {"any": [_written(part) for part in parts]}
        case Not(part):
            return {"not": _written(part)}
        case Is(trait, values):
            return {"trait": trait, "in": list(values)}
        case Between(trait, low, high):
            ends = {"from": low, "to": high}
            return {"trait": trait, **{name: end for name, end in ends.items() if end is not None}}


class _Reader:
    """Reads a tree whose depth is bounded by DEPTH_MAX, counting its conditions."""

    def __init__(self, catalogue: Catalogue) -> None:
        self.catalogue, self.conditions = catalogue, 0

    def read(self, node: object, at: str = "/who", depth: int = 1) -> Expression:
        if depth > DEPTH_MAX:
            raise BadDefinition(_TOO_DEEP, pointer=at)
        self.conditions += 1
        if self.conditions > CONDITIONS_MAX:
            raise BadDefinition(_TOO_MANY, pointer=at)
        if not isinstance(node, dict):
            raise BadDefinition(say("조건은 객체여야 해요.", en="A condition must be an object."), pointer=at)
        kinds = [kind for kind in ("all", "any", "not", "trait") if kind in node]
        if len(kinds) != 1:
            raise BadDefinition(
                say(
                    "all, any, not, trait 가운데 하나만 있어야 해요.",
                    en="A condition has exactly one of all, any, not and trait.",
                ),
                pointer=at,
            )
        (kind,) = kinds
        allowed = {"trait", "in", "from", "to"} if kind == "trait" else {kind}
        for key in node:
            if key not in allowed:
                raise BadDefinition(_unknown_key(key), pointer=_at(at, key))
        if kind == "trait":
            return self._condition(node, at)
        if kind == "not":
            return Not(self.read(node["not"], _at(at, "not"), depth + 1))
        listed = node[kind]
        if not isinstance(listed, list):
            raise BadDefinition(say("목록이어야 해요.", en="Must be a list."), pointer=_at(at, kind))
        if kind == "all" and not listed:
            return Everybody()
        if not listed:
            raise BadDefinition(say("조건이 하나는 있어야 해요.", en="Needs a condition."), pointer=_at(at, kind))
        parts = tuple(self.read(part, f"{_at(at, kind)}/{place}", depth + 1) for place, part in enumerate(listed))
        return All(parts) if kind == "all" else Any(parts)

    def _condition(self, node: dict[str, object], at: str) -> Expression:
        trait = node["trait"]
        words = self.catalogue.traits.get(trait) if isinstance(trait, str) else None
        if words is None:
            raise BadDefinition(
                say("모르는 조건이에요: {name}", en="Unknown trait: {name}", name=_short(trait)),
                pointer=_at(at, "trait"),
            )
        if words.asks is Asks.RANGE:
            if "in" in node:
                raise BadDefinition(
                    say("{name}: from과 to로 적어 주세요.", en="{name} is asked with from and to.", name=words.name),
                    pointer=_at(at, "in"),
                )
            return checked_range(words, node.get("from"), node.get("to"), at)
        for key in ("from", "to"):
            if key in node:
                raise BadDefinition(
                    say("{name}: in으로 적어 주세요.", en="{name} is asked with in.", name=words.name),
                    pointer=_at(at, key),
                )
        values = node.get("in")
        if not isinstance(values, list) or not values:
            raise BadDefinition(say("값이 하나는 있어야 해요.", en="Needs at least one value."), pointer=_at(at, "in"))
        if len(values) > VALUES_MAX:
            raise BadDefinition(_TOO_MANY, pointer=_at(at, "in"))
        read = [self._value(words, value, f"{_at(at, 'in')}/{place}") for place, value in enumerate(values)]
        return Is(words.name, tuple(dict.fromkeys(read)))

    def _value(self, words: TraitWords, value: object, at: str) -> Value:
        if isinstance(value, str) and (
            self.catalogue.region_name(value) is not None if words.asks is Asks.REGION else value in words.words
        ):
            return value
        raise BadDefinition(_unknown_value(words, value), pointer=at)


def checked_range(words: TraitWords, low: object, high: object, at: str) -> Between:
    """A range within a trait's bounds. Refuses: BadDefinition where it is no number, out of bounds, or turned around."""
    for key, end in (("from", low), ("to", high)):
        if end is None:
            continue
        if not isinstance(end, int) or isinstance(end, bool):
            raise BadDefinition(say("정수여야 해요.", en="Must be a whole number."), pointer=_at(at, key))
        if not words.low <= end <= words.high:
            raise BadDefinition(
                say(
                    "{name}: {low}부터 {high}까지예요.",
                    en="{name} goes from {low} to {high}.",
                    name=words.title,
                    low=words.low,
                    high=words.high,
                ),
                pointer=_at(at, key),
            )
    if low is None and high is None:
        raise BadDefinition(
            say("from이나 to가 있어야 해요.", en="Needs from or to."),
            pointer=at,
        )
    assert low is None or isinstance(low, int)
    assert high is None or isinstance(high, int)
    if low is not None and high is not None and low > high:
        raise BadDefinition(
            say(
                "{low}부터 {high}까지는 있을 수 없어요. 앞뒤를 바꿔 주세요.",
                en="From {low} to {high} is nobody; turn it around.",
                low=low,
                high=high,
            ),
            pointer=_at(at, "to"),
        )
    return Between(words.name, low, high)


# Text

_TOKEN = re.compile(r"\s*(?:(?P<mark>[()|-])|(?P<word>[^\s()|-][^\s()|]*))")
_RANGE = re.compile(r"(?:(?P<one>\d{1,12})|(?P<low>\d{1,12})?-(?P<high>\d{1,12})?)")


def from_text(written: str, catalogue: Catalogue) -> Expression:
    """The expression of `region:서울-마포구 age:25-39 taste:커피,디저트 -friend`.

    A space is and and binds tighter than `|`, which is or; `-` before a condition is not, parentheses group. Nothing is everybody.
    Refuses: BadDefinition, whose pointer counts the conditions: `/2` is the third word.
    """
    if len(written) > BYTES_MAX:
        raise BadDefinition(_TOO_LONG, pointer="")
    tokens: list[tuple[str, str]] = []
    place, end = 0, len(written.rstrip())
    while place < end:
        found = _TOKEN.match(written, place)
        assert found is not None
        place = found.end()
        tokens.append(("mark", found["mark"]) if found["mark"] else ("word", found["word"]))
        if len(tokens) > 8 * CONDITIONS_MAX:
            raise BadDefinition(_TOO_MANY, pointer="")
    if not tokens:
        return Everybody()
    return _TextReader(tokens, catalogue).everything()


class _TextReader:
    def __init__(self, tokens: list[tuple[str, str]], catalogue: Catalogue) -> None:
        self.tokens, self.catalogue = tokens, catalogue
        self.place, self.conditions = 0, 0
        self.plain = plain_words(catalogue)

    def everything(self) -> Expression:
        found = self._either(1)
        if self.place < len(self.tokens):
            raise BadDefinition(say("괄호가 맞지 않아요.", en="The parentheses do not match."), pointer=self._at())
        return found

    def _at(self) -> str:
        return f"/{self.place}"

    def _next(self) -> tuple[str, str]:
        return self.tokens[self.place] if self.place < len(self.tokens) else ("end", "")

    def _either(self, depth: int) -> Expression:
        if depth > DEPTH_MAX:
            raise BadDefinition(_TOO_DEEP, pointer=self._at())
        parts = [self._both(depth)]
        while self._next() == ("mark", "|"):
            self.place += 1
            parts.append(self._both(depth))
        return parts[0] if len(parts) == 1 else Any(tuple(parts))

    def _both(self, depth: int) -> Expression:
        parts: list[Expression] = []
        while self._next() not in (("end", ""), ("mark", "|"), ("mark", ")")):
            parts.append(self._one(depth))
        if not parts:
            raise BadDefinition(
                say("여기에 조건이 있어야 해요.", en="A condition is missing here."), pointer=self._at()
            )
        return parts[0] if len(parts) == 1 else All(tuple(parts))

    def _one(self, depth: int) -> Expression:
        negations = 0
        while self._next() == ("mark", "-"):
            self.place, negations = self.place + 1, negations + 1
            if depth + negations > DEPTH_MAX:
                raise BadDefinition(_TOO_DEEP, pointer=self._at())
        kind, word = self._next()
        if (kind, word) == ("mark", "("):
            self.place += 1
            found = self._either(depth + negations + 1)
            if self._next() != ("mark", ")"):
                raise BadDefinition(say("괄호를 닫아 주세요.", en="A parenthesis is not closed."), pointer=self._at())
            self.place += 1
        elif kind == "word":
            self.conditions += 1
            if self.conditions > CONDITIONS_MAX:
                raise BadDefinition(_TOO_MANY, pointer=self._at())
            found = self._word(word)
            self.place += 1
        else:
            raise BadDefinition(
                say("여기에 조건이 있어야 해요.", en="A condition is missing here."), pointer=self._at()
            )
        for _ in range(negations):
            found = Not(found)
        return found

    def _word(self, word: str) -> Expression:
        name, colon, rest = word.partition(":")
        if not colon:
            if word == EVERYBODY:
                return Everybody()
            known = self.plain.get(word.casefold())
            if known is None:
                raise BadDefinition(
                    say("모르는 조건이에요: {name}", en="Unknown trait: {name}", name=_short(word)), pointer=self._at()
                )
            return Is(*known)
        words = self.catalogue.traits.get(name) or next(
            (t for t in self.catalogue.traits.values() if name in (t.title.ko, t.title.en)), None
        )
        if words is None:
            raise BadDefinition(
                say("모르는 조건이에요: {name}", en="Unknown trait: {name}", name=_short(name)), pointer=self._at()
            )
        if words.asks is Asks.RANGE:
            found = _RANGE.fullmatch(rest)
            if found is None:
                raise BadDefinition(
                    say("25-39, 25-, -39, 30처럼 적어 주세요.", en="Write a range like 25-39, 25-, -39 or 30."),
                    pointer=self._at(),
                )
            low, high = (found["one"], found["one"]) if found["one"] else (found["low"], found["high"])
            return checked_range(words, int(low) if low else None, int(high) if high else None, self._at())
        listed = rest.split(",")
        if len(listed) > VALUES_MAX:
            raise BadDefinition(_TOO_MANY, pointer=self._at())
        return Is(words.name, tuple(dict.fromkeys(self._value(words, value) for value in listed)))

    def _value(self, words: TraitWords, written: str) -> Value:
        if words.asks is Asks.REGION:
            code = self.catalogue.region_code(written)
            if code is not None:
                return code
        else:
            sought = written.casefold()
            for value, text in words.words.items():
                if sought in (value.casefold(), squeezed(text.ko).casefold(), squeezed(text.en).casefold()):
                    return value
        raise BadDefinition(_unknown_value(words, written), pointer=self._at())


EVERYBODY = "*"


def plain_words(catalogue: Catalogue) -> dict[str, tuple[str, tuple[Value, ...]]]:
    """Words that stand alone: the relations to the shop (`friend`, `단골`)."""
    words = catalogue.traits.get("relation")
    plain: dict[str, tuple[str, tuple[Value, ...]]] = {}
    for value, text in (words.words if words else {}).items():
        for written in (value, squeezed(text.ko), squeezed(text.en)):
            plain.setdefault(written.casefold(), ("relation", (value,)))
    return plain


def squeezed(text: str) -> str:
    """A label without what separates words in the line of text."""
    return re.sub(r"[\s(),|:]+", "", text)


def to_text(expression: Expression, catalogue: Catalogue, *, language: str = "ko") -> str:
    """The line of text that means this expression; `from_text` gives it back, save that single groups lose their brackets."""
    return _line(expression, catalogue, language, 0)


def _line(expression: Expression, catalogue: Catalogue, language: str, binding: int) -> str:
    match expression:
        case Everybody() | All(()):
            return EVERYBODY
        case All(parts):
            inner = " ".join(_line(part, catalogue, language, 2) for part in parts)
            return inner if binding < 2 or len(parts) == 1 else f"({inner})"
        case Any(parts):
            inner = " | ".join(_line(part, catalogue, language, 1) for part in parts)
            return inner if binding < 1 or len(parts) == 1 else f"({inner})"
        case Not(part):
            return f"-{_line(part, catalogue, language, 3)}"
        case Is("relation", (str(value),)):
            return squeezed(catalogue.traits["relation"].words[value].within(language)) if language == "ko" else value
        case Is(trait, values):
            words = catalogue.traits[trait]
            texts = [
                catalogue.region_name(str(v)) if words.asks is Asks.REGION else words.words[str(v)] for v in values
            ]
            names = [squeezed(text.within(language)) if text else str(v) for text, v in zip(texts, values, strict=True)]
            return f"{trait}:{','.join(names)}"
        case Between(trait, low, high):
            if low == high:
                return f"{trait}:{low}"
            return f"{trait}:{'' if low is None else low}-{'' if high is None else high}"


# What an expression means, written one way


def canonical(expression: Expression) -> Expression:
    """One way of writing what is asked: order, repetition, double negation and groups within groups do not matter.

    Two questions with one canonical form are one question: they get one answer and cost the owner once.
    """
    match expression:
        case All(parts) | Any(parts):
            kind = All if isinstance(expression, All) else Any
            flat: list[Expression] = []
            for part in map(canonical, parts):
                flat.extend(part.parts if isinstance(part, kind) else [part])
            if kind is All:
                flat = [part for part in flat if not isinstance(part, Everybody)]
            elif any(isinstance(part, Everybody) for part in flat):
                return Everybody()
            single = sorted(set(flat), key=to_json)
            if kind is All and not single:
                return Everybody()
            return single[0] if len(single) == 1 else kind(tuple(single))
        case Not(Not(part)):
            return canonical(part)
        case Not(part):
            inner = canonical(part)
            return inner.part if isinstance(inner, Not) else Not(inner)
        case Is(trait, values):
            return Is(trait, tuple(sorted(set(values), key=str)))
    return expression


def conditions_of(expression: Expression) -> list[Is | Between]:
    """Every condition on a trait, in the order of writing."""
    match expression:
        case All(parts) | Any(parts):
            return [condition for part in parts for condition in conditions_of(part)]
        case Not(part):
            return conditions_of(part)
        case Is() | Between():
            return [expression]
    return []


# The schema for programs


def schema(catalogue: Catalogue, address: str = "") -> dict[str, Whatever]:
    """JSON Schema (2020-12) of the definition, with the traits of this catalogue."""
    conditions: list[dict[str, Whatever]] = []
    for words in catalogue.traits.values():
        head = {"type": "object", "additionalProperties": False, "title": words.title.within("en")}
        named = {"const": words.name}
        if words.asks is Asks.RANGE:
            end = {"type": "integer", "minimum": words.low, "maximum": words.high}
            conditions.append(
                {
                    **head,
                    "properties": {"trait": named, "from": end, "to": end},
                    "required": ["trait"],
                    "anyOf": [{"required": ["from"]}, {"required": ["to"]}],
                }
            )
        else:
            value: dict[str, Whatever] = (
                {"type": "string", "pattern": "^([0-9]{2}|[0-9]{5}|[0-9]{10})$"}
                if words.asks is Asks.REGION
                else {"enum": list(words.words)}
            )
            listed = {"type": "array", "items": value, "minItems": 1, "maxItems": VALUES_MAX}
            conditions.append({**head, "properties": {"trait": named, "in": listed}, "required": ["trait", "in"]})
    part = {"$ref": "#/$defs/who"}

    def joined(name: str, inner: dict[str, Whatever]) -> dict[str, Whatever]:
        return {"type": "object", "additionalProperties": False, "properties": {name: inner}, "required": [name]}

    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **({"$id": address} if address else {}),
        "title": "An audience of Dure, version 1",
        "type": "object",
        "additionalProperties": False,
        "properties": {"version": {"const": VERSION}, "who": part},
        "required": ["version", "who"],
        "$defs": {
            "who": {
                "oneOf": [
                    joined("all", {"type": "array", "items": part}),
                    joined("any", {"type": "array", "items": part, "minItems": 1}),
                    joined("not", part),
                    *conditions,
                ]
            }
        },
    }


# Small helpers

_TOO_LONG = say("정의가 너무 길어요. 64KB까지예요.", en="The definition is too long: at most 64 KB.")
_TOO_DEEP = say("조건이 너무 깊이 들어 있어요. 32겹까지예요.", en="The conditions are nested too deeply: at most 32.")
_TOO_MANY = say("조건이 너무 많아요. 256개까지예요.", en="There are too many conditions: at most 256.")


def _nesting(written: str | bytes) -> int:
    """How deep brackets nest, outside of strings, in one pass."""
    text = written if isinstance(written, str) else written.decode("utf-8", "replace")
    depth = deepest = 0
    for found in re.finditer(r'"(?:[^"\\]|\\.)*"|[\[{]|[\]}]', text):
        mark = found[0][0]
        if mark in "[{":
            depth += 1
            deepest = max(deepest, depth)
        elif mark in "]}":
            depth -= 1
    return deepest


def _once(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found: dict[str, object] = {}
    for key, value in pairs:
        if key in found:
            raise BadDefinition(say("두 번 적혀 있어요: {key}", en="Written twice: {key}", key=_short(key)), pointer="")
        found[key] = value
    return found


def _no_constant(name: str) -> object:
    raise ValueError(name)


def _at(pointer: str, key: object) -> str:
    written = str(key)[:60].replace("~", "~0").replace("/", "~1")
    return f"{pointer}/{written}"


def _short(value: object) -> str:
    text = value if isinstance(value, str) else type(value).__name__
    return text[:40].encode("utf-8", "replace").decode()


def _unknown_key(key: object) -> Text:
    return say("모르는 항목이에요: {key}", en="Unknown key: {key}", key=_short(key))


def _unknown_value(words: TraitWords, value: object) -> Text:
    return say(
        "{name}에 없는 값이에요: {value}", en="{name} has no value {value}", name=words.title, value=_short(value)
    )


# Who may be meant


def spread(
    expression: Expression, leaf: Callable[[Is | Between, bool], Expression], negated: bool = False
) -> Expression:
    """The expression with each condition replaced by `leaf(condition, negated)`; `negated` where an odd number of nots is
    around it."""
    match expression:
        case All(parts):
            return All(tuple(spread(part, leaf, negated) for part in parts))
        case Any(parts):
            return Any(tuple(spread(part, leaf, negated) for part in parts))
        case Not(part):
            return Not(spread(part, leaf, not negated))
        case Is() | Between():
            return leaf(expression, negated)
    return expression


def with_consent(expression: Expression, catalogue: Catalogue) -> Expression:
    """The expression in which taste is known of those alone who agreed to it: neither "likes coffee" nor "does not like
    coffee" is ever true of anybody else."""
    agreed = Is("consent", ("personal",))

    def leaf(condition: Is | Between, negated: bool) -> Expression:
        if not catalogue.traits[condition.trait].needs_taste:
            return condition
        return Any((condition, Not(agreed))) if negated else All((condition, agreed))

    return spread(expression, leaf)


def in_districts(expression: Expression, within: Callable[[int], tuple[str, ...]]) -> Expression:
    """The expression with "at most so many km from the shop" as the registered districts that lie there."""

    def ring(low: int | None, high: int | None) -> Expression:
        inner = Is("region", within(high)) if high is not None else Everybody()
        return inner if low is None or low <= 1 else All((inner, Not(Is("region", within(low - 1)))))

    def leaf(condition: Is | Between, negated: bool) -> Expression:
        if isinstance(condition, Between) and condition.trait == "near":
            return ring(condition.low, condition.high)
        return condition

    return spread(expression, leaf)


def is_of_a_shop(condition: Is | Between, catalogue: Catalogue) -> bool:
    """Whether a condition means something only where a shop asks."""
    return catalogue.traits[condition.trait].where is not Where.INDEX


def of_strangers(expression: Expression) -> Expression:
    """The expression for people who are no friends of the shop: `never` is all of them, every other relation nobody."""

    def leaf(condition: Is | Between, negated: bool) -> Expression:
        if isinstance(condition, Is) and condition.trait == "relation":
            return Everybody() if "never" in condition.values else Any(())
        return condition

    return spread(expression, leaf)


def without_tags(expression: Expression) -> Expression:
    """The expression for people of whom no operator's trait is known: none of them has any."""

    def leaf(condition: Is | Between, negated: bool) -> Expression:
        return Any(()) if condition.trait == "tag" else condition

    return spread(expression, leaf)


def traits_in(expression: Expression) -> set[str]:
    """The names of every trait that an expression asks for."""
    return {part.trait for part in walk(expression) if isinstance(part, Is | Between)}


def is_own(expression: Expression) -> bool:
    """Whether nobody but friends of the shop can be meant: they are its own relations, and it may count them."""
    match expression:
        case All(parts):
            return any(map(is_own, parts))
        case Any(parts):
            return all(map(is_own, parts))
        case Is("relation", values):
            return "never" not in values
        case Not(Is("relation", ("never",))):
            return True
    return False
