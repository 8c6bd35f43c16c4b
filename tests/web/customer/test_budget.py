"""What a phone downloads for its first look at a menu, without the pictures."""

import gzip
import re
from pathlib import Path

from django.contrib.staticfiles import finders

from dure.shops.models import Shop
from tests.web.customer.conftest import table_of
from tests.web.customer.phone import Phone

HTML, STYLES, SCRIPT = 15_000, 12_000, 6_000


def packed(content: bytes) -> int:
    return len(gzip.compress(content, 6))


def static(path: str) -> bytes:
    found = finders.find(path.removeprefix("/static/"))
    assert isinstance(found, str)
    return Path(found).read_bytes()


def test_the_first_view_stays_within_its_budget(noodles: Shop) -> None:
    phone = Phone().scan(table_of(noodles))
    scripts = re.findall(r'<script src="([^"]+)"', phone.html)
    styles = re.findall(r'<link rel="stylesheet" href="([^"]+)"', phone.html)
    assert packed(phone.html.encode()) <= HTML
    assert sum(packed(static(path)) for path in scripts) <= SCRIPT
    assert sum(packed(static(path)) for path in styles if path.startswith("/static/")) <= STYLES


def test_every_picture_says_its_size_and_those_below_the_fold_wait(noodles: Shop) -> None:
    pictures = re.findall(r"<img [^>]*>", Phone().scan(table_of(noodles)).html)
    assert pictures
    assert all('width="' in one and 'height="' in one and "alt=" in one for one in pictures)
    assert sum('loading="lazy"' not in one for one in pictures) <= 3


def test_nothing_in_a_page_runs_or_styles_by_itself(noodles: Shop) -> None:
    html = Phone().scan(table_of(noodles)).html
    assert not re.search(r"<script(?! src=)|<style|\sstyle=|\son[a-z]+=", html)
