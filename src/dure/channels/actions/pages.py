"""What a shop shows: its profile, its posts, coupons that friends take."""

from collections.abc import Mapping
from datetime import datetime
from typing import IO

from django.db import transaction

from dure.channels import queries, rules
from dure.channels.errors import CouponNotHere, FriendsOnly, NothingSaid, Promotes, TooLong, TooManyPinned, TooManyPosts
from dure.channels.models import Post, Profile
from dure.channels.values import ABOUT_MAX, AWAY_MAX, BODY_MAX, PINNED_MAX, POSTS_MAX, TITLE_MAX, WELCOME_MAX
from dure.kit import events, ids
from dure.menu import actions as menu
from dure.menu.models import Photo
from dure.messaging import actions as messaging
from dure.messaging.values import Medium, MessageKind
from dure.offers import actions as offers
from dure.offers.errors import OfferNotRunning
from dure.offers.models import Coupon
from dure.people.models import Person
from dure.regulars import queries as regulars
from dure.shops.models import Shop

Words = Mapping[str, str]


@transaction.atomic
def keep_profile(
    *, shop: Shop, about: Words, welcome: Words, away: Words, takes_chats: bool, by: str, at: datetime
) -> Profile:
    """How the shop introduces itself, greets and answers while closed. Repeat-safe.

    Refuses TooLong; Promotes for a greeting or automatic answer that speaks of an offer: they go out as information.
    """
    kept = {
        "about": words_of("about", about, ABOUT_MAX),
        "welcome": words_of("welcome", welcome, WELCOME_MAX),
        "away": words_of("away", away, AWAY_MAX),
    }
    for field in ("welcome", "away"):
        for text in kept[field].values():
            refuse_promotion(field, text, shop)
    profile, _ = Profile.objects.update_or_create(
        shop=shop, defaults={**kept, "takes_chats": takes_chats, "changed_at": at}
    )
    events.ring(f"channel:{shop.pk}")
    return profile


def refuse_promotion(field: str, text: str, shop: Shop) -> None:
    """What goes out as information must praise nothing (정보통신망법 §50: mixed content is an advertisement)."""
    faults = messaging.check_text(
        kind=MessageKind.INFORMATION, media=[Medium.INBOX], sender_name=shop.name, contact="", title="", body=text
    )
    if "promotes" in faults.get(Medium.INBOX, []):
        raise Promotes(field=field)


def words_of(field: str, words: Words, most: int) -> dict[str, str]:
    """Both languages as they are kept; what is empty is left out. Refuses TooLong."""
    kept = {language: rules.cleaned(words.get(language, "")) for language in ("ko", "en")}
    if any(len(text) > most for text in kept.values()):
        raise TooLong(TooLong.sentence.given(most=most), field=field)
    return {language: text for language, text in kept.items() if text}


# Posts


def write_post(
    *,
    shop: Shop,
    title: Words,
    body: Words,
    shown_at: datetime,
    post: Post | None = None,
    by: str,
    at: datetime,
) -> Post:
    """Write a post, or write `post` anew; it is read from `shown_at` on. Refuses NothingSaid, TooLong, TooManyPosts."""
    heading, text = words_of("title", title, TITLE_MAX), words_of("body", body, BODY_MAX)
    if not heading.get("ko"):
        raise NothingSaid(field="title")
    with transaction.atomic():
        Shop.objects.select_for_update(no_key=True).get(pk=shop.pk)
        said = {"title": heading, "body": text, "shown_at": shown_at, "by": by}
        if post is None:
            if Post.objects.filter(shop=shop).count() >= POSTS_MAX:
                raise TooManyPosts
            post = Post.objects.create(shop=shop, public_id=ids.new_public_id("pst"), written_at=at, **said)
        else:
            # What was pinned or illustrated meanwhile stays so.
            Post.objects.filter(shop=shop, pk=post.pk).update(**said)
            post.refresh_from_db()
        events.ring(f"channel:{shop.pk}")
    return post


def keep_post_photo(*, shop: Shop, post: Post, file: IO[bytes], by: str, at: datetime) -> Photo:
    """The post's picture, re-encoded as a menu's is; the one before goes. Refuses as `menu.store_photo`."""
    with menu.fresh_photo(shop=shop, file=file, at=at) as photo:
        held = Post.objects.select_for_update().get(shop=shop, pk=post.pk)
        old, held.photo = held.photo, photo
        held.save(update_fields=["photo"])
        menu.drop_photo(photo=old)
        events.ring(f"channel:{shop.pk}")
    return photo


@transaction.atomic
def drop_post_photo(*, shop: Shop, post: Post) -> None:
    """The post has no picture. Repeat-safe."""
    held = Post.objects.select_for_update().get(shop=shop, pk=post.pk)
    old, held.photo = held.photo, None
    held.save(update_fields=["photo"])
    menu.drop_photo(photo=old)


@transaction.atomic
def pin_post(*, shop: Shop, post: Post, pinned: bool, at: datetime) -> None:
    """Keep a post on top, or no longer. Refuses TooManyPinned. Repeat-safe."""
    Shop.objects.select_for_update(no_key=True).get(pk=shop.pk)
    if pinned and Post.objects.filter(shop=shop, pinned_at__isnull=False).exclude(pk=post.pk).count() >= PINNED_MAX:
        raise TooManyPinned
    Post.objects.filter(shop=shop, pk=post.pk).update(pinned_at=at if pinned else None)
    events.ring(f"channel:{shop.pk}")


@transaction.atomic
def remove_post(*, shop: Shop, post: Post) -> None:
    """Delete a post and its picture for good. Repeat-safe."""
    held = Post.objects.select_for_update().filter(shop=shop, pk=post.pk).first()
    if held is None:
        return
    photo = held.photo
    held.delete()
    menu.drop_photo(photo=photo)
    events.ring(f"channel:{shop.pk}")


# Coupons


def take_coupon(*, shop: Shop, person: Person, offer: str, at: datetime) -> Coupon:
    """A friend takes a coupon from the shop's page. Tapping twice takes one, as often as one person may have it.

    Refuses FriendsOnly, CouponNotHere, and the offer's own OutOfStock and AlreadyHas.
    """
    if regulars.relation_of(person, shop) is None:
        raise FriendsOnly
    found = queries.takeable_offer(shop, offer)
    if found.starts_at and found.starts_at > at:
        raise CouponNotHere
    held = Coupon.objects.filter(shop=shop, offer=found, person=person).count()
    try:
        return offers.issue_coupon(offer=found, person=person, key=f"taken:{found.public_id}:{person.pk}:{held}", at=at)
    except OfferNotRunning:
        raise CouponNotHere from None
