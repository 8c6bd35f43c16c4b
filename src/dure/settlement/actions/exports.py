"""Take everything with you: all of a shop in one documented file (docs/reference/shop-export.md)."""

import base64
import logging
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from datetime import date, datetime, time, timedelta
from typing import IO, Any

from django.apps import apps
from django.db import connection, models, transaction
from django.db.migrations.loader import MigrationLoader

from dure.channels import queries as channels
from dure.kit import events, ids, jobs
from dure.ledger.models import Account, Entry, Posting
from dure.menu import queries as menus
from dure.menu.models import Photo
from dure.menu.values import PHOTO_WIDTHS
from dure.payments.models import Call, Payment, Refund
from dure.people.models import Device, Person
from dure.settlement import queries, rules
from dure.settlement.engine import archive, takeout
from dure.settlement.models import Export
from dure.settlement.values import ExportState
from dure.shops.models import Shop

LEFT_OUT = {
    "settlement.Export": "the archive does not hold itself",
    "partners.ApiKey": "a key opens this Dure and no other",
    "partners.Reply": "what a program was answered here",
    "partners.Endpoint": "its secret follows from this Dure's own; programs are connected anew",
    "partners.Event": "told to programs that are connected here",
    "partners.Dispatch": "as above",
    "channels.Wish": "who waits for a dish is between that person and this Dure",
    "audiences.Frozen": "who was meant is for the platform alone and never shown; definitions travel",
    "campaigns.WeekPart": "who was meant and chosen in the market of all shops is nobody's to read",
    "campaigns.TillChoice": "whom the market of all shops gave something, or held out, is nobody's to read",
    "campaigns.Assignment": "who was held out is nobody's to read, the shop's least of all",
}
"""Tables of a shop that do not travel, and why."""
HIDDEN = {
    "payments.Payment.agreement",
    "payments.Payment.approval_token",
    "payments.Payment.redirect_url",
    "ledger.Account.balance",
}
"""Columns that open something, that are sums of others, or that lead to a person's own agreement (no shop's payment has one)."""
RANK = (
    "shops",
    "menu",
    "offers",
    "ordering",
    "checkouts",
    "regulars",
    "channels",
    "campaigns",
    "lift",
    "payments",
    "ledger",
)
KEPT_FOR = timedelta(days=7)
EVERY = 2_000
Told = Callable[[int, int], None]
_log = logging.getLogger(__name__)


def ask_export(*, shop: Shop, by: str, at: datetime) -> Export:
    """Have everything of the shop written into one file, by a job. While one is being written, that one is it.

    Joins the caller's transaction. Publishes nothing; rings when it is ready.
    """
    with transaction.atomic():
        Shop.objects.select_for_update(no_key=True).get(pk=shop.pk)
        waiting = Export.objects.filter(shop=shop, state__in=[ExportState.ASKED, ExportState.RUNNING]).first()
        if waiting and waiting.asked_at > at - timedelta(hours=1):
            return waiting
        made = Export.objects.create(shop=shop, public_id=ids.new_public_id("exp"), by=by, asked_at=at)
        jobs.enqueue("settlement.export", export_id=made.pk, shop_id=shop.pk)
        return made


def write_export(*, export: Export, at: datetime) -> Export:
    """Write the file of an export, telling how far it is. Repeat-safe: a file that is there stays; one that a crash left
    half is written anew. Rings."""
    if export.state == ExportState.READY:
        return export
    _tell(export, state=ExportState.RUNNING)
    path = queries.export_file_of(export)
    path.parent.mkdir(parents=True, exist_ok=True)
    half = path.with_suffix(".half")
    try:
        with half.open("wb") as file:
            _write_beside(export, file)
        half.replace(path)
    except Exception:
        _tell(export, state=ExportState.FAILED)
        raise
    _tell(export, state=ExportState.READY, done_at=at, size=path.stat().st_size)
    return export


def drop_exports(*, at: datetime) -> int:
    """Remove files that were ready for a week; asking again writes anew. Returns how many."""
    old = Export.objects.filter(state=ExportState.READY, done_at__lt=at - KEPT_FOR)
    for export in old:
        queries.export_file_of(export).unlink(missing_ok=True)
        _tell(export, state=ExportState.GONE)
    return len(old)


def _tell(export: Export, **changes: Any) -> None:
    if "state" in changes and not rules.export_may_move(ExportState(export.state), changes["state"]):
        raise RuntimeError(f"{export.public_id} cannot go from {export.state} to {changes['state']}")
    Export.objects.filter(pk=export.pk).update(**changes)
    for name, value in changes.items():
        setattr(export, name, value)
    events.ring(f"shop:{export.shop_id}")


