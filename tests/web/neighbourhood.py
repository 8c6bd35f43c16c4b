"""Two shops with everything in them that an address may name, ten people who ask, and marks that only some may read."""

import io
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cache
from typing import Any

import numpy as np
from django.contrib.auth import get_user_model
from django.db import connection, transaction
from django.http import HttpResponse
from django.template import Template
from django.test import Client
from django.test.utils import _TestState
from PIL import Image

from dure.audiences import actions as audiences
from dure.audiences import queries as audience_queries
from dure.audiences.engine.index import Index
from dure.audiences.population import people as population
from dure.campaigns import actions as campaigns
from dure.campaigns.values import Goal
from dure.channels import actions as channels
from dure.channels import queries as channel_queries
from dure.checkouts import actions as checkouts
from dure.checkouts.values import CheckoutKind
from dure.kit import clock
from dure.menu import actions as menu
from dure.menu import queries as menus
from dure.messaging import actions as messaging
from dure.messaging import queries as messages
from dure.messaging.models import Outgoing
from dure.messaging.values import Medium, MessageKind
from dure.offers.models import Offer
from dure.ordering import actions as ordering
from dure.ordering import queries as orders
from dure.ordering.models import Bill, StaffCall
from dure.ordering.values import ConcessionKind, SplitBy, Wanted, Wish
from dure.partners import actions as partners
from dure.partners import queries as partner_queries
from dure.partners.values import Scope
from dure.payments import queries as payments
from dure.people import actions as people
from dure.people.models import Device
from dure.people.values import shop_sender
from dure.regulars import actions as regulars
from dure.settlement import actions as settlement
from dure.shops import actions as shops
from dure.shops import fence
from dure.shops import queries as shop_queries
from dure.shops.models import Shop
from dure.shops.values import Role
from tests import cast

import dure.project.urls  # noqa: F401 isort:skip - every page is read in before a test's transaction begins

BY = "staff:test"


@dataclass
class Furnished:
    """A shop, the ids by which addresses name what is in it, and the marks left in what is nobody else's business."""

    name: str
    shop: Shop
    ids: dict[str, Any]
    marks: dict[str, str]
    device_secret: str
    visit_pass: str
    api_key: str = ""
    rows: dict[str, int] = field(default_factory=dict)


class Reader(Client):
    """A client that reads a file to its end, as a browser does; otherwise the file stays open until it is collected."""

    def request(self, **request: Any) -> HttpResponse:
        response = super().request(**request)
        if response.streaming:
            response.streaming_content = iter([b"".join(response.streaming_content)])  # type: ignore[attr-defined]
        return response  # type: ignore[return-value]


@dataclass(frozen=True)
class Actor:
    """Somebody who asks: their cookies, their role in each shop, and whose marks of which kind they may read."""

    name: str
    cookies: dict[str, str]
    roles: dict[str, Role]
    reads: frozenset[tuple[str, str]] = frozenset()
    is_person: bool = False
    is_operator: bool = False
    api_key: str = ""
    keeps: str = ""
    """Of which place the key is."""

    def client(self) -> Client:
        client = Reader(raise_request_exception=False, HTTP_ACCEPT="text/html")
        if self.api_key:
            client.defaults["HTTP_AUTHORIZATION"] = f"Bearer {self.api_key}"
        for name, value in self.cookies.items():
            client.cookies[name] = value
        return client


@dataclass
class Neighbourhood:
    here: Furnished
    there: Furnished
    actors: list[Actor]

    def actor(self, name: str) -> Actor:
        return next(actor for actor in self.actors if actor.name == name)


