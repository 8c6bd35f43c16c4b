"""Everything done with offers and coupons."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta

from django.conf import settings
from django.db import IntegrityError, connection, transaction
from django.db.models import F

from dure.kit import ids
from dure.kit.money import BPS
from dure.ledger import actions as ledger
from dure.ledger.models import Entry
from dure.offers import errors, queries, rules
from dure.offers.models import Coupon, Offer, OfferDay, OfferStep, Redemption
from dure.offers.values import Funder, OfferKind, OfferOccasion, OfferState, RedemptionState, Stacking
from dure.people.events import PersonErased, PersonsMerged
from dure.people.models import Person
from dure.shops import fence
from dure.shops import queries as shops
from dure.shops.models import Shop

GRACE = timedelta(days=7)
ALIVE = (RedemptionState.RESERVED, RedemptionState.COMMITTED)
ONE_AT_A_TIME = (OfferOccasion.WELCOME, OfferOccasion.STAMPS, OfferOccasion.POINTS)


def create_offer(
    *,
    shop: Shop,
    name: dict[str, str],
    kind: OfferKind,
    value: int,
    occasion: OfferOccasion = OfferOccasion.HAND,
    ceiling: int | None = None,
    minimum_spend: int = 0,
    buy: int = 0,
    items: Iterable[str] = (),
    sections: Iterable[str] = (),
    days: Iterable[int] = (),
    from_minute: int | None = None,
    until_minute: int | None = None,
    valid_days: int | None = 30,
    starts_at: datetime | None = None,
    ends_at: datetime | None = None,
    stock: int | None = None,
    stock_per_day: int | None = None,
    per_person: int = 1,
    budget: int | None = None,
    stacking: Stacking = Stacking.ALONE,
    funders: Mapping[str, int] | None = None,
    state: OfferState = OfferState.RUNNING,
    by: str,
    at: datetime,
) -> Offer:
    """Write an offer down, as a DRAFT or RUNNING at once; one that others help to pay for waits in REVIEW instead. One
    that an occasion issues takes the place of the one before it.

    `funders` are basis points by who pays (`shop`, `operator`, `supplier:<name>`, `district:<name>`), 10,000 in all.
    Refuses OfferInvalid for terms that could not be kept.
    """
    offer = Offer(
        shop=shop,
        public_id=ids.new_public_id("ofr"),
        name=name,
        kind=kind,
        value=value,
        occasion=occasion,
        ceiling=ceiling,
        minimum_spend=minimum_spend,
        buy=buy if kind == OfferKind.BUY_GET else 0,
        items=sorted(set(items)),
        sections=sorted(set(sections)),
        days=sorted(set(days)),
        from_minute=from_minute,
        until_minute=until_minute,
        valid_days=valid_days,
        starts_at=starts_at,
        ends_at=ends_at,
        stock=stock,
        stock_per_day=stock_per_day,
        per_person=per_person,
        budget=budget,
        stacking=stacking,
        funders=dict(funders or {}),
        state=OfferState.DRAFT,
        created_at=at,
    )
    if state not in (OfferState.DRAFT, OfferState.RUNNING):
        raise errors.OfferInvalid
    check_offer(offer=offer, at=at)
    with transaction.atomic():
        offer.save()
        OfferStep.objects.create(shop=shop, offer=offer, state=OfferState.DRAFT, by=by, at=at)
        if state == OfferState.RUNNING:
            _step(offer, OfferState.REVIEW, by=by, at=at)
            if not _needs_review(offer):
                _step(offer, OfferState.RUNNING, by=by, at=at)
    return offer


def check_offer(*, offer: Offer, at: datetime) -> None:
    """Refuse OfferInvalid for terms that could not be kept; the offer need not be written yet."""
    if not _can_be_kept(offer, at):
        raise errors.OfferInvalid


def _can_be_kept(offer: Offer, at: datetime) -> bool:
    top = 1_000_000 if offer.kind == OfferKind.AMOUNT else 100
    limits = (offer.stock, offer.stock_per_day, offer.budget, offer.ceiling, offer.per_person)
    minutes = (offer.from_minute, offer.until_minute)
    return (
        bool(offer.name.get("ko"))
        and 1 <= offer.value <= top
        and all(limit is None or 1 <= limit <= 2**31 - 1 for limit in limits)
        and 1 <= offer.per_person <= 10_000
        and 0 <= offer.minimum_spend <= 10_000_000
        and (offer.kind != OfferKind.BUY_GET or 1 <= offer.buy <= 100)
        and all(0 <= day <= 6 for day in offer.days)
        and (minutes == (None, None) or all(m is not None and 0 <= m <= rules.DAY_MINUTES for m in minutes))
        and (offer.from_minute is None or offer.from_minute != offer.until_minute)
        and (offer.valid_days is None or 1 <= offer.valid_days <= settings.COUPON_DAYS_MAX)
        and (offer.valid_days is not None or offer.ends_at is not None)
        and (offer.ends_at is None or offer.ends_at > max(at, offer.starts_at or at))
        and _funders_add_up(offer.funders)
    )


def _funders_add_up(funders: Mapping[str, int]) -> bool:
    named = {Funder.SUPPLIER, Funder.DISTRICT}
    kinds = set(Funder)
    for who, bps in funders.items():
        kind, _, name = who.partition(":")
        if kind not in kinds or bool(name.strip()) != (kind in named) or not 1 <= bps <= BPS:
            return False
    return not funders or sum(funders.values()) == BPS


def _needs_review(offer: Offer) -> bool:
    return any(who != Funder.SHOP for who in offer.funders)


def change_offer_state(*, shop: Shop, offer: str, state: OfferState, by: str, at: datetime) -> None:
    """Submit, start, pause, resume or end an offer. Coupons already issued stay good; an ended offer stays ended. Repeating
    it changes nothing.

    Refuses NoSuchOffer; OfferStateWrong where the state does not follow; OfferNeedsReview where somebody else pays too.
    """
    with transaction.atomic():
        locked = _lock(shop, offer)
        if locked.state == state:
            return
        if locked.state == OfferState.DRAFT and state == OfferState.RUNNING:
            _step(locked, OfferState.REVIEW, by=by, at=at)
        if locked.state == OfferState.REVIEW and state == OfferState.RUNNING and _needs_review(locked):
            raise errors.OfferNeedsReview
        _step(locked, state, by=by, at=at)


def review_offer(*, shop: Shop, offer: str, accepted: bool, reason: str = "", by: str, at: datetime) -> None:
    """Whoever answers for the other funders agrees, and the offer runs, or sends it back as a draft with a reason.

    Refuses NoSuchOffer, OfferStateWrong; ReasonMissing where a no says nothing.
    """
    reason = reason.strip()[:300]
    if not accepted and not reason:
        raise errors.ReasonMissing(field="reason")
    with transaction.atomic():
        locked = _lock(shop, offer)
        if locked.state != OfferState.REVIEW:
            raise errors.OfferStateWrong
        _step(locked, OfferState.RUNNING if accepted else OfferState.DRAFT, by=by, at=at, reason=reason)


def _lock(shop: Shop, public_id: str) -> Offer:
    offer = Offer.objects.select_for_update(no_key=True).filter(shop=shop, public_id=public_id).first()
    if offer is None:
        raise errors.NoSuchOffer
    return offer


def _step(offer: Offer, state: OfferState, *, by: str, at: datetime, reason: str = "") -> None:
    if not rules.may_move(OfferState(offer.state), state):
        raise errors.OfferStateWrong
    if state == OfferState.RUNNING and offer.occasion in ONE_AT_A_TIME:
        before = Offer.objects.filter(shop_id=offer.shop_id, occasion=offer.occasion, state=OfferState.RUNNING)
        for old in before.exclude(id=offer.id).select_for_update(no_key=True).order_by("id"):
            _step(old, OfferState.ENDED, by=by, at=at, reason=f"replaced by {offer.public_id}")
    offer.state = state
    offer.save(update_fields=["state"])
    OfferStep.objects.create(shop_id=offer.shop_id, offer=offer, state=state, by=by, reason=reason, at=at)


def issue_coupon(
    *, offer: Offer, person: Person, key: str, worth: int | None = None, covered: bool = False, at: datetime
) -> Coupon:
    """Give `person` the right to `offer` once. The same `key` is the same coupon, however often it is asked for. `covered`: only
    where the offer's budget still bears every coupon that is out, this one too, as `queries.most_off` sees it.

    Refuses OfferNotRunning, OutOfStock, AlreadyHas, BudgetSpent. All who want a coupon of one offer queue for its row, so the limits
    in all, per day and per person hold under any race; the tables check the first two again.
    """
    with transaction.atomic():
        terms = Offer.objects.select_for_update(no_key=True, of=("self",)).select_related("shop").get(id=offer.id)
        issued = Coupon.objects.filter(key=key).first()
        if issued:
            return issued
        if terms.state != OfferState.RUNNING or (terms.ends_at and terms.ends_at <= at):
            raise errors.OfferNotRunning
        if terms.stock is not None and terms.issued >= terms.stock:
            raise errors.OutOfStock
        if Coupon.objects.filter(offer=terms, person=person).count() >= terms.per_person:
            raise errors.AlreadyHas
        if covered and terms.budget is not None:
            out = queries.coupons_out(terms, at=at)
            if terms.budget - terms.spent < (out + 1) * queries.most_off(terms):
                raise errors.BudgetSpent
        _count_today(terms, at)
        Offer.objects.filter(id=terms.id).update(issued=F("issued") + 1)
        ends = [at + timedelta(days=terms.valid_days)] if terms.valid_days else []
        return Coupon.objects.create(
            shop_id=terms.shop_id,
            public_id=ids.new_public_id("cpn"),
            offer=terms,
            person=person,
            key=key,
            worth=worth,
            issued_at=at,
            expires_at=min([*ends, terms.ends_at] if terms.ends_at else ends),
        )


def issue_coupons(*, offer: Offer, persons: Sequence[int], key: str, at: datetime) -> int:
    """Give many persons (ids) the right to `offer` once, in one transaction and a few statements: all of them, or nobody.
    Who has had all they may have is passed over. Each coupon's key is `<key>:<person>`; the same key is the same coupon. How
    many are new.

    Refuses OfferNotRunning, OutOfStock. Offers with a stock per day are given one by one: OfferInvalid.
    """
    with transaction.atomic():
        terms = Offer.objects.select_for_update(no_key=True).get(id=offer.id)
        if terms.state != OfferState.RUNNING or (terms.ends_at and terms.ends_at <= at):
            raise errors.OfferNotRunning
        if terms.stock_per_day is not None:
            raise errors.OfferInvalid
        ends = [at + timedelta(days=terms.valid_days)] if terms.valid_days else []
        expires_at = min([*ends, terms.ends_at] if terms.ends_at else ends)
        with connection.cursor() as cursor:
            cursor.execute("CREATE TEMPORARY TABLE to_issue (person_id bigint, public_id text) ON COMMIT DROP")
            with cursor.copy("COPY to_issue FROM STDIN") as copy:
                for person in persons:
                    copy.write_row((person, ids.new_public_id("cpn")))
            cursor.execute(
                """
                INSERT INTO offers_coupon (shop_id, public_id, offer_id, person_id, key, issued_at, expires_at)
                SELECT %s, i.public_id, %s, i.person_id, %s || ':' || i.person_id, %s, %s FROM to_issue i
                WHERE (SELECT count(*) FROM offers_coupon c WHERE c.offer_id = %s AND c.person_id = i.person_id) < %s
                ON CONFLICT (key) DO NOTHING
                """,
                [terms.shop_id, terms.pk, key, at, expires_at, terms.pk, terms.per_person],
            )
            fresh = int(cursor.rowcount)
            cursor.execute("DROP TABLE to_issue")
        if terms.stock is not None and terms.issued + fresh > terms.stock:
            raise errors.OutOfStock
        Offer.objects.filter(id=terms.id).update(issued=F("issued") + fresh)
        return fresh


def _count_today(offer: Offer, at: datetime) -> None:
    if offer.stock_per_day is None:
        return
    day = shops.business_day(offer.shop, at)
    today, _ = OfferDay.objects.get_or_create(
        offer=offer, day=day, defaults={"shop_id": offer.shop_id, "most": offer.stock_per_day}
    )
    if not OfferDay.objects.filter(id=today.id, issued__lt=F("most")).update(issued=F("issued") + 1):
        raise errors.OutOfStock


def reserve_coupon(*, coupon: Coupon, reference: str, amount: int, at: datetime) -> Redemption:
    """Hold one coupon for the bill `reference`: see `reserve_coupons`."""
    return reserve_coupons(uses=[(coupon, amount)], reference=reference, at=at)[0]


def reserve_coupons(*, uses: Sequence[tuple[Coupon, int]], reference: str, at: datetime) -> list[Redemption]:
    """Hold exactly these coupons, each for its won, for the bill `reference` while it is being paid: all of them, or none
    and the bill keeps what it held. Whatever else it held is released. Repeating it is the same hold.

    Refuses CouponExpired, CouponUsed, CouponInUse, CouponNotNow, BudgetSpent; `facts["coupon"]` says which. Nobody waits
    for a coupon: whoever comes second while the first decides is told that it is in use.
    """
    with transaction.atomic():
        held = {one.coupon_id: one for one in _held(reference, RedemptionState.RESERVED)}
        _lock_budgets([*(coupon.offer for coupon, _ in uses), *(one.coupon.offer for one in held.values())])
        kept = [c.id for c, amount in uses if c.id in held and held[c.id].amount == amount]
        _end([one for one in held.values() if one.coupon_id not in kept], RedemptionState.RELEASED, at)
        return [held[c.id] if c.id in kept else _reserve(c, reference, amount, at) for c, amount in uses]


def _reserve(coupon: Coupon, reference: str, amount: int, at: datetime) -> Redemption:
    locked = (
        Coupon.objects.select_for_update(no_key=True, skip_locked=True, of=("self",))
        .select_related("offer")
        .filter(id=coupon.id)
        .first()
    )
    if locked is None:
        raise errors.CouponInUse(coupon=coupon.public_id)
    alive = Redemption.objects.filter(coupon=locked, state__in=ALIVE).first()
    if alive:
        met = errors.CouponUsed if alive.state == RedemptionState.COMMITTED else errors.CouponInUse
        raise met(coupon=coupon.public_id)
    if locked.used_at or locked.withdrawn_at:
        raise errors.CouponUsed(coupon=coupon.public_id)
    if locked.expires_at <= at:
        raise errors.CouponExpired(coupon=coupon.public_id)
    if locked.offer.starts_at and at < locked.offer.starts_at:
        raise errors.CouponNotNow(coupon=coupon.public_id)
    if not _spend(locked.offer, amount):
        raise errors.BudgetSpent(coupon=coupon.public_id)
    try:
        with transaction.atomic():
            return Redemption.objects.create(
                shop_id=locked.shop_id, coupon=locked, reference=reference, amount=amount, reserved_at=at
            )
    except IntegrityError as error:
        raise errors.CouponInUse(coupon=coupon.public_id) from error


def _lock_budgets(offers: Iterable[Offer]) -> None:
    """One at a time where budgets change: whoever changes several, or one after another, cannot wait in a ring."""
    shops_of_budgets = sorted({offer.shop_id for offer in offers if offer.budget is not None})
    with connection.cursor() as cursor:
        for shop_id in shops_of_budgets:
            cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [f"offers.budgets:{shop_id}"])


def _spend(offer: Offer, amount: int) -> bool:
    """Take `amount` from the offer's budget, if it has one and as much is left: one conditional update."""
    if offer.budget is None:
        return True
    left = Offer.objects.filter(id=offer.id, budget__gte=F("spent") + amount)
    return bool(left.update(spent=F("spent") + amount))


