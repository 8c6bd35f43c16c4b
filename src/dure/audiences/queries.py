"""Everything read about audiences: definitions, what the twin of the country says, and who is really meant."""

from __future__ import annotations

import hashlib
import hmac
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING
from typing import Any as Whatever
from weakref import WeakKeyDictionary

import numpy as np
from django.conf import settings
from django.db import connection
from django.db.models import Count, F, Q, QuerySet, Sum
from pyroaring import BitMap

from dure.audiences import rules, words
from dure.audiences.engine import noise
from dure.audiences.engine.expression import All, Between, Everybody, Expression, Is, Not, Unanswerable, Value
from dure.audiences.engine.few import which
from dure.audiences.engine.traits import Kind, Trait
from dure.audiences.errors import AudienceNotFound, BadDefinition, CannotCount, NoIndex
from dure.audiences.models import Answer, Asking, Audience, Frozen, Release
from dure.audiences.population import people as population
from dure.audiences.population.regions import Country, Region, country, dongs_within
from dure.audiences.values import NETWORK, RELATIONS, SMALLEST, Reach
from dure.kit.clock import KST
from dure.kit.language import Text, reading, say
from dure.people.models import Consent
from dure.people.values import NETWORK_SENDER, Purpose, shop_sender
from dure.regulars import queries as regulars
from dure.regulars.models import CountedVisit, Relation, StampCard
from dure.shops import fence
from dure.shops.models import Membership, Shop
from dure.shops.values import Role

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from dure.audiences.engine.index import Index
    from dure.audiences.storage.folder import Folder

TASTES_OF = {
    "korean": "korean", "noodles": "noodles", "snacks": "bunsik", "grill": "pork", "chicken": "chicken",
    "japanese": "japanese", "chinese": "chinese", "western": "western", "cafe": "coffee", "bakery": "bakery", "pub": "beer",
}  # fmt: skip
VISITED_AT = {"noodles": "korean", "grill": "korean", "pub": "bar"}
"""What a shop's category says of who eats there, where it is not its own name."""

REACHABLE = Is("consent", ("network",))
"""Of people who are no friends of a shop, it reaches those who agreed to hear from shops of the network."""


# Definitions


def read_definition(written: str | bytes) -> Expression:
    """A definition, as JSON or as a line of text. Refuses: BadDefinition."""
    head = written[:200].lstrip()
    looks_like_json = head.startswith(b"{") if isinstance(head, bytes) else head.startswith("{")
    if looks_like_json:
        return rules.from_json(written, words.catalogue())
    text = written.decode("utf-8", "replace") if isinstance(written, bytes) else written
    return rules.from_text(text, words.catalogue())


def read_document(document: object) -> Expression:
    """A definition that was JSON, of the published schema. Refuses: BadDefinition."""
    return rules.from_document(document, words.catalogue())


def as_text(expression: Expression, language: str = "") -> str:
    """The line of text that means the expression, in a language or in the reader's."""
    return rules.to_text(expression, words.catalogue(), language=language or reading())


def as_document(expression: Expression) -> dict[str, Whatever]:
    """The expression as JSON of the published schema."""
    return rules.to_document(expression)


def canonical(expression: Expression) -> Expression:
    """One way of writing what is asked: two audiences with one canonical form are one question."""
    return rules.canonical(expression)


def published_schema(address: str = "") -> dict[str, Whatever]:
    """The JSON Schema of definitions."""
    return rules.schema(words.catalogue(), address)


def audiences_of(shop: Shop) -> QuerySet[Audience]:
    """What a shop saved, the latest first."""
    return Audience.objects.filter(shop=shop).order_by("-changed_at", "-id")


def audience_by_public_id(shop: Shop, public_id: str) -> Audience:
    """Refuses: AudienceNotFound."""
    found = Audience.objects.filter(shop=shop, public_id=public_id).first()
    if found is None:
        raise AudienceNotFound
    return found