def settle(at: datetime = cast.NOON) -> Neighbourhood:
    """두레국수 (here) and 느티나무 커피 (there), each with guests, orders, money and marks; everybody logged in."""
    here, there = cast.noodle_house(at), cast.zelkova_coffee(at)
    manager = cast.person(cast.JINDALLAE, at=at)
    shops.hire(shop=here, person=manager, role=Role.MANAGER, by=BY, at=at)
    mine, theirs = furnish("here", here, at), furnish("there", there, at)
    with fence.within_shop(here.id):
        second = shop_queries.tables_of(here)[3]
        other, other_secret = people.remember_device(at=at)
        other_pass = ordering.sit_down(table=second, at=at).carries
    customer = cast.person(cast.MOKRYEON, at=at)
    customers_device, customers_secret = people.remember_device(at=at)
    with fence.across_shops():
        people.claim_device(device=customers_device, person=customer, at=at)
    staff = {("here", "note")}
    actors = [
        Actor("anonymous", {}, {}),
        Actor(
            "guest",
            {"device": mine.device_secret, "visit": mine.visit_pass},
            {},
            frozenset({("here", "note"), ("here", "message"), ("here", "id")}),
        ),
        Actor("other guest", {"device": other_secret, "visit": other_pass}, {}),
        _staff("kitchen", cast.CHEOLSU, Role.KITCHEN, "here", {*staff, ("here", "id")}),
        _staff("cashier", cast.DONGBAEK, Role.CASHIER, "here", {*staff, ("here", "id")}),
        _staff("manager", cast.JINDALLAE, Role.MANAGER, "here", {*staff, ("here", "id")}),
        _staff("owner", cast.SOONI, Role.OWNER, "here", {*staff, ("here", "id"), ("here", "email")}),
        _staff("other owner", cast.YOUNGHEE, Role.OWNER, "there", {("there", k) for k in ("note", "id", "email")}),
        Actor("customer", {**_session(cast.MOKRYEON), "device": customers_secret}, {}, frozenset(), is_person=True),
        _partner("partner", mine),
        _partner("other partner", theirs),
        Actor("operator", _session(cast.KEEPER), {}, frozenset(), is_person=True, is_operator=True),
    ]
    assert other.pk != customers_device.pk
    return Neighbourhood(mine, theirs, actors)


def _partner(name: str, where: Furnished) -> Actor:
    reads = frozenset((where.name, kind) for kind in ("note", "id"))
    return Actor(name, {}, {}, reads, api_key=where.api_key, keeps=where.name)


def _staff(name: str, who: cast.Character, role: Role, where: str, reads: set[tuple[str, str]]) -> Actor:
    return Actor(name, _session(who), {where: role}, frozenset(reads), is_person=True)


def _session(who: cast.Character) -> dict[str, str]:
    client = Client()
    client.force_login(get_user_model().objects.get(pk=cast.person(who).pk), "dure.people.sessions.ByPassword")
    return {"sessionid": client.cookies["sessionid"].value}


