"""A guest asks, the shop answers. The shop never begins, and never learns who asks."""

from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Q

from dure.channels import queries, rules
from dure.channels.actions.pages import refuse_promotion
from dure.channels.actions.pictures import drop_pictures
from dure.channels.errors import (
    ChatBlocked,
    ChatsOff,
    NothingSaid,
    NotWithUs,
    TooLateToAnswer,
    TooLong,
    TooManyAnswers,
    TooManyLines,
)
from dure.channels.models import CannedAnswer, Chat, ChatLine, Wish
from dure.channels.values import ANSWER_MAX, ANSWERS_MAX, LINE_MAX, LINES_KEPT, Picture, Side
from dure.kit import events, ids, jobs
from dure.people.events import PersonErased, PersonsMerged
from dure.people.models import Device, Person
from dure.regulars import queries as regulars
from dure.shops import fence
from dure.shops import queries as shops
from dure.shops.models import Shop


@transaction.atomic
def ask_shop(
    *,
    shop: Shop,
    person: Person,
    device: Device | None,
    text: str,
    picture: Picture | None = None,
    key: str,
    language: str,
    at: datetime,
) -> ChatLine:
    """A guest writes a line, or shows a picture. Outside opening hours the shop's automatic answer follows at once. The same `key` is the same
    line. Rings `chat:<id>` and `chats:<shop>`.

    Refuses NotWithUs, ChatsOff, ChatBlocked, TooManyLines, NothingSaid, TooLong.
    """
    said = _said(text, picture)
    Shop.objects.select_for_update(no_key=True).get(pk=shop.pk)
    chat = Chat.objects.select_for_update().filter(shop=shop, person=person).first()
    if chat is not None:
        before = ChatLine.objects.filter(chat=chat, key=f"g.{key}").first()
        if before is not None:
            return before
        if chat.blocked_at is not None:
            raise ChatBlocked
    if not queries.may_write(shop, person, device, at=at):
        raise NotWithUs
    profile = queries.profile_of(shop)
    if not profile.takes_chats:
        raise ChatsOff
    if chat is None:
        chat = Chat.objects.create(
            shop=shop,
            public_id=ids.new_public_id("cht"),
            person=person,
            nickname=_nickname(shop, person),
            opened_at=at,
            last_at=at,
        )
    written = ChatLine.objects.filter(chat=chat, side=Side.GUEST, at__gt=at - rules.DAY)
    if rules.too_fast(list(written.values_list("at", flat=True)), at):
        raise TooManyLines
    line = _write(chat, Side.GUEST, f"g.{key}", said, picture, by="guest", at=at)
    chat.last_at, chat.asked_at, chat.waits, chat.seen_at = at, at, True, at
    chat.save(update_fields=["last_at", "asked_at", "waits", "seen_at"])
    events.ring(f"shop:{shop.pk}")
    away = ChatLine.objects.filter(chat=chat, side=Side.AWAY).order_by("-at").values_list("at", flat=True).first()
    if rules.says_away(shops.opening(shop, at).open, away, at):
        _write(chat, Side.AWAY, f"a.{line.pk}", queries.away_words(shop, profile, language, at=at), by="away", at=at)
    return line


def _nickname(shop: Shop, person: Person) -> str:
    relation = regulars.relation_of(person, shop)
    return relation.nickname if relation else f"손님 {Chat.objects.filter(shop=shop).count() + 1}"


def _said(text: str, picture: Picture | None) -> str:
    said = rules.cleaned(text)
    if not said and picture is None:
        raise NothingSaid
    if len(said) > LINE_MAX:
        raise TooLong(TooLong.sentence.given(most=LINE_MAX), field="text")
    return said


def _write(
    chat: Chat, side: Side, key: str, text: str, picture: Picture | None = None, *, by: str, at: datetime
) -> ChatLine:
    shown = {"picture": picture.name, "width": picture.width, "height": picture.height} if picture else {}
    line = ChatLine.objects.create(
        shop_id=chat.shop_id, chat=chat, key=key, side=side, said=text, by=by, at=at, **shown
    )
    events.ring(f"chat:{chat.pk}", f"chats:{chat.shop_id}")
    return line


@transaction.atomic
def answer_chat(
    *, shop: Shop, chat: Chat, text: str, picture: Picture | None = None, key: str, by: str, at: datetime
) -> ChatLine:
    """A member of staff answers, in words or with a picture. The guest hears of it in the inbox, once until they look. The same `key` is the same line.

    Refuses ChatBlocked, TooLateToAnswer (a week after the guest's last line it would be writing to them), NothingSaid,
    TooLong, TooManyLines.
    """
    said = _said(text, picture)
    held = Chat.objects.select_for_update(of=("self",)).select_related("person").get(shop=shop, pk=chat.pk)
    before = ChatLine.objects.filter(chat=held, key=f"s.{key}").first()
    if before is not None:
        return before
    if held.blocked_at is not None:
        raise ChatBlocked
    if not rules.may_answer(held.asked_at, at):
        raise TooLateToAnswer
    written = ChatLine.objects.filter(chat=held, side=Side.SHOP, at__gt=at - rules.DAY)
    if rules.too_fast(list(written.values_list("at", flat=True)), at):
        raise TooManyLines
    line = _write(held, Side.SHOP, f"s.{key}", said, picture, by=by, at=at)
    Chat.objects.filter(pk=held.pk).update(last_at=at, waits=False, shop_seen_at=at)
    # Somebody who has the page open reads it there: they are told only if they have not looked by then.
    jobs.enqueue(
        "channels.tell_about_chat",
        at=at + timedelta(seconds=5),
        once=f"channels.tell_about_chat:{held.pk}",
        chat_id=held.pk,
        shop_id=shop.pk,
    )
    return line


