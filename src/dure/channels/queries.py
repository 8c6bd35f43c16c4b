"""Everything read about a shop's channel."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from django.conf import settings
from django.db.models import Count, F, Q, QuerySet

from dure.channels import rules
from dure.channels.errors import CouponNotHere, NoSuchAnswer, NoSuchChat, NoSuchPicture, NoSuchPost
from dure.channels.models import CannedAnswer, Chat, ChatLine, Post, Profile, Wish
from dure.channels.values import LINES_KEPT, ORDER_OPENS, PICTURE_WIDTH, WISH_LASTS, Door, Side
from dure.kit.clock import KST
from dure.kit.language import Text, say
from dure.offers import queries as offers
from dure.offers.errors import NoSuchOffer
from dure.offers.models import Coupon, Offer
from dure.offers.values import OfferOccasion, OfferState
from dure.ordering import queries as ordering
from dure.people.models import Device, Person
from dure.regulars import queries as regulars
from dure.regulars.models import Relation
from dure.shops import queries as shops
from dure.shops.models import Shop

DOOR_WORDS: dict[str, Text] = {
    Door.RECEIPT: say("결제한 뒤", en="After paying"),
    Door.POSTER: say("가입 포스터", en="Poster"),
    Door.LINK: say("공유한 링크", en="Shared link"),
    Door.MENU: say("테이블 메뉴", en="Table menu"),
    Door.PAGE: say("채널 페이지", en="Channel page"),
}


def profile_of(shop: Shop) -> Profile:
    """How the shop introduces itself; an empty one where it never did."""
    found = Profile.objects.filter(shop=shop).first()
    return found or Profile(shop=shop, changed_at=shop.created_at)


def posts_of(shop: Shop, *, at: datetime) -> QuerySet[Post]:
    """What visitors of the page read: the pinned ones first, then the newest."""
    shown = Post.objects.filter(shop=shop, shown_at__lte=at).select_related("photo")
    return shown.order_by(F("pinned_at").desc(nulls_last=True), "-shown_at", "-id")


def all_posts_of(shop: Shop) -> QuerySet[Post]:
    """Every post, those to come included, as the owner sees them."""
    return Post.objects.filter(shop=shop).select_related("photo").order_by("-shown_at", "-id")


def post_by_public_id(shop: Shop, public_id: str) -> Post:
    """One post of this shop. Raises NoSuchPost."""
    found = Post.objects.filter(shop=shop, public_id=public_id).select_related("photo").first()
    if found is None:
        raise NoSuchPost
    return found


# Coupons that friends take


@dataclass(frozen=True, slots=True, kw_only=True)
class Takeable:
    """An offer on the channel page; `taken`: this person has as many coupons of it as one may have."""

    offer: Offer
    taken: bool


def takeable_by(person: Person | None, shop: Shop, *, at: datetime) -> list[Takeable]:
    """What friends may take from the shop's page now, the newest first."""
    running = Offer.objects.filter(shop=shop, occasion=OfferOccasion.CHANNEL, state=OfferState.RUNNING)
    running = running.filter(Q(starts_at=None) | Q(starts_at__lte=at), Q(ends_at=None) | Q(ends_at__gt=at))
    found = list(running.filter(Q(stock=None) | Q(issued__lt=F("stock"))).order_by("-created_at", "-id"))
    held: dict[int, int] = {}
    if person is not None and found:
        own = Coupon.objects.filter(shop=shop, person=person, offer__in=found).values("offer")
        held = dict(own.annotate(n=Count("id")).values_list("offer", "n"))
    return [Takeable(offer=one, taken=held.get(one.pk, 0) >= one.per_person) for one in found]


def takeable_offer(shop: Shop, public_id: str) -> Offer:
    """One offer of the shop's page. Raises CouponNotHere."""
    try:
        found = offers.offer_of_shop(shop, public_id)
    except NoSuchOffer:
        raise CouponNotHere from None
    if found.occasion != OfferOccasion.CHANNEL or found.state != OfferState.RUNNING:
        raise CouponNotHere
    return found


# Chats


def may_write(shop: Shop, person: Person | None, device: Device | None, *, at: datetime) -> bool:
    """Whether this phone may ask the shop something: a friend, or somebody who ordered here of late."""
    if regulars.relation_of(person, shop) is not None:
        return True
    orders = ordering.orders_of_device(device).filter(shop=shop, placed_at__gt=at - ORDER_OPENS)
    return device is not None and orders.exists()


def chat_with(shop: Shop, person: Person | None) -> Chat | None:
    """What this person and the shop said, if anything."""
    if person is None:
        return None
    return Chat.objects.filter(shop=shop, person=person).first()


def chat_by_public_id(shop: Shop, public_id: str) -> Chat:
    """One chat of this shop. Raises NoSuchChat."""
    found = Chat.objects.filter(shop=shop, public_id=public_id).first()
    if found is None:
        raise NoSuchChat
    return found


def chats_of(shop: Shop) -> QuerySet[Chat]:
    """A shop's chats, those that wait for an answer first, then the latest."""
    return Chat.objects.filter(shop=shop).order_by("-waits", "-last_at", "-id")


