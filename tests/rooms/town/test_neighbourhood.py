"""The demo that a newcomer walks into."""

import json
import stat
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from io import BytesIO
from pathlib import Path
from random import Random
from typing import Any

import pytest
from django.db import transaction
from django.test import Client, override_settings
from PIL import Image, ImageChops, ImageStat
from pytest_django import DjangoDbBlocker
from pytest_django.fixtures import Settings

from dure.checkouts import queries as checkouts
from dure.kit import clock
from dure.kit.clock import KST
from dure.kit.language import Text
from dure.menu import queries as menus
from dure.menu.values import PHOTO_WIDTHS
from dure.ordering import actions as ordering_actions
from dure.ordering import queries as ordering
from dure.ordering.models import Order
from dure.ordering.values import OrderState
from dure.partners import queries as partners
from dure.people import actions as people_actions
from dure.people import queries as people
from dure.regulars import actions as regular_actions
from dure.regulars import queries as regulars
from dure.regulars.values import Stage
from dure.shops import fence, queries
from dure.shops.models import Shop
from dure.shops.values import Ability, Role
from dure.targeting import queries as targeting
from dure.town import actions as town
from dure.town import day, pictures
from dure.town import queries as town_queries
from dure.town.errors import NoSuchNeighbour
from dure.town.places import PLACES
from dure.web.ui.access import DEVICE_COOKIE

# Without the mark pytest-django would make no test database, and the module's fixture would settle in the real one.
pytestmark = pytest.mark.django_db

EVENING = datetime(2026, 11, 24, 19, 30, tzinfo=KST).astimezone(UTC)


@dataclass(frozen=True)
class Settled:
    """The neighbourhood's files, and what was told while it was built."""

    home: Path
    told: list[Text]


@pytest.fixture(scope="module")
def settled(
    tmp_path_factory: pytest.TempPathFactory, django_db_setup: None, django_db_blocker: DjangoDbBlocker
) -> Iterator[Settled]:
    """A neighbourhood settled once for all tests of this file, and taken back."""
    home, told = tmp_path_factory.mktemp("home"), list[Text]()
    with override_settings(MEDIA_ROOT=home / "media"), django_db_blocker.unblock(), transaction.atomic():
        town.settle_neighbourhood(at=EVENING, home=home, progress=told.append)
        yield Settled(home, told)
        transaction.set_rollback(True)


@pytest.fixture
def home(settled: Settled) -> Path:
    return settled.home


