"""Everything read about menus. All but photo files stand behind the shop's fence."""

import re
from collections import defaultdict
from pathlib import Path
from typing import TypeVar

from django.conf import settings
from django.db.models import QuerySet

from dure.menu import errors, rules
from dure.menu.engine import sheet
from dure.menu.models import Item, Option, OptionGroup, Section, Station
from dure.menu.values import (
    PHOTO_WIDTHS,
    Allergen,
    GroupDraft,
    Menu,
    MenuDraft,
    MenuGroup,
    MenuItem,
    MenuOption,
    MenuPhoto,
    MenuSection,
    OptionDraft,
)
from dure.shops.models import Shop

Row = TypeVar("Row")

MENU_FILE_BYTES_MAX = sheet.BYTES_MAX

_PUBLIC_ID = re.compile(r"[a-z]{2,5}_[0-9a-z]{26}")


def menu_of(shop: Shop) -> Menu:
    """The shop's whole menu, retired items left out, in four queries."""
    options: dict[int, list[MenuOption]] = defaultdict(list)
    for option in Option.objects.filter(shop=shop, group__item__retired_at__isnull=True).order_by("position", "id"):
        options[option.group_id].append(_option(option))
    groups: dict[int, list[MenuGroup]] = defaultdict(list)
    for group in OptionGroup.objects.filter(shop=shop, item__retired_at__isnull=True).order_by("position", "id"):
        groups[group.item_id].append(_group(group, options[group.pk]))
    items: dict[int, list[MenuItem]] = defaultdict(list)
    standing = Item.objects.filter(shop=shop, retired_at__isnull=True).select_related("section", "station", "photo")
    for item in standing.order_by("position", "id"):
        items[item.section_id].append(_item(item, groups[item.pk]))
    return Menu(
        shop_id=shop.pk,
        sections=tuple(
            MenuSection(id=section.pk, public_id=section.public_id, name=section.name, items=tuple(items[section.pk]))
            for section in sections_of(shop)
        ),
    )


def sections_of(shop: Shop) -> QuerySet[Section]:
    """The shop's sections in the owner's order."""
    return Section.objects.filter(shop=shop).order_by("position", "id")


def stations_of(shop: Shop) -> QuerySet[Station]:
    """The shop's kitchen stations in order."""
    return Station.objects.filter(shop=shop).order_by("position", "id")


def section_by_public_id(shop: Shop, public_id: str) -> Section:
    """Raises MenuEntryNotFound."""
    return _found(Section.objects.filter(shop=shop, public_id=_asked(public_id)).first())


def station_by_public_id(shop: Shop, public_id: str) -> Station:
    """Raises MenuEntryNotFound."""
    return _found(Station.objects.filter(shop=shop, public_id=_asked(public_id)).first())


def item_by_public_id(shop: Shop, public_id: str) -> Item:
    """An item on the menu, with its section, station and photo. Raises MenuEntryNotFound, for retired items too."""
    standing = Item.objects.filter(shop=shop, retired_at__isnull=True, public_id=_asked(public_id))
    return _found(standing.select_related("section", "station", "photo").first())


def option_by_public_id(shop: Shop, public_id: str) -> Option:
    """An option of an item on the menu. Raises MenuEntryNotFound."""
    standing = Option.objects.filter(shop=shop, group__item__retired_at__isnull=True, public_id=_asked(public_id))
    return _found(standing.first())


def groups_of(item: Item) -> tuple[GroupDraft, ...]:
    """An item's option groups as drafts that know their ids: what an editor shows and gives back to put_options."""
    groups = OptionGroup.objects.filter(shop_id=item.shop_id, item=item).prefetch_related("options")
    return tuple(
        GroupDraft(
            name=group.name,
            least=group.least,
            most=group.most,
            public_id=group.public_id,
            options=tuple(
                OptionDraft(name=o.name, price=o.price, sold_out=o.sold_out, public_id=o.public_id)
                for o in sorted(group.options.all(), key=lambda option: (option.position, option.pk))
            ),
        )
        for group in groups.order_by("position", "id")
    )


def photo_file(public_id: str, width: int) -> Path:
    """The file of a photo in one of PHOTO_WIDTHS. Photos are no secret: whoever has the id may see it.

    Raises MenuEntryNotFound.
    """
    path = photo_folder(_asked(public_id)) / f"{width}.webp"
    if width not in PHOTO_WIDTHS or not path.is_file():
        raise errors.MenuEntryNotFound
    return path


def photo_folder(public_id: str) -> Path:
    """Where a photo's files are."""
    return Path(settings.MEDIA_ROOT) / "photos" / public_id


def read_menu_file(content: bytes) -> MenuDraft:
    """What a CSV or XLSX menu file says, with every fault by row and column: the preview before import_menu.

    Raises MenuFileUnreadable.
    """
    try:
        return rules.read_menu(sheet.read(content))
    except sheet.Unreadable as wrong:
        raise errors.MenuFileUnreadable from wrong


def menu_as_csv(shop: Shop) -> bytes:
    """The menu as a CSV file that import_menu reads back: UTF-8 with its mark, formulas made harmless."""
    return sheet.write_csv(rules.write_menu(rules.drafts_of(menu_of(shop))))


def menu_as_xlsx(shop: Shop) -> bytes:
    """The menu as an XLSX file that import_menu reads back."""
    return sheet.write_xlsx(rules.write_menu(rules.drafts_of(menu_of(shop))), "메뉴")


def sample_menu_as_csv() -> bytes:
    """A small menu file to begin with."""
    return sheet.write_csv(rules.write_menu(rules.sample_drafts()))


def sample_menu_as_xlsx() -> bytes:
    """A small menu file to begin with."""
    return sheet.write_xlsx(rules.write_menu(rules.sample_drafts()), "메뉴")


def _asked(public_id: str) -> str:
    if not _PUBLIC_ID.fullmatch(public_id):
        raise errors.MenuEntryNotFound
    return public_id


def _found(row: Row | None) -> Row:
    if row is None:
        raise errors.MenuEntryNotFound
    return row


def _option(option: Option) -> MenuOption:
    return MenuOption(
        id=option.pk, public_id=option.public_id, name=option.name, price=option.price, sold_out=option.sold_out
    )


def _group(group: OptionGroup, options: list[MenuOption]) -> MenuGroup:
    return MenuGroup(
        id=group.pk,
        public_id=group.public_id,
        name=group.name,
        least=group.least,
        most=group.most,
        options=tuple(options),
    )


def _item(item: Item, groups: list[MenuGroup]) -> MenuItem:
    photo = item.photo
    return MenuItem(
        id=item.pk,
        public_id=item.public_id,
        section=item.section.public_id,
        name=item.name,
        description=item.description,
        origin=item.origin,
        allergens=tuple(Allergen(allergen) for allergen in item.allergens),
        price=item.price,
        tax_free=item.tax_free,
        alcohol=item.alcohol,
        popular=item.popular,
        marked_sold_out=item.sold_out,
        station=item.station.name if item.station else "",
        photo=MenuPhoto(public_id=photo.public_id, width=photo.width, height=photo.height) if photo else None,
        groups=tuple(groups),
    )
