"""The owner sees what each order cost, and when the money arrives."""

from datetime import timedelta
from pathlib import Path

import pytest
from pytest_django.fixtures import Settings

from dure.kit import clock
from dure.settlement import actions as settlement
from dure.settlement import queries
from dure.shops import fence
from dure.shops.models import Membership
from tests import cast
from tests.rooms.settlement.conftest import Till, till
from tests.web.console.desk import Desk

__all__ = ["till"]


@pytest.fixture
def keeper(till: Till) -> Desk:
    return Desk(Membership.objects.get(shop=till.place.shop, role="owner").person, till.place.shop)


def test_it_says_in_one_sentence_what_the_month_cost(keeper: Desk, till: Till) -> None:
    page = keeper.open("money")
    assert "아직 온라인으로 받은 돈이 없어서" in page.text
    assert "일반 수수료율로 셈했어요" in page.text
    page.send("money_tier", sales_tier="tiny")
    assert "매출 구간을 바꿨어요" in keeper.text
    assert "3억 원 이하 (영세)" in keeper.text
    till.online(noodles=1, teas=1, at=cast.NOON)
    till.counter(at=cast.NOON)
    page = keeper.open("money")
    assert (
        "온라인으로 받은 11,000원 가운데 225원(2.05%)이 카드사와 결제사로 나갔고, 두레가 받은 돈은 0원이에요."
        in page.text
    )
    for shown in (
        "14,000원",
        "44원",
        "165원",
        "16원",
        "363원 · 3.30%",
        "440원 · 4.00%",
        "아직 정산하지 않은 돈 10,775원",
    ):
        assert shown in page.text, shown
    assert "떠날 때 드는 돈 0원" in page.text


def test_a_wrong_tier_is_said_at_the_field(keeper: Desk) -> None:
    keeper.open("money").send("money_tier", sales_tier="rich")
    assert keeper.status == 422
    assert 'aria-invalid="true"' in keeper.html


def test_a_payout_is_told_line_by_line(keeper: Desk, till: Till) -> None:
    till.online(noodles=1, at=cast.NOON)
    (made,) = settlement.close_days(shop=till.place.shop, at=cast.NOON + timedelta(days=1))
    assert "11.24 판매" in keeper.open("money").text
    page = keeper.open("payout", made.public_id)
    assert page.status == 200
    assert f"들어올 돈 {made.net:,}원" in page.text
    settlement.pay_out(payout=made, at=cast.NOON + timedelta(days=2))
    assert f"들어온 돈 {made.net:,}원" in keeper.open("payout", made.public_id).text
    with clock.showing(lambda: cast.NOON), fence.within_shop(till.place.shop.pk):
        assert queries.payout_of(till.place.shop, made.public_id).state == "paid"


@pytest.mark.parametrize(("kind", "starts"), [("pdf", b"%PDF-"), ("csv", b"\xef\xbb\xbf"), ("xlsx", b"PK")])
def test_a_statement_can_be_taken_along(keeper: Desk, kind: str, starts: bytes) -> None:
    answer = keeper.client.get(keeper.url("statement", kind) + "?month=2026-11")
    assert answer.status_code == 200
    assert answer.content.startswith(starts)
    assert f"statement-2026-11.{kind}" in answer.headers["Content-Disposition"]
    assert keeper.client.get(keeper.url("statement", "doc")).status_code == 404


@pytest.mark.parametrize("month", ["", "2026-13", "2099-01", "x", "٢٠٢٦-11", "2026-11\n", "0000-00"])
def test_a_month_that_makes_no_sense_is_this_month(keeper: Desk, month: str) -> None:
    assert "2026.11" in keeper.open("money", query=f"?month={month}").text


def test_the_page_asks_as_often_for_many_payouts_as_for_one(
    keeper: Desk, till: Till, django_assert_max_num_queries: object
) -> None:
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    def asked() -> int:
        with CaptureQueriesContext(connection) as found:
            keeper.open("money")
        return len(found)

    till.counter(at=cast.NOON - timedelta(days=3))
    settlement.close_days(shop=till.place.shop, at=cast.NOON)
    one = asked()
    for days in (1, 2):
        till.counter(at=cast.NOON - timedelta(days=days))
    settlement.close_days(shop=till.place.shop, at=cast.NOON)
    assert asked() == one


def test_everything_can_be_taken_along(keeper: Desk, till: Till, settings: Settings, tmp_path: Path) -> None:
    settings.MEDIA_ROOT = tmp_path
    till.counter(at=cast.NOON)
    assert "떠나는 데 드는 돈은 0원" in keeper.open("export").text
    assert "차례를 기다려요" in keeper.send("export").text
    made = queries.exports_of(till.place.shop).get()
    assert keeper.client.get(keeper.url("export_file", made.public_id)).status_code == 404, "not there yet"
    settlement.write_export(export=made, at=cast.NOON)
    assert "받을 수 있어요" in keeper.open("export").text
    answer = keeper.client.get(keeper.url("export_file", made.public_id))
    assert b"".join(answer.streaming_content).startswith(b"PK")
    assert f"dure-{till.place.shop.public_id}.zip" in answer.headers["Content-Disposition"]