@pytest.fixture
def demo(home: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((home / "demo.json").read_text())
    return found


@pytest.fixture
def noodles(home: Path) -> Iterator[Shop]:
    shop = queries.open_shops()[0]
    with fence.within_shop(shop.pk):
        yield shop


def test_three_shops_open_with_tables_and_menus_in_both_languages(home: Path) -> None:
    opened = list(queries.open_shops())
    assert [shop.name for shop in opened] == [place.name for place in PLACES]
    for shop in opened:
        with fence.within_shop(shop.pk):
            served = menus.menu_of(shop)
        assert queries.tables_of(shop).count() >= 6
        assert len(served.popular()) >= 3
        assert any(item.sold_out for item in served.items())
        for item in served.items():
            for words in (item.name, *(group.name for group in item.groups)):
                assert set(words) == {"ko", "en"}
            assert not item.description or set(item.description) == {"ko", "en"}
            assert not item.origin or set(item.origin) == {"ko", "en"}


def test_what_goes_together_was_learned_from_its_past(noodles: Shop) -> None:
    soup = next(item for item in menus.menu_of(noodles).items() if item.name["ko"] == "잔치국수")
    found = targeting.addition_to(noodles.pk, [menus.item_by_public_id(noodles, soup.public_id).pk])
    assert found is not None
    assert found.name["ko"] == "주먹밥"


def test_only_its_owner_can_read_the_file_with_the_logins(home: Path) -> None:
    assert stat.S_IMODE((home / "demo.json").stat().st_mode) == 0o600


def test_every_login_opens_what_it_says(demo: dict[str, Any]) -> None:
    assert demo["logins"][0]["role"] == "owner"
    assert demo["logins"][1] | {"password": ""} == {
        "role": "operator",
        "email": "operator@dure.example",
        "password": "",
        "name": "지기",
        "path": "/office/",
    }
    for login in demo["logins"]:
        person = people.person_by_email(login["email"])
        assert person is not None
        assert len(login["password"]) >= 10
        assert person.check_password(login["password"])
        assert person.is_staff == (login["role"] == "operator")
        if login["role"] != "operator":
            shop = next(shop for shop in queries.open_shops() if shop.name == login["shop"])
            assert queries.role_of(person, shop) == Role(login["role"])
            assert [found for found in queries.open_shops() if queries.role_of(person, found)] == [shop]
    assert len({login["password"] for login in demo["logins"]}) == len(demo["logins"])


def test_the_table_to_try_is_free_and_its_shop_open_at_any_hour(demo: dict[str, Any], noodles: Shop) -> None:
    table = queries.table_by_code(demo["table_url_path"].removeprefix("/t/"))
    assert table.shop == noodles
    assert ordering.open_visit_at(table) is None
    assert all(queries.opening(noodles, EVENING.replace(hour=hour)).open for hour in range(24))
    assert {place["path"] for place in demo["tables"]} >= {demo["table_url_path"]}
    assert len(demo["tables"]) == sum(place.tables for place in PLACES)


def test_a_sticker_of_the_shop_hangs_at_its_till(demo: dict[str, Any], noodles: Shop) -> None:
    assert checkouts.sticker_by_code(demo["sticker_url_path"].removeprefix("/q/")).shop == noodles


def test_the_practice_partner_is_connected_once_and_again_for_other_ports(home: Path, noodles: Shop) -> None:
    town.connect_partner(home=home, at=EVENING)
    file = home / "partner.json"
    first = json.loads(file.read_text())
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert partners.key_that_says(first["key"], EVENING).shop == noodles
    town.connect_partner(home=home, at=EVENING)
    assert json.loads(file.read_text()) == first
    with override_settings(PORT=9000, WEBHOOK_PRACTICE=["http://127.0.0.1:9001"]):
        town.connect_partner(home=home, at=EVENING)
    living = partners.endpoints_of(noodles).get(disabled_at__isnull=True)
    assert living.url == json.loads(file.read_text())["hears"] == "http://127.0.0.1:9001/partner/dure"
    with override_settings(WEBHOOK_PRACTICE=[]):
        town.connect_partner(home=home, at=EVENING)
    assert partners.endpoints_of(noodles).count() == 2


def test_every_drawn_picture_hangs_at_its_item_and_names_no_other(home: Path) -> None:
    hung = []
    for shop in queries.open_shops():
        with fence.within_shop(shop.pk):
            items = [item for item in menus.menu_of(shop).items() if item.photo]
        photos = [item.photo for item in items if item.photo]
        assert all(menus.photo_file(photo.public_id, width).is_file() for photo in photos for width in PHOTO_WIDTHS)
        hung += [item.name["ko"] for item in items]
    assert sorted(hung) == sorted(pictures.FOOD)


def test_what_is_popular_has_a_picture(home: Path) -> None:
    for place in PLACES:
        assert all(item.name["ko"] in pictures.FOOD for item in place.menu if item.popular)


def test_the_pictures_are_those_that_the_code_draws() -> None:
    for name, paint in pictures.FOOD.items():
        file = pictures.file_of(name)
        assert file is not None
        assert file.stem == paint.__name__
    drawn, kept = Image.open(BytesIO(pictures.dumplings().finished())), pictures.file_of("손만두")
    assert kept is not None
    difference = ImageChops.difference(drawn.convert("L"), Image.open(kept).convert("L"))
    assert ImageStat.Stat(difference).mean[0] < 1


def test_friends_stand_at_every_stage(noodles: Shop) -> None:
    counts = regulars.stage_counts(noodles, at=EVENING)
    assert all(counts[stage] > 0 for stage in Stage)


def test_the_day_has_begun_and_the_kitchen_is_at_work(noodles: Shop) -> None:
    orders = ordering.orders_of_shop(noodles, queries.business_day(noodles, EVENING))
    assert len(orders) >= 8
    assert {order.state for order in orders} == {
        OrderState.ACCEPTED,
        OrderState.COOKING,
        OrderState.READY,
        OrderState.SERVED,
    }


def test_it_settles_at_any_minute_also_just_after_a_shop_closed(home: Path) -> None:
    """Guests who eat now must have come while the door was open: a demo that is begun at 21:40 would not start otherwise."""
    ate = Counter[str]()
    for shop in queries.open_shops():
        for minute in range(0, 24 * 60, 4):
            at = EVENING + timedelta(minutes=minute)
            came = town.eating_now(shop, at)
            assert all(queries.opening(shop, coming.at).open for coming in came), (shop.name, at.astimezone(KST))
            ate[shop.name] += len(came)
    assert all(ate.values())


def test_coupons_were_used_by_those_who_came_back(noodles: Shop) -> None:
    discounts = [order.bill.discount for order in ordering.orders_of_shop(noodles) if order.bill]
    assert 1_000 in discounts


def test_the_cafes_owner_sees_nothing_of_the_noodle_house(noodles: Shop) -> None:
    younghee = people.person_by_email("cafe@dure.example")
    assert younghee is not None
    assert not any(queries.may(younghee, noodles, ability) for ability in Ability)


def test_it_settles_only_where_nobody_is(home: Path, tmp_path: Path) -> None:
    with pytest.raises(town.AlreadySettled):
        town.settle_neighbourhood(at=EVENING, home=tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_it_tells_how_far_it_is(settled: Settled) -> None:
    expected = [text for place in PLACES for text in (f"{place.name} 문을 열어요", f"{place.name}에 손님이 다녀가요")]
    assert [text.within("ko") for text in settled.told] == expected


# It goes on living


def lived(minutes: float, *, pace: int, begun: datetime = EVENING) -> int:
    """Guests who came while `minutes` of the clock went by."""
    chance = Random(1)
    looks = round(timedelta(minutes=minutes) / day.EVERY)
    return sum(town.live(at=begun + look * day.EVERY, pace=pace, chance=chance) for look in range(1, looks + 1))


def test_guests_come_eat_pay_and_leave_and_the_first_table_stays_free(home: Path, noodles: Shop) -> None:
    with fence.across_shops():
        before = set(Order.objects.values_list("id", flat=True))
    came = lived(4, pace=20)
    theirs = Order.objects.exclude(id__in=before)
    with fence.across_shops():
        assert came == theirs.count() > 5
    first = queries.tables_of(noodles)[0]
    assert not theirs.filter(table=first).exists()
    done = theirs.filter(state=OrderState.SERVED, visit__closed_at__isnull=False)
    assert done.exists()
    for order in done:
        assert order.visit
        assert ordering.owed_by(order.visit) == 0
    with fence.across_shops():
        hour = next(one for one in town_queries.lately(at=EVENING + timedelta(minutes=4)) if one.shop == noodles)
    assert hour.orders >= theirs.count() > 0


def test_it_stands_still_when_told_to(home: Path) -> None:
    assert lived(2, pace=0) == 0


def test_a_visitors_order_waits_for_the_visitor_first_and_is_served_all_the_same(home: Path, noodles: Shop) -> None:
    device, _ = people_actions.remember_device(at=EVENING)
    seat = ordering_actions.sit_down(table=queries.tables_of(noodles)[0], at=EVENING)
    order = ordering_actions.place_order(
        shop=noodles,
        visit=seat.visit,
        table=queries.tables_of(noodles)[0],
        device=device,
        wanted=day.wanted(menus.menu_of(noodles), Random(2)),
        key="a-real-one",
        expected_total=None,
        by="guest:visitor",
        at=EVENING,
    )
    if order.bill:
        ordering_actions.settle_at_counter(bill=order.bill, by="test", at=EVENING)
    lived(1, pace=5)
    order.refresh_from_db()
    assert order.state == OrderState.RECEIVED, "whoever plays the owner comes first"
    lived(4, pace=5, begun=EVENING + timedelta(minutes=1))
    order.refresh_from_db()
    assert order.state == OrderState.SERVED
    assert order.visit
    order.visit.refresh_from_db()
    assert order.visit.closed_at is None, "nobody sends a visitor away"


def test_the_operator_sets_the_pace_and_steps_in(home: Path, settings: Settings, noodles: Shop) -> None:
    settings.TOWN_PACE_FILE = home / "pace"
    operator = Client()
    operator.force_login(people.person_by_email("operator@dure.example") or pytest.fail("no operator"))
    page = operator.get("/office/town/").content.decode()
    assert "두레국수" in page
    assert operator.post("/office/town/", {"pace": "20"}).status_code == 302
    assert town_queries.pace() == 20
    assert operator.post("/office/town/", {"pace": "7"}).status_code == 422
    with fence.across_shops():
        neighbour = town_queries.neighbours()[0]
    answer = operator.post("/office/town/", {"neighbour": neighbour.relation.public_id})
    assert answer.status_code == 302
    device = people.device_by_secret(answer.cookies[DEVICE_COOKIE].value)
    assert device
    assert device.person == neighbour.relation.person
    settings.PRODUCTION = True
    assert operator.get("/office/town/").status_code == 404
    assert town_queries.pace() == 0


def test_the_operator_lets_the_clock_jump_ahead_in_a_demo_alone(home: Path, noodles: Shop) -> None:
    operator = Client()
    operator.force_login(people.person_by_email("operator@dure.example") or pytest.fail("no operator"))
    jump = {"ahead": "14"}
    assert 'name="ahead"' not in operator.get("/office/town/").content.decode()
    assert operator.post("/office/town/", jump).status_code == 422
    clock.follow(home / "clock")
    try:
        assert 'name="ahead"' in operator.get("/office/town/").content.decode()
        assert operator.post("/office/town/", jump).status_code == 302
        assert clock.ahead() == timedelta(days=14)
        assert "14일 앞" in operator.get("/office/town/").content.decode()
        assert operator.post("/office/town/", {"ahead": "15"}).status_code == 422
    finally:
        clock.follow(None)


def test_nobody_real_lends_their_phone(home: Path, noodles: Shop) -> None:
    device, _ = people_actions.remember_device(at=EVENING)
    person = people_actions.ensure_person(device=device, at=EVENING)
    real = regular_actions.join_channel(
        shop=noodles, person=person, device=device, source="receipt", by="guest:real", at=EVENING
    )
    with pytest.raises(NoSuchNeighbour):
        town.step_in(relation=real.public_id, at=EVENING)
