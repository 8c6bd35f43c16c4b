"""Builds the demo neighbourhood through the rooms' own actions, the way people would have."""

import json
import os
import secrets
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, time, timedelta
from pathlib import Path
from random import Random
from typing import Any

from django.conf import settings
from django.db import transaction

from dure.campaigns import actions as campaigns
from dure.channels import actions as channels
from dure.checkouts import actions as checkouts
from dure.checkouts import queries as checkout_queries
from dure.kit import jobs
from dure.kit.clock import KST
from dure.kit.errors import Refused
from dure.kit.language import Text, say
from dure.menu import actions as menu
from dure.menu import queries as menus
from dure.menu.models import Section, Station
from dure.menu.values import Menu
from dure.offers import actions as offers
from dure.offers.values import OfferKind, OfferOccasion
from dure.ordering import actions as ordering
from dure.ordering.values import OrderState
from dure.partners import actions as partners
from dure.partners import queries as partner_queries
from dure.partners.values import EventKind, Scope
from dure.people import actions as people
from dure.people.models import Device, Person
from dure.regulars import actions as regulars
from dure.shops import actions as shops
from dure.shops import fence
from dure.shops import queries as shop_queries
from dure.shops.models import Shop, Table
from dure.shops.values import Role
from dure.targeting import actions as targeting
from dure.town import pictures
from dure.town.cast import KEEPER, Character
from dure.town.day import BY, KEY, jump_ahead, keep_pace, live, step_in, wanted
from dure.town.places import DURE_NOODLES, PLACES, Place

HISTORY, GRANT = timedelta(days=84), 100_000
DEMO_FILE, PARTNER_FILE = "demo.json", "partner.json"

# How a kitchen got as far as it is: minutes after the order. Once everything is eaten, only the taps that count remain.
STEPS = {
    OrderState.ACCEPTED: ((1, OrderState.ACCEPTED),),
    OrderState.COOKING: ((1, OrderState.ACCEPTED), (3, OrderState.COOKING)),
    OrderState.READY: ((1, OrderState.ACCEPTED), (3, OrderState.COOKING), (11, OrderState.READY)),
    OrderState.SERVED: ((9, OrderState.READY), (11, OrderState.SERVED)),
}

Progress = Callable[[Text], None]
__all__ = [
    "AlreadySettled",
    "connect_partner",
    "hang_pictures",
    "jump_ahead",
    "keep_pace",
    "live",
    "open_place",
    "settle_neighbourhood",
    "step_in",
    "write_menu",
]


class AlreadySettled(Refused):
    """The demo neighbourhood is for an empty database."""

    sentence = say(
        "이미 가게가 있어서 시범 동네를 만들지 않았어요.", en="There are shops already, so no demo was settled."
    )


@dataclass(slots=True)
class Guest:
    """Somebody with a phone who comes to one shop."""

    device: Device
    joins: bool
    joined: bool = False


@dataclass(frozen=True, slots=True, order=True)
class Coming:
    """One guest comes at one instant; `leaves_at_state` is how far the kitchen is, for those who still sit there."""

    at: datetime
    guest: Guest = field(compare=False)
    kitchen: OrderState = field(default=OrderState.SERVED, compare=False)


def settle_neighbourhood(*, at: datetime, home: Path, progress: Progress | None = None) -> None:
    """Three shops with menus, tables, staff and offers, twelve weeks of guests behind them and some at the tables now.

    Logins with random passwords and the tables' paths are written to `demo.json` in `home`, readable by its owner only.
    All or nothing. Refuses AlreadySettled where any shop is.
    """
    if shop_queries.open_shops().exists():
        raise AlreadySettled
    tell = progress or (lambda _: None)
    with transaction.atomic():
        passwords = {character: secrets.token_urlsafe(9) for character in _logins()}
        persons = {
            character: people.open_account(
                email=character.email,
                name=character.name,
                password=password,
                operator=character is KEEPER,
                at=at - HISTORY,
            )
            for character, password in passwords.items()
        }
        opened: list[tuple[Place, Shop]] = []
        for place in PLACES:
            tell(say("{name} 문을 열어요", en="Opening {name}", name=place.name))
            shop = open_place(place, persons=persons, at=at - HISTORY)
            opened.append((place, shop))
            with fence.within_shop(shop.pk):
                hang_pictures(shop, at=at - HISTORY)
                tell(say("{name}에 손님이 다녀가요", en="Guests come to {name}", name=place.name))
                _live(shop, share=1.0 if place is DURE_NOODLES else 0.35, at=at)
                _tell_news(shop, place, at=at)
                campaigns.grant_messages(shop=shop, won=GRANT, key=shop.public_id, by=BY, at=at)
        with fence.across_shops():
            targeting.learn_pairings(at=at)
        # Nobody is told today that an order of last month is ready.
        jobs.take_back("channels.tell_about_order", "channels.tell_about_refund")
        _write_demo(home, opened, passwords)


