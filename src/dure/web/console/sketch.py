"""What the builder of audiences shows: boxes of conditions, and the picture of who they reach, all drawn by the server."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from functools import cache
from typing import TYPE_CHECKING, Any

from django.http import QueryDict
from django.utils.html import escape, format_html_join
from django.utils.safestring import SafeString, mark_safe

from dure.audiences import queries
from dure.audiences.errors import BadDefinition, NoIndex
from dure.audiences.values import SMALLEST, Asks, TraitWords
from dure.kit.errors import DureError
from dure.kit.language import Text, reading, say
from dure.web.console import chips, korea

if TYPE_CHECKING:
    from dure.audiences.queries import Explored, Wider
    from dure.shops.models import Shop

BOX_WORDS = {
    "all": (say("이런 분", en="People who"), say("모두 맞아야 해요", en="fit all of these")),
    "any": (say("또는", en="Or"), say("이 가운데 하나라도 맞으면 돼요", en="and at least one of these")),
    "no": (say("빼기", en="Except"), say("하나라도 맞으면 빼요", en="whoever fits any of these")),
}
ORDER = (
    "region", "near", "age", "sex", "taste", "relation", "visited", "hours", "last_seen", "visits", "spend", "channel",
    "consent",
)  # fmt: skip
BEND = {"last_seen": 2, "spend": 2, "visits": 2, "near": 2}
"""Sliders whose left half is finer: the difference between 3 and 10 days says more than that between 300 and 307."""
SUBTITLES = {
    "region": say(
        "주소가 등록된 곳 (휴대폰 위치가 아니에요)", en="Where people are registered, never where a phone is"
    ),
    "near": say("등록된 동네가 우리 가게에서 이만큼 안", en="Registered this near to our shop"),
    "taste": say("취향을 쓰는 데 동의한 분 가운데서", en="Of people who agreed to it"),
    "visited": say("90일 동안 · 동의한 분 가운데서", en="In 90 days, of people who agreed to it"),
    "hours": say("90일 동안 · 동의한 분 가운데서", en="In 90 days, of people who agreed to it"),
    "last_seen": say("어느 가게든 마지막으로 간 날", en="The last visit to any shop"),
    "visits": say("90일 동안", en="In 90 days"),
    "spend": say("90일 동안", en="In 90 days"),
}
TITLES = {
    "near": say("우리 가게에서", en="Around our shop"),
    "last_seen": say("마지막 방문", en="Last visit"),
    "visits": say("방문 횟수", en="Visits"),
    "spend": say("쓴 돈", en="Spent"),
    "visited": say("가 본 가게", en="Kinds of shop visited"),
    "hours": say("가는 시간", en="Time of day"),
    "channel": say("소식을 받는 곳", en="Reachable by"),
    "consent": say("동의", en="Consents"),
    "relation": say("우리 가게와의 사이", en="Relation to our shop"),
    "taste": say("취향", en="Tastes"),
    "region": say("사는 곳", en="Where they live"),
    "sex": say("성별", en="Sex"),
    "age": say("나이", en="Age"),
}
UNITS = {
    "near": say("km", en="km"),
    "age": say("세", en="years"),
    "last_seen": say("일 전", en="days ago"),
    "visits": say("번", en="times"),
    "spend": say("천 원", en="thousand won"),
}


# The form


@dataclass(slots=True)
class Row:
    """One trait in one box, as the form asks it."""

    name: str
    trait: str
    title: Text
    subtitle: Text | str
    kind: str
    said: str
    choices: list[tuple[str, str, bool]] = field(default_factory=list)
    low: int = 0
    high: int = 0
    low_said: str = ""
    high_said: str = ""
    unit: Text | str = ""
    bend: int = 1
    every: bool = False


@dataclass(slots=True)
class Box:
    """The conditions of one box."""

    key: str
    title: Text
    subtitle: Text
    rows: list[Row]
    used: bool


def boxes(fields: chips.Typed) -> list[Box]:
    """The form, filled in with these fields."""
    traits = queries.catalogue().traits
    said = {(chip.box, chip.drop): chip.said for chip in chips.chips(fields)}
    found = []
    for key in chips.BOXES:
        shown = [name for name in ORDER if key == "all" or name not in chips.IN_FIRST_BOX]
        rows = [_row(key, traits[name], fields, said) for name in (*shown, *(n for n in traits if n not in ORDER))]
        title, subtitle = BOX_WORDS[key]
        found.append(Box(key, title, subtitle, rows, any(row.said for row in rows)))
    return found


def _row(box: str, words: TraitWords, fields: chips.Typed, said: dict[tuple[str, str], str]) -> Row:
    name = chips.named(box, words.name)
    row = Row(
        name,
        words.name,
        TITLES.get(words.name, words.title),
        SUBTITLES.get(words.name, ""),
        words.asks.value,
        said.get((box, name), ""),
    )
    if words.asks is Asks.RANGE:
        row.low, row.high, row.bend = words.low, words.high, BEND.get(words.name, 1)
        row.low_said, row.high_said = (fields.get(f"{name}_{end}", [""])[0] for end in ("from", "to"))
        row.unit = UNITS.get(words.name, words.unit)
    elif words.asks is Asks.WORDS:
        chosen = set(fields.get(name, ()))
        row.choices = [(value, chips.value_in_words(words, value), value in chosen) for value in words.words]
        row.every = bool(fields.get(chips.EVERY_TASTE))
    return row


@dataclass(slots=True)
class Place:
    """A place that may be ticked, and those within it where it is opened."""

    code: str
    name: str
    chosen: bool
    open: bool
    within: list[Place] = field(default_factory=list)


@dataclass(slots=True)
class Places:
    """The tree of places, what a name found, and what it could not find."""

    tree: list[Place]
    found: list[tuple[str, str]]
    find: str


FOUND_MAX = 12


def places(fields: chips.Typed, *, find: str) -> Places:
    """All 시도 and 시군구; the 읍면동 of those 시군구 that are chosen."""
    here, chosen = queries.places(), set(fields.get("region", ()))
    districts: dict[str, list[Place]] = {}
    for one in here.districts:
        is_open = any(code.startswith(one.code) for code in chosen)
        dongs = (
            [Place(dong.code, _own(dong.code), dong.code in chosen, False) for dong in here.within(one.code)]
            if is_open
            else []
        )
        place = Place(one.code, _own(one.code), one.code in chosen, is_open, dongs)
        districts.setdefault(one.parent, []).append(place)
    tree = [
        Place(
            one.code,
            str(queries.place_name(one.code).whole),
            one.code in chosen,
            any(code.startswith(one.code) for code in chosen),
            districts[one.code],
        )
        for one in here.provinces
    ]
    sought = "".join(find.split())[:20]
    hits = [code for code in queries.places_called(sought) if code not in chosen] if sought else []
    return Places(tree, [(code, str(queries.place_name(code).whole)) for code in hits[:FOUND_MAX]], sought)


def _own(code: str) -> str:
    return str(queries.place_name(code).own)


def beginnings(shop: Shop) -> list[tuple[Text, str]]:
    """Audiences to begin with, as the builder's query."""
    near = {"near_to": "3"} if queries.home_of(shop) else {}
    found: list[tuple[Text, dict[str, Any]]] = [
        (
            say("우리 동네 커피 좋아하는 20·30대", en="20 to 39, near us, like coffee"),
            {**near, "age_from": "20", "age_to": "39", "taste": ["coffee"]},
        ),
        (say("우리 동네 아이 키우는 집", en="Families with children near us"), {**near, "taste": ["baby", "child"]}),
        (
            say("점심에 나오는 직장인", en="Office workers at lunch"),
            {**near, "taste": ["office"], "hours": ["lunch"]},
        ),
        (
            say("요즘 자주 나오는 이웃", en="Neighbours who eat out often"),
            {**near, "relation": ["never"], "visits_from": "5", "last_seen_to": "14"},
        ),
        (
            say("45일 안 온 단골", en="Regulars away for 45 days"),
            {"relation": ["regular", "lapsed"], "last_seen_from": "45"},
        ),
        (say("도장이 거의 찬 친구", en="Friends close to a full card"), {"relation": ["near-reward"]}),
    ]
    return [(name, _encoded(fields)) for name, fields in found]


