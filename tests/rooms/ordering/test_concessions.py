"""Nobody at the counter gives much away alone: limits, a second person, races, and what the owner is told."""

import contextlib
import itertools
import threading
from collections.abc import Iterator
from datetime import timedelta
from types import SimpleNamespace

import pytest
from django.core import mail

from dure.checkouts import actions as checkouts
from dure.checkouts.values import CheckoutKind
from dure.kit import ids
from dure.kit.errors import DureError
from dure.ledger import queries as ledger
from dure.messaging import providers
from dure.messaging.models import Message
from dure.messaging.providers.smtp import Smtp
from dure.messaging.values import Medium
from dure.ordering import actions as ordering
from dure.ordering import errors, queries, rules
from dure.ordering.actions import concessions
from dure.ordering.models import Bill, Concession, Order, Visit
from dure.ordering.values import ConcessionKind, ConcessionState, OrderState, Wanted, Wish
from dure.payments.models import Payment, Refund
from dure.people import actions as people
from dure.people.models import Person
from dure.shops import actions as shops
from dure.shops import fence
from dure.shops import queries as shop_queries
from dure.shops.models import Membership
from dure.shops.values import Ability, Role
from tests.rooms.ordering.conftest import BY, NOON, Place, open_place
from tests.rooms.ordering.test_races import at_once
from tests.rooms.ordering.test_splits import broken_promises

pytestmark = pytest.mark.django_db


class Team:
    """A shop with somebody in each role. Teas cost 3,000 won."""

    def __init__(self, place: Place) -> None:
        self.place, self.shop = place, place.shop
        self.by = {Role.OWNER: f"staff:{self.member(Role.OWNER).public_id}"}
        for role in (Role.MANAGER, Role.CASHIER, Role.KITCHEN):
            self.by[role] = self.hire(role)

    def member(self, role: Role) -> Person:
        return shop_queries.staff_of(self.shop).filter(role=role).get().person

    def hire(self, role: Role) -> str:
        person = people.open_account(email=f"{ids.new_code(8).lower()}@dure.example", at=NOON)
        shops.hire(shop=self.shop, person=person, role=role, by=BY, at=NOON)
        return f"staff:{person.public_id}"

    def ordered(self, teas: int, *, visit: Visit | None = None) -> Order:
        return ordering.place_order(
            shop=self.shop,
            visit=visit,
            table=visit.table if visit else None,
            device=None,
            wanted=[Wanted(item=self.place.tea.public_id, quantity=teas)],
            key=ids.new_code(20),
            expected_total=None,
            by=BY,
            by_staff=True,
            at=NOON,
        )

    def paid(self, teas: int) -> Order:
        """An order paid at the counter."""
        order = self.ordered(teas)
        assert order.bill
        ordering.settle_at_counter(bill=order.bill, by=BY, at=NOON)
        return order

    def wish(self, kind: ConcessionKind, teas: int) -> Wish:
        """Something worth `teas` × 3,000 won to give back in this way."""
        if kind == ConcessionKind.REFUND:
            asked = checkouts.open_checkout(
                shop=self.shop, kind=CheckoutKind.TILL, amount=teas * 3_000, key=ids.new_secret(), by=BY, at=NOON
            )
            ordering.settle_at_counter(bill=asked.bill, by=BY, at=NOON)
            return Wish(kind=kind, subject=asked.bill.public_id, amount=teas * 3_000, reason="r", key=ids.new_code(16))
        if kind == ConcessionKind.UNPAID:
            visit = ordering.open_visit_by_staff(
                table=shops.add_table(shop=self.shop, name=ids.new_code(6), by=BY, at=NOON), by=BY, at=NOON
            )
            shops.update_shop(shop=self.shop, pay_timing="tab", by=BY, at=NOON)
            self.shop.refresh_from_db()
            self.ordered(teas, visit=visit)
            shops.update_shop(shop=self.shop, pay_timing="first", by=BY, at=NOON)
            self.shop.refresh_from_db()
            return Wish(kind=kind, subject=visit.public_id, reason="도망갔어요")
        order = self.paid(teas)
        if kind == ConcessionKind.STRIKE:
            return Wish(
                kind=kind, subject=order.public_id, line=1, quantity=teas, reason="엎질렀어요", key=ids.new_code(16)
            )
        return Wish(kind=kind, subject=order.public_id, reason="늦었어요")

    def concede(self, wish: Wish, role: Role) -> Concession | None:
        return ordering.concede(shop=self.shop, wish=wish, by=self.by[role], at=NOON)

    @property
    def back(self) -> int:
        """Won that are on their way back or written off."""
        return sum(Refund.objects.values_list("amount", flat=True))


