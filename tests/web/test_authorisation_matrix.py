"""Every address × ten people × own and foreign things: generated from the resolver, judged by what each view declares.

A new page is asked as soon as it has an address. One that names something new in its address fails until
`neighbourhood.py` knows what that is.
"""

import re
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from django.http import HttpResponse

from dure.checkouts import queries as checkouts
from dure.checkouts.models import Checkout
from dure.ordering import queries as orders
from dure.ordering.models import Order
from dure.shops import actions as shops
from dure.shops import fence
from dure.shops.values import ABILITIES, Ability, Role
from dure.web.ui import access
from dure.web.ui.access import Access
from tests import cast
from tests.architecture.test_pages import Route, routes
from tests.web.neighbourhood import (
    Actor,
    Furnished,
    Neighbourhood,
    at_noon,
    rows_of,
    settle,
    undone,
    unwatched_templates,
    watched,
)

pytestmark = pytest.mark.django_db

OWN, FOREIGN, MIXED = "own", "foreign", "mixed"
"""MIXED: the shop (or the table) of the address is one's own, what it names further is another shop's."""

IN, OPEN, LOGIN, HIDDEN, FORBIDDEN, REFUSED, UNTOUCHED, UNKNOWN = (
    "in",
    "open",
    "login",
    "hidden",
    "forbidden",
    "refused",
    "untouched",
    "unknown",
)
"""What a row must be. OPEN: an answer to anybody, with nobody's marks. UNTOUCHED: as OPEN, and the other shop's rows stay
as they were. HIDDEN: 404, as if it were not there. UNKNOWN: 401, who asks is nobody that we know."""

PLACES = {"shop", "code"}
PLAIN = {"width", "pack", "character", "pose", "kind", "trigger"}
PRIVATE = {"order", "bill", "message"}
OFFICE, ACCOUNTS, API = "office/", "accounts/", "api/v1/"
POST_TO_THE_OFFICE = {"anonymous", "guest", "owner", "customer"}
ANYBODY_AT_THE_TABLE = {"visit", "calls"}
"""What a phone may ask of a table before it sits there: to sit down, and for help."""


@dataclass(frozen=True)
class Row:
    """One question: who asks which address by which method about whose things, and what must come of it."""

    address: str
    path: str
    method: str
    actor: str
    scope: str
    expected: str


@dataclass(frozen=True)
class Fault:
    row: Row
    why: str

    def __str__(self) -> str:
        row = self.row
        return f"{row.actor}: {row.method} {row.path} ({row.scope}) must be {row.expected}: {self.why}"


QUERIES = {"console/<public_id:shop>/settings/preview.svg": "?look=dure/dubi"}
"""What an address needs behind its question mark to show anything."""


def names_in(address: str) -> list[str]:
    return [a or b for a, b in re.findall(r"\?P<(\w+)>|<(?:\w+:)?(\w+)>", address)]


def path_of(address: str, ids: dict[str, Any]) -> str:
    """The address with what it names filled in. An address that names something unknown is a gap in the matrix."""
    plain = re.sub(r"\(\?P<(\w+)>(?:[^()]|\([^()]*\))*\)", r"<\1>", address)
    plain = plain.replace("^", "").replace("$", "").replace(r"\Z", "").replace("\\", "")
    return "/" + re.sub(r"<(?:\w+:)?(\w+)>", lambda m: str(ids[m[1]]), plain) + QUERIES.get(address, "")


def ids_for(names: list[str], scope: str, here: Furnished, there: Furnished) -> dict[str, Any]:
    own = OFFICE_IDS | here.ids
    foreign = OFFICE_IDS | there.ids
    if scope == OWN:
        return own
    if scope == FOREIGN:
        return foreign
    return {name: (own if name in PLACES else foreign)[name] for name in names}


OFFICE_IDS = {
    "object_id": 1,
    "content_type_id": 1,
    "app_label": "ordering",
    "url": "nothing",
    "uidb36": "1",
    "key": "k",
    "provider": "kakao",
    "pk": 1,
}


def scopes_of(names: list[str]) -> list[str]:
    """An address that names nobody's thing has no foreign variant."""
    things = [name for name in names if name not in PLAIN and name not in OFFICE_IDS]
    if not things:
        return [OWN]
    if set(things) & PLACES and set(things) - PLACES:
        return [OWN, FOREIGN, MIXED]
    return [OWN, FOREIGN]


