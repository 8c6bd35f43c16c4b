"""Guests at one table split its bill, each on a phone of their own."""

from dure.ordering import queries
from dure.shops import fence
from dure.shops.models import Shop
from tests.web.customer.conftest import table_of
from tests.web.customer.phone import Phone
from tests.web.customer.test_bill import ordered


def test_two_phones_split_a_tab_evenly_and_see_each_other(pot_rice: Shop) -> None:
    first = ordered(pot_rice)
    first.open(f"/t/{table_of(pot_rice).code}/bill").press("/bill", ("how", "split"))
    assert first.at.endswith("/parts")
    assert "나눠 내기" in first.text
    second = Phone().scan(table_of(pot_rice)).open(first.at)
    first.press("/parts", ("how", "counter"))
    assert "이 휴대폰" in first.text
    assert "다른 휴대폰 1" in second.open(second.at).text
    second.press("/parts", ("how", "counter"))
    with fence.within_shop(pot_rice.pk):
        visit = queries.open_visit_at(table_of(pot_rice))
        assert visit
        (bill,) = queries.open_bills_of(visit)
        assert (bill.taken, bill.split_by, bill.ways) == (bill.total, "evenly", 2)
        part = queries.split_of(bill).parts[0]
    # Nobody gives another phone's part back; the phone itself does.
    token = second.client.cookies["csrftoken"].value
    address = f"{first.at}/{part.public_id}"
    answer = second.client.post(address, {"how": "back", "csrfmiddlewaretoken": token})
    assert answer.status_code == 422
    first.press(f"/{part.public_id}", ("how", "back"))
    with fence.within_shop(pot_rice.pk):
        (bill,) = queries.open_bills_of(visit)
        assert bill.taken == bill.total - part.amount


def test_another_tables_bill_is_not_found(pot_rice: Shop) -> None:
    first = ordered(pot_rice)
    first.open(f"/t/{table_of(pot_rice).code}/bill").press("/bill", ("how", "split"))
    other = table_of(pot_rice, 1)
    stranger = Phone().scan(other).open(first.at.replace(table_of(pot_rice).code, other.code))
    assert stranger.status == 404
