"""Merchant-presented codes: the standard's vectors, and a parser that believes nothing."""

from hypothesis import given, settings
from hypothesis import strategies as st

from dure.checkouts.engine import emvco

KOREAN = (
    "00020101021226270014kr.example.pay0105M00015204581453034105405120005802KR5909CAFE HANA6005SEOUL"
    "62140104ORD10702T164200002ko0104카페하나0202서울6304A953"
)
PHNOM_PENH = (
    "00020101021252044131153137210116372101160123456789ABCDE6010Phnom Penh5913Merchant Shop5802KH540510.0"
    "0530384062250108123456780209012444444"
)


def test_the_checksum_is_the_standards() -> None:
    assert emvco.crc("123456789") == "29B1"
    assert emvco.crc(KOREAN[:-4]) == "A953"
    assert emvco.crc(f"{PHNOM_PENH}6304") == "A0BA"


def test_a_korean_payload_is_read_by_characters_not_bytes() -> None:
    found = emvco.parse(KOREAN)
    assert found["54"] == "12000"
    assert emvco.fields_of(found["64"])["01"] == "카페하나"


def test_what_is_built_is_read() -> None:
    code = emvco.build(
        template={"01": "A" * 16}, name="Dure Noodles", city="SEOUL", local="두레국수", amount=12_500, bill="b1"
    )
    found = emvco.parse(code)
    assert (found["01"], found["54"], found["53"], found["58"]) == ("12", "12500", "410", "KR")
    assert emvco.fields_of(found["26"]) == {"00": "kr.dure.pay", "01": "A" * 16}
    still = emvco.build(template={"01": "A" * 16}, name="", city="", local="", amount=None, bill="")
    assert emvco.parse(still)["01"] == "11"
    assert "54" not in emvco.parse(still)


def refused(text: str) -> bool:
    try:
        emvco.parse(text)
    except ValueError:
        return True
    return False


def signed(body: str) -> str:
    return f"{body}6304{emvco.crc(body + '6304')}"


def test_a_right_checksum_alone_does_not_help() -> None:
    body = KOREAN[:-8]
    assert not refused(signed(body))
    for wrong in (
        body.replace("5303410", "5303KRW"),
        body.replace("540512000", "5405-1200"),
        body.replace("540512000", "5405١٢٣٤٥"),
        body.replace("000201", "000202"),
        body.replace("010212", "010213"),
        body.replace("5802KR", ""),
        body + "5802KR",
        body.replace("26270014", "26270015"),
        body + "9900",
        body + "99",
        "",
    ):
        assert refused(signed(wrong)), wrong
    assert refused(signed(body + "6304A953"))
    assert refused(KOREAN.lower())
    assert refused(KOREAN + "0")


@settings(max_examples=400, deadline=None)
@given(st.text(max_size=600))
def test_nothing_crashes_the_parser(text: str) -> None:
    if not refused(text):
        assert emvco.crc(text[:-4]) == text[-4:]


@settings(max_examples=400, deadline=None)
@given(st.integers(0, len(KOREAN) - 1), st.characters(exclude_categories=()))
def test_one_wrong_character_is_never_accepted(place: int, other: str) -> None:
    changed = KOREAN[:place] + other + KOREAN[place + 1 :]
    assert changed == KOREAN or refused(changed)


@settings(max_examples=300, deadline=None)
@given(st.text("0123456789KR.가", max_size=120))
def test_fields_with_a_right_checksum_never_crash(body: str) -> None:
    refused(signed(body))


def test_a_parser_that_forgets_the_checksum_would_be_noticed() -> None:
    """Control: the same change, judged without the checksum, is believed."""
    changed = KOREAN.replace("540512000", "540500100")
    assert refused(changed)
    assert emvco.fields_of(changed)["54"] == "00100"
