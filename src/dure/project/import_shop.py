"""`dure import-shop FILE`: a shop that left another Dure moves in, without loss.

It is a restoration, so it writes the rows of every room as they were and tells nobody: no message goes out, no money moves.
What the archive says is checked, never believed, and all of it happens or nothing. A column that is younger than the archive
has its model's default; pictures are drawn again, as whatever comes from outside.
"""

import base64
import io
import os
import re
import shutil
from collections.abc import Mapping
from contextlib import ExitStack
from datetime import datetime
from pathlib import Path
from typing import Any

from django.contrib.auth.hashers import make_password
from django.core.exceptions import ValidationError
from django.db import DatabaseError, connection, models, transaction

from dure.channels import queries as channels
from dure.channels.models import ChatLine
from dure.kit import ids
from dure.kit.errors import Invalid, Refused
from dure.kit.language import say
from dure.ledger.models import Account
from dure.menu import actions as menu
from dure.menu import queries as menus
from dure.menu.errors import PhotoTooLarge, PhotoUnreadable
from dure.menu.models import Photo
from dure.menu.values import PHOTO_WIDTHS
from dure.payments.models import Payment
from dure.people.models import Device, Person
from dure.settlement.actions.exports import Names, fields_of, knows, models_of_a_shop, natural_name, schema
from dure.settlement.engine import archive, takeout
from dure.shops import fence
from dure.shops.models import Shop
from dure.shops.values import Role

BATCH = 500
_PHOTO, _PICTURE = re.compile(r"pho_[0-9a-z]{26}"), re.compile(r"pic_[0-9a-z]{26}")


class ArchiveUnreadable(Invalid):
    sentence = say(
        "두레에서 받은 가게 파일이 아니거나 파일이 상했어요. 다시 받아서 해 주세요.",
        en="This is no shop's file of Dure, or it is damaged. Please download it again.",
    )


class ArchiveNewer(Refused):
    sentence = say(
        "이 파일은 더 새로운 두레가 만들었어요. 여기 두레를 새 버전으로 올린 다음 다시 해 주세요.",
        en="A newer Dure made this file. Please update Dure here, then try again.",
    )


class ShopIsHere(Refused):
    sentence = say("이 가게는 이미 여기에 있어요.", en="This shop is here already.")


def import_shop(*, file: Path, owner: Person | None, at: datetime) -> Shop:
    """Bring the shop of an archive in. With `owner`, whoever was its first owner is that person from now on.

    Refuses ArchiveUnreadable, ArchiveNewer, ShopIsHere; then nothing was written.
    """
    with file.open("rb") as content, fence.across_shops(), ExitStack() as undo:
        try:
            shop = _Import(archive.Reader(content), owner, at, undo).run()
            undo.pop_all()  # it holds: its pictures stay
            return shop
        except archive.Newer as newer:
            raise ArchiveNewer(why=str(newer)) from newer
        except (
            archive.Unreadable,
            PhotoTooLarge,
            PhotoUnreadable,
            KeyError,
            TypeError,
            ValueError,
            ValidationError,
            DatabaseError,
        ) as wrong:
            raise ArchiveUnreadable(why=f"{type(wrong).__name__}: {wrong}") from wrong


