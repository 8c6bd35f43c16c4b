from django.urls import path

from dure.web.ui import pages

urlpatterns = [
    path("skins/<slug:pack>.css", pages.skin_css, name="skin_css"),
    path("skins/<slug:pack>/<slug:character>/<slug:pose>.svg", pages.skin_art, name="skin_art"),
    path("skins/<slug:pack>/<slug:character>/icon-<int:size>.png", pages.skin_icon, name="skin_icon"),
    path("skins/<slug:pack>/<slug:character>/mask-<int:size>.png", pages.skin_mask, name="skin_mask"),
    path("photos/<public_id:photo>/<int:width>.webp", pages.photo, name="photo"),
    path("language", pages.language, name="language"),
    path("text-size", pages.text_size, name="text_size"),
]
