"""What may stand on a menu, and how a menu is written as rows of a spreadsheet.

One row per item; a row without an item's name goes on with the item above and adds options to it; a row without a
group's name goes on with the group above.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace

from dure.kit.language import Text, clean, say
from dure.menu.values import (
    ALLERGEN_WORDS,
    Allergen,
    GroupDraft,
    ItemDraft,
    Menu,
    MenuDraft,
    OptionDraft,
    RowFault,
    Words,
)

NAME_MAX = 60
DESCRIPTION_MAX = 300
PRICE_MAX = 10_000_000
ITEMS_MAX = 1_000
GROUPS_MAX = 20
OPTIONS_MAX = 50

COLUMNS = {
    "public_id": ("번호", "Id"),
    "section": ("분류", "Section"),
    "section_en": ("분류(영어)", "Section (English)"),
    "name": ("메뉴", "Item"),
    "name_en": ("메뉴(영어)", "Item (English)"),
    "price": ("가격", "Price"),
    "description": ("설명", "Description"),
    "description_en": ("설명(영어)", "Description (English)"),
    "origin": ("원산지", "Origin"),
    "origin_en": ("원산지(영어)", "Origin (English)"),
    "allergens": ("알레르기", "Allergens"),
    "popular": ("인기", "Popular"),
    "sold_out": ("품절", "Sold out"),
    "alcohol": ("주류", "Alcohol"),
    "tax_free": ("면세", "Tax free"),
    "station": ("조리대", "Station"),
    "group": ("옵션 그룹", "Option group"),
    "group_en": ("옵션 그룹(영어)", "Option group (English)"),
    "least": ("최소", "Least"),
    "most": ("최대", "Most"),
    "option": ("옵션", "Option"),
    "option_en": ("옵션(영어)", "Option (English)"),
    "option_price": ("옵션 가격", "Option price"),
    "option_sold_out": ("옵션 품절", "Option sold out"),
}
NEEDED = ("section", "name", "price")

_GROUP_COLUMNS = ("group", "group_en", "least", "most")
_OPTION_COLUMNS = ("option", "option_en", "option_price", "option_sold_out")
_ITEM_COLUMNS = tuple(c for c in COLUMNS if c not in ("section", "section_en", *_GROUP_COLUMNS, *_OPTION_COLUMNS))
_YES = {"예", "네", "o", "y", "yes", "true", "1", "ㅇ", "✓"}
_NO = {"", "아니요", "아니오", "x", "n", "no", "false", "0"}
_ALSO = {
    "계란": Allergen.EGG, "달걀": Allergen.EGG, "난류": Allergen.EGG, "콩": Allergen.SOY, "소고기": Allergen.BEEF,
    "굴": Allergen.SHELLFISH, "전복": Allergen.SHELLFISH, "홍합": Allergen.SHELLFISH, "조개": Allergen.SHELLFISH,
    "아황산": Allergen.SULPHITE, "돼지": Allergen.PORK, "닭": Allergen.CHICKEN,
}  # fmt: skip
_ALLERGENS = {
    **{allergen.value: allergen for allergen in Allergen},
    **{words.ko: allergen for allergen, words in ALLERGEN_WORDS.items()},
    **{words.en.lower(): allergen for allergen, words in ALLERGEN_WORDS.items()},
    **_ALSO,
}

_NO_NAME = say("메뉴 이름을 써 주세요.", en="Please enter the item's name.")
_NO_SECTION = say("분류를 써 주세요. 예: 국수", en="Please enter a section, such as Noodles.")
_NO_OPTION = say("옵션 이름을 써 주세요.", en="Please enter the option's name.")
_NO_GROUP = say("옵션 그룹의 이름을 써 주세요. 예: 맵기", en="Please enter the option group's name, such as Spiciness.")
_NO_ITEM_ABOVE = say(
    "위에 메뉴가 없어요. 메뉴 이름을 써 주세요.", en="No item stands above. Please enter an item's name."
)
_NO_PRICE = say("가격을 숫자로 써 주세요. 예: 9000", en="Please enter the price as a number, such as 9000.")
_PRICE = say(
    "가격은 0에서 10,000,000 사이의 원 단위 숫자로 써 주세요.", en="Prices are whole won from 0 to 10,000,000."
)
_COUNT = say("0에서 50 사이의 숫자로 써 주세요.", en="Please enter a number from 0 to 50.")
_BOUNDS = say(
    "최소는 최대보다 클 수 없고, 옵션 수보다 클 수 없어요.",
    en="The least can't be above the most, nor above the number of options.",
)
_YES_OR_NO = say("예 또는 아니요로 써 주세요. 비워도 돼요.", en="Please enter yes or no, or leave it empty.")
_TWICE = say("같은 분류에 같은 메뉴가 위에 있어요.", en="The same item already stands above in this section.")
_ID_TWICE = say("같은 번호가 위에 있어요.", en="The same id already stands above.")
_BELOW_ZERO = say("옵션을 고르면 0원보다 작아져요.", en="With these options the price falls below 0.")


@dataclass(slots=True)
class _Row:
    """One line being read: its texts by column, and where faults go."""

    number: int
    texts: dict[str, str]
    faults: list[RowFault] = field(default_factory=list)

    def wrong(self, column: str, sentence: Text) -> None:
        self.faults.append(RowFault(row=self.number, column=COLUMNS[column][0], sentence=sentence))

    def any(self, *columns: str) -> bool:
        return any(self.texts.get(column) for column in columns)

    def text(self, column: str, most: int) -> str:
        text = self.texts.get(column, "")
        if len(text) > most:
            self.wrong(column, say("{most}자까지 쓸 수 있어요.", en="At most {most} characters.", most=most))
        return text

    def words(self, column: str, most: int = NAME_MAX) -> Words:
        pair = {"ko": self.text(column, most), "en": self.text(f"{column}_en", most)}
        return {language: text for language, text in pair.items() if text}

    def yes(self, column: str) -> bool:
        text = self.texts.get(column, "").lower()
        if text not in _YES and text not in _NO:
            self.wrong(column, _YES_OR_NO)
        return text in _YES

    def won(self, column: str, least: int) -> int:
        text = self.texts.get(column, "")
        amount = read_won(text)
        if amount is None or not least <= amount <= PRICE_MAX:
            self.wrong(column, _PRICE if text else _NO_PRICE)
            return 0
        return amount

    def count(self, column: str, usual: int) -> int:
        text = self.texts.get(column, "")
        if not text:
            return usual
        if not re.fullmatch(r"\d{1,2}", text) or int(text) > OPTIONS_MAX:
            self.wrong(column, _COUNT)
            return usual
        return int(text)

    def allergens(self) -> tuple[Allergen, ...]:
        named = [word.strip() for word in re.split(r"[,;/·、]", self.texts.get("allergens", ""))]
        unknown = [word for word in named if word and word.lower() not in _ALLERGENS]
        if unknown:
            sentence = say(
                "{word:은/는} 모르는 알레르기예요. 예: 밀, 대두, 우유",
                en="We don't know the allergen {word}. For example: wheat, soy, milk",
                word=unknown[0],
            )
            self.wrong("allergens", sentence)
        return ordered_allergens(_ALLERGENS[word.lower()] for word in named if word.lower() in _ALLERGENS)


def read_won(text: str) -> int | None:
    """The whole number of won in `9000`, `9,000`, `9,000원`, `₩9,000` or `-500`; None where there is none."""
    digits = re.sub(r"[\s,₩원]", "", text).removesuffix(".0")
    return int(digits) if re.fullmatch(r"[+-]?\d{1,9}", digits, re.ASCII) else None


def ordered_allergens(allergens: Iterable[Allergen | str]) -> tuple[Allergen, ...]:
    """Each allergen once, in the order of the law's list."""
    named = {Allergen(allergen) for allergen in allergens}
    return tuple(allergen for allergen in Allergen if allergen in named)


