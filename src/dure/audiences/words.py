"""The traits that people may ask for, in words: the catalogue by which definitions are read and written."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path

from django.conf import settings

from dure.audiences.population import people, tastes
from dure.audiences.population.regions import Region, country, region
from dure.audiences.population.romanised import romanised
from dure.audiences.rules import Catalogue, squeezed
from dure.audiences.storage.tags import Tags
from dure.audiences.values import RELATIONS, Asks, TraitWords, Where
from dure.kit.language import Text, say

_SHORT = {
    "서울특별시": "서울", "부산광역시": "부산", "대구광역시": "대구", "인천광역시": "인천", "광주광역시": "광주",
    "대전광역시": "대전", "울산광역시": "울산", "세종특별자치시": "세종", "경기도": "경기", "강원특별자치도": "강원",
    "충청북도": "충북", "충청남도": "충남", "전북특별자치도": "전북", "전라남도": "전남", "경상북도": "경북",
    "경상남도": "경남", "제주특별자치도": "제주",
}  # fmt: skip

SEXES = {"f": say("여성", en="women"), "m": say("남성", en="men")}
VISITED = {
    "korean": say("한식", en="Korean"), "chinese": say("중식", en="Chinese"), "japanese": say("일식", en="Japanese"),
    "western": say("양식", en="Western"), "snacks": say("분식", en="Snacks"), "chicken": say("치킨", en="Chicken"),
    "cafe": say("카페", en="Café"), "bakery": say("베이커리", en="Bakery"), "bar": say("주점", en="Bar"),
    "market": say("시장·마트", en="Market"),
}  # fmt: skip
HOURS = {
    "morning": say("아침", en="morning"), "lunch": say("점심", en="lunch"), "afternoon": say("오후", en="afternoon"),
    "dinner": say("저녁", en="dinner"), "night": say("밤", en="night"),
}  # fmt: skip
CHANNELS = {
    "inbox": say("알림함", en="inbox"), "kakao": say("카카오톡", en="KakaoTalk"), "text": say("문자", en="text message"),
    "push": say("푸시", en="push"), "email": say("이메일", en="e-mail"),
}  # fmt: skip
CONSENTS = {
    "marketing": say("광고", en="advertising"), "night": say("야간광고", en="advertising at night"),
    "network": say("이웃가게광고", en="advertising of the network"), "personal": say("맞춤혜택", en="offers to taste"),
}  # fmt: skip
_SETS: Mapping[str, tuple[Text, Mapping[str, Text]]] = {
    "sex": (say("성별", en="sex"), SEXES),
    "visited": (say("가본업종", en="shops-visited"), VISITED),
    "hours": (say("시간대", en="time-of-day"), HOURS),
    "channel": (say("받는곳", en="reachable-by"), CHANNELS),
    "consent": (say("동의", en="consents"), CONSENTS),
}
_RANGES: Mapping[str, tuple[Text, Text]] = {
    "age": (say("나이", en="age"), say("세", en="years")),
    "last_seen": (say("최근방문", en="last-seen"), say("일 전", en="days ago")),
    "visits": (say("방문횟수", en="visits-in-90-days"), say("번", en="visits")),
    "spend": (say("쓴금액", en="spend-in-90-days"), say("천 원", en="thousand won")),
}


def tags() -> Tags:
    """The traits that operators added."""
    return _tags(settings.HOME)


@cache
def _tags(home: Path) -> Tags:
    return Tags(Path(home) / "audiences" / "tags")


def catalogue() -> Catalogue:
    """Everything that may be asked today."""
    added = tags()
    return _catalogue(added.stamp)


@lru_cache(maxsize=2)
def _catalogue(stamp: str) -> Catalogue:
    bounds = {trait.name: trait for trait in people.SCHEMA}
    found: dict[str, TraitWords] = {
        "region": TraitWords("region", say("지역", en="region"), Asks.REGION),
        "near": TraitWords(
            "near", say("가게반경", en="around"), Asks.RANGE, Where.MAP, low=1, high=50, unit=say("km", en="km")
        ),
    }
    for name, (title, unit) in _RANGES.items():
        found[name] = TraitWords(name, title, Asks.RANGE, low=bounds[name].low, high=bounds[name].high, unit=unit)
    found["taste"] = TraitWords(
        "taste",
        say("취향", en="tastes"),
        Asks.WORDS,
        words={taste.key: say(taste.ko, en=taste.en) for taste in tastes.TASTES},
        needs_taste=True,
    )
    for name, (title, words) in _SETS.items():
        found[name] = TraitWords(name, title, Asks.WORDS, words=words, needs_taste=name in ("visited", "hours"))
    alive = {tag.name: say(tag.ko, en=tag.en) for tag in tags().all() if tag.live} if stamp else {}
    if alive:
        found["tag"] = TraitWords("tag", say("꼬리표", en="tag"), Asks.WORDS, words=alive)
    found["relation"] = TraitWords("relation", say("관계", en="relation"), Asks.WORDS, Where.SHOP, words=RELATIONS)
    return Catalogue(found, region_code, region_name)


@dataclass(frozen=True, slots=True)
class PlaceName:
    """How a place is called: by itself ("수원시 장안구", "Jangan-gu, Suwon-si"), as a line of text writes it with what it lies
    in ("경기-수원시장안구", "Gyeonggi-do-Suwon-si-Jangan-gu"), and as people read that, with and without its 시도."""

    own: Text
    line: Text
    whole: Text
    local: Text


@cache
def place_name(code: str) -> PlaceName:
    """The names of a place. KeyError where there is none."""
    here = region(code)
    parts = [romanised(part) for part in here.name.split()]
    own = say(here.name, en=", ".join(reversed(parts)))
    short = say(_SHORT.get(here.name, squeezed(here.name)), en=own.en)
    written = squeezed("-".join(parts))
    if not here.parent:
        return PlaceName(own, say(short.ko, en=written), short, short)
    around = place_name(here.parent)
    line = say(f"{around.line.ko}-{short.ko}", en=f"{around.line.en}-{written}")
    whole = say(f"{around.whole.ko} {short.ko}", en=f"{own.en}, {around.whole.en}")
    is_district = len(code) == 5
    local = short if is_district else say(f"{around.local.ko} {short.ko}", en=f"{own.en}, {around.local.en}")
    return PlaceName(own, line, whole, local)


def region_name(code: str) -> Text | None:
    """`서울-마포구-망원1동`, `Seoul-Mapo-gu-Mangwon1-dong`: how a region is written in a line of text. None for a code that is
    no region's."""
    return place_name(code).line if code in _regions() else None


