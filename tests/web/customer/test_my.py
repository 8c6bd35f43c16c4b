from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from dure.messaging.values import MessageKind
from dure.people import actions as people_actions
from dure.people import queries as people
from dure.people.models import Device
from dure.people.values import Purpose, shop_sender
from dure.shops.models import Shop
from tests import cast
from tests.web.customer.conftest import table_of
from tests.web.customer.phone import Phone
from tests.web.customer.test_friendship import eaten, joined, person

PAGES = ("/my", "/my/coupons", "/my/orders", "/my/consents", "/my/erasure", "/inbox")


def test_a_phone_that_was_never_here_reads_empty_pages(db: None) -> None:
    for path in PAGES:
        assert Phone().open(path).status == 200, path


def test_my_page_shows_shops_coupons_stamps_and_orders(noodles: Shop) -> None:
    phone = joined(noodles).open("/my")
    for words in ("두레국수", "1,000원 할인", "1번 방문", "도장 1/10", "잔치국수", "새 친구"):
        assert words in phone.text
    for path in PAGES:
        assert phone.open(path).status == 200, path


def test_my_page_asks_as_many_questions_for_three_orders_as_for_one(noodles: Shop) -> None:
    phone = joined(noodles)

    def asked() -> int:
        with CaptureQueriesContext(connection) as seen:
            phone.open("/my/orders")
        return len(seen)

    one = asked()
    for _ in range(2):
        phone.scan(table_of(noodles)).add(cast.item_of(noodles, "잔치국수").public_id)
        phone.open(f"/t/{table_of(noodles).code}/basket").press("/orders", ("how", "counter"))
    assert asked() == one


def test_my_page_asks_as_many_questions_for_three_shops_as_for_one(noodles: Shop, pot_rice: Shop) -> None:
    phone = joined(noodles)

    def asked() -> int:
        with CaptureQueriesContext(connection) as seen:
            phone.open("/my")
        return len(seen)

    one = asked()
    for shop in (pot_rice, cast.zelkova_coffee()):
        phone.open(f"/shops/{shop.public_id}/friendship").press("/friendship")
    assert "망원솥밥" in phone.open("/my").text
    assert asked() == one


def test_a_consent_is_withdrawn_and_given_with_one_tap(noodles: Shop) -> None:
    phone = joined(noodles, advertising="on").open("/my/consents")
    assert "2026.11.24 12:00에 동의했어요" in phone.text
    phone.press("/my/consents", ("granted", "no"))
    sender = shop_sender(noodles.public_id)
    assert Purpose.ADVERTISING not in people.consents_held(person(phone), sender)
    phone.press("/my/consents", ("granted", "yes"))
    assert Purpose.ADVERTISING in people.consents_held(person(phone), sender)


def test_a_consent_to_a_shop_one_is_no_friend_of_is_not_found(noodles: Shop, pot_rice: Shop) -> None:
    phone = joined(noodles).open("/my/consents").press("/my/consents", ("granted", "yes"), shop=pot_rice.public_id)
    assert phone.status == 404


def test_a_message_is_marked_until_it_is_read(noodles: Shop) -> None:
    phone = joined(noodles)
    people_actions.message_person(
        person=person(phone),
        sender=shop_sender(noodles.public_id),
        sender_name=noodles.name,
        kind=MessageKind.INFORMATION,
        title="쿠폰이 도착했어요 <b>",
        body="다음에 오시면\n알아서 써 드려요",
        link="/my/coupons",
        key="test-message",
        at=cast.NOON,
    )
    phone.open("/my")
    assert "1 개 안 읽음" in phone.text
    phone.open("/inbox")
    assert "새 알림" in phone.text
    phone.open(next(link for link in phone.reader.links if link.startswith("/inbox/")))
    assert "쿠폰이 도착했어요 <b>" in phone.text
    assert "<b>" not in phone.html
    assert "/my/coupons" in phone.reader.links
    assert "새 알림" not in phone.open("/inbox").text


def test_somebody_elses_message_is_not_found(noodles: Shop) -> None:
    assert joined(noodles).open("/inbox/msg_00000000000000000000000000").status == 404
    assert Phone().open("/inbox/msg_00000000000000000000000000").status == 404


def test_being_forgotten_takes_two_taps_from_my_page_and_leaves_an_unknown_phone(noodles: Shop) -> None:
    phone = joined(noodles, advertising="on").open("/my")
    assert "/my/erasure" in phone.reader.links
    phone.open("/my/erasure")
    assert "5년" in phone.text
    assert "6개월" in phone.text
    secret = phone.client.cookies["device"].value
    phone.press("/my/erasure", ("", ""))
    assert "모두 지웠어요" in phone.text
    assert people.device_by_secret(secret) is None
    assert "두레국수" not in phone.open("/my").text


def test_a_guest_who_never_joined_can_be_forgotten_too(noodles: Shop) -> None:
    phone = eaten(noodles)
    order = phone.at
    phone.open("/my/erasure").press("/my/erasure", ("", ""))
    assert "모두 지웠어요" in phone.text
    assert phone.open(order).status == 404
    assert not Device.objects.exists()


def test_a_birthday_is_given_changed_and_taken_away_and_no_shop_sees_it(noodles: Shop) -> None:
    phone = joined(noodles).open("/my/consents")
    who = person(phone)
    phone.press("/my/consents", ("birthday", "keep"), month="2", day="29")
    assert "2월 29일로 알고 있어요" in phone.text
    assert Purpose.BIRTHDAY in people.consents_held(who, "dure")
    phone.press("/my/consents", ("birthday", "keep"), month="2", day="30")
    assert phone.status == 422
    phone.open("/my/consents").press("/my/consents", ("birthday", "drop"))
    assert "알고 있어요" not in phone.text
    assert people.birthday_of(who) is None
    assert Purpose.BIRTHDAY not in people.consents_held(who, "dure")


def test_a_stranger_has_no_birthday_here(noodles: Shop) -> None:
    phone = Phone().open("/my/consents")
    assert "birthday" not in phone.text
    answer = Client().post("/my/consents", {"birthday": "keep", "month": "1", "day": "1"})
    assert answer.status_code == 404


def test_whoever_changes_the_language_is_written_to_in_it(noodles: Shop) -> None:
    phone = joined(noodles)
    who = person(phone)
    assert who.language == "ko"
    phone.open("/my").press("/language")
    who.refresh_from_db()
    assert who.language == "en"
