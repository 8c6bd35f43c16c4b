"""Who comes back."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, TypedDict

import numpy as np
from django.core.signing import Signer
from django.db.models import (
    Case,
    CharField,
    Count,
    DateTimeField,
    DurationField,
    ExpressionWrapper,
    F,
    Q,
    QuerySet,
    Sum,
    Value,
    When,
)
from numpy.typing import NDArray

from dure.kit.sql import numbers
from dure.people.models import Person
from dure.regulars.models import CountedVisit, HandStamp, PointLot, PointTerms, PointUse, Relation, StampCard, Tier
from dure.regulars.rules import RegularRule, stage_of
from dure.regulars.values import Stage
from dure.shops.models import Shop

_hand = Signer(salt="dure.hand-stamp")


def rule_of(shop: Shop) -> RegularRule:
    """The shop's own words for regular and lapsed."""
    return RegularRule(shop.regular_visits, shop.regular_days, shop.lapsed_days)


class Standing(TypedDict):
    """What `friends_of` adds to a relation."""

    recent: int
    stage: str


if TYPE_CHECKING:
    from django_stubs_ext import WithAnnotations

    Friends = QuerySet[WithAnnotations[Relation, Standing]]


def friends_of(shop: Shop, *, at: datetime) -> "Friends":
    """The shop's friends with their `stage` today and `recent` visits in the shop's window. No name, no number."""
    rule = rule_of(shop)
    recent = Count("counted_visits", filter=Q(counted_visits__at__gt=at - timedelta(days=rule.days)))
    return (
        Relation.objects.filter(shop=shop, left_at__isnull=True)
        .annotate(recent=recent)
        .annotate(
            stage=Case(
                When(last_visit_at__lte=at - timedelta(days=rule.lapsed_days), then=Value(Stage.LAPSED)),
                When(recent__gte=rule.visits, then=Value(Stage.REGULAR)),
                When(visits__gte=2, then=Value(Stage.RETURNING)),
                default=Value(Stage.NEW),
                output_field=CharField(),
            )
        )
    )


def friends_in(shop: Shop, *, stages: Sequence[str], at: datetime) -> NDArray[np.int64]:
    """The shop's friends in these stages today (none: all of them): (n,) ids of persons."""
    rows: QuerySet[Any] = friends_of(shop, at=at).filter(stage__in=stages)
    if not stages:
        rows = Relation.objects.filter(shop=shop, left_at__isnull=True)
    return numbers(*rows.values_list("person_id").query.sql_with_params())


def stage_counts(shop: Shop, *, at: datetime) -> dict[Stage, int]:
    """How many friends stand in each stage today."""
    counted = Counter(friends_of(shop, at=at).values_list("stage", flat=True))
    return {stage: counted.get(stage, 0) for stage in Stage}


def relation_of(person: Person | None, shop: Shop) -> Relation | None:
    """The person's friendship with this shop, if there is one now."""
    if person is None:
        return None
    return Relation.objects.filter(shop=shop, person=person, left_at__isnull=True).first()


