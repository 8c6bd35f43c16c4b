"""A phone without JavaScript: it opens pages, reads them, and presses buttons of the forms it finds there."""

from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Any
from urllib.parse import urljoin, urlsplit

from django.test import Client

from dure.shops.models import Table


@dataclass
class Form:
    """A form as it stands in a page: what it sends when nothing is touched, and the buttons it has."""

    action: str
    method: str
    fields: list[tuple[str, str]] = field(default_factory=list)
    buttons: list[tuple[str, str]] = field(default_factory=list)


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.forms: list[Form] = []
        self.links: list[str] = []
        self.text: list[str] = []
        self.inside: Form | None = None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        said = {name: value or "" for name, value in attrs}
        if tag == "form":
            self.inside = Form(said.get("action", ""), said.get("method", "get"))
            self.forms.append(self.inside)
        elif tag == "a" and "href" in said:
            self.links.append(said["href"])
        elif self.inside and tag == "input" and "name" in said and "disabled" not in said:
            box = said.get("type") in ("checkbox", "radio")
            if not box or "checked" in said:
                self.inside.fields.append((said["name"], said.get("value", "on" if box else "")))
        elif self.inside and tag == "button" and said.get("type", "submit") == "submit":
            self.inside.buttons.append((said.get("name", ""), said.get("value", "")))

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self.inside = None

    def handle_data(self, data: str) -> None:
        self.text.append(data)


class Phone:
    """One browser with its cookies. `page` is what it shows, `at` the address, `status` the answer's code."""

    def __init__(self, **headers: str) -> None:
        self.client = Client(
            enforce_csrf_checks=True, headers={"Accept": "text/html", "Accept-Language": "ko", **headers}
        )
        self.at, self.status, self.html = "", 0, ""
        self.reader = _Reader()

    def open(self, path: str, **headers: str) -> "Phone":
        return self._show(path, self.client.get(path, headers=headers))

    def scan(self, table: Table) -> "Phone":
        return self.open(f"/t/{table.code}")

    def press(self, ending: str, button: tuple[str, str] | None = None, **typed: Any) -> "Phone":
        """Send the first form whose address ends with `ending` and that has `button` (name, value)."""
        form = next(
            f for f in self.reader.forms if f.action.endswith(ending) and (button is None or button in f.buttons)
        )
        fields = [(name, value) for name, value in form.fields if name not in typed]
        fields += [
            (name, one) for name, value in typed.items() for one in (value if isinstance(value, list) else [value])
        ]
        if button and button[0]:
            fields.append(button)
        elif button is None and form.buttons and form.buttons[0][0] not in ("", *typed):
            fields.append(form.buttons[0])
        data: dict[str, list[str]] = {}
        for name, value in fields:
            data.setdefault(name, []).append(value)
        return self._show(form.action, self.client.post(form.action, data))

    def add(self, item: str) -> "Phone":
        """Press the one-tap button of an item on the menu."""
        form = next(f for f in self.reader.forms if f.action.endswith("/basket/lines") and ("item", item) in f.fields)
        return self._show(form.action, self.client.post(form.action, dict(form.fields)))

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.reader.text).split())

    def _show(self, path: str, answer: Any) -> "Phone":
        for _ in range(5):
            if answer.status_code not in (301, 302, 303) or urlsplit(answer["Location"]).netloc:
                break
            path = urljoin(path, answer["Location"])
            answer = self.client.get(path.partition("#")[0])
        self.answer, self.at, self.status = answer, path, answer.status_code
        self.html = answer.content.decode() if not answer.streaming else ""
        self.reader = _Reader()
        self.reader.feed(self.html)
        return self