def _held(reference: str, state: RedemptionState) -> list[Redemption]:
    found = Redemption.objects.select_for_update(no_key=True, of=("self",)).select_related("coupon__offer__shop")
    return list(found.filter(reference=reference, state=state).order_by("id"))


def _end(redemptions: Sequence[Redemption], state: RedemptionState, at: datetime) -> None:
    """Write how living redemptions end; what does not stay spent goes back to its budget."""
    for one in redemptions:
        if not rules.redemption_may_move(RedemptionState(one.state), state):
            raise RuntimeError(f"redemption {one.pk} cannot go from {one.state} to {state}")
        one.state, one.ended_at = state, at
        one.save(update_fields=["state", "ended_at", "funded"])
        if state != RedemptionState.COMMITTED:
            Offer.objects.filter(id=one.coupon.offer_id, budget__isnull=False).update(spent=F("spent") - one.amount)


@transaction.atomic
def commit_redemption(*, reference: str, at: datetime) -> None:
    """The bill was paid: the coupons it held are used, and what others pay of them is owed to the shop. Safe to repeat."""
    held = _held(reference, RedemptionState.RESERVED)
    for one in held:
        one.funded = _fund(one, at)
    _end(held, RedemptionState.COMMITTED, at)
    Coupon.objects.filter(id__in=[one.coupon_id for one in held]).update(used_at=at)


