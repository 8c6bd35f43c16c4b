"""What offers and coupons there are."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Exists, OuterRef, Q, QuerySet

from dure.kit.language import Text, pick, say
from dure.kit.money import won
from dure.offers import errors, rules
from dure.offers.models import Coupon, Offer, Redemption
from dure.offers.rules import Candidate, Terms
from dure.offers.values import Funder, Line, OfferKind, OfferOccasion, OfferState, RedemptionState, Stacking
from dure.people.models import Person
from dure.shops.models import Shop

USUAL_OFF = 3_000
"""Won off a bill where an offer's terms say no number."""


@dataclass(frozen=True, slots=True)
class Usable:
    """A coupon and the won it takes off this bill, line by line."""

    coupon: Coupon
    discount: int
    lines: tuple[int, ...] = ()


def terms_of(offer: Offer, worth: int | None = None) -> Terms:
    """The pure terms of a row; `worth` is a coupon's own, where the offer leaves that open."""
    return Terms(
        kind=OfferKind(offer.kind),
        value=offer.value if worth is None else worth,
        ceiling=offer.ceiling,
        minimum_spend=offer.minimum_spend,
        buy=offer.buy,
        items=frozenset(offer.items),
        sections=frozenset(offer.sections),
        days=frozenset(offer.days),
        from_minute=offer.from_minute,
        until_minute=offer.until_minute,
        stacking=Stacking(offer.stacking),
    )


def _candidate(coupon: Coupon) -> Candidate:
    return Candidate(
        coupon_id=coupon.id,
        offer_id=coupon.offer_id,
        terms=terms_of(coupon.offer, coupon.worth),
        expires_at=coupon.expires_at,
    )


def _alive(at: datetime) -> Q:
    return Q(used_at__isnull=True, withdrawn_at__isnull=True, expires_at__gt=at)


def coupons_free_of(person: Person | None, shop: Shop, *, reference: str = "", at: datetime) -> list[Coupon]:
    """The person's coupons at this shop that may be used at this instant; those that another bill than `reference` holds
    are left out. What they take off depends on the bill."""
    if person is None:
        return []
    elsewhere = Redemption.objects.filter(
        coupon=OuterRef("pk"), state__in=[RedemptionState.RESERVED, RedemptionState.COMMITTED]
    ).exclude(reference=reference, state=RedemptionState.RESERVED)
    found = (
        Coupon.objects.filter(_alive(at), shop=shop, person=person)
        .filter(~Exists(elsewhere))
        .select_related("offer")
        .order_by("expires_at", "id")
    )
    return [coupon for coupon in found if _holds_now(coupon.offer, at)]


def _holds_now(offer: Offer, at: datetime) -> bool:
    return not (offer.starts_at and at < offer.starts_at) and rules.holds_at(terms_of(offer), at)


def coupons_usable_by(
    person: Person | None, shop: Shop, *, lines: Sequence[Line], reference: str = "", at: datetime
) -> list[Usable]:
    """The person's coupons that take something off these lines now by themselves, best first."""
    coupons = {coupon.id: coupon for coupon in coupons_free_of(person, shop, reference=reference, at=at)}
    best = rules.best_first(map(_candidate, coupons.values()), lines)
    offs = [(coupons[c.coupon_id], rules.discounts(c.terms, lines)) for c in best]
    return [Usable(coupon, sum(off), off) for coupon, off in offs]


def best_coupons_of(
    person: Person | None,
    shop: Shop,
    *,
    lines: Sequence[Line],
    reference: str = "",
    without: Iterable[str] = (),
    at: datetime,
) -> list[Usable]:
    """The person's coupons that together take most off these lines now, in the order in which they apply. `without`: those
    (public ids) that turned out to be out of reach."""
    passed = set(without)
    coupons = {c.id: c for c in coupons_free_of(person, shop, reference=reference, at=at) if c.public_id not in passed}
    return _usables(coupons, rules.best_combination(map(_candidate, coupons.values()), lines))


def _usables(coupons: dict[int, Coupon], uses: Iterable[rules.Use]) -> list[Usable]:
    return [Usable(coupons[use.candidate.coupon_id], use.discount, use.lines) for use in uses]


