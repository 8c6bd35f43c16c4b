"""For phones that keep Dure on the home screen and lose the network: what the browser needs for both."""

import hashlib

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.templatetags.static import static
from django.urls import reverse

from dure.kit.language import say
from dure.shops import skin_packs
from dure.web.customer import frame
from dure.web.ui.access import anyone


@anyone("GET")
def manifest(request: HttpRequest) -> HttpResponse:
    """The name and face of Dure on a home screen: `?skin=<pack>/<character>` is the face of the shop from whose page it was
    put there."""
    pack_id, _, character = request.GET.get("skin", "").partition("/")
    pack = skin_packs.packs().get(pack_id)
    if pack is None or character not in pack.characters:
        skin = frame.skin_of(None)
        pack, character = skin_packs.pack_or_own(skin.pack), skin.character
    name, short = say("두레 · 내 가게와 알림", en="Dure · my shops and messages"), say("두레", en="Dure")
    face = [pack.id, character]
    icons = [
        {"src": reverse("skin_art", args=[*face, "head"]), "sizes": "any", "type": "image/svg+xml", "purpose": "any"}
    ]
    icons += [
        {
            "src": reverse(f"skin_{kind}", args=[*face, size]),
            "sizes": f"{size}x{size}",
            "type": "image/png",
            "purpose": use,
        }
        for kind, use in (("icon", "any"), ("mask", "maskable"))
        for size in (192, 512)
    ]
    return JsonResponse(
        {
            "id": reverse("customer:my"),
            "name": str(name),
            "short_name": str(short),
            "lang": str(getattr(request, "LANGUAGE_CODE", "ko")),
            "start_url": reverse("customer:my"),
            "scope": "/",
            "display": "standalone",
            "background_color": pack.light.surface,
            "theme_color": pack.light.surface,
            "icons": icons,
            "shortcuts": [{"name": str(say("알림함", en="Inbox")), "url": reverse("customer:inbox")}],
        },
        content_type="application/manifest+json",
        headers={"Cache-Control": "public, max-age=3600", "Vary": "Accept-Language, Cookie"},
    )


@anyone("GET")
def worker(request: HttpRequest) -> HttpResponse:
    """The service worker. It must live at the root to see every page. Its version is that of all that it keeps."""
    skin = frame.skin_of(None)
    shell = [
        static("ui/tokens.css"),
        static("customer/customer.css"),
        static("customer/table.js"),
        f"{reverse('skin_css', args=[skin.pack])}?{skin.fingerprint}",
    ]
    version = hashlib.sha256("|".join([*shell, "2"]).encode()).hexdigest()[:12]
    context = {"shell": shell, "version": version, "icon": reverse("skin_icon", args=[skin.pack, skin.character, 192])}
    response = render(request, "customer/sw.js", context, content_type="text/javascript; charset=utf-8")
    response["Cache-Control"] = "no-cache"
    return response


@anyone("GET")
def offline(request: HttpRequest) -> HttpResponse:
    """What is shown in the place of a page that cannot be reached: nobody's, so that anybody's browser may keep it."""
    return frame.show(request, "offline", chip=say("연결 없음", en="Offline"))
