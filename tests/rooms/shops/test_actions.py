"""Shops, their tables and their staff."""

from collections import Counter
from datetime import time, timedelta
from typing import Any

import pytest

from dure.people.actions import erase_person
from dure.shops import actions as shops
from dure.shops import errors, queries
from dure.shops.models import Shop
from dure.shops.values import Ability, PayTiming, Role
from tests.cast import CHEOLSU, MOKRYEON, NOON, SOONI, YOUNGHEE, noodle_house, person, zelkova_coffee

pytestmark = pytest.mark.django_db

BY = "test"


@pytest.fixture
def shop() -> Shop:
    return shops.open_shop(name="순이네", owner=person(SOONI), tables=3, at=NOON)


def test_a_new_shop_has_its_owner_its_tables_and_usual_hours(shop: Shop) -> None:
    assert queries.role_of(person(SOONI), shop) == Role.OWNER
    assert [table.name for table in queries.tables_of(shop)] == ["1", "2", "3"]
    assert queries.opening(shop, NOON).open
    assert shop.pay_timing == PayTiming.FIRST
    assert shop.day_starts_at == time(5)


def test_the_shops_of_the_cast_open() -> None:
    noodles, coffee = noodle_house(), zelkova_coffee()
    assert list(queries.open_shops()) == [noodles, coffee]
    assert queries.may(person(CHEOLSU), noodles, Ability.RUN_KITCHEN)
    assert not queries.may(person(CHEOLSU), noodles, Ability.TAKE_PAYMENT)


def test_another_shops_owner_may_do_nothing_here(shop: Shop) -> None:
    zelkova_coffee()
    assert queries.role_of(person(YOUNGHEE), shop) is None
    assert not any(queries.may(person(YOUNGHEE), shop, ability) for ability in Ability)
    assert shop not in queries.shops_of(person(YOUNGHEE))


def test_codes_are_long_random_and_never_alike() -> None:
    shop = shops.open_shop(name="넓은집", owner=person(SOONI), tables=300, at=NOON)
    codes = [table.code for table in queries.tables_of(shop)]
    assert len(set(codes)) == 300
    assert {len(code) for code in codes} == {16}
    # 4,800 symbols of 32: each about 150 times. Twelve standard deviations off would be no accident.
    assert all(5 < times < 300 for times in Counter("".join(codes)).values())
    assert len(Counter("".join(codes))) == 32


def test_a_code_leads_to_its_table_however_it_is_typed(shop: Shop) -> None:
    table = queries.tables_of(shop)[0]
    assert queries.table_by_code(table.code) == table
    assert queries.table_by_code(table.code.lower()) == table
    assert queries.table_by_code(table.code).shop == shop


@pytest.mark.parametrize("code", ["", "0" * 16, "U" * 16, "x", "\x00" * 16, "\ud800" * 16, "９" * 16, "A" * 1_000_000])
def test_a_code_that_was_never_printed_is_not_found(shop: Shop, code: str) -> None:
    with pytest.raises(errors.TableNotFound):
        queries.table_by_code(code)


def test_a_renewed_code_tells_who_scans_the_old_sticker(shop: Shop) -> None:
    table = queries.tables_of(shop)[0]
    old = table.code
    new = shops.renew_code(table=table, by=BY, at=NOON).code
    assert queries.table_by_code(new) == table
    with pytest.raises(errors.OldCode) as refused:
        queries.table_by_code(old)
    assert refused.value.sentence.ko == "이 QR은 더 이상 쓰지 않아요. 직원에게 알려 주세요."
    assert refused.value.sentence.en == "This QR is no longer used. Please tell a member of staff."
    shops.renew_code(table=table, by=BY, at=NOON)
    with pytest.raises(errors.OldCode):
        queries.table_by_code(new)


def test_a_retired_tables_code_is_old_and_its_name_free(shop: Shop) -> None:
    table = queries.tables_of(shop)[0]
    shops.retire_table(table=table, by=BY, at=NOON)
    with pytest.raises(errors.OldCode):
        queries.table_by_code(table.code)
    with pytest.raises(errors.OldCode):
        shops.renew_code(table=table, by=BY, at=NOON)
    assert shops.add_table(shop=shop, name="1", by=BY, at=NOON).code != table.code


def test_two_tables_cannot_have_one_name(shop: Shop) -> None:
    first, second, _ = queries.tables_of(shop)
    with pytest.raises(errors.TableNameTaken):
        shops.rename_table(table=second, name=" 1 ", by=BY, at=NOON)
    with pytest.raises(errors.TableNameTaken):
        shops.add_table(shop=shop, name="1", by=BY, at=NOON)
    assert shops.rename_table(table=first, name="1", by=BY, at=NOON).name == "1"
    assert shops.rename_table(table=second, name="창가", by=BY, at=NOON).code == second.code


@pytest.mark.parametrize("name", ["", "  ", "\u3164", "\x00", "가" * 41, "\u202e"])
def test_a_name_that_shows_nothing_or_too_much_is_refused(shop: Shop, name: str) -> None:
    with pytest.raises(errors.NameMissing):
        shops.add_table(shop=shop, name=name, by=BY, at=NOON)
    with pytest.raises(errors.NameMissing):
        shops.update_shop(shop=shop, by=BY, at=NOON, name=name)


def test_what_turns_or_hides_letters_does_not_survive_in_a_name(shop: Shop) -> None:
    assert shops.update_shop(shop=shop, by=BY, at=NOON, name="순이\u202e네\x00\ud800 \n국수").name == "순이네 국수"


