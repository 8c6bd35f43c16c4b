"""What stands on a menu, and who may see it."""

from dataclasses import replace
from io import BytesIO
from typing import Any

import pytest
from django.db import DataError, connection, transaction
from django.test.utils import CaptureQueriesContext

from dure.menu import actions as menu
from dure.menu import errors, queries, rules
from dure.menu.models import Item, Option, OptionGroup, Photo, Section, Station
from dure.menu.values import Allergen, GroupDraft, OptionDraft
from dure.shops import fence
from dure.shops.models import Shop
from dure.town.places import DURE_NOODLES
from tests.cast import NOON, item_of, zelkova_coffee

BY = "test"
FENCED = (Station, Section, Photo, Item, OptionGroup, Option)


def test_the_whole_menu_is_read_in_four_queries_however_long(shop: Shop) -> None:
    with CaptureQueriesContext(
        connection,
    ) as short:
        before = queries.menu_of(shop)
    section = queries.sections_of(shop)[0]
    for number in range(10):
        item = menu.add_item(shop=shop, section=section, name={"ko": f"국수 {number}"}, price=1, by=BY, at=NOON)
        menu.put_options(shop=shop, item=item, groups=DURE_NOODLES.menu[1].groups, by=BY, at=NOON)
    with CaptureQueriesContext(connection) as long:
        after = queries.menu_of(shop)
    assert len(list(after.items())) == len(list(before.items())) + 10
    assert len(short) == len(long) == 4


def test_the_menu_reads_as_its_owner_wrote_it(shop: Shop) -> None:
    served = queries.menu_of(shop)
    assert [section.name["ko"] for section in served.sections] == ["국수", "곁들임", "음료·술"]
    assert [item.name for item in served.items()] == [draft.name for draft in DURE_NOODLES.menu]
    spicy = item_of(shop, "비빔국수")
    assert (spicy.price, spicy.popular, spicy.plain, spicy.station) == (9_000, True, False, "면")
    assert spicy.allergens == (Allergen.EGG, Allergen.SOY, Allergen.WHEAT)
    assert [(g.name["en"], g.least, g.most, len(g.options)) for g in spicy.groups] == [
        ("Spiciness", 1, 1, 3),
        ("Extras", 0, 2, 2),
    ]
    assert [item.name["ko"] for item in served.popular()] == ["잔치국수", "비빔국수", "손만두"]
    assert item_of(shop, "서리태콩국수").sold_out


def test_an_item_whose_required_choice_ran_out_is_sold_out(shop: Shop) -> None:
    spicy = item_of(shop, "비빔국수")
    for option in spicy.groups[0].options:
        found = queries.option_by_public_id(shop, option.public_id)
        assert not item_of(shop, "비빔국수").sold_out
        menu.mark_option_sold_out(shop=shop, option=found, sold_out=True, by=BY, at=NOON)
    assert item_of(shop, "비빔국수").sold_out
    assert not item_of(shop, "비빔국수").marked_sold_out


def found(shop: Shop, name: str) -> Item:
    return queries.item_by_public_id(shop, item_of(shop, name).public_id)


def test_sold_out_and_back_again(shop: Shop) -> None:
    menu.mark_sold_out(shop=shop, item=found(shop, "식혜"), sold_out=True, by=BY, at=NOON)
    assert item_of(shop, "식혜").sold_out
    menu.mark_sold_out(shop=shop, item=found(shop, "식혜"), sold_out=False, by=BY, at=NOON)
    assert not item_of(shop, "식혜").sold_out


def test_a_retired_item_is_off_the_menu_and_cannot_be_changed(shop: Shop) -> None:
    item = found(shop, "식혜")
    menu.retire_item(shop=shop, item=item, by=BY, at=NOON)
    assert "식혜" not in [served.name["ko"] for served in queries.menu_of(shop).items()]
    for do in (menu.retire_item, menu.change_item, menu.remove_photo):
        with pytest.raises(errors.MenuEntryNotFound):
            do(shop=shop, item=item, by=BY, at=NOON)


def test_items_and_sections_move_to_where_they_are_put(shop: Shop) -> None:
    menu.move_item(shop=shop, item=found(shop, "들기름막국수"), to=0, by=BY, at=NOON)
    noodles, sides, _ = queries.menu_of(shop).sections
    assert [item.name["ko"] for item in noodles.items[:2]] == ["들기름막국수", "잔치국수"]
    section = queries.section_by_public_id(shop, sides.public_id)
    menu.move_section(shop=shop, section=section, to=99, by=BY, at=NOON)
    menu.rename_section(shop=shop, section=section, name={"ko": "나눠 먹기", "en": "To share"}, by=BY, at=NOON)
    assert [s.name["ko"] for s in queries.menu_of(shop).sections] == ["국수", "음료·술", "나눠 먹기"]


