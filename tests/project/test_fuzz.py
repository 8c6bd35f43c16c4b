"""Whatever bytes a reader is given, it answers with rows or its own refusal, and believes no checksum and no signature that is
wrong; a reader that does otherwise is found out."""

import json
from collections.abc import Callable, Sequence

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dure.checkouts.engine import emvco
from dure.kit.errors import Invalid
from dure.menu.engine import sheet
from dure.messaging import queries as messages
from dure.partners import rules as partners
from dure.settlement.engine import provider_file
from dure.web.hooks.pages import toss

_LINES = st.lists(st.lists(st.text(max_size=12), max_size=8).map(",".join), max_size=8).map("\n".join)
_HEADED = _LINES.map(lambda lines: ",".join(provider_file.COLUMNS) + "\n" + lines)
BYTES = st.one_of(
    st.binary(max_size=300),
    st.binary(max_size=300).map(lambda tail: b"PK\x03\x04" + tail),
    st.one_of(_LINES, _HEADED).map(lambda text: text.encode("utf-8", "surrogatepass")),
    _HEADED.map(lambda text: text.encode("utf-16", "surrogatepass")),
)


def settlement_file(content: bytes) -> None:
    for layout in provider_file.LAYOUTS:
        try:
            rows, faults = provider_file.read(content, layout)
        except provider_file.Unreadable:
            continue
        assert all(row.amount >= 0 and row.payment for row in rows)
        assert len(faults) <= provider_file.FAULTS_MAX


def menu_sheet(content: bytes) -> None:
    try:
        grid = sheet.read(content)
    except sheet.Unreadable:
        return
    assert all(isinstance(cell, str) for row in grid for cell in row)


def careless(content: bytes) -> None:
    """A reader as one writes it first."""
    heading, *rows = content.decode().split("\n")
    for row in rows:
        int(row.split(",")[heading.split(",").index("amount")])


