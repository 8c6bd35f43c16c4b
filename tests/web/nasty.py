"""A dictionary of nasty values through every path, query, field, cookie and header of every route: an answer, never a 5xx.

Routes and fields are found, not listed: a new page is asked as soon as it has an address, a new field as soon as its
form has it. The walks stand in files of their own (`test_nasty_*.py`), so that two workers share them.

What is asked is dear by its page, not by its value. So where a refusal comes before any page it is asked for as a program
would ask (`problem+json`), with one value in seven as a person would; and values under names that nobody reads go together.
"""

import ast
import inspect
import logging
import re
import sys
import textwrap
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cache
from time import monotonic
from types import ModuleType
from typing import Any
from urllib.parse import quote, unquote

import pytest
from django import forms
from django.http import HttpResponse
from django.test import Client
from django.urls import Resolver404, resolve
from pytest_django.fixtures import Settings

from tests.architecture.test_pages import Route
from tests.web.neighbourhood import Neighbourhood, at_noon, rows_of, settle, undone, unwatched_templates, watched
from tests.web.test_authorisation_matrix import OFFICE, OFFICE_IDS, body, names_in, path_of

NASTY: dict[str, str] = {
    "empty": "",
    "blank": " \t\r\n",
    "NUL": "a\x00b",
    "lone surrogate": "\ud800",
    "percent NUL": "%00",
    "2^31": str(2**31),
    "2^63": str(2**63),
    "2^64 below zero": str(-(2**64)),
    "minus one": "-1",
    "nothing": "0",
    "1e309": "1e309",
    "NaN": "NaN",
    "infinity": "-Infinity",
    "underscored": "1_000",
    "arabic digits": "١٢٣",
    "4301 digits": "9" * 4301,
    "right to left": "\u202egpj.exe\u202c",
    "zero width": "a\u200b\u200d\ufeffb",
    "emoji family": "👨‍👩‍👧‍👦" * 5,
    "piled accents": "e" + "\u0301" * 500,
    "hangul in pieces": "한글",
    "parent folder": "../../../../etc/passwd",
    "file address": "file:///etc/passwd",
    "quote": "' OR '1'='1'; DROP TABLE shops_shop; --",
    "wildcards": "%_%\\",
    "markup": "<script>alert(1)</script><svg onload=alert(1)>\"'>",
    "template": "{{ settings.SECRET_KEY }}{% load x %}${7*7}",
    "format": "%s%n{0}{0.__class__}{x!r:>1000}",
    "header break": "x\r\nSet-Cookie: evil=1",
    "spreadsheet": '=HYPERLINK("http://evil.example","x")',
    "true": "true",
    "null": "null",
    "list": "[]",
    "object": '{"item": {"$gt": ""}}',
    "deep JSON": "[" * 10_000,
    "deep object": '{"a":' * 5_000 + "1" + "}" * 5_000,
    "1 MB": "가" * 350_000,
}
LONG = 8_000
"""More than this no server in front of us lets into an address or a header."""

PUBLIC_LOOKING = "ord_" + "z" * 26


@cache
def encoded(text: str) -> str:
    return quote(text.encode("utf-8", "surrogatepass"), safe="")


def short(values: dict[str, str] = NASTY) -> Iterator[tuple[str, str]]:
    """As they go into addresses and headers; ids that look right and name nothing come too."""
    yield from ((name, text[:LONG]) for name, text in values.items())
    yield "looks right", PUBLIC_LOOKING
    yield "looks like a code", "Z" * 16


