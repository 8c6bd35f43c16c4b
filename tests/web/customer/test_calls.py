from dure.ordering import queries
from dure.shops import fence
from dure.shops.models import Shop
from tests.web.customer.conftest import table_of
from tests.web.customer.phone import Phone


def test_the_staff_are_called_from_every_page_of_the_table(noodles: Shop) -> None:
    table = table_of(noodles)
    phone = Phone().scan(table)
    for path in ("", "/basket", "/bill"):
        phone.open(f"/t/{table.code}{path}").press("/calls", ("why", "staff"))
        assert phone.status == 200
        assert "곧 가요" in phone.text
    phone.press("/calls", ("why", "bill"))
    with fence.within_shop(noodles.pk):
        assert [call.why for call in queries.open_calls(noodles)] == ["staff", "bill"]


def test_a_call_for_anything_else_is_refused(noodles: Shop) -> None:
    assert Phone().scan(table_of(noodles)).press("/calls", why="fire").status == 422


def test_somebody_who_leans_on_the_button_is_slowed_down(noodles: Shop) -> None:
    phone = Phone().scan(table_of(noodles))
    token = dict(phone.reader.forms[0].fields)["csrfmiddlewaretoken"]
    path = f"/t/{table_of(noodles).code}/calls"
    answers = [phone.client.post(path, {"csrfmiddlewaretoken": token, "why": "staff"}).status_code for _ in range(14)]
    assert answers[:12] == [303] * 12
    assert answers[12:] == [429] * 2
