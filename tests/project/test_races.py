"""Thirty-two at once, on every limit that money or a right has. Each limit is met exactly: never passed, never missed.

Each scenario has its control: the same limit kept the way others kept it and lost money (saleor#544, django-oscar#2101,
pretix#6396, spree#13734): look, and then take, on a bare copy of the same rows without their indexes and checks. Thirty-two
who look before anybody takes must pass the limit, or this file could not see that we do not.

`make races` does the same with a thousand operations and several seeds, and writes benchmarks/results/races.json.
"""

import json
import random
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from itertools import count
from pathlib import Path
from time import monotonic
from typing import Any

import pytest
from django.conf import settings
from django.db import connection, transaction
from django.test import override_settings

from dure.checkouts import actions as checkouts
from dure.checkouts import errors as checkout_errors
from dure.kit import ids
from dure.ledger import actions as ledger
from dure.offers import actions as offers
from dure.offers import errors as offer_errors
from dure.offers.models import Coupon
from dure.offers.values import OfferOccasion
from dure.ordering import actions as ordering
from dure.ordering import errors as ordering_errors
from dure.ordering.models import Bill
from dure.ordering.values import SplitBy
from dure.payments import actions as payments
from dure.payments import errors as rail_errors
from dure.payments.values import Amount
from dure.people import actions as people
from dure.people.models import Device, Person
from dure.regulars import actions as regulars
from dure.regulars import errors as regular_errors
from dure.regulars.actions import points as point_actions
from dure.settlement import actions as settlement
from dure.shops import actions as shops
from dure.shops import fence
from dure.wallet import actions as wallets
from dure.wallet import errors as wallet_errors
from dure.wallet.models import Wallet
from tests.machines import THOROUGH
from tests.races import at_once
from tests.rooms.offers.conftest import an_offer
from tests.rooms.ordering.conftest import BY, NOON, Place, open_place
from tests.rooms.ordering.test_orders import place_tea

pytestmark = pytest.mark.django_db(transaction=True)

THREADS = 32
OPERATIONS = 1_000 if THOROUGH else THREADS
SEEDS = range(1, 4) if THOROUGH else (1,)
TEN = 10 * OPERATIONS // THREADS
ROUNDS = OPERATIONS // THREADS
WITHIN = 1_800 if THOROUGH else 300
"""Seconds that a race may take on a machine that others use: a race that was cut short says nothing."""
MONDAY, TUESDAY = date(2026, 11, 23), NOON + timedelta(days=1)
WRITTEN = Path(__file__).parents[2] / "benchmarks/results/races.json"

Act = Callable[[], object]


@dataclass(frozen=True)
class Race:
    """All who ask, each with the shop they stand in; what exactly they may get together; how it is counted afterwards, in
    plain SQL; and how those are told no who come too late. An act returns the name of what it got."""

    acts: Sequence[tuple[int | None, Act]]
    limit: int
    counted: str
    refusals: tuple[type[Exception], ...]
    also: str = ""
    """A question whose answer must be true: sums that have to agree besides."""


@dataclass(frozen=True)
class Naive:
    """The naive shape: copy these rows bare, look whether there is room, take. `taken` counts what was taken, of `limit`."""

    bare: str
    look: str
    take: str
    taken: str
    limit: int = 1


SCENARIOS: dict[str, tuple[Callable[[random.Random], Race], Naive]] = {}


def scenario(name: str, naive: Naive) -> Callable[[Callable[[random.Random], Race]], Callable[[random.Random], Race]]:
    def keep(prepare: Callable[[random.Random], Race]) -> Callable[[random.Random], Race]:
        SCENARIOS[name] = (prepare, naive)
        return prepare

    return keep


# Who and where ----------------------------------------------------------------------------------------------------------


def phones(number: int) -> list[Device]:
    made = [people.remember_device(at=NOON)[0] for _ in range(number)]
    for one in made:
        people.ensure_person(device=one, at=NOON)
        one.refresh_from_db()
    return made