def lowest_price(price: int, groups: Iterable[GroupDraft]) -> int:
    """The least that the item can cost with any allowed choice of options."""
    for group in groups:
        cheapest = sorted(option.price for option in group.options)[: group.most]
        price += sum(cheapest[: group.least]) + sum(min(0, cost) for cost in cheapest[group.least :])
    return price


def group_holds(group: GroupDraft) -> bool:
    """Whether a group can be asked: it has options, at least as many as must be chosen."""
    return (
        1 <= group.most <= OPTIONS_MAX
        and 0 <= group.least <= min(group.most, len(group.options))
        and bool(group.options)
    )


def read_menu(grid: Sequence[Sequence[str]]) -> MenuDraft:
    """What the rows of a menu file say, and every fault in them; row 1 is the heading."""
    if not grid:
        return MenuDraft(items=(), faults=(_fault(1, "name", say("파일이 비어 있어요.", en="The file is empty.")),))
    columns, faults = _read_heading(grid[0])
    if faults:
        return MenuDraft(items=(), faults=tuple(faults))
    items: list[ItemDraft] = []
    for number, cells in enumerate(grid[1:], start=2):
        texts = {column: clean(cells[place]) for place, column in columns.items() if place < len(cells)}
        row = _Row(number, texts)
        if any(texts.values()):
            _read_row(row, items)
        faults += row.faults
    if not faults and not items:
        faults.append(_fault(2, "name", say("메뉴가 한 줄도 없어요.", en="There is no item in the file.")))
    if len(items) > ITEMS_MAX:
        faults.append(
            _fault(items[ITEMS_MAX].row, "name", say("메뉴는 1,000개까지예요.", en="A menu holds 1,000 items."))
        )
    faults += _faults_between(items, faulty_rows={fault.row for fault in faults})
    return MenuDraft(
        items=tuple(items),
        faults=tuple(sorted(faults, key=lambda fault: fault.row)),
        columns=frozenset(columns.values()),
    )