def _tell_news(shop: Shop, place: Place, *, at: datetime) -> None:
    """What the owner wrote on the shop's channel."""
    channels.keep_profile(
        shop=shop,
        about={
            "ko": f"망원동에서 날마다 직접 준비해요. {place.name}에 오시면 편하게 쉬다 가세요.",
            "en": f"Made fresh every day in Mangwon-dong. Take your time at {place.name_en}.",
        },
        welcome={
            "ko": "찾아 주셔서 고마워요. 다음에도 따뜻하게 맞을게요.",
            "en": "Thank you for coming. See you again soon.",
        },
        away={},
        takes_chats=True,
        by=BY,
        at=at,
    )
    channels.write_post(
        shop=shop,
        title={"ko": "겨울 메뉴를 준비하고 있어요", "en": "The winter menu is on its way"},
        body={
            "ko": "다음 주부터 따뜻한 국물 메뉴가 하나 늘어요.\n먼저 맛보고 싶은 메뉴가 있으면 ‘물어보기’로 알려 주세요.",
            "en": "One more warm soup from next week.\nTell us by “Ask” what you would like to taste first.",
        },
        shown_at=at - timedelta(days=2),
        by=BY,
        at=at,
    )
    for text in ("네, 자리가 있어요. 편하게 오세요.", "지금은 자리가 다 찼어요. 조금 뒤에 다시 물어봐 주세요."):
        channels.keep_answer(shop=shop, text=text, by=BY, at=at)


def connect_partner(*, home: Path, at: datetime) -> None:
    """Let the sandbox's practice partner act for 두레국수: a key, and an endpoint that hears of its checkouts. Both go into
    `partner.json` in `home`, readable by its owner only, where the partner looks.

    Does nothing where that was done for these ports before, or where the shop is not. Repeat-safe.
    """
    file = home / PARTNER_FILE
    shop = shop_queries.open_shops().filter(name=DURE_NOODLES.name).first()
    if shop is None or not settings.WEBHOOK_PRACTICE:
        return
    ports = {"origin": f"http://127.0.0.1:{settings.PORT}", "hears": f"{settings.WEBHOOK_PRACTICE[0]}/partner/dure"}
    known = json.loads(file.read_text()) if file.exists() else {}
    if all(known.get(name) == value for name, value in ports.items()):
        return
    with transaction.atomic(), fence.within_shop(shop.pk):
        for old in partner_queries.endpoints_of(shop).filter(url__endswith="/partner/dure"):
            partners.disable_endpoint(endpoint=old, because="moved", at=at)
        scopes = [Scope.READ_PAYMENTS, Scope.WRITE_PAYMENTS, Scope.READ_EVENTS]
        _, key = partners.make_key(shop=shop, name="밀키트 가게 (연습)", scopes=scopes, by=BY, at=at)
        kinds = [EventKind.CHECKOUT_PAID, EventKind.CHECKOUT_RETURNED, EventKind.CHECKOUT_CLOSED]
        _, secret = partners.add_endpoint(shop=shop, url=ports["hears"], kinds=kinds, by=BY, at=at)
        _write(file, {**ports, "key": key, "secret": secret})


def open_place(place: Place, *, persons: dict[Character, Person], at: datetime) -> Shop:
    """One shop of the neighbourhood, ready for guests, with the persons who work there."""
    shop = shops.open_shop(
        name=place.name,
        name_en=place.name_en,
        category=place.category,
        pay_timing=place.pay_timing,
        owner=persons[place.owner],
        tables=place.tables,
        at=at,
        address=place.address,
        district="서울 마포구 망원동",
        phone=place.phone,
        hours=place.hours,
        skin=place.skin,
        character=place.character,
        cooking_minutes=place.cooking_minutes,
    )
    for character, role in place.staff:
        shops.hire(shop=shop, person=persons[character], role=role, by=BY, at=at)
    with fence.within_shop(shop.pk):
        write_menu(shop, place, at=at)
        offers.create_offer(
            shop=shop,
            name={"ko": "다음 방문 인사", "en": "See you again"},
            kind=OfferKind.AMOUNT,
            value=place.welcome,
            occasion=OfferOccasion.WELCOME,
            minimum_spend=place.minimum_spend,
            by=BY,
            at=at,
        )
        offers.create_offer(
            shop=shop,
            name={"ko": "도장 다 모은 날", "en": "Full stamp card"},
            kind=OfferKind.AMOUNT,
            value=place.stamp_reward,
            occasion=OfferOccasion.STAMPS,
            minimum_spend=place.minimum_spend,
            valid_days=60,
            per_person=100,
            by=BY,
            at=at,
        )
        regulars.keep_stamp_card(shop=shop, goal=place.stamp_goal, running=True, by=BY, at=at)
        checkouts.make_sticker(shop=shop, name="계산대", at=at)
    return shop