def furnish(name: str, shop: Shop, at: datetime) -> Furnished:
    """Guests who ate, guests who wait, a friend with a coupon and a message; every text with its mark."""
    marks = {kind: f"{kind}-mark-of-{name}" for kind in ("note", "message")}
    device, device_secret = people.remember_device(at=at)
    with fence.within_shop(shop.id):
        first, spare = shop_queries.tables_of(shop)[:2]
        seat = ordering.sit_down(table=first, at=at)
        assert seat.visit
        item = next(item for item in menus.menu_of(shop).items() if item.plain and not item.sold_out)
        section = menus.sections_of(shop)[0]
        station = menus.stations_of(shop).first()
        wanted = Wanted(item=item.public_id, quantity=3, note=marks["note"])
        paid = _ordered(shop, seat.visit, device, wanted, f"{name}-paid-order", marks["note"], at)
        assert paid.bill
        ordering.settle_at_counter(bill=paid.bill, by=BY, at=at)
        person = people.ensure_person(device=device, at=at)
        regulars.join_channel(shop=shop, person=person, device=device, source="test", by=BY, at=at)
        waiting = _ordered(shop, seat.visit, device, wanted, f"{name}-open-order", marks["note"], at)
        assert waiting.bill
        part = ordering.take_part(bill=waiting.bill, device=device, split_by=SplitBy.AMOUNT, amount=1_000, at=at)
        line = ordering.put_in_basket(visit=seat.visit, wanted=wanted, at=at)
        ordering.call_staff(table=first, why="water", at=at)
        message = people.message_person(
            person=person,
            sender=shop_sender(shop.public_id),
            sender_name=shop.name,
            kind=MessageKind.INFORMATION,
            title=marks["message"],
            body=marks["message"],
            link="",
            key=f"{name}-message",
            at=at,
        )
        sending = messaging.open_sending(
            key=f"{name}-sending", reference=f"{name}-sending", sender=shop_sender(shop.public_id), sender_name=shop.name,
            kind=MessageKind.ADVERTISING, topic="menu", media=[Medium.INBOX], title="새 메뉴", body="콩국수", at=at,
            not_before=at + timedelta(days=1), expires_at=at + timedelta(days=2),
        )  # fmt: skip
        messaging.queue_messages(sending=sending, recipients=[(person.pk, None)], at=at)
        token = messages.refusal_path(Outgoing.objects.get(sending=sending)).rpartition("/")[2]
        payout = settlement.close_day(shop=shop, day=at.date(), at=at)
        assert payout
        export = settlement.write_export(export=settlement.ask_export(shop=shop, by=BY, at=at), at=at)
        photo = menu.store_photo(
            shop=shop, item=menus.item_by_public_id(shop, item.public_id), file=_picture(), by=BY, at=at
        )
        owner = shop_queries.staff_of(shop).filter(role=Role.OWNER).get().person
        taken = Bill.objects.get(pk=paid.bill.pk)
        private = {
            "order": waiting.public_id,
            "bill": waiting.bill.public_id,
            "part": part.public_id,
            "line": line.public_id,
            "call": StaffCall.objects.get(shop=shop).public_id,
            "visit": seat.visit.public_id,
            "message": message.public_id,
            "export": export.public_id,
            "payout": payout.public_id,
            "payment": payments.payments_about(taken.public_id)[0].public_id,
        }
        key, secret = partners.make_key(shop=shop, name="test", scopes=list(Scope), by=BY, at=at)
        partners.note_use(key=key, at=at)  # to the minute, so that being refused writes nothing at noon
        endpoint, _ = partners.add_endpoint(shop=shop, url=f"https://{name}.dure.example/hooks", by=BY, at=at)
        asked = checkouts.open_checkout(
            shop=shop,
            kind=CheckoutKind.LINK,
            amount=5_000,
            item="두 사람 몫",
            reference=marks["note"],
            key=f"{name}-link",
            by=BY,
            at=at,
        )
        sticker = checkouts.make_sticker(shop=shop, name="계산대", at=at)
        private["checkout"] = asked.public_id
        wish = Wish(kind=ConcessionKind.REFUSAL, subject=paid.public_id, reason=marks["note"])
        private["concession"] = ordering.ask_concession(shop=shop, wish=wish, won=9_000, by=BY, at=at).public_id
        private["endpoint"] = endpoint.public_id
        private["event"] = partner_queries.events_of(shop).get(object_id=asked.public_id).public_id
        private["key"] = key.public_id
        private["sticker"] = sticker.public_id
        offer = Offer.objects.filter(shop=shop).order_by("id").first()
        assert offer
        tier = regulars.keep_tier(shop=shop, name={"ko": "은"}, spend=100_000, by="staff:test", at=at)
        campaign = campaigns.draft_campaign(
            shop=shop,
            goal=Goal.WIN_BACK,
            name=marks["note"],
            audience={"stages": []},
            title=marks["note"],
            body="오랜만이에요",
            by=BY,
            at=at,
        )
        private["campaign"] = campaign.public_id
        post = channels.write_post(shop=shop, title={"ko": "쉬는 날"}, body={}, shown_at=at, by=BY, at=at)
        channels.ask_shop(
            shop=shop, person=person, device=device, text=marks["note"], key=f"{name}-line", language="ko", at=at
        )
        with channels.fresh_picture(file=_picture()) as shown:
            channels.ask_shop(
                shop=shop, person=person, device=device, text="", picture=shown, key=f"{name}-picture", language="ko", at=at
            )  # fmt: skip
        private["picture"] = shown.name
        talk = channel_queries.chats_of(shop).get()
        answer = channels.keep_answer(shop=shop, text="네, 자리가 있어요.", by=BY, at=at)
        private["chat"], private["answer"] = talk.public_id, answer.public_id
        private["audience"] = audiences.save_audience(
            shop=shop,
            name=marks["note"],
            expression=audience_queries.read_definition("age:20-39"),
            by=BY,
            at=at,
        ).public_id
        ids = {
            **private,
            "trigger": "win_back",
            "shop": shop.public_id,
            "code": first.code,
            "table": first.public_id,
            "spare": spare.public_id,
            "item": item.public_id,
            "section": section.public_id,
            "station": station.public_id if station else "",
            "offer": offer.public_id,
            "post": post.public_id,
            "tier": tier.public_id,
            "person": owner.public_id,
            "photo": photo.public_id,
            "width": 320,
            "pack": "dure",
            "character": "dubi",
            "pose": "greet",
            "size": 192,
            "kind": "csv",
            "page": asked.code,
            "sticker_code": sticker.code,
            "token": token,
            "word": "practice",
        }
    marks["email"] = owner.email or ""
    marks.update({f"id {kind}": value for kind, value in private.items()})
    return Furnished(name, shop, ids, marks, device_secret, orders.pass_of(seat.visit), secret)


