"""What is published about people in numbers, for everybody to read: every twin with its epsilon, and what may be asked."""

from django.http import HttpRequest, HttpResponse

from dure.audiences import queries
from dure.kit.language import say
from dure.web.customer import frame
from dure.web.ui.access import anyone

PARTS = {
    "dong x sex x band": say("동네·성별·다섯 살", en="place, sex and five years of age"),
    "dong": say("동네", en="place"),
    "district x age x sex": say("시군구·나이·성별", en="district, age and sex"),
    "bits by activity x sex x band": say(
        "취향과 동의 (활동·성별·나이)", en="tastes and consents by activity, sex and age"
    ),
    "bits by district": say("취향과 동의 (시군구)", en="tastes and consents by district"),
    "pairs of bits by group of age": say("취향 두 가지씩", en="tastes in pairs"),
    "numbers by activity x sex x band": say("방문과 쓴 돈", en="visits and spending"),
}
SHOWN = 60


@anyone("GET")
def register(request: HttpRequest) -> HttpResponse:
    """The register."""
    a_day, in_90_days, epsilon = queries.budget()
    releases = [
        (
            one,
            f"{one.epsilon.normalize():f}",
            [(PARTS.get(name, name), f"{cost:g}") for name, cost in one.parts.items()],
        )
        for one in queries.releases()[:SHOWN]
    ]
    return frame.show(
        request,
        "register",
        chip=say("두레", en="Dure"),
        releases=releases,
        a_day=a_day,
        in_90_days=in_90_days,
        epsilon=epsilon,
    )
