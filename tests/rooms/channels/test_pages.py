"""What a shop shows: posts from an hour on, photos that go with them, coupons that only friends take."""

import io
from datetime import timedelta
from pathlib import Path

import pytest
from PIL import Image

from dure.channels import actions as channels
from dure.channels import queries
from dure.channels.errors import CouponNotHere, FriendsOnly, NothingSaid, TooLong, TooManyPinned
from dure.channels.models import Post
from dure.channels.values import Door
from dure.menu import queries as menus
from dure.menu.errors import PhotoUnreadable
from dure.menu.models import Photo
from dure.offers import actions as offers
from dure.offers.errors import AlreadyHas
from dure.offers.models import Coupon, Offer
from dure.offers.values import OfferKind, OfferOccasion, OfferState
from dure.people import actions as people
from dure.people.models import Device
from dure.regulars import actions as regulars
from tests.rooms.ordering.conftest import BY, NOON, Place, phone, place
from tests.rooms.regulars.test_friends import join

__all__ = ["phone", "place"]


@pytest.fixture(autouse=True)
def photos_of_this_test(settings: object, tmp_path: Path) -> None:
    settings.MEDIA_ROOT = tmp_path  # type: ignore[attr-defined]


def written(place: Place, title: str = "새 메뉴", *, days: int = 0) -> Post:
    return channels.write_post(
        shop=place.shop, title={"ko": title}, body={}, shown_at=NOON + timedelta(days=days), by=BY, at=NOON
    )


def shown(place: Place, *, days: int = 0) -> list[str]:
    return [post.title["ko"] for post in queries.posts_of(place.shop, at=NOON + timedelta(days=days))]


def picture() -> io.BytesIO:
    file = io.BytesIO()
    Image.new("RGB", (64, 64), "#864").save(file, "PNG")
    file.seek(0)
    return file


def test_a_post_is_read_from_its_hour_on_and_a_pinned_one_first(place: Place) -> None:
    first, _, _ = written(place, "어제", days=-1), written(place, "오늘"), written(place, "내일", days=1)
    assert shown(place) == ["오늘", "어제"]
    channels.pin_post(shop=place.shop, post=first, pinned=True, at=NOON)
    assert shown(place, days=1) == ["어제", "내일", "오늘"]
    channels.write_post(
        shop=place.shop, post=first, title={"ko": "고쳤어요"}, body={}, shown_at=first.shown_at, by=BY, at=NOON
    )
    assert shown(place) == ["고쳤어요", "오늘"]
    channels.remove_post(shop=place.shop, post=first)
    channels.remove_post(shop=place.shop, post=first)
    assert shown(place) == ["오늘"]


def test_a_post_needs_a_title_that_fits_and_three_are_pinned_at_most(place: Place) -> None:
    with pytest.raises(NothingSaid):
        written(place, " \u200b ")
    with pytest.raises(TooLong):
        written(place, "가" * 61)
    posts = [written(place, str(n)) for n in range(4)]
    for post in posts[:3]:
        channels.pin_post(shop=place.shop, post=post, pinned=True, at=NOON)
    with pytest.raises(TooManyPinned):
        channels.pin_post(shop=place.shop, post=posts[3], pinned=True, at=NOON)


def test_a_photo_is_drawn_again_and_goes_with_its_post(
    place: Place, django_capture_on_commit_callbacks: object
) -> None:
    post = written(place)
    with pytest.raises(PhotoUnreadable):
        channels.keep_post_photo(shop=place.shop, post=post, file=io.BytesIO(b"no picture"), by=BY, at=NOON)
    photo = channels.keep_post_photo(shop=place.shop, post=post, file=picture(), by=BY, at=NOON)
    folder = menus.photo_folder(photo.public_id)
    assert {file.name for file in folder.iterdir()} == {"96.webp", "320.webp", "960.webp"}
    with django_capture_on_commit_callbacks(execute=True):  # type: ignore[operator]
        channels.remove_post(shop=place.shop, post=post)
    assert not folder.exists()
    assert not Photo.objects.exists()


def test_a_photo_of_a_post_that_is_gone_leaves_no_file(place: Place, tmp_path: Path) -> None:
    post = written(place)
    channels.remove_post(shop=place.shop, post=post)
    with pytest.raises(Post.DoesNotExist):
        channels.keep_post_photo(shop=place.shop, post=post, file=picture(), by=BY, at=NOON)
    assert list((tmp_path / "photos").glob("*")) == []


def offer(place: Place, **more: object) -> Offer:
    terms = {"name": {"ko": "채널 쿠폰"}, "kind": OfferKind.AMOUNT, "value": 500, "occasion": OfferOccasion.CHANNEL}
    return offers.create_offer(shop=place.shop, by=BY, at=NOON, **{**terms, **more})  # type: ignore[arg-type]


def test_friends_take_a_coupon_once_and_strangers_none(place: Place, phone: Device) -> None:
    made = offer(place)
    person = people.ensure_person(device=phone, at=NOON)
    with pytest.raises(FriendsOnly):
        channels.take_coupon(shop=place.shop, person=person, offer=made.public_id, at=NOON)
    join(place, phone)
    channels.take_coupon(shop=place.shop, person=person, offer=made.public_id, at=NOON)
    with pytest.raises(AlreadyHas):
        channels.take_coupon(shop=place.shop, person=person, offer=made.public_id, at=NOON)
    assert Coupon.objects.filter(offer=made).count() == 1
    assert [one.taken for one in queries.takeable_by(person, place.shop, at=NOON)] == [True]


def test_only_what_lies_on_the_page_can_be_taken(place: Place, phone: Device) -> None:
    person = join(place, phone).person
    hand, ended = offer(place, occasion=OfferOccasion.HAND), offer(place, stock=1)
    offers.change_offer_state(shop=place.shop, offer=ended.public_id, state=OfferState.ENDED, by=BY, at=NOON)
    for one in (hand.public_id, ended.public_id, "ofr_00000000000000000000000000"):
        with pytest.raises(CouponNotHere):
            channels.take_coupon(shop=place.shop, person=person, offer=one, at=NOON)
    assert queries.takeable_by(person, place.shop, at=NOON) == []


def test_the_owner_sees_by_which_door_friends_came(place: Place) -> None:
    for door in (Door.POSTER, Door.POSTER, Door.LINK, "something older"):
        device, _ = people.remember_device(at=NOON)
        person = people.ensure_person(device=device, at=NOON)
        regulars.join_channel(shop=place.shop, person=person, device=device, source=door, by="guest", at=NOON)
    assert [(str(words), n) for words, n in queries.friends_by_door(place.shop)] == [
        ("가입 포스터", 2),
        ("공유한 링크", 1),
        ("채널 페이지", 1),
    ]
