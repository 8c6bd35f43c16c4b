"""Redemptions a second of one hot offer and payments a second of one hot shop, beside plain row-lock SQL in the same run.

    make bench-money      (or: python -m benchmarks.money --seconds 10 --threads 8)

Dure: the room's own actions (issue, reserve, commit; take the money for a bill at the counter), each its own transaction.
Plain: the least that a careful programmer writes by hand for the same effect: lock the row, check, write, commit. It has
no ledger, no facts, no state tables, so it is a ceiling and not a rival.
"""

import argparse
import json
import os
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmarks.orders import RESULTS

PERSONS = 128
PLAIN = """
CREATE TABLE bench_offer (id int PRIMARY KEY, issued int NOT NULL, spent bigint NOT NULL);
CREATE TABLE bench_coupon (id bigserial PRIMARY KEY, key text UNIQUE, used_at timestamptz);
CREATE TABLE bench_payment (id bigserial PRIMARY KEY, key text UNIQUE, amount int);
CREATE TABLE bench_shop (id int PRIMARY KEY, balance bigint NOT NULL);
INSERT INTO bench_offer VALUES (1, 0, 0);
INSERT INTO bench_shop VALUES (1, 0);
"""


def per_second(act: Callable[[int, int], None], threads: int, seconds: float) -> float:
    """How often all threads together finish `act` in a second; whatever it raises ends the run."""
    from django.db import connection

    done, wrong = [0] * threads, list[BaseException]()
    gate = threading.Barrier(threads)

    def run(number: int) -> None:
        try:
            gate.wait()
            end = time.monotonic() + seconds
            while time.monotonic() < end and not wrong:
                act(number, done[number])
                done[number] += 1
        except BaseException as raised:  # noqa: BLE001 - told to whoever started the threads
            wrong.append(raised)
        finally:
            connection.close()

    workers = [threading.Thread(target=run, args=(n,)) for n in range(threads)]
    begun = time.monotonic()
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    if wrong:
        raise wrong[0]
    return sum(done) / (time.monotonic() - begun)


def measure(threads: int, seconds: float) -> dict[str, Any]:
    """Both rates, ours and plain."""
    from django.db import connection, transaction

    from dure.kit import clock, ids
    from dure.offers import actions as offers
    from dure.offers.values import OfferKind
    from dure.payments import actions as payments
    from dure.payments.values import Amount
    from dure.people import actions as people
    from dure.people.models import Person
    from dure.shops import actions as shops
    from dure.shops import fence

    with connection.cursor() as cursor:
        cursor.execute(PLAIN)
    owner = Person.objects.create_user("bench@dure.example")
    always = {str(day): ["00:00", "24:00"] for day in range(7)}
    shop = shops.open_shop(name="두레국수", pay_timing="first", owner=owner, tables=1, at=clock.now(), hours=always)
    persons = []
    for _ in range(PERSONS):
        device, _secret = people.remember_device(at=clock.now())
        persons.append(people.ensure_person(device=device, at=clock.now()))
    with fence.within_shop(shop.id):
        offer = offers.create_offer(
            shop=shop, name={"ko": "천 원"}, kind=OfferKind.AMOUNT, value=1_000, per_person=10_000,
            budget=2_000_000_000, by="bench", at=clock.now(),
        )  # fmt: skip

    def redeem(thread: int, turn: int) -> None:
        with fence.within_shop(shop.id):
            key = f"bench:{thread}:{turn}"
            coupon = offers.issue_coupon(
                offer=offer, person=persons[(turn * threads + thread) % PERSONS], key=key, at=clock.now()
            )
            offers.reserve_coupon(coupon=coupon, reference=key, amount=1_000, at=clock.now())
            offers.commit_redemption(reference=key, at=clock.now())

    def redeem_plainly(thread: int, turn: int) -> None:
        key = f"bench:{thread}:{turn}"
        for statements in (
            [("SELECT issued FROM bench_offer WHERE id = 1 FOR UPDATE", []),
             ("INSERT INTO bench_coupon (key) VALUES (%s)", [key]),
             ("UPDATE bench_offer SET issued = issued + 1 WHERE id = 1", [])],
            [("SELECT spent FROM bench_offer WHERE id = 1 FOR UPDATE", []),
             ("UPDATE bench_offer SET spent = spent + 1000 WHERE id = 1", [])],
            [("UPDATE bench_coupon SET used_at = now() WHERE key = %s", [key])],
        ):  # fmt: skip
            with transaction.atomic(), connection.cursor() as cursor:
                for sql, values in statements:
                    cursor.execute(sql, values)

    def pay(thread: int, turn: int) -> None:
        payments.settle_at_counter(
            reference=f"bench:{thread}:{turn}", amount=Amount(12_000, 0, 1_091), item_name="국수", payer="counter",
            payee=f"shop:{shop.public_id}", key=ids.new_code(20), by="bench", at=clock.now(),
        )  # fmt: skip

    def pay_plainly(thread: int, turn: int) -> None:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SELECT balance FROM bench_shop WHERE id = 1 FOR UPDATE")
            cursor.execute("INSERT INTO bench_payment (key, amount) VALUES (%s, 12000)", [ids.new_code(20)])
            cursor.execute("UPDATE bench_shop SET balance = balance + 12000 WHERE id = 1")

    rates = {
        name: round(per_second(act, threads, seconds), 1)
        for name, act in (
            ("redemptions_per_s", redeem),
            ("plain_redemptions_per_s", redeem_plainly),
            ("payments_per_s", pay),
            ("plain_payments_per_s", pay_plainly),
        )
    }
    return {
        **rates,
        "redemptions_ratio": round(rates["redemptions_per_s"] / rates["plain_redemptions_per_s"], 3),
        "payments_ratio": round(rates["payments_per_s"] / rates["plain_payments_per_s"], 3),
        "threads": threads,
        "seconds": seconds,
    }


def main() -> int:
    said = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    said.add_argument("--seconds", type=float, default=10)
    said.add_argument("--threads", type=int, default=8)
    said.add_argument("--write", type=Path, default=RESULTS / "money.json")
    options = said.parse_args()
    with tempfile.TemporaryDirectory(prefix="dure-money-") as folder:
        os.environ.pop("DURE_DATABASE_URL", None)
        os.environ.update(DURE_HOME=folder, DJANGO_SETTINGS_MODULE="dure.project.settings")
        import django

        django.setup()
        from dure.project import postgres, supervisor

        with postgres.borrowed(Path(folder)):
            supervisor.migrate()
            result = measure(options.threads, options.seconds)
            from django.db import connections

            connections.close_all()
            connections["default"].close_pool()  # type: ignore[attr-defined]
    options.write.parent.mkdir(parents=True, exist_ok=True)
    options.write.write_text(json.dumps(result, indent=2) + "\n")
    for name, value in result.items():
        print(f"{name:28} {value}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
