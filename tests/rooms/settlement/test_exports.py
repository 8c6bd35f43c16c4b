"""Everything of a shop goes along, nobody's name does, and it comes back byte for byte; pictures are drawn again.

`archives/version-1.zip` is `lived_in` as an earlier Dure wrote it, with a drafted campaign: before chats had pictures, before
items said when they were back, before campaigns could leave the choice to the week's plan.
"""

import hashlib
import io
import json
import zipfile
from datetime import timedelta
from pathlib import Path

import pytest
from django.apps import apps
from PIL import Image, ImageChops
from pytest_django.fixtures import Settings
from typer.testing import CliRunner

from dure.channels import actions as channels
from dure.channels import queries as channel_queries
from dure.kit import ids
from dure.menu import actions as menu
from dure.menu import queries as menus
from dure.ordering import actions as ordering
from dure.people import actions as people
from dure.people.models import Person
from dure.project import cli
from dure.project import import_shop as moving
from dure.regulars import actions as regulars
from dure.settlement import actions, queries
from dure.settlement.actions import exports
from dure.settlement.engine import archive
from dure.settlement.models import Export
from dure.settlement.values import ExportState
from dure.shops import fence
from dure.shops import queries as shops
from dure.shops.models import Shop
from tests.provider import Sandbox
from tests.rooms.ordering.conftest import open_place
from tests.rooms.settlement.conftest import MONDAY, Till
from tests.rooms.settlement.test_payouts import tiny
from tests.web.neighbourhood import undone

TUESDAY = MONDAY + timedelta(days=1)
BY = "operator:test"


@pytest.fixture(autouse=True)
def own_media(settings: Settings, tmp_path: Path) -> None:
    settings.MEDIA_ROOT = tmp_path / "media"


OLD = Path(__file__).with_name("archives") / "version-1.zip"


def picture(width: int = 64, height: int = 64, colour: str = "#864") -> io.BytesIO:
    """A photo as a phone sends it."""
    file = io.BytesIO()
    Image.new("RGB", (width, height), colour).save(file, "PNG")
    file.seek(0)
    return file


def lived_in(till: Till) -> Shop:
    """A shop with everything: a friend with a coupon, money in all its states, photos, what was settled."""
    shop = till.place.shop
    tiny(till)
    menu.store_photo(
        shop=shop, item=menus.item_by_public_id(shop, till.place.tea.public_id), file=picture(), by=BY, at=MONDAY
    )
    till.online(noodles=1)
    paid = till.counter(teas=2)
    bill = apps.get_model("ordering.Bill")._default_manager.get(public_id=paid.reference)
    person = people.ensure_person(device=bill.device, at=MONDAY)
    regulars.join_channel(
        shop=shop, person=person, device=bill.device, source="test", by=f"person:{person.public_id}", at=MONDAY
    )
    channels.keep_profile(shop=shop, about={"ko": "국숫집"}, welcome={}, away={}, takes_chats=True, by=BY, at=MONDAY)
    channels.write_post(shop=shop, title={"ko": "쉬는 날"}, body={}, shown_at=MONDAY, by=BY, at=MONDAY)
    channels.ask_shop(
        shop=shop, person=person, device=bill.device, text="자리 있나요?", key="1", language="ko", at=MONDAY
    )
    with channels.fresh_picture(file=picture(1_200, 700, "#248")) as shown:
        channels.ask_shop(
            shop=shop, person=person, device=bill.device, text="", picture=shown, key="2", language="ko", at=MONDAY
        )
    channels.keep_answer(shop=shop, text="네, 있어요.", by=f"staff:{person.public_id}", at=MONDAY)
    till.returns(till.online(teas=1))
    till.bill(teas=3)
    visit = till.place.sit(0, at=MONDAY)
    ordering.call_staff(table=till.place.tables[0], why="water", at=MONDAY)
    ordering.put_in_basket(visit=visit, wanted=till.place.want(), at=MONDAY)
    actions.hold_money(shop=shop, amount=100, reason="확인", key="h1", by=f"staff:{person.public_id}", at=MONDAY)
    for payout in actions.close_days(shop=shop, at=TUESDAY):
        actions.pay_out(payout=payout, at=TUESDAY + timedelta(days=2))
    till.counter(teas=1, at=TUESDAY)
    return shop


