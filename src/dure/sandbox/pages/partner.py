"""The practice partner's pages: its window, and one order."""

from collections.abc import Mapping, Sequence
from html import escape
from typing import Protocol

from starlette.responses import HTMLResponse

from dure.sandbox.pages import HEADERS, filled

STATES = {
    "open": ("결제를 기다려요", "waiting to be paid"),
    "paid": ("결제됐어요. 내일 보내 드려요", "paid: we ship tomorrow"),
    "cancelled": ("취소됐어요", "cancelled"),
    "expired": ("시간이 지났어요", "expired"),
    "refused": ("두레가 받지 않았어요. 잠시 뒤에 다시 사 주세요", "Dure did not take it: please buy again in a moment"),
    "returned": ("돈을 돌려드렸어요", "returned"),
}
Goods = Mapping[str, tuple[str, str, int]]


class Bought(Protocol):
    """An order as the pages read it."""

    number: str
    goods: str
    won: int
    at: str
    state: str
    told: str


def window(goods: Goods, orders: Sequence[Bought], *, connected: bool, refused: int) -> HTMLResponse:
    """What is for sale, and what was bought lately."""
    cards = "".join(
        f'<li><form method="post" action="/partner/orders"><input type="hidden" name="goods" value="{escape(id_)}">'
        f'<p><strong>{escape(ko)}</strong> <span lang="en">{escape(en)}</span></p>'
        f'<button class="buy"><span class="won">{won:,}원</span> 사기 <span lang="en">Buy</span></button></form></li>'
        for id_, (ko, en, won) in goods.items()
    )
    rows = "".join(
        f'<li><a href="/partner/orders/{escape(one.number)}"><span>{escape(goods[one.goods][0])}</span> '
        f'<span class="won">{one.won:,}원</span> <span>{_state(one.state)[0]}</span> '
        f"<time>{escape(one.at[11:19])}</time></a></li>"
        for one in orders
    )
    nothing = '<li class="nothing">아직 없어요 <span lang="en">None yet</span></li>'
    unknown = (
        ""
        if connected
        else '<p class="hint">아직 두레에 연결되지 않았어요. <code>make run</code>을 다시 해 주세요. <span lang="en">Not connected to Dure yet: run <code>make run</code> again.</span></p>'
    )
    return _page(
        "밀키트 가게 (연습)",
        f'<section><h1>두레국수 밀키트 <span lang="en">Meal kits by 두레국수</span></h1>'
        '<p class="hint">두레의 API만 아는 다른 회사의 가게예요. 사기를 누르면 두레의 결제 페이지로 가고, 서명된 웹훅이 와야 결제된 것으로 믿어요. '
        '<span lang="en">Somebody else’s shop that knows only Dure’s API. Buying leads to Dure’s page; it is paid once a signed webhook says so.</span></p>'
        f'{unknown}<ul class="goods">{cards}</ul></section>'
        f'<section><h2>최근 주문 <span lang="en">Latest orders</span></h2><ul class="payments">{rows or nothing}</ul>'
        f'<p class="hint">서명이 틀려서 믿지 않은 웹훅 {refused}개 <span lang="en">Webhooks refused for a wrong signature: {refused}</span></p></section>',
    )


def order(one: Bought, goods: tuple[str, str, int]) -> HTMLResponse:
    """One order: what we believe, and why. It looks again by itself while it waits."""
    ko, en = _state(one.state)
    waits = one.state == "open"
    ask = (
        f'<form method="post" action="/partner/orders/{escape(one.number)}/asking"><button>두레에 물어보기 <span lang="en">Ask Dure</span></button></form>'
        if waits
        else ""
    )
    proof = f'<p class="hint">{escape(one.told)}</p>' if one.told else ""
    return _page(
        "주문 (연습)",
        f'<section class="sum"><h1>{escape(goods[0])} <span lang="en">{escape(goods[1])}</span></h1><p class="won">{one.won:,}<small>원</small></p></section>'
        f'<p class="over" role="status"><strong>{ko}</strong> <span lang="en">{en}</span></p>{proof}{ask}'
        '<p><a class="go" href="/partner">가게로 <span lang="en">Back to the shop</span></a></p>',
        refresh=2 if waits else 0,
    )


def _state(state: str) -> tuple[str, str]:
    ko, en = STATES.get(state, (state, state))
    return escape(ko), escape(en)


def _page(title: str, inner: str, *, refresh: int = 0) -> HTMLResponse:
    headers = {**HEADERS, **({"Refresh": str(refresh)} if refresh else {})}
    return HTMLResponse(filled(title, "desk partner", inner), headers=headers)
