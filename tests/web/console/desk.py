"""A member of staff at a browser without JavaScript: opens pages, reads them, sends the forms found there."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Any
from urllib.parse import urljoin, urlsplit

from django.test import Client
from django.urls import reverse

from dure.people.models import Person
from dure.shops.models import Shop

VOID = {"area", "base", "br", "col", "hr", "img", "input", "link", "meta", "source", "wbr"}
TOKEN = re.compile(r'name="csrfmiddlewaretoken" value="[^"]*"')


@dataclass
class Form:
    """A form as it stands in the page: where it goes, what it sends untouched, which buttons it has."""

    action: str
    fields: dict[str, list[str]] = field(default_factory=dict)
    buttons: list[tuple[str, str]] = field(default_factory=list)


class _Reader(HTMLParser):
    """Forms and text of a page, and where each element with an id begins and ends."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.forms: list[Form] = []
        self.links: list[str] = []
        self.text: list[str] = []
        self.lines = [0]
        for line in html.splitlines(keepends=True):
            self.lines.append(self.lines[-1] + len(line))
        self.open: list[tuple[str, str, int]] = []
        self.spans: dict[str, tuple[int, int]] = {}
        self.form: Form | None = None
        self.select, self.area = "", ""
        self.feed(html)

    @property
    def here(self) -> int:
        line, column = self.getpos()
        return self.lines[line - 1] + column

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        said = {name: value or "" for name, value in attrs}
        if tag not in VOID:
            self.open.append((tag, said.get("id", ""), self.here))
        if tag == "form":
            self.form = Form(said.get("action", ""))
            self.forms.append(self.form)
        elif tag == "a" and "href" in said:
            self.links.append(said["href"])
        elif self.form is not None:
            self._control(tag, said)

    def _control(self, tag: str, said: dict[str, str]) -> None:
        assert self.form is not None
        name = said.get("name", "")
        if tag == "input" and name:
            box = said.get("type") in ("checkbox", "radio")
            if (not box or "checked" in said) and said.get("type") != "file":
                self.form.fields.setdefault(name, []).append(said.get("value", "on" if box else ""))
        elif tag == "select":
            self.select = name
        elif tag == "option" and self.select and ("selected" in said or self.select not in self.form.fields):
            self.form.fields[self.select] = [said.get("value", "")]
        elif tag == "textarea":
            self.area = name
            self.form.fields[name] = [""]
        elif tag == "button" and said.get("type", "submit") == "submit":
            self.form.buttons.append((name, said.get("value", "")))

    def handle_endtag(self, tag: str) -> None:
        while self.open:
            name, identity, start = self.open.pop()
            if identity:
                self.spans[identity] = (start, self.here)
            if name == tag:
                break
        if tag == "form":
            self.form = None
        elif tag == "select":
            self.select = ""
        elif tag == "textarea":
            self.area = ""

    def handle_data(self, data: str) -> None:
        self.text.append(data)
        if self.area and self.form:
            self.form.fields[self.area] = [data.lstrip("\n")]


class Desk:
    """One login in one shop. `at` is the address, `status` the answer's code, `html` what it shows."""

    def __init__(self, person: Person, shop: Shop, **headers: str) -> None:
        self.client = Client(
            enforce_csrf_checks=True, headers={"Accept": "text/html", "Accept-Language": "ko", **headers}
        )
        self.client.force_login(person, "dure.people.sessions.ByPassword")
        self.shop = shop
        self.at, self.status, self.html = "", 0, ""
        self.answer: Any = None

    def url(self, page: str, *ids: str) -> str:
        return reverse(f"console:{page}", args=[self.shop.public_id, *ids])

    def open(self, page: str, *ids: str, query: str = "", **headers: str) -> "Desk":
        return self.visit(self.url(page, *ids) + query, **headers)

    def visit(self, path: str, **headers: str) -> "Desk":
        return self._show(path, self.client.get(path, headers=headers), headers)

    def send(
        self,
        page: str,
        *ids: str,
        press: tuple[str, str] | None = None,
        headers: dict[str, str] | None = None,
        fields: Mapping[str, Any] | None = None,
        **more: Any,
    ) -> "Desk":
        """Send the page's form for that address, as it stands but for what is typed; an empty action is the page itself."""
        address, typed = self.url(page, *ids), {**(fields or {}), **more}
        candidates = [f for f in self.reader.forms if urlsplit(f.action or self.at).path == address]
        fitting = [f for f in candidates if not press or press in f.buttons]
        form = max(fitting, key=lambda f: len({*f.fields, *dict(f.buttons)} & {*typed}))
        data = {**form.fields, **{name: value if isinstance(value, list) else [value] for name, value in typed.items()}}
        if press:
            data[press[0]] = [press[1]]
        elif len(form.buttons) == 1 and form.buttons[0][0]:
            data[form.buttons[0][0]] = [form.buttons[0][1]]
        path = form.action or self.at
        return self._show(path, self.client.post(path, data, headers=headers or {}), headers or {})

    def forms_for(self, page: str, *ids: str) -> list[Form]:
        return [f for f in self.reader.forms if urlsplit(f.action).path == self.url(page, *ids)]

    def part(self, identity: str) -> str:
        """The element with this id, as it stands in the page; tokens differ from page to page and are left out."""
        start, end = self.reader.spans[identity]
        return TOKEN.sub("", self.html[start:end])

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.reader.text).split())

    def _show(self, path: str, answer: Any, headers: dict[str, str]) -> "Desk":
        for _ in range(5):
            if answer.status_code not in (301, 302, 303):
                break
            path = urljoin(path, answer["Location"])
            answer = self.client.get(path.partition("#")[0], headers=headers)
        self.answer, self.at, self.status = answer, path, answer.status_code
        self.html = answer.content.decode() if "html" in answer.get("Content-Type", "") else ""
        self.reader = _Reader(self.html)
        return self
