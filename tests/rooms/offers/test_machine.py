"""Offers against a simple model, with somebody hostile among the guests: thousands of steps, one truth."""

from dataclasses import dataclass, field
from datetime import timedelta

import pytest
from django.db import IntegrityError, transaction
from django.db.models import F
from hypothesis import strategies as st
from hypothesis.stateful import invariant, precondition, rule

from dure.kit.errors import DureError
from dure.ledger import queries as ledger
from dure.offers import actions as offers
from dure.offers import errors, queries
from dure.offers.models import Coupon, Offer, Redemption
from dure.offers.values import OfferState
from dure.shops import fence
from tests.machines import Machine, falls, walk
from tests.rooms.offers.conftest import an_offer, somebody
from tests.rooms.ordering.conftest import BY, NOON, Place, open_place

STOCK, BUDGET, PER_PERSON, WORTH = 6, 3_500, 2, 1_000
BILLS = st.integers(1, 3)


@dataclass
class Right:
    """A coupon as the model knows it."""

    coupon: Coupon
    owner: int
    bill: str = ""
    used: bool = False
    gone: bool = False


@dataclass
class Model:
    state: OfferState = OfferState.RUNNING
    rights: list[Right] = field(default_factory=list)

    def spent(self) -> int:
        return WORTH * sum(1 for right in self.rights if right.bill)

    def funded(self) -> int:
        return 700 * sum(1 for right in self.rights if right.bill and right.used)


