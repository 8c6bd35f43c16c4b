"""Pages: each says who may see it, none carries script or style in itself, none trusts a text."""

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django.urls import URLPattern, URLResolver, get_resolver, path

from dure.web.ui.access import Access, anyone
from tests.architecture.source import PACKAGE

THEIRS = {
    "accounts/": "allauth's own pages: login, codes, passkeys",
    "office/": "Django's admin, for operators only: the matrix asks each of its pages",
}
"""Addresses that other people's code answers, which cannot declare anything to us."""


@dataclass(frozen=True)
class Route:
    """An address of the resolver and what answers it."""

    address: str
    view: Callable[..., Any]

    @property
    def access(self) -> Access | None:
        return getattr(self.view, "access", None)


def routes(resolver: Any = None, before: str = "") -> Iterator[Route]:
    """Every address of the resolver, as Django writes it."""
    for entry in (resolver or get_resolver()).url_patterns:
        address = before + str(entry.pattern)
        if isinstance(entry, URLResolver):
            yield from routes(entry, address)
        elif isinstance(entry, URLPattern):
            yield Route(address, entry.callback)


def undeclared(found: Iterable[Route]) -> list[str]:
    return [r.address for r in found if r.access is None and not any(r.address.startswith(t) for t in THEIRS)]


def test_every_page_says_who_may_see_it() -> None:
    found = list(routes())
    assert len(found) > 60
    assert undeclared(found) == []


def test_a_page_that_does_not_say_is_noticed() -> None:
    class Planted:
        url_patterns = [path("secret", lambda request: None), path("open", anyone()(lambda request: None))]

    assert undeclared(routes(Planted)) == ["secret"]


FORBIDDEN = {
    "|safe": r"\|\s*safe\b",
    "autoescape off": r"{%\s*autoescape\s+off",
    "script in the page": r"<script(?![^>]*\bsrc=)(?![^>]*type=\"application/(ld\+)?json\")",
    "style in the page": r"<style\b",
    "style attribute": r"\sstyle\s*=",
    "event handler": r"\son(?:[a-z]{3,})\s*=",
    "script address": r"(?:href|src|action)\s*=\s*[\"']?\s*javascript:",
}


TRUSTED = {
    (
        "web/console/templates/console/parts/preview.svg",
        "|safe",
    ): "art of a skin pack: loading it proved that it is only a drawing",
    (
        "web/customer/templates/customer/base.html",
        "style in the page",
    ): "the text of our own files, which the policy names by its hash (decision 0033)",
}
"""The few texts that are trusted, and why."""


def templates() -> Iterator[Path]:
    """Ours; an SVG that is a template counts too. What goes out as plain text has nothing to escape."""
    for kind in ("*.html", "*.svg"):
        yield from (f for f in sorted(PACKAGE.rglob(kind)) if "templates" in f.parts)


def dangers(text: str) -> list[str]:
    return [name for name, pattern in FORBIDDEN.items() if re.search(pattern, text, re.IGNORECASE)]


def test_templates_carry_no_script_no_style_and_trust_no_text() -> None:
    files = {f.relative_to(PACKAGE).as_posix(): f.read_text() for f in templates()}
    found = {(name, bad) for name, text in files.items() for bad in dangers(text)}
    assert len(files) > 20
    assert found == set(TRUSTED)


def test_each_danger_is_noticed() -> None:
    planted = {
        "|safe": "{{ name|safe }}",
        "autoescape off": "{% autoescape off %}",
        "script in the page": "<script>alert(1)</script>",
        "style in the page": "<style>p{}</style>",
        "style attribute": '<p style="color: red">',
        "event handler": '<a onclick="x()">',
        "script address": '<a href="javascript:x()">',
    }
    assert set(planted) == set(FORBIDDEN)
    for name, text in planted.items():
        assert dangers(text) == [name]
    assert dangers('<script src="/static/x.js" defer></script><p class="style">one onward</p>') == []