def chosen_coupons_of(
    person: Person | None, shop: Shop, public_ids: Sequence[str], *, lines: Sequence[Line], at: datetime
) -> list[Usable]:
    """Exactly these coupons on these lines, in the order in which they apply.

    Refuses NoSuchCoupon, CouponsClash, CouponNotNow, MinimumNotReached, NothingEligible: a chosen coupon that takes
    nothing off says why.
    """
    coupons = {c.id: c for c in (coupon_of(person, shop, public_id) for public_id in public_ids)}
    candidates = [_candidate(coupon) for coupon in coupons.values()]
    if not rules.stacks(candidates):
        raise errors.CouponsClash
    uses = _usables(coupons, rules.applied(candidates, lines))
    for use in uses:
        terms = terms_of(use.coupon.offer, use.coupon.worth)
        if use.discount:
            if not _holds_now(use.coupon.offer, at):
                raise errors.CouponNotNow(coupon=use.coupon.public_id)
        elif rules.spend_on(terms, lines) < terms.minimum_spend:
            raise errors.MinimumNotReached(coupon=use.coupon.public_id)
        else:
            raise errors.NothingEligible(coupon=use.coupon.public_id)
    return uses


def coupons_of(person: Person, *, at: datetime) -> QuerySet[Coupon]:
    """All coupons a person can still use, those that expire first on top (across shops)."""
    return Coupon.objects.filter(_alive(at), person=person).select_related("offer", "shop").order_by("expires_at", "id")


def coupon_of(person: Person | None, shop: Shop, public_id: str) -> Coupon:
    """One coupon of this person at this shop, or NoSuchCoupon."""
    if person is None:
        raise errors.NoSuchCoupon
    found = Coupon.objects.select_related("offer").filter(shop=shop, person=person, public_id=public_id).first()
    if found is None:
        raise errors.NoSuchCoupon
    return found


def redemptions_for(reference: str) -> QuerySet[Redemption]:
    """The living redemptions of one bill, in the order in which they apply."""
    alive = [RedemptionState.RESERVED, RedemptionState.COMMITTED]
    found = Redemption.objects.filter(reference=reference, state__in=alive)
    return found.select_related("coupon__offer").order_by("id")


def coupons_returned_from(reference: str) -> QuerySet[Coupon]:
    """The coupons that came back when all of a bill's money did."""
    returned = Redemption.objects.filter(reference=reference, state=RedemptionState.RETURNED)
    return Coupon.objects.filter(id__in=returned.values("coupon")).select_related("offer").order_by("id")


def coupons_over(shop: Shop, occasion: OfferOccasion, *, at: datetime) -> QuerySet[Coupon]:
    """The shop's coupons of one occasion that expired without being used."""
    over = Coupon.objects.filter(
        shop=shop, offer__occasion=occasion, used_at__isnull=True, withdrawn_at__isnull=True, expires_at__lte=at
    )
    return over.select_related("offer").order_by("id")


def explained(reference: str) -> list[tuple[Text, int]]:
    """One text line for each coupon on a bill, in the order in which they apply, and the won it takes off."""
    return [(line_about(one.coupon), one.amount) for one in redemptions_for(reference)]


def most_off(offer: Offer) -> int:
    """Won that a coupon of this offer takes off a bill: at most, where its terms say it, else about."""
    return int(offer.value) if offer.kind == OfferKind.AMOUNT else int(offer.ceiling or USUAL_OFF)


def coupons_out(offer: Offer, *, at: datetime) -> int:
    """How many coupons of an offer could still be used and are held for no bill: what they take off is in no budget yet."""
    reserved = Redemption.objects.filter(coupon=OuterRef("pk"), state=RedemptionState.RESERVED)
    return Coupon.objects.filter(_alive(at), offer=offer).exclude(Exists(reserved)).count()


def line_about(coupon: Coupon) -> Text:
    """A coupon on a bill: its name and what it does."""
    worth, name = worth_of(coupon.offer, coupon.worth), coupon.offer.name
    ko, en = name.get("ko") or pick(name), name.get("en") or pick(name)
    return Text(f"{ko}: {worth.within('ko')}", f"{en}: {worth.within('en')}", {})


def worth_of(offer: Offer, worth: int | None = None) -> Text:
    """What an offer takes off, in a few words."""
    n = offer.value if worth is None else worth
    if offer.kind == OfferKind.AMOUNT:
        return say("{amount} 할인", en="{amount} off", amount=won(n))
    if offer.kind == OfferKind.FREE_ITEM:
        return say("{n}개 무료", en="{n} free", n=n)
    if offer.kind == OfferKind.BUY_GET:
        return say("{buy}개 사면 {n}개 무료", en="buy {buy}, get {n} free", buy=offer.buy, n=n)
    if offer.ceiling:
        return say("{n}% 할인 (최대 {top})", en="{n}% off (up to {top})", n=n, top=won(offer.ceiling))
    return say("{n}% 할인", en="{n}% off", n=n)