def _ordered(shop: Shop, visit: Any, device: Device, wanted: Wanted, key: str, note: str, at: datetime) -> Any:
    return ordering.place_order(
        shop=shop,
        visit=visit,
        table=visit.table,
        device=device,
        wanted=[wanted],
        key=key,
        expected_total=None,
        by="guest:test",
        at=at,
        note=note,
        coupon="none",
    )


def _picture() -> io.BytesIO:
    file = io.BytesIO()
    Image.new("RGB", (64, 64), "#864").save(file, "PNG")
    file.seek(0)
    return file


@contextmanager
def undone() -> Iterator[None]:
    """Whatever happens inside did not happen: every question meets the same neighbourhood."""
    block = transaction.atomic()
    # Like Django's own test transactions: durable blocks inside know that this one is no business of theirs.
    block._from_testcase = True  # type: ignore[attr-defined]
    with block:
        yield
        transaction.set_rollback(True)


@cache
def country() -> Index:
    """A small network, so that audiences are counted."""
    blocks = list(population.synthesize(20_000, 7))
    columns = {name: np.concatenate([block[name] for block in blocks]) for name in blocks[0]}
    return Index.of(population.SCHEMA, columns.pop("person"), columns)


@contextmanager
def at_noon() -> Iterator[None]:
    with clock.showing(lambda: cast.NOON), audience_queries.standing_on(network=country(), twin=country()):
        yield


class Pen:
    """Notices whether anything was written at all: comparing every row is dear, and most refusals write nothing."""

    def __init__(self) -> None:
        self.wrote = False

    def __call__(self, execute: Any, sql: Any, params: Any, many: bool, context: Any) -> Any:
        self.wrote = self.wrote or bool(WRITES.search(str(sql)))
        return execute(sql, params, many, context)


WRITES = re.compile(r"\b(INSERT INTO|UPDATE|DELETE FROM|procrastinate_\w+)\b(?!\s+OF\b)", re.IGNORECASE)


@contextmanager
def watched() -> Iterator[Pen]:
    pen = Pen()
    with connection.execute_wrapper(pen):
        yield pen


def rows_of(*places: Furnished) -> str:
    """A fingerprint of every row that belongs to these shops, and of what their guests have in their inboxes."""
    tables = _tables_with("shop_id")
    shops_asked = [place.shop.id for place in places]
    queries = [
        f"(SELECT coalesce(md5(string_agg(t::text, '|' ORDER BY t.id)), '') FROM {table} t WHERE shop_id = ANY(%s))"
        for table in tables
    ]
    with fence.across_shops(), connection.cursor() as cursor:
        cursor.execute(
            f"SELECT {', '.join(queries)}, (SELECT count(*) FROM messaging_message), (SELECT count(*) FROM ledger_entry), "
            "(SELECT count(*) FROM people_consent), (SELECT md5(string_agg(p::text, '|' ORDER BY id)) FROM people_person p)",
            [shops_asked] * len(tables),
        )
        return "|".join(map(str, cursor.fetchone()))


_known: list[str] = []


def _tables_with(column: str) -> list[str]:
    if not _known:
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT table_name FROM information_schema.columns WHERE column_name = %s AND table_schema = 'public' ORDER BY 1",
                [column],
            )
            _known.extend(row[0] for row in cursor.fetchall())
    return _known


@contextmanager
def unwatched_templates() -> Iterator[None]:
    """Templates as production renders them, without the signal by which Django's test client collects contexts."""
    instrumented = Template._render
    Template._render = _TestState.saved_data.template_render
    try:
        yield
    finally:
        Template._render = instrumented