def _fund(redemption: Redemption, at: datetime) -> int:
    """Book what the other funders pay of this discount, to the shop that gave it."""
    offer = redemption.coupon.offer
    if not offer.funders:
        return 0
    parts = rules.shares(redemption.amount, offer.funders)
    to = f"shop:{offer.shop.public_id}"
    owed = [(f"offers:{who}", to, won) for who, won in sorted(parts.items()) if who != Funder.SHOP and won]
    if owed:
        ledger.record_entry(
            key=f"redemption:{redemption.id}:funding",
            kind="offer-funding",
            reference=f"redemption:{redemption.id}",
            postings=owed,
            at=at,
        )
    return sum(won for _, _, won in owed)


@transaction.atomic
def release_redemption(*, reference: str, at: datetime) -> None:
    """The bill was given up: the coupons it held are free again. Safe to repeat."""
    held = _held(reference, RedemptionState.RESERVED)
    _lock_budgets(one.coupon.offer for one in held)
    _end(held, RedemptionState.RELEASED, at)


@transaction.atomic
def return_redemption(*, reference: str, at: datetime) -> None:
    """All of the bill's money went back, so its coupons do too, with at least a week left, and what others paid of them is
    reversed. Safe to repeat."""
    held = _held(reference, RedemptionState.COMMITTED)
    _lock_budgets(one.coupon.offer for one in held)
    _end(held, RedemptionState.RETURNED, at)
    for one in held:
        entry = Entry.objects.filter(key=f"redemption:{one.id}:funding").first()
        if entry:
            ledger.reverse_entry(entry=entry, key=f"redemption:{one.id}:funding-back", at=at)
    back = Coupon.objects.filter(id__in=[one.coupon_id for one in held])
    back.update(used_at=None)
    back.filter(expires_at__lt=at + GRACE).update(expires_at=at + GRACE)


