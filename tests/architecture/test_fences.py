"""The second fence: every table that belongs to a shop shows a connection only the rows of the shop it stands in."""

from collections.abc import Iterator

import pytest
from django.apps import apps
from django.db import connection

from dure.menu.models import Item
from dure.shops import fence
from tests import cast

FENCED_ROOMS = (
    "menu",
    "offers",
    "ordering",
    "checkouts",
    "regulars",
    "channels",
    "audiences",
    "targeting",
    "partners",
    "campaigns",
    "lift",
    "settlement",
)
OPERATORS = {"ProviderFile", "Difference", "Explanation", "Asking", "Answer", "Release", "WeekPlan", "WeekPiece", "ScoreModel", "ModelStep"}  # fmt: skip
"""What a provider says of many shops at once and what was learned from all of them, for operators alone; and the privacy budget, which is an owner's or everybody's."""

PEOPLES = {"PayCode"}
"""What a guest's phone shows before any shop has seen it."""

pytestmark = pytest.mark.django_db


def shop_tables() -> Iterator[str]:
    for room in FENCED_ROOMS:
        for model in apps.get_app_config(room).get_models():
            if any(field.column == "shop_id" for field in model._meta.local_fields):
                yield model._meta.db_table


def unfenced(tables: list[str]) -> list[str]:
    """Tables without a policy on shop_id, or whose owner or reader it does not bind."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT class.relname FROM pg_class class JOIN pg_policy policy ON policy.polrelid = class.oid
            WHERE class.relrowsecurity AND class.relforcerowsecurity
              AND pg_get_expr(policy.polqual, class.oid) LIKE '%dure.shop%shop_id%'
            """
        )
        fenced = {row[0] for row in cursor.fetchall()}
    return [table for table in tables if table not in fenced]


def test_every_table_of_a_shop_is_fenced() -> None:
    tables = list(shop_tables())
    assert len(tables) >= 15
    assert unfenced(tables) == []


def test_every_row_below_a_shop_names_its_shop() -> None:
    missing = [
        model.__name__
        for room in FENCED_ROOMS
        for model in apps.get_app_config(room).get_models()
        if not any(field.column == "shop_id" for field in model._meta.local_fields)
    ]
    assert set(missing) == OPERATORS | PEOPLES


def test_a_table_without_a_fence_is_noticed() -> None:
    with connection.cursor() as cursor:
        cursor.execute("CREATE TEMPORARY TABLE planted (shop_id bigint)")
        cursor.execute("ALTER TABLE menu_item NO FORCE ROW LEVEL SECURITY")
    assert unfenced(["planted", "menu_item", "menu_section"]) == ["planted", "menu_item"]


def test_the_application_cannot_step_over_the_fence() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT rolsuper OR rolbypassrls FROM pg_roles WHERE rolname = current_user")
        assert cursor.fetchone() == (False,)


def test_inside_one_shop_the_rows_of_another_do_not_exist() -> None:
    noodles, coffee = cast.noodle_house(), cast.zelkova_coffee()
    with fence.within_shop(noodles.pk):
        ours = set(Item.objects.values_list("shop_id", flat=True))
    with fence.within_shop(coffee.pk):
        theirs = set(Item.objects.values_list("shop_id", flat=True))
    assert (ours, theirs) == ({noodles.pk}, {coffee.pk})
    assert not Item.objects.exists()