def persons(number: int) -> list[Person]:
    return [one.person for one in phones(number) if one.person]


def wallet_with(won: int) -> Wallet:
    wallet = wallets.open_wallet(person=persons(1)[0], at=NOON)
    ledger.record_entry(
        key=f"fill:{wallet.public_id}", kind="payment", reference="fill", postings=[("bank", wallet.account, won)], at=NOON
    )  # fmt: skip
    return wallet


def pay_from(wallet: Wallet, name: str) -> str:
    paid = wallets.pay(
        wallet=wallet, reference=name, amount=Amount(1_000, 0, 0), item_name="i", payee="shop:a", key=name, at=NOON
    )
    return paid.public_id


def tab(place: Place, table: int = 0) -> Bill:
    visit = ordering.sit_down(table=place.tables[table], at=NOON).visit
    place_tea(place, None, ids.new_code(20), visit=visit)
    assert visit
    return ordering.open_bill(visit=visit, device=None, at=NOON)


# The limits -------------------------------------------------------------------------------------------------------------


@scenario(
    "a coupon's stock",
    Naive(
        "SELECT 0 AS issued, 10 AS stock",
        "SELECT issued < stock FROM bare",
        "UPDATE bare SET issued = issued + 1",
        "SELECT issued FROM bare",
        10,
    ),
)
def stock(dice: random.Random) -> Race:
    place = open_place("두레국수", pay_timing="first")
    with fence.within_shop(place.shop.pk):
        offer = an_offer(place, stock=TEN, per_person=OPERATIONS)
    askers = persons(THREADS)
    acts = [
        lambda n=n: offers.issue_coupon(offer=offer, person=askers[n % THREADS], key=f"k{n}", at=NOON).pk
        for n in range(OPERATIONS)
    ]
    return Race(
        [(place.shop.pk, act) for act in acts],
        TEN,
        "SELECT count(*) FROM offers_coupon",
        (offer_errors.OutOfStock,),
        also=f"SELECT issued = {TEN} FROM offers_offer WHERE id = {offer.pk}",
    )


@scenario(
    "one person's coupons",
    Naive(
        "SELECT 1 AS person WHERE false",
        "SELECT count(*) < 3 FROM bare WHERE person = 1",
        "INSERT INTO bare VALUES (1)",
        "SELECT count(*) FROM bare",
        3,
    ),
)
def per_person(dice: random.Random) -> Race:
    place = open_place("두레국수", pay_timing="first")
    with fence.within_shop(place.shop.pk):
        offer = an_offer(place, per_person=3)
    acts = [
        (place.shop.pk, lambda p=p: offers.issue_coupon(offer=offer, person=p, key=ids.new_code(), at=NOON).pk)
        for p in persons(ROUNDS)
        for _ in range(THREADS)
    ]
    most = "SELECT max(n) = 3 FROM (SELECT count(*) AS n FROM offers_coupon GROUP BY person_id) AS each"
    return Race(acts, 3 * ROUNDS, "SELECT count(*) FROM offers_coupon", (offer_errors.AlreadyHas,), also=most)


@scenario(
    "a campaign's budget in won",
    Naive(
        "SELECT 0 AS spent, 10500 AS budget",
        "SELECT spent + 1000 <= budget FROM bare",
        "UPDATE bare SET spent = spent + 1000",
        "SELECT spent / 1000 FROM bare",
        10,
    ),
)
def budget(dice: random.Random) -> Race:
    place = open_place("두레국수", pay_timing="first")
    with fence.within_shop(place.shop.pk):
        offer = an_offer(place, budget=TEN * 1_000 + 500, per_person=OPERATIONS)
        everybody = [one.pk for one in persons(THREADS)]
        for turn in range(ROUNDS):
            offers.issue_coupons(offer=offer, persons=everybody, key=f"t{turn}", at=NOON)
        coupons = list(Coupon.objects.select_related("offer").order_by("id"))
    acts = [
        lambda c=c: offers.reserve_coupon(coupon=c, reference=f"bil_{c.pk}", amount=1_000, at=NOON).pk for c in coupons
    ]
    return Race(
        [(place.shop.pk, act) for act in acts],
        TEN,
        "SELECT count(*) FROM offers_redemption WHERE state = 'reserved'",
        (offer_errors.BudgetSpent,),
        also=f"SELECT spent = {TEN * 1_000} FROM offers_offer WHERE id = {offer.pk}",
    )


