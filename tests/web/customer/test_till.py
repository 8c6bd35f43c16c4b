"""The coupon on the receipt: there for whom it is, with its reason, in both languages, without JavaScript, and nowhere else."""

from collections.abc import Iterator
from datetime import datetime

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from procrastinate.contrib.django.models import ProcrastinateJob

from dure.campaigns import jobs, queries
from dure.campaigns.models import Campaign, TillChoice, WeekPlan
from dure.kit import clock
from dure.ordering import actions as ordering
from dure.ordering import queries as orders
from dure.people.models import Device, Person
from dure.shops.models import Shop
from tests.cast import NOON, zelkova_coffee
from tests.rooms.campaigns.conftest import shop
from tests.rooms.campaigns.test_till import PAID, free_of_the_coin, left_over, market
from tests.web.customer.phone import Phone
from tests.web.customer.test_basket import COUNTER, with_noodles
from tests.web.customer.test_orders import BY, order_of

__all__ = ["shop"]


@pytest.fixture(autouse=True)
def noon() -> Iterator[list[datetime]]:
    """The campaigns were planned at noon and go out a day later; whoever moves this list moves the clock."""
    now = [NOON]
    with clock.showing(lambda: now[-1]):
        yield now


def paid_by(guest: Person, shop: Shop) -> tuple[Phone, str]:
    """The guest's phone after they paid at the counter, and the bill."""
    phone = with_noodles(shop)
    Device.objects.filter(person=None).update(person=guest)
    phone.press("/orders", COUNTER)
    placed = orders.order_of_shop(shop, order_of(phone))
    assert placed.bill
    ordering.settle_at_counter(bill=placed.bill, by=BY, at=clock.now())
    return phone, placed.bill.public_id


def work() -> int:
    """What the paying left behind for the till is done."""
    waiting = list(ProcrastinateJob.objects.filter(task_name="campaigns.choose_at_till").order_by("id"))
    for job in waiting:
        jobs.choose_at_till(**job.args)
    return len(waiting)


@pytest.fixture
def somebody(shop: Shop, noon: list[datetime]) -> tuple[Person, Campaign, WeekPlan]:
    everybody, campaign, plan = market(shop, zelkova_coffee())
    guest = free_of_the_coin(left_over(everybody, plan), campaign)[0]
    noon.append(PAID)
    return guest, campaign, plan


def test_the_receipt_has_a_coupon_of_another_shop_with_its_reason(
    shop: Shop, somebody: tuple[Person, Campaign, WeekPlan]
) -> None:
    phone, bill = paid_by(somebody[0], shop)
    assert "방금 받은 쿠폰" not in phone.open(phone.at).text
    assert work() == 1
    phone.open(phone.at)
    assert "방금 받은 쿠폰" in phone.text
    assert "느티나무 커피" in phone.text
    assert "1,000원 할인" in phone.text
    assert "왜 저에게 왔나요?" in phone.text
    assert "이 가게에 오신 적이 있어서" in phone.text
    assert "광고" in phone.text
    state = phone.open(f"{phone.at}/state").text
    assert "방금 받은 쿠폰" in state, "the part that moves by itself has it too"
    phone.open("/my/coupons")
    assert "1,000원 할인" in phone.text
    assert TillChoice.objects.get().reference == bill


def test_it_speaks_english(shop: Shop, somebody: tuple[Person, Campaign, WeekPlan]) -> None:
    phone, _ = paid_by(somebody[0], shop)
    work()
    receipt = phone.at
    phone.press("/language")
    phone.open(receipt)
    assert "A coupon for you" in phone.text
    assert "Why me?" in phone.text
    assert "Because you have been to this shop." in phone.text


def test_nobody_else_at_the_table_sees_it_and_a_bill_that_was_returned_shows_none(
    shop: Shop, somebody: tuple[Person, Campaign, WeekPlan]
) -> None:
    guest, _, _ = somebody
    phone, bill = paid_by(guest, shop)
    work()
    other = Person.objects.exclude(pk=guest.pk).earliest("pk")
    assert queries.given_at_till(guest, bill, at=PAID) is not None
    assert queries.given_at_till(other, bill, at=PAID) is None
    assert queries.given_at_till(None, bill, at=PAID) is None
    Device.objects.filter(person=guest).update(person=other)
    assert "방금 받은 쿠폰" not in phone.open(phone.at).text


def test_in_a_week_without_coupons_a_receipt_asks_no_more_than_ever(shop: Shop) -> None:
    guest = Person.objects.create(public_id="per_x", password="!", created_at=NOON)
    phone, _ = paid_by(guest, shop)
    assert work() == 0

    def asked() -> list[str]:
        with CaptureQueriesContext(connection) as seen:
            phone.open(phone.at)
        return [one["sql"] for one in seen if "weekplan" in one["sql"] or "tillchoice" in one["sql"]]

    asked()
    assert asked() == []
