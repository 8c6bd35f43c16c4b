"""Stamps: earned by visits, given by hand, and spent by cards that are full."""

from datetime import datetime

from django.db import transaction
from django.db.models import Sum

from dure.kit import events
from dure.offers import actions as offers
from dure.offers import queries as offer_queries
from dure.offers.errors import AlreadyHas, OfferNotRunning, OutOfStock
from dure.offers.values import OfferOccasion
from dure.people.models import Person
from dure.regulars import errors, queries, rules
from dure.regulars.events import StampCardFilled
from dure.regulars.models import CountedVisit, HandStamp, Relation, StampCard
from dure.shops import queries as shops
from dure.shops.models import Shop


def keep_stamp_card(
    *, shop: Shop, goal: int, running: bool, won_per_stamp: int = 0, by: str, at: datetime
) -> StampCard:
    """Set the shop's stamp card: one stamp a visit, or one for every `won_per_stamp`; a coupon of its STAMPS offer for every
    `goal`. Stamps already earned stay; a friend whose card is full by the new goal is rewarded with the next visit."""
    terms = {"goal": goal, "running": running, "won_per_stamp": won_per_stamp}
    card, _ = StampCard.objects.update_or_create(shop=shop, defaults=terms)
    return card


def give_stamps(*, shop: Shop, relation: str, count: int, reason: str, key: str, by: str, at: datetime) -> HandStamp:
    """Stamp a friend's card by hand, signed, for a reason that the friend reads. The same `key` is the same stamps.

    Refuses NotAFriend, NoStampReason, NoStampCard, and TooManyStamps beyond what one member of staff may give or one friend
    may get on one business day; all who stamp in a shop queue for its card, so the caps hold under any race.
    """
    reason = reason.strip()[:100]
    if not reason or not 1 <= count <= 10:
        raise errors.NoStampReason
    with transaction.atomic():
        friend = (
            Relation.objects.select_for_update().filter(shop=shop, public_id=relation, left_at__isnull=True).first()
        )
        if friend is None:
            raise errors.NotAFriend
        card = StampCard.objects.select_for_update().filter(shop=shop, running=True).first()
        if card is None:
            raise errors.NoStampCard
        given = HandStamp.objects.filter(shop=shop, key=key).first()
        if given:
            return given
        day = shops.business_day(shop, at)
        today = HandStamp.objects.filter(shop=shop, day=day)
        if not rules.hand_stamps_fit(
            count=count,
            by_staff_today=today.filter(by=by).aggregate(sum=Sum("count", default=0))["sum"],
            for_friend_today=today.filter(relation=friend).aggregate(sum=Sum("count", default=0))["sum"],
        ):
            raise errors.TooManyStamps
        stamp = HandStamp(shop=shop, relation=friend, key=key, count=count, day=day, by=by, reason=reason, at=at)
        stamp.signature = queries.signature_of(stamp)
        stamp.save()
        sum_up_stamps(friend, at=at)
        events.ring(f"shop:{shop.id}")
        return stamp


def sum_up_stamps(relation: Relation, *, at: datetime) -> None:
    """Write a locked relation's stamps from their sources, and reward every full card for which there is a coupon; without
    one the stamps stay on the card until there is. Says StampCardFilled."""
    visits = CountedVisit.objects.filter(relation=relation).aggregate(sum=Sum("stamps", default=0))["sum"]
    by_hand = HandStamp.objects.filter(relation=relation).aggregate(sum=Sum("count", default=0))["sum"]
    relation.stamps = visits + by_hand
    relation.save(update_fields=["stamps"])
    card = StampCard.objects.filter(shop_id=relation.shop_id, running=True).first()
    while card and relation.on_card >= card.goal:
        before = relation.cards
        events.publish(
            StampCardFilled(
                shop_id=relation.shop_id,
                person_id=relation.person_id,
                relation_id=relation.id,
                filled=before + 1,
                at=at,
            )
        )
        relation.refresh_from_db(fields=["stamps_spent", "cards"])
        if relation.cards == before:
            break


def reward_stamps(fact: StampCardFilled) -> None:
    """Issue the stamp card's coupon, once for every full card, and take the card's stamps for it. Where no coupon can be had
    now, nothing is taken."""
    offer = offer_queries.offer_for(Shop.objects.get(id=fact.shop_id), OfferOccasion.STAMPS)
    card = StampCard.objects.filter(shop_id=fact.shop_id, running=True).first()
    if offer is None or card is None:
        return
    relation = Relation.objects.select_for_update().get(id=fact.relation_id)
    if relation.cards != fact.filled - 1:
        return
    try:
        with transaction.atomic():
            offers.issue_coupon(
                offer=offer,
                person=Person.objects.get(id=fact.person_id),
                key=f"stamps:{fact.relation_id}:{fact.filled}",
                at=fact.at,
            )
    except (OutOfStock, AlreadyHas, OfferNotRunning):
        return
    relation.cards, relation.stamps_spent = fact.filled, relation.stamps_spent + card.goal
    relation.save(update_fields=["cards", "stamps_spent"])
