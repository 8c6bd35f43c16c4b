"""A guest asks and the shop answers; nobody else reads, nobody is flooded, and it is forgotten."""

from collections.abc import Callable
from datetime import timedelta

import pytest

from dure.channels import actions as channels
from dure.channels import queries
from dure.channels.errors import ChatBlocked, ChatsOff, NothingSaid, NotWithUs, Promotes, TooLateToAnswer, TooManyLines
from dure.channels.models import Chat, ChatLine
from dure.channels.values import LINES_KEPT, Side
from dure.messaging import queries as messages
from dure.messaging.models import Message, Sending
from dure.messaging.values import Medium
from dure.people import actions as people
from dure.people.models import Device, Person
from dure.people.values import inbox_address
from dure.shops import fence
from dure.shops.models import Shop
from tests.rooms.ordering.conftest import BY, NOON, Place, key, phone, place
from tests.rooms.ordering.test_orders import place_tea
from tests.rooms.regulars.test_friends import join

__all__ = ["key", "phone", "place"]

Key = Callable[[], str]


def ask(place: Place, device: Device, text: str = "자리 있나요?", *, key: str = "1", minutes: int = 0) -> ChatLine:
    person = people.ensure_person(device=device, at=NOON)
    device.refresh_from_db()
    return channels.ask_shop(
        shop=place.shop,
        person=person,
        device=device,
        text=text,
        key=key,
        language="ko",
        at=NOON + timedelta(minutes=minutes),
    )


def answer(place: Place, text: str = "네, 오세요.", *, key: str = "a", minutes: int = 1) -> ChatLine:
    chat = queries.chats_of(place.shop).get()
    return channels.answer_chat(
        shop=place.shop, chat=chat, text=text, key=key, by=BY, at=NOON + timedelta(minutes=minutes)
    )


def said(place: Place) -> list[tuple[str, str]]:
    chat = queries.chats_of(place.shop).get()
    return [(line.side, line.said) for line in queries.lines_of(chat, at=NOON + timedelta(hours=1))]


def test_a_friend_asks_and_the_shop_reads_a_nickname_and_answers(place: Place, phone: Device) -> None:
    relation = join(place, phone)
    ask(place, phone)
    chat = queries.chats_of(place.shop).get()
    assert (chat.nickname, chat.waits, queries.waiting_count(place.shop)) == (relation.nickname, True, 1)
    answer(place)
    assert said(place) == [("guest", "자리 있나요?"), ("shop", "네, 오세요.")]
    assert queries.waiting_count(place.shop) == 0


def test_a_stranger_asks_nothing_and_a_guest_with_an_order_may_for_thirty_days(
    place: Place, phone: Device, key: Key
) -> None:
    with pytest.raises(NotWithUs):
        ask(place, phone)
    assert not Chat.objects.exists()
    place_tea(place, phone, key())
    ask(place, phone)
    assert queries.chats_of(place.shop).get().nickname == "손님 1"
    with pytest.raises(NotWithUs):
        ask(place, phone, key="2", minutes=31 * 24 * 60)


def test_the_same_tap_says_it_once_and_nothing_is_not_said(place: Place, phone: Device) -> None:
    join(place, phone)
    assert ask(place, phone).pk == ask(place, phone).pk
    for empty in ("", "  \n ", "\u200b\u3164"):
        with pytest.raises(NothingSaid):
            ask(place, phone, empty, key=repr(empty))
    assert ChatLine.objects.count() == 1


def test_line_breaks_stay_and_what_turns_a_text_around_does_not(place: Place, phone: Device) -> None:
    join(place, phone)
    assert ask(place, phone, "첫 줄\r\n\r\n\r\n\u202e둘째  줄\x07").said == "첫 줄\n\n둘째 줄"


def test_who_writes_too_fast_waits_a_moment(place: Place, phone: Device) -> None:
    join(place, phone)
    for n in range(10):
        ask(place, phone, key=str(n))
    with pytest.raises(TooManyLines):
        ask(place, phone, key="more")
    ask(place, phone, key="more", minutes=2)


def test_outside_its_hours_the_shop_says_so_once(place: Place, phone: Device) -> None:
    join(place, phone)
    Shop.objects.filter(pk=place.shop.pk).update(hours={"1": ["11:00", "21:00"]})
    place.shop.refresh_from_db()
    ask(place, phone)
    ask(place, phone, key="2", minutes=1)
    assert [side for side, _ in said(place)] == [Side.GUEST, Side.AWAY, Side.GUEST]
    assert "11/24 11:00" in said(place)[1][1]


def test_the_shop_never_begins_and_answers_for_a_week(place: Place, phone: Device) -> None:
    join(place, phone)
    ask(place, phone)
    answer(place, minutes=7 * 24 * 60)
    with pytest.raises(TooLateToAnswer):
        answer(place, key="late", minutes=7 * 24 * 60 + 1)