def expected(declared: Access | None, address: str, names: list[str], method: str, actor: Actor, scope: str) -> str:
    """What the view's own declaration, and the table of roles, say must come of it."""
    if declared is None:
        if address.startswith(OFFICE):
            return OPEN if actor.is_operator else REFUSED
        return OPEN
    where = "there" if scope == FOREIGN else "here"
    match declared.who:
        case "anyone":
            return OPEN
        case "signed_in":
            return IN if actor.is_person else LOGIN
        case "staff":
            role = actor.roles.get(where)
            if not actor.is_person:
                return LOGIN
            if role is None:
                return HIDDEN
            if declared.ability not in ABILITIES[role]:
                return FORBIDDEN
            return REFUSED if scope == MIXED else IN
        case "key":
            if not actor.keeps:
                return UNKNOWN
            return (
                IN
                if (scope == OWN and actor.keeps == "here") or (scope == FOREIGN and actor.keeps == "there")
                else (IN if not names else HIDDEN)
            )
        case "table":
            if scope == MIXED:
                return HIDDEN if method == "GET" else UNTOUCHED
            if method == "GET":
                return OPEN
            if address.rpartition("/")[2] in ANYBODY_AT_THE_TABLE:
                return OPEN
            return IN if actor.name == "guest" and scope == OWN else REFUSED
        case "device":
            if not PRIVATE & set(names):
                return OPEN
            return IN if actor.name == "guest" and scope == OWN else REFUSED
    raise AssertionError(f"the matrix does not know what {declared.who!r} means")


def rows(town: Neighbourhood, wanted: Callable[[Route], bool] = lambda route: True) -> Iterator[tuple[Row, Actor]]:
    for route in routes():
        if not wanted(route):
            continue
        names = names_in(route.address)
        methods = route.access.methods if route.access else ("GET", "POST")
        for actor in town.actors:
            for method in methods:
                if method == "POST" and is_office(route) and actor.name not in POST_TO_THE_OFFICE:
                    continue  # the door is the same for all, and what an operator may do is the office's own test
                for scope in scopes_of(names):
                    ids = ids_for(names, scope, town.here, town.there)
                    said = expected(route.access, route.address, names, method, actor, scope)
                    yield Row(route.address, path_of(route.address, ids), method, actor.name, scope, said), actor


def body(thing: dict[str, Any]) -> dict[str, Any]:
    """Fields that any form might have, all of them naming things of one shop: what a forged request would send."""
    return {
        "to": "accepted", "reason": "test", "item": thing["item"], "section": thing["section"], "shop": thing["shop"],
        "table": thing["spare"], "into": thing["visit"], "visit": thing["visit"], "order": thing["order"],
        "bill": thing["bill"], "coupon": "best", "station": thing["station"], "person": thing["person"],
        "sold_out": "1", "minutes": "10", "name": "test", "name_ko": "test", "price": "1000", "quantity": "2",
        "how": "counter", "key": "matrix-key-1", "why": "staff", "role": "kitchen", "unpaid_because": "test",
        "state": "paused", "purpose": "advertising", "granted": "yes", "email": "nobody@dure.example", "language": "ko",
        "size": "usual", "part": "details", "tables": "1", "category": "cafe", "pay_timing": "first", "leave": "",
        "split_by": "amount", "amount": "500", "do": "back", "line": "1",
    }  # fmt: skip


def ask(row: Row, actor: Actor, town: Neighbourhood) -> HttpResponse:
    client = actor.client()
    if row.method == "GET":
        return client.get(row.path)  # type: ignore[return-value]
    thing = (town.here if row.scope == OWN else town.there).ids
    if row.address.startswith(API):
        sent = {"amount": 1_000, **({"url": "https://hook.dure.example/"} if row.path.endswith("endpoints") else {})}
        sent = {"url": sent["url"]} if "url" in sent else {} if row.path.endswith("resending") else sent
        return client.post(row.path, sent, "application/json", headers={"Idempotency-Key": "matrix-key-1"})  # type: ignore[return-value]
    return client.post(row.path, body(thing))  # type: ignore[return-value]