def _encoded(fields: dict[str, Any]) -> str:
    sent = QueryDict(mutable=True)
    for name, value in fields.items():
        sent.setlist(name, value if isinstance(value, list) else [value])
    return sent.urlencode()


def line(fields: chips.Typed) -> str:
    """The conditions in one line of text, to go on from; as typed where it cannot be read."""
    try:
        return queries.as_text(queries.read_document(chips.read(sent(fields)).document))
    except BadDefinition:
        return fields.get("line", [""])[0]


def sent(fields: chips.Typed) -> QueryDict:
    """Fields as a browser sends them."""
    found = QueryDict(mutable=True)
    for name, values in fields.items():
        found.setlist(name, values)
    return found


# Numbers in words


def about(people: int) -> str:
    """Three digits of a number of the twin, which is no better than that."""
    if people < SMALLEST:
        return str(say("{n}명이 안 돼요", en="under {n}", n=SMALLEST))
    unit = 10 ** max(len(str(people)) - 3, 0)
    rounded = (people + unit // 2) // unit * unit
    return str(say("약 {n}명", en="about {n}", n=in_words(rounded)))


def exactly(people: int) -> str:
    """Friends of the shop, who are its own to count."""
    return str(say("{n}명", en="{n}", n=f"{people:,}"))


def in_words(number: int) -> str:
    """ "1만 2,300" in Korean, "12,300" in English."""
    man, rest = divmod(number, 10_000)
    if not man:
        return f"{number:,}"
    korean = f"{man:,}만" + (f" {rest:,}" if rest else "")
    return str(say("{k}", en="{e}", k=korean, e=f"{number:,}"))


# The picture


@dataclass(slots=True)
class Picture:
    """Who an audience reaches. `state` is ready, building, wrong or friends."""

    state: str
    chips: list[chips.Chip]
    said: str = ""
    note: str = ""
    share: str = ""
    friends: int = 0
    is_small: bool = False
    problem: Text | str = ""
    problem_field: str = ""
    pyramid: list[dict[str, Any]] = field(default_factory=list)
    pyramid_height: int = 0
    pyramid_bars: str = ""
    districts: list[dict[str, Any]] = field(default_factory=list)
    wider: list[dict[str, str]] = field(default_factory=list)
    map: dict[str, Any] = field(default_factory=dict)


def picture(shop: Shop, fields: chips.Typed, *, at: datetime, view: str, whole: bool = True) -> Picture:
    """Everything that is shown of an audience; what cannot be read is said at its field."""
    told = chips.chips(fields)
    read = None
    try:
        read = chips.read(sent(fields))
        expression = queries.read_document(read.document)
        if queries.means_friends_alone(expression):
            people = queries.friends_meant(shop, expression, at=at)
            return Picture("friends", told, said=exactly(people), friends=people)
        seen = queries.explore(shop, expression)
        spread = queries.by_district(shop, expression) if whole else {}
    except BadDefinition as refusal:
        where = read.field_at(refusal.pointer) if read else "line"
        return Picture("wrong", told, problem=refusal.sentence, problem_field=where)
    except NoIndex as refusal:
        return Picture("building", told, problem=refusal.sentence)
    except DureError as refusal:
        return Picture("wrong", told, problem=refusal.sentence)
    made = Picture("ready", told, said=about(seen.people), is_small=seen.is_small)
    made.share = "" if seen.is_small else _share(seen.people, seen.of)
    made.friends = queries.friends_meant(shop, expression, at=at)
    if seen.people >= SMALLEST:
        made.pyramid, made.pyramid_height = _pyramid(seen)
        made.pyramid_bars = _bars(made.pyramid)
        made.districts = _districts(seen)
    made.wider = [_wider(one, seen.people) for one in seen.wider]
    if whole:
        made.map = _map(spread, set(fields.get("region", ())), view)
    return made


def _share(people: int, of: int) -> str:
    per_mille = 1000 * people // max(of, 1)
    if per_mille >= 10:
        return str(say("백 명 가운데 {n}명", en="{n} in a hundred", n=round(per_mille / 10)))
    one_in = of // max(people, 1)
    return str(say("{n}명 가운데 한 명", en="one in {n}", n=in_words(one_in))) if people else ""


BAR, STEP, MIDDLE, SIDE = 22, 30, 30, 150


def _pyramid(seen: Explored) -> tuple[list[dict[str, Any]], int]:
    """Bars of the bands, oldest on top; women to the left."""
    most = max([max(women, men) for _, women, men in seen.pyramid] + [1])
    rows = []
    for place, (low, women, men) in enumerate(reversed(seen.pyramid)):
        left, right = SIDE * women // most, SIDE * men // most
        rows.append(
            {
                "y": place * STEP + 2,
                "text_y": place * STEP + 2 + BAR - 6,
                "left": SIDE - left,
                "left_width": left,
                "right": SIDE + 2 * MIDDLE,
                "right_width": right,
                "band": say("{n}대", en="{n}s", n=low) if low else say("10세 미만", en="under 10"),
                "short": f"{low}+" if low >= 80 else f"{low}",
                "women": _rough(women),
                "men": _rough(men),
            }
        )
    return rows, len(rows) * STEP


def _bars(rows: list[dict[str, Any]]) -> SafeString:
    """The pyramid's bars as SVG, see `_circles`."""
    drawn = "".join(
        f'<rect class="f" x="{row["left"]}" y="{row["y"]}" width="{row["left_width"]}" height="{BAR}" rx="4"/>'
        f'<rect class="m" x="{row["right"]}" y="{row["y"]}" width="{row["right_width"]}" height="{BAR}" rx="4"/>'
        f'<text x="{SIDE + MIDDLE}" y="{row["text_y"]}" text-anchor="middle">{row["short"]}</text>'
        for row in rows
    )
    return mark_safe(drawn)  # noqa: S308 - numbers alone


def _rough(people: int) -> str:
    if people < SMALLEST:
        return str(say("{n}명 미만", en="under {n}", n=SMALLEST))
    unit = 10 ** max(len(str(people)) - 3, 0)
    return in_words((people + unit // 2) // unit * unit)


def _districts(seen: Explored) -> list[dict[str, Any]]:
    most = max((many for _, many in seen.districts), default=1)
    return [
        {
            "code": code,
            "name": queries.place_name(code).whole,
            "said": _rough(many),
            "width": max(1, 100 * many // most),
        }
        for code, many in seen.districts
        if many >= SMALLEST
    ]


def _wider(one: Wider, people: int) -> dict[str, str]:
    dropped = queries.as_document(one.dropped)["who"]
    changed = queries.as_document(one.changed)["who"] if one.changed else None
    said = _condition_in_words(dropped)
    what = (
        say("{what:으로/로} 넓히기", en="widen to {what}", what=_condition_in_words(changed))
        if changed
        else say("{what} 빼기", en="without {what}", what=said)
    )
    return {
        "what": str(what),
        "more": _rough(one.people - people),
        "query": chips.query(queries.as_document(one.expression)),
    }


def _condition_in_words(who: dict[str, Any]) -> str:
    if "trait" in who:
        title = TITLES.get(who["trait"]) or queries.catalogue().traits[who["trait"]].title
        return f"{title} {chips.in_words(who)}"
    return str(BOX_WORDS["no" if "not" in who else "any"][0])


def _map(spread: dict[str, int], chosen: set[str], view: str) -> dict[str, Any]:
    """Bubbles of 시군구, large ones first so that small ones lie on top; `view` is a 시도 to look into."""
    here = queries.places()
    view = view if view in {one.code for one in here.provinces} else ""
    shown = [one for one in here.districts if one.code.startswith(view)]
    points = _points()
    left, top, width, height = (
        _frame([points[one.code] for one in shown]) if view else (0, 0, korea.WIDTH, korea.HEIGHT)
    )
    names = _names(reading())
    most = max([spread.get(one.code, 0) for one in shown] + [1])
    letters = round(width * 0.034, 2)
    largest = width * (0.05 if view else 0.03)
    within = {code[: len(shown[0].code)] for code in chosen}
    bubbles = []
    for one in shown:
        people = spread.get(one.code, 0)
        x, y = points[one.code]
        picked = one.parent in chosen or one.code in within
        radius = round(max(largest * (people / most) ** 0.5, width * 0.004), 2)
        bubbles.append(
            {
                "code": one.code,
                "name": names[one.code],
                "x": x,
                "y": y,
                "r": radius,
                "label_y": round(y + radius + letters, 2),
                "people": people,
                "picked": picked,
            }
        )
    bubbles.sort(key=lambda bubble: -bubble["r"])
    if view:
        rows = [
            {"code": b["code"], "name": b["name"], "said": _rough(b["people"]), "picked": b["picked"], "look": False}
            for b in sorted(bubbles, key=lambda b: -b["people"])
        ]
    else:
        sums: dict[str, int] = {}
        for code, people in spread.items():
            sums[code[:2]] = sums.get(code[:2], 0) + people
        rows = [
            {"code": code, "name": names[code], "said": _rough(people), "picked": code in chosen, "look": True}
            for code, people in sorted(sums.items(), key=lambda pair: -pair[1])
        ]
    return {
        "view": view,
        "name": names[view] if view else say("전국", en="All of Korea"),
        "box": f"{left:g} {top:g} {width:g} {height:g}",
        "bubbles": bubbles,
        "circles": _circles(bubbles, letters if view else 0),
        "rows": rows,
        "views": _views(view, reading()),
        "width": korea.WIDTH,
        "height": korea.HEIGHT,
    }


@cache
def _points() -> dict[str, tuple[float, float]]:
    """Where each 시군구 lies on the map."""
    return {one.code: korea.point(one.lon, one.lat) for one in queries.places().districts}


@cache
def _names(language: str) -> dict[str, str]:
    """What each 시도 and 시군구 is called."""
    here = queries.places()
    return {one.code: queries.place_name(one.code).own.within(language) for one in (*here.provinces, *here.districts)}


@cache
def _views(view: str, language: str) -> SafeString:
    """The choice of what the map shows, with `view` chosen."""
    here = [("", say("전국", en="All of Korea"))]
    here += [(one.code, queries.place_name(one.code).whole) for one in queries.places().provinces]
    return format_html_join(
        "",
        '<option value="{}"{}>{}</option>',
        ((code, mark_safe(" selected") if code == view else "", name.within(language)) for code, name in here),
    )


@cache
def _titled(name: str) -> str:
    """A name as SVG says it. Names of places are some hundreds, and stay."""
    return f"<title>{escape(name)}</title>"


_PICKED = ' class="picked"'


def _circles(bubbles: list[dict[str, Any]], letters: float) -> SafeString:
    """The bubbles as SVG, with their names beside them where letters have a size. A template takes ten times as long for these
    hundreds of shapes, and the map is drawn anew whenever a slider rests."""
    drawn = "".join(
        f'<circle data-region="{b["code"]}"{_PICKED if b["picked"] else ""} cx="{b["x"]}" cy="{b["y"]}" r="{b["r"]}">'
        f"{_titled(b['name'])}</circle>"
        for b in bubbles
    )
    if letters:
        drawn += "".join(
            f'<text x="{x}" y="{y}" font-size="{letters}" text-anchor="middle">{escape(name)}</text>'
            for x, y, name in (_apart(bubbles, letters) if reading() != "ko" else _below(bubbles))
        )
    return mark_safe(drawn)  # noqa: S308 - numbers, codes of places and their escaped names


def _below(bubbles: list[dict[str, Any]]) -> list[tuple[float, float, str]]:
    """Each name below its bubble: its middle, its foot, itself."""
    return [(b["x"], b["label_y"], b["name"]) for b in bubbles]


LETTER_WIDTH = 0.6
"""Of a Latin letter, in heights of a line, on the wide side."""


def _apart(bubbles: list[dict[str, Any]], letters: float) -> list[tuple[float, float, str]]:
    """Names in Latin letters, longer than Hangul: the smallest place alone, below or above its bubble, where it covers no name
    of a bubble that is chosen or larger. What finds no room is said by its bubble's title and in the table."""
    placed: list[tuple[float, float, str]] = []
    for b in sorted(bubbles, key=lambda bubble: not bubble["picked"]):
        name = b["name"].partition(",")[0]
        for y in (b["label_y"], round(b["y"] - b["r"] - letters / 3, 2)):
            if not any(
                abs(b["x"] - x) < LETTER_WIDTH * letters * (len(name) + len(other)) / 2 and abs(y - foot) < letters
                for x, foot, other in placed
            ):
                placed.append((b["x"], y, name))
                break
    return placed


def _frame(points: list[tuple[float, float]]) -> tuple[float, float, float, float]:
    """What of the map shows all points with room around them, never narrower than a small city."""
    xs, ys = [x for x, _ in points], [y for _, y in points]
    size = max(max(xs) - min(xs), max(ys) - min(ys), 24) * 1.3
    middle_x, middle_y = (min(xs) + max(xs)) / 2, (min(ys) + max(ys)) / 2
    return round(middle_x - size / 2, 1), round(middle_y - size / 2, 1), round(size, 1), round(size, 1)
