import io

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from PIL import Image

from dure.menu import queries as menus
from dure.menu.values import Menu
from dure.shops import fence
from dure.shops.models import Shop
from tests.web.console.conftest import plain_item
from tests.web.console.desk import Desk

PART = {"HX-Request": "true", "HX-Target": "menu"}


def menu_of(shop: Shop) -> Menu:
    with fence.within_shop(shop.pk):
        return menus.menu_of(shop)


def photo() -> SimpleUploadedFile:
    file = io.BytesIO()
    Image.new("RGB", (400, 300), "#a63f12").save(file, "JPEG")
    return SimpleUploadedFile("noodles.jpg", file.getvalue(), "image/jpeg")


def test_sections_and_items_are_added_with_a_name_and_a_price(noodles: Shop, owner: Desk) -> None:
    owner.open("menu").send("sections", ko="계절 메뉴", en="Seasonal")
    section = menu_of(noodles).sections[-1]
    assert section.name == {"ko": "계절 메뉴", "en": "Seasonal"}
    owner.open("new_item").send("new_item", name_ko="열무국수", price="9500", section=section.public_id)
    assert owner.status == 200
    added = menu_of(noodles).sections[-1].items[0]
    assert (added.name["ko"], added.price) == ("열무국수", 9500)


@pytest.mark.parametrize(("field", "typed"), [("price", "-1"), ("price", "10000001"), ("price", "x"), ("name_ko", "")])
def test_what_cannot_be_is_said_at_its_field_and_nothing_is_lost(owner: Desk, field: str, typed: str) -> None:
    owner.open("new_item")
    owner.send("new_item", fields={"name_ko": "열무국수", "price": "9500", "description_ko": "시원해요", field: typed})
    assert owner.status == 422
    assert "시원해요" in owner.html
    assert f'id="id_{field}_error"' in owner.html


def test_an_item_is_changed_in_every_field(noodles: Shop, owner: Desk) -> None:
    item = plain_item(noodles)
    owner.open("item", item.public_id)
    owner.send(
        "item",
        item.public_id,
        price="12345",
        name_en="Plain",
        allergens=["wheat", "egg"],
        alcohol="on",
        origin_ko="밀(국내산)",
    )
    changed = menu_of(noodles).item(item.public_id)
    assert changed
    assert (changed.price, changed.name["en"], changed.alcohol) == (12345, "Plain", True)
    assert {a.value for a in changed.allergens} == {"wheat", "egg"}
    assert changed.origin["ko"] == "밀(국내산)"


def test_items_and_sections_move_by_buttons_and_the_swapped_menu_equals_the_loaded_one(
    noodles: Shop, owner: Desk
) -> None:
    first, second = menu_of(noodles).sections[:2]
    one, two = first.items[:2]
    owner.open("menu")
    swapped = owner.send("item_place", two.public_id, press=("to", "0"), headers=PART).part("menu")
    assert [item.public_id for item in menu_of(noodles).sections[0].items[:2]] == [two.public_id, one.public_id]
    assert swapped == owner.open("menu").part("menu")
    owner.send("section_place", second.public_id, press=("to", "0"))
    assert menu_of(noodles).sections[0].public_id == second.public_id


def test_sold_out_is_a_switch(noodles: Shop, owner: Desk) -> None:
    item = plain_item(noodles)
    owner.open("menu")
    for press, after in (("1", True), ("0", False)):
        owner.send("item_sold_out", item.public_id, press=("sold_out", press))
        found = menu_of(noodles).item(item.public_id)
        assert found
        assert found.marked_sold_out is after


def test_a_photo_is_put_there_shown_and_taken_away(noodles: Shop, owner: Desk) -> None:
    item = plain_item(noodles)
    owner.open("item", item.public_id).send("item_photo", item.public_id, photo=photo())
    found = menu_of(noodles).item(item.public_id)
    assert found
    assert found.photo
    assert owner.client.get(found.photo.path(320)).headers["Content-Type"] == "image/webp"
    owner.send("item_photo", item.public_id, remove="1")
    gone = menu_of(noodles).item(item.public_id)
    assert gone
    assert gone.photo is None


def test_a_file_that_is_no_photo_is_refused_in_words(noodles: Shop, owner: Desk) -> None:
    item = plain_item(noodles)
    fake = SimpleUploadedFile("x.jpg", b"<svg onload=alert(1)>", "image/jpeg")
    owner.open("item", item.public_id).send("item_photo", item.public_id, photo=fake)
    assert owner.status == 422
    assert "사진을 읽을 수 없어요" in owner.text


