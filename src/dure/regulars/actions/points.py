"""Points: an asset in the books. Visits earn them in lots that expire; they buy coupons, and only coupons touch an order.

A relation's balance is what remains in its lots, less its debt, and equals its account in the books. Whoever changes it
holds the relation's lock.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import F, Sum

from dure.kit import events, ids
from dure.kit.money import share_of
from dure.ledger import actions as ledger
from dure.ledger import queries as ledger_queries
from dure.offers import actions as offers
from dure.offers import queries as offer_queries
from dure.offers.errors import AlreadyHas, CouponInUse, CouponUsed, OfferNotRunning, OutOfStock
from dure.offers.models import Coupon, Offer
from dure.offers.values import OfferKind, OfferOccasion, OfferState, Stacking
from dure.people.models import Person
from dure.regulars import errors, queries, rules
from dure.regulars.events import TierReached
from dure.regulars.models import PointLot, PointTerms, PointUse, Relation, Tier
from dure.shops.models import Shop

ASSET = "POINT"
GRACE = timedelta(days=7)
COUPON_DAYS = 1


def keep_points(
    *,
    shop: Shop,
    running: bool,
    earn_bps: int,
    valid_days: int,
    least: int,
    tier_days: int,
    by: str,
    at: datetime,
) -> PointTerms:
    """Set how the shop's points are earned and spent. Points already earned keep their rate and their last day.

    Refuses PointTermsInvalid.
    """
    if not (1 <= earn_bps <= 3_000 and 30 <= valid_days <= 1_825 and 1 <= least <= 100_000 and 30 <= tier_days <= 730):
        raise errors.PointTermsInvalid
    with transaction.atomic():
        terms, _ = PointTerms.objects.update_or_create(
            shop=shop,
            defaults={
                "running": running,
                "earn_bps": earn_bps,
                "valid_days": valid_days,
                "least": least,
                "tier_days": tier_days,
            },
        )
        if running and offer_queries.offer_for(shop, OfferOccasion.POINTS) is None:
            offers.create_offer(
                shop=shop,
                name={"ko": "포인트 사용", "en": "Points"},
                kind=OfferKind.AMOUNT,
                value=1,
                occasion=OfferOccasion.POINTS,
                valid_days=COUPON_DAYS,
                per_person=10_000,
                stacking=Stacking.POINTS,
                by=by,
                at=at,
            )
        return terms


def keep_tier(
    *,
    shop: Shop,
    tier: str | None = None,
    name: dict[str, str],
    spend: int,
    earn_bps: int = 0,
    offer: Offer | None = None,
    by: str,
    at: datetime,
) -> Tier:
    """Add a tier, or change the one with the public id `tier`. Refuses NoSuchTier, PointTermsInvalid."""
    taken = Tier.objects.filter(shop=shop, spend=spend).exclude(public_id=tier or "").exists()
    if not name.get("ko") or not 1 <= spend <= 100_000_000 or not 0 <= earn_bps <= 3_000 or taken:
        raise errors.PointTermsInvalid
    said = {"name": name, "spend": spend, "earn_bps": earn_bps, "offer": offer}
    if tier is None:
        return Tier.objects.create(shop=shop, public_id=ids.new_public_id("tie"), **said)
    if not Tier.objects.filter(shop=shop, public_id=tier).update(**said):
        raise errors.NoSuchTier
    return Tier.objects.get(shop=shop, public_id=tier)


def remove_tier(*, shop: Shop, tier: str, by: str, at: datetime) -> None:
    """Take a tier away; coupons that it gave stay good. Refuses NoSuchTier."""
    if not Tier.objects.filter(shop=shop, public_id=tier).delete()[0]:
        raise errors.NoSuchTier


def account_of(relation: Relation) -> str:
    """Where a friend's points lie. It names the relation, never the person."""
    return f"points:{relation.public_id}"


def _issuer(relation: Relation) -> str:
    return f"points:{relation.shop.public_id}"


def _book(relation: Relation, change: int, *, key: str, kind: str, reference: str, at: datetime) -> None:
    """Write one change of a balance into the books: to the friend, or back to the shop that promised them."""
    if not change:
        return
    ways = (_issuer(relation), account_of(relation))
    source, destination = ways if change > 0 else ways[::-1]
    ledger.record_entry(
        key=key, kind=kind, reference=reference, postings=[(source, destination, abs(change))], at=at, asset=ASSET
    )


def _spendable(relation: Relation, at: datetime) -> list[PointLot]:
    lots = PointLot.objects.select_for_update().filter(relation=relation, remaining__gt=0, expires_at__gt=at)
    return list(lots.order_by("expires_at", "id"))


def _take(lots: Sequence[PointLot], points: int) -> tuple[list[int], int]:
    """Take points out of locked lots, those that expire first before the others; how many of each, and how many missed."""
    taken, missing = rules.taken_from([lot.remaining for lot in lots], points)
    for lot, part in zip(lots, taken, strict=True):
        if part:
            lot.remaining -= part
            lot.save(update_fields=["remaining"])
    return taken, missing