class _Import:
    """`undo` is told how to take back what no transaction takes back."""

    def __init__(self, reader: archive.Reader, owner: Person | None, at: datetime, undo: ExitStack) -> None:
        self.reader, self.owner, self.at, self.undo = reader, owner, at, undo
        self.names = Names()
        self.rows: dict[type[models.Model], dict[str, int]] = {}
        self.people: dict[str, Person] = {}
        self.phones: dict[str, int] = {}
        self.shop = Shop()
        self.older = reader.schema != schema()

    @transaction.atomic
    def run(self) -> Shop:
        with connection.cursor() as cursor:
            cursor.execute("SET LOCAL statement_timeout = '5min'")
        if Shop.objects.filter(public_id=self.reader.shop).exists():
            raise ShopIsHere
        if not all(knows(room, last) for room, last in self.reader.schema.items()):
            raise archive.Newer("migrations that we do not know")
        known = {model._meta.label: model for model in models_of_a_shop()}
        told = {table.name: table for table in self.reader.tables}
        if set(told) - set(known) or "shops.Shop" not in told or len(told) != len(self.reader.tables):
            raise archive.Unreadable("tables that we do not know")
        if self.owner:
            self._find_the_owner(told["shops.Membership"])
        for label, model in known.items():
            self.rows[model] = {}
            if label in told:
                self._table(model, told[label])
        self._pictures()
        return self.shop

    def _find_the_owner(self, table: archive.Table) -> None:
        for row in self.reader.rows(table):
            if row["role"] == Role.OWNER and self.owner and str(row["person"]) not in self.people:
                self.people[str(row["person"])] = self.owner
                self.owner = None

    def _table(self, model: type[models.Model], table: archive.Table) -> None:
        fields = {field.name: field for field in fields_of(model)}
        younger = {name for name, field in fields.items() if self.older and _needs_no_value(field)}
        later: list[tuple[str, str, str]] = []
        waiting: list[tuple[str, models.Model]] = []
        for place, row in enumerate(self.reader.rows(table), start=1):
            if not set(fields) - younger <= set(row) <= set(fields):
                raise archive.Unreadable(f"{table.name} has other columns")
            own = [name for name, field in fields.items() if field.related_model is model and row.get(name) is not None]
            if any(str(row[name]) in {called for called, _ in waiting} for name in own):
                self._keep(model, waiting)
            made = self._row(model, fields, row)
            for name in own:
                if str(row[name]) not in self.rows[model]:
                    later.append((natural_name(row, place), name, str(row[name])))
            waiting.append((natural_name(row, place), made))
            if len(waiting) >= BATCH or model is Shop:
                self._keep(model, waiting)
        self._keep(model, waiting)
        for called, name, target in later:
            changed = {f"{name}_id": self.rows[model][target]}
            model._default_manager.filter(pk=self.rows[model][called]).update(**changed)

    def _keep(self, model: type[models.Model], waiting: list[tuple[str, models.Model]]) -> None:
        if model is Account:
            known = dict(Account.objects.filter(code__in=[c for c, _ in waiting]).values_list("code", "pk"))
            if any(self._is_anothers(code) for code in known):
                raise archive.Unreadable("it moves somebody else's money")
            self.rows[model].update(known)
            waiting[:] = [(called, made) for called, made in waiting if called not in known]
        for (called, _), kept in zip(
            waiting, model._default_manager.bulk_create([made for _, made in waiting]), strict=True
        ):
            self.rows[model][called] = kept.pk
            if isinstance(kept, Shop):
                self.shop = kept
        waiting.clear()

    def _is_anothers(self, code: str) -> bool:
        """Whether an account that is here belongs to a shop or person that is not the archive's."""
        named = takeout.ANY_ID.findall(code)
        return any(name != self.reader.shop and not any(name in rows for rows in self.rows.values()) for name in named)

    def _row(self, model: type[models.Model], fields: Mapping[str, Any], row: Mapping[str, Any]) -> models.Model:
        made = model()
        for name, field in fields.items():
            if name in row:
                setattr(made, field.attname, self._value(model, field, row[name]))
        if model is not Shop and any(field.name == "shop" for field in model._meta.local_fields):
            made.shop_id = self.shop.pk  # type: ignore[attr-defined]
        if isinstance(made, Payment) and made.payee != f"shop:{self.reader.shop}":
            raise archive.Unreadable("a payment to somebody else")
        key = fields.get("key")
        if key is not None and key.unique:
            written, kept = str(row["key"]), str(getattr(made, "key"))  # noqa: B009 - models differ
            if written == kept and not takeout.ANY_ID.search(kept):
                made.key = f"{kept}@{self.reader.shop}"  # type: ignore[attr-defined]
        return made

    def _value(self, model: type[models.Model], field: Any, value: Any) -> Any:
        target = field.related_model
        if value is None:
            return None
        if target is Person:
            return self._person(str(value)).pk
        if target is Device:
            return self._phone(str(value))
        if isinstance(target, type):
            found = self.rows[target].get(str(value))
            if found is None and target is not model:
                raise archive.Unreadable(f"{model.__name__} names a row that is not there")
            return found
        if isinstance(field, models.BinaryField):
            return base64.b64decode(value, validate=True)
        said = takeout.everywhere(value, lambda text: self._within(field.name, text))
        return said if isinstance(field, models.JSONField) else field.to_python(said)

    def _within(self, field: str, text: str) -> str:
        text = takeout.NAMED.sub(self._somebody, text)
        return takeout.ROW_NAMED.sub(self._some_row, text) if field in takeout.KEYS else text

    def _somebody(self, match: re.Match[str]) -> str:
        if match[1].startswith("p"):
            return self._person(match[1]).public_id
        return str(self._phone(match[1]))

    def _some_row(self, match: re.Match[str]) -> str:
        model = self.names.models.get(match[1])
        pk = self.rows.get(model, {}).get(match[2]) if model else None
        return f"{match[1]}:{pk}" if pk else match[0]

    def _person(self, called: str) -> Person:
        if called not in self.people:
            self.people[called] = Person.objects.create(
                public_id=ids.new_public_id("per"), created_at=self.at, password=make_password(None)
            )
        return self.people[called]

    def _phone(self, called: str) -> int:
        if called not in self.phones:
            made = Device.objects.create(secret_hash=os.urandom(32), created_at=self.at)
            self.phones[called] = made.pk
        return self.phones[called]

    def _pictures(self) -> None:
        """Draw the shop's pictures again; one that the archive has not is missing here too, as it was there."""
        photos = list(Photo.objects.filter(shop=self.shop).order_by("id").values_list("public_id", flat=True))
        names = channels.pictures_shown_at(self.shop)
        others = ChatLine.objects.filter(picture__in=names).exclude(shop=self.shop)
        if others.exists() or not all(map(_PHOTO.fullmatch, photos)) or not all(map(_PICTURE.fullmatch, names)):
            raise archive.Unreadable("it shows somebody else's picture")
        for photo in photos:
            self._drawn(f"photos/{photo}/{max(PHOTO_WIDTHS)}.webp", menus.photo_folder(photo))
        for name in names:
            self._drawn(f"chats/{name}.webp", channels.picture_folder(name))

    def _drawn(self, file: str, folder: Path) -> None:
        if file in self.reader.files:
            # What lies there was left behind by who was here before: its row is gone, or this row is new.
            shutil.rmtree(folder, ignore_errors=True)
            menu.encode_photo(file=io.BytesIO(self.reader.file(file)), folder=folder)
            self.undo.callback(shutil.rmtree, folder, ignore_errors=True)


def _needs_no_value(field: "models.Field[Any, Any]") -> bool:
    """Whether a row that was written before this column was there is complete without it."""
    return field.null or field.has_default() or field.has_db_default()