@scenario(
    "a wallet's balance",
    Naive(
        "SELECT 10000 AS won",
        "SELECT won >= 1000 FROM bare",
        "UPDATE bare SET won = won - 1000",
        "SELECT 10 - won / 1000 FROM bare",
        10,
    ),
)
def balance(dice: random.Random) -> Race:
    wallet = wallet_with(TEN * 1_000 + 500)
    acts = [(None, lambda n=n: pay_from(wallet, f"b{n}")) for n in range(OPERATIONS)]
    return Race(
        acts,
        TEN,
        "SELECT count(*) FROM payments_payment WHERE state = 'approved'",
        (wallet_errors.BalanceShort,),
        also=f"SELECT balance = 500 FROM ledger_account WHERE code = '{wallet.account}'",
    )


@scenario(
    "a wallet's day",
    Naive(
        "SELECT 1000 AS won WHERE false",
        "SELECT coalesce(sum(won), 0) + 1000 <= 7000 FROM bare",
        "INSERT INTO bare VALUES (1000)",
        "SELECT count(*) FROM bare",
        7,
    ),
)
def day_limit(dice: random.Random) -> Race:
    most = 7 * ROUNDS
    limits = settings.WALLET["limits"]
    settings.WALLET = {**settings.WALLET, "limits": replace(limits, pay_a_day=most * 1_000)}  # put back by the test
    wallet = wallet_with(OPERATIONS * 1_000)
    acts = [(None, lambda n=n: pay_from(wallet, f"b{n}")) for n in range(OPERATIONS)]
    return Race(acts, most, "SELECT count(*) FROM payments_payment", (wallet_errors.DayLimit,))


@scenario(
    "one tab, paid at the counter and by wallet",
    Naive(
        "SELECT 0 AS payments, 'open' AS state",
        "SELECT state = 'open' FROM bare",
        "UPDATE bare SET state = 'settled', payments = payments + 1",
        "SELECT payments FROM bare",
    ),
)
def one_tab(dice: random.Random) -> Race:
    place = open_place("솥밥집", pay_timing="tab")
    wallet = wallet_with(1_000_000)
    acts: list[tuple[int | None, Act]] = []
    with fence.within_shop(place.shop.pk):
        for table in tables(place, ROUNDS):
            bill = tab(place, table)
            pay: list[Act] = [
                lambda bill=bill: ordering.settle_at_counter(bill=bill, by=BY, at=NOON).public_id,  # type: ignore[union-attr]
                lambda bill=bill: ordering.pay_from_wallet(bill=bill, wallet=wallet, at=NOON).public_id,  # type: ignore[union-attr]
            ]
            acts += [(place.shop.pk, pay[n % 2]) for n in range(THREADS)]
    return Race(
        acts,
        ROUNDS,
        "SELECT count(*) FROM payments_payment WHERE state = 'approved' AND reference LIKE 'bil%'",
        (ordering_errors.AlreadyPaid,),
        also="SELECT (SELECT sum(total) FROM ordering_bill) ="
        " (SELECT sum(amount - refunded) FROM payments_payment WHERE state = 'approved' AND reference LIKE 'bil%')",
    )


def tables(place: Place, number: int) -> range:
    while len(place.tables) < number:
        name = f"자리 {len(place.tables) + 1}"
        place.tables.append(shops.add_table(shop=place.shop, name=name, by=BY, at=NOON))
    return range(number)


