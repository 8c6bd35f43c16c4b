"""Korean names of places in Latin letters: the Revised Romanization of Korean (국립국어원, 2000).

Letters follow the sound inside a name (왕십리 Wangsimni, 신림 Sillim), save what the rule leaves unwritten: tense consonants
(낙성대 Nakseongdae) and ㅎ that melts into the consonant before it (묵호 Mukho). What kind of place it is stands behind a
hyphen, across which nothing changes: 삼죽면 Samjuk-myeon.
"""

import re

PROVINCES = {
    "서울특별시": "Seoul", "부산광역시": "Busan", "대구광역시": "Daegu", "인천광역시": "Incheon",
    "광주광역시": "Gwangju", "대전광역시": "Daejeon", "울산광역시": "Ulsan", "세종특별자치시": "Sejong",
    "경기도": "Gyeonggi-do", "강원특별자치도": "Gangwon State", "충청북도": "Chungcheongbuk-do",
    "충청남도": "Chungcheongnam-do", "전북특별자치도": "Jeonbuk State", "전라남도": "Jeollanam-do",
    "경상북도": "Gyeongsangbuk-do", "경상남도": "Gyeongsangnam-do", "제주특별자치도": "Jeju",
}  # fmt: skip
"""What the 시도 call themselves in English."""

_KINDS = {
    "도": "do", "시": "si", "군": "gun", "구": "gu", "읍": "eup", "면": "myeon", "리": "ri", "동": "dong",
}  # fmt: skip
_FIRST = ord("가")
_LEADS = [
    "g", "kk", "n", "d", "tt", "r", "m", "b", "pp", "s", "ss", "-", "j", "jj", "ch", "k", "t", "p", "h",
]  # fmt: skip
_VOWELS = [
    "a", "ae", "ya", "yae", "eo", "e", "yeo", "ye", "o", "wa", "wae", "oe", "yo", "u", "wo", "we", "wi", "yu", "eu",
    "ui", "i",
]  # fmt: skip
_SILENT, _I = _LEADS.index("-"), _VOWELS.index("i")
_CLOSED = [
    "", "k", "k", "k", "n", "n", "n", "t", "l", "k", "m", "l", "l", "l", "p", "l", "m", "p", "p", "t", "t", "ng", "t",
    "t", "k", "t", "p", "t",
]  # fmt: skip
"""Final consonants as they sound before a consonant and at the end."""
_LINKED = [
    "", "g", "kk", "ks", "n", "nj", "n", "d", "r", "lg", "lm", "lb", "ls", "lt", "lp", "r", "m", "b", "ps", "s", "ss",
    "ng", "j", "ch", "k", "t", "p", "",
]  # fmt: skip
"""Final consonants as they sound before a vowel."""
_SOFTENED = {"d": "j", "t": "ch", "lt": "lch"}
_NASAL = {"k": "ng", "t": "n", "p": "m"}


def romanised(name: str) -> str:
    """The name of a place in Latin letters, the smaller place before the larger: "수원시 장안구" is "Jangan-gu, Suwon-si",
    "성수1가1동" is "Seongsu 1-ga 1-dong". Numbers and dots stay; what is not written in Hangul stays as it is."""
    return ", ".join(map(_place, reversed(re.split(r"\s+(?!\d)", name.strip()))))


def _place(name: str) -> str:
    if name in PROVINCES:
        return PROVINCES[name]
    kind = _KINDS.get(name[-1:]) if len(name) > 1 else None
    written = ""
    for part in re.findall(r"[가-힣]+|\d+(?:·\d+)*|[^가-힣\d\s]+", name[:-1] if kind else name):
        if part == "가" and written[-1:].isdigit():
            written += "-ga"
        else:
            said = spelled(part).capitalize() if part[0] >= "가" else part
            written += f" {said}" if written[-1:].isalnum() and said[:1].isalnum() else said
    return f"{written}-{kind}" if kind else written


def spelled(word: str) -> str:
    """A word of Hangul syllables in Latin letters, by its sound: "독립문" is "dongnimmun"."""
    written, last = "", 0
    for letter in word:
        lead, rest = divmod(ord(letter) - _FIRST, len(_VOWELS) * len(_CLOSED))
        vowel, final = divmod(rest, len(_CLOSED))
        if lead == _SILENT:
            linked = _LINKED[last]
            written += _SOFTENED.get(linked, linked) if vowel == _I else linked
        else:
            written += _meeting(_CLOSED[last], _LEADS[lead])
        written += _VOWELS[vowel]
        last = final
    return written + _CLOSED[last]


def _meeting(final: str, lead: str) -> str:
    """A final consonant and the consonant after it, as they change each other."""
    if (lead == "r" and final in ("n", "l")) or (lead == "n" and final == "l"):
        return "ll"
    if lead == "r" and final:
        lead = "n"
    return (_NASAL.get(final, final) if lead in ("n", "m") else final) + lead