@pytest.fixture
def team(place: Place) -> Team:
    return Team(place)


@pytest.mark.parametrize(("kind", "role"), list(itertools.product(ConcessionKind, Role)))
def test_who_may_give_back_how_much_alone(team: Team, kind: ConcessionKind, role: Role) -> None:
    """The matrix: 99,000 won go at once, 102,000 need a second person; an owner and a manager are one."""
    alone = shop_queries.rules.may(role, Ability.APPROVE_CONCESSIONS)
    assert alone == (role in (Role.OWNER, Role.MANAGER))
    assert team.concede(team.wish(kind, 33), role) is None
    before, too_much = team.back, team.wish(kind, 34)
    waits = team.concede(too_much, role)
    assert (waits is None) == alone
    if waits is None:
        return
    assert (waits.state, waits.won) == (ConcessionState.WAITING, 102_000)
    assert team.back == before, "money moves on approval and not before"
    assert team.concede(too_much, role) == waits, "asking twice waits once"
    for other in (Role.CASHIER, Role.KITCHEN):
        with pytest.raises((errors.OwnConcession, errors.SecondPersonNeeded)):
            ordering.approve_concession(shop=team.shop, concession=waits.public_id, by=team.by[other], at=NOON)
    done = ordering.approve_concession(
        shop=team.shop, concession=waits.public_id, by=team.by[Role.MANAGER], at=NOON + timedelta(minutes=5)
    )
    assert (done.state, done.by, done.decided_by) == ("done", team.by[role], team.by[Role.MANAGER])
    assert team.back == before + (102_000 if kind != ConcessionKind.UNPAID else 0)
    with pytest.raises(errors.ConcessionOver):
        ordering.approve_concession(shop=team.shop, concession=waits.public_id, by=team.by[Role.OWNER], at=NOON)
    assert broken_promises() == []


def test_small_sums_add_up_to_the_days_limit_and_a_new_day_begins_anew(team: Team) -> None:
    for _ in range(3):
        assert team.concede(team.wish(ConcessionKind.REFUSAL, 11), Role.CASHIER) is None
    assert team.concede(team.wish(ConcessionKind.REFUSAL, 1), Role.CASHIER) is not None, "99,000 + 3,000"
    assert team.concede(team.wish(ConcessionKind.REFUSAL, 1), Role.KITCHEN) is None, "somebody else's day"
    tomorrow = NOON + timedelta(days=1)
    wish = team.wish(ConcessionKind.REFUSAL, 1)
    assert ordering.concede(shop=team.shop, wish=wish, by=team.by[Role.CASHIER], at=tomorrow) is None


def test_what_a_second_person_agreed_to_does_not_use_up_the_day(team: Team) -> None:
    waits = team.concede(team.wish(ConcessionKind.REFUSAL, 40), Role.CASHIER)
    assert waits
    ordering.approve_concession(shop=team.shop, concession=waits.public_id, by=team.by[Role.OWNER], at=NOON)
    assert team.concede(team.wish(ConcessionKind.REFUSAL, 33), Role.CASHIER) is None


def test_the_limit_is_the_shops_own_and_its_change_is_told(team: Team) -> None:
    for limit in (-1, 10_000_001):
        with pytest.raises(DureError):
            ordering.set_concession_limits(shop=team.shop, limit=limit, day_limit=0, by=team.by[Role.OWNER], at=NOON)
    ordering.set_concession_limits(shop=team.shop, limit=0, day_limit=0, by=team.by[Role.MANAGER], at=NOON)
    assert Message.objects.filter(title__contains="한도").count() == 1, "the owner hears that a manager changed it"
    assert team.concede(team.wish(ConcessionKind.STRIKE, 1), Role.CASHIER) is not None
    ordering.set_concession_limits(shop=team.shop, limit=500_000, day_limit=500_000, by=team.by[Role.OWNER], at=NOON)
    assert team.concede(team.wish(ConcessionKind.STRIKE, 99), Role.CASHIER) is None