def taken(shop: Shop) -> bytes:
    file = io.BytesIO()
    with fence.within_shop(shop.pk):
        exports.write_shop(shop, file)
    return file.getvalue()


PICTURES = ("photos/", "chats/")


def parts(content: bytes) -> dict[str, bytes]:
    """The archive's parts but its pictures, and its manifest without their sums: what must not change by a byte."""
    with zipfile.ZipFile(io.BytesIO(content)) as packed:
        found = {name: packed.read(name) for name in packed.namelist() if not name.startswith(PICTURES)}
    manifest = json.loads(found["manifest.json"])
    for file in manifest["files"]:
        if file["name"].startswith(PICTURES):
            del file["sha256"]
    return {**found, "manifest.json": json.dumps(manifest).encode()}


def pictures(content: bytes) -> dict[str, Image.Image]:
    with zipfile.ZipFile(io.BytesIO(content)) as packed:
        named = [name for name in packed.namelist() if name.startswith(PICTURES)]
        return {name: Image.open(io.BytesIO(packed.read(name))).convert("RGB") for name in named}


def is_the_same_shop(content: bytes, as_before: bytes) -> bool:
    """Byte for byte, and pictures of the same size that show the same."""
    seen, before = pictures(content), pictures(as_before)
    alike = seen.keys() == before.keys() and all(
        seen[name].size == before[name].size
        and max(high for _, high in ImageChops.difference(seen[name], before[name]).getextrema()) < 8
        for name in seen
    )
    return alike and parts(content) == parts(as_before)


def kept(content: bytes, tmp_path: Path) -> Path:
    path = tmp_path / f"{ids.new_code(8)}.zip"
    path.write_bytes(content)
    return path


def tables(content: bytes) -> dict[str, list[dict[str, object]]]:
    with zipfile.ZipFile(io.BytesIO(content)) as packed:
        return {
            name[7:-6]: [json.loads(line) for line in packed.read(name).splitlines()]
            for name in packed.namelist()
            if name.startswith("tables/")
        }


def taken_from(sandbox: Sandbox) -> bytes:
    """The archive of a shop that this database then never had."""
    with undone():
        place = open_place("두레국수", pay_timing="first")
        with fence.within_shop(place.shop.pk):
            return taken(lived_in(Till(place, sandbox)))


@pytest.mark.parametrize("others", [False, True])
def test_what_comes_back_is_the_same_byte_for_byte(
    db: None, fresh_sandbox: Sandbox, tmp_path: Path, settings: Settings, others: bool
) -> None:
    first = taken_from(fresh_sandbox)
    settings.MEDIA_ROOT = tmp_path / "other media"
    if others:
        other = open_place("다른 국수", pay_timing="first")
        with fence.within_shop(other.shop.pk):
            lived_in(Till(other, fresh_sandbox))
    shop = moving.import_shop(file=kept(first, tmp_path), owner=None, at=TUESDAY)
    second = taken(shop)
    assert tables(second) == tables(first)
    assert is_the_same_shop(second, first)
    assert {name.partition("/")[0] for name in pictures(first)} == {"photos", "chats"}
    assert not is_the_same_shop(second, rezipped(first, {next(n for n in pictures(first)): picture(9, 9).getvalue()}))


