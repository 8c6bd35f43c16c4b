"""A menu comes in from a spreadsheet and goes out into one."""

import csv
import io
import zipfile
from dataclasses import replace
from typing import Any

import openpyxl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dure.kit.language import clean
from dure.menu import errors, queries, rules
from dure.menu.engine import sheet
from dure.menu.values import Allergen, GroupDraft, ItemDraft, MenuDraft, OptionDraft

HEADING = "분류,메뉴,가격,알레르기,인기,옵션 그룹,최소,최대,옵션,옵션 가격"
DANGEROUS = ("=", "+", "-", "@", "\t", "\r", "＝", "＋", "－", "＠")


def read(text: str, encoding: str = "utf-8") -> MenuDraft:
    return queries.read_menu_file(text.encode(encoding))


def faults(text: str) -> list[tuple[int, str]]:
    return [(fault.row, fault.column) for fault in read(f"{HEADING}\n{text}").faults]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp949", "utf-16"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize("ending", ["\n", "\r\n"])
def test_a_csv_is_read_in_every_way_that_spreadsheets_write_it(encoding: str, delimiter: str, ending: str) -> None:
    text = ending.join(["분류,메뉴,가격", "국수,비빔국수,9000"]).replace(",", delimiter)
    (item,) = read(text, encoding).items
    assert (item.section, item.name, item.price) == ({"ko": "국수"}, {"ko": "비빔국수"}, 9_000)


def test_headings_may_be_english_and_in_any_order() -> None:
    (item,) = read("Price,Item (English), item ,SECTION\n9000,Noodles,국수,면류").items
    assert (item.name, item.price) == ({"ko": "국수", "en": "Noodles"}, 9_000)


@pytest.mark.parametrize("price", ["9000", "9,000", "9,000원", "₩9000", " 9000 ", "9000.0"])
def test_a_price_is_read_however_it_is_written(price: str) -> None:
    assert rules.read_won(price) == 9_000


@pytest.mark.parametrize("price", ["", "공짜", "9000.5", "1e3", "९०००", "9" * 30, "--5", "0x10"])
def test_what_is_no_price_is_none(price: str) -> None:
    assert rules.read_won(price) is None


def test_options_follow_their_item_row_by_row() -> None:
    text = "국수,비빔국수,9000,,,맵기,1,1,보통,\n,,,,,,,,맵게,500\n,,,,,더하기,,2,면,2000\n국수,잔치국수,8000"
    spicy, plain = read(f"{HEADING}\n{text}").items
    assert [(group.name["ko"], group.least, group.most) for group in spicy.groups] == [("맵기", 1, 1), ("더하기", 0, 2)]
    assert [option.price for option in spicy.groups[0].options] == [0, 500]
    assert plain.groups == ()


def test_allergens_are_read_by_the_names_that_people_use() -> None:
    (item,) = read("분류,메뉴,가격,알레르기\n면,국수,1,소고기·계란/ wheat ;굴").items
    assert item.allergens == (Allergen.EGG, Allergen.WHEAT, Allergen.SHELLFISH, Allergen.BEEF)


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        ("국수,,9000", [(2, "메뉴")]),
        (",국수,9000", [(2, "분류")]),
        ("국수,국수,", [(2, "가격")]),
        ("국수,국수,-1", [(2, "가격")]),
        ("국수,국수,10000001", [(2, "가격")]),
        ("국수,국수,9천원", [(2, "가격")]),
        (f"국수,{'국' * 61},9000", [(2, "메뉴")]),
        ("국수,국수,x,,,덜기,1,1,반만,-500", [(2, "가격")]),
        ("국수,국수,9000,모래", [(2, "알레르기")]),
        ("국수,국수,9000,,아마도", [(2, "인기")]),
        ("국수,국수,9000,,,,,,맵게", [(2, "옵션 그룹")]),
        ("국수,국수,9000,,,맵기,1,1,,500", [(2, "옵션")]),
        ("국수,국수,9000,,,맵기,1,1,보통,비싸요", [(2, "옵션 가격")]),
        ("국수,국수,9000,,,맵기,둘,1,보통", [(2, "최소")]),
        ("국수,국수,9000,,,맵기,2,1,보통", [(2, "최소")]),
        ("국수,국수,9000,,,맵기,2,2,보통", [(2, "최소")]),
        ("국수,국수,1000,,,덜기,1,1,반만,-1001", [(2, "옵션 가격")]),
        (",,,,,맵기,1,1,보통", [(2, "메뉴")]),
        ("국수,국수,9000\n국수,국수,9000", [(3, "메뉴")]),
        ("국수,국수,9000\n\n국수,,1\n국수,면,x", [(4, "메뉴"), (5, "가격")]),
        ("국수,,,모래,아마도", [(2, "메뉴"), (2, "가격"), (2, "알레르기"), (2, "인기")]),
        ("", [(2, "메뉴")]),
    ],
)
def test_every_fault_is_named_by_its_row_and_column(row: str, expected: list[tuple[int, str]]) -> None:
    assert sorted(faults(row)) == sorted(expected)