def fuzz(read: Callable[[bytes], None], examples: int) -> None:
    @settings(max_examples=examples, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    @given(BYTES)
    def never_crashes(content: bytes) -> None:
        read(content)

    never_crashes()


@pytest.mark.parametrize("read", [settlement_file, menu_sheet])
def test_a_reader_never_crashes(read: Callable[[bytes], None]) -> None:
    fuzz(read, 300)


def test_the_fuzz_finds_a_careless_reader() -> None:
    with pytest.raises(BaseException, match=r".+"):
        fuzz(careless, 300)


# Checksums and signatures: a valid one, changed anywhere in any way, is not believed --------------------------------------

SECRET, STAMP = "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=", 1_795_392_000
BODY = b'{"type":"order.paid","data":{"id":"ord_1"}}'
QR = emvco.build(
    template={"01": "A" * 16}, name="Dure Noodles", city="SEOUL", local="두레국수", amount=12_500, bill="bil_1"
)
HOOK = (b"evt_1", str(STAMP).encode(), BODY, partners.signature(SECRET, "evt_1", STAMP, BODY).encode())


@st.composite
def changed(draw: st.DrawFn, parts: Sequence[bytes]) -> tuple[bytes, ...]:
    """The parts with one to four changes: a byte replaced, put in, taken out, or two pieces exchanged."""
    made = [bytearray(part) for part in parts]
    for _ in range(draw(st.integers(1, 4))):
        part = draw(st.sampled_from(made))
        place = draw(st.integers(0, max(0, len(part) - 1)))
        kind = draw(st.sampled_from(("replace", "insert", "delete", "cut", "double", "swap")))
        if kind == "insert":
            part.insert(place, draw(st.integers(0, 255)))
        elif kind == "double":
            part[place:place] = part[:place]
        elif kind == "replace" and part:
            part[place] = draw(st.integers(0, 255))
        elif kind == "delete":
            del part[place : place + 1]
        elif kind == "cut":
            del part[place:]
        else:
            part[:] = part[place:] + part[:place]
    return tuple(map(bytes, made))


def qr_code(parts: tuple[bytes, ...]) -> bool:
    """Whether a printed code is believed. A change that a cyclic checksum of sixteen bits cannot see is not a wrong one."""
    text = parts[0].decode("utf-8", "surrogateescape")
    try:
        found = emvco.parse(text)
    except ValueError:
        return False
    assert next(iter(found)) == "00"
    return emvco.crc(text[:-4]) != text[-4:]


def webhook(parts: tuple[bytes, ...], verifies: Callable[..., bool] = partners.verifies) -> bool:
    """Whether a webhook is believed whose id, time, body and signature are not the ones that were signed together."""
    name, stamp, body, mark = (part.decode("latin-1") for part in parts)
    headers = {"webhook-id": name, "webhook-timestamp": stamp, "webhook-signature": mark}
    return verifies([SECRET], headers, body.encode("latin-1"), STAMP)


def believed(
    read: Callable[[tuple[bytes, ...]], bool], valid: tuple[bytes, ...], examples: int
) -> list[tuple[bytes, ...]]:
    """Changed ones that the reader believed all the same."""
    found: list[tuple[bytes, ...]] = []

    @settings(
        max_examples=examples, deadline=None, database=None, derandomize=True, suppress_health_check=list(HealthCheck)
    )
    @given(changed(valid))
    def look(parts: tuple[bytes, ...]) -> None:
        if parts != valid and read(parts):
            found.append(parts)

    look()
    return found


def test_a_printed_code_with_a_wrong_checksum_is_never_believed() -> None:
    assert emvco.parse(QR)["54"] == "12500"
    assert believed(qr_code, (QR.encode(),), 500) == []


def test_a_webhook_is_believed_only_as_it_was_signed() -> None:
    assert webhook(HOOK)
    # Only what means the same may pass: several signatures beside the right one, a time written with zeros before it.
    for name, stamp, body, mark in believed(webhook, HOOK, 600):
        assert (name, int(stamp), body) == (HOOK[0], STAMP, HOOK[2])
        assert HOOK[3] in mark.split(b" ")


def test_a_verifier_that_forgets_the_body_or_the_checksum_is_found() -> None:
    """The control: the same changes get through a verifier that signs the id alone, and a parser without its checksum."""

    def careless_verifier(secrets: list[str], headers: dict[str, str], body: bytes, now: int) -> bool:
        return headers["webhook-id"] == "evt_1" and headers["webhook-signature"].startswith("v1,")

    def careless_parser(parts: tuple[bytes, ...]) -> bool:
        try:
            return "00" in emvco.fields_of(parts[0].decode("utf-8", "surrogateescape")[:-8])
        except ValueError:
            return False

    assert believed(lambda parts: webhook(parts, careless_verifier), HOOK, 200)
    assert believed(careless_parser, (QR.encode(),), 200)


# What agencies and Toss call back with: any JSON at all --------------------------------------------------------------------

NAMES = st.sampled_from(
    ("data", "customFields", "key", "statusCode", "messageId", "hooks", "recipientGroupingKey", "resultCode", "requestId",
     "orderId", "eventType", "o1-text")
)  # fmt: skip
ATOMS = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=12),
    st.sampled_from(("4000", "o1-text", "pay_" + "0" * 26, "\0", "\ud800")),
)  # fmt: skip
JSON = st.recursive(
    ATOMS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES | st.text(max_size=5), inner, max_size=5),
    max_leaves=15,
)


def as_json(said: object) -> bytes:
    return json.dumps(said).encode()


class Asked:
    """A request with these bytes."""

    def __init__(self, body: bytes) -> None:
        self.body = body


@settings(max_examples=200, deadline=None, database=None)
@given(JSON)
def test_no_report_of_an_agency_breaks_its_reader(said: object) -> None:
    for read in (messages.solapi_reports, messages.nhn_reports):
        for event in read(said):
            assert len(event) == 3
            assert all(isinstance(part, str) for part in event)


@settings(max_examples=200, deadline=None, database=None)
@given(
    st.one_of(st.binary(max_size=200), JSON.map(lambda said: repr(said).encode("utf-8", "replace")), JSON.map(as_json))
)
def test_a_hint_of_toss_names_a_payment_of_ours_or_is_refused(body: bytes) -> None:
    try:
        named = toss._named(Asked(body))  # type: ignore[arg-type]
    except Invalid:
        return
    assert toss.OURS.fullmatch(named)