def _write_beside(export: Export, file: IO[bytes]) -> None:
    """The shop as it stands at one instant; how far it is goes out by another connection, past the transaction."""
    with closing(connection.copy()) as beside:

        def tell(done: int, total: int) -> None:
            with beside.cursor() as cursor:
                cursor.execute("SELECT set_config('dure.shop', %s, false)", [str(export.shop_id)])
                cursor.execute(
                    "UPDATE settlement_export SET rows_done = %s, rows_total = %s WHERE id = %s",
                    [done, total, export.pk],
                )

        alone = not connection.in_atomic_block
        with transaction.atomic():
            if alone:
                with connection.cursor() as cursor:
                    cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
            write_shop(export.shop, file, tell if alone else None)


# What a shop is -----------------------------------------------------------------------------------------------------


def models_of_a_shop() -> list[type[models.Model]]:
    """Every table that holds something of a shop, each after those that it points at. A new room's table that names its
    shop travels without anybody's doing."""
    found: list[type[models.Model]] = [Shop, Payment, Refund, Call, Account, Entry, Posting]
    found += [
        model
        for model in apps.get_models()
        if model._meta.label not in LEFT_OUT
        and any(_is_shop(f) for f in model._meta.local_fields)
        and model not in found
    ]
    order: list[type[models.Model]] = []

    def place(model: type[models.Model]) -> None:
        if model in order or model not in found:
            return
        for field in model._meta.local_fields:
            target = field.related_model
            if isinstance(target, type) and target is not model:
                place(target)
        order.append(model)

    rank = {label: number for number, label in enumerate(RANK)}
    for model in sorted(found, key=lambda m: (rank.get(m._meta.app_label, len(rank)), m._meta.app_label, m.__name__)):
        place(model)
    return order


def schema() -> dict[str, str]:
    """Each room that something travels of, and its last migration: by it another Dure knows whether it is older or newer."""
    rooms = {model._meta.app_label for model in models_of_a_shop()}
    return {room: name for room, name in sorted(MigrationLoader(None).graph.leaf_nodes()) if room in rooms}


def knows(room: str, migration: str) -> bool:
    """Whether this program has had that migration, or begins with one that took its place."""
    every = MigrationLoader(None).disk_migrations
    return (room, migration) in every or any((room, migration) in one.replaces for one in every.values())


def fields_of(model: type[models.Model]) -> "list[models.Field[Any, Any]]":
    """The columns that travel."""
    return [
        field
        for field in model._meta.local_fields
        if not field.primary_key
        and not _is_shop(field)
        and not field.generated
        and f"{model._meta.label}.{field.name}" not in HIDDEN
    ]


def _is_shop(field: "models.Field[Any, Any]") -> bool:
    return field.name == "shop" and field.related_model is Shop


def rows_of(model: type[models.Model], shop: Shop) -> "models.QuerySet[Any]":
    """The shop's rows of a table, in the order in which they were born."""
    account = queries.account_of(shop)
    manager = model._default_manager
    if model is Shop:
        return manager.filter(pk=shop.pk)
    if model is Payment:
        return manager.filter(payee=account).order_by("pk")
    if model in (Refund, Call):
        return manager.filter(payment__payee=account).order_by("pk")
    if model is Entry:
        return manager.filter(pk__in=_entries(shop)).order_by("pk")
    if model is Posting:
        return manager.filter(entry__in=_entries(shop)).order_by("pk")
    if model is Account:
        moved = Posting.objects.filter(entry__in=_entries(shop))
        either = models.Q(pk__in=moved.values("source")) | models.Q(pk__in=moved.values("destination"))
        return manager.filter(either).order_by("code")
    return manager.filter(shop=shop).order_by("pk")


def _entries(shop: Shop) -> "models.QuerySet[Any]":
    """Entries that move an account of the shop, or of one of its friends."""
    relation = apps.get_model("regulars.Relation")
    friends = list(relation._default_manager.filter(shop=shop).values_list("public_id", flat=True))
    here = Account.objects.filter(code__contains=shop.public_id)
    theirs = Account.objects.filter(code__in=[f"points:{name}" for name in friends])
    ours = list((here | theirs).values_list("pk", flat=True))
    postings = Posting.objects.filter(models.Q(source__in=ours) | models.Q(destination__in=ours))
    return postings.values("entry_id")


# Writing ------------------------------------------------------------------------------------------------------------


