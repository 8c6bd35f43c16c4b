"""The practice provider's pages, Korean and English side by side. Every value is escaped where it is put in."""

from html import escape
from pathlib import Path
from string import Template

from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from dure.sandbox.contract import back_from
from dure.sandbox.faults import CALLS, Faults, Kind
from dure.sandbox.store import Payment
from dure.sandbox.toss import TossPayment
from dure.sandbox.toss import back_from as toss_back_from

_HERE = Path(__file__).parent
_STYLE = (_HERE / "sandbox.css").read_text()
_PAGE, _PAY, _OVER, _DESK, _SWITCH, _ROW = (
    Template((_HERE / f"{name}.html").read_text()) for name in ("page", "pay", "over", "desk", "switch", "row")
)

# `form-action` stays open: pressing a button sends the browser back to the shop that asked.
HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; base-uri 'none'; frame-ancestors 'none'",
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}

_STATUS = {
    "READY": ("기다리는 중", "waiting"),
    "AUTH_PASSWORD": ("동의함", "agreed"),
    "SUCCESS_PAYMENT": ("결제됨", "paid"),
    "PART_CANCEL_PAYMENT": ("일부 돌려줌", "partly returned"),
    "CANCEL_PAYMENT": ("돌려줌", "returned"),
    "QUIT_PAYMENT": ("취소함", "cancelled"),
    "FAIL_PAYMENT": ("실패", "failed"),
    "IN_PROGRESS": ("동의함", "agreed"),
    "DONE": ("결제됨", "paid"),
    "PARTIAL_CANCELED": ("일부 돌려줌", "partly returned"),
    "CANCELED": ("돌려줌", "returned"),
    "ABORTED": ("취소함", "cancelled"),
    "EXPIRED": ("시간이 지남", "expired"),
}
_KINDS = {
    Kind.TIMEOUT_BEFORE: ("처리 전 무응답", "no answer, nothing done"),
    Kind.TIMEOUT_AFTER: ("처리 후 무응답", "done, no answer"),
    Kind.ERROR_5XX_BEFORE: ("처리 전 오류", "error, nothing done"),
    Kind.ERROR_5XX_AFTER: ("처리 후 오류", "done, error"),
    Kind.UNKNOWN_BEFORE: ("처리 전 모르는 코드", "unknown code, nothing done"),
    Kind.UNKNOWN_AFTER: ("처리 후 모르는 코드", "done, unknown code"),
    Kind.REFUSED: ("거절", "refused"),
    Kind.SLOW: ("느린 응답", "slow answer"),
    Kind.CUT: ("끊긴 응답", "cut answer"),
    Kind.LATE: ("한참 뒤 처리", "done much later"),
    Kind.STALE: ("옛 상태로 응답", "stale answer"),
    Kind.PROCESSING: ("처리 중이라고 응답", "still processing"),
}
_CALL_WORDS = {
    "ready": ("준비", "ready"),
    "approve": ("승인", "approve"),
    "order": ("조회", "order"),
    "cancel": ("취소", "cancel"),
    "subscription": ("다시 청구", "subscription"),
    "inactive": ("정기 해지", "inactive"),
    "status": ("정기 조회", "status"),
    "toss_create": ("토스 준비", "Toss create"),
    "toss_confirm": ("토스 승인", "Toss confirm"),
    "toss_query": ("토스 조회", "Toss query"),
    "toss_cancel": ("토스 취소", "Toss cancel"),
}


def pay(payment: Payment) -> Response:
    """Where the person pays at Kakao Pay, or sees that it is over."""
    waiting = payment.status in ("READY", "AUTH_PASSWORD")
    back = back_from(payment) if payment.approval_url else "/"
    return _paying(f"/pay/{payment.tid}", payment.item_name, payment.total, payment.status, back, waiting=waiting)


def toss_pay(payment: TossPayment) -> Response:
    """Where the person pays at Toss, or sees that it is over."""
    waiting = payment.status in ("READY", "IN_PROGRESS")
    path = f"/toss/pay/{payment.paymentKey}"
    back = toss_back_from(payment)
    return _paying(path, payment.orderName, payment.totalAmount, payment.status, back, waiting=waiting)


def _paying(path: str, item: str, total: int, status: str, back: str, *, waiting: bool) -> Response:
    ko, en = _STATUS.get(status, (status, status))
    inner = (_PAY if waiting else _OVER).substitute(
        path=escape(path), item=escape(item), won=f"{total:,}", ko=escape(ko), en=escape(en), back=escape(back)
    )
    return _page(f"{total:,}원 결제", "pay", inner)


def missing() -> Response:
    """No such payment here."""
    return _page(
        "없는 결제",
        "pay",
        '<h1>없는 결제예요</h1><p lang="en">There is no such payment here.</p>',
        status=404,
    )


def desk(newest: list[Payment], toss: list[TossPayment], faults: Faults) -> Response:
    """The switches, and what came in lately."""
    switches = "".join(
        _SWITCH.substitute(
            call=call,
            ko=_CALL_WORDS[call][0],
            en=_CALL_WORDS[call][1],
            options="".join(_option(kind, call, faults) for kind in Kind),
            left=faults.set[call].count if call in faults.set else 1,
            on="on" if call in faults.set else "off",
        )
        for call in CALLS
    )
    rows = "".join(
        _row(f"/pay/{one.tid}", one.item_name, one.total - one.canceled, one.status, one.created_at) for one in newest
    )
    rows += "".join(
        _row(f"/toss/pay/{one.paymentKey}", one.orderName, one.totalAmount, one.status, one.requestedAt) for one in toss
    )
    return _page("결제 연습장", "desk", _DESK.substitute(switches=switches, rows=rows or _NOTHING))


def _row(path: str, item: str, won: int, status: str, at: str) -> str:
    ko, en = _STATUS.get(status, (status, status))
    return _ROW.substitute(
        path=escape(path), item=escape(item), won=f"{won:,}", ko=escape(ko), en=escape(en), at=escape(at[11:19])
    )


_NOTHING = '<li class="nothing">아직 들어온 결제가 없어요 <span lang="en">No payments yet</span></li>'


def _option(kind: Kind, call: str, faults: Faults) -> str:
    ko, en = _KINDS[kind]
    chosen = " selected" if call in faults.set and faults.set[call].kind is kind else ""
    return f'<option value="{kind}"{chosen}>{ko} · {en}</option>'


async def style(request: Request) -> Response:
    """The one style sheet."""
    return Response(_STYLE, media_type="text/css", headers={"Cache-Control": "max-age=300"})


def filled(title: str, kind: str, inner: str) -> str:
    """A whole page around what is inside it."""
    return _PAGE.substitute(title=escape(title), kind=kind, inner=inner)


def _page(title: str, kind: str, inner: str, *, status: int = 200) -> Response:
    return HTMLResponse(filled(title, kind, inner), status_code=status, headers=HEADERS)
