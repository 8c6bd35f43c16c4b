"""Given-up jobs at the office: seen with their reason, tried anew or let go, and who did it stays written down."""

import pytest
from django.contrib.admin.models import LogEntry
from django.test import Client
from procrastinate.contrib.django.models import ProcrastinateJob

from dure.kit import jobs
from dure.people import actions as people
from tests.rooms.kit.test_jobs import begun, run
from tests.web.office.test_office import NOON

pytestmark = pytest.mark.django_db
PAGE = "/office/jobs/"


@pytest.fixture
def given_up() -> list[int]:
    numbers = [begun(), begun()]
    run("UPDATE procrastinate_jobs SET status = 'failed', attempts = %s", jobs.ATTEMPTS_MAX)
    run("INSERT INTO job_trouble VALUES (%s, 'KeyError settlement/actions/payouts.py:88', now())", numbers[0])
    return numbers


def client_of(*, operator: bool) -> Client:
    client = Client()
    client.force_login(people.open_account(email="somebody@example.com", operator=operator, at=NOON))
    return client


def test_an_operator_sees_why_and_tries_anew_or_lets_go(given_up: list[int]) -> None:
    operator = client_of(operator=True)
    shown = operator.get(PAGE, headers={"Accept-Language": "ko"}).content.decode()
    assert "KeyError settlement/actions/payouts.py:88" in shown
    assert "일꾼이 멈췄어요" in shown, "what left no reason ended its worker"
    assert operator.post(f"{PAGE}{given_up[0]}/step", {"do": "again"}).status_code == 302
    assert operator.post(f"{PAGE}{given_up[1]}/step", {"do": "forget"}).status_code == 302
    states = dict(ProcrastinateJob.objects.values_list("pk", "status"))
    assert [states[number] for number in given_up] == ["todo", "cancelled"]
    assert LogEntry.objects.filter(object_repr="job:kit.hear").count() == 2
    after = operator.get(PAGE, headers={"Accept-Language": "en"}).content.decode()
    assert "No job was given up." in after
    assert after.count("job:kit.hear") == 2


@pytest.mark.parametrize("sent", [{"do": "again"}, {"do": "explode"}, {}])
def test_what_cannot_be_done_is_told_and_changes_nothing(given_up: list[int], sent: dict[str, str]) -> None:
    operator = client_of(operator=True)
    assert operator.post(f"{PAGE}999999/step", sent, follow=True).status_code == 200
    assert set(ProcrastinateJob.objects.values_list("status", flat=True)) == {"failed"}
    assert not LogEntry.objects.exists()


def test_nobody_else_comes_in(given_up: list[int]) -> None:
    other = client_of(operator=False)
    assert other.get(PAGE).status_code in (302, 403)
    other.post(f"{PAGE}{given_up[0]}/step", {"do": "again"})
    assert set(ProcrastinateJob.objects.values_list("status", flat=True)) == {"failed"}
