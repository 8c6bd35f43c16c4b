"""Everything read about shops, their tables and their staff."""

from datetime import date, datetime

from django.conf import settings
from django.contrib.auth.base_user import AbstractBaseUser
from django.db.models import QuerySet

from dure.kit.sql import written_once
from dure.shops import errors, rules
from dure.shops.models import Membership, RetiredCode, Shop, Table
from dure.shops.values import COUNTER, Ability, Opening, Role


def shop_by_public_id(public_id: str) -> Shop:
    """The shop, also when it closed for good. Raises ShopNotFound."""
    found = Shop.objects.filter(public_id=public_id).first() if rules.could_be_public_id(public_id) else None
    if found is None:
        raise errors.ShopNotFound
    return found


def shops_of(person: AbstractBaseUser) -> QuerySet[Shop]:
    """The shops where a person works, oldest first."""
    return Shop.objects.filter(memberships__person_id=person.pk).order_by("id")


def open_shops() -> QuerySet[Shop]:
    """Every shop that has not closed for good, oldest first."""
    return Shop.objects.filter(closed_at__isnull=True).order_by("id")


def role_of(person: AbstractBaseUser, shop: Shop) -> Role | None:
    """What a person is in a shop; None for somebody who does not work there."""
    role = Membership.objects.filter(shop=shop, person_id=person.pk).values_list("role", flat=True).first()
    return Role(role) if role else None


def membership_at(person: AbstractBaseUser, shop: str) -> Membership:
    """What a person is at the shop with this public id; ShopNotFound for whoever does not work there."""
    found = next(iter(_memberships(person.pk, shop)), None)
    if found is None:
        raise errors.ShopNotFound
    return found


@written_once
def _memberships(person_id: int, shop: str) -> QuerySet[Membership]:
    return Membership.objects.select_related("shop").filter(person_id=person_id, shop__public_id=shop)


def ways_at(shop: Shop) -> list[str]:
    """The ways in which guests may pay by phone, the default first: what the operator offers and the shop left on."""
    return rules.ways_left(settings.WAYS_TO_PAY, online=shop.takes_online, off=shop.ways_off)


def takes(shop: Shop, way: str) -> bool:
    """Whether a shop takes this way to pay; COUNTER and LINK are asked the same way."""
    return way not in shop.ways_off and (shop.takes_online or way == COUNTER)


def role_may(role: str, ability: Ability) -> bool:
    """Whether whoever has this role in a shop may do this there."""
    return rules.may(role, ability)


def may(person: AbstractBaseUser, shop: Shop, ability: Ability) -> bool:
    """Whether a person may do this in a shop."""
    return rules.may(role_of(person, shop), ability)


def staff_of(shop: Shop) -> QuerySet[Membership]:
    """Who works in a shop, with the person, longest first."""
    return Membership.objects.filter(shop=shop).select_related("person").order_by("since_at", "id")


def member_by_public_id(shop: Shop, public_id: str) -> Membership:
    """The membership of the person with this public id. Raises MemberNotFound."""
    found = staff_of(shop).filter(person__public_id=public_id).first() if rules.could_be_public_id(public_id) else None
    if found is None:
        raise errors.MemberNotFound
    return found


def table_by_code(code: str) -> Table:
    """The table in use, with its shop, that carries this printed code.

    Raises OldCode for a code that was printed once, TableNotFound for anything else.
    """
    printed = rules.could_be_code(code)
    if printed is None:
        raise errors.TableNotFound
    found = next(iter(_tables_coded(printed)), None)
    if found is not None and found.retired_at is None:
        return found
    if found is not None or RetiredCode.objects.filter(code=printed).exists():
        raise errors.OldCode
    raise errors.TableNotFound


@written_once
def _tables_coded(code: str) -> QuerySet[Table]:
    return Table.objects.select_related("shop").filter(code=code)


def table_by_public_id(shop: Shop, public_id: str) -> Table:
    """A table in use of this shop. Raises TableNotFound."""
    found = tables_of(shop).filter(public_id=public_id).first() if rules.could_be_public_id(public_id) else None
    if found is None:
        raise errors.TableNotFound
    return found


def tables_of(shop: Shop) -> QuerySet[Table]:
    """The tables in use, in the owner's order."""
    return Table.objects.filter(shop=shop, retired_at__isnull=True).order_by("position", "id")


def business_day(shop: Shop, at: datetime) -> date:
    """The day that `at` belongs to in this shop: the one meaning of "today"."""
    return rules.business_day(shop.day_starts_at, at)


def opening(shop: Shop, at: datetime) -> Opening:
    """Whether the shop takes orders at `at`, and from or until when."""
    return rules.opening(hours=shop.hours, paused_until=shop.paused_until, closed_at=shop.closed_at, at=at)
