import io
import unicodedata
from functools import cache

import pytest
import segno
import zxingcpp
from PIL import Image

from dure.shops import stands
from dure.shops.skin_packs import UnknownSkin, pack
from dure.shops.stands import FontMissing, Size, StandTable, Unprintable, qr_svg, stand_pictures, stand_sheet

DPI = 144
CODES_PER_TABLE = {"a4": 2, "a6": 1, "sticker": 1}
SKINS = [("dure", "banga"), ("dure", "dubi"), ("market", "danji")]
SHORT = "HTTPS://X.KR/K7F3Q/{n}"
LONG = "https://dure.example/t/{n:0>16}?table=long&language=ko"


def tables(count: int, url: str = "https://dure.example/t/K7F3Q{n:0>11}") -> tuple[StandTable, ...]:
    return tuple(StandTable(f"{n}번 테이블", url.format(n=n)) for n in range(1, count + 1))


@cache
def pages(
    size: Size, skin: str, character: str, wanted: tuple[StandTable, ...], language: str = "ko"
) -> list[Image.Image]:
    pictures = stand_pictures(
        shop_name="할매 손칼국수",
        tables=wanted,
        pack=pack(skin),
        character=character,
        size=size,
        language=language,
        dots_per_inch=DPI,
    )
    return [Image.open(io.BytesIO(picture)).convert("L") for picture in pictures]


def codes_on(page: Image.Image) -> list[str]:
    return [code.text for code in zxingcpp.read_barcodes(page)]


def width_mm(code: zxingcpp.Barcode) -> float:
    left, right = code.position.top_left, code.position.top_right
    return float(((left.x - right.x) ** 2 + (left.y - right.y) ** 2) ** 0.5) / DPI * 25.4


@pytest.mark.parametrize("scale", [1.0, 0.6])
@pytest.mark.parametrize("url", [SHORT, LONG])
@pytest.mark.parametrize("size", ["a4", "a6", "sticker"])
@pytest.mark.parametrize(("skin", "character"), SKINS)
def test_every_printed_code_is_read_back(size: Size, skin: str, character: str, url: str, scale: float) -> None:
    wanted = tables(11 if size == "sticker" else 3, url)
    found = [
        text
        for page in pages(size, skin, character, wanted)
        for text in codes_on(
            page.resize((round(page.width * scale), round(page.height * scale)), Image.Resampling.LANCZOS)
        )
    ]
    assert sorted(found) == sorted(table.url for table in wanted for _ in range(CODES_PER_TABLE[size]))


@pytest.mark.parametrize("size", ["a4", "a6", "sticker"])
@pytest.mark.parametrize(("skin", "character"), SKINS)
def test_a_code_is_at_least_25_mm_wide_at_level_q(size: Size, skin: str, character: str) -> None:
    found = [
        code
        for url in (SHORT, LONG)
        for page in pages(size, skin, character, tables(3, url))
        for code in zxingcpp.read_barcodes(page)
    ]
    assert len(found) == 2 * 3 * CODES_PER_TABLE[size]
    assert {code.ec_level for code in found} == {"Q"}
    assert min(map(width_mm, found)) >= 25


@pytest.mark.parametrize("size", ["a4", "a6", "sticker"])
@pytest.mark.parametrize(("skin", "character"), SKINS)
def test_nothing_but_white_lies_in_the_four_modules_round_a_code(size: Size, skin: str, character: str) -> None:
    page = pages(size, skin, character, tables(1))[0]
    for code in zxingcpp.read_barcodes(page):
        corners = [
            code.position.top_left,
            code.position.top_right,
            code.position.bottom_left,
            code.position.bottom_right,
        ]
        left, right = min(c.x for c in corners), max(c.x for c in corners)
        top, bottom = min(c.y for c in corners), max(c.y for c in corners)
        module = (right - left) / segno.make(code.text, error="q", micro=False, boost_error=False).symbol_size(
            border=0
        )[0]
        near, far = 2, round(4 * module) - 2
        ring = [
            page.crop((left - far, top - far, right + far, top - near)),
            page.crop((left - far, bottom + near, right + far, bottom + far)),
            page.crop((left - far, top - far, left - near, bottom + far)),
            page.crop((right + near, top - far, right + far, bottom + far)),
        ]
        assert [part.getextrema()[0] for part in ring] == [255, 255, 255, 255]


