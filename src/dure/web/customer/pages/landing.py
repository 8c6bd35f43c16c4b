"""What Dure is, for somebody who came without scanning a table."""

from django.http import HttpRequest, HttpResponse

from dure.kit.language import say
from dure.web.customer import frame
from dure.web.ui.access import anyone


@anyone("GET")
def landing(request: HttpRequest) -> HttpResponse:
    """The story in four steps."""
    return frame.show(request, "landing", chip=say("두레", en="Dure"))