def test_a_section_goes_once_it_is_empty(shop: Shop) -> None:
    section = queries.sections_of(shop)[0]
    with pytest.raises(errors.SectionInUse):
        menu.remove_section(shop=shop, section=section, by=BY, at=NOON)
    empty = menu.add_section(shop=shop, name={"ko": "철음식"}, by=BY, at=NOON)
    menu.remove_section(shop=shop, section=empty, by=BY, at=NOON)
    with pytest.raises(errors.MenuEntryNotFound):
        menu.remove_section(shop=shop, section=empty, by=BY, at=NOON)


def test_options_that_stay_keep_their_identity(shop: Shop) -> None:
    item = found(shop, "비빔국수")
    spice, extras = queries.groups_of(item)
    mild, medium, hot = spice.options
    hotter = replace(hot, name={"ko": "아주 맵게"}, price=500)
    bean = OptionDraft(name={"ko": "콩나물"}, price=500)
    wanted = (replace(spice, options=(hotter, replace(mild, public_id=""), bean)),)
    menu.put_options(shop=shop, item=item, groups=wanted, by=BY, at=NOON)
    (kept,) = queries.groups_of(item)
    assert kept.public_id == spice.public_id
    assert [option.public_id for option in kept.options[:2]] == [hot.public_id, mild.public_id]
    assert [option.name["ko"] for option in kept.options] == ["아주 맵게", "순하게", "콩나물"]
    for gone in (medium, *extras.options):
        with pytest.raises(errors.MenuEntryNotFound):
            queries.option_by_public_id(shop, gone.public_id)


def group(*options: tuple[str, int], least: int = 0, most: int = 1) -> GroupDraft:
    drafts = tuple(OptionDraft(name={"ko": name}, price=price) for name, price in options)
    return GroupDraft(name={"ko": "고르기"}, options=drafts, least=least, most=most)


@pytest.mark.parametrize(
    ("groups", "refusal"),
    [
        ([group()], errors.OptionsUnclear),
        ([group(("가", 0), least=2, most=2)], errors.OptionsUnclear),
        ([group(("가", 0), least=2, most=1)], errors.OptionsUnclear),
        ([group(("가", 0), most=0)], errors.OptionsUnclear),
        ([group(("가", 0), least=-1)], errors.OptionsUnclear),
        ([group(("가", -9_001))], errors.BelowZero),
        ([group(("가", -5_000)), group(("나", -4_001))], errors.BelowZero),
        ([group(("가", -5_000), ("나", -4_001), most=2)], errors.BelowZero),
        ([group(("가", 2**63))], errors.PriceUnclear),
        ([group(("", 0))], errors.TextUnclear),
        ([group(("가", 0))] * 21, errors.TooMuchMenu),
        ([group(*[("가", 0)] * 51)], errors.TooMuchMenu),
    ],
)
def test_options_that_could_not_be_asked_or_sold_are_refused(
    shop: Shop, groups: list[GroupDraft], refusal: type[Exception]
) -> None:
    item = found(shop, "비빔국수")
    before = queries.groups_of(item)
    with pytest.raises(refusal):
        menu.put_options(shop=shop, item=item, groups=groups, by=BY, at=NOON)
    assert queries.groups_of(item) == before


def test_the_cheapest_choice_may_cost_nothing(shop: Shop) -> None:
    cheapest = [group(("가", -5_000), ("나", -4_000), most=2)]
    menu.put_options(shop=shop, item=found(shop, "비빔국수"), groups=cheapest, by=BY, at=NOON)
    with pytest.raises(errors.BelowZero):
        menu.change_item(shop=shop, item=found(shop, "비빔국수"), price=8_999, by=BY, at=NOON)


@pytest.mark.parametrize(
    ("changes", "refusal"),
    [
        ({"price": -1}, errors.PriceUnclear),
        ({"price": 10_000_001}, errors.PriceUnclear),
        ({"price": 2**63}, errors.PriceUnclear),
        ({"price": "9000"}, errors.PriceUnclear),
        ({"price": True}, errors.PriceUnclear),
        ({"name": {"ko": ""}}, errors.TextUnclear),
        ({"name": {"en": "Only English"}}, errors.TextUnclear),
        ({"name": {"ko": "\x00\u202e"}}, errors.TextUnclear),
        ({"name": {"ko": "가" * 61}}, errors.TextUnclear),
        ({"name": "국수"}, errors.TextUnclear),
        ({"description": {"ko": "가" * 301}}, errors.TextUnclear),
        ({"allergens": ["sand"]}, errors.TextUnclear),
        ({"allergens": 7}, errors.TextUnclear),
    ],
)
def test_an_item_that_cannot_be_is_refused_and_nothing_changes(
    shop: Shop, changes: dict[str, Any], refusal: type[Exception]
) -> None:
    before = item_of(shop, "식혜")
    with pytest.raises(refusal):
        menu.change_item(shop=shop, item=found(shop, "식혜"), popular=True, by=BY, at=NOON, **changes)
    assert item_of(shop, "식혜") == before


