"""A person becomes a friend of a shop, comes back, and leaves."""

from datetime import datetime

from django.db import transaction
from django.db.models import Count, Max, Min, Sum
from django.db.models.functions import Coalesce

from dure.kit import events, ids
from dure.offers import actions as offers
from dure.offers import queries as offer_queries
from dure.offers.errors import AlreadyHas, OfferNotRunning, OutOfStock
from dure.offers.values import OfferOccasion
from dure.ordering import actions as ordering
from dure.ordering import queries as ordering_queries
from dure.ordering.events import BillReturned, BillSettled
from dure.ordering.models import Bill
from dure.ordering.values import BillState
from dure.people import actions as people
from dure.people.events import PersonErased, PersonsMerged
from dure.people.models import Device, Person
from dure.people.values import Purpose, shop_sender
from dure.regulars import rules
from dure.regulars.actions import points, stamps
from dure.regulars.errors import NotAFriend
from dure.regulars.events import FriendJoined, FriendLeft
from dure.regulars.models import CountedVisit, HandStamp, Relation, StampCard
from dure.shops import fence
from dure.shops.models import Shop


def join_channel(*, shop: Shop, person: Person, device: Device | None, source: str, by: str, at: datetime) -> Relation:
    """Make `person` a friend of `shop`, who came by `source`. What this phone paid here before counts as visits. Safe to repeat.

    Says FriendJoined when the person was no friend before.
    """
    with transaction.atomic():
        Shop.objects.select_for_update().get(id=shop.id)
        relation = Relation.objects.filter(shop=shop, person=person).first()
        if relation and relation.left_at is None:
            return relation
        if relation is None:
            number = Relation.objects.filter(shop=shop).count() + 1
            relation = Relation.objects.create(
                shop=shop,
                person=person,
                public_id=ids.new_public_id("rel"),
                nickname=rules.nickname(number),
                joined_at=at,
                door=source,
            )
        else:
            relation.left_at, relation.door = None, source
            relation.save(update_fields=["left_at", "door"])
        people.give_consent(
            person=person,
            sender=shop_sender(shop.public_id),
            purpose=Purpose.FRIENDSHIP,
            source=source,
            proof={},
            by=by,
            at=at,
        )
        if device:
            ordering.claim_bills(shop=shop, device=device, person=person)
        for visit in ordering_queries.settled_visits_of(person, shop):
            _count(relation, visit, at=at)
        _sum_up(relation, at=at)
        events.publish(FriendJoined(shop_id=shop.id, person_id=person.id, relation_id=relation.id, at=at))
        events.ring(f"shop:{shop.id}")
        relation.refresh_from_db()
        return relation


def leave_channel(*, shop: Shop, person: Person, by: str, at: datetime) -> None:
    """End the friendship, and with it every consent to this shop. Refuses NotAFriend. Says FriendLeft."""
    with transaction.atomic():
        relation = Relation.objects.select_for_update().filter(shop=shop, person=person, left_at__isnull=True).first()
        if relation is None:
            raise NotAFriend
        relation.left_at = at
        relation.save(update_fields=["left_at"])
        for purpose in Purpose:
            people.withdraw_consent(
                person=person,
                sender=shop_sender(shop.public_id),
                purpose=purpose,
                source="leave",
                proof={},
                by=by,
                at=at,
            )
        events.publish(FriendLeft(shop_id=shop.id, person_id=person.id, relation_id=relation.id, at=at))


def count_visit(fact: BillSettled) -> None:
    """A friend paid: bring the visit it belongs to, its stamps and points up to date; points that bought a coupon and took
    nothing off come back. Says StampCardFilled, TierReached. Safe to repeat."""
    if fact.discount:
        points.settle_point_coupons(fact.reference, at=fact.at)
    _recount(fact)


def uncount_visit(fact: BillReturned) -> None:
    """Money went back: a visit for which nothing was paid in the end did not happen, and takes its stamps and points along.
    Points that were used for a bill of which all went back come back with it."""
    bill = Bill.objects.get(id=fact.bill_id)
    if bill.state == BillState.RETURNED:
        points.take_point_coupons_back(bill.public_id, at=fact.at)
    _recount(fact)


def _recount(fact: BillSettled | BillReturned) -> None:
    if fact.person_id is None:
        return
    relation = (
        Relation.objects.select_for_update()
        .filter(shop_id=fact.shop_id, person_id=fact.person_id, left_at__isnull=True)
        .first()
    )
    if relation is None:
        return
    visit = ordering_queries.settled_visit_of_bill(fact.bill_id, relation.person_id)
    _count(relation, visit, at=fact.at)
    _sum_up(relation, at=fact.at)