def test_nobody_slips_past_by_calling_the_deed_itself(team: Team) -> None:
    order = team.paid(34)
    with pytest.raises(errors.SecondPersonNeeded):
        ordering.refuse_order(shop=team.shop, order=order.public_id, reason="x", by=team.by[Role.KITCHEN], at=NOON)
    order.refresh_from_db()
    assert (order.state, team.back) == (OrderState.RECEIVED, 0)


def test_a_cash_void_needs_a_second_person_too(team: Team) -> None:
    """The guest ate and paid in cash; the order disappears before anybody pressed "received"."""
    visit = queries.visit_by_public_id(team.shop, team.wish(ConcessionKind.UNPAID, 34).subject)
    order = Order.objects.get(visit=visit)
    for to in (OrderState.ACCEPTED, OrderState.COOKING, OrderState.SERVED):
        ordering.move_order(shop=team.shop, order=order.public_id, to=to, by=BY, at=NOON)
    wish = Wish(kind=ConcessionKind.REFUSAL, subject=order.public_id, reason="취소")
    assert team.concede(wish, Role.CASHIER) is not None


def test_what_nobody_paid_or_cooked_is_free_to_go(team: Team) -> None:
    order = team.ordered(60)
    assert team.concede(Wish(kind=ConcessionKind.REFUSAL, subject=order.public_id, reason="x"), Role.KITCHEN) is None
    assert not Concession.objects.exists()


def test_nobody_approves_their_own_not_even_after_a_promotion(team: Team) -> None:
    waits = team.concede(team.wish(ConcessionKind.REFUSAL, 40), Role.CASHIER)
    assert waits
    cashier = team.by[Role.CASHIER]
    shops.change_role(shop=team.shop, person=team.member(Role.CASHIER), role=Role.MANAGER, by=BY, at=NOON)
    with pytest.raises(errors.OwnConcession):
        ordering.approve_concession(shop=team.shop, concession=waits.public_id, by=cashier, at=NOON)
    stranger = Team(open_place("옆집", pay_timing="first")).by[Role.OWNER]
    with pytest.raises(errors.SecondPersonNeeded):
        ordering.approve_concession(shop=team.shop, concession=waits.public_id, by=stranger, at=NOON)
    assert team.back == 0


def test_a_request_ends_by_no_by_withdrawal_and_by_itself(team: Team) -> None:
    no, mine, late = (team.concede(team.wish(ConcessionKind.REFUSAL, 40), Role.CASHIER) for _ in range(3))
    assert no
    assert mine
    assert late
    ordering.decline_concession(shop=team.shop, concession=no.public_id, by=team.by[Role.OWNER], at=NOON)
    with pytest.raises(errors.SecondPersonNeeded):
        ordering.decline_concession(shop=team.shop, concession=mine.public_id, by=team.by[Role.KITCHEN], at=NOON)
    ordering.decline_concession(shop=team.shop, concession=mine.public_id, by=team.by[Role.CASHIER], at=NOON)
    over = NOON + rules.CONCESSION_WAITS
    with pytest.raises(errors.ConcessionOver):
        ordering.approve_concession(shop=team.shop, concession=late.public_id, by=team.by[Role.OWNER], at=over)
    assert ordering.expire_concessions(at=over - timedelta(seconds=1)) == 0
    assert ordering.expire_concessions(at=over) == 1
    states = [Concession.objects.get(pk=one.pk).state for one in (no, mine, late)]
    assert states == ["declined", "declined", "expired"]
    assert team.back == 0
    # What was declined may be asked for again.
    wish = Wish(**no.wish)
    assert team.concede(wish, Role.CASHIER) != no


def test_more_than_was_approved_never_goes(team: Team) -> None:
    order = team.paid(34)
    assert order.bill
    waits = ordering.ask_concession(
        shop=team.shop,
        wish=Wish(kind=ConcessionKind.REFUSAL, subject=order.public_id, reason="x"),
        won=101_999,
        by=team.by[Role.CASHIER],
        at=NOON,
    )
    with pytest.raises(errors.ConcessionChanged):
        ordering.approve_concession(shop=team.shop, concession=waits.public_id, by=team.by[Role.OWNER], at=NOON)
    assert team.back == 0


