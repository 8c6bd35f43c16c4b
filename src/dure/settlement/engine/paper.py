"""A statement as rows of a spreadsheet and as a PDF."""

import json
from collections.abc import Iterator, Sequence
from pathlib import Path

import typst

from dure.kit.clock import KST
from dure.kit.language import Text, say
from dure.settlement.values import LINE_WORDS, Parts, Statement, StatementLine
from dure.shops.stands import korean_fonts

COLUMNS: tuple[tuple[str, Text], ...] = (
    ("at", say("때", en="When")),
    ("kind", say("종류", en="Kind")),
    ("subtotal", say("주문 금액", en="Ordered")),
    ("discount", say("할인", en="Discount")),
    ("amount", say("결제 금액", en="Paid")),
    ("tax_free", say("그중 면세", en="Tax-free part")),
    ("vat", say("그중 부가세", en="VAT in it")),
    ("card_fee", say("카드 수수료", en="Card fee")),
    ("provider_fee", say("결제사 수수료", en="Provider fee")),
    ("platform_fee", say("두레 수수료", en="Dure's fee")),
    ("fee_vat", say("수수료 부가세", en="VAT on fees")),
    ("kept", say("계산대에서 받음", en="At the counter")),
    ("net", say("입금액", en="Paid out")),
    ("due_on", say("입금 예정일", en="Due")),
    ("paid_on", say("입금된 날", en="Paid on")),
    ("reference", say("결제 번호", en="Payment")),
)
_WON = ("subtotal", "discount", "amount", "tax_free", "vat", "card_fee", "provider_fee", "platform_fee", "fee_vat", "kept", "net")  # fmt: skip
_PRINTED = ("at", "kind", "subtotal", "discount", "amount", "fees", "vat", "kept", "net", "due_on")
LINES_MAX = 3_000
_WORDS = {
    "title": say("정산 내역서", en="Statement"),
    "sum": say("합계", en="Total"),
    "number": say("사업자등록번호", en="Business number"),
    "note": say(
        "수수료는 카드·결제사 수수료와 그 부가세예요. 두레가 받는 수수료는 0원이에요.",
        en="Fees are the card's and the provider's with their VAT. Dure takes 0 won.",
    ),
    "more": say("줄이 많아 여기까지만 적었어요. 모든 줄은 엑셀 파일에 있어요.", en="The spreadsheet has all lines."),
    "nothing": say("이 달에 정산한 것이 없어요.", en="Nothing was settled for this month."),
    "fees": say("수수료", en="Fees"),
}
_TEMPLATE = Path(__file__).with_name("statement.typ")


def rows(statement: Statement) -> Iterator[Sequence[str | int]]:
    """A heading, each line, the total; texts in the reader's language."""
    yield [str(words) for _, words in COLUMNS]
    for line in statement.lines:
        yield [_cell(line, name) for name, _ in COLUMNS]
    yield [_total(statement.whole, name) for name, _ in COLUMNS]


def as_pdf(shop: str, business_number: str, statement: Statement, language: str) -> bytes:
    """A4, landscape, the heading on every page. A glyph that the font lacks is left out, never refused."""
    headings = dict(COLUMNS) | {"fees": _WORDS["fees"]}
    document = {
        "shop": " ".join(shop.split()),
        "number": business_number,
        "month": f"{statement.first:%Y-%m}",
        "language": language,
        "words": {name: text.within(language) for name, text in _WORDS.items()},
        "headings": [headings[name].within(language) for name in _PRINTED],
        "lines": [[_printed(line, name, language) for name in _PRINTED] for line in statement.lines[:LINES_MAX]],
        "total": [f"{_won(statement.whole, name):,}" if name in (*_WON, "fees") else "" for name in _PRINTED],
        "cut": len(statement.lines) > LINES_MAX,
    }
    compiler = typst.Compiler(
        input=str(_TEMPLATE),
        root=str(_TEMPLATE.parent),
        font_paths=korean_fonts(),
        sys_inputs={"statement": json.dumps(document, ensure_ascii=False), "font": "NanumGothic"},
    )
    return compiler.compile(format="pdf", timestamp=0)  # type: ignore[return-value]


def _won(parts: Parts, name: str) -> int:
    return int(getattr(parts, name))


def _cell(line: StatementLine, name: str) -> str | int:
    if name in _WON:
        return _won(line.parts, name)
    if name == "at":
        return line.at.astimezone(KST).strftime("%Y-%m-%d %H:%M:%S")
    if name == "kind":
        return str(LINE_WORDS[line.kind])
    return str(getattr(line, name) or "")


def _total(whole: Parts, name: str) -> str | int:
    if name in _WON:
        return _won(whole, name)
    return str(_WORDS["sum"]) if name == "at" else ""


def _printed(line: StatementLine, name: str, language: str) -> str:
    if name in (*_WON, "fees"):
        return f"{_won(line.parts, name):,}"
    if name == "at":
        return line.at.astimezone(KST).strftime("%m.%d %H:%M")
    if name == "kind":
        return LINE_WORDS[line.kind].within(language)
    return f"{line.due_on:%m.%d}"