def write_menu(items: Iterable[ItemDraft]) -> list[list[object]]:
    """The rows that `read_menu` reads as these items, heading first."""
    rows: list[list[object]] = [[korean for korean, _ in COLUMNS.values()]]
    for item in items:
        lines = [line for group in item.groups for line in _option_lines(group)] or [{}]
        lines[0] = {**_item_line(item), **lines[0]}
        rows += [[line.get(column, "") for column in COLUMNS] for line in lines]
    return rows


def drafts_of(menu: Menu) -> list[ItemDraft]:
    """A menu as the drafts that would make it."""
    return [
        ItemDraft(
            section=section.name,
            name=item.name,
            price=item.price,
            description=item.description,
            origin=item.origin,
            allergens=item.allergens,
            tax_free=item.tax_free,
            alcohol=item.alcohol,
            popular=item.popular,
            sold_out=item.marked_sold_out,
            station=item.station,
            groups=tuple(
                GroupDraft(
                    name=group.name,
                    least=group.least,
                    most=group.most,
                    options=tuple(
                        OptionDraft(name=option.name, price=option.price, sold_out=option.sold_out)
                        for option in group.options
                    ),
                )
                for group in item.groups
            ),
            public_id=item.public_id,
        )
        for section in menu.sections
        for item in section.items
    ]


def sample_drafts() -> list[ItemDraft]:
    """A menu file to begin with."""
    spice = GroupDraft(
        name={"ko": "맵기", "en": "Spiciness"},
        least=1,
        options=(
            OptionDraft(name={"ko": "보통", "en": "Medium"}),
            OptionDraft(name={"ko": "맵게", "en": "Hot"}),
        ),
    )
    extra = GroupDraft(
        name={"ko": "더하기", "en": "Extras"},
        most=2,
        options=(
            OptionDraft(name={"ko": "면 추가", "en": "More noodles"}, price=2_000),
            OptionDraft(name={"ko": "계란", "en": "Egg"}, price=1_000),
        ),
    )
    noodles, drinks = {"ko": "국수", "en": "Noodles"}, {"ko": "음료", "en": "Drinks"}
    return [
        ItemDraft(
            section=noodles,
            name={"ko": "비빔국수", "en": "Spicy mixed noodles"},
            price=9_000,
            description={"ko": "새콤달콤한 양념에 비벼요", "en": "Tossed in a tangy chilli sauce"},
            origin={"ko": "김치: 국내산", "en": "Kimchi: Korea"},
            allergens=(Allergen.SOY, Allergen.WHEAT),
            popular=True,
            groups=(spice, extra),
        ),
        ItemDraft(section=noodles, name={"ko": "잔치국수", "en": "Warm noodle soup"}, price=8_000),
        ItemDraft(section=drinks, name={"ko": "식혜", "en": "Sweet rice drink"}, price=3_500),
    ]


def _fault(row: int, column: str, sentence: Text) -> RowFault:
    return RowFault(row=row, column=COLUMNS[column][0], sentence=sentence)


def _heading(text: str) -> str:
    return re.sub(r"\s", "", clean(text)).lower()


def _read_heading(cells: Sequence[str]) -> tuple[dict[int, str], list[RowFault]]:
    known = {_heading(heading): column for column, headings in COLUMNS.items() for heading in headings}
    columns = {place: known[_heading(cell)] for place, cell in enumerate(cells) if _heading(cell) in known}
    missing = [column for column in NEEDED if column not in columns.values()]
    sentence = say("첫 줄에 이 제목의 열이 있어야 해요.", en="The first row needs a column with this heading.")
    faults = [_fault(1, column, sentence) for column in missing]
    twice = sorted({column for column in columns.values() if list(columns.values()).count(column) > 1})
    faults += [_fault(1, column, say("제목이 두 번 있어요.", en="This heading stands twice.")) for column in twice]
    unknown = [cell for cell in cells if cell and _heading(cell) not in known]
    for cell in unknown[:20]:
        sentence = say(
            "모르는 제목이에요. 지우거나 고쳐 주세요.", en="We don't know this heading. Please mend or remove it."
        )
        faults.append(RowFault(row=1, column=cell[:NAME_MAX], sentence=sentence))
    return columns, faults