# Words for pages


def catalogue() -> rules.Catalogue:
    """The traits that may be asked, in words, and the names of regions."""
    return words.catalogue()


def places() -> Country:
    """Where people are registered: every 시도, 시군구 and 읍면동 with a point inside it."""
    return country()


def place_name(code: str) -> words.PlaceName:
    """How a place is called, by its code. KeyError where there is none."""
    return words.place_name(code)


def places_called(sought: str) -> list[str]:
    """The codes of 시군구, then of 읍면동, whose own name contains these letters, in Hangul or in English."""
    return words.places_called(sought)


def district_name(written: str) -> Text:
    """The district that a shop names as its own, in both languages; as it is written where we know no such place."""
    return words.district_name(written)


def home_of(shop: Shop) -> Region | None:
    """The 읍면동 or 시군구 that a shop names as its own; None while it names none that we know."""
    return words.home_of(shop.district)


# The indexes. Their engine is compiled, and loading the compiler takes seconds: only who counts people waits for it.

Stamp = tuple[str, str]
"""Which build, and how far its changes had come."""

_lock = threading.Lock()
_opened: dict[str, tuple[Stamp, Index]] = {}
_given: dict[str, Index] = {}


def index_folder(kind: str) -> Path:
    """Where the index `network` (everybody) or `twin` (what owners explore) lies."""
    return Path(settings.HOME) / "audiences" / kind


def has_index(kind: str) -> bool:
    """Whether there is a complete index of this kind."""
    from dure.audiences.storage.folder import Folder

    return kind in _given or Folder(index_folder(kind)).is_ready


def index(kind: str) -> Index:
    """The newest complete index of its kind, mapped into this process once. Refuses: NoIndex while there is none."""
    given = _given.get(kind)
    if given is not None:
        return _tagged(kind, given)
    from dure.audiences.engine.containers import Damaged
    from dure.audiences.storage.folder import Folder

    folder = Folder(index_folder(kind))
    stamp = _stamp(folder)
    with _lock:
        known = _opened.get(kind)
        if known and known[0] == stamp:
            return _tagged(kind, known[1])
        if not stamp:
            raise NoIndex
        try:
            if known and known[0][0] == stamp[0]:  # the same build: only what came since
                found = known[1].changed(folder.changes.since(known[1].sequence))
            else:
                found = folder.open(check=False)
        except (OSError, Damaged) as error:
            if known:
                return known[1]
            raise NoIndex from error
        _opened[kind] = (stamp, found)
    return _tagged(kind, found)


_last_tagged: tuple[str, Index, Index] | None = None


def _tagged(kind: str, plain: Index) -> Index:
    """The network with what operators know of its people beside it. (The twin has no such people: it is drawn with their
    traits, or without.)"""
    global _last_tagged
    added = words.tags()
    stamp = added.stamp
    if kind != "network" or not stamp:
        return plain
    last = _last_tagged
    if last is None or last[0] != stamp or last[1] is not plain:
        who: dict[Value, BitMap] = {
            tag.name: plain.ordinals(added.ids(tag.name).astype(np.int64)) for tag in added.all()
        }
        last = _last_tagged = (stamp, plain, plain.beside({"tag": who}))
    return last[2]


def _stamp(folder: Folder) -> Stamp | None:
    """Changes with another build and with every change to it; None while there is none. Builds are numbered in each folder anew, so
    one is known by the file that points to it, which is replaced whole: a folder that was emptied and filled again is another.

    Asked at every count, so neither file is opened."""
    build = _written(folder.path / "CURRENT")
    return (build, _written(folder.path / "changes.log")) if build else None


def _written(path: Path) -> str:
    """Changes whenever the file does; empty while there is none."""
    try:
        found = path.stat()
    except FileNotFoundError:
        return ""
    return f"{path} {found.st_ino} {found.st_size} {found.st_mtime_ns}"