def write_menu(shop: Shop, place: Place, *, at: datetime) -> None:
    """The place's menu, item by item, as its owner would write it."""
    sections: dict[str, Section] = {}
    stations: dict[str, Station] = {}
    for draft in place.menu:
        heading = draft.section["ko"]
        if heading not in sections:
            sections[heading] = menu.add_section(shop=shop, name=draft.section, by=BY, at=at)
        if draft.station and draft.station not in stations:
            stations[draft.station] = menu.add_station(shop=shop, name=draft.station, by=BY, at=at)
        item = menu.add_item(
            shop=shop,
            section=sections[heading],
            name=draft.name,
            price=draft.price,
            by=BY,
            at=at,
            description=draft.description,
            origin=draft.origin,
            allergens=draft.allergens,
            popular=draft.popular,
            sold_out=draft.sold_out,
            alcohol=draft.alcohol,
            station=stations.get(draft.station),
        )
        if draft.groups:
            menu.put_options(shop=shop, item=item, groups=draft.groups, by=BY, at=at)


def hang_pictures(shop: Shop, *, at: datetime) -> None:
    """A drawn picture for every item that has one."""
    for served in menus.menu_of(shop).items():
        drawn = pictures.file_of(served.name["ko"])
        if drawn is not None:
            item = menus.item_by_public_id(shop, served.public_id)
            with drawn.open("rb") as file:
                menu.store_photo(shop=shop, item=item, file=file, by=BY, at=at)


def _logins() -> Iterator[Character]:
    yield DURE_NOODLES.owner
    yield KEEPER
    for place in PLACES:
        yield from (character for character, _ in place.staff)
        if place is not DURE_NOODLES:
            yield place.owner


def _live(shop: Shop, *, share: float, at: datetime) -> None:
    """Twelve weeks of guests, then today's, then those who are eating now."""
    chance = Random(shop.name)
    served = menus.menu_of(shop)
    tables = list(shop_queries.tables_of(shop))
    now = eating_now(shop, at)
    free = tables[: -len(now)] if now else tables
    past = sorted([*_past(shop, chance, share=share, at=at), *_today(shop, share=share, at=at)])
    for coming in past:
        _visit(shop, served, chance.choice(free), coming, chance)
    for coming, table in zip(now, tables[len(free) :], strict=True):
        _visit(shop, served, table, coming, chance)


def _guest(at: datetime, *, joins: bool) -> Guest:
    device, _ = people.remember_device(at=at)
    return Guest(device=device, joins=joins)


def _past(shop: Shop, chance: Random, *, share: float, at: datetime) -> Iterator[Coming]:
    """Regulars, those who came some times, newcomers, those who stopped coming, and those who never joined."""
    habits: list[tuple[int, bool, Callable[[], Iterable[int]]]] = [
        (3, True, lambda: range(chance.randint(2, 8), 84, chance.randint(7, 9))),
        (3, True, lambda: chance.sample(range(4, 60), chance.randint(2, 4))),
        (2, True, lambda: [chance.randint(2, 12)]),
        (2, True, lambda: chance.sample(range(52, 84), 3)),
        (6, False, lambda: [chance.randint(1, 80)]),
    ]
    for how_many, joins, days in habits:
        for _ in range(max(1, round(how_many * share))):
            guest = _guest(at - HISTORY, joins=joins)
            for ago in days():
                came = _mealtime(shop, at - timedelta(days=ago), chance)
                if came is not None and came < at:
                    yield Coming(came, guest)


