"""Everything done with a menu. "Rings" means: whoever looks at the shop's menu or console sees the change."""

import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import IO, Any, TypeVar

from django.db import transaction
from django.db.models import Max

from dure.kit import events, ids
from dure.kit.language import clean
from dure.menu import errors, queries, rules
from dure.menu.engine import photo as engine
from dure.menu.events import ItemReturned
from dure.menu.models import Item, Option, OptionGroup, Photo, Section, Station
from dure.menu.values import Allergen, GroupDraft, ImportReport, ItemDraft, OptionDraft, Words
from dure.shops.models import Shop

Row = TypeVar("Row")
Rung = TypeVar("Rung", Section, Item, Option)

PHOTO_BYTES_MAX = 10_000_000
PHOTO_SECONDS_MAX = 15
SECTIONS_MAX = 100


@transaction.atomic
def add_station(*, shop: Shop, name: str, by: str, at: datetime) -> Station:
    """A place in the kitchen, last in order. Refuses TextUnclear, StationNameTaken (also when repeated)."""
    _hold(shop)
    stations = Station.objects.filter(shop=shop)
    read = _name("name", name)
    if stations.filter(name=read).exists():
        raise errors.StationNameTaken
    return Station.objects.create(
        shop=shop, public_id=ids.new_public_id("stn"), name=read, position=_after(stations.aggregate(Max("position")))
    )


@transaction.atomic
def add_section(*, shop: Shop, name: Words, by: str, at: datetime) -> Section:
    """A heading, last in order. Refuses TextUnclear, TooMuchMenu. Rings. Not repeat-safe."""
    _hold(shop)
    return _add_section(shop, _words("name", name))


@transaction.atomic
def rename_section(*, shop: Shop, section: Section, name: Words, by: str, at: datetime) -> Section:
    """The section is called `name`. Refuses TextUnclear, MenuEntryNotFound. Rings. Repeat-safe."""
    held = _held_section(shop, section)
    held.name = _words("name", name)
    held.save(update_fields=["name"])
    return _rung(held)


@transaction.atomic
def move_section(*, shop: Shop, section: Section, to: int, by: str, at: datetime) -> Section:
    """The section stands at place `to`, counted from 0. Refuses MenuEntryNotFound. Rings. Repeat-safe."""
    _hold(shop)
    held = _held_section(shop, section)
    _place(held, list(queries.sections_of(shop)), to)
    return _rung(held)


@transaction.atomic
def remove_section(*, shop: Shop, section: Section, by: str, at: datetime) -> None:
    """The heading is gone. Refuses SectionInUse; MenuEntryNotFound also when repeated. Rings."""
    _hold(shop)
    held = _held_section(shop, section)
    if Item.objects.filter(shop=shop, section=held, retired_at__isnull=True).exists():
        raise errors.SectionInUse
    held.delete()
    _ring(shop.pk)


@transaction.atomic
def add_item(*, shop: Shop, section: Section, name: Words, price: int, by: str, at: datetime, **more: object) -> Item:
    """An item, last in its section. `more`: description, origin, allergens, tax_free, alcohol, popular, sold_out, station.

    Refuses TextUnclear, PriceUnclear, TooMuchMenu, MenuEntryNotFound. Rings. Not repeat-safe.
    """
    _hold(shop)
    first: dict[str, object] = {"section": section, "name": name, "price": price}
    if Item.objects.filter(shop=shop, retired_at__isnull=True).count() >= rules.ITEMS_MAX:
        raise errors.TooMuchMenu
    return _rung(_add_item(shop, _read_item(shop, {**first, **more})))


@transaction.atomic
def change_item(*, shop: Shop, item: Item, by: str, at: datetime, **changes: object) -> Item:
    """The item with these changes: what add_item takes, section too. Orders already placed keep their names and prices.

    Refuses TextUnclear, PriceUnclear, BelowZero, MenuEntryNotFound. Rings. Repeat-safe.
    """
    held = _held_item(shop, item)
    read = _read_item(shop, changes)
    if "price" in read and rules.lowest_price(read["price"], queries.groups_of(held)) < 0:
        raise errors.BelowZero
    gone = held.sold_out
    _set(held, read)
    _come_back(held, gone, at)
    return _rung(held)