@scenario(
    "the shares of a split bill",
    Naive(
        "SELECT 6000 AS left_over, 0 AS parts",
        "SELECT left_over > 0 FROM bare",
        "UPDATE bare SET left_over = left_over - 1500, parts = parts + 1",
        "SELECT parts FROM bare",
        4,
    ),
)
def shares(dice: random.Random) -> Race:
    place = open_place("솥밥집", pay_timing="tab")
    hands = phones(THREADS)

    def share(bill: Bill, phone: Device) -> str:
        part = ordering.take_part(bill=bill, device=phone, split_by=SplitBy.EVENLY, ways=7, at=NOON)
        return ordering.settle_part_at_counter(part=part, by=BY, at=NOON).public_id

    acts: list[tuple[int | None, Act]] = []
    with fence.within_shop(place.shop.pk):
        for table in tables(place, ROUNDS):
            bill = tab(place, table)
            acts += [(place.shop.pk, lambda bill=bill, phone=phone: share(bill, phone)) for phone in hands]
    return Race(
        acts,
        7 * ROUNDS,
        "SELECT count(*) FROM ordering_billpart WHERE state = 'paid'",
        (ordering_errors.PartGone, ordering_errors.AlreadyPaid),
        also="SELECT bool_and(b.state = 'settled' AND b.total = p.won) FROM ordering_bill b JOIN (SELECT bill_id,"
        " sum(amount) AS won FROM ordering_billpart WHERE state = 'paid' GROUP BY bill_id) p ON p.bill_id = b.id",
    )


@scenario(
    "the refunds of one payment",
    Naive(
        "SELECT 10500 AS amount, 0 AS refunded",
        "SELECT refunded + 1000 <= amount FROM bare",
        "UPDATE bare SET refunded = refunded + 1000",
        "SELECT refunded / 1000 FROM bare",
        10,
    ),
)
def refunds(dice: random.Random) -> Race:
    paid = payments.settle_at_counter(
        reference="bill", amount=Amount(TEN * 1_000 + 500, 700, 0), item_name="i", payer="p", payee="shop:a", key="p",
        by=BY, at=NOON,
    )  # fmt: skip
    acts = [
        (None, lambda n=n: payments.refund_payment(payment=paid, amount=1_000, reason="r", key=f"r{n}", at=NOON).pk)
        for n in range(OPERATIONS)
    ]
    return Race(
        acts,
        TEN,
        "SELECT count(*) FROM payments_refund WHERE state = 'done'",
        (rail_errors.RefundTooMuch,),
        also=f"SELECT refunded = {TEN * 1_000} FROM payments_payment",
    )


@scenario(
    "stamps, and the card's reward",
    Naive(
        "SELECT 0 AS stamps, 0 AS rewards",
        "SELECT rewards < 1 FROM bare",
        "UPDATE bare SET stamps = stamps + 1, rewards = rewards + 1",
        "SELECT rewards FROM bare",
    ),
)
def stamps(dice: random.Random) -> Race:
    place = open_place("두레국수", pay_timing="first")
    acts: list[tuple[int | None, Act]] = []
    with fence.within_shop(place.shop.pk):
        regulars.keep_stamp_card(shop=place.shop, goal=3, running=True, by=BY, at=NOON)
        reward = an_offer(place, occasion=OfferOccasion.STAMPS, per_person=100)
        for person in persons(ROUNDS):
            friend = regulars.join_channel(shop=place.shop, person=person, device=None, source="t", by="g", at=NOON)
            acts += [(place.shop.pk, lambda f=friend, n=n: stamp(place, f.public_id, n)) for n in range(THREADS)]
    return Race(
        acts,
        3 * ROUNDS,
        "SELECT sum(count) FROM regulars_handstamp",
        (regular_errors.TooManyStamps,),
        also=f"SELECT count(*) = {ROUNDS} AND count(DISTINCT person_id) = {ROUNDS} FROM offers_coupon WHERE offer_id ="
        f" {reward.pk}",
    )


def stamp(place: Place, friend: str, number: int) -> int:
    given = regulars.give_stamps(
        shop=place.shop, relation=friend, count=1, reason="단골", key=ids.new_code(), by=f"staff:{number}", at=NOON
    )
    return given.pk


