"""People in PostgreSQL become the index that the same people in a file become."""

from pathlib import Path

import pytest
from django.db import connection

from dure.audiences.engine.expression import Between, Everybody, Is, Not
from dure.audiences.engine.traits import Kind, Trait
from dure.audiences.storage.build import build
from dure.audiences.storage.folder import Folder
from dure.audiences.storage.postgres import export

SCHEMA = (
    Trait("region", Kind.REGION),
    Trait("sex", Kind.CHOICE, ("f", "m"), sorted=True),
    Trait("taste", Kind.SET, ("coffee", "noodles")),
    Trait("visits", Kind.NUMBER, low=0, high=60),
)
PEOPLE = """
SELECT n AS person, CASE WHEN n % 3 = 0 THEN 1144066000 ELSE 1111051500 END AS region, n % 2 AS sex,
       CASE WHEN n % 5 = 0 THEN NULL ELSE n % 4 END AS taste, nullif(n % 50, 7) AS visits
FROM generate_series(1, 90000) AS n
"""


@pytest.mark.django_db
def test_a_copy_becomes_an_index(tmp_path: Path) -> None:
    with connection.cursor() as cursor:
        file = export(cursor.connection, PEOPLE, SCHEMA, tmp_path / "people.parquet")
    folder = Folder(tmp_path / "index")
    build(file, SCHEMA, folder)
    index, ids = folder.open(), range(1, 90_001)
    assert index.count(Everybody()) == 90_000
    assert index.count(Is("region", ("11440",))) == 30_000
    assert index.count(Is("sex", ("m",))) == 45_000
    assert index.count(Is("taste", ("coffee",))) == sum(n % 5 != 0 and n % 4 in (1, 3) for n in ids)
    assert index.count(Between("visits", 5, 9)) == sum(5 <= n % 50 <= 9 and n % 50 != 7 for n in ids)
    assert index.count(Not(Between("visits", None, None))) == sum(n % 50 == 7 for n in ids)