def test_everything_of_a_shop_is_in_it_and_nobody_is(till: Till) -> None:
    shop = lived_in(till)
    content = taken(shop)
    found = tables(content)
    empty = [name for name, rows in found.items() if not rows]
    for name in ("shops.Shop", "shops.Table", "shops.Membership", "menu.Item", "menu.Option", "menu.Photo", "offers.Offer",
                 "offers.Coupon", "regulars.Relation", "channels.Post", "channels.Chat", "channels.ChatLine", "ordering.Visit", "ordering.Order", "ordering.Bill",
                 "payments.Payment", "payments.Refund", "payments.Call", "ledger.Entry", "ledger.Posting",
                 "settlement.Payout", "settlement.PayoutLine", "settlement.Adjustment", "settlement.PayoutTerms"):  # fmt: skip
        assert name not in empty, name
    text = b"".join(
        zipfile.ZipFile(io.BytesIO(content)).read(n) for n in zipfile.ZipFile(io.BytesIO(content)).namelist()
    )
    for person in Person.objects.all():
        assert person.public_id.encode() not in text
        assert not person.email or person.email.encode() not in text
    assert b"approval_token" not in text
    assert b"<p" in text, "who acted is told by a number of the archive's own"


def test_every_table_that_names_a_shop_travels_or_says_why_not() -> None:
    having = {m._meta.label for m in apps.get_models() if any(f.related_model is Shop for f in m._meta.local_fields)}
    travels = {m._meta.label for m in exports.models_of_a_shop()}
    assert having - travels == set(exports.LEFT_OUT)
    assert "audiences.Audience" in travels
    assert not {"audiences.Frozen", "audiences.Asking", "audiences.Answer"} & travels, "numbers of people never leave"
    for model in exports.models_of_a_shop():
        assert not model._meta.local_many_to_many, model
        foreign = {f.related_model for f in exports.fields_of(model) if isinstance(f.related_model, type)}
        assert foreign <= {*exports.models_of_a_shop(), Person, apps.get_model("people.Device")}, model


def test_the_owner_is_whoever_is_named(db: None, fresh_sandbox: Sandbox, tmp_path: Path) -> None:
    first = taken_from(fresh_sandbox)
    owner = Person.objects.create_user("new@dure.example")
    shop = moving.import_shop(file=kept(first, tmp_path), owner=owner, at=TUESDAY)
    assert shops.role_of(owner, shop) == "owner"
    assert is_the_same_shop(taken(shop), first)
    with pytest.raises(moving.ShopIsHere):
        moving.import_shop(file=kept(first, tmp_path), owner=None, at=TUESDAY)


def rezipped(content: bytes, changes: dict[str, bytes | None]) -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as old, zipfile.ZipFile(made, "w") as new:
        for name in old.namelist():
            part = changes.get(name, old.read(name))
            if part is not None:
                new.writestr(name, part)
    return made.getvalue()


def forged(content: bytes, table: str, old: bytes, new: bytes) -> bytes:
    """An archive in which one table says something else, with a manifest that agrees."""
    with zipfile.ZipFile(io.BytesIO(content)) as packed:
        rows, manifest = packed.read(f"tables/{table}.jsonl"), json.loads(packed.read("manifest.json"))
    changed = rows.replace(old, new)
    assert changed != rows
    for said in manifest["tables"]:
        if said["name"] == table:
            said["sha256"] = hashlib.sha256(changed).hexdigest()
    return rezipped(content, {f"tables/{table}.jsonl": changed, "manifest.json": json.dumps(manifest).encode()})


def drawn(content: bytes, picture: bytes) -> bytes:
    """An archive in which a chat's picture is something else, with a manifest that agrees."""
    with zipfile.ZipFile(io.BytesIO(content)) as packed:
        manifest = json.loads(packed.read("manifest.json"))
    file = next(file for file in manifest["files"] if file["name"].startswith("chats/"))
    file["sha256"] = hashlib.sha256(picture).hexdigest()
    return rezipped(content, {file["name"]: picture, "manifest.json": json.dumps(manifest).encode()})


