"""QR stands for tables, typeset for the printer: a folding A4 stand, an A6 card for a holder, a sheet of stickers."""

import importlib.util
import io
import json
import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Literal

import segno
import typst

from dure.kit.errors import Invalid
from dure.kit.language import Text, say
from dure.shops.skin_packs import SkinPack, art

Size = Literal["a4", "a6", "sticker"]

_TEMPLATE = Path(__file__).with_name("stand.typ")
_FONT = "NanumGothic"
_FONT_CARRIER = "koreanize_matplotlib"
_QUIET_ZONE = 4
MAX_URL = 200

_WORDS = {
    "headline": say("휴대폰 카메라로 찍으면\n바로 주문해요", en="Point your camera,\norder right here"),
    "promise": say("앱도 로그인도 필요 없어요", en="No app, no login"),
    "title": say("테이블 QR", en="Table QR codes"),
    "code": say("주문 QR 코드", en="QR code for ordering"),
    "fold": say("점선을 따라 세 번 접어 세워 주세요", en="Fold along the three dashed lines and stand it up"),
    "glue": say("풀칠하는 곳", en="Glue here"),
}

_PAY_WORDS = {
    **_WORDS,
    "headline": say("휴대폰 카메라로 찍고\n바로 결제해요", en="Point your camera,\npay right here"),
    "title": say("결제 QR", en="Payment QR codes"),
    "code": say("결제 QR 코드", en="QR code for paying"),
}

_JOIN_WORDS = {
    **_WORDS,
    "headline": say("휴대폰 카메라로 찍고\n단골 친구가 되어 주세요", en="Point your camera,\nbecome our friend"),
    "promise": say("이름도 전화번호도 묻지 않아요", en="No name, no number"),
    "title": say("가게 채널 QR", en="QR code of the shop's channel"),
    "code": say("가게 채널 QR 코드", en="QR code of the shop's channel"),
}
SAYS: dict[str, dict[str, Text]] = {"order": _WORDS, "pay": _PAY_WORDS, "join": _JOIN_WORDS}


@dataclass(frozen=True, slots=True)
class StandTable:
    """A table's name as the shop calls it, and the address its code holds, letter for letter."""

    name: str
    url: str


class Unprintable(Invalid):
    sentence = say("인쇄할 수 없는 글자가 있어요.", en="There is a character that cannot be printed.")


class FontMissing(Exception):
    """The Korean font is not installed. Nothing is printed rather than boxes."""


def stand_sheet(
    *,
    shop_name: str,
    tables: Sequence[StandTable],
    pack: SkinPack,
    character: str,
    size: Size,
    language: str = "ko",
    pays: bool = False,
    joins: bool = False,
) -> bytes:
    """A PDF with one code per table (`a4`: the same code on both faces), in the pack's light colours. `pays`: the codes are for
    paying, `joins`: for becoming a friend, not for ordering.

    The words are large in `language` and small in the other one. The PDF keeps PDF/UA-1, so a screen reader can read
    it. Refuses with `Unprintable` a name with a glyph the font lacks, an address too long to scan, and no tables.
    """
    document = _document(
        shop_name, tables, pack, character, size, language, SAYS["join" if joins else "pay" if pays else "order"]
    )
    try:
        return _compiler(document).compile(format="pdf", pdf_standards="ua-1", timestamp=0)  # type: ignore[return-value]
    except typst.TypstError as error:
        # PDF/UA-1 forbids the empty box that a missing glyph would leave.
        if lacking := re.search(r"text `\"(.+)\"` could not be displayed", error.message, re.DOTALL):
            raise _cannot_print(lacking[1]) from None
        if "does not fit" in error.message:
            raise Unprintable(
                say(
                    "이름이 너무 길어서 인쇄할 자리가 없어요. 짧게 줄여 주세요.",
                    en="A name is too long for the space on paper. Please shorten it.",
                )
            ) from None
        raise