def warm_up() -> None:
    """Ask the twin and the network something of each kind, so that whoever asks first finds files mapped and code compiled.
    Nothing where there is no index yet."""
    kinds = [kind for kind in ("twin", "network") if (index_folder(kind) / "CURRENT").exists()]
    if not kinds:
        return  # and the compiler is not even loaded
    from dure.audiences.engine.containers import gathered
    from dure.audiences.engine.index import Change

    asked = All(
        (Between("age", 20, 39), Is("taste", ("coffee", "tea")), Between("last_seen", 3, 33), Not(Is("sex", ("m",))))
    )
    for kind in kinds:
        try:
            known = index(kind)
        except NoIndex:
            continue
        known.portrait(asked)
        known.breakdown(Is("region", ("11",)), "taste")
        known.breakdown(Is("region", ("11",)), "last_seen")
        few = known.ids(Is("region", ("1111051500",)))
        gathered(few)
        known.changed(
            [Change(known.sequence + 1, int(n), "consent", "night", holds=False) for n in few[:1]]
        )  # let go of


def count_alone_while(is_busy: Callable[[], bool]) -> None:
    """Give a count no second core while `is_busy`, nor while the machine has more to do than it can."""
    from dure.audiences.engine.hands import machine

    machine_is_busy = machine.is_busy
    machine.is_busy = lambda: is_busy() or machine_is_busy()


@contextmanager
def standing_on(**given: Index) -> Iterator[None]:
    """Inside the block the indexes `network` and `twin` are these, for tests and measurements."""
    before = dict(_given)
    _given.update(given)
    try:
        yield
    finally:
        _given.clear()
        _given.update(before)


# Who is meant

OWN_SCHEMA = (*population.SCHEMA, Trait("relation", Kind.SET, tuple(RELATIONS)))


def meant(expression: Expression, shop: Shop) -> Expression:
    """What a shop's words come to: a radius as districts, taste with its consent. Refuses: BadDefinition for a radius
    around a shop whose district is not known."""
    home = words.home_of(shop.district)

    def within(km: int) -> tuple[str, ...]:
        if home is None:
            raise BadDefinition(
                say(
                    "가게의 동네를 몰라서 반경을 쓸 수 없어요. 설정에 “서울 마포구 망원동”처럼 동네를 적어 주세요.",
                    en="We do not know where the shop is. Please write its district in the settings, like 서울 마포구 망원동.",
                ),
                pointer="",
            )
        return dongs_within(home.lon, home.lat, km)

    return rules.with_consent(rules.in_districts(expression, within), words.catalogue())


def strangers(expression: Expression, shop: Shop) -> Expression:
    """What is asked of the index: everybody meant who agreed to hear from shops of the network."""
    return All((REACHABLE, rules.of_strangers(meant(expression, shop))))


def resolve(shop: Shop, expression: Expression, *, at: datetime) -> BitMap:
    """The numbers of everybody meant who may be written to at this instant. Inside the platform only: never shown.

    Friends come straight from the tables, so whoever withdrew a moment ago is out.
    """
    found = _friends(shop, expression, at)
    if not rules.is_own(expression):
        found |= _neighbours(shop, expression, at)
        found |= _of_network(strangers(expression, shop))
    return found


@contextmanager
def answering() -> Iterator[None]:
    """Whatever the index cannot answer is a refusal that people can read. Refuses: CannotCount."""
    try:
        yield
    except Unanswerable as cannot:
        raise CannotCount(trait=cannot.trait) from cannot


@answering()
def _of_network(expression: Expression) -> BitMap:
    """The network's people whom the expression reaches, as numbers of a frozen audience."""
    from dure.audiences.engine.containers import gathered

    written = gathered(index("network").ids(expression), NETWORK)
    return BitMap.deserialize(written) if written else BitMap()


def friends_meant(shop: Shop, expression: Expression, *, at: datetime) -> int:
    """How many of the shop's own friends are meant and may be written to: exact, they are its own relations."""
    return len(_friends(shop, expression, at))


