"""A member of staff gives back what they may alone, and asks an owner or manager for the rest."""

from collections.abc import Iterable
from dataclasses import asdict
from datetime import datetime

from django.db import transaction

from dure.kit import events, ids
from dure.kit.language import Text, say
from dure.messaging.errors import NotPermitted
from dure.messaging.values import MessageKind
from dure.ordering import errors, queries, rules
from dure.ordering.actions import asked, lines, orders, visits
from dure.ordering.actions.concessions import STAFF, move
from dure.ordering.models import Bill, Concession
from dure.ordering.values import ConcessionKind, ConcessionState, Wish
from dure.people import actions as people
from dure.people import queries as persons
from dure.people.errors import NoSuchPerson
from dure.people.models import Person
from dure.shops import actions as shops
from dure.shops import queries as shop_queries
from dure.shops.errors import MemberNotFound
from dure.shops.models import Shop
from dure.shops.values import ABILITIES, Ability, Role


def concede(*, shop: Shop, wish: Wish, by: str, at: datetime) -> Concession | None:
    """Give back or write off what `wish` says. Within what `by` may alone it is done; beyond that a request waits for an owner
    or a manager, and nothing has moved. Returns that request; None where it was done.

    Asking again while it waits gives the same request. Refuses what refuse_order, strike_line, return_won and close_visit
    refuse. Rings.
    """
    with transaction.atomic():
        try:
            with transaction.atomic():
                _give(shop, wish, by=by, at=at, approved=None)
                return None
        except errors.SecondPersonNeeded as needed:
            return ask_concession(shop=shop, wish=wish, won=int(str(needed.facts["won"])), by=by, at=at)


def ask_concession(*, shop: Shop, wish: Wish, won: int, by: str, at: datetime) -> Concession:
    """Ask owners and managers for `won`, which the caller has reckoned. The same wish waits once. Rings."""
    with transaction.atomic():
        waits, fresh = Concession.objects.get_or_create(
            shop=shop,
            kind=wish.kind,
            about=wish.about,
            state=ConcessionState.WAITING,
            defaults={
                "public_id": ids.new_public_id("con"),
                "what": queries.called(shop, wish),
                "wish": asdict(wish),
                "won": won,
                "reason": wish.reason,
                "by": by,
                "business_day": shop_queries.business_day(shop, at),
                "asked_at": at,
            },
        )
        if fresh:
            others = [
                m.person
                for m in shop_queries.staff_of(shop)
                if _approves(m.role) and f"{STAFF}{m.person.public_id}" != by
            ]
            _tell(
                others,
                say("{s}: {w}원 승인을 기다려요", en="{s}: {w} won wait for your approval", s=shop.name, w=f"{won:,}"),
                say("이유: {r}", en="Reason: {r}", r=wish.reason),
                shop,
                key=f"concession:{waits.public_id}",
                at=at,
            )
            events.ring(f"shop:{shop.pk}")
        return waits


def approve_concession(*, shop: Shop, concession: str, by: str, at: datetime) -> Concession:
    """The second person agrees: the money moves now, in this transaction, and not before. Two who agree at once move it once.

    Refuses OwnConcession, SecondPersonNeeded (an approver's role gone meanwhile), ConcessionOver (decided, expired, or
    nothing left to give), ConcessionChanged, and what the deed itself refuses.
    """
    with transaction.atomic():
        held = _held(shop, concession, at)
        _second_person(held, shop, by)
        held.decided_by, held.decided_at = by, at
        _give(shop, Wish(**held.wish), by=held.by, at=at, approved=held)
        if held.state != ConcessionState.DONE:
            raise errors.ConcessionOver
        _tell_asker(held, shop, say("승인했어요", en="Approved"), at)
        events.ring(f"shop:{shop.pk}")
        return held


def decline_concession(*, shop: Shop, concession: str, by: str, at: datetime) -> Concession:
    """The second person says no, or whoever asked wants it no more. Nothing moves. Refuses ConcessionOver,
    SecondPersonNeeded."""
    with transaction.atomic():
        held = _held(shop, concession, at)
        if held.by != by:
            _second_person(held, shop, by)
        held.decided_by, held.decided_at = by, at
        move(held, ConcessionState.DECLINED)
        if held.by != by:
            _tell_asker(held, shop, say("승인하지 않았어요", en="Declined"), at)
        events.ring(f"shop:{shop.pk}")
        return held


def expire_concessions(*, at: datetime) -> int:
    """Requests that nobody answered in time are over. How many. Safe to repeat."""
    late = Concession.objects.select_for_update(skip_locked=True).filter(
        state=ConcessionState.WAITING, asked_at__lte=at - rules.CONCESSION_WAITS
    )
    with transaction.atomic():
        found = list(late.order_by("id")[:500])
        for one in found:
            one.decided_at = at
            move(one, ConcessionState.EXPIRED)
        events.ring(*{f"shop:{one.shop_id}" for one in found})
        return len(found)