def look_at_chat(*, chat: Chat, at: datetime) -> None:
    """The guest has read what is there. Repeat-safe."""
    Chat.objects.filter(Q(seen_at=None) | Q(seen_at__lt=at), pk=chat.pk).update(seen_at=at)


def look_at_chat_as_shop(*, chat: Chat, at: datetime) -> None:
    """Somebody at the shop has read what is there: the guest sees that. Repeat-safe."""
    fresh = Q(shop_seen_at=None) | Q(asked_at__gt=chat.shop_seen_at) if chat.shop_seen_at else Q(shop_seen_at=None)
    if Chat.objects.filter(fresh, pk=chat.pk).update(shop_seen_at=at):
        events.ring(f"chat:{chat.pk}")


def block_chat(*, shop: Shop, chat: Chat, by: str, at: datetime) -> None:
    """Take nothing more from this guest in the chat. Orders are as before. Repeat-safe."""
    Chat.objects.filter(shop=shop, pk=chat.pk, blocked_at=None).update(blocked_at=at, waits=False)
    events.ring(f"chat:{chat.pk}", f"chats:{shop.pk}")


def unblock_chat(*, shop: Shop, chat: Chat, by: str, at: datetime) -> None:
    """Talk again. Repeat-safe."""
    Chat.objects.filter(shop=shop, pk=chat.pk).update(blocked_at=None)
    events.ring(f"chat:{chat.pk}", f"chats:{shop.pk}")


@transaction.atomic
def keep_answer(*, shop: Shop, text: str, answer: CannedAnswer | None = None, by: str, at: datetime) -> CannedAnswer:
    """A canned answer, new or written anew. Refuses NothingSaid, TooLong, Promotes, TooManyAnswers."""
    said = rules.cleaned(text)
    if not said:
        raise NothingSaid(field="text")
    if len(said) > ANSWER_MAX:
        raise TooLong(TooLong.sentence.given(most=ANSWER_MAX), field="text")
    refuse_promotion("text", said, shop)
    Shop.objects.select_for_update(no_key=True).get(pk=shop.pk)
    if answer is None:
        place = CannedAnswer.objects.filter(shop=shop).count()
        if place >= ANSWERS_MAX:
            raise TooManyAnswers
        return CannedAnswer.objects.create(shop=shop, public_id=ids.new_public_id("cna"), text=said, position=place + 1)
    CannedAnswer.objects.filter(shop=shop, pk=answer.pk).update(text=said)
    answer.text = said
    return answer


def drop_answer(*, shop: Shop, answer: CannedAnswer) -> None:
    """Delete a canned answer. Repeat-safe."""
    CannedAnswer.objects.filter(shop=shop, pk=answer.pk).delete()


def drop_old_lines(*, at: datetime) -> int:
    """Delete lines older than ninety days, and chats in which nothing is left; one that a shop blocked stays, empty. How many
    lines."""
    with fence.across_shops():
        old = ChatLine.objects.filter(at__lte=at - LINES_KEPT)
        drop_pictures(old.exclude(picture="").values_list("picture", flat=True))
        dropped, _ = old.delete()
        Chat.objects.filter(lines__isnull=True, last_at__lte=at - LINES_KEPT, blocked_at=None).delete()
    return dropped


def cut_off_person(fact: PersonErased) -> None:
    """Nothing that an erased person said, or was told, is left."""
    with fence.across_shops():
        lines = ChatLine.objects.filter(chat__person_id=fact.person_id)
        drop_pictures(lines.exclude(picture="").values_list("picture", flat=True))
        lines.delete()
        Chat.objects.filter(person_id=fact.person_id).delete()
        Wish.objects.filter(person_id=fact.person_id).delete()


def join_chats(fact: PersonsMerged) -> None:
    """Two identities turned out to be one person: what both said with a shop is one chat; a block stays one. What both wait
    for is told once."""
    with fence.across_shops():
        waiting = Wish.objects.filter(person_id=fact.kept_id, told_at=None).values("item_id")
        Wish.objects.filter(person_id=fact.gone_id, told_at=None, item_id__in=waiting).delete()
        Wish.objects.filter(person_id=fact.gone_id).update(person_id=fact.kept_id)
        for gone in Chat.objects.select_for_update().filter(person_id=fact.gone_id).order_by("pk"):
            kept = Chat.objects.select_for_update().filter(person_id=fact.kept_id, shop_id=gone.shop_id).first()
            if kept is None:
                Chat.objects.filter(pk=gone.pk).update(person_id=fact.kept_id)
                continue
            for line in ChatLine.objects.filter(chat=gone).order_by("pk"):
                ChatLine.objects.filter(pk=line.pk).update(chat=kept, key=f"{line.key}@{gone.public_id}")
            kept.last_at = max(kept.last_at, gone.last_at)
            kept.asked_at = max(filter(None, (kept.asked_at, gone.asked_at)), default=None)
            kept.waits = kept.waits or gone.waits
            kept.blocked_at = kept.blocked_at or gone.blocked_at
            kept.save(update_fields=["last_at", "asked_at", "waits", "blocked_at"])
            gone.delete()