DAY_WORDS = (
    say("월", en="Mon"),
    say("화", en="Tue"),
    say("수", en="Wed"),
    say("목", en="Thu"),
    say("금", en="Fri"),
    say("토", en="Sat"),
    say("일", en="Sun"),
)


def conditions_of(offer: Offer, names: Mapping[str, Mapping[str, str]] | None = None) -> list[Text]:
    """What a guest must know before using an offer: what it is for, from how much on, when. `names` are those of items and
    sections by public id, where the caller has them; a name it lacks is left out."""
    said = []
    things = [dict(names[one]) for one in [*offer.items, *offer.sections] if names and one in names]
    if things:
        ko, en = (", ".join(one.get(language) or one.get("ko", "") for one in things) for language in ("ko", "en"))
        said.append(Text(f"{ko}에 쓸 수 있어요", f"for {en}", {}))
    elif offer.items or offer.sections:
        said.append(say("정해진 메뉴에 쓸 수 있어요", en="for some dishes"))
    if offer.minimum_spend:
        said.append(say("{amount} 이상 주문할 때", en="for orders from {amount}", amount=won(offer.minimum_spend)))
    if offer.days:
        days = [DAY_WORDS[day] for day in offer.days]
        ko, en = "·".join(day.ko for day in days), ", ".join(day.en for day in days)
        said.append(Text(f"{ko}요일", en, {}))
    if offer.from_minute is not None and offer.until_minute is not None:
        begin, end = (f"{minute // 60:02}:{minute % 60:02}" for minute in (offer.from_minute, offer.until_minute))
        said.append(say("{begin}부터 {end}까지", en="{begin} to {end}", begin=begin, end=end))
    if offer.stacking != Stacking.ALONE:
        said.append(say("다른 쿠폰과 함께 쓸 수 있어요", en="goes with other coupons"))
    return said


FUNDER_WORDS = {
    Funder.SHOP: say("가게", en="the shop"),
    Funder.OPERATOR: say("두레 운영자", en="Dure's operator"),
}


def shares_of(offer: Offer) -> list[tuple[Text, str]]:
    """Who pays which part of a discount, the largest first; nothing where the shop pays all of it."""
    if all(who == Funder.SHOP for who in offer.funders):
        return []
    shares = sorted(offer.funders.items(), key=lambda one: (-one[1], one[0]))
    return [(_called(who), _per_cent(bps)) for who, bps in shares]


def _per_cent(bps: int) -> str:
    whole, rest = divmod(bps, 100)
    return f"{whole}.{rest:02}%" if rest else f"{whole}%"


def _called(who: str) -> Text:
    kind, _, name = who.partition(":")
    return FUNDER_WORDS.get(Funder(kind)) or Text(name, name, {})


def discount_on(offer: Offer, lines: Sequence[Line]) -> int:
    """Won that an offer, written or not, takes off these lines by itself."""
    return rules.discount_of(terms_of(offer), lines)


def would_be(shop: Shop, **terms: object) -> Offer:
    """An offer with these terms as it would be, not written: to be shown before it is made."""
    return Offer(shop=shop, **terms)


def offers_of(shop: Shop) -> QuerySet[Offer]:
    """A shop's offers, newest first."""
    return Offer.objects.filter(shop=shop).order_by("-created_at", "-id")


def offer_of_shop(shop: Shop, public_id: str) -> Offer:
    """One offer of this shop, or NoSuchOffer."""
    found = Offer.objects.filter(shop=shop, public_id=public_id).first()
    if found is None:
        raise errors.NoSuchOffer
    return found


def reviews() -> list[Offer]:
    """Offers that wait for the yes of those who pay with the shop, the oldest first (across shops)."""
    return list(Offer.objects.filter(state=OfferState.REVIEW).select_related("shop").order_by("created_at", "id")[:100])


def review_by_public_id(public_id: str) -> Offer:
    """One offer that waits for a yes (across shops), or NoSuchOffer."""
    found = Offer.objects.filter(public_id=public_id, state=OfferState.REVIEW).select_related("shop").first()
    if found is None:
        raise errors.NoSuchOffer
    return found


def sent_back_because(offer: Offer) -> str:
    """Why an offer that is a draft again was sent back; "" where it was not."""
    if offer.state != OfferState.DRAFT:
        return ""
    last = offer.steps.order_by("-at", "-id").first()
    return last.reason if last else ""


def offer_for(shop: Shop, occasion: OfferOccasion) -> Offer | None:
    """The running offer that `occasion` issues, the newest if there are several."""
    return (
        Offer.objects.filter(shop=shop, occasion=occasion, state=OfferState.RUNNING)
        .order_by("-created_at", "-id")
        .first()
    )