def shops_joined_by(person: Person) -> QuerySet[Relation]:
    """The shops a person is a friend of, the latest visit first (across shops)."""
    return (
        Relation.objects.filter(person=person, left_at__isnull=True)
        .select_related("shop")
        .order_by(F("last_visit_at").desc(nulls_last=True), "-id")
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Friendship:
    """What a person has with one shop: the relation with its shop, where they stand, the goal of its stamp card (or 0)."""

    relation: Relation
    stage: Stage
    goal: int


def friendships_of(person: Person, *, at: datetime) -> list[Friendship]:
    """Every shop a person is a friend of, the latest visit first (across shops), in two queries."""
    window = ExpressionWrapper(F("shop__regular_days") * Value(timedelta(days=1)), output_field=DurationField())
    since = ExpressionWrapper(Value(at) - window, output_field=DateTimeField())
    relations = shops_joined_by(person).annotate(recent=Count("counted_visits", filter=Q(counted_visits__at__gt=since)))
    cards = dict(
        StampCard.objects.filter(running=True, shop__in=[r.shop_id for r in relations]).values_list("shop", "goal")
    )
    return [
        Friendship(
            relation=relation,
            stage=stage_of(
                visits=relation.visits,
                visits_in_window=relation.recent,
                last_visit_at=relation.last_visit_at,
                rule=rule_of(relation.shop),
                at=at,
            ),
            goal=cards.get(relation.shop_id, 0),
        )
        for relation in relations
    ]


def stamp_card_of(shop: Shop) -> StampCard | None:
    """The shop's stamp card, if it keeps one."""
    return StampCard.objects.filter(shop=shop, running=True).first()


def point_terms_of(shop: Shop) -> PointTerms | None:
    """How the shop's points are earned and spent, if it gives any."""
    return PointTerms.objects.filter(shop=shop, running=True).first()


def points_ever_of(shop: Shop) -> PointTerms | None:
    """The shop's terms of points, whether it gives any now or did once."""
    return PointTerms.objects.filter(shop=shop).first()


@dataclass(frozen=True, slots=True, kw_only=True)
class Points:
    """A friend's points: `balance` may be below zero; `expiring` of them end at `expires_at`, the first to do so. `key` is
    another one after every use, so that tapping twice uses them once."""

    balance: int
    key: str
    expiring: int = 0
    expires_at: datetime | None = None


def points_of(relation: Relation, *, at: datetime) -> Points:
    """What a friend can spend at this instant, and what ends first."""
    lots = list(PointLot.objects.filter(relation=relation, remaining__gt=0, expires_at__gt=at).order_by("expires_at"))
    balance = sum(lot.remaining for lot in lots) - relation.points_debt
    key = f"{balance}.{PointUse.objects.filter(relation=relation).count()}"
    if not lots:
        return Points(balance=balance, key=key)
    first = [lot.remaining for lot in lots if lot.expires_at == lots[0].expires_at]
    return Points(balance=balance, key=key, expiring=sum(first), expires_at=lots[0].expires_at)


def tiers_of(shop: Shop) -> QuerySet[Tier]:
    """The shop's tiers, the lowest first."""
    return Tier.objects.filter(shop=shop).select_related("offer").order_by("spend")


def spend_lately(relation: Relation, *, days: int, without: str = "", at: datetime) -> int:
    """Won that a friend spent in the last `days`; `without` leaves one visit out."""
    visits = CountedVisit.objects.filter(relation=relation, at__gt=at - timedelta(days=days)).exclude(reference=without)
    return int(visits.aggregate(sum=Sum("spent", default=0))["sum"])


def tier_of(relation: Relation, *, without: str = "", at: datetime) -> Tier | None:
    """The highest tier that a friend's spend of late reaches; none where the shop gives no points."""
    terms = PointTerms.objects.filter(shop_id=relation.shop_id, running=True).first()
    if terms is None:
        return None
    spent = spend_lately(relation, days=terms.tier_days, without=without, at=at)
    return Tier.objects.filter(shop_id=relation.shop_id, spend__lte=spent).order_by("-spend").first()


@dataclass(frozen=True, slots=True, kw_only=True)
class StampSource:
    """Where stamps came from, as the friend reads it: a visit, or a member of staff and why."""

    count: int
    reason: str
    at: datetime


def stamp_sources_of(relation: Relation, most: int = 20) -> list[StampSource]:
    """Every source of a friend's stamps, newest first."""
    visits = CountedVisit.objects.filter(relation=relation, stamps__gt=0).order_by("-at", "-id")[:most]
    by_hand = HandStamp.objects.filter(relation=relation).order_by("-at", "-id")[:most]
    sources = [
        *(StampSource(count=one.stamps, reason="", at=one.at) for one in visits),
        *(StampSource(count=one.count, reason=one.reason, at=one.at) for one in by_hand),
    ]
    return sorted(sources, key=lambda one: one.at, reverse=True)[:most]


def stamps_by_hand(shop: Shop, *, since: datetime) -> list[tuple[str, int]]:
    """Who gave how many stamps by hand since an instant, the most first: what an owner looks at when stamps run away."""
    rows = HandStamp.objects.filter(shop=shop, at__gte=since).values("by").annotate(given=Sum("count"))
    return [(row["by"], row["given"]) for row in rows.order_by("-given", "by")]


def signature_of(stamp: HandStamp) -> str:
    """Our signature under stamps given by hand. It covers all but whose they are now, since identities may be joined."""
    said = (stamp.shop_id, stamp.key, stamp.count, stamp.day.isoformat(), stamp.by, stamp.reason, stamp.at.isoformat())
    return _hand.signature("|".join(map(str, said)))


def forged_stamps() -> list[HandStamp]:
    """Stamps by hand that were written or changed past us (across shops)."""
    return [one for one in HandStamp.objects.order_by("id").iterator() if one.signature != signature_of(one)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Comebacks:
    """Friends of a shop in a span of time: who joined, and of those who visited, who had been there before."""

    new_friends: int
    visited: int
    came_back: int
    regulars: int


def comebacks(shop: Shop, *, starts_at: datetime, ends_at: datetime) -> Comebacks:
    """New friends and returning ones between two instants."""
    joined = Relation.objects.filter(shop=shop, joined_at__gte=starts_at, joined_at__lt=ends_at, left_at__isnull=True)
    visits = CountedVisit.objects.filter(shop=shop, at__gte=starts_at, at__lt=ends_at)
    visitors = set(visits.values_list("relation_id", flat=True))
    known = friends_of(shop, at=ends_at).filter(id__in=visitors)
    stages = list(known.values_list("first_visit_at", "stage"))
    return Comebacks(
        new_friends=joined.count(),
        visited=len(stages),
        came_back=sum(1 for first, _ in stages if first and first < starts_at),
        regulars=sum(1 for _, stage in stages if stage == Stage.REGULAR),
    )