def _mealtime(shop: Shop, day: datetime, chance: Random) -> datetime | None:
    """Some minute of that day's lunch or supper when the shop is open."""
    hour, minute = chance.choice([(11, 40), (12, 20), (13, 10), (18, 0), (18, 50), (19, 40)]), chance.randint(0, 15)
    local = datetime.combine(day.astimezone(KST).date(), time(*hour), KST) + timedelta(minutes=minute)
    return local if shop_queries.opening(shop, local).open else None


def _today(shop: Shop, *, share: float, at: datetime) -> Iterator[Coming]:
    """Who came since the business day began, as far as the day is old."""
    today = shop_queries.business_day(shop, at)
    minutes_ago = (45, 70, 110, 150, 205, 290, 400)
    for number, minutes in enumerate(minutes_ago[: round(len(minutes_ago) * share)]):
        came = at - timedelta(minutes=minutes)
        if shop_queries.business_day(shop, came) == today and shop_queries.opening(shop, came).open:
            yield Coming(came, _guest(came, joins=number % 3 == 0))


def eating_now(shop: Shop, at: datetime) -> list[Coming]:
    """Three tables are taken: one party waits for its food, one is being cooked for, one is about to eat. Nobody, unless the
    door was open for all three."""
    steps = ((14, OrderState.READY), (9, OrderState.COOKING), (4, OrderState.ACCEPTED))
    came = [(at - timedelta(minutes=minutes), kitchen) for minutes, kitchen in steps]
    if not all(shop_queries.opening(shop, moment).open for moment, _ in came):
        return []
    return [Coming(moment, _guest(at, joins=False), kitchen) for moment, kitchen in came]


def _visit(shop: Shop, served: Menu, table: Table, coming: Coming, chance: Random) -> None:
    """Sit down, order, pay, be served, leave, and become a friend: each by the room's own action."""
    at, guest = coming.at, coming.guest
    by = f"guest:{guest.device.pk}"
    seat = ordering.sit_down(table=table, at=at)
    order = ordering.place_order(
        shop=shop,
        visit=seat.visit,
        table=table,
        device=guest.device,
        wanted=wanted(served, chance),
        key=f"{KEY}{secrets.token_urlsafe(12)}",
        expected_total=None,
        by=by,
        at=at,
    )
    if order.bill is not None:
        ordering.settle_at_counter(bill=order.bill, by=BY, at=at + timedelta(minutes=1))
    for minutes, state in STEPS[coming.kitchen]:
        ordering.move_order(shop=shop, order=order.public_id, to=state, by=BY, at=at + timedelta(minutes=minutes))
    if coming.kitchen != OrderState.SERVED or seat.visit is None:
        return
    leaves = at + timedelta(minutes=35)
    if order.bill is None:
        bill = ordering.open_bill(visit=seat.visit, device=guest.device, at=leaves)
        ordering.settle_at_counter(bill=bill, by=BY, at=leaves)
    ordering.close_visit(visit=seat.visit, by=BY, at=leaves)
    if guest.joins and not guest.joined:
        person = people.ensure_person(device=guest.device, at=leaves)
        regulars.join_channel(shop=shop, person=person, device=guest.device, source="receipt", by=by, at=leaves)
        guest.joined = True


def _write_demo(home: Path, opened: list[tuple[Place, Shop]], passwords: dict[Character, str]) -> None:
    tables = [
        {"shop": shop.name, "table": table.name, "path": f"/t/{table.code}"}
        for _, shop in opened
        for table in shop_queries.tables_of(shop)
    ]
    jobs = {place.owner: (Role.OWNER, place.name) for place, _ in opened}
    jobs |= {character: (role, place.name) for place, _ in opened for character, role in place.staff}
    logins: list[dict[str, Any]] = []
    for character, password in passwords.items():
        login = {"email": character.email, "password": password, "name": character.name}
        if character is KEEPER:
            logins.append({"role": "operator", **login, "path": "/office/"})
        else:
            role, shop_name = jobs[character]
            logins.append({"role": str(role), "shop": shop_name, **login, "path": "/console/"})
    first = opened[0][1]
    with fence.within_shop(first.pk):
        sticker = checkout_queries.stickers_of(first)[0]
    (home / PARTNER_FILE).unlink(missing_ok=True)  # of a neighbourhood that is no more
    written = {
        "table_url_path": tables[0]["path"],
        "sticker_url_path": f"/q/{sticker.code}",
        "tables": tables,
        "logins": logins,
    }
    _write(home / DEMO_FILE, written)


def _write(path: Path, written: dict[str, Any]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as file:
        os.fchmod(file.fileno(), 0o600)
        json.dump(written, file, ensure_ascii=False, indent=2)