@scenario(
    "points",
    Naive(
        "SELECT 3100 AS remaining",
        "SELECT remaining >= 300 FROM bare",
        "UPDATE bare SET remaining = remaining - 300",
        "SELECT (3100 - remaining) / 300 FROM bare",
        10,
    ),
)
def points(dice: random.Random) -> Race:
    place = open_place("두레국수", pay_timing="first")
    person = persons(1)[0]
    with fence.within_shop(place.shop.pk):
        friend = regulars.join_channel(shop=place.shop, person=person, device=None, source="t", by="g", at=NOON)
        regulars.keep_points(
            shop=place.shop, running=True, earn_bps=1_000, valid_days=365, least=1, tier_days=30, by=BY, at=NOON
        )
        # Two lots, so that who spends takes from both.
        with transaction.atomic():
            for name, won in (("visit:1", TEN * 100 + 50), ("visit:2", TEN * 200 + 50)):
                point_actions.earn_points(friend, reference=name, spent=won * 10, is_new=True, at=NOON)
    acts = [
        (place.shop.pk, lambda n=n: regulars.use_points(shop=place.shop, person=person, points=300, key=f"u{n}", at=NOON).pk)
        for n in range(OPERATIONS)
    ]  # fmt: skip
    return Race(
        acts,
        TEN,
        "SELECT count(*) FROM offers_coupon WHERE worth = 300",
        (regular_errors.TooFewPoints,),
        also="SELECT sum(remaining) = 100 FROM regulars_pointlot",
    )


@scenario(
    "a guest's one-time code",
    Naive(
        "SELECT 0 AS uses",
        "SELECT uses = 0 FROM bare",
        "UPDATE bare SET uses = uses + 1",
        "SELECT uses FROM bare",
    ),
)
def pay_codes(dice: random.Random) -> Race:
    place = open_place("두레국수", pay_timing="first")
    keys, acts = count(), []
    for phone in phones(ROUNDS):
        _, digits = checkouts.make_pay_code(device=phone, at=NOON)
        acts += [
            (place.shop.pk, lambda d=digits, n=next(keys): checkouts.take_code(
                shop=place.shop, digits=d, amount=5_000, key=f"till-{n}", by=BY, at=NOON).pk)
            for _ in range(THREADS)
        ]  # fmt: skip
    return Race(acts, ROUNDS, "SELECT count(*) FROM checkouts_checkout", (checkout_errors.CodeUsed,))


@scenario(
    "one order, sent again and again",
    Naive(
        "SELECT ''::text AS key WHERE false",
        "SELECT count(*) = 0 FROM bare WHERE key = 'k'",
        "INSERT INTO bare VALUES ('k')",
        "SELECT count(*) FROM bare",
    ),
)
def one_order(dice: random.Random) -> Race:
    place = open_place("두레국수", pay_timing="tab")
    with fence.within_shop(place.shop.pk):
        visit = place.sit()
    acts = [
        (place.shop.pk, lambda key=key: place_tea(place, None, f"{key:020}", visit=visit).pk)
        for key in range(ROUNDS)
        for _ in range(THREADS)
    ]
    return Race(
        acts,
        ROUNDS,
        "SELECT count(*) FROM ordering_order",
        (),
        also=f"SELECT count(DISTINCT number) = {ROUNDS} AND max(number) = {ROUNDS} FROM ordering_order",
    )


@scenario(
    "one table's open visit",
    Naive(
        "SELECT 1 AS at_table WHERE false",
        "SELECT count(*) = 0 FROM bare",
        "INSERT INTO bare VALUES (1)",
        "SELECT count(*) FROM bare",
    ),
)
def visits(dice: random.Random) -> Race:
    place = open_place("두레국수", pay_timing="tab")
    with fence.within_shop(place.shop.pk):
        numbers = tables(place, ROUNDS)
    acts = [
        (place.shop.pk, lambda n=n: ordering.scan(table=place.tables[n], carried="", at=NOON).visit.pk)  # type: ignore[union-attr]
        for n in numbers
        for _ in range(THREADS)
    ]
    return Race(acts, ROUNDS, "SELECT count(*) FROM ordering_visit WHERE closed_at IS NULL", ())


