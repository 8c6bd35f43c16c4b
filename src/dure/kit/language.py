"""Korean and English side by side: a text that lacks its English cannot be written.

`say("주문이 없어요", en="No orders yet")` becomes a string in the reader's language when it is shown. Placeholders are
`{name}`; a particle that depends on the word before it is written `{name:을/를}` (with the final consonant, without it).
"""

import unicodedata
from collections.abc import Mapping
from string import Formatter
from typing import TYPE_CHECKING, Any, Self

from django.utils.functional import lazy
from django.utils.translation import get_language

LANGUAGES = ("ko", "en")


def reading() -> str:
    """The language in which the reader reads now: "ko", "en"."""
    return (get_language() or "ko").partition("-")[0]


def josa(word: str, pair: str) -> str:
    """The particle of `pair` ("을/를", "은/는", "으로/로") that fits `word`, by its last syllable or digit."""
    closed, open_ = pair.split("/")
    last = word.rstrip(".!?)\"' ")[-1:]
    if "가" <= last <= "힣":
        final = (ord(last) - ord("가")) % 28
    elif last.isdigit():
        final = {"0": 16, "1": 8, "3": 16, "6": 1, "7": 8, "8": 8}.get(last, 0)
    else:
        final = 1 if last.lower() in "lmnr" and last else 0
    if closed == "으로" and final == 8:
        return open_
    return closed if final else open_


class _Korean(Formatter):
    def format_field(self, value: Any, format_spec: str) -> str:
        if "/" in format_spec:
            return f"{value}{josa(str(value), format_spec)}"
        return str(super().format_field(value, format_spec))


_KOREAN = _Korean()


# Django takes a lazy string wherever it takes a string: to the type checker a text is one.
if TYPE_CHECKING:
    Lazy = str
else:
    Lazy = object


class Text(Lazy):
    """A sentence in every language of the house; `str()` gives the reader's."""

    if TYPE_CHECKING:

        def __new__(cls, ko: str, en: str, values: Mapping[str, object]) -> Self: ...

    def __init__(self, ko: str, en: str, values: Mapping[str, object]) -> None:
        self.ko, self.en, self.values = ko, en, values

    def within(self, language: str) -> str:
        """The sentence in `language` ("ko" or "en"; anything else reads English)."""
        template = self.ko if language == "ko" else self.en
        if not self.values:
            return template
        return _KOREAN.vformat(template, (), self.values)

    def given(self, **values: object) -> "Text":
        """The same sentence with these values in it."""
        return Text(self.ko, self.en, {**self.values, **values})

    def __str__(self) -> str:
        return self.within(reading())

    def __repr__(self) -> str:
        return f"say({self.ko!r}, en={self.en!r})"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Text) and (self.ko, self.en, self.values) == (other.ko, other.en, other.values)

    def __hash__(self) -> int:
        return hash((self.ko, self.en))


def say(ko: str, /, *, en: str, **values: object) -> Text:
    """A sentence for people: Korean first, English complete."""
    return Text(ko, en, values)


later = lazy(str, str)
"""A text for code that insists on a string: read when it is shown. (Django's `lazystr` makes a new class at each call, which
takes milliseconds.)"""


def pick(words: Mapping[str, str]) -> str:
    """The reader's language of a text that an owner wrote, `{"ko": …, "en": …}`; Korean where the other is missing."""
    return words.get(reading()) or words.get("ko") or next(iter(words.values()), "")


# Letters that look like nothing (fillers of Hangul, the empty Braille cell): a name made of them would be invisible.
_BLANK = frozenset("\u115f\u1160\u3164\uffa0\u2800\u034f")
_JOINER = "\u200d"


def clean(text: str) -> str:
    """What a person wrote, fit to be kept and shown: composed (NFC), on one line, with single spaces, and without
    control, direction, surrogate, private and invisible characters (the joiner inside an emoji stays)."""
    kept = "".join(" " if c.isspace() else c for c in text if c.isspace() or c == _JOINER or _shows(c))
    return unicodedata.normalize("NFC", " ".join(kept.split())).strip(_JOINER + " ")


def _shows(letter: str) -> bool:
    hidden = unicodedata.category(letter) in ("Cc", "Cf", "Cs", "Co") or letter in _BLANK
    return not hidden and ord(letter) & 0xFFFE != 0xFFFE