@transaction.atomic
def move_item(*, shop: Shop, item: Item, to: int, by: str, at: datetime) -> Item:
    """The item stands at place `to` of its section, counted from 0. Rings. Repeat-safe."""
    _hold(shop)
    held = _held_item(shop, item)
    standing = Item.objects.filter(shop=shop, section_id=held.section_id, retired_at__isnull=True)
    _place(held, list(standing.order_by("position", "id")), to)
    return _rung(held)


@transaction.atomic
def retire_item(*, shop: Shop, item: Item, by: str, at: datetime) -> None:
    """The item is off the menu; orders keep it. Rings. Refuses MenuEntryNotFound when repeated."""
    held = _held_item(shop, item)
    held.retired_at = at
    held.save(update_fields=["retired_at"])
    _rung(held)


@transaction.atomic
def mark_sold_out(*, shop: Shop, item: Item, sold_out: bool, by: str, at: datetime) -> Item:
    """The item is sold out, or there again. Refuses MenuEntryNotFound. Rings, says ItemReturned. Repeat-safe."""
    held = _held_item(shop, item)
    gone, held.sold_out = held.sold_out, sold_out
    held.save(update_fields=["sold_out"])
    _come_back(held, gone, at)
    return _rung(held)


@transaction.atomic
def mark_option_sold_out(*, shop: Shop, option: Option, sold_out: bool, by: str, at: datetime) -> Option:
    """The option is sold out, or there again. Refuses MenuEntryNotFound. Rings, says ItemReturned. Repeat-safe."""
    held = _found(Option.objects.select_for_update().filter(shop=shop, pk=option.pk).first())
    gone, held.sold_out = held.sold_out, sold_out
    held.save(update_fields=["sold_out"])
    if not held.group.item.sold_out:
        _come_back(held.group.item, gone and not sold_out, at)
    return _rung(held)


@transaction.atomic
def put_options(*, shop: Shop, item: Item, groups: Sequence[GroupDraft], by: str, at: datetime) -> Item:
    """The item has exactly these option groups, in this order. A group or option with a known public_id, else with a
    known Korean name, keeps its identity, so baskets that hold it stay good; the others are gone.

    Refuses TextUnclear, PriceUnclear, OptionsUnclear, BelowZero, TooMuchMenu, MenuEntryNotFound. Rings.
    Repeat-safe.
    """
    held = _held_item(shop, item)
    _put_options(held, _read_groups(held.price, groups))
    return _rung(held)


def store_photo(*, shop: Shop, item: Item, file: IO[bytes], by: str, at: datetime) -> Photo:
    """The item's picture, re-encoded in three widths without metadata; the old one's files go once this one holds.

    The file is decoded in a process of its own with little memory and time. Refuses PhotoTooLarge (over 10 MB, 25
    megapixels), PhotoUnreadable (no JPEG, PNG or WebP), MenuEntryNotFound. Rings. Not repeat-safe.
    """
    public_id = ids.new_public_id("pho")
    width, height = encode_photo(file=file, folder=queries.photo_folder(public_id))
    with transaction.atomic():
        held = _held_item(shop, item)
        old = held.photo
        held.photo = Photo.objects.create(shop=shop, public_id=public_id, width=width, height=height, uploaded_at=at)
        held.save(update_fields=["photo"])
        _drop(old)
        _rung(held)
    return held.photo


def encode_photo(*, file: IO[bytes], folder: Path) -> tuple[int, int]:
    """Draw a picture of another room's again, as `store_photo` does and refusing what it refuses: `folder` holds its files,
    complete or not at all. The largest one's width and height."""
    content = file.read(PHOTO_BYTES_MAX + 1)
    if len(content) > PHOTO_BYTES_MAX:
        raise errors.PhotoTooLarge
    return _reencode(content, folder)


