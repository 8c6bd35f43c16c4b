"""A cashier asks, the owner agrees from their own login, and the page says who gave back what and why."""

import pytest

from dure.ordering.models import Concession
from dure.shops import actions as shops
from dure.shops import fence
from dure.shops.models import Shop
from tests import cast
from tests.web.console.conftest import now, ordered
from tests.web.console.desk import Desk


@pytest.fixture
def cashier(noodles: Shop) -> Desk:
    shops.update_shop(shop=noodles, by="staff:test", at=cast.NOON, concession_limit=5_000)
    return Desk(cast.person(cast.DONGBAEK, at=cast.NOON), noodles)


def test_a_refund_above_the_limit_waits_for_the_owners_yes(noodles: Shop, owner: Desk, cashier: Desk) -> None:
    order = ordered(noodles)
    cashier.open("refusal", order.public_id).send("refusal", order.public_id, reason="손님이 가셨어요")
    assert now(order).state == "received", "nothing has moved"
    with fence.within_shop(noodles.pk):
        waits = Concession.objects.get(state="waiting")
    assert "승인을 기다려요" in cashier.open("order", order.public_id).text
    cashier.open("concessions")
    assert not [f for f in cashier.reader.forms if "approval" in f.action]
    assert cashier.client.post(cashier.url("approval", waits.public_id), {"do": "approve"}).status_code == 403
    assert "승인을 기다리는 돈이 1건" in owner.open("today").text
    owner.open("concessions").send("approval", waits.public_id, press=("do", "approve"))
    assert "승인했어요" in owner.text
    assert "“손님이 가셨어요”" in owner.text
    assert now(order).state == "refused"


def test_who_asked_may_take_it_back_and_sees_only_their_own(noodles: Shop, owner: Desk, cashier: Desk) -> None:
    order = ordered(noodles)
    other = ordered(noodles, 1, key="order-key-2")
    owner.open("refusal", other.public_id).send("refusal", other.public_id, reason="사장님 마음")
    cashier.open("refusal", order.public_id).send("refusal", order.public_id, reason="잘못 눌렀어요")
    with fence.within_shop(noodles.pk):
        waits = Concession.objects.get(state="waiting")
    cashier.open("concessions").send("withdrawal", waits.public_id)
    assert "요청을 거뒀어요" in cashier.text
    assert "사장님 마음" not in cashier.text
    assert now(order).state == "received"


def test_an_owner_sets_the_limits_and_nonsense_is_told(noodles: Shop, owner: Desk) -> None:
    owner.open("concessions").send("concession_limits", limit="20000", day_limit="60000")
    noodles.refresh_from_db()
    assert (noodles.concession_limit, noodles.concession_day_limit) == (20_000, 60_000)
    owner.open("concessions").send("concession_limits", limit="-1", day_limit="60000")
    assert owner.status == 422


def test_a_strike_is_called_a_strike_in_the_orders_story(noodles: Shop, owner: Desk) -> None:
    order = ordered(noodles, quantity=2)
    owner.open("strikes", order.public_id).send("strikes", order.public_id, quantity="1", reason="떨어뜨렸어요")
    assert "메뉴 뺌 · 직원" in owner.text
    assert owner.text.count("새 주문") == 1, "only the badge of its state"
    owner.open("strikes", order.public_id).send("strikes", order.public_id, quantity="1", reason="또 떨어뜨렸어요")
    assert "취소·환불" in owner.text
    assert "거절" not in owner.text