def _count(relation: Relation, visit: ordering_queries.SettledVisit, *, at: datetime) -> None:
    counted = CountedVisit.objects.filter(relation=relation, reference=visit.reference).first()
    is_new = counted is None
    if visit.spent > 0:
        counted = counted or CountedVisit(
            shop_id=relation.shop_id,
            relation=relation,
            reference=visit.reference,
            won_per_stamp=_won_per_stamp(relation),
            at=visit.at,
        )
        counted.spent, counted.stamps = visit.spent, rules.stamps_for(visit.spent, counted.won_per_stamp)
        counted.save()
    elif counted:
        counted.delete()
    points.earn_points(relation, reference=visit.reference, spent=visit.spent, is_new=is_new, at=at)


def _won_per_stamp(relation: Relation) -> int:
    card = StampCard.objects.filter(shop_id=relation.shop_id, running=True).first()
    return card.won_per_stamp if card else 0


def _sum_up(relation: Relation, *, at: datetime) -> None:
    """Write a locked relation's totals from its counted visits; what is full or reached is rewarded once."""
    counted = CountedVisit.objects.filter(relation=relation)
    totals = counted.aggregate(visits=Count("id"), spend=Coalesce(Sum("spent"), 0), first=Min("at"), last=Max("at"))
    relation.visits, relation.spend = totals["visits"], totals["spend"]
    relation.first_visit_at, relation.last_visit_at = totals["first"], totals["last"]
    relation.save(update_fields=["visits", "spend", "first_visit_at", "last_visit_at"])
    stamps.sum_up_stamps(relation, at=at)
    points.announce_tier(relation, at=at)


def welcome_friend(fact: FriendJoined) -> None:
    """Issue the shop's welcome coupon to a new friend, once in a life."""
    _issue(fact.shop_id, fact.person_id, OfferOccasion.WELCOME, f"welcome:{fact.relation_id}", fact.at)


def _issue(shop_id: int, person_id: int, occasion: OfferOccasion, key: str, at: datetime) -> None:
    offer = offer_queries.offer_for(Shop.objects.get(id=shop_id), occasion)
    if offer is None:
        return
    try:
        offers.issue_coupon(offer=offer, person=Person.objects.get(id=person_id), key=key, at=at)
    except (OutOfStock, AlreadyHas, OfferNotRunning):
        return


def cut_off_person(fact: PersonErased) -> None:
    """An erased person was never anybody's friend, and their points are nobody's."""
    with fence.across_shops():
        gone = Relation.objects.filter(person_id=fact.person_id)
        for relation in gone.select_for_update(of=("self",)).select_related("shop").order_by("id"):
            points.void_points(relation, at=fact.at)
        gone.delete()


def join_relations(fact: PersonsMerged) -> None:
    """Two identities turned out to be one person: visits, spend, stamps and points add up, none is lost or doubled. Where both
    sat in one visit it is one visit, with what both spent."""
    with fence.across_shops():
        for gone in Relation.objects.select_for_update().filter(person_id=fact.gone_id).order_by("id"):
            kept = Relation.objects.select_for_update().filter(person_id=fact.kept_id, shop_id=gone.shop_id).first()
            if kept is None:
                gone.person_id = fact.kept_id
                gone.save(update_fields=["person"])
                continue
            for visit in CountedVisit.objects.filter(relation=gone):
                _hand_visit_over(visit, kept)
            HandStamp.objects.filter(relation=gone).update(relation=kept)
            kept.stamps_spent, kept.cards = kept.stamps_spent + gone.stamps_spent, kept.cards + gone.cards
            kept.joined_at = min(kept.joined_at, gone.joined_at)
            if gone.left_at is None:
                kept.left_at = None
            kept.save(update_fields=["stamps_spent", "cards", "joined_at", "left_at"])
            points.join_points(kept, gone, at=fact.at)
            gone.delete()
            _sum_up(kept, at=fact.at)


def _hand_visit_over(visit: CountedVisit, kept: Relation) -> None:
    same = CountedVisit.objects.filter(relation=kept, reference=visit.reference).first()
    if same is None:
        CountedVisit.objects.filter(id=visit.id).update(relation=kept)
        return
    same.spent, same.at = same.spent + visit.spent, min(same.at, visit.at)
    same.stamps = rules.stamps_for(same.spent, same.won_per_stamp)
    same.save(update_fields=["spent", "stamps", "at"])