@pytest.mark.parametrize(
    ("heading", "column"),
    [("분류,메뉴", "가격"), ("분류,메뉴,가격,가격", "가격"), ("분류,메뉴,가격,비고", "비고"), ("", "메뉴")],
)
def test_a_heading_that_is_missing_twice_or_unknown_is_named(heading: str, column: str) -> None:
    assert (1, column) in [(fault.row, fault.column) for fault in read(f"{heading}\n국수,국수,1,2").faults]


def test_a_fault_says_what_to_do_in_both_languages() -> None:
    (fault,) = read("분류,메뉴,가격,알레르기\n면,국수,1,모래").faults
    assert fault.sentence.within("ko") == "모래는 모르는 알레르기예요. 예: 밀, 대두, 우유"
    assert fault.sentence.within("en") == "We don't know the allergen 모래. For example: wheat, soy, milk"


def workbook(*rows: list[Any]) -> bytes:
    book = openpyxl.Workbook()
    for row in rows:
        book.active.append(row)
    packed = io.BytesIO()
    book.save(packed)
    return packed.getvalue()


def test_an_xlsx_is_read_with_its_numbers() -> None:
    content = workbook(["분류", "메뉴", "가격", "인기"], ["국수", "비빔국수", 9000.0, True], [None, None, None, None])
    (item,) = queries.read_menu_file(content).items
    assert (item.price, item.popular) == (9_000, True)


def repacked(content: bytes, name: str, part: bytes) -> bytes:
    """The workbook with one part replaced."""
    packed = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as before, zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as after:
        for info in before.infolist():
            after.writestr(info.filename, part if info.filename == name else before.read(info))
    return packed.getvalue()


SHEET = "xl/worksheets/sheet1.xml"
GOOD = workbook(["분류", "메뉴", "가격"], ["국수", "비빔국수", 9000])


