"""The owner's side of the channel, without JavaScript: the profile, posts, the poster, and answering guests."""

import io

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from PIL import Image

from dure.channels import actions as channels
from dure.channels import queries
from dure.channels.models import Chat
from dure.people import actions as people
from dure.people.models import Person
from dure.regulars import actions as regulars
from dure.shops import fence
from dure.shops.models import Shop
from tests import cast
from tests.web.console.desk import Desk

NAME = "카나리아새봄"


def page(shop: Shop, name: str, more: str = "") -> str:
    return f"/console/{shop.public_id}/{name}{more}"


def guest(shop: Shop, text: str = "몇 시까지 하나요?") -> tuple[Person, Chat]:
    """A friend with a name that nobody at the shop may see, who asked something."""
    person = people.open_account(name=NAME, email="canary@example.com", phone="01098765432", at=cast.NOON)
    with fence.within_shop(shop.pk):
        regulars.join_channel(shop=shop, person=person, device=None, source="link", by="t", at=cast.NOON)
        channels.ask_shop(shop=shop, person=person, device=None, text=text, key="1", language="ko", at=cast.NOON)
        return person, queries.chats_of(shop).get()


def test_the_profile_is_kept_and_praise_is_refused_at_its_field(owner: Desk, noodles: Shop) -> None:
    owner.open("channel")
    owner.send("channel", about="손칼국수집", welcome="반가워요!", takes_chats="on")
    with fence.within_shop(noodles.pk):
        kept = queries.profile_of(noodles)
    assert (kept.about, kept.welcome, kept.takes_chats) == ({"ko": "손칼국수집"}, {"ko": "반가워요!"}, True)
    owner.open("channel")
    owner.send("channel", welcome="첫 방문 10% 할인!", takes_chats="on")
    assert owner.status == 422
    assert "캠페인으로" in owner.text
    assert "첫 방문 10% 할인!" in owner.html


def test_a_post_is_written_pinned_illustrated_and_deleted(owner: Desk, noodles: Shop) -> None:
    owner.open("new_post")
    owner.send("new_post", title="김장하는 날", body="쉬어요", shown_on="2026-12-01", shown_from="09:00")
    with fence.within_shop(noodles.pk):
        (post,) = queries.all_posts_of(noodles)
        assert not queries.posts_of(noodles, at=cast.NOON)
    assert post.shown_at.isoformat() == "2026-12-01T00:00:00+00:00"
    owner.open("channel")
    assert "예약" in owner.text
    owner.send("post_pin", post.public_id)
    file = io.BytesIO()
    Image.new("RGB", (64, 64), "#864").save(file, "PNG")
    owner.open("post", post.public_id)
    owner.send("post_photo", post.public_id, photo=SimpleUploadedFile("x.png", file.getvalue(), "image/png"))
    assert f"{post.title['ko']}" in owner.text
    with fence.within_shop(noodles.pk):
        post.refresh_from_db()
        assert post.pinned_at is not None
        assert post.photo is not None
    owner.open("post", post.public_id)
    owner.send("post_removal", post.public_id)
    with fence.within_shop(noodles.pk):
        assert not queries.all_posts_of(noodles)


@pytest.mark.parametrize("size", ["a4", "a6", "sticker"])
def test_the_poster_leads_to_the_channel(owner: Desk, noodles: Shop, size: str) -> None:
    answer = owner.client.get(page(noodles, "channel/poster.pdf"), {"size": size})
    assert answer.status_code == 200
    assert answer.content.startswith(b"%PDF")
    assert owner.client.get(page(noodles, "channel/poster.pdf"), {"size": "a0"}).status_code == 422


def test_the_owner_answers_a_nickname_and_learns_nothing_else(owner: Desk, noodles: Shop) -> None:
    person, chat = guest(noodles)
    owner.open("chats")
    assert "몇 시까지 하나요?" in owner.text
    assert "답을 기다려요" in owner.text
    owner.open("chat", chat.public_id)
    for secret in (NAME, "canary@example.com", "98765432", person.public_id):
        assert secret not in owner.html
    owner.send("chat", chat.public_id, text="아홉 시까지 해요.")
    assert "아홉 시까지 해요." in owner.text
    with fence.within_shop(noodles.pk):
        chat.refresh_from_db()
        assert chat.waits is False
        assert [line.said for line in queries.lines_of(chat, at=cast.NOON)] == [
            "몇 시까지 하나요?",
            "아홉 시까지 해요.",
        ]
    owner.open("chats")
    assert "답을 기다려요" not in owner.text


def test_the_owner_closes_a_conversation_and_talks_again(owner: Desk, noodles: Shop) -> None:
    _, chat = guest(noodles)
    owner.open("chat", chat.public_id)
    owner.send("chat_blocking", chat.public_id)
    assert "닫아 두었어요" in owner.text
    owner.send("chat_blocking", chat.public_id)
    assert "닫아 두었어요" not in owner.text


def test_canned_answers_are_kept_and_deleted(owner: Desk, noodles: Shop) -> None:
    owner.open("chats")
    owner.send("answers", text="네, 자리가 있어요.")
    assert "네, 자리가 있어요." in owner.text
    owner.send("answers", text="쿠폰 드릴게요")
    assert owner.status == 422
    owner.open("chats")
    with fence.within_shop(noodles.pk):
        (kept,) = queries.answers_of(noodles)
    owner.send("answer_removal", kept.public_id)
    assert "네, 자리가 있어요." not in owner.text


def test_an_open_chat_asks_for_its_lines_alone(owner: Desk, noodles: Shop) -> None:
    _, chat = guest(noodles)
    part = owner.client.get(page(noodles, f"chats/{chat.public_id}"), headers={"X-Fragment": "1"}).content.decode()
    assert "몇 시까지 하나요?" in part
    assert "<html" not in part
