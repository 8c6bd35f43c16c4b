from dure.ordering import queries
from dure.shops import fence
from dure.shops.models import Shop
from tests.web.console.conftest import ordered, seated, table_of
from tests.web.console.desk import Desk


def free(shop: Shop, number: int) -> bool:
    with fence.within_shop(shop.pk):
        return queries.open_visit_at(table_of(shop, number)) is None


def test_every_table_says_how_it_stands(noodles: Shop, owner: Desk) -> None:
    seated(noodles, 1)
    ordered(noodles, 2, paid=False)
    owner.open("tables")
    assert "1번 테이블 비어 있음" in owner.text
    assert "2번 테이블 손님 있음 12:00 앉음 아직 주문 없음" in owner.text
    assert "받을 돈" in owner.text


def test_a_table_is_added_renamed_and_retired(noodles: Shop, owner: Desk) -> None:
    owner.open("tables").send("new_table", name="창가")
    assert "창가" in owner.text
    added = table_of(noodles, 8)
    owner.open("table", added.public_id).send("table_name", added.public_id, name="테라스")
    assert "테라스" in owner.text
    owner.send("table_retirement", added.public_id)
    assert "테라스" not in owner.part("main").partition("</div>")[2]


def test_a_name_that_is_taken_is_said_at_the_form(noodles: Shop, owner: Desk) -> None:
    owner.open("tables").send("new_table", name="1")
    assert owner.status == 422
    assert "같은 이름의 테이블이 있어요" in owner.text


def test_a_new_code_makes_the_old_one_old(noodles: Shop, owner: Desk) -> None:
    table = table_of(noodles)
    owner.open("table", table.public_id).send("table_code", table.public_id)
    assert table_of(noodles).code != table.code
    assert owner.client.get(f"/t/{table.code}").status_code == 404


def test_a_table_with_guests_cannot_be_retired(noodles: Shop, owner: Desk) -> None:
    table = table_of(noodles)
    token = owner.open("table", table.public_id).forms_for("table_code", table.public_id)[0].fields
    seated(noodles)
    assert owner.client.post(owner.url("table_retirement", table.public_id), token).status_code == 409
    assert not free(noodles, 0)


def test_staff_seats_guests_and_closes_their_visit(noodles: Shop, owner: Desk) -> None:
    table = table_of(noodles)
    owner.open("table", table.public_id).send("seat", table.public_id)
    with fence.within_shop(noodles.pk):
        visit = queries.open_visit_at(table)
    assert visit
    assert visit.opened_by_staff
    owner.send("visit_closing", visit.public_id)
    assert free(noodles, 0)


def test_guests_move_and_merge(noodles: Shop, owner: Desk) -> None:
    order = ordered(noodles, 0)
    visit = order.visit
    assert visit
    owner.open("table", table_of(noodles, 0).public_id).send(
        "visit_move", visit.public_id, table=table_of(noodles, 3).public_id
    )
    assert "4 자리로 옮겼어요" in owner.text
    assert free(noodles, 0)
    assert not free(noodles, 3)
    other = seated(noodles, 5)
    owner.open("table", table_of(noodles, 3).public_id).send("visit_merge", visit.public_id, into=other.public_id)
    assert free(noodles, 3)
    assert f"#{order.number}" in owner.text


def test_a_tab_is_billed_and_settled_at_the_counter(pot_rice: Shop, tab_owner: Desk) -> None:
    order = ordered(pot_rice)
    table, visit = table_of(pot_rice), order.visit
    assert visit
    tab_owner.open("table", table.public_id).send("visit_bill", visit.public_id)
    with fence.within_shop(pot_rice.pk):
        bill = queries.orders_of_visit(visit)[0].bill
    assert bill
    tab_owner.send("settlement", bill.public_id)
    assert "모두 계산했어요." in tab_owner.text
    tab_owner.send("visit_closing", visit.public_id)
    assert free(pot_rice, 0)


def test_a_tab_is_closed_unpaid_only_with_a_reason(pot_rice: Shop, tab_owner: Desk) -> None:
    order = ordered(pot_rice)
    visit = order.visit
    assert visit
    tab_owner.open("table", table_of(pot_rice).public_id)
    token = tab_owner.forms_for("visit_bill", visit.public_id)[0].fields
    assert tab_owner.client.post(tab_owner.url("visit_closing", visit.public_id), token).status_code == 409
    tab_owner.send("visit_closing", visit.public_id, unpaid_because="손님이 그냥 가셨어요")
    assert free(pot_rice, 0)


def test_the_swapped_room_equals_the_freshly_loaded_one(noodles: Shop, owner: Desk) -> None:
    seated(noodles, 1)
    swapped = owner.open("tables", **{"HX-Request": "true", "HX-Target": "room"}).part("room")
    assert swapped == owner.open("tables").part("room")