def means_friends_alone(expression: Expression) -> bool:
    """Whether nobody but the shop's own friends can be meant."""
    return rules.is_own(expression)


def _friends(shop: Shop, expression: Expression, at: datetime) -> BitMap:
    # Operators know nothing of a shop's own friends.
    wanted = All((Is("consent", ("marketing",)), rules.without_tags(meant(expression, shop))))
    persons, columns = _own_people(shop, at, rules.traits_in(wanted))
    if not len(persons):
        return BitMap()
    return BitMap(persons[which(wanted, OWN_SCHEMA, columns, len(persons))])


def _neighbours(shop: Shop, expression: Expression, at: datetime) -> BitMap:
    """Persons of this Dure who are no friends of the shop and told the platform that shops may be shown to them.

    What is known of them is known with their consent to it alone: nothing else places them in a region or gives them a taste.
    """
    with connection.cursor() as cursor, fence.across_shops():
        cursor.execute(
            _NEIGHBOURS,
            {"network": NETWORK_SENDER, "shop": shop.pk, "sender": shop_sender(shop.public_id), "at": at,
             "since": at - timedelta(days=90)},
        )  # fmt: skip
        rows = cursor.fetchall()
    if not rows:
        return BitMap()
    persons = np.array([row[0] for row in rows], dtype=np.uint32)
    wanted = rules.of_strangers(rules.without_tags(meant(expression, shop)))
    return BitMap(persons[which(wanted, OWN_SCHEMA, _told_of_strangers(rows, at), len(rows))])


