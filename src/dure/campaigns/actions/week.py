"""A week is planned: who waits for it is frozen, everybody is scored piece by piece, prices are cleared, the plan is kept.

Each step is one transaction that can be done again, so a planning that was killed goes on where it stood and comes to the same
plan: the campaigns, their people and their budgets were frozen when it began, and the scores of a piece are kept with it.
"""

from collections.abc import Callable
from datetime import date, datetime, timedelta
from itertools import pairwise

import numpy as np
from django.conf import settings
from django.db import transaction
from numpy.typing import NDArray
from pyroaring import BitMap

from dure.campaigns import errors, queries, rules
from dure.campaigns.actions.outbox import price_each
from dure.campaigns.engine import assign
from dure.campaigns.models import Assignment, Campaign, TillChoice, WeekPart, WeekPiece, WeekPlan
from dure.campaigns.values import Goal, PlanState
from dure.kit import ids, jobs
from dure.people import queries as people
from dure.people.events import PersonErased
from dure.shops import fence
from dure.targeting import queries as targeting
from dure.targeting.values import KEPT, Offering, Scorer

PIECE = 100_000
CAP = 1
"""Messages of a plan to one person: a second one of the same week brings less and costs more of those who refuse (docs: town)."""
ALPHA = 1.0
SALT_BITS = 62
Progress = Callable[[WeekPlan], None]


