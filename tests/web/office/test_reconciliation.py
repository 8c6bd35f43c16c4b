"""The operator's page: a file is read, each difference waits for its explanation, nobody else comes in."""

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from dure.people import actions as people
from dure.settlement.models import Difference, Explanation, ProviderFile
from tests import cast

pytestmark = pytest.mark.django_db
PAGE = "/office/reconciliation/"
GOOD = b"type,payment,traded_on,amount,fee,deposit_on\nsale,pay_nobodys,2026-11-23,500,9,\n"


@pytest.fixture
def operator() -> Client:
    client = Client()
    client.force_login(people.open_account(email="operator@example.com", operator=True, at=cast.NOON))
    return client


def sent(client: Client, content: bytes, **more: str) -> str:
    data = {"provider": "kakaopay", "layout": "dure", "file": SimpleUploadedFile("<b>x.csv", content), **more}
    return client.post(PAGE, data, follow=True).content.decode()


def test_a_file_is_read_and_each_difference_explained(operator: Client) -> None:
    assert "지금은 차이가 없어요" in operator.get(PAGE).content.decode()
    page = sent(operator, GOOD)
    assert "pay_nobodys" in page
    assert "우리에게 없음" in page
    assert "<b>x.csv" not in page
    one = Difference.objects.get()
    where = f"{PAGE}{one.pk}/explanation"
    operator.post(where, {"text": "  "})
    assert not Explanation.objects.exists()
    page = operator.post(where, {"text": "연습 거래"}, follow=True).content.decode()
    assert "연습 거래" in page
    assert "지금은 차이가 없어요" in page
    assert Explanation.objects.get().by.startswith("operator:per_")


def test_what_is_wrong_is_told_by_row(operator: Client) -> None:
    assert "3째 줄, amount 칸" in sent(operator, GOOD + b"sale,pay_b,2026-11-23,x,0,\n")
    assert "정산 파일로 읽을 수 없어요" in sent(operator, b"PK\x03\x04")
    assert operator.post(PAGE, {"provider": "a b", "layout": "x"}).status_code == 422
    assert operator.post(f"{PAGE}99999999999999999999/explanation", {"text": "x"}).status_code == 404
    assert not ProviderFile.objects.exists()


def test_nobody_else_comes_in() -> None:
    client = Client()
    for where in (PAGE, f"{PAGE}1/explanation"):
        assert client.post(where, {"text": "x"}).status_code == 302
    client.force_login(people.open_account(email="kim@example.com", at=cast.NOON))
    assert client.get(PAGE, follow=True).status_code == 403
    assert client.post(f"{PAGE}1/explanation", {"text": "x"}, follow=True).status_code == 403
    assert not Explanation.objects.exists()
