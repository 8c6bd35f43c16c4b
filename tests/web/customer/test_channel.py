"""A shop's own page on a phone without JavaScript: joining by a door, taking a coupon, muting, asking, leaving."""

import json
from datetime import timedelta

import pytest

from dure.channels import actions as channels
from dure.channels import queries
from dure.channels.models import ChatLine
from dure.kit import clock
from dure.messaging import queries as messages
from dure.offers import actions as offers
from dure.offers.values import OfferKind, OfferOccasion
from dure.people import queries as people
from dure.people.values import Purpose, inbox_address, shop_sender
from dure.regulars.models import Relation
from dure.shops import fence
from dure.shops.models import Shop
from tests import cast
from tests.web.customer.phone import Phone
from tests.web.customer.test_friendship import eaten, joined, person

KEYS = {"p256dh": "BA" + "A" * 85, "auth": "A" * 22}


def page(shop: Shop, more: str = "") -> str:
    return f"/shops/{shop.public_id}{more}"


def furnish(shop: Shop) -> None:
    with fence.within_shop(shop.pk):
        channels.keep_profile(
            shop=shop, about={"ko": "손칼국수집이에요.\n멸치로 국물을 내요."}, welcome={}, away={}, takes_chats=True, by="t",
            at=cast.NOON,
        )  # fmt: skip
        for title, days in (("김장하는 날 쉬어요", 0), ("다음 주 새 메뉴", 7)):
            channels.write_post(
                shop=shop, title={"ko": title}, body={"ko": "<b>굵게</b>"}, shown_at=cast.NOON + timedelta(days=days),
                by="t", at=cast.NOON,
            )  # fmt: skip
        offers.create_offer(
            shop=shop, name={"ko": "만두 한 접시"}, kind=OfferKind.AMOUNT, value=700, occasion=OfferOccasion.CHANNEL,
            by="t", at=cast.NOON,
        )  # fmt: skip


def test_a_stranger_reads_the_page_and_nothing_that_is_to_come(noodles: Shop) -> None:
    furnish(noodles)
    phone = Phone().open(page(noodles))
    for words in ("손칼국수집이에요", "김장하는 날 쉬어요", "만두 한 접시", "지금 열려 있어요", "영업시간"):
        assert words in phone.text, words
    assert "다음 주 새 메뉴" not in phone.text
    assert "&lt;b&gt;굵게" in phone.html
    assert "checked" not in phone.html
    assert "device" not in phone.client.cookies, "looking makes nobody known"
    assert Phone().open("/shops/shp_00000000000000000000000000").status == 404


def test_the_shops_district_is_told_in_the_readers_language(noodles: Shop) -> None:
    assert "서울 마포구 망원동" in Phone().open(page(noodles)).text
    english = Phone(**{"Accept-Language": "en"}).open(page(noodles))
    assert "· Mangwon-dong, Mapo-gu, Seoul" in english.text


def test_the_poster_is_remembered_as_the_door(noodles: Shop) -> None:
    phone = Phone().open(page(noodles, "?from=poster")).press("/friendship")
    assert "이제 두레국수 친구예요" in phone.text
    with fence.across_shops():
        assert Relation.objects.get(shop=noodles).door == "poster"
    joined(noodles)
    Phone().open(page(noodles, "?from=<script>")).press("/friendship")
    with fence.across_shops():
        doors = Relation.objects.filter(shop=noodles).order_by("pk").values_list("door", flat=True)
        assert list(doors) == ["poster", "receipt", "page"]


@pytest.mark.parametrize("medium", ["advertising-push", "night"])
def test_each_medium_is_asked_apart_and_rests_on_advertising(noodles: Shop, medium: str) -> None:
    phone = Phone().open(page(noodles)).press("/friendship", **{medium: "on"})
    assert phone.status == 422
    assert "advertising-phone" not in phone.html, "nobody is asked for what cannot reach them"
    phone.press("/friendship", **{medium: "on", "advertising": "on"})
    held = people.consents_held(person(phone), shop_sender(noodles.public_id))
    assert set(held) == {Purpose.FRIENDSHIP, Purpose.ADVERTISING, Purpose(medium)}
    assert held[Purpose(medium)].text_version == f"{medium}-1"


