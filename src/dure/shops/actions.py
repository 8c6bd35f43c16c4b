"""Everything done with shops, their tables and their staff. "Rings" means: whoever looks at the shop's menu or console
sees the change."""

import re
from collections.abc import Callable, Mapping
from datetime import datetime, time, timedelta
from typing import Any, Protocol

from django.conf import settings
from django.contrib.auth.base_user import AbstractBaseUser
from django.db import transaction

from dure.kit import events, ids
from dure.kit.language import clean
from dure.shops import errors, rules
from dure.shops.models import Membership, RetiredCode, Shop, Table
from dure.shops.values import Category, PayTiming, Role, Seating

NAME_MAX = 40
TABLES_MAX = 300
PAUSE_MINUTES_MAX = 720
CONCESSION_MAX = 10_000_000


@transaction.atomic
def open_shop(
    *,
    name: str,
    name_en: str = "",
    category: str = Category.KOREAN,
    pay_timing: str = PayTiming.FIRST,
    owner: AbstractBaseUser,
    tables: int = 0,
    at: datetime,
    **more: object,
) -> Shop:
    """A new shop with its owner, tables named 1 to `tables`, each with its own code, and the usual hours of its category.

    `more` takes whatever `update_shop` takes. Refuses NameMissing, TooManyTables, HoursUnclear, ChangeUnclear.
    Not repeat-safe: each call opens a shop.
    """
    first: dict[str, object] = {"name": name, "name_en": name_en, "category": category, "pay_timing": pay_timing}
    changes = _read({**first, "hours": _usual_hours(category), **more})
    if not 0 <= tables <= TABLES_MAX:
        raise errors.TooManyTables
    shop = Shop.objects.create(public_id=ids.new_public_id("shp"), created_at=at, **changes)
    Membership.objects.create(shop=shop, person_id=owner.pk, role=Role.OWNER, since_at=at)
    Table.objects.bulk_create(_table(shop, str(number), number) for number in range(1, tables + 1))
    return shop


@transaction.atomic
def update_shop(*, shop: Shop, by: str, at: datetime, **changes: object) -> Shop:
    """The shop with these fields changed: names, category, address, district, phone, business_number, hours,
    day_starts_at, pay_timing, seating, takes_online, ways_off, skin, character, cooking_minutes, accept_minutes,
    concession_limit, concession_day_limit, regular_visits, regular_days, lapsed_days.

    Refuses NameMissing, HoursUnclear, ChangeUnclear (with the field), NoWayLeft, ShopClosed. Rings. Repeat-safe.
    """
    read = _read(changes)
    held = _held(shop)
    for field, value in read.items():
        setattr(held, field, value)
    if {"takes_online", "ways_off"} & set(read) and not rules.everybody_can_pay(
        settings.WAYS_TO_PAY, online=held.takes_online, off=held.ways_off
    ):
        raise errors.NoWayLeft(field="ways")
    held.save(update_fields=list(read))
    _ring(held.pk)
    return held


@transaction.atomic
def pause_orders(*, shop: Shop, minutes: int, by: str, at: datetime) -> Shop:
    """No orders for `minutes` (1 to 720) from `at`; a later pause replaces this one.

    Refuses PauseUnclear, ShopClosed. Rings. Repeat-safe.
    """
    if not 1 <= minutes <= PAUSE_MINUTES_MAX:
        raise errors.PauseUnclear
    return _pause_until(shop, at + timedelta(minutes=minutes))


@transaction.atomic
def resume_orders(*, shop: Shop, by: str, at: datetime) -> Shop:
    """Orders again, as the hours allow. Refuses ShopClosed. Rings. Repeat-safe."""
    return _pause_until(shop, None)


@transaction.atomic
def close_shop(*, shop: Shop, by: str, at: datetime) -> Shop:
    """The shop takes no orders ever again; what it sold stays. Rings. Refuses ShopClosed when repeated."""
    held = _held(shop)
    held.closed_at = at
    held.save(update_fields=["closed_at"])
    _ring(held.pk)
    return held


@transaction.atomic
def hire(*, shop: Shop, person: AbstractBaseUser, role: str, by: str, at: datetime) -> Membership:
    """The person works in the shop. Refuses AlreadyHired (also when repeated), ChangeUnclear for no such role."""
    held = _held(shop)
    if Membership.objects.filter(shop=held, person_id=person.pk).exists():
        raise errors.AlreadyHired
    return Membership.objects.create(shop=held, person_id=person.pk, role=_one_of(Role)(role), since_at=at)


