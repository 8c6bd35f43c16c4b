"""Who may see a page: every view says so, and the generated authorisation matrix reads it back from `view.access`."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass, field
from functools import wraps
from typing import TYPE_CHECKING, Any

from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from dure.checkouts import queries as checkouts
from dure.kit import clock
from dure.kit.errors import NotFound
from dure.people import actions as people
from dure.people import queries as people_queries
from dure.shops import fence
from dure.shops import queries as shops
from dure.shops.errors import TableNotFound
from dure.shops.values import ABILITIES, Ability, Role
from dure.web.ui.limits import address_of, count_try
from dure.web.ui.middleware import Forbidden

if TYPE_CHECKING:
    from dure.people.models import Device, Person
    from dure.shops.models import Table

View = Callable[..., HttpResponse]
DEVICE_COOKIE = "device"
DEVICE_DAYS = 730
WRONG_CODES, WRONG_CODES_SECONDS = 30, 600


@dataclass(frozen=True, slots=True)
class Access:
    """`who` is one of anyone, table, device, signed_in, staff, key; `ability` is staff's, `scopes` a key's, by method."""

    who: str
    ability: Ability | None = None
    methods: tuple[str, ...] = ("GET",)
    scopes: dict[str, str] = field(default_factory=dict)


def _declare(view: View, access: Access) -> View:
    allowed = [*access.methods, "HEAD"] if "GET" in access.methods else list(access.methods)
    guarded: View = require_http_methods(allowed)(view)
    guarded.access = access  # type: ignore[attr-defined]
    return guarded


def anyone(*methods: str) -> Callable[[View], View]:
    """A page without secrets."""
    return lambda view: _declare(view, Access("anyone", methods=methods or ("GET",)))


def at_table(*methods: str) -> Callable[[View], View]:
    """A page of the table whose `code` stands in the address: the view gets the table and stands in its shop."""

    def decorate(view: View) -> View:
        @never_cache
        @wraps(view)
        def page(request: HttpRequest, code: str, **rest: Any) -> HttpResponse:
            table = _table_of(request, code)
            with fence.within_shop(table.shop_id):
                return view(request, table, **rest)

        return _declare(page, Access("table", methods=methods or ("GET",)))

    return decorate


def _table_of(request: HttpRequest, code: str) -> Table:
    """The table with this code. Only misses are counted: one guest who guesses must not lock out a whole shop's Wi-Fi."""
    try:
        return shops.table_by_code(code)
    except TableNotFound:
        count_try("code", address_of(request), most=WRONG_CODES, seconds=WRONG_CODES_SECONDS)
        raise


def at_checkout(*methods: str) -> Callable[[View], View]:
    """The page of a checkout whose `page` code stands in the address: whoever has the code may pay, and stands in its shop."""
    return _behind_code("page", checkouts.checkout_by_code, methods)


def at_sticker(*methods: str) -> Callable[[View], View]:
    """The page of a printed sticker, whose `sticker_code` we signed: the view gets the sticker and stands in its shop."""
    return _behind_code("sticker_code", checkouts.sticker_by_code, methods)


def _behind_code(name: str, find: Callable[[str], Any], methods: tuple[str, ...]) -> Callable[[View], View]:
    def decorate(view: View) -> View:
        @never_cache
        @wraps(view)
        def page(request: HttpRequest, **rest: Any) -> HttpResponse:
            try:
                with fence.across_shops():  # the code says which shop it is
                    found = find(rest.pop(name))
            except NotFound:
                count_try("code", address_of(request), most=WRONG_CODES, seconds=WRONG_CODES_SECONDS)
                raise
            with fence.within_shop(found.shop_id):
                return view(request, found, **rest)

        return _declare(page, Access("anyone", methods=methods or ("GET",)))

    return decorate


def own_device(*methods: str) -> Callable[[View], View]:
    """A page about what this phone did, or the person behind it. Rows of several shops: it stands across them."""

    def decorate(view: View) -> View:
        @never_cache
        @wraps(view)
        def page(request: HttpRequest, **rest: Any) -> HttpResponse:
            with fence.across_shops():
                return view(request, **rest)

        return _declare(page, Access("device", methods=methods or ("GET",)))

    return decorate


@dataclass(frozen=True, slots=True)
class Staff:
    """Who works here, in which role."""

    person: Person
    role: Role

    @property
    def by(self) -> str:
        return f"staff:{self.person.public_id}"

    def may(self, ability: Ability) -> bool:
        return ability in ABILITIES[self.role]


def staff_who_may(ability: Ability, *methods: str, outside: bool = False) -> Callable[[View], View]:
    """A page of the shop in the address, for its staff with `ability`: the view gets the shop and stands in it.

    Who does not work there learns nothing, not even that the shop exists. `outside`: the view stands in no shop, where the
    database shows no shop's rows, and enters it where it needs them.
    """

    def decorate(view: View) -> View:
        @never_cache
        @wraps(view)
        def page(request: HttpRequest, shop: str, **rest: Any) -> HttpResponse:
            if not request.user.is_authenticated:
                return redirect_to_login(request.get_full_path() if request.method == "GET" else "/console/")
            member = shops.membership_at(request.user, shop)
            staff = Staff(request.user, Role(member.role))
            if not staff.may(ability):
                raise Forbidden
            request.staff = staff  # type: ignore[attr-defined]
            with nullcontext() if outside else fence.within_shop(member.shop_id):
                return view(request, member.shop, **rest)

        return _declare(page, Access("staff", ability, methods or ("GET",)))

    return decorate


def signed_in(*methods: str) -> Callable[[View], View]:
    """A page for anybody who logged in."""

    def decorate(view: View) -> View:
        @never_cache
        @wraps(view)
        def page(request: HttpRequest, **rest: Any) -> HttpResponse:
            if not request.user.is_authenticated:
                return redirect_to_login(request.get_full_path() if request.method == "GET" else "/console/")
            return view(request, **rest)

        return _declare(page, Access("signed_in", methods=methods or ("GET",)))

    return decorate


def device_of(request: HttpRequest) -> Device | None:
    """The phone that asks, if it has been here before."""
    secret = request.COOKIES.get(DEVICE_COOKIE, "")
    return people_queries.device_by_secret(secret) if secret else None


def hand_phone(request: HttpRequest, response: HttpResponse, secret: str) -> HttpResponse:
    """The browser is the phone with this secret from now on."""
    response.set_cookie(
        DEVICE_COOKIE,
        secret,
        max_age=DEVICE_DAYS * 86_400,
        httponly=True,
        samesite="Lax",
        secure=request.is_secure(),
    )
    return response


def remember_device(request: HttpRequest) -> tuple[Device, Callable[[HttpResponse], None]]:
    """The phone that asks, remembered from now on; call the second value with the response."""
    known = device_of(request)
    if known:
        return known, lambda response: None
    device, secret = people.remember_device(at=clock.now())

    def keep(response: HttpResponse) -> None:
        hand_phone(request, response, secret)

    return device, keep