class Names:
    """What rows and people are called in one archive."""

    def __init__(self) -> None:
        self.rows: dict[type[models.Model], dict[int, str]] = {}
        self.people: dict[int, str] = {}
        self.phones: dict[int, str] = {}
        self._by_public_id: dict[str, int | None] = {}
        self.models = {model.__name__.lower(): model for model in models_of_a_shop()}

    def row(self, model: type[models.Model], pk: int) -> str:
        return self.rows[model][pk]

    def person(self, pk: int) -> str:
        return self.people.setdefault(pk, f"p{len(self.people) + 1}")

    def phone(self, pk: int) -> str:
        return self.phones.setdefault(pk, f"d{len(self.phones) + 1}")

    def within(self, field: str, text: str) -> str:
        """A text without anybody's id, and in keys and references without a row's number."""
        text = takeout.PERSON.sub(self._hide, text)
        if field in takeout.BY:
            text = takeout.PHONE.sub(lambda m: f"{m[1]}<{self.phone(int(m[2]))}>", text)
        if field in takeout.KEYS:
            text = takeout.ROW.sub(self._name, text)
        return text

    def _hide(self, match: re.Match[str]) -> str:
        if match[0] not in self._by_public_id:
            self._by_public_id[match[0]] = (
                Person.objects.filter(public_id=match[0]).values_list("pk", flat=True).first()
            )
        pk = self._by_public_id[match[0]]
        return match[0] if pk is None else f"<{self.person(pk)}>"

    def _name(self, match: re.Match[str]) -> str:
        model = self.models.get(match[1])
        name = self.rows.get(model, {}).get(int(match[2])) if model else None
        return f"{match[1]}:<{name}>" if name else match[0]


def write_shop(shop: Shop, file: IO[bytes], tell: Told | None = None) -> None:
    """Everything of `shop` into `file`. The connection must stand in the shop or across shops."""
    tables = models_of_a_shop()
    total = sum(rows_of(model, shop).count() for model in tables)
    names, done = Names(), 0
    writer = archive.Writer(file, shop.public_id, schema())
    for model in tables:
        named = names.rows.setdefault(model, {})
        fields = fields_of(model)

        def written(
            model: type[models.Model] = model, named: dict[int, str] = named, fields: Any = fields
        ) -> Iterator[dict[str, Any]]:
            nonlocal done
            for place, row in enumerate(rows_of(model, shop).iterator(chunk_size=1_000), start=1):
                line = {field.name: _value(row, field, names, shop) for field in fields}
                named[row.pk] = natural_name(line, place)
                yield line
                done += 1
                if tell and (done % EVERY == 0 or done == total):
                    tell(done, total)

        writer.table(model._meta.label, written())
    for photo in Photo.objects.filter(shop=shop).order_by("pk"):
        for width in PHOTO_WIDTHS:
            path = menus.photo_folder(photo.public_id) / f"{width}.webp"
            if path.is_file():
                writer.file(f"photos/{photo.public_id}/{width}.webp", path.read_bytes())
    for name in channels.pictures_shown_at(shop):
        path = channels.picture_file(name)
        if path.is_file():
            writer.file(f"chats/{name}.webp", path.read_bytes())
    writer.file("menu.csv", menus.menu_as_csv(shop))
    writer.close()


def natural_name(line: Mapping[str, Any], place: int) -> str:
    """What other rows of an archive call this one: its public id, its key, its code, or its place."""
    return str(line.get("public_id") or line.get("key") or line.get("code") or f"#{place}")


def without_mark(key: str, shop: Shop) -> str:
    """A key without what an import put behind it to keep it apart from the keys that were there before."""
    return key.removesuffix(f"@{shop.public_id}")


def _value(row: models.Model, field: "models.Field[Any, Any]", names: Names, shop: Shop) -> Any:
    value = getattr(row, field.attname)
    target = field.related_model
    if value is None:
        return None
    if target is Person:
        return names.person(value)
    if target is Device:
        return names.phone(value)
    if isinstance(target, type):
        if target is type(row) and value not in names.rows[target]:
            return target._default_manager.values_list("public_id", flat=True).get(pk=value)
        return names.row(target, value)
    if isinstance(value, datetime | date | time):
        return value.isoformat()
    if isinstance(value, bytes | memoryview):
        return base64.b64encode(bytes(value)).decode()
    if field.name in takeout.KEYS and isinstance(value, str):
        value = without_mark(value, shop)
    return takeout.everywhere(value, lambda text: names.within(field.name, text))