def stand_pictures(
    *,
    shop_name: str,
    tables: Sequence[StandTable],
    pack: SkinPack,
    character: str,
    size: Size,
    language: str = "ko",
    dots_per_inch: int = 96,
) -> list[bytes]:
    """The pages of the same document as PNG, for a preview. Refuses what `stand_sheet` refuses."""
    document = _document(shop_name, tables, pack, character, size, language, _WORDS)
    stand_sheet(shop_name=shop_name, tables=tables, pack=pack, character=character, size=size, language=language)
    pages = _compiler(document).compile(format="png", ppi=dots_per_inch)
    return [page for page in (pages if isinstance(pages, list) else [pages]) if page]


def qr_svg(url: str) -> str:
    """`url` as a QR code, level Q, black on white, with its quiet zone of four modules and nothing laid over it."""
    drawing = io.BytesIO()
    segno.make(url, error="q", micro=False, boost_error=False).save(
        drawing, kind="svg", border=_QUIET_ZONE, dark="#000", light="#fff", xmldecl=False, svgclass=None, lineclass=None
    )
    return drawing.getvalue().decode()


def _document(
    shop_name: str,
    tables: Sequence[StandTable],
    pack: SkinPack,
    character: str,
    size: Size,
    language: str,
    words: dict[str, Text],
) -> dict[str, object]:
    if not tables:
        raise Unprintable(say("인쇄할 테이블을 골라 주세요.", en="Please choose the tables to print."))
    if any(not _scannable(table.url) for table in tables):
        raise Unprintable(
            say(
                "QR 주소는 영어와 숫자로 {limit}자까지예요.",
                en="A code's address may have up to {limit} ASCII characters.",
                limit=MAX_URL,
            )
        )
    first, second = ("ko", "en") if language == "ko" else ("en", "ko")
    frame = pack.frame
    return {
        "size": size,
        "language": first,
        "shop": _printable(shop_name),
        "tables": [{"name": _printable(t.name), "url": t.url, "qr": qr_svg(t.url)} for t in tables],
        "words": {key: [text.within(first), text.within(second)] for key, text in words.items()},
        "art": {pose: art(pack, character, pose).decode() for pose in ("greet", "cook", "head")},
        "who": pack.characters[character].name.within(first),
        "colours": {
            name: getattr(pack.light, name) for name in ("surface", "text", "muted", "accent", "on_accent", "line")
        },
        "frame": {
            "svg": frame.svg.decode(),
            "width": frame.width,
            "height": frame.height,
            "x": frame.x,
            "y": frame.y,
            "size": frame.size,
        },
    }


def _scannable(url: str) -> bool:
    return 0 < len(url) <= MAX_URL and url.isascii() and url.isprintable()


def _printable(words: str) -> str:
    """Composed syllables (a Mac hands over loose jamo), single spaces and nothing invisible."""
    words = " ".join(unicodedata.normalize("NFC", words).split())
    for character in words:
        if not character.isprintable():
            raise _cannot_print(f"U+{ord(character):04X}")
    return words


def _cannot_print(text: str) -> Unprintable:
    return Unprintable(
        say(
            "{text} 글자는 인쇄할 수 없어요. 가게나 테이블 이름에서 빼 주세요.",
            en="{text} cannot be printed. Please take it out of the shop's or table's name.",
            text=text,
        )
    )


def _compiler(document: dict[str, object]) -> typst.Compiler:
    return typst.Compiler(
        input=str(_TEMPLATE),
        root=str(_TEMPLATE.parent),
        font_paths=_fonts(_FONT_CARRIER),
        sys_inputs={"stand": json.dumps(document, ensure_ascii=False), "font": _FONT},
    )


def korean_fonts() -> typst.Fonts:
    """The one font of all that Dure prints. Raises FontMissing."""
    return _fonts(_FONT_CARRIER)


@cache
def _fonts(package: str) -> typst.Fonts:
    # The package only carries the font files: importing it would want matplotlib.
    carrier = importlib.util.find_spec(package)
    if carrier is None or carrier.origin is None:
        raise FontMissing(f"{package}, which carries {_FONT}, is not installed")
    folder = Path(carrier.origin).with_name("fonts")
    fonts = typst.Fonts(include_system_fonts=False, include_embedded_fonts=False, font_paths=[str(folder)])
    if _FONT not in fonts.families():
        raise FontMissing(f"{folder} carries no {_FONT}")
    return fonts