def _read_row(row: _Row, items: list[ItemDraft]) -> None:
    above = items[-1] if items else None
    if row.any(*_ITEM_COLUMNS) or (row.any("section") and (above is None or row.words("section") != above.section)):
        items.append(_read_item(row))
    elif above is None:
        row.wrong("name", _NO_ITEM_ABOVE)
        return
    if row.any(*_GROUP_COLUMNS, *_OPTION_COLUMNS):
        begins_item = items[-1] is not above
        items[-1] = replace(items[-1], groups=_read_option(row, () if begins_item else items[-1].groups))
    elif items[-1] is above:
        row.wrong("name", _NO_NAME)


def _read_option(row: _Row, groups: tuple[GroupDraft, ...]) -> tuple[GroupDraft, ...]:
    """The groups with this row's option, in a new group where the row names one, else in the group above."""
    if row.any("group", "group_en"):
        name = row.words("group")
        if "ko" not in name:
            row.wrong("group", _NO_GROUP)
        new = GroupDraft(name=name, options=(), least=row.count("least", 0), most=row.count("most", 1))
        groups = (*groups, new)
    elif not groups or row.any("least", "most"):
        row.wrong("group", _NO_GROUP)
        return groups
    option = row.words("option")
    if "ko" not in option:
        row.wrong("option", _NO_OPTION)
    price = row.won("option_price", -PRICE_MAX) if row.any("option_price") else 0
    draft = OptionDraft(name=option, price=price, sold_out=row.yes("option_sold_out"))
    return (*groups[:-1], replace(groups[-1], options=(*groups[-1].options, draft)))


def _read_item(row: _Row) -> ItemDraft:
    section, name = row.words("section"), row.words("name")
    if "ko" not in section:
        row.wrong("section", _NO_SECTION)
    if "ko" not in name:
        row.wrong("name", _NO_NAME)
    return ItemDraft(
        section=section,
        name=name,
        price=row.won("price", 0),
        description=row.words("description", DESCRIPTION_MAX),
        origin=row.words("origin", DESCRIPTION_MAX),
        allergens=row.allergens(),
        tax_free=row.yes("tax_free"),
        alcohol=row.yes("alcohol"),
        popular=row.yes("popular"),
        sold_out=row.yes("sold_out"),
        station=row.text("station", NAME_MAX),
        public_id=row.text("public_id", NAME_MAX),
        row=row.number,
    )


def _faults_between(items: Sequence[ItemDraft], faulty_rows: set[int]) -> list[RowFault]:
    """What is wrong with an item as a whole, or between two."""
    faults: list[RowFault] = []
    names: set[tuple[str, str]] = set()
    ids: set[str] = set()
    for item in items:
        name = (item.section.get("ko", ""), item.name.get("ko", ""))
        if name in names and all(name):
            faults.append(_fault(item.row, "name", _TWICE))
        if item.public_id and item.public_id in ids:
            faults.append(_fault(item.row, "public_id", _ID_TWICE))
        names.add(name)
        ids.add(item.public_id)
        if len(item.groups) > GROUPS_MAX or any(len(group.options) > OPTIONS_MAX for group in item.groups):
            sentence = say("옵션 그룹은 20개, 옵션은 50개까지예요.", en="At most 20 option groups of 50 options.")
            faults.append(_fault(item.row, "option", sentence))
        if not all(group_holds(group) for group in item.groups):
            faults.append(_fault(item.row, "least", _BOUNDS))
        elif item.row not in faulty_rows and lowest_price(item.price, item.groups) < 0:
            faults.append(_fault(item.row, "option_price", _BELOW_ZERO))
    return faults


def _item_line(item: ItemDraft) -> dict[str, object]:
    return {
        "public_id": item.public_id,
        **_pair("section", item.section),
        **_pair("name", item.name),
        "price": item.price,
        **_pair("description", item.description),
        **_pair("origin", item.origin),
        "allergens": ", ".join(ALLERGEN_WORDS[allergen].ko for allergen in item.allergens),
        **{mark: "예" if getattr(item, mark) else "" for mark in ("popular", "sold_out", "alcohol", "tax_free")},
        "station": item.station,
    }


def _option_lines(group: GroupDraft) -> list[dict[str, object]]:
    lines: list[dict[str, object]] = [
        {
            **_pair("option", option.name),
            "option_price": option.price,
            "option_sold_out": "예" if option.sold_out else "",
        }
        for option in group.options
    ]
    lines[0] = {**_pair("group", group.name), "least": group.least, "most": group.most, **lines[0]}
    return lines


def _pair(column: str, words: Words) -> dict[str, object]:
    return {column: words.get("ko", ""), f"{column}_en": words.get("en", "")}
