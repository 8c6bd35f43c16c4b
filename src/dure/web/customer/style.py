"""The whole style of a menu, for inside the page of a phone that has never been here: its first look waits for one answer, not
for four. Afterwards the browser has the files."""

import base64
import hashlib
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from csp.decorators import csp_update
from django.contrib.staticfiles import finders
from django.http import HttpRequest, HttpResponse
from django.utils.safestring import SafeString, mark_safe

from dure.shops import skin_packs
from dure.web.ui.access import DEVICE_COOKIE

TOKENS, CUSTOMER = "ui/tokens.css", "customer/customer.css"


@dataclass(frozen=True, slots=True)
class Style:
    """`source` is what a Content-Security-Policy calls exactly this `text`, and no other."""

    text: SafeString
    source: str


def is_first_look(request: HttpRequest) -> bool:
    """Whether this phone has none of the files yet, as far as its cookies say."""
    return DEVICE_COOKIE not in request.COOKIES


@cache
def style_of(pack: str, fingerprint: str) -> Style:
    """What the linked files say together, in their order. Another `fingerprint` is another text of the same skin pack."""
    tokens, customer = (Path(str(finders.find(name))).read_text(encoding="utf-8") for name in (TOKENS, CUSTOMER))
    text = "\n".join([tokens, skin_packs.palette_css(skin_packs.pack_or_own(pack)), customer])
    digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
    return Style(mark_safe(text), f"'sha256-{digest}'")  # noqa: S308 - our own files


def let_in(style: Style, response: HttpResponse) -> HttpResponse:
    """The same response, with a policy that lets this style in."""
    csp_update({"style-src": [style.source]})(lambda _: response)(HttpRequest())  # the library has it for views only
    return response
