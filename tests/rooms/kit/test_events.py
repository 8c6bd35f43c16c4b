from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

import pytest
from django.db import transaction
from procrastinate.contrib.django.models import ProcrastinateJob

from dure.kit import events

AT = datetime(2026, 11, 23, 3, tzinfo=UTC)
heard: list[events.Fact] = []


@dataclass(frozen=True, slots=True, kw_only=True)
class BellRang(events.Fact):
    number: int
    name: str | None
    parts: tuple[int, ...] = ()


def listen(fact: BellRang) -> None:
    heard.append(fact)


def refuse(fact: BellRang) -> None:
    raise RuntimeError("not now")


@pytest.fixture(autouse=True)
def silence() -> Iterator[None]:
    yield
    heard.clear()
    at_once, afterwards = events.listeners().get(BellRang, ([], []))
    at_once.clear()
    afterwards.clear()


RANG = BellRang(number=3, name="종", parts=(1, 2), at=AT)


def test_a_fact_survives_the_queue_unchanged() -> None:
    assert events.unpack(events.pack(RANG)) == RANG
    assert events.unpack(events.pack(BellRang(number=1, name=None, at=AT))) == BellRang(number=1, name=None, at=AT)


@pytest.mark.django_db
def test_who_hears_at_once_hears_inside_the_transaction() -> None:
    events.at_once(BellRang, listen)
    with transaction.atomic():
        events.publish(RANG)
        assert heard == [RANG]


@pytest.mark.django_db
def test_who_hears_afterwards_gets_a_job_that_tells_the_same() -> None:
    events.afterwards(BellRang, listen)
    with transaction.atomic():
        events.publish(RANG)
    assert heard == []
    [job] = ProcrastinateJob.objects.filter(task_name="kit.hear")
    events.hear(**job.args)
    assert heard == [RANG]


@pytest.mark.django_db(transaction=True)
def test_a_fact_that_a_listener_refuses_never_happened() -> None:
    events.afterwards(BellRang, listen)
    events.at_once(BellRang, refuse)
    with pytest.raises(RuntimeError, match="not now"), transaction.atomic():
        events.publish(RANG)
    assert not ProcrastinateJob.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_a_fact_published_outside_a_transaction_is_a_bug() -> None:
    with pytest.raises(RuntimeError, match="outside a transaction"):
        events.publish(RANG)
