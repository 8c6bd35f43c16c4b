"""Which room answers which address."""

from django.urls import include, path

from dure.project import health
from dure.web.office.site import office

urlpatterns = [
    path("healthz", health.healthz, name="healthz"),
    path("console/", include("dure.web.console.urls")),
    path("office/", office.urls),
    path("accounts/", include("allauth.urls")),
    path("api/v1/", include("dure.web.api.urls")),
    path("schemas/", include("dure.web.api.schemas")),
    path("hooks/", include("dure.web.hooks.urls")),
    path("", include("dure.web.ui.urls")),
    path("", include("dure.web.customer.urls")),
]

handler400 = "dure.web.ui.pages.bad_request"
handler403 = "dure.web.ui.pages.forbidden"
handler404 = "dure.web.ui.pages.not_found"
handler429 = "dure.web.ui.login.too_often"
handler500 = "dure.web.ui.pages.broken"