def plan_week(*, week_on: date, alpha: float = ALPHA, cap: int = CAP, by: str, at: datetime) -> WeekPlan:
    """Begin to plan the week that starts on `week_on` (a Monday): freeze the campaigns that wait for it, whom each may reach, and
    what each may spend. The job `campaigns.plan_week` does the rest. Call it across shops.

    Whoever is held out of the whole network, or got as many advertisements as they may, is in no plan. Refuses NothingToPlan.
    """
    with transaction.atomic():
        waiting = list(queries.waiting_for_plan(week_on).select_for_update(of=("self",), no_key=True))
        plan = WeekPlan(
            public_id=ids.new_public_id("wpl"), week_on=week_on, cap=cap, alpha=alpha, jitter=rules.LOTTERY,
            salt=_salt(week_on), total=0, by=by, at=at,
        )  # fmt: skip
        parts = [part for one in waiting if (part := _part(one, plan, at=at))]
        if not parts:
            raise errors.NothingToPlan
        everybody = BitMap.union(*(BitMap.deserialize(bytes(part.meant_bits)) for part in parts))
        plan.total = -(-len(everybody) // PIECE) + rules.SOLVING_STEPS
        plan.at_till = sum(part.campaign.at_till for part in parts)
        plan.save()
        _keep(plan, parts)
        jobs.enqueue("campaigns.plan_week", plan_id=plan.pk)
        return plan


def replan_week(*, plan: WeekPlan, alpha: float | None = None, by: str, at: datetime) -> WeekPlan:
    """Plan again after a budget changed: the same people and scores, today's budgets, and the prices of `plan` to start from, so
    that it takes seconds. Campaigns that went out meanwhile are left as they are, and whom they reached has less room.

    Refuses CampaignStateWrong unless `plan` is ready; NothingToPlan."""
    with transaction.atomic():
        if plan.state != PlanState.READY:
            raise errors.CampaignStateWrong
        first = plan.first or plan
        before = {part.campaign_id: part for part in queries.parts_of_plan(plan)}
        meant = dict(first.parts.values_list("campaign_id", "meant_bits"))
        again = WeekPlan(
            public_id=ids.new_public_id("wpl"), week_on=plan.week_on, state=PlanState.SOLVING, first=first, cap=plan.cap,
            alpha=plan.alpha if alpha is None else alpha, jitter=plan.jitter, salt=plan.salt, total=rules.SOLVING_STEPS,
            by=by, at=at,
        )  # fmt: skip
        parts = []
        waiting = queries.waiting_for_plan(plan.week_on).filter(pk__in=before)
        for one in waiting.select_for_update(of=("self",), no_key=True):
            part = _part(one, again, at=at, meant=BitMap.deserialize(bytes(meant[one.pk])))
            if part:
                old = before[one.pk]
                part.price, part.money_price = old.price, old.money_price
                part.weight = old.weight if again.alpha == plan.alpha else 1
                part.effect, part.worth = old.effect, old.worth
                parts.append(part)
        if not parts:
            raise errors.NothingToPlan
        again.at_till = sum(part.campaign.at_till for part in parts)
        again.save()
        _keep(again, parts, places={key: part.place for key, part in before.items()})
        jobs.enqueue("campaigns.plan_week", plan_id=again.pk)
        return again


def _salt(week_on: date) -> int:
    return int(assign.draws(np.array([week_on.toordinal()]), unit="week-lottery", secret=settings.SECRET_KEY)[0] >> 2)


def _keep(plan: WeekPlan, parts: list[WeekPart], places: dict[int, int] | None = None) -> None:
    for number, part in enumerate(parts):
        part.plan = plan
        part.place = places[part.campaign_id] if places else number
    WeekPart.objects.bulk_create(parts)


def _part(campaign: Campaign, plan: WeekPlan, *, at: datetime, meant: BitMap | None = None) -> WeekPart | None:
    """What one campaign brings into the week; None where it can reach nobody or may spend nothing."""
    if meant is None:
        persons = queries.people_of(campaign, at=at)
        meant = BitMap(persons[~assign.never_messaged(persons, secret=settings.SECRET_KEY)])
    sends_at = campaign.send_at or at
    each = price_each(campaign=campaign, at=sends_at)
    most = len(meant)
    if each and campaign.budget is not None:
        most = min(most, campaign.budget // each)
    offer = campaign.offer
    # What is for the till comes out of these two, and is left there.
    for limit in (campaign.most, offer.stock - offer.issued if offer and offer.stock is not None else None):
        most = most if limit is None else min(most, limit - campaign.at_till)
    if most < 1:
        return None
    share = assign.holdout_share(most) if len(meant) >= rules.PEOPLE_TO_MEASURE else 0.0
    return WeekPart(
        shop_id=campaign.shop_id,
        campaign=campaign,
        messages=min(len(meant), int(most / (1 - share))),
        share=share,
        each=each,
        shop_money=queries.message_balance(campaign.shop) if each else None,
        effect=targeting.effects().of(
            goal=campaign.goal, shop=campaign.shop.public_id, usual=rules.usual_effect(Goal(campaign.goal))
        ),
        worth=queries.usual_bill(campaign.shop),
        meant_bits=meant.serialize(),
    )


def advance_plan(
    *, plan: WeekPlan, at: datetime, progress: Progress = lambda plan: None, score: Scorer = targeting.best_of_week
) -> WeekPlan:
    """Do all that is left of a planning. Safe to repeat and to kill; whoever calls it meanwhile waits. Call it across shops.

    `score` says what a message is worth; another one than the product's is for whoever weighs the product against it."""
    while plan.state == PlanState.SCORING:
        plan = _score_piece(plan, score)
        progress(plan)
    if plan.state == PlanState.SOLVING:
        plan = _solve(plan, at=at, progress=progress)
        progress(plan)
    return plan


def _locked(plan: WeekPlan) -> WeekPlan:
    return WeekPlan.objects.select_for_update(no_key=True).get(pk=plan.pk)


def _move(plan: WeekPlan, to: PlanState) -> None:
    if not rules.plan_may_be(PlanState(plan.state), to):
        raise errors.CampaignStateWrong
    plan.state = to


def _score_piece(plan: WeekPlan, score: Scorer) -> WeekPlan:
    """The next piece of people, scored and kept. The computing holds no transaction open."""
    number = plan.done
    parts = list(queries.parts_of_plan(plan))
    meant = [BitMap.deserialize(bytes(part.meant_bits)) for part in parts]
    everybody = BitMap.union(*meant)
    last = plan.pieces.order_by("-number").values_list("high_person", flat=True).first()
    # By number and not by rank: somebody may have been forgotten since the piece before.
    begin = 0 if last is None else everybody.rank(last)
    persons = np.array(everybody[begin : begin + PIECE].to_array(), np.uint32)
    here = BitMap(persons)
    pairs = [np.searchsorted(persons, np.array((one & here).to_array(), np.uint32)) for one in meant]
    row = np.concatenate(pairs)
    place = np.repeat(np.array([part.place for part in parts], np.uint16), [len(one) for one in pairs])
    order = np.lexsort((place, row))
    campaign, value = score(
        persons=persons, pair_row=row[order].astype(np.int64), pair_place=place[order],
        offerings=[_offering(part) for part in parts], at=plan.at,
    )  # fmt: skip
    left = people.advertising_left(persons.tolist(), at=plan.at)
    room = np.array([min(left.get(person, 0), 255) for person in persons.tolist()], np.uint8)
    with transaction.atomic():
        plan = _locked(plan)
        if plan.state != PlanState.SCORING or plan.done != number:
            return plan
        WeekPiece.objects.create(
            plan=plan, number=number, low_person=int(persons[0]) if len(persons) else last or 0,
            high_person=int(persons[-1]) if len(persons) else last or 0, persons=persons.astype("<u4").tobytes(),
            room=room.tobytes(), campaign=campaign.astype("<u2").tobytes(), value=value.astype("<f4").tobytes(),
        )  # fmt: skip
        plan.done += 1
        plan.people += len(persons)
        plan.edges += int((value > 0).sum())
        if plan.done >= plan.total - rules.SOLVING_STEPS:
            _move(plan, PlanState.SOLVING)
        plan.save(update_fields=["done", "people", "edges", "state"])
        return plan


def _offering(part: WeekPart) -> Offering:
    return Offering(shop=part.shop_id, effect=part.effect, worth=part.worth, window_days=part.campaign.window_days)


def _solve(plan: WeekPlan, *, at: datetime, progress: Progress) -> WeekPlan:
    """Prices, choices, certificate; kept in one transaction. The computing itself holds no lock."""
    from dure.campaigns.engine import allocate, fair
    from dure.campaigns.engine.market import Edges, Terms

    parts = list(queries.parts_of_plan(plan))
    persons, room, campaign, value = _edges(plan)
    places = np.full(max(part.place for part in parts) + 1, -1, np.int64)
    places[[part.place for part in parts]] = np.arange(len(parts))
    # Campaigns that went out since the scores were made are no edges any more.
    there = (campaign < len(places)) & (value > 0)
    there[there] = places[campaign[there]] >= 0
    campaign[~there], value[~there] = 0, 0
    campaign[there] = places[campaign[there]]
    each = np.array([part.each * (1 - part.share) for part in parts])
    shops, shop = np.unique([part.shop_id for part in parts], return_inverse=True)
    money = np.full(len(shops), np.inf)
    for part, one in zip(parts, shop, strict=True):
        if part.shop_money is not None:
            money[one] = part.shop_money
    paid = bool(each.any())
    budgets = allocate.Budgets(
        messages=np.array([part.messages for part in parts], float),
        shop=shop.astype(np.int32),
        shop_money=money if paid else None,
    )
    cost = np.where(there, each[campaign], 0).astype(np.float32) if paid else None
    edges = Edges(campaign, value, cost, room)
    terms = Terms(plan.cap, np.ones(len(parts), np.float32), plan.jitter, plan.salt)
    start = allocate.Prices(
        np.array([part.price for part in parts], np.float32), np.array([part.money_price for part in parts], np.float32)
    )
    weight = np.array([part.weight for part in parts], np.float32)
    base = plan.total - rules.SOLVING_STEPS

    def tell(share: float) -> None:
        done = base + int(share * (rules.SOLVING_STEPS - 1))
        if done > plan.done:
            plan.done = done
            WeekPlan.objects.filter(pk=plan.pk, state=PlanState.SOLVING).update(done=done)
            progress(plan)

    alone = fair.stand_alone(edges, budgets)
    made, most, after, before = fair.solve_fair(
        edges, budgets, terms, alpha=plan.alpha, alone=alone, progress=tell,
        start=start if plan.first_id else None,
        weight=weight if (weight != 1).any() else None,
    )  # fmt: skip
    worth = fair.worth_of(edges, budgets, made.chosen)
    groups = _chosen(made.chosen, campaign, persons, len(parts))
    rate = queries.bills_a_week(plan.people or len(persons), at=plan.at)
    for number, part in enumerate(parts):
        part.price, part.money_price = float(made.prices.unit[number]), float(made.prices.money[number])
        part.weight = float(made.weight[number])
        part.used, part.spent = int(made.used[number]), int(made.spent[number])
        part.value, part.alone = int(worth[number]), int(np.ceil(alone[number]))
        part.chosen_bits = groups[number]
        if part.campaign.at_till:
            part.till_price, part.till_due = (
                max(0.0, part.price),
                rate * len(BitMap.deserialize(bytes(part.meant_bits))),
            )
    with transaction.atomic():
        plan = _locked(plan)
        if plan.state != PlanState.SOLVING:
            return plan
        WeekPart.objects.bulk_update(
            parts,
            [
                "price",
                "money_price",
                "weight",
                "used",
                "spent",
                "value",
                "alone",
                "chosen_bits",
                "till_price",
                "till_due",
            ],
            batch_size=500,
        )
        plan.people, plan.edges = len(persons), int(there.sum())
        plan.value, plan.bound, plan.most_value = (
            int(made.value),
            int(np.ceil(min(made.bound, most.bound))),
            int(most.value),
        )
        plan.fairness = {
            name: {"gini": fared.gini, "worst_tenth": fared.worst_tenth, "deciles": fared.deciles}
            for name, fared in (("fair", after), ("most", before))
        }
        _move(plan, PlanState.READY)
        plan.ready_at, plan.done = at, plan.total
        plan.save()
        queries.look_at_the_till_again()
        return plan


def _edges(plan: WeekPlan) -> tuple[NDArray[np.uint32], NDArray[np.uint8], NDArray[np.uint16], NDArray[np.float32]]:
    """The kept pieces as whole arrays: persons, their room, campaigns and values."""
    first = plan.first or plan
    size = sum(len(row) // 4 for row in first.pieces.values_list("persons", flat=True).iterator(chunk_size=1))
    persons, room = np.empty(size, np.uint32), np.empty(size, np.uint8)
    campaign, value = np.empty((size, KEPT), np.uint16), np.empty((size, KEPT), np.float32)
    at = 0
    for piece in first.pieces.order_by("number").iterator(chunk_size=1):
        end = at + len(piece.room)
        persons[at:end] = np.frombuffer(bytes(piece.persons), "<u4")
        room[at:end] = np.frombuffer(bytes(piece.room), np.uint8)
        campaign[at:end] = np.frombuffer(bytes(piece.campaign), "<u2").reshape(-1, KEPT)
        value[at:end] = np.frombuffer(bytes(piece.value), "<f4").reshape(-1, KEPT)
        at = end
    # Whom a campaign of this week reached before this plan has that much less room in it.
    ours = WeekPart.objects.filter(plan__week_on=plan.week_on).values("campaign")
    waves = Assignment.objects.filter(campaign__in=ours, at__lte=plan.at).values_list("reached_bits", flat=True)
    reached = [BitMap.deserialize(bytes(bits)) for bits in waves]
    for group in (*reached, queries.given_uncounted(plan.week_on, at=plan.at)):
        went = np.isin(persons, np.array(group.to_array(), np.uint32))
        room[went] = np.minimum(np.maximum(room[went], 1) - 1, max(plan.cap - 1, 0))
    return persons, room, campaign, value


def _chosen(
    bits: NDArray[np.uint32], campaign: NDArray[np.uint16], persons: NDArray[np.uint32], campaigns: int
) -> list[bytes]:
    """Whom each campaign writes to, as bitmaps of persons."""
    sent = [np.flatnonzero((bits >> np.uint32(edge)) & np.uint32(1)) for edge in range(campaign.shape[1])]
    of = np.concatenate([campaign[rows, edge] for edge, rows in enumerate(sent)])
    who = np.concatenate([persons[rows] for rows in sent])
    order = np.argsort(of, kind="stable")
    ends = np.searchsorted(of[order], np.arange(campaigns + 1))
    return [BitMap(who[order[a:b]]).serialize() for a, b in pairwise(ends)]


def forget_plans(*, at: datetime) -> int:
    """Drop the scores and the frozen people of weeks that are over; what the plans came to stays. How many pieces."""
    over = WeekPlan.objects.filter(week_on__lt=(at - timedelta(days=8)).date())
    gone, _ = WeekPiece.objects.filter(plan__in=over).delete()
    empty = BitMap().serialize()
    WeekPart.objects.filter(plan__in=over).exclude(meant_bits=empty).update(meant_bits=empty, chosen_bits=None)
    return gone


def cut_off_person(fact: PersonErased) -> None:
    """Hears PersonErased: no plan of a week that is not over means, chooses or scores an erased person. Their number stays in a
    piece as that of an empty stone, with room for nothing and worth nothing; what they were given at the till is nobody's."""
    with fence.across_shops():  # plans are made over all shops
        TillChoice.objects.filter(person_id=fact.person_id).update(person=None)
        for part in WeekPart.objects.filter(meant_bits__isnull=False).select_for_update().order_by("pk").iterator():
            meant = BitMap.deserialize(bytes(part.meant_bits))
            if fact.person_id not in meant:
                continue
            meant.discard(fact.person_id)
            part.meant_bits = meant.serialize()
            if part.chosen_bits is not None:
                chosen = BitMap.deserialize(bytes(part.chosen_bits))
                chosen.discard(fact.person_id)
                part.chosen_bits = chosen.serialize()
            part.save(update_fields=["meant_bits", "chosen_bits"])
        within = WeekPiece.objects.filter(low_person__lte=fact.person_id, high_person__gte=fact.person_id)
        for piece in within.select_for_update().order_by("pk"):
            place = np.flatnonzero(np.frombuffer(bytes(piece.persons), "<u4") == fact.person_id)
            room = np.frombuffer(bytes(piece.room), np.uint8).copy()
            value = np.frombuffer(bytes(piece.value), "<f4").reshape(-1, KEPT).copy()
            room[place], value[place] = 0, 0
            piece.room, piece.value = room.tobytes(), value.tobytes()
            piece.save(update_fields=["room", "value"])
