"""A shop's message balance: topped up through a provider, used after what was granted, taken back, and every won told."""

from urllib.parse import urlsplit

import pytest
from django.test import Client
from django.urls import reverse

from dure.campaigns import actions as campaigns
from dure.campaigns import errors, queries
from dure.kit import clock
from dure.ledger import queries as ledger
from dure.messaging import actions as messaging
from dure.messaging.errors import NotEnoughBalance
from dure.messaging.values import Medium, MessageKind
from dure.payments import actions as payments
from dure.payments.models import Payment, Refund
from dure.shops.models import Shop
from tests import cast
from tests.provider import Sandbox
from tests.web.customer.test_wallet import key_in

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def noodles(db: None) -> Shop:
    return cast.noodle_house()


def log_in(who: cast.Character) -> Client:
    client = Client(headers={"accept-language": "ko"})
    client.force_login(cast.person(who), backend="dure.people.sessions.ByPassword")
    return client


def page(client: Client, shop: Shop, name: str = "balance") -> str:
    return reverse(f"console:{name}", args=[shop.public_id])


def topped_up(client: Client, shop: Shop, sandbox: Sandbox, amount: int = 30_000, provider: str = "kakaopay") -> None:
    key = key_in(client.get(page(client, shop)).content.decode())
    said = {"amount": amount, "provider": provider, "key": key}
    went = client.post(page(client, shop, "balance_top_up"), said)
    assert went.status_code == 303
    back = urlsplit(sandbox.press(went["Location"]))
    assert client.get(f"{back.path}?{back.query}")["Location"] == page(client, shop)


@pytest.mark.parametrize("provider", ["kakaopay", "toss"])
def test_a_top_up_is_on_the_balance_and_goes_back_where_it_came_from(
    noodles: Shop, sandbox: Sandbox, provider: str
) -> None:
    client = log_in(cast.SOONI)
    topped_up(client, noodles, sandbox, provider=provider)
    assert queries.message_balance(noodles) == 30_000
    text = client.get(page(client, noodles)).content.decode()
    assert "30,000원 돌려받기" in text
    assert "충전" in text
    assert client.post(page(client, noodles, "balance_back")).status_code == 303
    assert queries.message_balance(noodles) == 0
    payments.carry_out_refund(refund=Refund.objects.get(), at=clock.now())
    assert Payment.objects.get().refunded == 30_000
    text = client.get(page(client, noodles)).content.decode()
    assert "−30,000원" in text or "-30,000원" in text
    assert client.post(page(client, noodles, "balance_back")).status_code == errors.NothingToReturn.status
    assert [one.won for one in queries.balance_moves(noodles)] == [-30_000, 30_000]


def test_a_grant_is_used_first_and_never_paid_out(noodles: Shop, sandbox: Sandbox) -> None:
    client, at = log_in(cast.SOONI), clock.now()
    for _ in range(2):
        campaigns.grant_messages(shop=noodles, won=5_000, key="spring", by="operator:t", at=at)
    with pytest.raises(errors.NothingToReturn):
        campaigns.take_balance_back(shop=noodles, by="t", at=at)
    topped_up(client, noodles, sandbox, 10_000)
    sending = messaging.open_sending(
        key="k", reference="campaign:cmp_x", sender="shop:x", sender_name="두레국수", kind=MessageKind.INFORMATION,
        media=[Medium.INBOX], title="알려 드려요", body="글", topic="order", link="/", not_before=at,
        expires_at=at.replace(year=at.year + 1), payer=queries.message_account(noodles), at=at,
    )  # fmt: skip
    messaging.hold_price(sending=sending, won=7_000, at=at)
    assert queries.message_balance(noodles) == 8_000
    (refund,) = campaigns.take_balance_back(shop=noodles, by="t", at=at)
    assert refund.amount == 8_000
    assert queries.message_balance(noodles) == 0
    assert ledger.balance_of(queries.SUBSIDY) == -5_000
    assert [(one.movement, one.won, one.balance) for one in queries.balance_moves(noodles)] == [
        ("returned", -8_000, 0),
        ("held", -7_000, 8_000),
        ("top_up", 10_000, 15_000),
        ("grant", 5_000, 5_000),
    ]
    with pytest.raises(NotEnoughBalance):
        messaging.hold_price(sending=sending, won=8_000, at=at)


def test_a_refused_refund_is_back_on_the_balance(noodles: Shop, sandbox: Sandbox) -> None:
    client = log_in(cast.SOONI)
    topped_up(client, noodles, sandbox)
    (refund,) = campaigns.take_balance_back(shop=noodles, by="t", at=clock.now())
    sandbox.faults(cancel={"kind": "refused", "count": 1})
    payments.carry_out_refund(refund=refund, at=clock.now())
    assert queries.message_balance(noodles) == 30_000
    assert queries.balance_moves(noodles)[0].movement == "kept"
    assert queries.top_ups_of(noodles)[0][1] == 30_000


@pytest.mark.parametrize("amount", [9_999, 1_000_001])
def test_too_little_and_too_much_are_refused(noodles: Shop, amount: int) -> None:
    client = log_in(cast.SOONI)
    key = key_in(client.get(page(client, noodles)).content.decode())
    said = {"amount": amount, "provider": "kakaopay", "key": key}
    answer = client.post(page(client, noodles, "balance_top_up"), said)
    assert answer.status_code == 422
    assert "1만 원부터" in answer.content.decode()
    assert not Payment.objects.exists()
