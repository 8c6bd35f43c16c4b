from datetime import timedelta

import pytest

from dure.kit import clock
from dure.ordering import actions as ordering
from dure.ordering import queries
from dure.shops import fence
from dure.shops.models import Shop
from tests import cast
from tests.web.console.conftest import now, ordered, plain_item, seated, table_of
from tests.web.console.desk import Desk

PART = {"X-Fragment": "1"}


@pytest.fixture
def cook(noodles: Shop) -> Desk:
    return Desk(cast.person(cast.CHEOLSU), noodles)


def test_a_paid_order_stands_on_the_board_with_place_number_and_quantity(noodles: Shop, cook: Desk) -> None:
    order = ordered(noodles, quantity=3)
    cook.open("kitchen")
    assert cook.status == 200
    assert f"1번 테이블 #{order.number}" in cook.text
    assert '<span class="qty">3</span>' in cook.html
    assert plain_item(noodles).name["ko"] in cook.text


def test_one_tap_moves_an_order_on_and_one_takes_it_back(noodles: Shop, cook: Desk) -> None:
    order = ordered(noodles)
    cook.open("kitchen")
    for state in ("accepted", "cooking", "ready", "served"):
        cook.send("state", order.public_id)
        assert cook.status == 200
        assert now(order).state == state
    cook.send("recall", order.public_id)
    assert now(order).state == "ready"


def test_the_swapped_board_equals_the_freshly_loaded_one(noodles: Shop, cook: Desk) -> None:
    order = ordered(noodles)
    cook.open("kitchen")
    swapped = cook.send("state", order.public_id, headers=PART).part("board")
    assert "<html" not in cook.html
    assert "조리 시작" in swapped
    assert without_stream(cook.open("board").part("board")) == without_stream(swapped)
    assert without_stream(cook.open("kitchen").part("board")) == without_stream(swapped)


def without_stream(html: str) -> str:
    """The live address is signed with the time."""
    before, _, rest = html.partition('data-stream="')
    return before + rest.partition('"')[2]


@pytest.mark.parametrize(
    ("minutes", "age", "words"), [(0, "fresh", "0분"), (6, "soon", "6분 · 기다려요"), (12, "late", "12분 · 늦었어요")]
)
def test_age_is_said_in_colour_and_in_words(noodles: Shop, cook: Desk, minutes: int, age: str, words: str) -> None:
    ordered(noodles)
    with clock.showing(lambda: cast.NOON + timedelta(minutes=minutes)):
        cook.open("kitchen")
    assert f'class="ticket {age}"' in cook.html
    assert words in cook.text


def test_a_second_round_is_marked_and_the_first_asks_whether_somebody_sits_there(noodles: Shop, cook: Desk) -> None:
    first = ordered(noodles)
    cook.open("kitchen")
    assert "손님이 앉아 있나요?" in cook.text
    assert "추가" not in cook.text
    assert first.visit
    cook.send("visit_check", first.visit.public_id)
    assert "손님이 앉아 있나요?" not in cook.text
    ordered(noodles, key="order-key-2")
    assert "추가" in cook.open("kitchen").text


def test_a_station_sees_its_own_dishes_only(noodles: Shop, cook: Desk) -> None:
    ordered(noodles)
    name = plain_item(noodles).name["ko"]
    cook.open("kitchen")
    stations = [link.partition("station=")[2] for link in cook.reader.links if "station=" in link]
    seen = [name in cook.open("board", query=f"?station={station}").text for station in stations]
    assert sorted(seen) == [False] * (len(stations) - 1) + [True]


def test_refusing_needs_a_reason_that_the_guest_reads_and_returns_the_money(noodles: Shop, cook: Desk) -> None:
    order = ordered(noodles)
    cook.open("refusal", order.public_id)
    cook.send("refusal", order.public_id, reason=" ")
    assert cook.status == 422
    assert now(order).state == "received"
    cook.open("refusal", order.public_id)
    cook.send("refusal", order.public_id, press=("reason", "재료가 다 떨어졌어요"))
    refused = now(order)
    assert (refused.state, refused.reason) == ("refused", "재료가 다 떨어졌어요")
    assert refused.bill
    assert refused.bill.refunded == refused.bill.total


def test_a_guest_without_a_phone_pays_at_the_counter_from_the_board(noodles: Shop, owner: Desk, cook: Desk) -> None:
    order = ordered(noodles, paid=False)
    assert order.bill
    assert "결제 기다림" in cook.open("kitchen").text
    assert cook.forms_for("settlement", order.bill.public_id) == []
    owner.open("kitchen").send("settlement", order.bill.public_id)
    assert owner.at == owner.url("kitchen")
    assert now(order).state == "received"


def test_a_call_is_shown_and_answered(noodles: Shop, cook: Desk) -> None:
    seated(noodles)
    with fence.within_shop(noodles.pk):
        ordering.call_staff(table=table_of(noodles), why="water", at=cast.NOON)
        call = queries.open_calls(noodles)[0]
    assert "물 주세요" in cook.open("kitchen").text
    cook.send("answer", call.public_id)
    assert "물 주세요" not in cook.text


def test_sold_out_takes_two_taps(noodles: Shop, cook: Desk) -> None:
    item = plain_item(noodles)
    cook.open("kitchen")
    assert cook.url("sold_out") in cook.reader.links
    cook.open("sold_out")
    pressed = next(f for f in cook.forms_for("sold_out") if f.fields["item"] == [item.public_id])
    assert pressed.buttons == [("sold_out", "1")]
    cook.client.post(cook.url("sold_out"), {**pressed.fields, "sold_out": "1"})
    assert cast.item_of(noodles, item.name["ko"]).marked_sold_out


def test_orders_are_paused_for_minutes_and_taken_again(noodles: Shop, cook: Desk) -> None:
    cook.open("kitchen").send("pause", press=("minutes", "20"))
    assert "주문을 12:20까지 멈췄어요." in cook.text
    cook.send("pause", press=("minutes", "0"))
    assert "멈췄어요" not in cook.text


@pytest.mark.parametrize("typed", [{"to": "refused"}, {"to": "nonsense"}, {}])
def test_a_step_that_does_not_exist_is_refused(noodles: Shop, cook: Desk, typed: dict[str, str]) -> None:
    order = ordered(noodles)
    token = cook.open("kitchen").forms_for("state", order.public_id)[0].fields["csrfmiddlewaretoken"][0]
    answer = cook.client.post(cook.url("state", order.public_id), {"csrfmiddlewaretoken": token, **typed})
    assert answer.status_code == 422
    assert now(order).state == "received"