@contextmanager
def fresh_photo(*, shop: Shop, file: IO[bytes], at: datetime) -> Iterator[Photo]:
    """A picture for another room of the shop, re-encoded as `store_photo` does and refusing what it refuses. The block is one
    transaction: where it fails there is no photo, and no file either."""
    public_id = ids.new_public_id("pho")
    width, height = encode_photo(file=file, folder=queries.photo_folder(public_id))
    try:
        with transaction.atomic():
            yield Photo.objects.create(shop=shop, public_id=public_id, width=width, height=height, uploaded_at=at)
    except BaseException:
        shutil.rmtree(queries.photo_folder(public_id), ignore_errors=True)
        raise


def drop_photo(*, photo: Photo | None) -> None:
    """Let go of a picture that nobody shows any more; its files go once that holds. Repeat-safe."""
    _drop(photo)


@transaction.atomic
def remove_photo(*, shop: Shop, item: Item, by: str, at: datetime) -> Item:
    """The item has no picture. Refuses MenuEntryNotFound. Rings. Repeat-safe."""
    held = _held_item(shop, item)
    old, held.photo = held.photo, None
    held.save(update_fields=["photo"])
    _drop(old)
    return _rung(held)


@transaction.atomic
def import_menu(*, shop: Shop, file: IO[bytes], by: str, at: datetime) -> ImportReport:
    """The menu has every item of the CSV or XLSX file, in the file's order, all or nothing. An item is the one with the
    file's id, else the one of that name in that section, else new. Items that the file does not name stay as they are,
    so do photos, and whatever the file has no column for.

    Refuses MenuFileUnreadable, MenuFileFaulty (with every fault by row and column), TooMuchMenu. Rings.
    Repeat-safe: the same file again changes nothing.
    """
    draft = queries.read_menu_file(file.read(queries.MENU_FILE_BYTES_MAX + 1))
    if draft.faults:
        raise errors.MenuFileFaulty(draft.faults)
    _hold(shop)
    sections = {section.name["ko"]: section for section in queries.sections_of(shop)}
    sections_before = len(sections)
    standing = list(Item.objects.select_for_update().filter(shop=shop, retired_at__isnull=True).order_by("id"))
    by_id = {item.public_id: item for item in standing}
    claimed = {entry.public_id for entry in draft.items}
    by_name = {(item.section_id, item.name["ko"]): item for item in standing if item.public_id not in claimed}
    added = 0
    for position, entry in enumerate(draft.items, start=1):
        section = _section_for(shop, sections, entry.section)
        read = {**_columns(shop, entry, draft.columns, by, at), "section": section, "position": position}
        item = by_id.get(entry.public_id) or by_name.get((section.pk, entry.name["ko"]))
        if item is None:
            added += 1
            if len(standing) + added > rules.ITEMS_MAX:
                raise errors.TooMuchMenu
            item = _add_item(shop, read)
        else:
            gone = item.sold_out
            _set(item, read)
            _come_back(item, gone, at)
        if "option" in draft.columns:
            _put_options(item, entry.groups)
        elif rules.lowest_price(item.price, queries.groups_of(item)) < 0:
            raise errors.BelowZero(item=entry.name["ko"])
    _ring(shop.pk)
    return ImportReport(added=added, changed=len(draft.items) - added, sections_added=len(sections) - sections_before)


def _hold(shop: Shop) -> None:
    """Order and limits are the whole menu's: who changes them goes one after the other."""
    Shop.objects.select_for_update().get(pk=shop.pk)


def _held_section(shop: Shop, section: Section) -> Section:
    return _found(Section.objects.select_for_update().filter(shop=shop, pk=section.pk).first())


def _held_item(shop: Shop, item: Item) -> Item:
    standing = Item.objects.select_for_update(of=("self",)).filter(shop=shop, pk=item.pk, retired_at__isnull=True)
    return _found(standing.select_related("photo").first())


def _come_back(item: Item, gone: bool, at: datetime) -> None:
    """Say so where an item that was `gone` can be ordered again."""
    if gone and not item.sold_out:
        item.back_at = at
        item.save(update_fields=["back_at"])
        events.publish(ItemReturned(shop_id=item.shop_id, item_id=item.pk, at=at))


def _found(row: Row | None) -> Row:
    if row is None:
        raise errors.MenuEntryNotFound
    return row


def _rung(row: Rung) -> Rung:
    _ring(row.shop_id)
    return row