@scenario(
    "one day's payout",
    Naive(
        "SELECT ''::text AS day WHERE false",
        "SELECT count(*) = 0 FROM bare",
        "INSERT INTO bare VALUES ('monday')",
        "SELECT count(*) FROM bare",
    ),
)
def payouts(dice: random.Random) -> Race:
    acts: list[tuple[int | None, Act]] = []
    for _ in range(min(ROUNDS, 8)):
        place = open_place("두레국수", pay_timing="first")
        with fence.within_shop(place.shop.pk):
            bill = Bill.objects.get(orders=place_tea(place, None, ids.new_code(20)))
            payments.settle_from_account(
                provider="wallet", source=wallet_with(10_000).account, reference=bill.public_id,
                amount=Amount(bill.total, bill.tax_free, bill.vat), item_name="i", payer="p",
                payee=f"shop:{place.shop.public_id}", key=bill.public_id, at=NOON,
            )  # fmt: skip
        acts += [
            (place.shop.pk, lambda shop=place.shop: settlement.close_day(shop=shop, day=MONDAY, at=TUESDAY).pk)
        ] * THREADS  # type: ignore[misc,union-attr]
    return Race(
        acts,
        min(ROUNDS, 8),
        "SELECT count(*) FROM settlement_payout",
        (),
        also="SELECT sum(amount) = 6000 * count(*) FROM settlement_payout",
    )


# The race ---------------------------------------------------------------------------------------------------------------


@dataclass
class Row:
    """One line of the table: of `asks`, `granted` were told yes, and `counted` is what the database says."""

    scenario: str
    seeds: int = 0
    """Of which races came to their end."""
    asks: int = 0
    limit: int = 0
    granted: int = 0
    counted: int = 0
    over: int = 0
    under: int = 0
    seconds: float = 0.0
    control_over: int = 0
    escaped: list[str] = field(default_factory=list)


def run(race: Race, dice: random.Random) -> tuple[set[Any], Counter[str], list[str]]:
    """Thirty-two threads do all acts, nobody before everybody is there: what was got, the refusals, and what escaped."""
    waiting = iter(shuffled(race.acts, dice))
    got: set[Any] = set()
    refused: Counter[str] = Counter()
    escaped: list[str] = []
    door = threading.Lock()

    def work() -> None:
        while True:
            with door:
                shop, act = next(waiting, (None, None))
            if act is None:
                return
            try:
                with fence.within_shop(shop) if shop else fence.across_shops():
                    result = act()
                with door:
                    got.add(result)
            except race.refusals as refusal:
                refused[type(refusal).__name__] += 1
            except Exception as error:  # noqa: BLE001 - a deadlock, a broken check: nothing may come out but a refusal
                escaped.append(f"{type(error).__name__}: {error}")

    for ended in at_once(*[work] * THREADS, within=WITHIN):
        assert ended is None, ended
    return got, refused, escaped


def shuffled(acts: Sequence[tuple[int | None, Act]], dice: random.Random) -> list[tuple[int | None, Act]]:
    """In another order, but not so far from home that two who want the same would never meet."""
    order = sorted(range(len(acts)), key=lambda n: n + dice.random() * THREADS)
    return [acts[n] for n in order]


def naive_over(naive: Naive) -> int:
    """How far thirty-two go past the limit who all look before anybody takes."""
    said("DROP TABLE IF EXISTS bare", f"CREATE TABLE bare AS {naive.bare}")
    window = threading.Barrier(THREADS)

    def look_then_take() -> None:
        room = one(naive.look)
        window.wait(60)
        if room:
            said(naive.take)

    assert at_once(*[look_then_take] * THREADS, within=120) == [None] * THREADS
    taken = int(one(naive.taken))
    said("DROP TABLE bare")
    return taken - naive.limit


