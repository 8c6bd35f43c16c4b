"""Writes a lived week down set by set: the rows that `hands.OneByOne` leaves, at the speed of COPY and INSERT … SELECT.

It writes other rooms' tables past their doors, which nothing that runs for real people may. So it refuses to be made in
production, and a test holds both hands' rows against each other. Left out is what nobody measures: rings, and the jobs that would
tell guests about their orders. Nicknames are plain numbers.
"""

import hashlib
import json
import secrets
from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

import numpy as np
from django.conf import settings
from django.db import connection, transaction
from numpy.typing import NDArray

from dure.kit import ids, money
from dure.kit.sql import numbers
from dure.ordering import queries as orders
from dure.people.values import EVERYBODY, Purpose, shop_sender, text_for
from dure.shops import queries as shop_queries
from dure.town.errors import NotForReal
from dure.town.hands import BY, LEFT, PAID, READY, SERVED, Coming, Join, No

Numbers = NDArray[np.int64]
Rows = Iterable[Sequence[Any]]


class AtOnce:
    """By sets. Refuses NotForReal in production."""

    def __init__(self) -> None:
        if settings.PRODUCTION:
            raise NotForReal
        self.persons: Numbers = np.zeros(0, np.int64)
        self.devices: Numbers = np.zeros(0, np.int64)
        self.friends: Counter[int] = Counter()

    @transaction.atomic
    def settle(self, count: int, at: datetime) -> Numbers:
        _copy(
            "people_person",
            "public_id, password, is_superuser, name, phone_verified, language, is_staff, is_active, created_at",
            ((ids.new_public_id("per"), f"!{secrets.token_urlsafe(30)}", False, "", False, "ko", False, True, at)
             for _ in range(count)),
        )  # fmt: skip
        self.persons = np.sort(numbers("SELECT id FROM people_person WHERE created_at = %s AND email IS NULL", [at]))
        _copy(
            "people_device",
            "secret_hash, person_id, created_at",
            ((hashlib.sha256(secrets.token_bytes(32)).digest(), int(person), at) for person in self.persons),
        )
        self.devices = numbers(
            "SELECT id FROM people_device WHERE person_id = ANY(%s) ORDER BY person_id", [self.persons.tolist()]
        )
        return self.persons

    @transaction.atomic
    def join(self, joins: Sequence[Join]) -> None:
        relations, consents = [], []
        for one in joins:
            shop, person = one.eatery.shop, int(self.persons[one.person])
            self.friends[shop.pk] += 1
            nickname = str(self.friends[shop.pk])
            relations.append(
                (shop.pk, person, ids.new_public_id("rel"), nickname, one.at, 0, 0, 0, 0, 0, 0, one.source)
            )
            proof = json.dumps({"by": f"guest:{self.devices[one.person]}"})
            for purpose in (Purpose.FRIENDSHIP, Purpose.ADVERTISING)[: 2 if one.agreed else 1]:
                sender = shop_sender(shop.public_id)
                consents.append(
                    (person, sender, purpose, True, text_for(sender, purpose).version, one.source, proof, one.at)
                )
        _copy(
            "regulars_relation",
            "shop_id, person_id, public_id, nickname, joined_at, visits, spend, stamps, stamps_spent, cards, points_debt, door",
            relations,
        )
        self._consent(consents)
        self._count()

    @transaction.atomic
    def come(self, comings: Sequence[Coming]) -> None:
        with connection.cursor() as cursor:
            cursor.execute(
                "CREATE TEMPORARY TABLE town_came (n bigint, shop bigint, tbl bigint, person bigint, device bigint, item bigint, "
                "name jsonb, price int, off int, pays int, vat int, coupon bigint, shop_name text, payee text, day date, key text, vis text, bil text, ord text, "
                "pay text, body text, at timestamptz, paid timestamptz, ready timestamptz, served timestamptz, gone timestamptz) "
                "ON COMMIT DROP"
            )
            usable = self._usable()
            with cursor.copy("COPY town_came FROM STDIN") as copy:
                for n, one in enumerate(comings):
                    copy.write_row(self._row(n, one, usable))
            for statement in WRITES:
                cursor.execute(statement, {"by": BY})
            cursor.execute("DROP TABLE town_came")
        self.join([one.joins for one in comings if one.joins])

    def _usable(self) -> dict[tuple[int, int], tuple[int, int, datetime]]:
        """The newest coupon of each person and shop that is there to be used: its id, what it takes off and its end."""
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT c.person_id, c.shop_id, c.id, o.value, c.expires_at FROM offers_coupon c JOIN offers_offer o ON o.id = c.offer_id "
                "WHERE c.used_at IS NULL AND c.withdrawn_at IS NULL ORDER BY c.id"
            )
            return {(person, shop): (number, won, ends) for person, shop, number, won, ends in cursor.fetchall()}

    def _row(self, n: int, one: Coming, usable: dict[tuple[int, int], tuple[int, int, datetime]]) -> tuple[Any, ...]:
        shop, item, table = one.eatery.shop, one.eatery.item, one.eatery.tables[one.person % len(one.eatery.tables)]
        person, visit = int(self.persons[one.person]), ids.new_public_id("vis")
        coupon, won, ends = usable.get((person, shop.pk), (None, 0, one.at))
        if ends <= one.at:
            coupon, won = None, 0
        off = min(won, item.price)
        asked = json.dumps([[[item.public_id, [], 1, ""]], visit, ""], ensure_ascii=False)
        return (
            n, shop.pk, table.pk, person, int(self.devices[one.person]), item.pk, json.dumps(item.name, ensure_ascii=False),
            item.price, off, item.price - off, money.vat_in(item.price - off), coupon, shop.name, orders.payee_of(shop),
            shop_queries.business_day(shop, one.at), one.key, visit, ids.new_public_id("bil"), ids.new_public_id("ord"),
            ids.new_public_id("pay"), hashlib.sha256(asked.encode()).hexdigest(), one.at, one.at + PAID, one.at + READY,
            one.at + SERVED, one.at + LEFT,
        )  # fmt: skip

    @transaction.atomic
    def refuse(self, noes: Sequence[No]) -> None:
        version = text_for(EVERYBODY, Purpose.ADVERTISING).version
        self._consent(
            (int(self.persons[one.person]), EVERYBODY, Purpose.ADVERTISING, False, version, "link",
             json.dumps({"sending": one.sending, "by": "link"}), one.at)
            for one in noes
        )  # fmt: skip

    def _consent(self, rows: Rows) -> None:
        _copy("people_consent", "person_id, sender, purpose, granted, text_version, source, proof, at", rows)

    def _count(self) -> None:
        """Every paid visit of a friend counts, those before they joined as well, and a relation's totals are their sum."""
        with connection.cursor() as cursor:
            for statement in COUNTS:
                cursor.execute(statement)


