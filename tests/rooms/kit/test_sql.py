"""A question whose SQL is written once answers as the queryset does, and refuses what it cannot keep."""

from datetime import UTC, datetime

import pytest
from django.db import DataError, connection, transaction
from django.db.backends.postgresql.psycopg_any import register_tzloader
from django.db.models import Count, F, QuerySet
from django.test.utils import CaptureQueriesContext
from psycopg.pq import Format

from dure.kit.sql import InstantLoader, numbers, rewrite, write, write_unless_there, written_once
from dure.menu.models import Section
from dure.payments.models import Payment
from dure.shops import fence
from dure.shops.models import Shop, Table
from tests.cast import NOON, noodle_house

pytestmark = pytest.mark.django_db


@pytest.fixture
def shop() -> Shop:
    return noodle_house()


@written_once
def tables_named(shop_id: int, names: tuple[str, ...]) -> QuerySet[Table]:
    tables = Table.objects.select_related("shop").annotate(after=F("position") + 1)
    return tables.filter(shop_id=shop_id, name__in=names).order_by("-position")


@written_once
def locked(shop_id: int) -> QuerySet[Shop]:
    return Shop.objects.select_for_update().filter(id=shop_id)


def test_it_answers_as_the_queryset_does_for_each_argument_anew(shop: Shop) -> None:
    shop.hours = {"0": ["11:00", "15:00"]}
    shop.save(update_fields=["hours"])
    for names in (("1", "2"), ("3", "1"), ("2",), ("no such table",), ("1", "%s' OR 1=1 --")):
        with CaptureQueriesContext(connection) as asked:
            found = tables_named(shop.id, names)
        assert len(asked) == 1
        assert found == list(Table.objects.filter(shop=shop, name__in=names).order_by("-position"))
        for table in found:
            assert (table.shop, table.shop.hours) == (shop, {"0": ["11:00", "15:00"]})
            assert table.after == table.position + 1  # type: ignore[attr-defined]
    assert len(tables_named(shop.id, ("3", "1"))) == 2
    assert tables_named(shop.id + 1, ("1", "2")) == []


def test_its_text_is_planned_once_a_connection_and_then_only_filled_in(shop: Shop) -> None:
    for name in ("1", "2", "no such table", "3", "1"):
        found = tables_named(shop.id, (name,))
        assert found == list(Table.objects.filter(shop=shop, name=name))
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_prepared_statements WHERE statement LIKE '%%\"after\"%%shops_table%%'")
        assert cursor.fetchone() == (1,)


def test_what_it_gives_is_a_model_like_any_other(shop: Shop) -> None:
    [table] = tables_named(shop.id, ("2",))
    table.name = "창가"
    table.save(update_fields=["name"])
    assert Table.objects.get(id=table.id).name == "창가"
    assert tables_named(shop.id, ("2",)) == []


def test_nothing_is_in_an_empty_tuple_and_nothing_is_asked(shop: Shop) -> None:
    with CaptureQueriesContext(connection) as asked:
        assert tables_named(shop.id, ()) == []
    assert len(asked) == 0


def test_it_refuses_what_would_need_another_text(shop: Shop) -> None:
    with pytest.raises(TypeError, match="None cannot stand"):
        tables_named(None, ("1",))  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="by position"):
        tables_named(shop_id=shop.id, names=("1",))


def test_it_refuses_a_question_that_looks_at_its_arguments() -> None:
    @written_once
    def later(at: datetime, name: str) -> QuerySet[Shop]:
        return Shop.objects.filter(name=name.upper(), created_at__gt=at)

    @written_once
    def ignoring(at: datetime, name: str) -> QuerySet[Shop]:
        return Shop.objects.filter(created_at__gt=at).annotate(n=Count("tables"))

    for question in (later, ignoring):
        with pytest.raises(TypeError, match="as they are"):
            question(NOON, "두레")


@pytest.mark.django_db(transaction=True)
def test_it_locks_only_inside_a_transaction(shop: Shop) -> None:
    with transaction.atomic():
        assert locked(shop.id) == [shop]
    with pytest.raises(transaction.TransactionManagementError):
        locked(shop.id)