@transaction.atomic
def change_role(*, shop: Shop, person: AbstractBaseUser, role: str, by: str, at: datetime) -> Membership:
    """The person's role is `role` from now. Refuses MemberNotFound, LastOwner. Repeat-safe."""
    member = _member(_held(shop), person.pk)
    read = _one_of(Role)(role)
    if member.role == Role.OWNER and read != Role.OWNER:
        _keep_an_owner(member)
    member.role = read
    member.save(update_fields=["role"])
    return member


@transaction.atomic
def dismiss(*, shop: Shop, person: AbstractBaseUser, by: str, at: datetime) -> None:
    """The person no longer works in the shop. Refuses LastOwner; MemberNotFound also when repeated."""
    member = _member(_held(shop), person.pk)
    if member.role == Role.OWNER:
        _keep_an_owner(member)
    member.delete()


class PersonGone(Protocol):
    """The part of people's PersonErased that this room hears; neither room knows the other."""

    @property
    def person_id(self) -> int: ...


@transaction.atomic
def cut_off_person(fact: PersonGone) -> None:
    """Whoever is erased works nowhere. Refuses LastOwner while an open shop would be left without one. Repeat-safe."""
    memberships = Membership.objects.select_for_update(of=("self",)).filter(person_id=fact.person_id)
    for member in memberships.select_related("shop").order_by("shop_id"):
        if member.role == Role.OWNER and member.shop.closed_at is None:
            _keep_an_owner(member)
        member.delete()


@transaction.atomic
def add_table(*, shop: Shop, name: str, by: str, at: datetime) -> Table:
    """One more table, last in order, with a code of its own.

    Refuses NameMissing, TableNameTaken, TooManyTables, ShopClosed. Rings. Not repeat-safe by itself: the
    same name again is TableNameTaken.
    """
    held = _held(shop)
    in_use = Table.objects.filter(shop=held, retired_at__isnull=True)
    if in_use.count() >= TABLES_MAX:
        raise errors.TooManyTables
    last = in_use.order_by("-position").values_list("position", flat=True).first() or 0
    table = _table(held, _free_name(held, name), last + 1)
    table.save()
    _ring(held.pk)
    return table


@transaction.atomic
def rename_table(*, table: Table, name: str, by: str, at: datetime) -> Table:
    """The table is called `name`; its code stays. Refuses NameMissing, TableNameTaken, OldCode (retired). Repeat-safe."""
    held = _held_table(table)
    held.name = _free_name(held.shop, name, but=held)
    held.save(update_fields=["name"])
    _ring(held.shop_id)
    return held


@transaction.atomic
def retire_table(*, table: Table, by: str, at: datetime) -> None:
    """The table is gone and its code is old. Refuses OldCode when repeated. Rings."""
    held = _held_table(table)
    held.retired_at = at
    held.save(update_fields=["retired_at"])
    _ring(held.shop_id)


@transaction.atomic
def renew_code(*, table: Table, by: str, at: datetime) -> Table:
    """The table with a new code; whoever scans the old one is told that it is old.

    Refuses OldCode (retired table). Rings. Not repeat-safe: each call makes the code before it old.
    """
    held = _held_table(table)
    RetiredCode.objects.create(shop_id=held.shop_id, code=held.code, retired_at=at)
    held.code = ids.new_code(16)
    held.save(update_fields=["code"])
    _ring(held.shop_id)
    return held


def _ring(shop_id: int) -> None:
    events.ring(f"shop:{shop_id}", f"menu:{shop_id}")


def _held(shop: Shop) -> Shop:
    held = Shop.objects.select_for_update().get(pk=shop.pk)
    if held.closed_at is not None:
        raise errors.ShopClosed
    return held


def _held_table(table: Table) -> Table:
    shop = _held(table.shop)
    held = Table.objects.select_for_update().get(pk=table.pk)
    if held.retired_at is not None:
        raise errors.OldCode
    held.shop = shop
    return held


def _pause_until(shop: Shop, until: datetime | None) -> Shop:
    held = _held(shop)
    held.paused_until = until
    held.save(update_fields=["paused_until"])
    _ring(held.pk)
    return held