def test_whatever_is_wrong_with_a_file_leaves_nothing(
    till: Till, fresh_sandbox: Sandbox, tmp_path: Path, settings: Settings
) -> None:
    other_shop = till.place.shop.public_id.encode()
    till.online(teas=1)
    good = taken_from(fresh_sandbox)
    shop = json.loads(zipfile.ZipFile(io.BytesIO(good)).read("manifest.json"))["shop"].encode()
    manifest = zipfile.ZipFile(io.BytesIO(good)).read("manifest.json")
    nameless = manifest.replace(b'"version": 2', b'"version": "2"')
    newer = manifest.replace(b'"version": 2', b'"version": 3')
    ahead = manifest.replace(b'"menu": "0', b'"menu": "9')
    assert len({manifest, nameless, newer, ahead}) == 4
    bad = {
        "nothing": b"",
        "no zip": b"PK\x03\x04 nonsense" * 10,
        "half": good[: len(good) // 2],
        "no version": rezipped(good, {"manifest.json": nameless}),
        "no manifest": rezipped(good, {"manifest.json": None}),
        "a list": rezipped(good, {"manifest.json": b"[]"}),
        "deep": rezipped(good, {"manifest.json": b"[" * 100_000}),
        "a table is gone": rezipped(good, {"tables/menu.Item.jsonl": None}),
        "a table was changed": rezipped(good, {"tables/menu.Item.jsonl": b"{}\n"}),
        "another shop's money": forged(good, "ledger.Account", b"provider:kakaopay", b"shop:" + other_shop),
        "another shop's payment": forged(good, "payments.Payment", b"shop:" + shop, b"shop:" + other_shop),
        "a row of nobody": forged(good, "menu.Item", b"sec_", b"sec_x"),
        "a number that is none": forged(good, "menu.Item", b'"price":3000', b'"price":"x"'),
        "a price below nothing": forged(good, "menu.Item", b'"price":3000', b'"price":-3000'),
        "a shop was changed": rezipped(good, {"tables/shops.Shop.jsonl": b"\xff\xfe\n"}),
        "a column is gone": forged(good, "menu.Item", b'"back_at":null,', b""),
        "a column too many": forged(good, "menu.Item", b'"back_at":null,', b'"back_at":null,"backs":1,'),
        "a photo of another folder": forged(
            forged(good, "menu.Photo", b"pho_", b"../pho_"), "menu.Item", b'"pho_', b'"../pho_'
        ),
        "a picture of another folder": forged(good, "channels.ChatLine", b"pic_", b"../pic_"),
        "a picture that is none": drawn(good, b"<script>"),
        "a picture that is a bomb": drawn(good, picture(12_001, 16).getvalue()),
    }
    folders = {path for place in ("photos", "chats") for path in (Path(settings.MEDIA_ROOT) / place).iterdir()}
    before = {m._meta.label: m._default_manager.count() for m in exports.models_of_a_shop()}
    for what, content in bad.items():
        with pytest.raises(moving.ArchiveUnreadable):
            moving.import_shop(file=kept(content, tmp_path), owner=None, at=TUESDAY)
        assert before == {m._meta.label: m._default_manager.count() for m in exports.models_of_a_shop()}, what
        for place in ("photos", "chats"):
            assert set((Path(settings.MEDIA_ROOT) / place).iterdir()) <= folders, what
    for later in (newer, ahead):
        with pytest.raises(moving.ArchiveNewer, match="새 버전으로 올린"):
            moving.import_shop(file=kept(rezipped(good, {"manifest.json": later}), tmp_path), owner=None, at=TUESDAY)


def test_an_archive_of_an_earlier_dure_comes_in(db: None) -> None:
    said = tables(OLD.read_bytes())
    assert "back_at" not in said["menu.Item"][0], "the control: it is an old one"
    assert "picture" not in said["channels.ChatLine"][0]
    assert "by_plan" not in said["campaigns.Campaign"][0]
    shop = moving.import_shop(file=OLD, owner=None, at=TUESDAY)
    second = taken(shop)
    now = tables(second)
    younger = {("menu.Item", "back_at"): None, ("campaigns.Campaign", "by_plan"): False}
    younger |= {("campaigns.Campaign", name): 0 for name in ("at_till", "given_at_till")}
    younger |= {
        ("channels.ChatLine", name): value for name, value in (("picture", ""), ("width", None), ("height", None))
    }
    for table, rows in said.items():
        for row, row_now in zip(rows, now[table], strict=True):
            added = {name: value for (where, name), value in younger.items() if where == table}
            assert row_now == {**row, **added}, table
    assert moving.knows("menu", "0002_back_at"), "what came in one by one is in what the history begins with now"
    assert moving.knows("menu", moving.schema()["menu"])
    assert not moving.knows("menu", "9999_tomorrow")
    assert archive.Reader(io.BytesIO(second)).schema == moving.schema()


def test_nobody_elses_picture_is_shown_by_an_archive_that_names_it(
    db: None, fresh_sandbox: Sandbox, tmp_path: Path
) -> None:
    good = taken_from(fresh_sandbox)
    other = open_place("다른 국수", pay_timing="first")
    with fence.within_shop(other.shop.pk):
        lived_in(Till(other, fresh_sandbox))
        theirs = channel_queries.pictures_shown_at(other.shop)[0]
    name = str(next(row["picture"] for row in tables(good)["channels.ChatLine"] if row["picture"]))
    file = kept(forged(good, "channels.ChatLine", name.encode(), theirs.encode()), tmp_path)
    seen = channel_queries.picture_file(theirs).read_bytes()
    with pytest.raises(moving.ArchiveUnreadable):
        moving.import_shop(file=file, owner=None, at=TUESDAY)
    assert channel_queries.picture_file(theirs).read_bytes() == seen


def test_a_bomb_is_not_unpacked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archive, "UNPACKED_MAX", 10_000)
    bomb = io.BytesIO()
    with zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED) as packed:
        packed.writestr("manifest.json", b" " * 20_000)
    with pytest.raises(archive.Unreadable):
        archive.Reader(bomb)