def test_nul_surrogates_and_direction_marks_do_not_survive_in_a_name(shop: Shop) -> None:
    name = {"ko": "식\u202e혜\x00\ud800", "en": " Rice \n drink ", "fr": "Boisson"}
    menu.change_item(shop=shop, item=found(shop, "식혜"), name=name, by=BY, at=NOON)
    assert item_of(shop, "식혜").name == {"ko": "식혜", "en": "Rice drink"}


def test_two_stations_cannot_have_one_name(shop: Shop) -> None:
    with pytest.raises(errors.StationNameTaken):
        menu.add_station(shop=shop, name=" 면 ", by=BY, at=NOON)


@pytest.mark.parametrize("public_id", ["", "itm_\x00", "\ud800", "itm_" + "0" * 26, "x" * 100_000])
def test_what_is_not_on_the_menu_is_not_found(shop: Shop, public_id: str) -> None:
    for query in (queries.item_by_public_id, queries.section_by_public_id, queries.option_by_public_id):
        with pytest.raises(errors.MenuEntryNotFound):
            query(shop, public_id)


def test_another_shops_things_are_refused_by_every_action(shop: Shop) -> None:
    other = zelkova_coffee()
    with fence.across_shops():  # so that the action refuses, and not only the database's fence
        item, section = found(other, "소금빵"), queries.sections_of(other)[0]
        option = queries.option_by_public_id(other, item_of(other, "카페라떼").groups[0].options[0].public_id)
        mine = found(shop, "식혜")
        station = queries.stations_of(shop)[0]
        with pytest.raises(errors.MenuEntryNotFound):
            menu.change_item(shop=shop, item=item, price=1, by=BY, at=NOON)
        with pytest.raises(errors.MenuEntryNotFound):
            menu.change_item(shop=shop, item=mine, section=section, by=BY, at=NOON)
        with pytest.raises(errors.MenuEntryNotFound):
            menu.change_item(shop=other, item=item, station=station, by=BY, at=NOON)
        with pytest.raises(errors.MenuEntryNotFound):
            menu.mark_sold_out(shop=shop, item=item, sold_out=True, by=BY, at=NOON)
        with pytest.raises(errors.MenuEntryNotFound):
            menu.mark_option_sold_out(shop=shop, option=option, sold_out=True, by=BY, at=NOON)
        with pytest.raises(errors.MenuEntryNotFound):
            menu.rename_section(shop=shop, section=section, name={"ko": "내 것"}, by=BY, at=NOON)
        with pytest.raises(errors.MenuEntryNotFound):
            menu.put_options(shop=shop, item=item, groups=(), by=BY, at=NOON)


@pytest.mark.parametrize("model", FENCED)
def test_the_database_shows_only_the_shop_that_one_stands_in(shop: Shop, model: type[Any]) -> None:
    other = zelkova_coffee()
    with fence.across_shops():
        for owner in (shop, other):
            Station.objects.get_or_create(shop=owner, name="확인", defaults={"public_id": f"stn_{owner.pk}"})
            Photo.objects.create(shop=owner, public_id=f"pho_{owner.pk}", width=1, height=1, uploaded_at=NOON)
    shops_seen = model.objects.values_list("shop_id", flat=True).distinct()
    assert set(shops_seen) == {shop.pk}
    with fence.within_shop(other.pk):
        assert set(shops_seen.all()) == {other.pk}
        assert model.objects.filter(shop=shop).update(public_id="taken") == 0
        assert model.objects.filter(shop=shop).delete()[0] == 0
    with fence.across_shops():
        assert set(shops_seen.all()) == {shop.pk, other.pk}


@pytest.mark.parametrize("model", FENCED)
def test_who_stands_in_no_shop_sees_nothing(shop: Shop, model: type[Any]) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT set_config('dure.shop', '', false)")
    assert not model.objects.exists()


def test_nobody_writes_a_row_into_a_shop_they_do_not_stand_in(shop: Shop) -> None:
    other = zelkova_coffee()
    with pytest.raises(Exception, match="row-level security"), fence.within_shop(other.pk):
        Section.objects.create(shop=shop, public_id="sec_smuggled", name={"ko": "몰래"})


def test_without_the_fence_the_rows_of_all_shops_would_be_seen(shop: Shop) -> None:
    """The negative control: the same question on a table whose fence was taken away."""
    other = zelkova_coffee()
    assert set(Section.objects.values_list("shop_id", flat=True)) == {shop.pk}
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute("ALTER TABLE menu_section DISABLE ROW LEVEL SECURITY")
    assert set(Section.objects.values_list("shop_id", flat=True)) == {shop.pk, other.pk}