def withdraw_coupon(*, coupon: Coupon, by: str, at: datetime) -> None:
    """Take an unused coupon back for good. Refuses CouponInUse while a bill holds it, CouponUsed once it was used."""
    with transaction.atomic():
        locked = Coupon.objects.select_for_update(no_key=True).get(id=coupon.id)
        if locked.used_at or locked.withdrawn_at:
            raise errors.CouponUsed(coupon=coupon.public_id)
        if Redemption.objects.filter(coupon=locked, state__in=ALIVE).exists():
            raise errors.CouponInUse(coupon=coupon.public_id)
        locked.withdrawn_at = at
        locked.save(update_fields=["withdrawn_at"])


def cut_off_person(fact: PersonErased) -> None:
    """An erased person's coupons are withdrawn and belong to nobody."""
    with fence.across_shops():
        Coupon.objects.filter(person_id=fact.person_id, used_at__isnull=True).update(withdrawn_at=fact.at)
        Coupon.objects.filter(person_id=fact.person_id).update(person=None)


def hand_coupons_over(fact: PersonsMerged) -> None:
    """Two identities turned out to be one person: every coupon stays, none is doubled."""
    with fence.across_shops():
        Coupon.objects.filter(person_id=fact.gone_id).update(person_id=fact.kept_id)