@dataclass
class Walk:
    """What was sent and what was answered wrongly."""

    town: Neighbourhood
    sent: int = 0
    tried: int = 0
    faults: list[str] = field(default_factory=list)
    before: str = ""
    slowest: tuple[float, str] = (0.0, "")

    def __post_init__(self) -> None:
        self.before = rows_of(self.town.here, self.town.there)

    def send(self, what: str, route: Route, ask: Callable[[], HttpResponse], writes: bool, values: int = 1) -> int:
        """Ask, in a world where it will not have happened; the status of the answer. `values`: how many go at once."""
        self.sent += 1
        self.tried += values
        with undone():
            begun = monotonic()
            with watched() as pen:
                response = ask()
            self.slowest = max(self.slowest, (monotonic() - begun, f"{route.address}: {what}"))
            looks = writes and response.status_code >= 400 and pen.wrote
            if looks and rows_of(self.town.here, self.town.there) != self.before:
                self.faults.append(f"{response.status_code} and rows changed: {route.address}: {what}")
        broken = response.status_code >= 500 and route.address != "healthz"
        if broken or b"Traceback" in getattr(response, "content", b""):
            self.faults.append(f"{response.status_code}: {route.address}: {what}")
        return response.status_code

    def told(self, capsys: pytest.CaptureFixture[str], what: str) -> None:
        with capsys.disabled():
            sys.stdout.write(
                f"\nnasty {what}: {self.tried} values in {self.sent} requests, {len(self.faults)} faults; "
                "slowest %.1f s (%s)\n" % self.slowest
            )
        assert not self.faults, "\n".join([f"{len(self.faults)} faults", *self.faults[:40]])


ASKS = {
    "anyone": "anonymous",
    "table": "guest",
    "device": "guest",
    "staff": "owner",
    "signed_in": "owner",
    "key": "partner",
}


@pytest.fixture
def town(settings: Settings) -> Iterator[Neighbourhood]:
    # What is slow on purpose is not asked hundreds of times; and nobody reads what thousands of refusals log, or looks at
    # the contexts that Django's test client copies from every template.
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    with at_noon(), unwatched_templates():
        there = settle()
        logging.disable(logging.CRITICAL)
        try:
            yield there
        finally:
            logging.disable(logging.NOTSET)


def client_for(route: Route, town: Neighbourhood) -> Client:
    if route.access is None:
        return town.actor("operator" if route.address.startswith(OFFICE) else "anonymous").client()
    return town.actor(ASKS[route.access.who]).client()


def methods_of(route: Route) -> tuple[str, ...]:
    return route.access.methods if route.access else ("GET", "POST")


def asked(route: Route, town: Neighbourhood, method: str, address: str, **asking: str) -> Callable[[], HttpResponse]:
    client = client_for(route, town)
    if method == "GET":
        return lambda: client.get(address, **asking)  # type: ignore[arg-type,return-value]
    return lambda: client.post(address, body(town.here.ids), **asking)  # type: ignore[arg-type,return-value]


def ours(route: Route) -> bool:
    return not route.address.startswith(OFFICE)


# Which fields a view reads ------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Reads:
    query: frozenset[str]
    fields: frozenset[str]


def reads_of(view: Callable[..., Any]) -> Reads:
    """The query and form fields that a view, and the functions of its module that it calls, read."""
    inner = inspect.unwrap(view)
    module = sys.modules.get(inner.__module__)
    if module is None or not inner.__module__.startswith(("dure.", "tests.")):
        return Reads(frozenset(), frozenset())
    query, fields, seen = set(), set(), set()
    pending = [inner]
    while pending:
        function = pending.pop()
        if function in seen:
            continue
        seen.add(function)
        tree = ast.parse(textwrap.dedent(inspect.getsource(function)))
        query |= _taken(tree, "GET")
        fields |= _taken(tree, "POST")
        for name in {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}:
            found = getattr(module, name, None)
            fields |= _form_fields(found, module)
            if inspect.isfunction(found) and found.__module__ == inner.__module__:
                pending.append(inspect.unwrap(found))
    return Reads(frozenset(query), frozenset(fields))


def _taken(tree: ast.AST, source: str) -> set[str]:
    found = set()
    for node in ast.walk(tree):
        of = node.value if isinstance(node, ast.Subscript) else node.func if isinstance(node, ast.Call) else None
        of = of.value if isinstance(of, ast.Attribute) and of.attr in ("get", "getlist") else of
        if isinstance(of, ast.Attribute) and of.attr == source:
            first = node.slice if isinstance(node, ast.Subscript) else (node.args or [None])[0]  # type: ignore[union-attr]
            if isinstance(first, ast.Constant) and isinstance(first.value, str):
                found.add(first.value)
    return found


def _form_fields(found: Any, module: ModuleType) -> set[str]:
    if inspect.isclass(found) and issubclass(found, forms.BaseForm):
        return set(getattr(found, "base_fields", {}))
    if isinstance(found, dict):
        return {name for value in found.values() for name in _form_fields(value, module) if inspect.isclass(value)}
    return set()