def is_login(response: HttpResponse) -> bool:
    return response.status_code == 302 and "/accounts/login" in response.headers["Location"]


def judged(row: Row, response: HttpResponse, changed: bool) -> str:
    """Why the answer is wrong; nothing when it is right."""
    status = response.status_code
    refused = is_login(response) or status in (302, 403, 404, 405) or status >= 400
    if status >= 500 and row.address != "healthz":
        return f"{status}"
    right = {
        IN: status < 400 or status in (409, 422),
        OPEN: True,
        UNTOUCHED: not changed,
        LOGIN: is_login(response),
        HIDDEN: status == 404,
        FORBIDDEN: status == 403,
        UNKNOWN: status == 401,
        REFUSED: status == 404 if row.method == "GET" and not row.address.startswith(OFFICE) else refused,
    }[row.expected]
    if not right or (row.expected == IN and is_login(response)):
        return f"{status} {response.headers.get('Location', '')}".strip()
    if changed and row.expected in (LOGIN, HIDDEN, FORBIDDEN, REFUSED, UNKNOWN):
        return f"{status}, and rows changed"
    return ""


def leaks(row: Row, response: HttpResponse, actor: Actor, town: Neighbourhood) -> list[str]:
    """Marks in the answer that this actor may not read. What they wrote into the address themselves is no news."""
    if actor.is_operator and row.address.startswith(OFFICE):
        return []
    content = b"".join(response.streaming_content) if response.streaming else response.content  # type: ignore[attr-defined]
    text = content.decode(errors="replace")
    found = []
    for place in (town.here, town.there):
        for kind, mark in place.marks.items():
            readable = (place.name, kind.partition(" ")[0]) in actor.reads
            if mark and not readable and mark in text and mark not in row.path and not _sent(row, mark, place):
                found.append(f"{kind} of {place.name}")
    return found


def _sent(row: Row, mark: str, place: Furnished) -> bool:
    return row.method == "POST" and mark in map(str, body(place.ids).values())


def walk(town: Neighbourhood, wanted: Callable[[Route], bool] = lambda route: True) -> tuple[Counter[str], list[Fault]]:
    """Ask everything; how many rows came to what, and what went wrong."""
    count: Counter[str] = Counter()
    faults: list[Fault] = []
    before = rows_of(town.here, town.there)
    other_before = rows_of(town.there)
    for row, actor in rows(town, wanted):
        with undone():
            with watched() as pen:
                response = ask(row, actor, town)
            changed = False
            if pen.wrote and row.method == "POST" and row.expected in (LOGIN, HIDDEN, FORBIDDEN, REFUSED, UNKNOWN):
                changed = rows_of(town.here, town.there) != before
            elif pen.wrote and row.expected == UNTOUCHED:
                changed = rows_of(town.there) != other_before
        count[row.expected] += 1
        why = judged(row, response, changed)
        if why:
            faults.append(Fault(row, why))
        faults += [Fault(row, f"shows the {leak}") for leak in leaks(row, response, actor, town)]
    return count, faults


@pytest.fixture
def town() -> Iterator[Neighbourhood]:
    with at_noon(), unwatched_templates():
        yield settle()


def shown(faults: Iterable[Fault]) -> str:
    lines = [str(fault) for fault in faults]
    return "\n".join([f"{len(lines)} faults", *lines[:60]])


def tell(capsys: pytest.CaptureFixture[str], what: str, count: Counter[str], faults: list[Fault]) -> None:
    with capsys.disabled():
        sys.stdout.write(f"\nauthorisation matrix, {what}: {count.total()} rows {dict(count)}, {len(faults)} faults\n")


def is_office(route: Route) -> bool:
    return route.address.startswith((OFFICE, ACCOUNTS))


def test_everybody_gets_what_the_pages_declare(town: Neighbourhood, capsys: pytest.CaptureFixture[str]) -> None:
    count, faults = walk(town, lambda route: not is_office(route))
    tell(capsys, "pages", count, faults)
    assert count.total() > 1_500
    assert {IN, OPEN, LOGIN, HIDDEN, FORBIDDEN, REFUSED, UNTOUCHED, UNKNOWN} == set(count)
    assert not faults, shown(faults)