def _member(shop: Shop, person_id: int) -> Membership:
    member = Membership.objects.select_for_update().filter(shop=shop, person_id=person_id).first()
    if member is None:
        raise errors.MemberNotFound
    return member


def _keep_an_owner(member: Membership) -> None:
    """Under the shop's lock, so that two owners cannot leave at once."""
    Shop.objects.select_for_update().get(pk=member.shop_id)
    if not Membership.objects.filter(shop_id=member.shop_id, role=Role.OWNER).exclude(pk=member.pk).exists():
        raise errors.LastOwner


def _table(shop: Shop, name: str, position: int) -> Table:
    return Table(shop=shop, public_id=ids.new_public_id("tbl"), code=ids.new_code(16), name=name, position=position)


def _free_name(shop: Shop, name: str, but: Table | None = None) -> str:
    read = _name(name)
    namesakes = Table.objects.filter(shop=shop, retired_at__isnull=True, name=read)
    if any(table != but for table in namesakes):
        raise errors.TableNameTaken
    return read


def _name(value: object) -> str:
    read = clean(str(value))
    if not 1 <= len(read) <= NAME_MAX:
        raise errors.NameMissing
    return read


def _text(most: int) -> Callable[[object], str]:
    def read(value: object) -> str:
        text = clean(str(value))
        if len(text) > most:
            raise ValueError("too long")
        return text

    return read


def _matching(pattern: str) -> Callable[[object], str]:
    def read(value: object) -> str:
        text = clean(str(value))
        if text and not re.fullmatch(pattern, text):
            raise ValueError("does not look right")
        return text

    return read


def _number(least: int, most: int) -> Callable[[object], int]:
    def read(value: object) -> int:
        number = int(str(value))
        if not least <= number <= most:
            raise ValueError("out of range")
        return number

    return read


def _one_of(words: type[Role | PayTiming | Seating | Category]) -> Callable[[object], str]:
    def read(value: object) -> str:
        return words(str(value))

    return read


def _ways(value: object) -> list[str]:
    if not isinstance(value, list | tuple | set | frozenset) or len(value) > 20:
        raise ValueError("a list of ways")
    if not all(isinstance(way, str) and re.fullmatch(r"[a-z0-9_-]{1,40}", way) for way in value):
        raise ValueError("no way to pay")
    return sorted(set(value))


def _business_number(value: object) -> str:
    digits = re.sub(r"[\s-]", "", str(value))
    if digits and not rules.business_number_holds(digits):
        raise ValueError("no business number")
    return f"{digits[:3]}-{digits[3:5]}-{digits[5:]}" if digits else ""


def _time(value: object) -> time:
    return value if isinstance(value, time) else time.fromisoformat(str(value))


def _usual_hours(category: str) -> object:
    try:
        return rules.usual_hours(category)
    except ValueError as wrong:
        raise errors.ChangeUnclear(field="category") from wrong


_READERS: dict[str, Callable[[object], Any]] = {
    "name": _name,
    "name_en": _text(NAME_MAX),
    "category": _one_of(Category),
    "address": _text(120),
    "district": _text(60),
    "phone": _matching(r"[0-9+()\- ]{8,20}"),
    "business_number": _business_number,
    "day_starts_at": _time,
    "pay_timing": _one_of(PayTiming),
    "seating": _one_of(Seating),
    "takes_online": bool,
    "ways_off": _ways,
    "skin": _matching(r"[a-z0-9-]{1,40}"),
    "character": _matching(r"[a-z0-9-]{1,40}"),
    "cooking_minutes": _number(1, 180),
    "accept_minutes": _number(3, 60),
    "concession_limit": _number(0, CONCESSION_MAX),
    "concession_day_limit": _number(0, CONCESSION_MAX),
    "regular_visits": _number(2, 100),
    "regular_days": _number(7, 365),
    "lapsed_days": _number(7, 365),
}


def _read(changes: Mapping[str, object]) -> dict[str, Any]:
    """Each change as the shop keeps it, or the refusal that says which one cannot be."""
    kept: dict[str, Any] = {}
    for field, value in changes.items():
        try:
            kept[field] = rules.read_hours(value) if field == "hours" else _READERS[field](value)
        except ValueError as wrong:
            raise (errors.HoursUnclear if field == "hours" else errors.ChangeUnclear)(field=field) from wrong
    return kept
