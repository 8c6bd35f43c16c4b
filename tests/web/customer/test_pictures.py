"""Pictures in a conversation: drawn again, seen by its two sides alone, and gone with it."""

import io
from datetime import timedelta
from pathlib import Path

import pytest
from django.test import Client
from django.urls import reverse
from PIL import Image

from dure.channels import actions as channels
from dure.channels import queries
from dure.channels.models import ChatLine
from dure.channels.values import LINES_KEPT
from dure.people import actions as people
from dure.shops import fence
from dure.shops.models import Shop
from tests import cast
from tests.cast import NOON
from tests.web.customer.test_friendship import joined, person

pytestmark = pytest.mark.django_db(transaction=True)
PLACE = b"35.1796N 129.0756E"


@pytest.fixture
def noodles(db: None) -> Shop:
    return cast.noodle_house()


@pytest.fixture(autouse=True)
def media(settings: pytest.FixtureRequest, tmp_path: Path) -> Path:
    settings.MEDIA_ROOT = tmp_path  # type: ignore[attr-defined]
    return tmp_path


def shot(kind: str = "JPEG") -> io.BytesIO:
    """A photograph that says where it was taken."""
    file = io.BytesIO()
    told = Image.Exif()
    told[0x010E] = PLACE.decode()
    Image.new("RGB", (1200, 800), "orange").save(file, kind, exif=told)
    file.seek(0)
    file.name = "shot.jpg"
    return file


def owner() -> Client:
    client = Client()
    client.force_login(cast.person(cast.SOONI), backend="dure.people.sessions.ByPassword")
    return client


def guest_of(phone: object) -> Client:
    client = Client()
    client.cookies = phone.client.cookies  # type: ignore[attr-defined]
    return client


def sent(client: Client, address: str) -> int:
    return client.post(address, {"picture": shot(), "after": "0"}).status_code


def test_both_sides_show_pictures_and_nobody_else_sees_them(noodles: Shop, media: Path) -> None:
    phone = joined(noodles)
    guest, chat = guest_of(phone), reverse("customer:chat", args=[noodles.public_id])
    assert (sent(guest, chat), sent(guest, chat)) == (303, 303)
    with fence.across_shops():
        talk = queries.chats_of(noodles).get()
        (line,) = ChatLine.objects.filter(chat=talk)
    assert (line.width, line.height) == (960, 640)
    address = reverse("customer:chat_picture", args=[noodles.public_id, line.picture])
    answer = guest.get(address)
    assert answer["Content-Type"] == "image/webp"
    assert PLACE not in answer.content
    assert address in guest.get(chat).content.decode()

    theirs = reverse("console:chat", args=[noodles.public_id, talk.public_id])
    shop_sees = reverse("console:chat_picture", args=[noodles.public_id, talk.public_id, line.picture])
    assert owner().get(shop_sees).content == answer.content
    assert sent(owner(), theirs) == 303
    with fence.across_shops():
        back = ChatLine.objects.get(chat=talk, side="shop")
    assert guest.get(reverse("customer:chat_picture", args=[noodles.public_id, back.picture])).status_code == 200
    assert len(list((media / "chats").iterdir())) == 2

    other = guest_of(joined(noodles))
    assert other.get(address).status_code == 404
    assert Client().get(address).status_code == 404
    assert Client().get(f"/photos/{line.picture}/960").status_code == 404
    stranger = cast.zelkova_coffee()
    wrong = reverse("console:chat_picture", args=[stranger.public_id, talk.public_id, line.picture])
    assert owner().get(wrong).status_code in (403, 404)

    with fence.across_shops():
        people.erase_person(person=person(phone), by="t", at=NOON)
    assert not ChatLine.objects.exists()
    assert not list((media / "chats").iterdir())


@pytest.mark.parametrize("content", [b"", b"no picture", b"\x89PNG\r\n\x1a\n" + b"0" * 50, b"<svg/>"])
def test_what_is_no_picture_leaves_no_line_and_no_file(noodles: Shop, media: Path, content: bytes) -> None:
    guest, chat = guest_of(joined(noodles)), reverse("customer:chat", args=[noodles.public_id])
    file = io.BytesIO(content)
    file.name = "x.png"
    assert guest.post(chat, {"picture": file, "after": "0"}).status_code in (415, 422)
    assert not ChatLine.objects.exists()
    assert not list((media / "chats").glob("*"))


def test_a_picture_goes_with_its_line_after_ninety_days(noodles: Shop, media: Path) -> None:
    guest, chat = guest_of(joined(noodles)), reverse("customer:chat", args=[noodles.public_id])
    assert sent(guest, chat) == 303
    with fence.across_shops():
        line = ChatLine.objects.get()
    channels.drop_old_lines(at=line.at + LINES_KEPT - timedelta(seconds=1))
    assert list((media / "chats").iterdir())
    channels.drop_old_lines(at=line.at + LINES_KEPT)
    assert not list((media / "chats").iterdir())