def test_an_upper_case_short_address_makes_bigger_modules() -> None:
    def modules(url: str) -> int:
        side = qr_svg(url).partition('width="')[2].partition('"')[0]
        return int(side) - 2 * 4

    assert (modules("HTTPS://X.KR/K7F3Q/12"), modules("https://x.kr/K7F3Q/12")) == (25, 29)


@pytest.mark.parametrize(
    ("size", "count", "leaves"), [("a4", 3, 3), ("a6", 3, 3), ("sticker", 9, 1), ("sticker", 10, 2), ("sticker", 19, 3)]
)
def test_a_table_gets_its_own_leaf_and_nine_stickers_share_one(size: Size, count: int, leaves: int) -> None:
    assert len(pages(size, "dure", "dubi", tables(count))) == leaves


def test_the_pdf_is_the_same_for_the_same_tables_and_small() -> None:
    def once() -> bytes:
        return stand_sheet(shop_name="두레", tables=tables(9), pack=pack("dure"), character="banga", size="sticker")

    assert once() == once()
    assert once().startswith(b"%PDF-")
    assert len(once()) < 100_000


def test_the_two_languages_give_two_sheets() -> None:
    assert (
        pages("a6", "dure", "banga", tables(1), "ko")[0].tobytes()
        != pages("a6", "dure", "banga", tables(1), "en")[0].tobytes()
    )


@pytest.mark.parametrize("words", ["두레 🍜 국수", "ร้านอาหาร", "두레\u0007", "두\0레", "두레\ud800", "두\u200d레"])
def test_a_glyph_the_font_lacks_is_refused_instead_of_printed_as_a_box(words: str) -> None:
    for shop, table in ((words, "1번"), ("두레", words)):
        with pytest.raises(Unprintable):
            stand_sheet(
                shop_name=shop,
                tables=[StandTable(table, SHORT.format(n=1))],
                pack=pack("dure"),
                character="banga",
                size="a6",
            )


def test_a_refused_glyph_is_shown_to_the_person() -> None:
    with pytest.raises(Unprintable) as refused:
        stand_sheet(shop_name="두레 🍜", tables=tables(1), pack=pack("dure"), character="banga", size="a4")
    assert refused.value.sentence.within("ko").startswith("🍜 글자는 인쇄할 수 없어요.")


def test_every_modern_syllable_has_its_glyph() -> None:
    syllables = "".join(map(chr, range(ord("가"), ord("힣") + 1)))
    per_name = 40
    wanted = [StandTable(syllables[at : at + per_name], SHORT.format(n=1)) for at in range(0, len(syllables), per_name)]
    assert stand_sheet(shop_name="두레", tables=wanted, pack=pack("dure"), character="banga", size="a4")


def test_loose_jamo_from_a_mac_are_composed() -> None:
    def page(name: str) -> bytes:
        return pages("a6", "dure", "banga", (StandTable(name, SHORT.format(n=1)),))[0].tobytes()

    loose = unicodedata.normalize("NFD", "창가 자리")
    assert loose != "창가 자리"
    assert page(loose) == page("창가 자리")


def test_long_names_shrink_and_only_hopeless_ones_are_refused() -> None:
    def sheet(name: str) -> bytes:
        return stand_sheet(
            shop_name=name, tables=tables(1), pack=pack("market"), character="danji", size="sticker", language="en"
        )

    assert sheet("연남동 두꺼비네 가마솥 국밥과 바지락 손칼국수 본점")
    assert sheet("김" * 40)
    with pytest.raises(Unprintable) as refused:
        sheet("김" * 400)
    assert refused.value.sentence.within("en").startswith("A name is too long")


@pytest.mark.parametrize(
    "url", ["", "https://dure.example/" + "x" * 200, "https://두레.example/", "https://dure.example/\0"]
)
def test_an_address_no_phone_could_scan_is_refused(url: str) -> None:
    with pytest.raises(Unprintable):
        stand_sheet(shop_name="두레", tables=[StandTable("1", url)], pack=pack("dure"), character="banga", size="a6")


def test_no_tables_no_sheet() -> None:
    with pytest.raises(Unprintable):
        stand_sheet(shop_name="두레", tables=[], pack=pack("dure"), character="banga", size="a6")


def test_an_unknown_character_is_refused() -> None:
    with pytest.raises(UnknownSkin):
        stand_sheet(shop_name="두레", tables=tables(1), pack=pack("dure"), character="danji", size="a6")


@pytest.mark.parametrize("carrier", ["no_such_package", "json"])
def test_without_the_font_nothing_is_printed(carrier: str) -> None:
    with pytest.raises(FontMissing):
        stands._fonts(carrier)