def _copy(table: str, columns: str, rows: Rows) -> None:
    """COPY into a table of our own and INSERT from there: what is fenced takes no COPY."""
    with connection.cursor() as cursor:
        cursor.execute(f"CREATE TEMPORARY TABLE town_rows ON COMMIT DROP AS SELECT {columns} FROM {table} WITH NO DATA")  # noqa: S608 - constants
        with cursor.copy("COPY town_rows FROM STDIN") as copy:
            for row in rows:
                copy.write_row(row)
        cursor.execute(f"INSERT INTO {table} ({columns}) SELECT {columns} FROM town_rows")  # noqa: S608 - constants
        cursor.execute("DROP TABLE town_rows")


WRITES = (
    """
    INSERT INTO ordering_visit (shop_id, table_id, public_id, opened_by_staff, checked_at, opened_at, last_active_at, closed_at)
    SELECT shop, tbl, vis, false, ready, at, served, gone FROM town_came ORDER BY n
    """,
    """
    INSERT INTO ordering_bill (shop_id, visit_id, public_id, state, device_id, person_id, coupon_id, subtotal, discount, total, tax_free, vat,
        refunded, opened_at, settled_at, settled_with, split_by, ways, taken)
    SELECT shop, v.id, bil, 'settled', device, person, coupon, price, off, pays, 0, vat, 0, at, paid, 'counter', '', 0, 0
    FROM town_came c JOIN ordering_visit v ON v.public_id = c.vis ORDER BY n
    """,
    """
    INSERT INTO ordering_order (shop_id, visit_id, table_id, bill_id, device_id, public_id, key, body_hash, number, business_day,
        state, addition, by_staff, total, note, reason, placed_at, received_at, changed_at)
    SELECT shop, b.visit_id, tbl, b.id, device, ord, c.key, body,
        coalesce(d.last, 0) + row_number() OVER (PARTITION BY shop, day ORDER BY n), day,
        'served', false, false, price, '', '', at, paid, served
    FROM town_came c JOIN ordering_bill b ON b.public_id = c.bil
    LEFT JOIN ordering_daynumber d ON d.shop_id = c.shop AND d.business_day = c.day ORDER BY n
    """,
    """
    INSERT INTO ordering_daynumber AS days (shop_id, business_day, last)
    SELECT shop, day, count(*) FROM town_came GROUP BY 1, 2
    ON CONFLICT (shop_id, business_day) DO UPDATE SET last = days.last + excluded.last
    """,
    """
    INSERT INTO ordering_orderline (shop_id, order_id, item_id, station, name, options, note, unit_price, quantity, total, discount,
        tax_free, struck_because)
    SELECT shop, o.id, item, '', name, '[]', '', price, 1, price, off, false, ''
    FROM town_came c JOIN ordering_order o ON o.public_id = c.ord ORDER BY n
    """,
    """
    INSERT INTO ordering_orderstep (shop_id, order_id, state, by, reason, at)
    SELECT shop, o.id, s.state, %(by)s, '', s.at FROM town_came c JOIN ordering_order o ON o.public_id = c.ord
    CROSS JOIN LATERAL (VALUES (1, 'ready', c.ready), (2, 'served', c.served)) s (place, state, at) ORDER BY n, s.place
    """,
    """
    INSERT INTO payments_payment (public_id, key, provider, reference, item_name, payer, payee, charged, charged_after, source, amount,
        tax_free, vat, refunded, state, approval_token, redirect_url, return_path, reason, created_at, settled_at, asks)
    SELECT pay, bil || ':counter', 'counter', bil, shop_name, 'counter', payee, false, '', '', pays, 0, vat, 0, 'approved',
        %(by)s, '', '/', '', paid, paid, 0 FROM town_came ORDER BY n
    """,
    """
    INSERT INTO ledger_account (code, asset)
    SELECT DISTINCT way || payee, 'KRW' FROM town_came, unnest(ARRAY['', 'counter:']) way ON CONFLICT (code) DO NOTHING
    """,
    """
    INSERT INTO ledger_entry (key, kind, reference, at) SELECT 'payment:' || pay, 'payment', pay, paid FROM town_came ORDER BY n
    """,
    """
    INSERT INTO ledger_posting (entry_id, source_id, destination_id, amount)
    SELECT e.id, s.id, d.id, pays FROM town_came c JOIN ledger_entry e ON e.key = 'payment:' || c.pay
    JOIN ledger_account s ON s.code = 'counter:' || c.payee JOIN ledger_account d ON d.code = c.payee ORDER BY n
    """,
    """
    INSERT INTO offers_redemption (shop_id, coupon_id, reference, amount, funded, state, reserved_at, ended_at)
    SELECT shop, coupon, bil, off, 0, 'committed', at, paid FROM town_came WHERE coupon IS NOT NULL ORDER BY n
    """,
    "UPDATE offers_coupon c SET used_at = t.paid FROM town_came t WHERE t.coupon = c.id",
)

COUNTS = (
    """
    INSERT INTO regulars_countedvisit (shop_id, relation_id, reference, spent, stamps, won_per_stamp, at)
    SELECT b.shop_id, r.id, 'visit:' || b.visit_id, b.total, 1, 0, b.settled_at
    FROM ordering_bill b JOIN regulars_relation r ON r.shop_id = b.shop_id AND r.person_id = b.person_id AND r.left_at IS NULL
    WHERE b.settled_at IS NOT NULL AND b.visit_id IS NOT NULL ORDER BY b.id
    ON CONFLICT (relation_id, reference) DO NOTHING
    """,
    """
    UPDATE regulars_relation r SET visits = c.visits, spend = c.spend, first_visit_at = c.first, last_visit_at = c.last, stamps = c.stamps
    FROM (SELECT relation_id, count(*) visits, sum(spent) spend, min(at) first, max(at) last, sum(stamps) stamps
          FROM regulars_countedvisit GROUP BY 1) c
    WHERE c.relation_id = r.id AND r.visits <> c.visits
    """,
)
"""Of all shops together, as often as anything was written: repeating them changes nothing."""