class Offers(Machine):
    """One offer with every limit, three people, three bills."""

    place: Place

    def begin(self) -> None:
        self.inside = fence.within_shop(self.place.shop.pk)
        self.inside.__enter__()
        self.persons = [somebody() for _ in range(3)]
        made = an_offer(
            self.place,
            stock=STOCK,
            budget=BUDGET,
            per_person=PER_PERSON,
            valid_days=30,
            funders={"shop": 3_000, "operator": 7_000},
        )
        offers.review_offer(shop=self.place.shop, offer=made.public_id, accepted=True, by=BY, at=NOON)
        self.offer, self.model, self.keys = made, Model(), 0
        for who in (0, 0, 1):
            self.issue(who)

    def teardown(self) -> None:
        self.inside.__exit__(None, None, None)
        super().teardown()

    def refused(self, act, *kinds: type[DureError]) -> bool:  # type: ignore[no-untyped-def]
        """Whether the act was refused, and for one of these reasons."""
        try:
            with transaction.atomic():
                act()
        except kinds as refusal:
            self.met[type(refusal).__name__] += 1
            return True
        self.met["done"] += 1
        return False

    @rule(who=st.integers(0, 2))
    def issue(self, who: int) -> None:
        self.keys += 1
        mine = [right for right in self.model.rights if right.owner == who]
        may = self.model.state == OfferState.RUNNING and len(self.model.rights) < STOCK and len(mine) < PER_PERSON
        said = {"offer": self.offer, "person": self.persons[who], "key": f"k{self.keys}", "at": NOON}
        kinds = (errors.OfferNotRunning, errors.OutOfStock, errors.AlreadyHas)
        assert self.refused(lambda: offers.issue_coupon(**said), *kinds) is not may  # type: ignore[arg-type]
        if may:
            self.model.rights.append(Right(Coupon.objects.get(key=f"k{self.keys}"), who))

    @precondition(lambda self: self.model.rights)
    @rule(data=st.data())
    def issue_again_with_an_old_key(self, data: st.DataObject) -> None:
        old = data.draw(st.sampled_from(self.model.rights))
        again = offers.issue_coupon(offer=self.offer, person=self.persons[0], key=old.coupon.key, at=NOON)
        assert again == old.coupon

    @precondition(lambda self: self.model.rights)
    @rule(data=st.data(), bill=BILLS)
    def hold(self, data: st.DataObject, bill: int) -> None:
        right, name = data.draw(st.sampled_from(self.model.rights)), f"bil_{bill}"
        before = [r for r in self.model.rights if r.bill == name and not r.used]
        freed = WORTH * len([r for r in before if r is not right])
        free = right in before or not (right.bill or right.gone)
        may = free and (right in before or self.model.spent() - freed + WORTH <= BUDGET)
        kinds = (errors.CouponUsed, errors.CouponInUse, errors.BudgetSpent)
        act = lambda: offers.reserve_coupon(coupon=right.coupon, reference=name, amount=WORTH, at=NOON)  # noqa: E731
        assert self.refused(act, *kinds) is not may
        if may:
            for other in before:
                other.bill = ""
            right.bill = name

    @rule(bill=BILLS)
    def pay(self, bill: int) -> None:
        offers.commit_redemption(reference=f"bil_{bill}", at=NOON)
        for right in self.model.rights:
            right.used = right.used or right.bill == f"bil_{bill}"

    @rule(bill=BILLS)
    def give_up(self, bill: int) -> None:
        offers.release_redemption(reference=f"bil_{bill}", at=NOON)
        for right in self.model.rights:
            if right.bill == f"bil_{bill}" and not right.used:
                right.bill = ""

    @rule(bill=BILLS)
    def refund(self, bill: int) -> None:
        offers.return_redemption(reference=f"bil_{bill}", at=NOON)
        for right in self.model.rights:
            if right.bill == f"bil_{bill}" and right.used:
                right.bill, right.used = "", False

    @rule(state=st.sampled_from([OfferState.RUNNING, OfferState.PAUSED]))
    def pause_or_resume(self, state: OfferState) -> None:
        offers.change_offer_state(shop=self.place.shop, offer=self.offer.public_id, state=state, by=BY, at=NOON)
        self.model.state = state

    @precondition(lambda self: self.model.rights)
    @rule(data=st.data())
    def withdraw(self, data: st.DataObject) -> None:
        right = data.draw(st.sampled_from(self.model.rights))
        may = not (right.bill or right.gone)
        act = lambda: offers.withdraw_coupon(coupon=right.coupon, by=BY, at=NOON)  # noqa: E731
        assert self.refused(act, errors.CouponUsed, errors.CouponInUse) is not may
        right.gone = right.gone or may

    @precondition(lambda self: self.model.rights)
    @rule(data=st.data(), how=st.integers(0, 4))
    def be_hostile(self, data: st.DataObject, how: int) -> None:
        """Somebody else's coupon, one that has expired, money out of nothing, a second use of one coupon, a bigger stock."""
        right = data.draw(st.sampled_from(self.model.rights))
        coupon, stranger = right.coupon, self.persons[(right.owner + 1) % 3]
        late = NOON + timedelta(days=60)
        if how == 0:
            with pytest.raises(errors.NoSuchCoupon):
                queries.coupon_of(stranger, self.place.shop, coupon.public_id)
        elif how == 1 and not right.bill:
            act = lambda: offers.reserve_coupon(coupon=coupon, reference="bil_late", amount=WORTH, at=late)  # noqa: E731
            assert self.refused(act, errors.CouponExpired, errors.CouponUsed)
        elif how == 2:
            offers.return_redemption(reference="bil_never", at=late)
            offers.commit_redemption(reference="bil_never", at=late)
        elif how == 3 and right.bill:
            with pytest.raises(IntegrityError), transaction.atomic():
                Redemption.objects.create(
                    shop=self.place.shop, coupon=coupon, reference="bil_twice", amount=1, reserved_at=NOON
                )
        elif how == 4:
            with pytest.raises(IntegrityError), transaction.atomic():
                Offer.objects.filter(id=self.offer.id).update(issued=STOCK + 1)

    @invariant()
    def agrees(self) -> None:
        self.met["steps"] += 1
        rights = self.model.rights
        row = Offer.objects.get(id=self.offer.id)
        assert (row.issued, row.spent, row.state) == (len(rights), self.model.spent(), self.model.state)
        assert row.issued <= STOCK
        assert row.spent <= BUDGET
        alive = Redemption.objects.filter(coupon__offer=row, state__in=["reserved", "committed"])
        held = {right.coupon.pk: right.bill for right in rights if right.bill}
        assert sorted(alive.values_list("coupon_id", "reference")) == sorted(held.items())
        used = Coupon.objects.filter(offer=row, used_at__isnull=False)
        assert {coupon.pk for coupon in used} == {right.coupon.pk for right in rights if right.used}
        assert ledger.balance_of(f"shop:{self.place.shop.public_id}") == self.model.funded()

    @precondition(lambda self: self.model.rights)
    @rule(who=st.integers(0, 2))
    def look(self, who: int) -> None:
        free = [r.coupon.id for r in self.model.rights if r.owner == who and not (r.bill or r.gone)]
        found = queries.coupons_free_of(self.persons[who], self.place.shop, at=NOON)
        assert sorted(c.id for c in found) == free


@pytest.fixture(autouse=True)
def offered(db: None) -> None:
    Offers.place = open_place("두레국수", pay_timing="first")


def test_offers_agree_with_a_simple_model_whatever_anybody_does() -> None:
    met = walk(Offers, examples=10)
    assert met["steps"] > 200
    assert all(met[name] for name in ("done", "BudgetSpent", "CouponUsed", "CouponInUse", "AlreadyHas")), met


def test_control_a_release_that_forgets_the_budget_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    def forgetful(redemptions, state, at):  # type: ignore[no-untyped-def]
        for one in redemptions:
            Redemption.objects.filter(id=one.id).update(state=state, funded=one.funded)

    monkeypatch.setattr(offers, "_end", forgetful)
    falls(Offers)


def test_control_a_budget_that_is_never_asked_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    def generous(offer: Offer, amount: int) -> bool:
        Offer.objects.filter(id=offer.id).update(spent=F("spent") + amount)
        return True

    monkeypatch.setattr(offers, "_spend", generous)
    falls(Offers)
