import pytest

from dure.menu import queries as menus
from dure.ordering import actions as ordering
from dure.ordering import queries
from dure.shops import fence
from dure.shops.models import Shop
from tests import cast
from tests.provider import Sandbox
from tests.web.customer.conftest import table_of
from tests.web.customer.phone import Phone
from tests.web.customer.test_orders import back_from


def ordered(shop: Shop) -> Phone:
    """A phone that ordered something on a tab."""
    table = table_of(shop)
    with fence.within_shop(shop.pk):
        item = next(one for one in menus.menu_of(shop).items() if one.plain and not one.sold_out)
    return Phone().scan(table).add(item.public_id).open(f"/t/{table.code}/basket").press("/orders", ("how", "tab"))


def test_a_tab_is_cooked_at_once_and_paid_on_leaving(pot_rice: Shop) -> None:
    phone = ordered(pot_rice)
    assert "가게에 전달됐어요" in phone.text
    assert "계산은 나갈 때 한 번에 해요" in phone.text
    code = table_of(pot_rice).code
    phone.open(f"/t/{code}/bill")
    assert "계산하기" in phone.text
    phone.press("/bill", ("how", "counter"))
    assert phone.at == f"/t/{code}/bill"
    with fence.within_shop(pot_rice.pk):
        assert [call.why for call in queries.open_calls(pot_rice)] == ["bill"]
        visit = queries.open_visit_at(table_of(pot_rice))
        assert visit
        bill = ordering.open_bill(visit=visit, device=None, at=cast.NOON)
        ordering.settle_at_counter(bill=bill, by="staff:test", at=cast.NOON)
    phone.open(f"/t/{code}/bill")
    assert not any(form.action.endswith("/bill") for form in phone.reader.forms)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("button", ["cancel", "fail"])
def test_who_steps_back_from_paying_a_tab_reads_that_nothing_was_charged(
    pot_rice: Shop, sandbox: Sandbox, button: str
) -> None:
    phone = ordered(pot_rice)
    assert "돈은 빠져나가지 않았어요" not in phone.text
    phone.open(f"/t/{table_of(pot_rice).code}/bill").press("/bill", ("how", "provider"))
    phone.open(back_from(sandbox, phone, button))
    assert "돈은 빠져나가지 않았어요" in phone.text
    assert "계산하러 가기" in phone.text


def test_everybody_at_the_table_sees_the_bill_but_only_the_one_who_ordered_opens_the_order(pot_rice: Shop) -> None:
    phone = ordered(pot_rice)
    other = Phone().scan(table_of(pot_rice)).open(f"/t/{table_of(pot_rice).code}/bill")
    assert "주문 1번" in other.text
    assert not any(link.startswith("/orders/") for link in other.reader.links)
    assert any(link.startswith("/orders/") for link in phone.open(other.at).reader.links)


def test_a_table_that_ordered_nothing_is_led_to_the_menu(pot_rice: Shop) -> None:
    phone = Phone().scan(table_of(pot_rice)).open(f"/t/{table_of(pot_rice).code}/bill")
    assert "아직 주문이 없어요" in phone.text


def test_without_a_visit_there_is_no_bill(pot_rice: Shop) -> None:
    assert Phone().open(f"/t/{table_of(pot_rice).code}/bill").status == 409