def _ring(shop_id: int) -> None:
    events.ring(f"shop:{shop_id}", f"menu:{shop_id}")


def _after(found: Mapping[str, int | None]) -> int:
    return (found["position__max"] or 0) + 1


def _place(moved: Any, rows: list[Any], to: int) -> None:
    others = [row for row in rows if row.pk != moved.pk]
    others.insert(max(0, min(to, len(others))), moved)
    for position, row in enumerate(others, start=1):
        row.position = position
    type(moved).objects.bulk_update(others, ["position"])


def _set(row: Item | OptionGroup | Option, values: Mapping[str, object]) -> None:
    for field, value in values.items():
        setattr(row, field, value)
    row.save(update_fields=list(values))


def _add_section(shop: Shop, name: Words) -> Section:
    sections = Section.objects.filter(shop=shop)
    if sections.count() >= SECTIONS_MAX:
        raise errors.TooMuchMenu
    position = _after(sections.aggregate(Max("position")))
    return _rung(Section.objects.create(shop=shop, public_id=ids.new_public_id("sec"), name=name, position=position))


def _add_item(shop: Shop, values: Mapping[str, Any]) -> Item:
    section_items = Item.objects.filter(shop=shop, section=values["section"])
    position = values.get("position") or _after(section_items.aggregate(Max("position")))
    return Item.objects.create(**{**values, "shop": shop, "public_id": ids.new_public_id("itm"), "position": position})


def _section_for(shop: Shop, sections: dict[str, Section], name: Words) -> Section:
    """The section of this Korean name, made where it is missing, its English brought up to date."""
    section = sections.get(name["ko"])
    if section is None:
        section = sections[name["ko"]] = _add_section(shop, name)
    elif name.get("en") and section.name != name:
        section.name = name
        section.save(update_fields=["name"])
    return section


def _columns(shop: Shop, entry: ItemDraft, columns: frozenset[str], by: str, at: datetime) -> dict[str, object]:
    """What a file's row says of an item, as far as the file has the columns."""
    plain = ("name", "price", "description", "origin", "tax_free", "alcohol", "popular", "sold_out")
    read: dict[str, object] = {column: getattr(entry, column) for column in plain if column in columns}
    if "allergens" in columns:
        read["allergens"] = list(entry.allergens)
    if "station" in columns:
        known = queries.stations_of(shop).filter(name=entry.station).first() if entry.station else None
        read["station"] = known or (add_station(shop=shop, name=entry.station, by=by, at=at) if entry.station else None)
    return read


def _words(field: str, words: object, most: int = rules.NAME_MAX, *, needed: bool = True) -> dict[str, str]:
    if not isinstance(words, Mapping):
        raise errors.TextUnclear(field=field)
    kept = {language: clean(str(words.get(language, ""))) for language in ("ko", "en")}
    if (needed and not kept["ko"]) or any(len(text) > most for text in kept.values()):
        raise errors.TextUnclear(field=field)
    return {language: text for language, text in kept.items() if text}


def _name(field: str, text: str) -> str:
    return _words(field, {"ko": text})["ko"]


def _price(value: object, least: int = 0) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= rules.PRICE_MAX:
        raise errors.PriceUnclear
    return value


def _allergens(value: object) -> list[str]:
    try:
        return list(rules.ordered_allergens(Allergen(str(word)) for word in value))  # type: ignore[attr-defined]
    except (TypeError, ValueError) as wrong:
        raise errors.TextUnclear(field="allergens") from wrong


_READERS: dict[str, Callable[[Any], Any]] = {
    "name": lambda value: _words("name", value),
    "description": lambda value: _words("description", value, rules.DESCRIPTION_MAX, needed=False),
    "origin": lambda value: _words("origin", value, rules.DESCRIPTION_MAX, needed=False),
    "price": _price,
    "allergens": _allergens,
    "tax_free": bool,
    "alcohol": bool,
    "popular": bool,
    "sold_out": bool,
}


def _read_item(shop: Shop, changes: Mapping[str, Any]) -> dict[str, Any]:
    """Each change as an item keeps it; a section and a station must be this shop's."""
    read = {field: _READERS[field](value) for field, value in changes.items() if field not in ("section", "station")}
    if "section" in changes:
        read["section"] = _held_section(shop, changes["section"])
    if "station" in changes:
        station = changes["station"]
        read["station"] = station and _found(Station.objects.filter(shop=shop, pk=station.pk).first())
    return read