def test_the_office_and_the_login_show_nothing_to_the_wrong_ones(
    town: Neighbourhood, capsys: pytest.CaptureFixture[str]
) -> None:
    count, faults = walk(town, is_office)
    tell(capsys, "office and login", count, faults)
    assert count.total() > 1_000
    assert not faults, shown(faults)


def test_a_route_that_names_something_unknown_is_noticed() -> None:
    with pytest.raises(KeyError, match="spaceship"):
        path_of("console/<public_id:shop>/<public_id:spaceship>", {"shop": "shp_1"})


ORDER_PAGE = "console/<public_id:shop>/orders/<public_id:order>"


def test_an_order_of_any_shop_is_noticed(town: Neighbourhood, monkeypatch: pytest.MonkeyPatch) -> None:
    """Control: both fences off, the query's and the database's."""

    def any_order(shop: object, public_id: str) -> Order:
        return Order.objects.select_related("table", "bill").get(public_id=public_id)

    monkeypatch.setattr(orders, "order_of_shop", any_order)
    monkeypatch.setattr(fence, "within_shop", lambda shop_id: fence.across_shops())
    _, faults = walk(town, lambda route: route.address == ORDER_PAGE)
    assert {(f.row.actor, f.row.scope) for f in faults} >= {("owner", MIXED), ("cashier", MIXED)}
    assert any("shows the note of there" in f.why for f in faults)


def test_the_second_fence_holds_alone(town: Neighbourhood, monkeypatch: pytest.MonkeyPatch) -> None:
    """A query that forgot its shop finds nothing of another's: the database says so."""

    def any_order(shop: object, public_id: str) -> Order:
        found = Order.objects.select_related("table", "bill").filter(public_id=public_id).first()
        if found is None:
            raise orders.errors.NoSuchOrder
        return found

    monkeypatch.setattr(orders, "order_of_shop", any_order)
    count, faults = walk(town, lambda route: route.address == ORDER_PAGE)
    assert count[REFUSED] >= 3
    assert not faults, shown(faults)


FRIENDS_PAGE = "console/<public_id:shop>/friends"


def test_an_ability_given_to_every_role_is_noticed(town: Neighbourhood, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(access, "ABILITIES", dict.fromkeys(Role, frozenset(Ability)))
    _, faults = walk(town, lambda route: route.address == FRIENDS_PAGE)
    assert {f.row.actor for f in faults} == {"kitchen", "cashier"}


def test_somebody_let_in_who_should_not_be_is_noticed(town: Neighbourhood) -> None:
    for stranger in (cast.MOKRYEON, cast.KEEPER, cast.YOUNGHEE):
        shops.hire(shop=town.here.shop, person=cast.person(stranger), role=Role.OWNER, by="staff:test", at=cast.NOON)
    _, faults = walk(town, lambda route: route.address == FRIENDS_PAGE)
    assert {f.row.actor for f in faults} == {"customer", "operator", "other owner"}


CHECKOUT_OF_A_PROGRAM = "api/v1/checkouts/<public_id:checkout>"


def test_programs_get_what_their_keys_are_for(town: Neighbourhood, capsys: pytest.CaptureFixture[str]) -> None:
    count, faults = walk(town, lambda route: route.address.startswith((API, "pay/", "q/")))
    tell(capsys, "programs and payers", count, faults)
    assert count[UNKNOWN] > 200
    assert count[HIDDEN] >= 20
    assert not faults, shown(faults)


def test_a_checkout_of_any_shop_is_noticed(town: Neighbourhood, monkeypatch: pytest.MonkeyPatch) -> None:
    """Control: a program's query that forgot its shop, and no fence behind it."""

    def any_checkout(shop: object, public_id: str) -> Checkout:
        return Checkout.objects.select_related("shop", "bill").get(public_id=public_id)

    monkeypatch.setattr(checkouts, "checkout_of_shop", any_checkout)
    monkeypatch.setattr(fence, "within_shop", lambda shop_id: fence.across_shops())
    _, faults = walk(town, lambda route: route.address == CHECKOUT_OF_A_PROGRAM)
    assert {(f.row.actor, f.row.scope) for f in faults} >= {("partner", FOREIGN), ("other partner", OWN)}
    assert any("shows the note of there" in f.why for f in faults)
