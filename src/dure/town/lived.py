"""A town with known truth that lives on the platform itself: its shops' campaigns are real, so are the coin, the gate, the inboxes, the
bills that follow and the results that the lift room publishes. Whether those hold the truth can be looked at here and nowhere else.

A week: each shop that writes hands in a campaign on the Sunday before and sends it when its day begins. Which of its friends it is
for, a policy decides (`deciding.py`), the product's own plan among them; the product's coin holds people out, its gate lets
through whom it may, and what arrived moves people as the truth says (`engine/living.py`). They come and pay, some join, some
have had enough. A week later the product reads the results, and each published range is laid beside what the message truly added on
average to the chance of those whom the coin chose: nothing for those whom it never reached.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import numpy as np
from django.conf import settings
from numpy.typing import NDArray

from dure.campaigns import actions as campaigns
from dure.campaigns import queries as campaign_queries
from dure.campaigns.models import Campaign
from dure.campaigns.values import CampaignState, Goal
from dure.kit import clock, jobs
from dure.kit.clock import KST
from dure.kit.errors import Refused
from dure.kit.language import Text
from dure.lift import actions as lift
from dure.lift import queries as lifts
from dure.lift.values import Footing, Verdict
from dure.menu import actions as menu
from dure.messaging import actions as messaging
from dure.messaging import queries as messages
from dure.messaging.models import Outgoing
from dure.messaging.values import Fate, Medium
from dure.offers import actions as offers
from dure.offers.models import Offer
from dure.offers.values import OfferKind
from dure.people import actions as people
from dure.shops import actions as shops
from dure.shops import queries as shop_queries
from dure.shops.values import Category
from dure.town.deciding import Blast, Policy
from dure.town.engine import diary, living
from dure.town.engine.story import bits_of
from dure.town.engine.world import World
from dure.town.errors import NotForReal
from dure.town.hands import Coming, Eatery, Hands, Join, No, eateries_of
from dure.town.places import ALWAYS

Numbers = NDArray[np.int64]
Progress = Callable[[str], None]

BEGINS = datetime(2026, 10, 5, 10, tzinfo=KST)
"""The first Monday of a quarter: results of similar shops are pooled within one."""
WEEK, DAY, HANDED, EVENING = timedelta(days=7), timedelta(days=1), timedelta(minutes=1), timedelta(days=4, hours=10)
TABLES, COUPON = 8, 1_000
KINDS = (Category.NOODLES, Category.CAFE)
"""So few that shops of a kind are many: results are pooled from a hundred on."""
BY = "town:lived"
FORGOTTEN = ("channels.tell_about_order", "kit.hear", "campaigns.start", "campaigns.plan_week", "people.dispatch")
"""Jobs that the town does itself at its own instant, or that would tell guests about meals of a time that never was."""


@dataclass(frozen=True, slots=True)
class Published:
    """One result as its owner may read it, beside the truth. `low`, `guess`, `high` and `truth`: more people for each one whom the
    coin chose to be written to; `alone` unless it rests on a family; `broken`: the groups are not the coin's, so nothing is said.
    `told` is the sentence."""

    shop: int
    week: int
    reached: int
    held: int
    arrived: int
    low: float
    guess: float
    high: float
    verdict: Verdict
    alone: bool
    broken: bool
    truth: float
    told: Text

    @property
    def covers(self) -> bool:
        return self.low <= self.truth <= self.high


@dataclass(slots=True)
class Lived:
    """What came of it. `unsent`: campaigns that the product refused, by why; `kept_back`: texts that its gate did, by why. `added`:
    visits to be expected that messages added, `added_of` by shop, `added_in` by week; by week as well visits paid (`came`) and
    messages in inboxes (`sent`). `violations`: broken promises by name, all of which must be 0."""

    published: list[Published] = field(default_factory=list)
    unsent: Counter[str] = field(default_factory=Counter)
    kept_back: Counter[str] = field(default_factory=Counter)
    unmeasured: int = 0
    visits: int = 0
    messages: int = 0
    coupons_used: int = 0
    refusals: int = 0
    friends: int = 0
    added: float = 0.0
    added_of: list[float] = field(default_factory=list)
    came: list[int] = field(default_factory=list)
    sent: list[int] = field(default_factory=list)
    added_in: list[float] = field(default_factory=list)
    violations: Counter[str] = field(default_factory=Counter)


@dataclass(slots=True)
class _Out:
    """A campaign that went out this week, and what it truly did."""

    shop: int
    campaign: Campaign
    reached: Numbers
    held: Numbers
    arrived: int = 0
    truth: float = 0.0


class Life:
    """One town in an empty database, whose shops write to whom `policy` decides, from week `quiet` on. Call it across shops.
    Refuses NotForReal in production and where any shop is."""

    def __init__(
        self,
        world: World,
        hands: Hands,
        *,
        weeks: int,
        quiet: int = 2,
        policy: Policy | None = None,
        tell: Progress = lambda _: None,
    ) -> None:
        if settings.PRODUCTION or shop_queries.open_shops().exists():
            raise NotForReal
        self.world, self.hands, self.weeks, self.quiet, self.tell = world, hands, weeks, quiet, tell
        self.policy = policy or Blast()
        self.lived = Lived(added_of=[0.0] * world.seen.shops)
        self.state = living.State.begin(world)
        self.coupons: list[Offer] = []
        self.eateries = self._open()
        self.persons = hands.settle(world.seen.people, BEGINS - DAY)
        self.friends = diary.first_friends(world)
        who, edges = np.nonzero(self.friends)
        hands.join(
            [self._join(i, e, "poster", BEGINS - DAY) for i, e in zip(who.tolist(), edges.tolist(), strict=True)]
        )
        self.lived.friends = len(who)

    def live(self) -> Lived:
        """All of its weeks."""
        for week in range(self.weeks):
            self._week(week)
            self.tell(f"{self.world.scenario.key}, week {week + 1}")
        return self.lived

    def _open(self) -> list[Eatery]:
        owner = people.open_account(email="owner@town.example", name="동네 사장님", at=BEGINS - WEEK)
        seen = self.world.seen
        opened, dishes = [], []
        for number in range(seen.shops):
            shop = shops.open_shop(
                name=f"{number + 1}번 가게",
                name_en=f"Shop {number + 1}",
                category=KINDS[int(seen.category[number]) % len(KINDS)],
                owner=owner,
                tables=TABLES,
                at=BEGINS - WEEK,
                phone="02-000-0000",
                hours=ALWAYS,
            )
            section = menu.add_section(shop=shop, name={"ko": "식사", "en": "Meals"}, by=BY, at=BEGINS - WEEK)
            price = int(seen.ticket[number])
            name = {"ko": "한 끼", "en": "A meal"}
            dishes.append(menu.add_item(shop=shop, section=section, name=name, price=price, by=BY, at=BEGINS - WEEK))
            self.coupons.append(
                offers.create_offer(
                    shop=shop,
                    name={"ko": "다음 방문 인사", "en": "See you again"},
                    kind=OfferKind.AMOUNT,
                    value=COUPON,
                    valid_days=WEEK.days,
                    per_person=1_000,
                    by=BY,
                    at=BEGINS - WEEK,
                )
            )
            opened.append(shop)
        return eateries_of(opened, dishes)

    def _begins(self, shop: int, week: int) -> datetime:
        """When this shop's week begins: its campaign goes out, and the product's window opens."""
        return BEGINS + week * WEEK + (shop % diary.WORKDAYS) * DAY

    def _join(self, person: int, edge: int, source: str, at: datetime) -> Join:
        seen = self.world.seen
        return Join(person, self.eateries[int(seen.shop[person, edge])], bool(seen.consented[person]), source, at)

    def _week(self, week: int) -> None:
        out = self._send(week)
        sent = self._arrived(out, week)
        lived = living.live(self.world, self.state, sent, week, self.weeks)
        self.lived.added += float(lived.added.sum())
        self.lived.added_in.append(float(lived.added.sum()))
        self.lived.added_of = [old + new for old, new in zip(self.lived.added_of, lived.added.tolist(), strict=True)]
        self._come(diary.comings(self.world, lived.came, self.friends, week), week)
        self._refuse(out, np.flatnonzero(lived.left), week)
        for one in out:
            self._publish(one, week)
        jobs.take_back(*FORGOTTEN)

    def _send(self, week: int) -> list[_Out]:
        """The week's campaigns: handed in on the Sunday before, decided upon by night, sent on their mornings day by day, carried to
        the inboxes."""
        turns = [shop for shop in self._by_day() if diary.writes(shop, week, self.quiet)]
        drafts = {shop: draft for shop in turns if (draft := self._hand_in(shop, week))}
        if drafts:
            self.policy.decide((BEGINS + week * WEEK).date())
        out = []
        for day in range(diary.WORKDAYS):
            for shop in (one for one in drafts if one % diary.WORKDAYS == day):
                started = self._start(drafts[shop], self._begins(shop, week))
                if started:
                    _, reached, held = campaign_queries.groups_of(started)[0]
                    there, apart = (self._places(np.array(group.to_array(), np.int64)) for group in (reached, held))
                    out.append(_Out(shop, started, there, apart))
            at = self._begins(day, week) + HANDED
            with clock.showing(lambda at=at: at):  # type: ignore[misc]
                people.dispatch(medium=Medium.INBOX, seconds=3600)
            messaging.close_sendings(at=at + HANDED)
        for one in out:
            campaigns.finish_sending(campaign=one.campaign, at=self._begins(one.shop, week) + 2 * HANDED)
        return out

    def _by_day(self) -> list[int]:
        return sorted(range(self.world.seen.shops), key=lambda shop: (shop % diary.WORKDAYS, shop))

    def _hand_in(self, shop: int, week: int) -> Campaign | None:
        at = BEGINS + week * WEEK - DAY / 2
        try:
            draft = campaigns.draft_campaign(
                shop=self.eateries[shop].shop,
                goal=Goal.WIN_BACK,
                name=f"{week + 1}번째 주",
                audience={"stages": []},
                offer=self.coupons[shop],
                title="#{shop}에서 인사드려요",
                body="이번 주에 들러 주시면 #{coupon} 쿠폰으로 반갑게 맞을게요.",
                window_days=7,
                most=self.policy.most(shop),
                by_plan=self.policy.by_plan,
                by=BY,
                at=at,
            )
            return campaigns.submit_campaign(campaign=draft, send_at=self._begins(shop, week), by=BY, at=at)
        except Refused as refusal:
            self.lived.unsent[refusal.code] += 1
            return None

    def _start(self, campaign: Campaign, at: datetime) -> Campaign | None:
        try:
            return campaigns.start_campaign(campaign=campaign, at=at)
        except Refused as refusal:
            self.lived.unsent[refusal.code] += 1
            return None

    def _arrived(self, out: Sequence[_Out], week: int) -> NDArray[np.uint32]:
        """Bits (n,) of the edges whose message lies in an inbox; writes the truth beside each campaign."""
        world, sent = self.world, np.zeros(self.world.seen.people, np.uint32)
        there = []
        for one in out:
            about = messages.sendings_about(campaign_queries.reference_of(one.campaign))
            rows = Outgoing.objects.filter(sending__in=about)
            arrived = rows.filter(fate=Fate.ARRIVED).values_list("recipient", flat=True)
            there.append(self._places(np.sort(np.array(list(arrived), np.int64))))
            one.arrived = len(there[-1])
            for reason in rows.exclude(fate=Fate.ARRIVED).values_list("reason", flat=True):
                self.lived.kept_back[reason] += 1
            self._check(one, there[-1])
        self.lived.sent.append(sum(len(one) for one in there))
        self.lived.messages += self.lived.sent[-1]
        edges = [diary.edges_to(world, who, np.full(len(who), one.shop)) for one, who in zip(out, there, strict=True)]
        for who, by in zip(there, edges, strict=True):
            sent |= bits_of(world.seen.people, who, by)
        self.lived.violations["too often in a week"] += int((np.bitwise_count(sent) > self.policy.often).sum())
        for one, who, by in zip(out, there, edges, strict=True):
            true = living.true_effects(world, self.state, sent, who, by, week, self.weeks)
            one.truth = float(true.sum()) / max(1, len(one.reached))
        return sent

    def _check(self, one: _Out, arrived: Numbers) -> None:
        """What the product promises, looked at from outside with what the town knows."""
        world, broken = self.world, self.lived.violations
        edges = diary.edges_to(world, arrived, np.full(len(arrived), one.shop))
        broken["held out, and written to"] += len(np.intersect1d(arrived, one.held))
        broken["not chosen, and written to"] += len(np.setdiff1d(arrived, one.reached))
        broken["no consent"] += int((~world.seen.consented[arrived]).sum())
        broken["refused, and written to"] += int(self.state.gone[arrived].sum())
        most = self.policy.most(one.shop)
        broken["over its messages"] += 0 if most is None else max(0, len(one.reached) - most)
        broken["no friend"] += int((~self.friends[arrived, edges]).sum())

    def _come(self, came: diary.Comings, week: int) -> None:
        comings = []
        columns = (came.people, came.edges, came.shops, came.minutes, came.joins)
        for person, edge, shop, minutes, joins in zip(*(column.tolist() for column in columns), strict=True):
            at = self._begins(shop, week) + timedelta(minutes=minutes)
            joining = self._join(person, edge, "receipt", at + timedelta(minutes=35)) if joins else None
            key = f"town:{week}:{person}:{edge}"
            comings.append(Coming(person, self.eateries[shop], key, at, joining))
        self.hands.come(comings)
        self.friends[came.people[came.joins], came.edges[came.joins]] = True
        self.lived.visits += len(comings)
        self.lived.came.append(len(comings))
        self.lived.friends += int(came.joins.sum())

    def _refuse(self, out: Sequence[_Out], left: Numbers, week: int) -> None:
        """Whoever has had enough says so by the first message of the week that they find."""
        numbers = [int(self.persons[one]) for one in left]
        rows = Outgoing.objects.filter(
            recipient__in=numbers, fate=Fate.ARRIVED, handed_at__gte=BEGINS + week * WEEK
        ).select_related("sending")
        first = {row.recipient: row for row in rows.order_by("-sending__reference", "-pk")}
        at = BEGINS + week * WEEK + EVENING
        noes = [
            No(int(one), first[int(self.persons[one])].pk, first[int(self.persons[one])].sending.public_id, at)
            for one in left
        ]
        self.hands.refuse(noes)
        self.lived.refusals += len(noes)

    def _publish(self, one: _Out, week: int) -> None:
        campaign = campaign_queries.campaign_by_public_id(self.eateries[one.shop].shop, one.campaign.public_id)
        if not campaign.measured or campaign.result_at is None:
            self.lived.unmeasured += 1
            return
        if campaign.state != CampaignState.MEASURING:
            self.lived.violations["not all sent"] += 1
            return
        lift.measure_campaign(campaign=campaign, at=campaign.result_at)
        result = lifts.result_of(campaign)
        if result is None:
            self.lived.violations["no result on its day"] += 1
            return
        published = Published(
            shop=one.shop,
            week=week,
            reached=result.reached,
            held=result.held,
            arrived=one.arrived,
            low=result.low,
            guess=result.guess,
            high=result.high,
            verdict=Verdict(result.verdict),
            alone=result.footing == Footing.ALONE,
            broken=lifts.is_broken(result),
            truth=one.truth,
            told=lifts.sentence_of(result),
        )
        self.lived.published.append(published)
        self.lived.coupons_used += int(result.figures["used"][0])

    def _places(self, persons: Numbers) -> Numbers:
        """Which of the town's people these are."""
        found = np.searchsorted(self.persons, persons)
        if (self.persons[np.minimum(found, len(self.persons) - 1)] != persons).any():
            raise ValueError("somebody was written to who does not live here")
        return found