def set_concession_limits(*, shop: Shop, limit: int, day_limit: int, by: str, at: datetime) -> Shop:
    """How much staff who may not approve give back alone, at once and a day, in won. Owners hear of a change by somebody else.
    Refuses as update_shop does. Safe to repeat."""
    before = (shop.concession_limit, shop.concession_day_limit)
    with transaction.atomic():
        changed = shops.update_shop(shop=shop, by=by, at=at, concession_limit=limit, concession_day_limit=day_limit)
        owners = [m.person for m in shop_queries.staff_of(shop) if m.role == Role.OWNER]
        if before != (limit, day_limit) and by not in {f"{STAFF}{owner.public_id}" for owner in owners}:
            _tell(
                owners,
                say(
                    "{s}: 혼자 돌려줄 수 있는 한도가 바뀌었어요",
                    en="{s}: the limit for giving back alone has changed",
                    s=shop.name,
                ),
                say(
                    "한 번에 {a}원, 하루 {b}원이에요.",
                    en="{a} won at once, {b} won a day.",
                    a=f"{limit:,}",
                    b=f"{day_limit:,}",
                ),
                shop,
                key=f"concession-limit:{shop.public_id}:{at.isoformat()}",
                at=at,
            )
        return changed


def _give(shop: Shop, wish: Wish, *, by: str, at: datetime, approved: Concession | None) -> None:
    if wish.kind == ConcessionKind.REFUSAL:
        orders.refuse_order(shop=shop, order=wish.subject, reason=wish.reason, by=by, at=at, approved=approved)
    elif wish.kind == ConcessionKind.STRIKE:
        lines.strike_line(
            shop=shop,
            order=wish.subject,
            line=wish.line,
            quantity=wish.quantity,
            reason=wish.reason,
            key=wish.key,
            by=by,
            at=at,
            approved=approved,
        )
    elif wish.kind == ConcessionKind.REFUND:
        asked.return_won(
            bill=Bill.objects.get(shop=shop, public_id=wish.subject),
            amount=wish.amount,
            reason=wish.reason,
            key=wish.key,
            by=by,
            at=at,
            approved=approved,
        )
    else:
        visits.close_visit(
            visit=queries.visit_by_public_id(shop, wish.subject),
            unpaid_because=wish.reason,
            by=by,
            at=at,
            approved=approved,
        )


def _held(shop: Shop, concession: str, at: datetime) -> Concession:
    held = Concession.objects.select_for_update().filter(shop=shop, public_id=concession).first()
    if held is None:
        raise errors.NoSuchConcession
    if held.state != ConcessionState.WAITING or at >= held.asked_at + rules.CONCESSION_WAITS:
        raise errors.ConcessionOver
    return held


def _approves(role: str) -> bool:
    return Ability.APPROVE_CONCESSIONS in ABILITIES[Role(role)]


def _second_person(held: Concession, shop: Shop, by: str) -> None:
    if by == held.by:
        raise errors.OwnConcession
    try:
        member = shop_queries.member_by_public_id(shop, by.removeprefix(STAFF))
    except MemberNotFound as gone:
        raise errors.SecondPersonNeeded from gone
    if not by.startswith(STAFF) or not _approves(member.role):
        raise errors.SecondPersonNeeded


def _tell_asker(held: Concession, shop: Shop, word: Text, at: datetime) -> None:
    try:
        asker = persons.person_by_public_id(held.by.removeprefix(STAFF))
    except NoSuchPerson:
        return
    _tell(
        [asker],
        say("{s}: {d}", en="{s}: {d}", s=shop.name, d=word),
        say("{w}원 · {r}", en="{w} won · {r}", w=f"{held.won:,}", r=held.reason),
        shop,
        key=f"concession-decided:{held.public_id}",
        at=at,
    )


def _tell(to: Iterable[Person], title: Text, body: Text, shop: Shop, *, key: str, at: datetime) -> None:
    for person in to:
        language = person.language
        values = {k: v.within(language) if isinstance(v, Text) else v for k, v in title.values.items()}
        try:
            people.message_person(
                person=person,
                sender="dure",
                sender_name=say("두레", en="Dure").within(language),
                kind=MessageKind.INFORMATION,
                title=Text(title.ko, title.en, values).within(language),
                body=body.within(language),
                link=f"/console/{shop.public_id}/concessions",
                key=f"{key}:{person.public_id}",
                at=at,
            )
        except NotPermitted:
            continue