def _pay_debt(relation: Relation, at: datetime) -> None:
    """What is owed and what is there cancel each other, so that a friend never has both. The books do not move."""
    if relation.points_debt:
        _, missing = _take(_spendable(relation, at), relation.points_debt)
        relation.points_debt = missing
        relation.save(update_fields=["points_debt"])


def earn_points(relation: Relation, *, reference: str, spent: int, is_new: bool, at: datetime) -> None:
    """Bring the points of one visit in line with what was paid for it in the end, for a locked relation: earned when it was
    paid, reversed exactly when money went back, at the rate of the day it was earned. A visit from before the shop gave
    points earns none. Repeating it changes nothing."""
    lot = PointLot.objects.select_for_update().filter(relation=relation, reference=reference).first()
    if lot is None:
        terms = queries.point_terms_of(relation.shop)
        if not is_new or terms is None or spent <= 0:
            return
        tier = queries.tier_of(relation, without=reference, at=at)
        lot = PointLot.objects.create(
            shop_id=relation.shop_id,
            relation=relation,
            reference=reference,
            bps=max(terms.earn_bps, tier.earn_bps if tier else 0),
            earned_at=at,
            expires_at=at + timedelta(days=terms.valid_days),
        )
    change = share_of(max(0, spent), lot.bps) - lot.earned
    if not change:
        return
    lot.earned, lot.changes = lot.earned + change, lot.changes + 1
    kind = "points-earned" if change > 0 else "points-reversed"
    _book(relation, change, key=f"point-lot:{lot.id}:{lot.changes}", kind=kind, reference=reference, at=at)
    if change > 0:
        lot.remaining += change
        lot.save(update_fields=["earned", "remaining", "changes"])
        _pay_debt(relation, at)
    else:
        lot.save(update_fields=["earned", "changes"])
        others = [one for one in _spendable(relation, at) if one.id != lot.id]
        _, missing = _take([lot, *others], -change)
        relation.points_debt += missing
        relation.save(update_fields=["points_debt"])


def use_points(*, shop: Shop, person: Person, points: int, key: str, at: datetime) -> Coupon:
    """Buy a coupon worth `points` won for this shop, good for a day. The same `key` is the same coupon. What it does not take
    off in the end comes back as points.

    Refuses NotAFriend, PointsNotTaken, TooFewPoints.
    """
    with transaction.atomic():
        relation = _lock(Relation.objects.filter(shop=shop, person=person, left_at__isnull=True).first())
        named = f"points:{relation.id}:{key}"
        bought = Coupon.objects.select_related("offer").filter(shop=shop, key=named).first()
        if bought:
            return bought
        terms, offer = queries.point_terms_of(shop), offer_queries.offer_for(shop, OfferOccasion.POINTS)
        if terms is None or offer is None:
            raise errors.PointsNotTaken
        lots = _spendable(relation, at)
        if points < terms.least or points > sum(lot.remaining for lot in lots) - relation.points_debt:
            raise errors.TooFewPoints
        coupon = offers.issue_coupon(offer=offer, person=person, key=named, worth=points, at=at)
        taken, _ = _take(lots, points)
        PointUse.objects.bulk_create(
            PointUse(shop_id=shop.id, relation=relation, lot=lot, coupon=coupon, amount=part)
            for lot, part in zip(lots, taken, strict=True)
            if part
        )
        key = f"points-used:{coupon.public_id}"
        _book(relation, -points, key=key, kind="points-used", reference=coupon.public_id, at=at)
        return coupon


def _lock(relation: Relation | None) -> Relation:
    if relation is None:
        raise errors.NotAFriend
    return Relation.objects.select_for_update(of=("self",)).select_related("shop").get(id=relation.id)


def give_points_back(*, shop: Shop, person: Person, coupon: str, at: datetime) -> None:
    """Turn an unused coupon that was bought with points back into points. Refuses NoSuchCoupon, CouponUsed, CouponInUse."""
    with transaction.atomic():
        found = offer_queries.coupon_of(person, shop, coupon)
        if found.offer.occasion != OfferOccasion.POINTS:
            raise CouponUsed
        offers.withdraw_coupon(coupon=found, by=f"person:{person.public_id}", at=at)
        return_points(found, found.worth or 0, why="back", at=at)


def return_points(coupon: Coupon, points: int, *, why: str, at: datetime) -> None:
    """Put `points` of those that bought `coupon` back where they came from, the lots that last longest first, each good for
    at least a week. Joins the caller's transaction; `why` makes it once for each reason."""
    uses = list(PointUse.objects.filter(coupon=coupon).order_by("-lot__expires_at", "-lot_id"))
    if not uses or points <= 0:
        return
    relation = _lock(uses[0].relation)
    back, _ = rules.taken_from([use.amount - use.returned for use in uses], points)
    for use, part in zip(uses, back, strict=True):
        if part:
            PointUse.objects.filter(id=use.id).update(returned=F("returned") + part)
            PointLot.objects.filter(id=use.lot_id).update(remaining=F("remaining") + part)
            PointLot.objects.filter(id=use.lot_id, expires_at__lt=at + GRACE).update(expires_at=at + GRACE)
    key = f"points-returned:{coupon.public_id}:{why}"
    _book(relation, sum(back), key=key, kind="points-returned", reference=coupon.public_id, at=at)
    _pay_debt(relation, at)


