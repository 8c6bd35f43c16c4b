"""What a phone downloads for its first look at a menu, without the pictures."""

import base64
import gzip
import hashlib
import re
from pathlib import Path

from django.contrib.staticfiles import finders
from django.test import Client

from dure.shops.models import Shop
from tests.web.customer.conftest import table_of
from tests.web.customer.phone import Phone

HTML, STYLES, SCRIPT = 15_000, 12_000, 6_000


def packed(content: bytes) -> int:
    return len(gzip.compress(content, 6))


def linked(html: str) -> list[str]:
    return [href.replace("&amp;", "&") for href in re.findall(r'<link rel="stylesheet" href="([^"]+)"', html)]


def static(path: str) -> bytes:
    found = finders.find(path.removeprefix("/static/"))
    assert isinstance(found, str)
    return Path(found).read_bytes()


def test_the_first_view_stays_within_its_budget(noodles: Shop) -> None:
    phone = Phone().scan(table_of(noodles))
    assert packed(phone.html.encode()) <= HTML
    phone.scan(table_of(noodles))
    scripts = re.findall(r'<script src="([^"]+)"', phone.html)
    styles = linked(phone.html)
    assert len(styles) == 3
    assert sum(packed(static(path)) for path in scripts) <= SCRIPT
    assert sum(packed(static(path)) for path in styles if path.startswith("/static/")) <= STYLES


def test_every_picture_says_its_size_and_those_below_the_fold_wait(noodles: Shop) -> None:
    pictures = re.findall(r"<img [^>]*>", Phone().scan(table_of(noodles)).html)
    assert pictures
    assert all('width="' in one and 'height="' in one and "alt=" in one for one in pictures)
    assert sum('loading="lazy"' not in one for one in pictures) <= 3


def test_a_first_look_waits_for_no_file_and_has_the_very_style_that_is_linked_afterwards(noodles: Shop) -> None:
    phone = Phone().scan(table_of(noodles))
    inside = re.findall(r"<style>(.*?)</style>", phone.html, re.DOTALL)
    assert len(inside) == 1
    assert linked(phone.html) == []
    phone.scan(table_of(noodles))
    files = [
        static(path).decode() if path.startswith("/static/") else Client().get(path).content.decode()
        for path in linked(phone.html)
    ]
    assert "<style" not in phone.html
    assert inside[0] == "\n".join(files)


def test_the_policy_lets_in_the_style_of_a_first_look_and_nothing_else(noodles: Shop) -> None:
    client = Client()
    address = f"/t/{table_of(noodles).code}"
    first, second = client.get(address), client.get(address)
    inside = re.search(r"<style>(.*?)</style>", first.content.decode(), re.DOTALL)
    assert inside
    named = base64.b64encode(hashlib.sha256(inside[1].encode()).digest()).decode()
    assert f"style-src 'self' 'sha256-{named}';" in first.headers["Content-Security-Policy"] + ";"
    assert "style-src 'self';" in second.headers["Content-Security-Policy"] + ";"


def test_nothing_in_a_page_runs_or_styles_by_itself(noodles: Shop) -> None:
    phone = Phone().scan(table_of(noodles))
    rest = re.sub(r"<style>.*?</style>", "", phone.html, count=1, flags=re.DOTALL)
    again = phone.scan(table_of(noodles)).html
    for html in (rest, again):
        assert not re.search(r"<script(?! src=)|<style|\sstyle=|\son[a-z]+=", html)
