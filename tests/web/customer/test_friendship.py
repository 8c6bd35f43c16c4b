from datetime import timedelta

import pytest

from dure.kit import clock
from dure.ordering import queries
from dure.people import queries as people
from dure.people.models import Person
from dure.people.values import Purpose, shop_sender
from dure.shops import fence
from dure.shops.models import Shop
from tests import cast
from tests.web.customer.phone import Phone
from tests.web.customer.test_basket import with_noodles
from tests.web.customer.test_orders import settle, waiting


def page(shop: Shop) -> str:
    return f"/shops/{shop.public_id}/friendship"


def person(phone: Phone) -> Person:
    device = people.device_by_secret(phone.client.cookies["device"].value)
    assert device
    assert device.person
    return device.person


def eaten(shop: Shop) -> Phone:
    """A phone that paid for one meal and looks at its order."""
    phone = waiting(shop)
    settle(shop, phone)
    return phone.open(phone.at)


def joined(shop: Shop, **ticked: str) -> Phone:
    return eaten(shop).open(page(shop)).press("/friendship", **ticked)


def test_the_invitation_comes_after_paying_and_never_before(noodles: Shop) -> None:
    phone = waiting(noodles)
    assert page(noodles) not in phone.reader.links
    settle(noodles, phone)
    assert page(noodles) in phone.open(phone.at).reader.links


def test_joining_is_one_tap_and_nothing_is_ticked_beforehand(noodles: Shop) -> None:
    phone = eaten(noodles).open(page(noodles))
    assert "다음 방문에 1,000원 할인" in phone.text
    assert "checked" not in phone.html
    phone.press("/friendship")
    assert "이제 두레국수 친구예요" in phone.text
    assert "1,000원 할인" in phone.text
    assert "지금까지 1번 왔어요" in phone.text
    assert set(people.consents_held(person(phone), shop_sender(noodles.public_id))) == {Purpose.FRIENDSHIP}


@pytest.mark.parametrize(
    "ticked", [{"taste"}, {"advertising"}, {"advertising", "night"}, {"advertising", "night", "taste"}]
)
def test_each_consent_is_given_by_itself_with_its_text_time_and_source(noodles: Shop, ticked: set[str]) -> None:
    phone = joined(noodles, **dict.fromkeys(ticked, "on"))
    held = people.consents_held(person(phone), shop_sender(noodles.public_id))
    assert {str(purpose) for purpose in held} == {*ticked, "friendship"}
    for purpose in ticked:
        said = held[Purpose(purpose)]
        assert (said.text_version, said.source, said.at) == (f"{purpose}-1", "join page", cast.NOON)
        assert said.proof["path"] == page(noodles)


def test_night_alone_is_explained_and_nobody_joined(noodles: Shop) -> None:
    phone = joined(noodles, night="on")
    assert phone.status == 422
    assert "광고성 정보 수신에도 동의해 주세요" in phone.text
    assert "친구 되고 쿠폰 받기" in phone.text


def test_on_the_next_visit_the_coupon_is_applied_shown_and_removable(noodles: Shop) -> None:
    phone = joined(noodles)
    phone = with_noodles(noodles, phone, bowls=2)
    price = 2 * cast.item_of(noodles, "잔치국수").price
    assert "가장 좋은 쿠폰을 알아서 썼어요" in phone.text
    assert f"{price - 1_000:,}원 카카오페이로 결제" in phone.text
    phone.open(f"{phone.at}?coupon=none")
    assert f"{price:,}원 카카오페이로 결제" in phone.text
    phone.press("/orders", ("how", "counter"))
    assert f"{price:,}원" in phone.text
    with fence.within_shop(noodles.pk):
        bill = queries.order_of_shop(noodles, phone.at.rsplit("/", 1)[1]).bill
        assert bill
        assert (bill.discount, bill.total) == (0, price)
    phone.press("/cancellation")
    with_noodles(noodles, phone, bowls=2)
    phone.press("/orders", ("how", "counter"))
    assert "−1,000원" in phone.text
    phone.press("/coupon", ("coupon", "none"))
    assert "−1,000원" not in phone.text


def test_a_coupon_that_expired_is_not_applied(noodles: Shop) -> None:
    phone = joined(noodles)
    with clock.showing(lambda: cast.NOON + timedelta(days=31)):
        phone.client.cookies.pop("visit")
        with_noodles(noodles, phone, bowls=2)
        assert "쿠폰" not in phone.text


def test_a_friend_may_leave_and_every_consent_ends(noodles: Shop) -> None:
    phone = joined(noodles, advertising="on")
    phone.press("/friendship", ("leave", "1"))
    assert people.consents_held(person(phone), shop_sender(noodles.public_id)) == {}
    assert "친구가 되어 주세요" in phone.text or "다음 방문에" in phone.text


def test_a_shop_that_does_not_exist_has_no_friends(db: None) -> None:
    assert Phone().open("/shops/shp_00000000000000000000000000/friendship").status == 404