def test_money_goes_back_to_where_it_came_from(team: Team) -> None:
    order = team.paid(40)
    assert order.bill
    payment = Payment.objects.get(reference=order.bill.public_id)
    waits = team.concede(Wish(kind=ConcessionKind.REFUSAL, subject=order.public_id, reason="x"), Role.CASHIER)
    assert waits
    ordering.approve_concession(shop=team.shop, concession=waits.public_id, by=team.by[Role.OWNER], at=NOON)
    refund = Refund.objects.get()
    assert (refund.payment_id, refund.amount) == (payment.pk, 120_000)
    paid, back = (
        ledger.entries_about(payment.public_id).get(kind=kind).postings.get() for kind in ("payment", "refund")
    )
    assert (paid.source_id, paid.destination_id) == (back.destination_id, back.source_id)


def test_the_owner_is_told_of_the_day_by_inbox_and_mail_once(team: Team) -> None:
    owner = team.member(Role.OWNER)
    owner.emailaddress_set.create(email=owner.email, verified=True, primary=True)
    team.concede(team.wish(ConcessionKind.STRIKE, 10), Role.CASHIER)
    team.concede(team.wish(ConcessionKind.UNPAID, 5), Role.MANAGER)
    day = shop_queries.business_day(team.shop, NOON)
    assert not ordering.report_concessions(shop=team.shop, day=day, at=NOON), "the day is not over"
    morning = NOON + timedelta(hours=20)
    for _ in range(2):
        assert ordering.report_concessions(shop=team.shop, day=day, at=morning)
    told = Message.objects.filter(title__contains="돌려주거나 뺀 돈 45,000원")
    assert told.count() == 1
    assert "30,000원" in told.get().body
    providers.choose({Medium.MAIL: Smtp()})
    try:
        people.dispatch(medium=Medium.MAIL, read_clock=lambda: morning)
    finally:
        providers.choose({})
    assert [(m.to, "45,000원" in m.subject) for m in mail.outbox] == [([owner.email], True)]
    assert "엎질렀어요" not in mail.outbox[0].body
    assert not ordering.report_concessions(shop=team.shop, day=day - timedelta(days=1), at=morning), "nothing to tell"


@pytest.fixture
def busy_team(transactional_db: None) -> Iterator[Team]:
    made = open_place("두레국수", pay_timing="first")
    with fence.within_shop(made.shop.id):
        yield Team(made)


@pytest.mark.django_db(transaction=True)
def test_many_at_once_stay_within_the_day_and_two_approvals_move_money_once(busy_team: Team) -> None:
    team = busy_team
    wishes = [team.wish(ConcessionKind.REFUSAL, 10) for _ in range(8)]
    found = at_once(team.shop.pk, [lambda w=w: team.concede(w, Role.CASHIER) for w in wishes])
    assert [f for f in found if isinstance(f, str)] == []
    assert sum(f is None for f in found) == 3, "three times 30,000 are within 100,000"
    assert team.back == 90_000
    waits = next(f for f in found if isinstance(f, Concession))
    approvers = [team.by[Role.OWNER], team.by[Role.MANAGER]] * 3
    said = at_once(
        team.shop.pk,
        [
            lambda by=by: ordering.approve_concession(shop=team.shop, concession=waits.public_id, by=by, at=NOON)
            for by in approvers
        ],
    )
    assert sorted(str(s) for s in said if isinstance(s, str)) == ["ConcessionOver"] * 5
    assert team.back == 120_000
    assert Bill.objects.filter(state="returned").count() == 4


class _Unheld:
    """Memberships that are read without being held."""

    def select_for_update(self, **how: object) -> object:
        return Membership.objects.all()


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("held", [True, False])
def test_the_persons_row_is_what_keeps_two_at_once_within_the_day(
    busy_team: Team, monkeypatch: pytest.MonkeyPatch, held: bool
) -> None:
    """Both are made to reckon before either has written; without the row held (the control) both would go."""
    team, meet, reckon = busy_team, threading.Barrier(2), rules.needs_second_person

    def reckon_together(won: int, **sums: int) -> bool:
        with contextlib.suppress(threading.BrokenBarrierError):
            meet.wait(1)
        return reckon(won, **sums)

    wishes = [team.wish(ConcessionKind.REFUSAL, 20) for _ in range(2)]
    monkeypatch.setattr(concessions.rules, "needs_second_person", reckon_together)
    if not held:
        monkeypatch.setattr(concessions, "Membership", SimpleNamespace(objects=_Unheld()))
    found = at_once(team.shop.pk, [lambda w=w: team.concede(w, Role.CASHIER) for w in wishes])
    assert sum(f is None for f in found) == (1 if held else 2)
