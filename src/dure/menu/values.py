"""Words of the menu room, and the menu itself as values that cannot change under a reader's hands."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from dure.kit.language import Text, say

Words = Mapping[str, str]
"""What an owner wrote, by language: `{"ko": "비빔국수", "en": "Spicy noodles"}`; Korean is always there."""

PHOTO_WIDTHS = (96, 320, 960)


class Allergen(StrEnum):
    """The allergens that Korean food labelling names (식품 등의 표시기준)."""

    EGG = "egg"
    MILK = "milk"
    BUCKWHEAT = "buckwheat"
    PEANUT = "peanut"
    SOY = "soy"
    WHEAT = "wheat"
    PINE_NUT = "pine_nut"
    WALNUT = "walnut"
    CRAB = "crab"
    SHRIMP = "shrimp"
    SQUID = "squid"
    MACKEREL = "mackerel"
    SHELLFISH = "shellfish"
    PEACH = "peach"
    TOMATO = "tomato"
    CHICKEN = "chicken"
    PORK = "pork"
    BEEF = "beef"
    SULPHITE = "sulphite"


ALLERGEN_WORDS: dict[Allergen, Text] = {
    Allergen.EGG: say("알류", en="Egg"),
    Allergen.MILK: say("우유", en="Milk"),
    Allergen.BUCKWHEAT: say("메밀", en="Buckwheat"),
    Allergen.PEANUT: say("땅콩", en="Peanut"),
    Allergen.SOY: say("대두", en="Soy"),
    Allergen.WHEAT: say("밀", en="Wheat"),
    Allergen.PINE_NUT: say("잣", en="Pine nut"),
    Allergen.WALNUT: say("호두", en="Walnut"),
    Allergen.CRAB: say("게", en="Crab"),
    Allergen.SHRIMP: say("새우", en="Shrimp"),
    Allergen.SQUID: say("오징어", en="Squid"),
    Allergen.MACKEREL: say("고등어", en="Mackerel"),
    Allergen.SHELLFISH: say("조개류", en="Shellfish"),
    Allergen.PEACH: say("복숭아", en="Peach"),
    Allergen.TOMATO: say("토마토", en="Tomato"),
    Allergen.CHICKEN: say("닭고기", en="Chicken"),
    Allergen.PORK: say("돼지고기", en="Pork"),
    Allergen.BEEF: say("쇠고기", en="Beef"),
    Allergen.SULPHITE: say("아황산류", en="Sulphite"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class MenuOption:
    """One choice; `price` in won is added to the item's and may be negative."""

    id: int
    public_id: str
    name: Words
    price: int
    sold_out: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class MenuGroup:
    """A choice about an item: at least `least` and at most `most` of its options."""

    id: int
    public_id: str
    name: Words
    least: int
    most: int
    options: tuple[MenuOption, ...]

    @property
    def required(self) -> bool:
        return self.least > 0

    @property
    def sold_out(self) -> bool:
        """Fewer options are left than must be chosen."""
        return sum(not option.sold_out for option in self.options) < self.least


@dataclass(frozen=True, slots=True, kw_only=True)
class MenuPhoto:
    """A picture of an item: where it is served, and its size at the largest width."""

    public_id: str
    width: int
    height: int

    def path(self, width: int) -> str:
        """The URL path of one of PHOTO_WIDTHS."""
        return f"/photos/{self.public_id}/{width}.webp"


@dataclass(frozen=True, slots=True, kw_only=True)
class MenuItem:
    """Something a guest can order. `price` in won, value-added tax included."""

    id: int
    public_id: str
    section: str
    name: Words
    description: Words
    origin: Words
    allergens: tuple[Allergen, ...]
    price: int
    tax_free: bool
    alcohol: bool
    popular: bool
    marked_sold_out: bool
    station: str
    photo: MenuPhoto | None
    groups: tuple[MenuGroup, ...]

    @property
    def sold_out(self) -> bool:
        """Marked by the shop, or a required choice has too few options left."""
        return self.marked_sold_out or any(group.sold_out for group in self.groups)

    @property
    def plain(self) -> bool:
        """Nothing must be chosen: one tap adds it."""
        return not any(group.required for group in self.groups)


@dataclass(frozen=True, slots=True, kw_only=True)
class MenuSection:
    """A heading and what stands under it."""

    id: int
    public_id: str
    name: Words
    items: tuple[MenuItem, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Menu:
    """A shop's whole menu at one moment, in the owner's order; empty sections too."""

    shop_id: int
    sections: tuple[MenuSection, ...]

    def items(self) -> Iterator[MenuItem]:
        """Every item, in order."""
        return (item for section in self.sections for item in section.items)

    def item(self, public_id: str) -> MenuItem | None:
        """The item with this id, if it is on the menu."""
        return next((item for item in self.items() if item.public_id == public_id), None)

    def popular(self) -> tuple[MenuItem, ...]:
        """What the owner marked as popular, in order."""
        return tuple(item for item in self.items() if item.popular)


@dataclass(frozen=True, slots=True, kw_only=True)
class OptionDraft:
    """An option as somebody writes it. With a `public_id` of the item's, that option is changed and not replaced."""

    name: Words
    price: int = 0
    sold_out: bool = False
    public_id: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupDraft:
    """An option group as somebody writes it."""

    name: Words
    options: tuple[OptionDraft, ...]
    least: int = 0
    most: int = 1
    public_id: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ItemDraft:
    """An item as a menu file has it; `row` is where."""

    section: Words
    name: Words
    price: int
    description: Words = field(default_factory=dict)
    origin: Words = field(default_factory=dict)
    allergens: tuple[Allergen, ...] = ()
    tax_free: bool = False
    alcohol: bool = False
    popular: bool = False
    sold_out: bool = False
    station: str = ""
    groups: tuple[GroupDraft, ...] = ()
    public_id: str = ""
    row: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class RowFault:
    """What is wrong in one cell of a menu file: its row as a spreadsheet counts, its column's heading, what to do."""

    row: int
    column: str
    sentence: Text


@dataclass(frozen=True, slots=True, kw_only=True)
class MenuDraft:
    """What a menu file says, in which columns, and every fault in it. It can be imported when there is none."""

    items: tuple[ItemDraft, ...]
    faults: tuple[RowFault, ...]
    columns: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportReport:
    """What an import did."""

    added: int
    changed: int
    sections_added: int