def test_a_friend_takes_a_coupon_once_and_a_stranger_is_told_how(noodles: Shop) -> None:
    furnish(noodles)
    stranger = Phone().open(page(noodles))
    assert "친구만" in stranger.text
    phone = joined(noodles).open(page(noodles))
    taking = next(f for f in phone.reader.forms if "/coupons/" in f.action)
    phone.press(taking.action)
    assert "700원 할인" in phone.text
    assert not [f for f in phone.reader.forms if "/coupons/" in f.action]
    again = phone.client.post(taking.action, {"csrfmiddlewaretoken": dict(taking.fields)["csrfmiddlewaretoken"]})
    assert again.status_code == 409
    with fence.across_shops():
        from dure.offers.models import Coupon

        assert Coupon.objects.filter(offer__occasion=OfferOccasion.CHANNEL).count() == 1


def test_a_friend_mutes_the_shop_and_rings_it_again(noodles: Shop) -> None:
    phone = joined(noodles).open(page(noodles))
    inbox, sender = inbox_address(person(phone).public_id), shop_sender(noodles.public_id)
    phone.press("/mute", ("ring", "no"))
    assert messages.is_muted(inbox, sender)
    phone.press("/mute", ("ring", "yes"))
    assert not messages.is_muted(inbox, sender)


def test_a_guest_asks_and_reads_the_answer(noodles: Shop) -> None:
    phone = eaten(noodles).open(page(noodles))
    assert page(noodles, "/chat") in phone.reader.links
    phone.open(page(noodles, "/chat")).press("/chat", text="유모차 들어가나요?")
    assert "유모차 들어가나요?" in phone.text
    with fence.within_shop(noodles.pk):
        chat = queries.chats_of(noodles).get()
        later = cast.NOON + timedelta(minutes=1)
        channels.answer_chat(shop=noodles, chat=chat, text="네, 들어가요.", key="a", by="staff:x", at=later)
    with clock.showing(lambda: later + timedelta(minutes=1)):
        assert "새 답" in phone.open(page(noodles)).text
        assert "네, 들어가요." in phone.open(page(noodles, "/chat")).text
        assert "staff:x" not in phone.html
        assert "새 답" not in phone.open(page(noodles)).text
        assert "네, 들어가요." in phone.open(page(noodles, "/chat/state")).text


def test_a_stranger_can_ask_nothing_even_by_hand(noodles: Shop) -> None:
    phone = Phone().open(page(noodles, "/chat"))
    assert "주문한 뒤에" in phone.text
    assert not [f for f in phone.reader.forms if f.action.endswith("/chat")]
    phone.open(page(noodles))
    token = dict(phone.reader.forms[0].fields)["csrfmiddlewaretoken"]
    answer = phone.client.post(page(noodles, "/chat"), {"text": "열려라", "csrfmiddlewaretoken": token})
    assert answer.status_code == 409
    with fence.across_shops():
        assert not ChatLine.objects.exists()


def test_what_was_typed_stays_when_it_could_not_be_sent(noodles: Shop) -> None:
    phone = joined(noodles).open(page(noodles, "/chat"))
    for n in range(10):
        phone.press("/chat", text=f"물음 {n}")
    phone.press("/chat", text="열한 번째 물음")
    assert phone.status == 429
    assert "천천히" in phone.text
    assert "열한 번째 물음" in phone.html


def test_two_phones_never_read_each_others_chat(noodles: Shop) -> None:
    joined(noodles).open(page(noodles, "/chat")).press("/chat", text="비밀 물음")
    other = joined(noodles).open(page(noodles, "/chat"))
    assert "비밀 물음" not in other.html
    assert "비밀 물음" not in other.open(page(noodles, "/chat/state")).html