def test_options_are_written_changed_and_dropped(noodles: Shop, owner: Desk) -> None:
    item = next(i for i in menu_of(noodles).items() if not i.groups)
    owner.open("item", item.public_id)
    owner.send(
        "item_options",
        item.public_id,
        fields={
            "g0-ko": "맵기",
            "g0-en": "Heat",
            "g0-least": "1",
            "g0o0-ko": "순하게",
            "g0o1-ko": "맵게",
            "g0o1-price": "500",
        },
    )
    found = menu_of(noodles).item(item.public_id)
    assert found
    (group,) = found.groups
    assert [(o.name["ko"], o.price) for o in group.options] == [("순하게", 0), ("맵게", 500)]
    kept = group.options[0].public_id
    owner.send("item_options", item.public_id, fields={"g0o0-ko": "안 맵게", "g0o1-ko": ""})
    again = menu_of(noodles).item(item.public_id)
    assert again
    assert [(o.public_id, o.name["ko"]) for o in again.groups[0].options] == [(kept, "안 맵게")]


def test_options_that_cannot_be_chosen_are_refused_and_what_was_typed_stays(noodles: Shop, owner: Desk) -> None:
    item = next(i for i in menu_of(noodles).items() if not i.groups)
    owner.open("item", item.public_id)
    owner.send(
        "item_options", item.public_id, fields={"g0-ko": "맵기", "g0-least": "2", "g0-most": "2", "g0o0-ko": "순하게"}
    )
    assert owner.status == 422
    assert "옵션 그룹에는 옵션이 하나는 있어야 하고" in owner.text
    assert "순하게" in owner.html


def test_an_item_leaves_the_menu_and_an_empty_section_may_go(noodles: Shop, owner: Desk) -> None:
    section = menu_of(noodles).sections[-1]
    owner.open("section", section.public_id)
    token = owner.reader.forms[-1].fields
    assert owner.client.post(owner.url("section", section.public_id), token).status_code == 409
    for item in section.items:
        owner.open("item", item.public_id).send("item_retirement", item.public_id)
        assert owner.status == 200
    owner.open("section", section.public_id).send("section", section.public_id, remove="1")
    assert section.public_id not in [s.public_id for s in menu_of(noodles).sections]


def test_a_station_gets_its_own_view(owner: Desk) -> None:
    owner.open("menu").send("stations", name="튀김")
    assert "튀김" in owner.open("kitchen").text


def test_a_spreadsheet_is_read_first_and_imported_when_pressed(noodles: Shop, owner: Desk) -> None:
    sheet = owner.client.get(owner.url("menu_export", "csv")).content
    cheaper = sheet.replace(b"8000", b"7000")
    assert cheaper != sheet
    before = menu_of(noodles)
    owner.open("menu_import").send("menu_import", file=SimpleUploadedFile("menu.csv", cheaper))
    assert "고칠 곳이 없어요" in owner.text
    assert menu_of(noodles) == before
    owner.send("menu_import", kept=next(f for f in owner.reader.forms if "kept" in f.fields).fields["kept"])
    assert 7000 in [item.price for item in menu_of(noodles).items()]


def test_faults_in_a_spreadsheet_are_named_by_row_and_column_and_nothing_changes(noodles: Shop, owner: Desk) -> None:
    before = menu_of(noodles)
    sheet = owner.client.get(owner.url("menu_export", "csv")).content.replace(b"8000", "팔천".encode())
    owner.open("menu_import").send("menu_import", file=SimpleUploadedFile("menu.csv", sheet))
    assert owner.status == 422
    assert "아직 아무것도 바꾸지 않았어요" in owner.text
    assert '<td class="number">2</td>' in owner.html
    assert menu_of(noodles) == before


@pytest.mark.parametrize("content", [b"", b"\x00\x01\x02", b"PK\x03\x04broken", b"x" * 1_400_001])
def test_a_file_that_is_no_menu_is_refused_in_words(noodles: Shop, owner: Desk, content: bytes) -> None:
    owner.open("menu_import").send("menu_import", file=SimpleUploadedFile("menu.xlsx", content))
    assert owner.status == 422
    assert "kept" not in [name for f in owner.reader.forms for name in f.fields]


def test_menus_are_exported_in_both_kinds_and_no_other(owner: Desk) -> None:
    assert owner.client.get(owner.url("menu_export", "xlsx")).content.startswith(b"PK")
    assert owner.client.get(owner.url("menu_export", "csv") + "?sample=1").status_code == 200
    assert owner.client.get(owner.url("menu_export", "pdf")).status_code == 404
