"""The kitchen's screen goes, and comes back: 60 s, 180 s, back."""

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest

from dure.kit import clock
from dure.messaging.models import Message
from dure.ordering import actions as ordering
from dure.ordering import jobs, queries
from dure.ordering.models import KitchenScreen, Order
from dure.ordering.values import OrderState
from dure.shops import actions as shops
from dure.shops.models import Shop
from tests.rooms.ordering.conftest import BY, NOON, Place
from tests.rooms.ordering.test_orders import place_tea

Key = Callable[[], str]


@pytest.fixture
def waiting(place: Place, key: Key) -> Order:
    """An order that the kitchen has not accepted, received at NOON."""
    order = place_tea(place, None, key())
    assert order.bill
    ordering.settle_at_counter(bill=order.bill, by=BY, at=NOON)
    order.refresh_from_db()
    assert order.state == OrderState.RECEIVED
    return order


def after(seconds: int) -> datetime:
    return NOON + timedelta(seconds=seconds)


def run_job(seconds: int) -> None:
    with clock.showing(lambda: after(seconds)):
        jobs.pause_unwatched(0)


def shop_of(order: Order) -> Shop:
    return Shop.objects.get(pk=order.shop_id)


def test_a_guest_is_told_after_a_minute_without_a_screen(waiting: Order) -> None:
    ordering.watch_kitchen(shop=waiting.shop, at=NOON)
    assert [queries.may_be_late(waiting, after(s)) for s in (10, 60, 61)] == [False, False, True]
    ordering.watch_kitchen(shop=waiting.shop, at=after(62))
    assert not queries.may_be_late(waiting, after(63))


def test_an_accepted_order_is_not_late_to_the_kitchen(waiting: Order) -> None:
    ordering.watch_kitchen(shop=waiting.shop, at=NOON)
    moved = ordering.move_order(shop=waiting.shop, order=waiting.public_id, to=OrderState.ACCEPTED, by=BY, at=NOON)
    assert not queries.may_be_late(moved, after(300))
    run_job(300)
    assert shop_of(waiting).paused_until is None


def test_three_minutes_without_a_screen_pause_the_shop_and_its_return_resumes_it(waiting: Order) -> None:
    ordering.watch_kitchen(shop=waiting.shop, at=NOON)
    run_job(180)
    assert shop_of(waiting).paused_until is None
    run_job(181)
    run_job(240)
    assert shop_of(waiting).paused_until == after(181) + timedelta(minutes=30)
    told = Message.objects.get(key__startswith="kitchen-gone:")
    assert "주방 화면" in told.title
    assert ordering.watch_kitchen(shop=waiting.shop, at=after(250))
    assert shop_of(waiting).paused_until is None


def test_the_pause_lasts_as_long_as_the_silence_and_the_owner_hears_once(waiting: Order) -> None:
    ordering.watch_kitchen(shop=waiting.shop, at=NOON)
    run_job(181)
    with clock.showing(lambda: after(700)):
        jobs.refuse_unaccepted(0)
    assert Order.objects.get(pk=waiting.pk).state == OrderState.REFUSED
    run_job(181 + 20 * 60)
    assert shop_of(waiting).paused_until == after(181 + 50 * 60)
    assert Message.objects.filter(key__startswith="kitchen-gone:").count() == 1


def test_who_resumes_by_hand_is_obeyed_until_the_screen_was_back(waiting: Order) -> None:
    ordering.watch_kitchen(shop=waiting.shop, at=NOON)
    run_job(181)
    shops.resume_orders(shop=waiting.shop, by=BY, at=after(200))
    run_job(240)
    assert shop_of(waiting).paused_until is None
    ordering.watch_kitchen(shop=waiting.shop, at=after(250))
    run_job(431)
    assert shop_of(waiting).paused_until is not None


def test_the_screen_does_not_lift_a_pause_made_by_hand(waiting: Order) -> None:
    ordering.watch_kitchen(shop=waiting.shop, at=NOON)
    run_job(181)
    shops.pause_orders(shop=waiting.shop, minutes=20, by=BY, at=after(200))
    assert not ordering.watch_kitchen(shop=waiting.shop, at=after(250))
    assert shop_of(waiting).paused_until == after(200) + timedelta(minutes=20)


@pytest.mark.parametrize("hours_ago", [None, 24])
def test_a_shop_without_a_screen_today_is_never_paused(waiting: Order, hours_ago: int | None) -> None:
    if hours_ago:
        ordering.watch_kitchen(shop=waiting.shop, at=NOON - timedelta(hours=hours_ago))
    run_job(500)
    assert shop_of(waiting).paused_until is None
    assert not queries.may_be_late(waiting, after(500))


def test_an_order_that_comes_after_the_screen_went_has_its_own_three_minutes(waiting: Order) -> None:
    ordering.watch_kitchen(shop=waiting.shop, at=NOON - timedelta(hours=1))
    run_job(100)
    assert shop_of(waiting).paused_until is None
    run_job(181)
    assert shop_of(waiting).paused_until is not None


def test_a_beat_is_written_every_five_seconds_at_most(place: Place) -> None:
    for seconds in (0, 3, 4, 6):
        ordering.watch_kitchen(shop=place.shop, at=after(seconds))
        if seconds == 4:
            assert KitchenScreen.objects.get().seen_at == NOON
    assert KitchenScreen.objects.get().seen_at == after(6)


def test_the_shop_says_how_long_an_order_waits_for_its_kitchen(waiting: Order) -> None:
    shops.update_shop(shop=waiting.shop, by=BY, at=NOON, accept_minutes=5)
    assert [refused_by(waiting, seconds) for seconds in (300, 301)] == [False, True]


def refused_by(order: Order, seconds: int) -> bool:
    with clock.showing(lambda: after(seconds)):
        jobs.refuse_unaccepted(0)
    return Order.objects.get(pk=order.pk).state == OrderState.REFUSED
