"""Who could be reached: an audience put together from chips and sliders, counted in the twin while one moves them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django import forms
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.http import urlencode

from dure.audiences import actions, queries
from dure.audiences.errors import AskedEnough, BadDefinition, NoIndex
from dure.audiences.values import NAME_MAX, SMALLEST
from dure.kit import clock
from dure.kit.errors import DureError, Invalid
from dure.kit.language import clean, say
from dure.shops import fence
from dure.shops.values import Ability
from dure.web.console import chips, sketch
from dure.web.console.frame import see, show, staff_of, told
from dure.web.ui.access import staff_who_may
from dure.web.ui.limits import hold_back

if TYPE_CHECKING:
    from dure.audiences.models import Audience
    from dure.shops.models import Shop

COUNTS_A_SECOND, COUNTS_AT_ONCE = 12, 60
PICTURES_A_SECOND, PICTURES_AT_ONCE = 4, 24


class NameForm(forms.Form):
    """The name that an audience is saved under."""

    name = forms.CharField(max_length=NAME_MAX, label=say("이름", en="Name"))

    def clean_name(self) -> str:
        """As people will read it."""
        name = clean(self.cleaned_data["name"])
        if not name:
            raise forms.ValidationError(str(say("이름을 적어 주세요.", en="Please give it a name.")))
        return name


@staff_who_may(Ability.EDIT_OFFERS, "GET")
def audiences(request: HttpRequest, shop: Shop) -> HttpResponse:
    """What was saved, and beginnings to take over."""
    rows = []
    for one in queries.audiences_of(shop):
        fields = chips.typed(one.definition)
        rows.append((one, chips.chips(fields), fields.get("line", [""])[0]))
    return show(
        request,
        shop,
        "console/audiences.html",
        "audiences",
        rows=rows,
        beginnings=sketch.beginnings(shop),
        ready=_ready(),
    )


@staff_who_may(Ability.EDIT_OFFERS, "GET", "POST")
def new_audience(request: HttpRequest, shop: Shop) -> HttpResponse:
    """The builder. Everything chosen stands in the address, so that it can be kept, sent and gone back to."""
    return _builder(request, shop, None)


@staff_who_may(Ability.EDIT_OFFERS, "GET", "POST")
def audience(request: HttpRequest, shop: Shop, audience: str) -> HttpResponse:
    """A saved audience in the builder."""
    return _builder(request, shop, queries.audience_by_public_id(shop, audience))


def _builder(request: HttpRequest, shop: Shop, saved: Audience | None) -> HttpResponse:
    if request.method == "POST":
        return _posted(request, shop, saved)
    fields = chips.kept(request.GET)
    if saved and not fields and "edited" not in request.GET:
        fields = chips.typed(saved.definition)
    return _page(request, shop, saved, fields, NameForm({"name": saved.name}) if saved else NameForm())


def _page(
    request: HttpRequest, shop: Shop, saved: Audience | None, fields: chips.Typed, name: NameForm, status: int = 200
) -> HttpResponse:
    return show(
        request,
        shop,
        "console/audience.html",
        "audiences",
        status=status,
        saved=saved,
        name=name,
        name_max=NAME_MAX,
        boxes=sketch.boxes(fields),
        line=fields.get("line", [""])[0],
        line_now=sketch.line(fields),
        picture=sketch.picture(shop, fields, at=clock.now(), view=request.GET.get("view", "")),
        places=sketch.places(fields, find=request.GET.get("find", "")),
        beginnings=[] if saved or fields else sketch.beginnings(shop),
        home=queries.home_of(shop),
    )


def _posted(request: HttpRequest, shop: Shop, saved: Audience | None) -> HttpResponse:
    """Save; or, where no script does it at once, show the form again with one more or one fewer condition."""
    fields = chips.kept(request.POST)
    do, _, what = request.POST.get("do", "").partition(":")
    if do == "drop":
        fields = chips.without(fields, [what])
    elif do == "add" and queries.catalogue().region_name(what) is not None:
        fields = {**fields, "region": [*fields.get("region", []), what]}
    elif do == "save":
        return _save(request, shop, saved, fields)
    more = {name: value for name in ("find", "view") if (value := request.POST.get(name, "")[:40])}
    if do == "view":
        more["view"] = what
    query = urlencode({**fields, **more, "edited": "1"}, doseq=True)
    response = HttpResponseRedirect(f"{request.path}?{query}")
    response.status_code = 303
    return response


def _save(request: HttpRequest, shop: Shop, saved: Audience | None, fields: chips.Typed) -> HttpResponse:
    name, by, at = NameForm(request.POST), staff_of(request).by, clock.now()
    try:
        expression = queries.read_document(chips.read(sketch.sent(fields)).document)
    except BadDefinition:  # the page says what is wrong, at its place
        return _page(request, shop, saved, fields, name, 422)
    if not name.is_valid():
        return _page(request, shop, saved, fields, name, 422)
    called = name.cleaned_data["name"]
    try:
        if saved:
            kept = actions.change_audience(shop=shop, audience=saved, name=called, expression=expression, by=by, at=at)
        else:
            kept = actions.save_audience(shop=shop, name=called, expression=expression, by=by, at=at)
    except DureError as refusal:
        name.add_error("name", str(refusal.sentence))
        return _page(request, shop, saved, fields, name, 422)
    told(request, say("저장했어요.", en="Saved."))
    return see("audience_reach", shop, kept.public_id)


def _ready() -> bool:
    return queries.has_index("twin")


# What changes while one moves a slider


@staff_who_may(Ability.EDIT_OFFERS, "GET", "POST", outside=True)
def audience_count(request: HttpRequest, shop: Shop) -> HttpResponse:
    """How many, as JSON and nothing else: of a form's fields, or of a `definition` (JSON or a line of text).

    A refusal is a problem+json whose `pointer` is the exact place and `field` the field that it stands in."""
    hold_back("count", staff_of(request).by, per_second=COUNTS_A_SECOND, at_once=COUNTS_AT_ONCE)
    sent = request.POST if request.method == "POST" else request.GET
    if request.content_type == "application/json":
        read = None
        expression = queries.read_definition(request.body)
    elif "definition" in sent:
        read = None
        expression = queries.read_definition(sent["definition"])
    else:
        read = chips.read(sent)
        try:
            expression = queries.read_document(read.document)
        except BadDefinition as refusal:
            raise BadDefinition(
                refusal.sentence, pointer=refusal.pointer, field=read.field_at(refusal.pointer)
            ) from refusal
    if queries.means_friends_alone(expression):
        with fence.within_shop(shop.pk):
            people = queries.friends_meant(shop, expression, at=clock.now())
        return JsonResponse({"people": people, "from": "friends", "said": sketch.exactly(people)})
    people = queries.count_in_twin(shop, expression)
    return JsonResponse({"people": people, "from": "twin", "said": sketch.about(people)})


@staff_who_may(Ability.EDIT_OFFERS, "GET")
def audience_picture(request: HttpRequest, shop: Shop) -> HttpResponse:
    """Who they are: the pyramid, the map, the first districts, and ways to reach more."""
    hold_back("picture", staff_of(request).by, per_second=PICTURES_A_SECOND, at_once=PICTURES_AT_ONCE)
    picture = sketch.picture(shop, chips.kept(request.GET), at=clock.now(), view=request.GET.get("view", ""))
    return render(request, "console/parts/audience_picture.html", {"shop": shop, "picture": picture})


@staff_who_may(Ability.EDIT_OFFERS, "GET")
def audience_places(request: HttpRequest, shop: Shop) -> HttpResponse:
    """The choice of places: what is chosen opened, and what a name finds."""
    hold_back("picture", staff_of(request).by, per_second=PICTURES_A_SECOND, at_once=PICTURES_AT_ONCE)
    places = sketch.places(chips.kept(request.GET), find=request.GET.get("find", ""))
    return render(request, "console/parts/audience_places.html", {"shop": shop, "places": places})


# What was saved


@staff_who_may(Ability.EDIT_OFFERS, "POST")
def audience_copy(request: HttpRequest, shop: Shop, audience: str) -> HttpResponse:
    """The same once more, to change."""
    found = queries.audience_by_public_id(shop, audience)
    made = actions.copy_audience(shop=shop, audience=found, by=staff_of(request).by, at=clock.now())
    told(request, say("“{name}” 이름으로 복사했어요.", en="Copied as “{name}”.", name=made.name))
    return see("audience", shop, made.public_id)


@staff_who_may(Ability.EDIT_OFFERS, "POST")
def audience_removal(request: HttpRequest, shop: Shop, audience: str) -> HttpResponse:
    """Forget the conditions; nobody is forgotten by it, and campaigns made from it go on."""
    found = queries.audience_by_public_id(shop, audience)
    actions.drop_audience(shop=shop, audience=found, by=staff_of(request).by, at=clock.now())
    told(request, say("{name:을/를} 지웠어요.", en="“{name}” is deleted.", name=found.name))
    return see("audiences", shop)


@staff_who_may(Ability.EDIT_OFFERS, "GET", "POST")
def audience_reach(request: HttpRequest, shop: Shop, audience: str) -> HttpResponse:
    """The last step: how many real people, noised, at the price of one question of the budget."""
    found = queries.audience_by_public_id(shop, audience)
    expression = queries.read_document(found.definition)
    refused = None
    if request.method == "POST":
        if queries.means_friends_alone(expression):
            raise Invalid
        try:
            actions.ask_reach(shop=shop, expression=expression, by=staff_of(request).by, at=clock.now())
        except (AskedEnough, NoIndex, BadDefinition) as refusal:
            refused = refusal
        else:
            return see("audience_reach", shop, found.public_id, part="real")
    at = clock.now()
    fields = chips.typed(found.definition)
    left_today, left = queries.questions_left(shop, at=at)
    a_day, in_90_days, epsilon = queries.budget()
    answer = queries.answered_today(shop, expression, at=at)
    return show(
        request,
        shop,
        "console/audience_reach.html",
        "audiences",
        status=refused.status if refused else 200,
        found=found,
        chips=chips.chips(fields),
        line=fields.get("line", [""])[0],
        picture=sketch.picture(shop, fields, at=at, view="", whole=False),
        answer=answer,
        answer_said=f"{answer.people:,}" if answer and answer.people is not None else "",
        refused=refused,
        smallest=SMALLEST,
        a_day=a_day,
        in_90_days=in_90_days,
        epsilon=epsilon,
        asked_today=a_day - left_today,
        left_today=left_today,
        left=left,
        campaign=f"{reverse('console:new_campaign', args=[shop.public_id])}?audience={found.public_id}",
    )