def region_code(written: str) -> str | None:
    """The code of a region written so in either language, or of a code."""
    if written in _regions():
        return written
    return _codes().get(written) or _codes_in_english().get(written.casefold())


@cache
def _regions() -> dict[str, Region]:
    here = country()
    return {one.code: one for one in (*here.provinces, *here.districts, *here.dongs)}


@cache
def _codes() -> dict[str, str]:
    codes = {place_name(code).line.ko: code for code in _regions()}
    for code in _regions():
        if len(code) == 5:
            codes.setdefault(place_name(code).line.ko.partition("-")[2], code)
    return codes


@cache
def _codes_in_english() -> dict[str, str]:
    codes = {place_name(code).line.en.casefold(): code for code in _regions()}
    for code in _regions():
        if len(code) == 5:
            around = place_name(code[:2]).line.en
            codes.setdefault(place_name(code).line.en.removeprefix(f"{around}-").casefold(), code)
    return codes


def places_called(sought: str) -> list[str]:
    """The codes of the 시군구, then of the 읍면동, whose own name contains these letters: in Hangul, or in English, where
    neither case nor spaces, hyphens and commas matter."""
    folded = _folded(sought)
    return [code for code, name, english in _sought_names() if sought in name or (folded and folded in english)]


@cache
def _sought_names() -> list[tuple[str, str, str]]:
    here = country()
    found = []
    for one in (*here.districts, *here.dongs):
        name, around = place_name(one.code), place_name(one.parent)
        # Larger before smaller, too, as the line of text has it.
        turned = name.line.en.removeprefix(around.line.en)
        found.append((one.code, one.name, f"{_folded(name.own.en)} {_folded(turned)}"))
    return found


def _folded(text: str) -> str:
    return re.sub(r"[\s,-]", "", text.casefold())


def district_name(written: str) -> Text:
    """The district that a shop names as its own, "서울 마포구 망원동", in both languages; as it is written where we know no
    such place."""
    if home_of(written) is None:
        return say(written, en=written)
    first, _, rest = written.partition(" ")
    long = next((long for long, short in _SHORT.items() if short == first), first)
    return say(written, en=romanised(f"{long} {rest}"))


@cache
def home_of(district: str) -> Region | None:
    """The 읍면동 (or 시군구) that a shop's district names, like "서울 마포구 망원동"; a 법정동 finds its first 행정동."""
    words = district.split()
    for start in range(min(3, len(words))):
        for end in range(len(words), start + 1, -1):
            head, last = words[start : end - 1], words[end - 1]
            province = _SHORT.get(head[0], head[0]) if head else ""
            inside = _codes().get("-".join(filter(None, [province, squeezed("".join(head[1:]))])))
            if inside is None or len(inside) != 5:
                continue
            stem = last.rstrip("동읍면") or last
            for dong in country().within(inside):
                if dong.name == last or dong.name.startswith(stem):
                    return dong
            return region(inside)
    whole = region_code("-".join([_SHORT.get(words[0], words[0]), squeezed("".join(words[1:]))])) if words else None
    return region(whole) if whole else None