def test_the_page_asks_the_database_as_often_for_three_posts_as_for_one(noodles: Shop) -> None:
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    furnish(noodles)
    phone = joined(noodles)
    counts = []
    for n in range(3):
        with CaptureQueriesContext(connection) as asked:
            phone.open(page(noodles))
        counts.append(len(asked))
        with fence.within_shop(noodles.pk):
            channels.write_post(shop=noodles, title={"ko": str(n)}, body={}, shown_at=cast.NOON, by="t", at=cast.NOON)
    assert counts[1] == counts[2]


def test_a_browser_rings_by_its_own_tap_and_only_for_its_inbox(noodles: Shop) -> None:
    phone = joined(noodles).open("/inbox")
    token = {"csrfmiddlewaretoken": dict(phone.reader.forms[0].fields)["csrfmiddlewaretoken"]}
    url = "https://push.example.com/one"
    told = json.loads(phone.client.get("/inbox/bell", {"url": url}).content)
    assert len(told["key"]) == 87
    assert told["rings"] is False
    for bad in ({"url": "http://10.0.0.1/x", **KEYS}, {"url": url, "p256dh": "", "auth": ""}):
        assert phone.client.post("/inbox/bell", {**bad, **token, "ring": "yes"}).status_code == 422
    assert phone.client.post("/inbox/bell", {"url": url, **KEYS, **token, "ring": "yes"}).status_code == 200
    assert json.loads(phone.client.get("/inbox/bell", {"url": url}).content)["rings"] is True
    stranger = joined(noodles).open("/inbox")
    assert json.loads(stranger.client.get("/inbox/bell", {"url": url}).content)["rings"] is False
    theirs = {"csrfmiddlewaretoken": dict(stranger.reader.forms[0].fields)["csrfmiddlewaretoken"]}
    stranger.client.post("/inbox/bell", {"url": url, **KEYS, **theirs, "ring": "no"})
    assert json.loads(phone.client.get("/inbox/bell", {"url": url}).content)["rings"] is True
    phone.client.post("/inbox/bell", {"url": url, **KEYS, **token, "ring": "no"})
    assert messages.endpoints_of([inbox_address(person(phone).public_id)]) == {}


def test_the_saved_copy_holds_every_message_and_marks_none_read(noodles: Shop) -> None:
    phone = joined(noodles)
    with fence.across_shops():
        from dure.regulars.events import FriendJoined

        relation = Relation.objects.get(shop=noodles)
        channels.greet_friend(
            FriendJoined(shop_id=noodles.pk, person_id=relation.person_id, relation_id=relation.pk, at=clock.now())
        )
    inbox = inbox_address(person(phone).public_id)
    assert "친구가 되어 주셔서" in phone.open("/inbox?copy=1").text
    assert messages.unread_count(inbox) == 1
    assert "받아 둔 알림이 없어요" in Phone().open("/inbox?copy=1").text


def test_being_forgotten_empties_the_browser_too(noodles: Shop) -> None:
    phone = joined(noodles).open("/my/erasure").press("/erasure")
    assert phone.answer.headers["Clear-Site-Data"] == '"cache", "storage"'


def test_the_manifest_has_the_shops_face_in_every_size(noodles: Shop) -> None:
    phone = Phone().open(page(noodles))
    address = phone.html.partition('rel="manifest" href="')[2].partition('"')[0]
    manifest = json.loads(phone.open(address).html)
    assert {icon["purpose"] for icon in manifest["icons"]} == {"any", "maskable"}
    for icon in manifest["icons"]:
        answer = phone.client.get(icon["src"])
        assert answer.status_code == 200, icon
        if icon["type"] == "image/png":
            assert answer.content.startswith(b"\x89PNG")
    assert phone.client.get("/skins/dure/dubi/icon-4000.png").status_code == 404