def _read_groups(price: int, groups: Sequence[GroupDraft]) -> list[GroupDraft]:
    if len(groups) > rules.GROUPS_MAX or any(len(group.options) > rules.OPTIONS_MAX for group in groups):
        raise errors.TooMuchMenu
    read = [
        GroupDraft(
            name=_words("group", group.name),
            least=group.least,
            most=group.most,
            public_id=group.public_id,
            options=tuple(
                OptionDraft(
                    name=_words("option", option.name),
                    price=_price(option.price, -rules.PRICE_MAX),
                    sold_out=option.sold_out,
                    public_id=option.public_id,
                )
                for option in group.options
            ),
        )
        for group in groups
    ]
    if not all(rules.group_holds(group) for group in read):
        raise errors.OptionsUnclear
    if rules.lowest_price(price, read) < 0:
        raise errors.BelowZero
    return read


def _put_options(item: Item, groups: Sequence[GroupDraft]) -> None:
    known_groups = list(OptionGroup.objects.filter(shop_id=item.shop_id, item=item).order_by("position", "id"))
    for position, draft in enumerate(groups, start=1):
        values = {"name": draft.name, "least": draft.least, "most": draft.most, "position": position}
        group = _same(known_groups, draft)
        known_options: list[Option] = []
        if group is None:
            group = OptionGroup.objects.create(
                shop_id=item.shop_id, item=item, public_id=ids.new_public_id("grp"), **values
            )
        else:
            _set(group, values)
            known_options = list(Option.objects.filter(shop_id=item.shop_id, group=group).order_by("position", "id"))
        _put_choices(group, draft.options, known_options)
    OptionGroup.objects.filter(pk__in=[group.pk for group in known_groups]).delete()


def _put_choices(group: OptionGroup, drafts: Sequence[OptionDraft], known: list[Option]) -> None:
    new: list[Option] = []
    for position, draft in enumerate(drafts, start=1):
        values = {"name": draft.name, "price": draft.price, "sold_out": draft.sold_out, "position": position}
        option = _same(known, draft)
        if option is None:
            new.append(Option(shop_id=group.shop_id, group=group, public_id=ids.new_public_id("opt"), **values))
        else:
            _set(option, values)
    Option.objects.bulk_create(new)
    Option.objects.filter(pk__in=[option.pk for option in known]).delete()


def _same(known: list[Any], draft: GroupDraft | OptionDraft) -> Any:
    """The row that a draft means, taken out of `known`: by id, else by its Korean name."""
    for row in known:
        if draft.public_id == row.public_id or (not draft.public_id and draft.name.get("ko") == row.name.get("ko")):
            known.remove(row)
            return row
    return None


def _reencode(content: bytes, folder: Path) -> tuple[int, int]:
    """The picture's files in `folder`, complete or not at all, and the largest one's size."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    draft = Path(tempfile.mkdtemp(dir=folder.parent, prefix=".draft-"))
    try:
        size = _in_own_process(content, draft)
        draft.chmod(0o755)
        draft.rename(folder)
    finally:
        shutil.rmtree(draft, ignore_errors=True)
    return size


def _in_own_process(content: bytes, folder: Path) -> tuple[int, int]:
    program = [sys.executable, "-I", engine.__file__, str(folder)]
    try:
        done = subprocess.run(program, input=content, capture_output=True, timeout=PHOTO_SECONDS_MAX, check=False)
    except subprocess.TimeoutExpired as wrong:
        raise errors.PhotoUnreadable from wrong
    if done.returncode == engine.TOO_LARGE:
        raise errors.PhotoTooLarge
    if done.returncode != 0:
        raise errors.PhotoUnreadable
    width, height = (int(figure) for figure in done.stdout.split())
    return width, height


def _drop(old: Photo | None) -> None:
    if old is not None:
        folder = queries.photo_folder(old.public_id)
        old.delete()
        transaction.on_commit(lambda: shutil.rmtree(folder, ignore_errors=True))