def said(*statements: str) -> None:
    with connection.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)


def one(question: str) -> Any:
    with connection.cursor() as cursor:
        cursor.execute(question)
        return cursor.fetchone()[0]


ZERO = """
SELECT NOT EXISTS (
    SELECT a.id FROM ledger_account a LEFT JOIN ledger_posting p ON a.id IN (p.source_id, p.destination_id)
    GROUP BY a.id HAVING a.balance < 0
        OR a.balance <> coalesce(sum(CASE a.id WHEN p.destination_id THEN p.amount ELSE -p.amount END), 0)
)
"""


@pytest.fixture(scope="module")
def table() -> Iterator[list[Row]]:
    """The table of all races, printed at the end, and written down when it was run in thousands."""
    rows: list[Row] = []
    yield rows
    from rich.console import Console
    from rich.table import Table

    shown = Table(title=f"{THREADS} threads, {OPERATIONS} operations a seed, {len(SEEDS)} seeds")
    for name in ("scenario", "asks", "limit", "granted", "over", "under", "seconds", "control's over"):
        shown.add_column(name, justify="left" if name == "scenario" else "right")
    for row in rows:
        values = (row.asks, row.limit, row.granted, row.over, row.under, f"{row.seconds:.1f}", f"+{row.control_over}")
        shown.add_row(row.scenario, *map(str, values))
    Console().print(shown)
    if THOROUGH and len(rows) == len(SCENARIOS):
        result = {
            "threads": THREADS,
            "operations": OPERATIONS,
            "seeds": len(SEEDS),
            "races": [vars(row) for row in rows],
        }
        WRITTEN.write_text(json.dumps(result, indent=2, ensure_ascii=False) + "\n")


@pytest.fixture(autouse=True)
def everybody_gets_a_connection(transactional_db: None) -> Iterator[None]:
    """A web process has ten connections, and who comes eleventh waits at its door; here they must meet in the database."""
    options = connection.settings_dict["OPTIONS"]
    before = options["pool"]
    options["pool"] = {"min_size": 1, "max_size": THREADS + 2}
    connection.close()
    connection.close_pool()  # type: ignore[attr-defined]
    yield
    options["pool"] = before
    connection.close()
    connection.close_pool()  # type: ignore[attr-defined]


@pytest.fixture
def restored() -> Iterator[None]:
    """A scenario may change the wallet's limits for itself."""
    with override_settings(WALLET=settings.WALLET):
        yield


@pytest.mark.parametrize("name", SCENARIOS)
@pytest.mark.parametrize("seed", SEEDS)
def test_a_limit_is_met_exactly_and_its_naive_shape_passes_it(
    name: str, seed: int, table: list[Row], restored: None
) -> None:
    prepare, naive = SCENARIOS[name]
    dice = random.Random(f"{name}:{seed}")
    race = prepare(dice)
    begun = monotonic()
    got, refused, escaped = run(race, dice)
    row = next((row for row in table if row.scenario == name), None)
    if row is None:
        row = Row(name)
        table.append(row)
    with fence.across_shops():
        counted = int(one(race.counted))
        agrees = one(race.also) if race.also else True
    over, under = max(0, counted - race.limit), max(0, race.limit - counted)
    row.asks, row.limit, row.seconds = (
        row.asks + len(race.acts),
        row.limit + race.limit,
        row.seconds + monotonic() - begun,
    )
    row.seeds += 1
    row.granted, row.counted = row.granted + len(got), row.counted + counted
    row.over, row.under, row.escaped = row.over + over, row.under + under, row.escaped + escaped
    assert escaped == []
    assert (len(got), counted, over, under) == (race.limit, race.limit, 0, 0), refused
    assert agrees
    assert one(ZERO), "a kept balance is below zero, or is not the sum of its entries"
    if seed == SEEDS[0]:
        row.control_over = naive_over(naive)
        assert row.control_over > 0, "the control kept the limit: these races prove nothing"