@pytest.mark.parametrize(
    ("changes", "refusal"),
    [
        ({"hours": {"0": ["22:00"]}}, errors.HoursUnclear),
        ({"pay_timing": "later"}, errors.ChangeUnclear),
        ({"category": "casino"}, errors.ChangeUnclear),
        ({"regular_visits": 1}, errors.ChangeUnclear),
        ({"lapsed_days": "many"}, errors.ChangeUnclear),
        ({"lapsed_days": "9" * 5_000}, errors.ChangeUnclear),
        ({"phone": "<script>"}, errors.ChangeUnclear),
        ({"business_number": "120-81-47522"}, errors.ChangeUnclear),
        ({"skin": "../../etc"}, errors.ChangeUnclear),
        ({"day_starts_at": "25:00"}, errors.ChangeUnclear),
    ],
)
def test_a_setting_that_cannot_be_is_refused_and_nothing_changes(
    shop: Shop, changes: dict[str, Any], refusal: type[Exception]
) -> None:
    with pytest.raises(refusal):
        shops.update_shop(shop=shop, by=BY, at=NOON, address="새 주소", **changes)
    assert queries.shop_by_public_id(shop.public_id).address == ""


def test_settings_are_kept_as_they_are_written_in_korea(shop: Shop) -> None:
    shops.update_shop(shop=shop, by=BY, at=NOON, business_number="1208147521", day_starts_at="04:30", lapsed_days=60)
    kept = queries.shop_by_public_id(shop.public_id)
    assert (kept.business_number, kept.day_starts_at, kept.lapsed_days) == ("120-81-47521", time(4, 30), 60)


def test_a_pause_stops_orders_until_it_ends_or_is_lifted(shop: Shop) -> None:
    paused = shops.pause_orders(shop=shop, minutes=20, by=BY, at=NOON)
    assert not queries.opening(paused, NOON + timedelta(minutes=19)).open
    assert queries.opening(paused, NOON + timedelta(minutes=20)).open
    assert queries.opening(shops.resume_orders(shop=shop, by=BY, at=NOON), NOON).open
    for minutes in (0, -5, 721, 2**63):
        with pytest.raises(errors.PauseUnclear):
            shops.pause_orders(shop=shop, minutes=minutes, by=BY, at=NOON)


def test_a_shop_closed_for_good_changes_no_more(shop: Shop) -> None:
    closed = shops.close_shop(shop=shop, by=BY, at=NOON)
    assert not queries.opening(closed, NOON).open
    with pytest.raises(errors.ShopClosed):
        shops.pause_orders(shop=shop, minutes=10, by=BY, at=NOON)


def test_staff_come_change_and_go(shop: Shop) -> None:
    cook = person(CHEOLSU)
    shops.hire(shop=shop, person=cook, role=Role.KITCHEN, by=BY, at=NOON)
    with pytest.raises(errors.AlreadyHired):
        shops.hire(shop=shop, person=cook, role=Role.MANAGER, by=BY, at=NOON)
    shops.change_role(shop=shop, person=cook, role=Role.MANAGER, by=BY, at=NOON)
    assert queries.role_of(cook, shop) == Role.MANAGER
    assert [member.person for member in queries.staff_of(shop)] == [person(SOONI), cook]
    assert queries.member_by_public_id(shop, cook.public_id).person == cook
    shops.dismiss(shop=shop, person=cook, by=BY, at=NOON)
    assert queries.role_of(cook, shop) is None
    with pytest.raises(errors.MemberNotFound):
        shops.dismiss(shop=shop, person=cook, by=BY, at=NOON)


def test_a_shop_keeps_an_owner(shop: Shop) -> None:
    sooni, cook = person(SOONI), person(CHEOLSU)
    with pytest.raises(errors.LastOwner):
        shops.dismiss(shop=shop, person=sooni, by=BY, at=NOON)
    with pytest.raises(errors.LastOwner):
        shops.change_role(shop=shop, person=sooni, role=Role.KITCHEN, by=BY, at=NOON)
    shops.hire(shop=shop, person=cook, role=Role.OWNER, by=BY, at=NOON)
    shops.dismiss(shop=shop, person=sooni, by=BY, at=NOON)
    assert queries.role_of(cook, shop) == Role.OWNER


def test_who_is_erased_works_nowhere_but_the_last_owner_must_hand_over_first(shop: Shop) -> None:
    cook = person(CHEOLSU)
    shops.hire(shop=shop, person=cook, role=Role.KITCHEN, by=BY, at=NOON)
    erase_person(person=cook, by=BY, at=NOON)
    assert queries.role_of(cook, shop) is None
    with pytest.raises(errors.LastOwner):
        erase_person(person=person(SOONI), by=BY, at=NOON)
    assert queries.role_of(person(SOONI), shop) == Role.OWNER


@pytest.mark.parametrize("public_id", ["", "shp_", "shp_\x00", "\ud800", "shp_" + "0" * 26, "x" * 1_000_000])
def test_a_shop_that_is_not_there_is_not_found(shop: Shop, public_id: str) -> None:
    with pytest.raises(errors.ShopNotFound):
        queries.shop_by_public_id(public_id)


def test_a_table_of_another_shop_is_not_found_here(shop: Shop) -> None:
    other = shops.open_shop(name="옆집", owner=person(MOKRYEON), tables=1, at=NOON)
    with pytest.raises(errors.TableNotFound):
        queries.table_by_public_id(shop, queries.tables_of(other)[0].public_id)