@pytest.mark.django_db(transaction=True)
def test_the_job_tells_how_far_it_is_and_leaves_a_file_for_a_week(till: Till, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exports, "EVERY", 1)
    shop = till.place.shop
    asked = actions.ask_export(shop=shop, by=BY, at=MONDAY)
    assert actions.ask_export(shop=shop, by=BY, at=MONDAY) == asked, "one at a time"
    made = actions.write_export(export=asked, at=MONDAY)
    assert actions.write_export(export=made, at=TUESDAY).done_at == MONDAY
    asked.refresh_from_db()
    assert (asked.state, asked.rows_done) == (ExportState.READY, asked.rows_total)
    assert asked.size == queries.export_file_of(asked).stat().st_size > 1_000
    assert actions.drop_exports(at=MONDAY + timedelta(days=8)) == 1
    assert not queries.export_file_of(asked).exists()
    assert Export.objects.get().state == ExportState.GONE
    assert queries.exports_of(shop).count() == 1


def test_the_command_brings_a_shop_in_and_says_what_is_wrong(db: None, fresh_sandbox: Sandbox, tmp_path: Path) -> None:
    file = kept(taken_from(fresh_sandbox), tmp_path)
    run = CliRunner().invoke(cli.app, ["import-shop", str(file), "--owner", "new@dure.example"])
    assert run.exception is None, run.exception
    assert "두레국수 가게가 들어왔어요" in run.output
    owner = Person.objects.get(email="new@dure.example")
    assert [shop.name for shop in shops.shops_of(owner)] == ["두레국수"]
    for wrong, said in (
        (file, "이미 여기에 있어요"),
        (tmp_path / "none.zip", "열 수 없어요"),
        (tmp_path, "열 수 없어요"),
    ):
        failed = CliRunner().invoke(cli.app, ["import-shop", str(wrong)])
        assert said in str(failed.exception)