def test_a_row_is_written_unless_its_key_is_taken() -> None:
    def wanted(public_id: str) -> Payment:
        return Payment(
            public_id=public_id, key="once", provider="counter", reference="bil_1", item_name="국수", payer="counter",
            payee="shop:1", amount=8_000, tax_free=0, vat=727, created_at=NOON,
        )  # fmt: skip

    first, second = wanted("pay_1"), wanted("pay_2")
    assert write_unless_there(first, unique="key")
    assert not write_unless_there(second, unique="key")
    assert second.pk is None
    first.amount = 9_000
    first.save(update_fields=["amount"])
    kept = Payment.objects.get()
    assert (kept, kept.public_id, kept.amount) == (first, "pay_1", 9_000)


def test_rows_are_written_in_their_order_and_keep_every_kind_of_value(shop: Shop) -> None:
    words = [{"ko": "면", "en": "Noodles"}, {"ko": "'; --"}, {}]
    rows = [Section(shop=shop, public_id=f"sec_{n}", name=name, position=n) for n, name in enumerate(words)]
    with fence.within_shop(shop.id):
        with CaptureQueriesContext(connection) as asked:
            write(*rows)
        assert len(asked) == 1
        kept = Section.objects.filter(public_id__startswith="sec_", id__in=[row.id for row in rows]).order_by("id")
        assert [(one.id, one.name, one.position) for one in kept] == [(r.id, r.name, r.position) for r in rows]
        rows[0].position = 7
        rows[0].save()
        assert Section.objects.get(id=rows[0].id).position == 7


def test_columns_of_a_row_are_rewritten_and_no_others(shop: Shop) -> None:
    table, other = Table.objects.order_by("pk")[:2]
    table.name, table.position, table.retired_at = "창가", 99, NOON
    rewrite(table, "name", "retired_at")
    fresh = Table.objects.get(pk=table.pk)
    assert (fresh.name, fresh.retired_at) == ("창가", NOON)
    assert fresh.position != 99
    assert Table.objects.get(pk=other.pk).name != "창가"


@pytest.mark.parametrize("many", [0, 1, 3, 100_000])
def test_numbers_come_as_they_are_in_the_database(many: int) -> None:
    found = numbers(
        "SELECT n * %(far)s FROM generate_series(1, %(many)s) n ORDER BY n", {"far": -(2**40), "many": many}
    )
    assert found.tolist() == [n * -(2**40) for n in range(1, many + 1)]


def test_numbers_are_asked_for_with_values_that_stay_values(shop: Shop) -> None:
    """What looks like SQL is a value here too: a copy takes no parameters of its own."""
    query = "SELECT id FROM shops_shop WHERE name = %s"
    assert numbers(query, [shop.name]).tolist() == [shop.pk]
    assert numbers(query, ["x' OR true) TO STDOUT; --"]).tolist() == []


INSTANTS = (
    "2026-11-29 21:40:00+09",
    "2026-11-29 12:40:00.5+00",
    "1999-12-31 23:59:59.999999+00",
    "0001-01-01 00:00:00+00",
    "9999-12-31 23:59:59.999999+00",
    "1908-04-01 00:00:00+08:27:52",
)


@pytest.mark.parametrize("written", INSTANTS)
def test_an_instant_is_read_as_django_reads_it(written: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT %s::timestamptz", [written])
        (ours,) = cursor.fetchone()
        register_tzloader(UTC, cursor)
        cursor.execute("SELECT %s::timestamptz", [written])
        (theirs,) = cursor.fetchone()
    assert (ours, ours.tzinfo) == (theirs, theirs.tzinfo) == (ours, UTC)


@pytest.mark.parametrize("written", ["infinity", "0044-03-15 12:00+00 BC", "12000-01-01 00:00+00"])
def test_an_instant_that_no_datetime_can_say_is_refused(written: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT %s::timestamptz", [written])
        with pytest.raises(DataError):
            cursor.fetchone()


def test_connections_read_instants_our_way() -> None:
    with connection.cursor() as cursor:
        adapters = cursor.cursor.adapters
        assert adapters.get_loader(adapters.types["timestamptz"].oid, Format.TEXT) is InstantLoader