def bombs() -> dict[str, bytes]:
    many = io.BytesIO()
    with zipfile.ZipFile(many, "w") as packed:
        for number in range(101):
            packed.writestr(f"{number}.xml", b"")
    entities = b'<?xml version="1.0"?><!DOCTYPE a [<!ENTITY b "bbbb">]><a>&b;</a>'
    return {
        "200 MB of zeros": repacked(GOOD, SHEET, b"\x00" * 200_000_000),
        "many parts": many.getvalue(),
        "entities": repacked(GOOD, SHEET, entities),
        "no sheet": repacked(GOOD, "xl/workbook.xml", b"<workbook/>"),
        "broken xml": repacked(GOOD, SHEET, b"<worksheet><sheetData><row>"),
        "cut off": GOOD[: len(GOOD) // 2],
        "only a beginning": b"PK\x03\x04",
        "too many bytes": b"a" * (sheet.BYTES_MAX + 1),
        "too many rows": b"a\n" * (sheet.ROWS_MAX + 1),
        "a long cell": b"a" * (sheet.CELL_MAX + 1),
        "a picture": b"\x89PNG\r\n\x1a\n" + bytes(range(256)),
        "NUL": "분류,메뉴,가격\n국수,국\x00수,9000".encode(),
        "no encoding": b"\xff\xff\xff",
    }


BOMBS = bombs()


@pytest.mark.parametrize("name", BOMBS)
def test_a_file_that_cannot_be_a_menu_is_refused(name: str) -> None:
    with pytest.raises(errors.MenuFileUnreadable):
        queries.read_menu_file(BOMBS[name])


def test_the_workbook_that_the_bombs_were_made_from_is_read() -> None:
    assert queries.read_menu_file(repacked(GOOD, "none", b"")).faults == ()


def test_a_row_far_below_does_not_make_a_million_rows() -> None:
    far = b'<row r="1048576"><c r="A1048576" t="inlineStr"><is><t>x</t></is></c></row></sheetData>'
    with zipfile.ZipFile(io.BytesIO(GOOD)) as packed:
        part = packed.read(SHEET).replace(b"</sheetData>", far)
    assert len(sheet.read(repacked(GOOD, SHEET, part))) <= sheet.ROWS_MAX


TEXTS = (
    st.text(st.one_of(st.characters(), st.sampled_from("=+-@'\t\r＝\"\n,;국수 ")), min_size=1, max_size=30)
    .map(clean)
    .filter(bool)
)
NAMES = st.one_of(
    st.fixed_dictionaries({"ko": TEXTS}, optional={"en": TEXTS}),
    st.fixed_dictionaries(
        {"ko": st.sampled_from(["=cmd|' /C calc'!A0", "-2+3", "@SUM(A1)", "'=1", "''", "+82", "1,5"])}
    ),
)
MAYBE = st.fixed_dictionaries({}, optional={"ko": TEXTS, "en": TEXTS})
PRICES = st.integers(0, rules.PRICE_MAX)
OPTIONS = st.builds(OptionDraft, name=NAMES, price=st.integers(-500, rules.PRICE_MAX), sold_out=st.booleans())


@st.composite
def groups(draw: st.DrawFn) -> GroupDraft:
    options = tuple(draw(st.lists(OPTIONS, min_size=1, max_size=3)))
    most = draw(st.integers(1, 4))
    return GroupDraft(name=draw(NAMES), options=options, most=most, least=draw(st.integers(0, min(most, len(options)))))


ITEMS = st.builds(
    ItemDraft,
    section=NAMES,
    name=NAMES,
    price=PRICES.map(lambda price: max(price, 10_000)),
    description=MAYBE,
    origin=MAYBE,
    allergens=st.lists(st.sampled_from(Allergen)).map(rules.ordered_allergens),
    tax_free=st.booleans(),
    alcohol=st.booleans(),
    popular=st.booleans(),
    sold_out=st.booleans(),
    station=st.one_of(st.just(""), TEXTS),
    groups=st.lists(groups(), max_size=2).map(tuple),
)
MENUS = st.lists(ITEMS, min_size=1, max_size=4, unique_by=lambda item: (item.section["ko"], item.name["ko"]))


@settings(max_examples=60, deadline=None)
@given(MENUS)
def test_a_menu_that_went_out_comes_back_as_it_was(menu: list[ItemDraft]) -> None:
    rows = rules.write_menu(menu)
    for content in (sheet.write_csv(rows), sheet.write_xlsx(rows, "메뉴")):
        draft = queries.read_menu_file(content)
        assert draft.faults == ()
        assert list(draft.items) == menu


@settings(max_examples=30, deadline=None)
@given(MENUS)
def test_no_cell_that_goes_out_starts_like_a_formula(menu: list[ItemDraft]) -> None:
    rows = rules.write_menu(menu)
    text = sheet.write_csv(rows).decode("utf-8-sig")
    cells = [cell for row in csv.reader(io.StringIO(text, newline="")) for cell in row]
    book = openpyxl.load_workbook(io.BytesIO(sheet.write_xlsx(rows, "메뉴")))
    for row in book.active.iter_rows():
        assert all(cell.data_type != "f" for cell in row)
        cells += [cell.value for cell in row if isinstance(cell.value, str)]
    assert not [cell for cell in cells if cell.startswith(DANGEROUS)]


def test_without_the_guard_that_test_would_find_a_formula() -> None:
    hostile = replace(rules.sample_drafts()[0], name={"ko": "=1+1"})
    raw = [[str(cell) for cell in row] for row in rules.write_menu([hostile])]
    assert any(cell.startswith(DANGEROUS) for row in raw for cell in row)
    assert not any(sheet.guard(cell).startswith(DANGEROUS) for row in raw for cell in row)


def test_korean_excel_opens_the_csv_rightly() -> None:
    content = queries.sample_menu_as_csv()
    assert content.startswith(b"\xef\xbb\xbf")
    assert content.count(b"\r\n") == content.count(b"\n")


def test_the_sample_file_can_be_imported() -> None:
    for content in (queries.sample_menu_as_csv(), queries.sample_menu_as_xlsx()):
        draft = queries.read_menu_file(content)
        assert draft.faults == ()
        assert list(draft.items) == rules.sample_drafts()