def test_the_app_role_is_no_superuser_that_fences_would_not_stop(shop: Shop) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT rolsuper OR rolbypassrls FROM pg_roles WHERE rolname = current_user")
        assert cursor.fetchone() == (False,)


def test_a_broken_statement_inside_a_shop_is_reported_as_itself_and_the_scope_ends(shop: Shop) -> None:
    other = zelkova_coffee()
    with pytest.raises(DataError), transaction.atomic(), fence.within_shop(other.pk):
        connection.cursor().execute("SELECT 1 / 0")
    assert set(Section.objects.values_list("shop_id", flat=True)) == {shop.pk}


def exported(shop: Shop) -> bytes:
    return queries.menu_as_csv(shop)


def test_what_was_exported_and_imported_again_changes_nothing(shop: Shop) -> None:
    before = queries.menu_of(shop)
    for content in (exported(shop), queries.menu_as_xlsx(shop)):
        report = menu.import_menu(shop=shop, file=BytesIO(content), by=BY, at=NOON)
        assert (report.added, report.changed, report.sections_added) == (0, 13, 0)
        assert queries.menu_of(shop) == before


def test_another_shop_may_begin_with_the_exported_menu(shop: Shop) -> None:
    content = exported(shop)
    drafts = [replace(draft, public_id="") for draft in queries.read_menu_file(content).items]
    other = zelkova_coffee()
    with fence.within_shop(other.pk):
        report = menu.import_menu(shop=other, file=BytesIO(content), by=BY, at=NOON)
        assert (report.added, report.changed, report.sections_added) == (13, 0, 3)
        copied = queries.read_menu_file(exported(other)).items
    assert [
        replace(draft, public_id="") for draft in copied if draft.section["ko"] in {"국수", "곁들임", "음료·술"}
    ] == drafts


def test_a_row_with_the_items_id_renames_it(shop: Shop) -> None:
    public_id = item_of(shop, "식혜").public_id
    text = f"번호,분류,메뉴,가격\n{public_id},음료·술,단호박식혜,4000"
    report = menu.import_menu(shop=shop, file=BytesIO(text.encode()), by=BY, at=NOON)
    assert (report.added, report.changed) == (0, 1)
    assert item_of(shop, "단호박식혜").public_id == public_id


def test_what_a_file_has_no_column_for_stays(shop: Shop) -> None:
    before = item_of(shop, "비빔국수")
    menu.import_menu(shop=shop, file=BytesIO("분류,메뉴,가격\n국수,비빔국수,9500".encode()), by=BY, at=NOON)
    after = item_of(shop, "비빔국수")
    assert (after.price, after.groups, after.allergens, after.popular) == (9_500, before.groups, before.allergens, True)
    assert after.name == {"ko": "비빔국수"}


def test_one_faulty_row_and_nothing_is_imported(shop: Shop) -> None:
    before = queries.menu_of(shop)
    text = "분류,메뉴,가격\n국수,새 국수,9000\n국수,비빔국수,9500\n국수,나쁜 국수,공짜"
    with pytest.raises(errors.MenuFileFaulty) as refused:
        menu.import_menu(shop=shop, file=BytesIO(text.encode()), by=BY, at=NOON)
    assert [(fault.row, fault.column) for fault in refused.value.faults] == [(4, "가격")]
    assert queries.menu_of(shop) == before


def test_a_price_that_options_would_turn_negative_stops_the_whole_import(shop: Shop) -> None:
    cheapest = [group(("반만", -5_000))]
    menu.put_options(shop=shop, item=found(shop, "비빔국수"), groups=cheapest, by=BY, at=NOON)
    text = "분류,메뉴,가격\n국수,새 국수,9000\n국수,비빔국수,4000"
    with pytest.raises(errors.BelowZero):
        menu.import_menu(shop=shop, file=BytesIO(text.encode()), by=BY, at=NOON)
    assert "새 국수" not in [item.name["ko"] for item in queries.menu_of(shop).items()]


def test_a_menu_does_not_grow_without_end(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rules, "ITEMS_MAX", 15)
    rows = "분류,메뉴,가격\n국수,하나,1\n국수,둘,2"
    menu.import_menu(shop=shop, file=BytesIO(rows.encode()), by=BY, at=NOON)
    with pytest.raises(errors.TooMuchMenu):
        menu.import_menu(shop=shop, file=BytesIO(f"{rows}\n국수,셋,3".encode()), by=BY, at=NOON)
    with pytest.raises(errors.TooMuchMenu):
        menu.add_item(shop=shop, section=queries.sections_of(shop)[0], name={"ko": "셋"}, price=3, by=BY, at=NOON)
    assert len(list(queries.menu_of(shop).items())) == 15
