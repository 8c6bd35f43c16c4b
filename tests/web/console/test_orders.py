from dure.ordering.models import Order
from dure.shops import fence
from dure.shops.models import Shop
from tests import cast
from tests.web.console.conftest import now, ordered, plain_item, table_of
from tests.web.console.desk import Desk


def test_orders_are_listed_newest_first_by_cursor(noodles: Shop, owner: Desk) -> None:
    for number in range(32):
        ordered(noodles, number % 8, key=f"order-key-{number}")
    owner.open("orders")
    assert owner.text.index("#32") < owner.text.index("#31")
    assert "#2 " not in owner.text
    owner.visit(owner.url("orders") + next(link for link in owner.reader.links if link.startswith("?after=")))
    assert "#2 " in owner.text


def test_an_order_tells_what_happened_and_takes_money(noodles: Shop, owner: Desk) -> None:
    order = ordered(noodles, paid=False)
    assert order.bill
    owner.open("order", order.public_id).send("settlement", order.bill.public_id)
    assert "받았어요" in owner.text
    assert "결제 · 카운터" in owner.text
    assert now(order).state == "received"


def test_an_order_is_refused_from_its_page_and_the_page_says_so(noodles: Shop, owner: Desk) -> None:
    order = ordered(noodles)
    owner.open("order", order.public_id)
    owner.visit(next(link for link in owner.reader.links if link.startswith(owner.url("refusal", order.public_id))))
    owner.send("refusal", order.public_id, press=("reason", "영업이 끝났어요"))
    assert owner.at == owner.url("order", order.public_id)
    assert "“영업이 끝났어요”" in owner.text
    assert "돌려준 돈" in owner.text


def test_staff_enter_an_order_and_a_double_tap_is_one_order(noodles: Shop, owner: Desk) -> None:
    item, table = plain_item(noodles), table_of(noodles)
    owner.open("entry", query=f"?table={table.public_id}")
    form = next(f for f in owner.reader.forms if "key" in f.fields)
    typed = {**form.fields, f"quantity-{item.public_id}": "2", "note": "얼음 빼고"}
    first, second = (owner.client.post(owner.url("entry"), typed) for _ in range(2))
    assert first.status_code == second.status_code == 303
    assert first["Location"] == second["Location"]
    with fence.within_shop(noodles.pk):
        order = Order.objects.get(shop=noodles)
    assert (order.by_staff, order.table, order.note, order.total) == (True, table, "얼음 빼고", 2 * item.price)


def test_an_order_without_anything_keeps_what_was_typed_and_says_why(noodles: Shop, owner: Desk) -> None:
    owner.open("entry").send("entry", note="창가로")
    assert owner.status == 422
    assert "아직 담은 메뉴가 없어요" in owner.text
    assert "창가로" in owner.html


def test_an_option_that_must_be_chosen_is_chosen(noodles: Shop, owner: Desk) -> None:
    with fence.within_shop(noodles.pk):
        from dure.menu.queries import menu_of

        item = next(i for i in menu_of(noodles).items() if not i.plain and not i.sold_out)
    group = next(g for g in item.groups if g.required)
    option = next(o for o in group.options if not o.sold_out)
    owner.open("entry")
    owner.send(
        "entry",
        fields={f"quantity-{item.public_id}": "1", f"options-{item.public_id}-{group.public_id}": option.public_id},
    )
    assert owner.status == 200
    assert option.name["ko"] in owner.text


def test_a_tab_that_staff_open_for_guests_can_be_billed(pot_rice: Shop) -> None:
    owner, table = Desk(cast.person(cast.OKJA), pot_rice), table_of(pot_rice)
    owner.open("entry", query=f"?table={table.public_id}")
    owner.send("entry", fields={f"quantity-{plain_item(pot_rice).public_id}": "1"})
    assert owner.status == 200
    owner.open("table", table.public_id)
    assert "계산서 만들기" in owner.text


def test_an_order_to_take_away_from_a_tab_shop_is_paid_first(pot_rice: Shop) -> None:
    owner = Desk(cast.person(cast.OKJA), pot_rice)
    owner.open("entry").send("entry", fields={f"quantity-{plain_item(pot_rice).public_id}": "1"})
    with fence.within_shop(pot_rice.pk):
        order = Order.objects.select_related("bill").get(shop=pot_rice)
    assert order.bill
    owner.send("settlement", order.bill.public_id)
    assert now(order).state == "received"