def _told_of_strangers(rows: Sequence[tuple[Whatever, ...]], at: datetime) -> dict[str, NDArray[np.int64]]:
    """What may be known of each: one column of (n,) values for each trait. Most agreed to advertising alone and are alike, so
    only of the others anything is worked out, and of the same words once."""
    bounds = {trait.name: trait for trait in OWN_SCHEMA}
    unknown = {"sex": -1, "age": -1, "last_seen": -1, "channel": 1, "relation": 1 << list(RELATIONS).index("never")}
    told = {name: np.full(len(rows), unknown.get(name, 0), dtype=np.int64) for name in bounds}
    told["consent"][:] = [1 | bool(row[1]) << 3 for row in rows]

    @cache
    def region(district: str) -> int:
        home = words.home_of(district) if district else None
        return int(home.code) if home and len(home.code) == DONG else 0

    @cache
    def kinds_of(kinds: tuple[str, ...]) -> tuple[int, int]:
        tastes = {TASTES_OF.get(kind, "korean") for kind in kinds}
        return _bits(bounds["taste"], tastes), _bits(bounds["visited"], {VISITED_AT.get(kind, kind) for kind in kinds})

    @cache
    def parts_of(hours: tuple[int, ...]) -> int:
        return sum({1 << _part_of_hour(hour) for hour in hours})

    known = [(place, row) for place, row in enumerate(rows) if row[1] and row[5] is not None]
    if known:
        places = [place for place, _ in known]
        said = [
            (
                region(district or ""),
                *kinds_of(tuple(kinds or ())),
                parts_of(tuple(hours or ())),
                min((at - last).days, bounds["last_seen"].high),
                min(visits, bounds["visits"].high),
                min(int(won) // 1000, bounds["spend"].high),
            )
            for _, (_, _, district, kinds, hours, last, visits, won) in known
        ]
        names = ("region", "taste", "visited", "hours", "last_seen", "visits", "spend")
        for name, values in zip(names, np.array(said, dtype=np.int64).T, strict=True):
            told[name][places] = values
    return told


DISTRICT, DONG = 5, 10
"""Digits of the codes of a 시군구 and a 읍면동: whose shops name no more than a 시군구 places nobody."""


def _bits(trait: Trait, said: set[str]) -> int:
    return sum(1 << trait.values.index(value) for value in said if value in trait.values)


_NEIGHBOURS = """
    WITH agreed AS (
        SELECT s.person_id, coalesce(t.granted, false) AS tasted FROM people_standing s
        JOIN people_person p ON p.id = s.person_id AND p.erased_at IS NULL
        LEFT JOIN people_standing t ON t.sender = %(network)s AND t.purpose = 'taste' AND t.person_id = s.person_id
        WHERE s.sender = %(network)s AND s.purpose = 'advertising' AND s.granted
          AND NOT EXISTS (SELECT 1 FROM people_standing n WHERE n.sender IN ('*', %(sender)s) AND n.purpose = 'advertising'
                          AND n.person_id = s.person_id AND NOT n.granted)
          AND NOT EXISTS (SELECT 1 FROM regulars_relation r WHERE r.shop_id = %(shop)s AND r.person_id = s.person_id
                          AND r.left_at IS NULL)
    ), visited AS (
        SELECT r.person_id, (array_agg(h.district ORDER BY v.at DESC))[1] AS district, array_agg(DISTINCT h.category) AS kinds,
               array_agg(DISTINCT extract(hour FROM v.at AT TIME ZONE 'Asia/Seoul')::int) AS hours, max(v.at) AS last,
               count(*) AS visits, sum(v.spent) AS won
        FROM regulars_countedvisit v JOIN regulars_relation r ON r.id = v.relation_id JOIN shops_shop h ON h.id = v.shop_id
        WHERE v.at > %(since)s AND v.at <= %(at)s AND r.person_id IN (SELECT person_id FROM agreed WHERE tasted) GROUP BY 1
    )
    SELECT a.person_id, a.tasted, v.district, v.kinds, v.hours, v.last, coalesce(v.visits, 0), coalesce(v.won, 0)
    FROM agreed a LEFT JOIN visited v USING (person_id) ORDER BY a.person_id
"""


def _own_people(shop: Shop, at: datetime, traits: set[str]) -> tuple[NDArray[np.uint32], dict[str, NDArray[np.int64]]]:
    """The friends of a shop and a column of each of these traits of theirs, read from the tables; taste only of those who agreed
    to it. Of what is not asked nothing is read."""
    friends = (
        regulars.friends_of(shop, at=at) if "relation" in traits else Relation.objects.filter(shop=shop, left_at=None)
    )
    standing = ("stage", F("stamps") - F("stamps_spent")) if "relation" in traits else ()
    rows = list(
        friends.filter(person__erased_at__isnull=True).values_list("person_id", "id", "last_visit_at", *standing)
    )
    agreed = _agreed([row[0] for row in rows], shop_sender(shop.public_id)) if rows else {}
    tasted = [Purpose.TASTE in agreed.get(row[0], ()) and row[2] is not None for row in rows]
    bounds = {trait.name: trait for trait in OWN_SCHEMA}
    recent = CountedVisit.objects.filter(shop=shop, at__gt=at - timedelta(days=90), at__lte=at)
    found: dict[str, Sequence[int]] = {
        "region": [0] * len(rows),
        "sex": [-1] * len(rows),
        "age": [-1] * len(rows),
        "channel": [1] * len(rows),
    }
    if rows and "relation" in traits:
        found["relation"] = _relations(shop, rows)
    if "consent" in traits:
        found["consent"] = [_consents(agreed.get(row[0], set())) for row in rows]
    if "last_seen" in traits:
        found["last_seen"] = [min((at - row[2]).days, bounds["last_seen"].high) if row[2] else -1 for row in rows]
    if "taste" in traits:
        found["taste"] = [_bits(bounds["taste"], {TASTES_OF.get(shop.category, "korean")}) * yes for yes in tasted]
    if "visited" in traits:
        kind = VISITED_AT.get(shop.category, shop.category)
        visited = _bits(bounds["visited"], {kind if kind in bounds["visited"].values else "korean"})
        found["visited"] = [visited * yes for yes in tasted]
    if rows and "hours" in traits:
        hours: dict[int, int] = {}
        for relation, when in recent.values_list("relation_id", "at"):
            hours[relation] = hours.get(relation, 0) | 1 << _part_of_day(when)
        found["hours"] = [hours.get(row[1], 0) * yes for row, yes in zip(rows, tasted, strict=True)]
    if rows and traits & {"visits", "spend"}:
        counted = recent.values_list("relation_id").annotate(n=Count("id"), won=Sum("spent"))
        lately = {relation: (visits, won) for relation, visits, won in counted}
        both = [lately.get(row[1], (0, 0)) for row in rows]
        found["visits"] = [min(visits, bounds["visits"].high) for visits, _ in both]
        found["spend"] = [min(won // 1000, bounds["spend"].high) for _, won in both]
    columns = {name: np.array(values, np.int64) for name, values in found.items() if name in traits}
    return np.array([row[0] for row in rows], np.uint32), columns


def _relations(shop: Shop, rows: Sequence[tuple[Whatever, ...]]) -> list[int]:
    """What each friend is to the shop, as bits, of rows that end with the stage and the stamps."""
    bit = {name: 1 << place for place, name in enumerate(RELATIONS)}
    goal = StampCard.objects.filter(shop=shop, running=True).values_list("goal", flat=True).first()
    near = goal - 2 if goal else None
    return [
        bit["friend"] | bit[stage] | (bit["near-reward"] if near is not None and stamps >= near else 0)
        for *_, stage, stamps in rows
    ]


def _consents(yes: set[Purpose]) -> int:
    return (Purpose.ADVERTISING in yes) | (Purpose.NIGHT in yes) << 1 | (Purpose.TASTE in yes) << 3


def _agreed(persons: list[int], sender: str) -> dict[int, set[Purpose]]:
    newest = (
        Consent.objects.filter(person__in=persons, sender=sender)
        .order_by("person", "purpose", "-at", "-id")
        .distinct("person", "purpose")
    )
    found: dict[int, set[Purpose]] = {}
    for person, purpose, granted in newest.values_list("person_id", "purpose", "granted"):
        if granted:
            found.setdefault(person, set()).add(Purpose(purpose))
    return found


def _part_of_day(when: datetime) -> int:
    return _part_of_hour(when.astimezone(KST).hour)


def _part_of_hour(hour: int) -> int:
    return (
        0
        if 5 <= hour < 11
        else 1
        if hour < 14 and hour >= 11
        else 2
        if 14 <= hour < 17
        else 3
        if 17 <= hour < 21
        else 4
    )


# Frozen audiences, for campaigns


def ordinals_of(frozen: Frozen) -> BitMap:
    """The numbers of the people in a frozen audience."""
    return BitMap.deserialize(bytes(frozen.recipients))


def persons_of(numbers: BitMap) -> BitMap:
    """Those numbers that are ids of persons; the others live in the network's index alone."""
    return numbers & BitMap(range(NETWORK))


def still_allowed(frozen: Frozen, *, at: datetime) -> BitMap:
    """The part of a frozen audience that may be written to at this instant: whoever withdrew, left or was erased is out.

    What is sent asks once more, under a lock, for a permit: `people.permit_message`.
    """
    numbers = ordinals_of(frozen)
    allowed = _friends(frozen.shop, Everybody(), at)
    network = numbers - BitMap(range(NETWORK))
    if network:
        network &= _of_network(REACHABLE)
    return (numbers & allowed) | network


def sampled(numbers: BitMap, size: int, *, seed: int) -> BitMap:
    """`size` of the numbers, each subset as likely as another, the same ones for the same seed."""
    if size >= len(numbers):
        return numbers
    chosen = np.random.default_rng(seed).choice(len(numbers), size=max(size, 0), replace=False)
    return BitMap(np.asarray(numbers.to_array())[np.sort(chosen)])


# What the twin says


@dataclass(frozen=True, slots=True)
class Wider:
    """A way to reach more people: the definition, what is changed in it, and how many it would reach."""

    expression: Expression
    dropped: Expression
    changed: Expression | None
    people: int


@dataclass(frozen=True, slots=True)
class Explored:
    """What the twin says of an audience: how many people, by band of ten years (its first year, women, men), and where most
    of them are: 시군구, or 읍면동 where all are in one."""

    people: int
    of: int
    pyramid: list[tuple[int, int, int]]
    districts: list[tuple[str, int]]
    wider: list[Wider]

    @property
    def is_small(self) -> bool:
        return self.people < SMALLEST


def means_own_alone(document: object) -> bool:
    """Whether a definition can mean nobody but friends of the shop that asks."""
    return rules.is_own(read_document(document))


def count_in_twin(shop: Shop, expression: Expression) -> int:
    """How many people of the twin are meant. Free, and tells nothing that the twin's own release did not."""
    people: int = _once("count", shop, expression, lambda twin: twin.count_sliding(strangers(expression, shop)))
    return people


_REMEMBERED = 512
"""Of each kind of question; the oldest is forgotten first."""
_told: WeakKeyDictionary[Index, dict[str, dict[tuple[str, Expression], Whatever]]] = WeakKeyDictionary()


def _once(what: str, shop: Shop, expression: Expression, tell: Callable[[Index], Whatever]) -> Whatever:
    """What the twin tells of an expression, computed once a process: the twin never changes, a new one is another."""
    twin = index("twin")
    key = (shop.district, expression)
    with _lock:
        known = _told.setdefault(twin, {}).setdefault(what, {})
        if key in known:
            return known[key]
    with answering():
        told = tell(twin)
    with _lock:
        known[key] = told
        if len(known) > _REMEMBERED:
            del known[next(iter(known))]
    return told


def explore(shop: Shop, expression: Expression) -> Explored:
    """Everything the builder shows of an audience, from the twin alone."""
    told: Explored = _once("explored", shop, expression, lambda twin: _explored(twin, shop, expression))
    return told


def _explored(twin: Index, shop: Shop, expression: Expression) -> Explored:
    found = twin.portrait(strangers(expression, shop))
    people = found.people
    bands = [(start, min(start + 9, 104) if start < 80 else 104) for start in range(0, 90, 10)]
    pyramid = [
        (low, _of_ages(found.cells, "f", low, high), _of_ages(found.cells, "m", low, high)) for low, high in bands
    ]
    shown = found.districts if len(found.districts) > 1 else found.regions
    first = sorted(((str(code), many) for code, many in shown.items()), key=lambda pair: (-pair[1], pair[0]))[:8]
    return Explored(
        people=people,
        of=twin.people,
        pyramid=pyramid,
        districts=first,
        wider=_wider(shop, expression, people) if people < 10 * SMALLEST else [],
    )


def by_district(shop: Shop, expression: Expression) -> dict[str, int]:
    """How many people of the twin are meant in each 시군구, wherever the audience itself looks: its conditions on places
    are left aside, so that a map shows where else such people are."""
    parts = expression.parts if isinstance(expression, All) else (expression,)
    elsewhere = All(tuple(p for p in parts if not (isinstance(p, Is | Between) and p.trait in ("region", "near"))))

    def tell(twin: Index) -> dict[str, int]:
        return {str(code): many for code, many in twin.by_region(strangers(elsewhere, shop), DISTRICT).items()}

    told: dict[str, int] = _once("by district", shop, elsewhere, tell)
    return told


def _of_ages(cells: dict[tuple[Value | None, ...], int], sex: str, low: int, high: int) -> int:
    return sum(many for (who, age), many in cells.items() if who == sex and age is not None and low <= int(age) <= high)


def _wider(shop: Shop, expression: Expression, people: int) -> list[Wider]:
    parts: tuple[Expression, ...] = expression.parts if isinstance(expression, All) else (expression,)
    if expression == Everybody():
        return []
    tried: list[Wider] = []
    for place, part in enumerate(parts):
        rest: tuple[Expression, ...] = (*parts[:place], *parts[place + 1 :])
        changed: Expression | None = None
        if isinstance(part, Between) and part.trait in ("age", "near"):
            bounds = words.catalogue().traits[part.trait]
            by = 5 if part.trait == "age" else max(part.high or 0, 1)
            low = None if part.low is None else max(bounds.low, part.low - by)
            high = None if part.high is None else min(bounds.high, part.high + by)
            changed = Between(part.trait, low, high)
        if isinstance(part, Is) and part.trait == "region" and all(len(str(v)) > 2 for v in part.values):
            around = tuple(dict.fromkeys(str(v)[: 5 if len(str(v)) == 10 else 2] for v in part.values))
            changed = Is("region", around)
        options: list[Expression | None] = [changed] if changed else []
        for new in [*options, None]:
            wide: tuple[Expression, ...] = (*parts[:place], new, *parts[place + 1 :]) if new else rest
            whole: Expression = All(wide) if len(wide) > 1 else wide[0] if wide else Everybody()
            tried.append(Wider(whole, part, new, count_in_twin(shop, whole)))
    return sorted((one for one in tried if one.people > people), key=lambda one: -one.people)[:3]


# The register


def releases() -> QuerySet[Release]:
    """Every publication made from real people, the newest first: the register that operators and owners may read."""
    return Release.objects.order_by("-at", "-id")


def question_of(shop: Shop, expression: Expression) -> str:
    """The name of a question about real people: the same for whatever means the same, and keyed, so that whoever reads the
    table cannot try definitions until one fits."""
    return digest(f"reach\n{shop.pk}\n{rules.to_json(rules.canonical(expression))}")


def digest(written: str) -> str:
    """A keyed hash of what is asked."""
    return hmac.new(f"dure.audiences{settings.SECRET_KEY}".encode(), written.encode(), hashlib.sha256).hexdigest()


def answered_today(shop: Shop, expression: Expression, *, at: datetime) -> Reach | None:
    """What the shop's owners were told today about an audience, if they asked: reading it again costs nothing."""
    day, question = at.astimezone(KST).date(), question_of(shop, expression)
    owners = owners_of(shop)
    asked = Asking.objects.filter(owner__in=owners, question=question, day=day).values("owner").distinct().count()
    known = Answer.objects.filter(question=question, day=day).first() if owners and asked == len(owners) else None
    if known is None:
        return None
    today, lately = questions_left(shop, at=at)
    said = known.noised
    return Reach(people=said if said >= SMALLEST else None, margin=noise.margin(), left_today=today, left=lately)


def budget() -> tuple[int, int, str]:
    """The policy in numbers: questions a day, questions in 90 days, and the epsilon of each answer."""
    return noise.A_DAY, noise.IN_90_DAYS, f"{noise.EPSILON:g}"


def questions_left(shop: Shop, *, at: datetime) -> tuple[int, int]:
    """How many new questions about real people the shop's owners have today, and in these 90 days."""
    day = at.astimezone(KST).date()
    today, lately = noise.A_DAY, noise.IN_90_DAYS
    for owner in owners_of(shop):
        asked = Asking.objects.filter(owner=owner, day__gt=day - timedelta(days=90)).aggregate(
            lately=Count("id"), today=Count("id", filter=Q(day=day))
        )
        today, lately = min(today, noise.A_DAY - asked["today"]), min(lately, noise.IN_90_DAYS - asked["lately"])
    return max(min(today, lately), 0), max(lately, 0)


def owners_of(shop: Shop) -> list[int]:
    """The ids of the persons whose privacy budget a question of this shop costs, in their order."""
    return sorted(Membership.objects.filter(shop=shop, role=Role.OWNER).values_list("person_id", flat=True))
