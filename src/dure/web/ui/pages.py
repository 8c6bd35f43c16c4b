"""Pages of nobody's own: health, art, photos, the reader's choices, refusals that Django itself raises."""

from pathlib import Path

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.utils.http import url_has_allowed_host_and_scheme

from dure.kit.errors import DureError, Invalid, NotFound
from dure.kit.language import LANGUAGES
from dure.people import actions as people
from dure.shops import skin_packs
from dure.web.ui.access import anyone, device_of
from dure.web.ui.middleware import Forbidden, StaleForm, refuse

FOREVER = "public, max-age=31536000, immutable"
A_DAY = "public, max-age=86400"


@anyone()
def skin_css(request: HttpRequest, pack: str) -> HttpResponse:
    """The colours of a skin pack, light and dark."""
    found = skin_packs.packs().get(pack)
    if not found:
        raise NotFound
    return HttpResponse(skin_packs.palette_css(found), "text/css; charset=utf-8", headers={"Cache-Control": A_DAY})


@anyone()
def skin_art(request: HttpRequest, pack: str, character: str, pose: str) -> HttpResponse:
    """One pose of one character."""
    found = skin_packs.packs().get(pack)
    if not found or character not in found.characters or pose not in found.characters[character].poses:
        raise NotFound
    return HttpResponse(skin_packs.art(found, character, pose), "image/svg+xml", headers={"Cache-Control": A_DAY})


ICON_SIZES = (180, 192, 512)


def _icon(pack: str, character: str, size: int, *, maskable: bool) -> HttpResponse:
    found = skin_packs.packs().get(pack)
    if not found or character not in found.characters or size not in ICON_SIZES:
        raise NotFound
    drawn = skin_packs.icon(pack, character, size, maskable=maskable)
    return HttpResponse(drawn, "image/png", headers={"Cache-Control": A_DAY})


@anyone()
def skin_icon(request: HttpRequest, pack: str, character: str, size: int) -> HttpResponse:
    """A character's head for a home screen."""
    return _icon(pack, character, size, maskable=False)


@anyone()
def skin_mask(request: HttpRequest, pack: str, character: str, size: int) -> HttpResponse:
    """The same with a ground, and a margin for the mask of a home screen."""
    return _icon(pack, character, size, maskable=True)


@anyone()
def photo(request: HttpRequest, photo: str, width: int) -> HttpResponse:
    """A picture that we encoded ourselves."""
    path = Path(settings.MEDIA_ROOT) / "photos" / photo / f"{width}.webp"
    if not path.is_file():
        raise NotFound
    return HttpResponse(path.read_bytes(), "image/webp", headers={"Cache-Control": FOREVER})


def _back(request: HttpRequest) -> HttpResponseRedirect:
    to = request.POST.get("next", "/")
    if not url_has_allowed_host_and_scheme(to, {request.get_host()}, require_https=request.is_secure()):
        to = "/"
    response = HttpResponseRedirect(to)
    response.status_code = 303
    return response


@anyone("POST")
def language(request: HttpRequest) -> HttpResponse:
    """Read on in the language chosen, and be written to in it."""
    chosen = request.POST.get("language", "")
    if chosen not in LANGUAGES:
        raise Invalid
    response = _back(request)
    device = device_of(request)
    reader = request.user if request.user.is_authenticated else device.person if device else None
    if reader:
        people.keep_language(person=reader, language=chosen)
    response.set_cookie("language", chosen, max_age=31_536_000, samesite="Lax", secure=request.is_secure())
    return response


@anyone("POST")
def text_size(request: HttpRequest) -> HttpResponse:
    """Read on in large letters, or in usual ones."""
    size = request.POST.get("size", "")
    if size not in ("large", "usual"):
        raise Invalid
    response = _back(request)
    response.set_cookie("text", size, max_age=31_536_000, samesite="Lax", secure=request.is_secure())
    return response


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    return refuse(request, NotFound())


def forbidden(request: HttpRequest, reason: object = "") -> HttpResponse:
    return refuse(request, Forbidden())


def stale_form(request: HttpRequest, reason: str = "") -> HttpResponse:
    """What Django's CSRF protection turned away (CSRF_FAILURE_VIEW)."""
    return refuse(request, StaleForm())


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    return refuse(request, Invalid())


def broken(request: HttpRequest) -> HttpResponse:
    try:
        return refuse(request, DureError())
    except Exception:  # noqa: BLE001 - whatever broke the page may break this one too; Django has logged the first
        sentence = DureError.sentence
        plain = f"{sentence.within('ko')}\n{sentence.within('en')}\n"
        return HttpResponse(plain, "text/plain; charset=utf-8", status=500)