def test_a_blocked_guest_writes_no_more_and_the_shop_can_think_again(place: Place, phone: Device) -> None:
    join(place, phone)
    ask(place, phone)
    chat = queries.chats_of(place.shop).get()
    channels.block_chat(shop=place.shop, chat=chat, by=BY, at=NOON)
    with pytest.raises(ChatBlocked):
        ask(place, phone, key="2")
    with pytest.raises(ChatBlocked):
        answer(place)
    channels.unblock_chat(shop=place.shop, chat=chat, by=BY, at=NOON)
    ask(place, phone, key="2")


def test_a_shop_may_take_no_chats_and_its_automatic_texts_praise_nothing(place: Place, phone: Device) -> None:
    join(place, phone)
    profile = {"about": {}, "welcome": {}, "away": {"ko": "곧 답할게요"}, "by": BY, "at": NOON}
    channels.keep_profile(shop=place.shop, takes_chats=False, **profile)  # type: ignore[arg-type]
    with pytest.raises(ChatsOff):
        ask(place, phone)
    for field in ("welcome", "away"):
        with pytest.raises(Promotes):
            channels.keep_profile(
                shop=place.shop,
                takes_chats=True,
                **{**profile, field: {"ko": "지금 오면 20% 할인!"}},  # type: ignore[arg-type]
            )
    with pytest.raises(Promotes):
        channels.keep_answer(shop=place.shop, text="오늘 저녁 쿠폰 드려요", by=BY, at=NOON)
    channels.keep_profile(shop=place.shop, takes_chats=True, **{**profile, "about": {"ko": "점심 할인 맛집"}})  # type: ignore[arg-type]


def test_an_answer_is_told_once_until_the_guest_looks_and_never_carried(place: Place, phone: Device) -> None:
    join(place, phone)
    ask(place, phone)
    answer(place, "오늘 저녁 반값이에요")
    answer(place, "더 궁금한 것 있나요?", key="b", minutes=2)
    chat = queries.chats_of(place.shop).get()
    at = NOON + timedelta(minutes=3)
    for _ in range(2):
        assert channels.tell_about_chat(shop_id=place.shop.pk, chat_id=chat.pk, at=at)
    assert Sending.objects.count() == 1
    people.dispatch(medium=Medium.INBOX, read_clock=lambda: at)
    person = Person.objects.get(pk=chat.person_id)
    message = messages.inbox_of(inbox_address(person.public_id)).get()
    assert (message.title, message.link) == ("물어본 것에 답이 왔어요", f"/shops/{place.shop.public_id}/chat")
    assert "반값" not in message.title + message.body
    channels.look_at_chat(chat=chat, at=at)
    assert not channels.tell_about_chat(shop_id=place.shop.pk, chat_id=chat.pk, at=at)


def test_lines_are_kept_for_ninety_days_and_a_block_for_good(place: Place, phone: Device) -> None:
    join(place, phone)
    ask(place, phone)
    chat = queries.chats_of(place.shop).get()
    assert channels.drop_old_lines(at=NOON + LINES_KEPT - timedelta(seconds=1)) == 0
    channels.block_chat(shop=place.shop, chat=chat, by=BY, at=NOON)
    assert channels.drop_old_lines(at=NOON + LINES_KEPT) == 1
    assert Chat.objects.count() == 1
    channels.unblock_chat(shop=place.shop, chat=chat, by=BY, at=NOON)
    channels.drop_old_lines(at=NOON + LINES_KEPT)
    assert not Chat.objects.exists()


def test_forget_me_takes_every_line_and_leaves_nothing_on_its_way(place: Place, phone: Device) -> None:
    join(place, phone)
    ask(place, phone)
    answer(place)
    chat = queries.chats_of(place.shop).get()
    person = Person.objects.get(pk=chat.person_id)
    channels.tell_about_chat(shop_id=place.shop.pk, chat_id=chat.pk, at=NOON + timedelta(minutes=2))
    with fence.across_shops():
        people.erase_person(person=person, by="guest", at=NOON + timedelta(minutes=3))
    assert not ChatLine.objects.exists()
    assert not Chat.objects.exists()
    people.dispatch(medium=Medium.INBOX, read_clock=lambda: NOON + timedelta(minutes=4))
    assert not Message.objects.exists()


def test_two_identities_of_one_person_have_one_chat(place: Place, phone: Device, key: Key) -> None:
    join(place, phone)
    ask(place, phone, "손님으로 물어요")
    account = people.open_account(email="mokryeon@dure.example", at=NOON)
    other, _ = people.remember_device(at=NOON)
    with fence.across_shops():
        people.claim_device(device=other, person=account, at=NOON)
    other.refresh_from_db()
    place_tea(place, other, key())
    channels.ask_shop(
        shop=place.shop, person=account, device=other, text="회원으로 물어요", key="1", language="ko", at=NOON
    )
    assert Chat.objects.count() == 2
    with fence.across_shops():
        people.claim_device(device=phone, person=account, at=NOON)
    assert {text for _, text in said(place)} == {"손님으로 물어요", "회원으로 물어요"}
    assert Chat.objects.get().person_id == account.pk