def waiting_count(shop: Shop) -> int:
    """How many chats wait for an answer."""
    return Chat.objects.filter(shop=shop, waits=True, blocked_at=None).count()


def lines_of(chat: Chat | None, *, at: datetime, most: int = 200) -> list[ChatLine]:
    """The latest lines that are still kept, oldest first."""
    if chat is None:
        return []
    return list(ChatLine.objects.filter(chat=chat, at__gt=at - LINES_KEPT).order_by("-at", "-id")[:most])[::-1]


def latest_lines(chats: Sequence[Chat]) -> dict[int, ChatLine]:
    """The latest line of each of these chats that is still kept, in one query."""
    found = ChatLine.objects.filter(chat__in=chats).order_by("chat", "-at", "-id").distinct("chat")
    return {line.chat_id: line for line in found}


def asked_count(chat: Chat | None) -> int:
    """How many lines the guest has written that are still there."""
    return ChatLine.objects.filter(chat=chat, side=Side.GUEST).count() if chat else 0


def unread_by_guest(chat: Chat) -> int:
    """How many answers the guest has not looked at."""
    since = Q(at__gt=chat.seen_at) if chat.seen_at else Q()
    return ChatLine.objects.filter(since, chat=chat, side=Side.SHOP).count()


def answerable(chat: Chat, *, at: datetime) -> bool:
    """Whether the shop may still answer."""
    return chat.blocked_at is None and rules.may_answer(chat.asked_at, at)


def answers_of(shop: Shop) -> QuerySet[CannedAnswer]:
    """The shop's canned answers, in order."""
    return CannedAnswer.objects.filter(shop=shop).order_by("position", "id")


def answer_by_public_id(shop: Shop, public_id: str) -> CannedAnswer:
    """One canned answer. Raises NoSuchAnswer."""
    found = CannedAnswer.objects.filter(shop=shop, public_id=public_id).first()
    if found is None:
        raise NoSuchAnswer
    return found


def friends_by_door(shop: Shop) -> list[tuple[Text, int]]:
    """How many of today's friends came by which way, the most first."""
    counted = Relation.objects.filter(shop=shop, left_at=None).values("door").annotate(n=Count("id"))
    by_door: dict[str, int] = {}
    for row in counted:
        door = row["door"] if row["door"] in set(Door) else Door.PAGE
        by_door[door] = by_door.get(door, 0) + row["n"]
    return [(DOOR_WORDS[door], n) for door, n in sorted(by_door.items(), key=lambda one: -one[1])]


def away_words(shop: Shop, profile: Profile, language: str, *, at: datetime) -> str:
    """What the shop answers by itself while it is closed, in the guest's language."""
    own = profile.away.get(language) or profile.away.get("ko", "")
    if own:
        return str(own)
    opening = shops.opening(shop, at)
    if opening.opens_at is None:
        return say(
            "지금은 영업시간이 아니에요. 열면 답할게요.", en="We are closed now and will answer when we open."
        ).within(language)
    opens = opening.opens_at.astimezone(KST)
    return say(
        "지금은 영업시간이 아니에요. {day} {t}에 열면 답할게요.",
        en="We are closed now. We open at {t} on {day} and will answer then.",
        day=f"{opens.month}/{opens.day}",
        t=f"{opens:%H:%M}",
    ).within(language)


def wishes_for(person: Person | None, item: str) -> bool:
    """Whether this person waits to be told that the item of this public id is back."""
    return person is not None and Wish.objects.filter(person=person, item__public_id=item, told_at=None).exists()


def waiting_for(shop_id: int, item_id: int, *, at: datetime) -> QuerySet[Wish]:
    """Who waits for an item of a shop, whoever asked first first."""
    waiting = Wish.objects.filter(shop_id=shop_id, item_id=item_id, told_at=None, asked_at__gt=at - WISH_LASTS)
    return waiting.select_related("shop", "person", "item").order_by("asked_at", "id")


def picture_folder(name: str) -> Path:
    """Where a conversation's picture is: under no address of its own, unlike a menu's."""
    return Path(settings.MEDIA_ROOT) / "chats" / name


def picture_file(name: str) -> Path:
    """The one file of a conversation's picture that is shown."""
    return picture_folder(name) / f"{PICTURE_WIDTH}.webp"


def pictures_shown_at(shop: Shop) -> list[str]:
    """The names of all pictures in a shop's conversations, in the order in which they were shown."""
    lines = ChatLine.objects.filter(shop=shop).exclude(picture="").order_by("id")
    return list(lines.values_list("picture", flat=True))


def picture_in(chat: Chat | None, name: str) -> bytes:
    """The picture of that name, of a line of this conversation: whoever may read the conversation may see it. Refuses:
    NoSuchPicture."""
    shown = chat is not None and ChatLine.objects.filter(chat=chat, picture=name).exists()
    file = picture_file(name)
    if not name or not shown or not file.is_file():
        raise NoSuchPicture
    return file.read_bytes()