def settle_point_coupons(reference: str, *, at: datetime) -> None:
    """A bill was paid: what its coupons of points did not take off goes back to whose they were."""
    for used in offer_queries.redemptions_for(reference):
        if used.coupon.offer.occasion == OfferOccasion.POINTS:
            return_points(used.coupon, (used.coupon.worth or 0) - used.amount, why="rest", at=at)


def take_point_coupons_back(reference: str, *, at: datetime) -> None:
    """All money of a bill went back, and its coupons with it: those bought with points become points again."""
    for coupon in offer_queries.coupons_returned_from(reference):
        if coupon.offer.occasion == OfferOccasion.POINTS and not coupon.withdrawn_at:
            offers.withdraw_coupon(coupon=coupon, by="refund", at=at)
            left = PointUse.objects.filter(coupon=coupon).aggregate(sum=Sum(F("amount") - F("returned"), default=0))
            return_points(coupon, left["sum"], why="refund", at=at)


def expire_points(*, shop: Shop, at: datetime) -> int:
    """End the lots whose day has come, and turn coupons of points that nobody used into points. Returns how many points
    expired. Safe to repeat."""
    expired = 0
    with transaction.atomic():
        for coupon in offer_queries.coupons_over(shop, OfferOccasion.POINTS, at=at):
            try:
                offers.withdraw_coupon(coupon=coupon, by="job:points", at=at)
            except (CouponUsed, CouponInUse):
                continue
            return_points(coupon, coupon.worth or 0, why="unused", at=at)
        over = PointLot.objects.filter(shop=shop, remaining__gt=0, expires_at__lte=at)
        for relation_id in over.order_by("relation_id").values_list("relation_id", flat=True).distinct():
            relation = _lock(Relation.objects.get(id=relation_id))
            for lot in over.filter(relation=relation).select_for_update().order_by("id"):
                points, lot.remaining, lot.changes = lot.remaining, 0, lot.changes + 1
                lot.save(update_fields=["remaining", "changes"])
                key = f"point-lot:{lot.id}:{lot.changes}"
                _book(relation, -points, key=key, kind="points-expired", reference=lot.reference, at=at)
                expired += points
    return expired


def join_points(kept: Relation, gone: Relation, *, at: datetime) -> None:
    """Two locked relations become one: every point, every debt and every use of the one that goes is the other's."""
    for lot in PointLot.objects.select_for_update().filter(relation=gone).order_by("id"):
        same = PointLot.objects.select_for_update().filter(relation=kept, reference=lot.reference).first()
        if same is None:
            PointLot.objects.filter(id=lot.id).update(relation=kept)
            continue
        same.earned, same.remaining = same.earned + lot.earned, same.remaining + lot.remaining
        same.expires_at = max(same.expires_at, lot.expires_at)
        same.save(update_fields=["earned", "remaining", "expires_at"])
        PointUse.objects.filter(lot=lot).update(lot=same)
    PointUse.objects.filter(relation=gone).update(relation=kept)
    moved = ledger_queries.balance_of(account_of(gone))
    if moved:
        ways = (account_of(gone), account_of(kept))
        source, destination = ways if moved > 0 else ways[::-1]
        ledger.record_entry(
            key=f"points-joined:{gone.public_id}",
            kind="points-joined",
            reference=kept.public_id,
            postings=[(source, destination, abs(moved))],
            at=at,
            asset=ASSET,
        )
    kept.points_debt += gone.points_debt
    kept.save(update_fields=["points_debt"])
    _pay_debt(kept, at)


def void_points(relation: Relation, *, at: datetime) -> None:
    """An erased friend's points are nobody's: the books say so before the relation is gone."""
    balance = ledger_queries.balance_of(account_of(relation))
    key = f"points-voided:{relation.public_id}"
    _book(relation, -balance, key=key, kind="points-voided", reference=relation.public_id, at=at)


def announce_tier(relation: Relation, *, at: datetime) -> None:
    """Write in which tier a locked relation stands now. Says TierReached where that is another one than before."""
    tier = queries.tier_of(relation, at=at)
    if (tier.id if tier else None) == relation.tier_id:
        return
    relation.tier = tier
    relation.save(update_fields=["tier"])
    if tier:
        events.publish(
            TierReached(
                shop_id=relation.shop_id,
                person_id=relation.person_id,
                relation_id=relation.id,
                tier_id=tier.id,
                at=at,
            )
        )


def reward_tier(fact: TierReached) -> None:
    """Issue the tier's coupon to a friend who reached it, once for each friend and tier."""
    tier = Tier.objects.select_related("offer").get(id=fact.tier_id)
    if tier.offer is None or tier.offer.state != OfferState.RUNNING:
        return
    key = f"tier:{fact.relation_id}:{fact.tier_id}"
    try:
        with transaction.atomic():
            offers.issue_coupon(offer=tier.offer, person=Person.objects.get(id=fact.person_id), key=key, at=fact.at)
    except (OutOfStock, AlreadyHas, OfferNotRunning):
        return