def shown_fields(html: str) -> set[str]:
    """The fields that a page's forms offer."""
    return set(re.findall(r"<(?:input|select|textarea|button)[^>]*\sname=\"([^\"]+)\"", html)) - {"csrfmiddlewaretoken"}


# The walks ----------------------------------------------------------------------------------------------------------


AS_PROGRAM = {"HTTP_ACCEPT": "application/json"}


def leads_somewhere(address: str) -> bool:
    try:
        resolve(unquote(address.partition("?")[0], errors="surrogatepass"))
    except Resolver404:
        return False
    return True


def walk_paths(walk: Walk, found: Iterator[Route]) -> None:
    """What an address's converter refuses meets no view of ours: such a value is sent once for each converter."""
    refused: set[tuple[str, str]] = set()
    for route in found:
        ids = OFFICE_IDS | walk.town.here.ids
        for name in names_in(route.address):
            converter = (re.findall(rf"<(\w+):{name}>", route.address) or ["str"])[0]
            for number, (what, text) in enumerate(short()):
                address = path_of(route.address, {**ids, name: encoded(text)})
                if not leads_somewhere(address):
                    walk.tried += (converter, what) in refused
                    if (converter, what) in refused:
                        continue
                    refused.add((converter, what))
                method = methods_of(route)[-1]
                asking = {} if (walk.sent + number) % 7 == 0 else AS_PROGRAM
                ask = asked(route, walk.town, method, address, **asking)
                walk.send(f"{method} {name}={what}", route, ask, method == "POST")


ALONE = ("NUL", "lone surrogate")
"""Refused before any view, whatever they are called: beside others they would hide them."""


def walk_queries(walk: Walk, found: Iterator[Route]) -> None:
    for route in found:
        if "GET" not in methods_of(route):
            continue
        address = path_of(route.address, OFFICE_IDS | walk.town.here.ids)
        join = "&" if "?" in address else "?"
        alone = [(name, what, text) for name in reads_of(route.view).query for what, text in short()]
        alone += [("nobody-reads-this", what, text) for what, text in short() if what in ALONE]
        rest = [(f"nobody-reads-{n}", what, text) for n, (what, text) in enumerate(short()) if what not in ALONE]
        plain = walk.send("GET", route, asked(route, walk.town, "GET", address), writes=False, values=0)
        together = join.join((address, "&".join(f"{name}={encoded(text)}" for name, _, text in rest)))
        ask = asked(route, walk.town, "GET", together)
        if walk.send("GET with all that nobody reads", route, ask, writes=False, values=len(rest)) != plain:
            alone += rest  # one of them is read after all, and may hide the others
        for name, what, text in alone:
            ask = asked(route, walk.town, "GET", f"{address}{join}{name}={encoded(text)}")
            walk.send(f"GET ?{name}={what}", route, ask, writes=False)


def walk_cookies(walk: Walk, found: Iterator[Route]) -> None:
    """All cookies and headers of one request are nasty at once. The same code reads them for every page, so each page is asked a
    quarter of the values, and all pages together all of them many times."""
    for number, route in enumerate(found):
        method = methods_of(route)[0]
        address = path_of(route.address, OFFICE_IDS | walk.town.here.ids)
        for what, text in list(short())[number % 4 :: 4]:
            crumb = re.sub(r"[\x00-\x1f;,\s]", "_", text)[:3_000].encode("utf-8", "surrogatepass").decode("latin-1")
            line = re.sub(r"[\x00-\x1f]", "_", text)[:3_000].encode("utf-8", "surrogatepass").decode("latin-1")
            names = ("device", "visit", "language", "text", "sessionid", "csrftoken", "messages")
            environ: dict[str, Any] = {
                "HTTP_COOKIE": "; ".join(f"{name}={crumb}" for name in names),
                "HTTP_ACCEPT_LANGUAGE": line,
                "HTTP_REFERER": line,
                "HTTP_USER_AGENT": line,
                "HTTP_X_FORWARDED_FOR": line,
                "HTTP_X_FRAGMENT": line,
                "HTTP_HX_REQUEST": line,
                "HTTP_HX_CURRENT_URL": line,
            }
            client = Client(raise_request_exception=False)
            send = client.get if method == "GET" else client.post
            walk.send(
                f"{method} cookies and headers={what}", route, lambda a=address, e=environ, s=send: s(a, **e), False
            )  # type: ignore[misc]


RAW: dict[str, tuple[bytes, str]] = {
    "deep JSON": (b"[" * 100_000, "application/json"),
    "not JSON": (b"\xff\xfe{", "application/json"),
    "broken multipart": (b'--x\r\nContent-Disposition: form-data; name="a', "multipart/form-data; boundary=x"),
    "no boundary": (b"a=b", "multipart/form-data"),
    "bad boundary": (b"a=b", "multipart/form-data; boundary=" + "é" * 200),
    "600 fields": (b"&".join(b"f%d=1" % n for n in range(600)), "application/x-www-form-urlencoded"),
    "3 MB": (b"a=" + b"x" * 3_000_000, "application/x-www-form-urlencoded"),
    "unknown charset": (b"a=b", "application/x-www-form-urlencoded; charset=klingon"),
    "other charset": (b"name=\xff\xfea", "application/x-www-form-urlencoded; charset=utf-16"),
    "not text": (bytes(range(256)), "application/x-www-form-urlencoded"),
    "unknown kind": (b"\x00\x01", "x-nasty/\x7f"),
}


def walk_forms(walk: Walk, found: Iterator[Route], *, thorough: bool = False) -> None:
    """Forms share the values out among themselves; a thorough walk asks every form all of them."""
    sixths, halves, thirds = (1, 1, 1) if thorough else (6, 2, 3)
    for number, route in enumerate(r for r in found if "POST" in methods_of(r)):
        ids = OFFICE_IDS | walk.town.here.ids
        address = path_of(route.address, ids)
        client = client_for(route, walk.town)
        plain = {name: str(value) for name, value in body(walk.town.here.ids).items()}
        names = set(reads_of(route.view).fields)
        if route.access is None or "GET" in methods_of(route):
            with undone():
                page = client.get(address)
                names |= shown_fields(getattr(page, "content", b"").decode(errors="replace"))
        # All fields at once are refused for the first of them: a sixth of the values a form, all of them over the forms.
        for what, text in list(NASTY.items())[number % sixths :: sixths]:
            every = names or {"nobody-reads-this"}
            ask = posting(client, address, {**plain, **dict.fromkeys(every, text[: BODY // len(every)])})
            walk.send(f"POST every field={what}", route, ask, writes=True)
        # A nasty field among good ones gets further. Of g1-name, g2-name… one is asked; every other form takes the other half of
        # the values, and each field its share of them.
        alike = {re.sub(r"\d+", "#", name): name for name in sorted(names, reverse=True)}
        share = min(6, len(alike))
        for place, name in enumerate(sorted(alike.values())):
            for what, text in list(NASTY.items())[number % halves :: halves][place % share :: share]:
                ask = posting(client, address, {**plain, name: text}, **AS_PROGRAM)
                walk.send(f"POST {name}={what}", route, ask, writes=True)
        for what, (content, kind) in list(RAW.items())[number % thirds :: thirds]:
            walk.send(
                f"POST {what}",
                route,
                lambda s=client.generic, a=address, c=content, k=kind: s("POST", a, c, content_type=k, **AS_PROGRAM),
                writes=True,  # type: ignore[misc]
            )


BODY = 600_000
"""So many letters of three bytes each still fit into a body that is read; a longer one is refused for its length alone."""


def posting(client: Client, address: str, fields: dict[str, str], **asking: str) -> Callable[[], HttpResponse]:
    content = b"&".join(b"%s=%s" % (encoded(name).encode(), in_a_body(text)) for name, text in fields.items())
    kind = "application/x-www-form-urlencoded"
    return lambda: client.generic("POST", address, content, content_type=kind, **asking)  # type: ignore[arg-type,return-value]


def in_a_body(text: str) -> bytes:
    """Percent-encoded as browsers do; a long text as it is, which three times the bytes would put past the limit."""
    return encoded(text).encode() if len(text) <= LONG * 2 else text.encode("utf-8", "surrogatepass")
