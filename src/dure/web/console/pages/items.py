"""One item: its words, price, photo, options and where it is cooked."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from django import forms
from django.http import HttpRequest, HttpResponse, QueryDict

from dure.kit import clock
from dure.kit.errors import DureError
from dure.kit.language import Text, pick, say
from dure.menu import actions
from dure.menu import queries as menus
from dure.menu.values import ALLERGEN_WORDS, GroupDraft, OptionDraft
from dure.shops.values import Ability
from dure.web.console.frame import blame, see, show, staff_of, told
from dure.web.ui.access import staff_who_may

if TYPE_CHECKING:
    from dure.shops.models import Shop

PRICE_MAX = 10_000_000
GROUPS_MAX, OPTIONS_MAX, SPARE_OPTIONS = 20, 50, 3


class ItemForm(forms.Form):
    name_ko = forms.CharField(max_length=60, label=say("이름", en="Name in Korean"))
    price = forms.IntegerField(
        min_value=0, max_value=PRICE_MAX, label=say("가격(원, 부가세 포함)", en="Price (won, tax included)")
    )
    section = forms.ChoiceField(label=say("분류", en="Section"))
    name_en = forms.CharField(max_length=60, required=False, label=say("영어 이름", en="Name in English"))
    description_ko = forms.CharField(
        max_length=300,
        required=False,
        widget=forms.Textarea(attrs={"rows": 2}),
        label=say("설명", en="Description in Korean"),
    )
    description_en = forms.CharField(
        max_length=300,
        required=False,
        widget=forms.Textarea(attrs={"rows": 2}),
        label=say("영어 설명", en="Description in English"),
    )
    origin_ko = forms.CharField(
        max_length=300, required=False, label=say("원산지", en="Origin"),
        help_text=say("예: 돼지고기(국내산), 쌀(국내산)", en="For example: pork (Korea), rice (Korea)"),
    )  # fmt: skip
    allergens = forms.MultipleChoiceField(
        choices=[(a.value, words) for a, words in ALLERGEN_WORDS.items()],
        required=False,
        widget=forms.CheckboxSelectMultiple,
        label=say("알레르기", en="Allergens"),
    )
    station = forms.ChoiceField(required=False, label=say("조리대", en="Station"))
    popular = forms.BooleanField(required=False, label=say("인기 메뉴로 위에 보여요", en="Show on top as popular"))
    alcohol = forms.BooleanField(required=False, label=say("술이에요 (나이를 확인해요)", en="Alcohol (we ask for age)"))
    tax_free = forms.BooleanField(required=False, label=say("면세예요", en="Free of tax"))

    def __init__(self, shop: Shop, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.sections = {s.public_id: s for s in menus.sections_of(shop)}
        self.stations = {s.public_id: s for s in menus.stations_of(shop)}
        self.fields["section"].choices = [(key, pick(s.name)) for key, s in self.sections.items()]  # type: ignore[attr-defined]
        self.fields["station"].choices = [  # type: ignore[attr-defined]
            ("", say("따로 없음", en="None")),
            *((key, s.name) for key, s in self.stations.items()),
        ]

    def changes(self) -> dict[str, Any]:
        """What the form says, as add_item and change_item take it."""
        typed = self.cleaned_data
        words = {
            field: {
                language: typed[f"{field}_{language}"] for language in ("ko", "en") if typed.get(f"{field}_{language}")
            }
            for field in ("name", "description", "origin")
        }
        plain = {field: typed[field] for field in ("price", "allergens", "popular", "alcohol", "tax_free")}
        return {
            **words,
            **plain,
            "section": self.sections[typed["section"]],
            "station": self.stations.get(typed["station"]),
        }


def _initial(item: Any) -> dict[str, object]:
    return {
        "name_ko": item.name.get("ko", ""),
        "name_en": item.name.get("en", ""),
        "description_ko": item.description.get("ko", ""),
        "description_en": item.description.get("en", ""),
        "origin_ko": item.origin.get("ko", ""),
        "price": item.price,
        "section": item.section.public_id,
        "station": item.station.public_id if item.station else "",
        "allergens": item.allergens,
        "popular": item.popular,
        "alcohol": item.alcohol,
        "tax_free": item.tax_free,
    }


@staff_who_may(Ability.EDIT_MENU, "GET", "POST")
def new_item(request: HttpRequest, shop: Shop) -> HttpResponse:
    """An item that was not there before: a name and a price are enough."""
    form = ItemForm(shop, request.POST or None, initial={"section": request.GET.get("section", "")})
    if request.method == "POST" and form.is_valid():
        try:
            item = actions.add_item(shop=shop, **form.changes(), by=staff_of(request).by, at=clock.now())
        except DureError as refusal:
            blame(form, refusal)
        else:
            told(
                request,
                say(
                    "메뉴에 넣었어요. 사진과 옵션도 더할 수 있어요.",
                    en="It is on the menu. You can add a photo and options.",
                ),
            )
            return see("item", shop, item.public_id)
    status = 422 if request.method == "POST" else 200
    return show(request, shop, "console/item.html", "menu", status=status, item=None, form=form)


@staff_who_may(Ability.EDIT_MENU, "GET", "POST")
def item(request: HttpRequest, shop: Shop, item: str) -> HttpResponse:
    """Look at one item and change it."""
    found = menus.item_by_public_id(shop, item)
    form = ItemForm(shop, request.POST or None, initial=_initial(found))
    if request.method == "POST" and form.is_valid():
        try:
            actions.change_item(shop=shop, item=found, **form.changes(), by=staff_of(request).by, at=clock.now())
        except DureError as refusal:
            blame(form, refusal)
        else:
            told(request, say("저장했어요.", en="Saved."))
            return see("item", shop, item)
    return _item(request, shop, found, form=form, status=422 if request.method == "POST" else 200)


def _item(
    request: HttpRequest,
    shop: Shop,
    found: Any,
    *,
    form: ItemForm | None = None,
    photo_form: forms.Form | None = None,
    groups: list[GroupForms] | None = None,
    options_wrong: Text | None = None,
    status: int = 200,
) -> HttpResponse:
    return show(
        request,
        shop,
        "console/item.html",
        "menu",
        status=status,
        item=found,
        form=form or ItemForm(shop, initial=_initial(found)),
        photo_form=photo_form or PhotoForm(),
        groups=groups or _group_forms(menus.groups_of(found)),
        options_wrong=options_wrong,
    )


class PhotoForm(forms.Form):
    photo = forms.FileField(label=say("사진", en="Photo"))


@staff_who_may(Ability.EDIT_MENU, "POST")
def photo(request: HttpRequest, shop: Shop, item: str) -> HttpResponse:
    """A picture, or none."""
    found = menus.item_by_public_id(shop, item)
    if "remove" in request.POST:
        actions.remove_photo(shop=shop, item=found, by=staff_of(request).by, at=clock.now())
        return see("item", shop, item)
    form = PhotoForm(request.POST, request.FILES)
    if form.is_valid():
        try:
            actions.store_photo(
                shop=shop, item=found, file=form.cleaned_data["photo"], by=staff_of(request).by, at=clock.now()
            )
        except DureError as refusal:
            blame(form, refusal)
        else:
            told(request, say("사진을 바꿨어요.", en="The photo is there."))
            return see("item", shop, item)
    return _item(request, shop, found, photo_form=form, status=422)


def _line(name: Text, **more: object) -> dict[str, object]:
    return {"aria-label": name, "placeholder": name, **more}


class BoundsForm(forms.Form):
    """A group of options, and how many of them may be chosen."""

    ko = forms.CharField(max_length=60, required=False, label=say("그룹 이름", en="Group"))
    en = forms.CharField(max_length=60, required=False, label=say("영어", en="English"))
    least = forms.IntegerField(min_value=0, max_value=50, initial=0, label=say("적어도", en="At least"))
    most = forms.IntegerField(min_value=1, max_value=50, initial=1, label=say("많아도", en="At most"))
    id = forms.CharField(max_length=40, required=False, widget=forms.HiddenInput)


class OptionForm(forms.Form):
    """One line of a group."""

    ko = forms.CharField(max_length=60, required=False, widget=forms.TextInput(_line(say("옵션", en="Option"))))
    en = forms.CharField(max_length=60, required=False, widget=forms.TextInput(_line(say("영어", en="English"))))
    price = forms.IntegerField(
        min_value=-PRICE_MAX,
        max_value=PRICE_MAX,
        required=False,
        widget=forms.NumberInput(_line(say("더하는 가격", en="Extra price"))),
    )
    sold_out = forms.BooleanField(required=False)
    id = forms.CharField(max_length=40, required=False, widget=forms.HiddenInput)


GroupForms = tuple[BoundsForm, list[OptionForm]]


def _group_forms(groups: Sequence[GroupDraft]) -> list[GroupForms]:
    """A form for every group, with some empty lines, and an empty group."""
    shown = []
    for g, group in enumerate((*groups, None)):
        start = {"id": group.public_id, "least": group.least, "most": group.most, **group.name} if group else None
        options = [
            OptionForm(
                prefix=f"g{g}o{o}", initial={"id": d.public_id, "price": d.price, "sold_out": d.sold_out, **d.name}
            )
            for o, d in enumerate(group.options if group else ())
        ]
        empty = [OptionForm(prefix=f"g{g}o{len(options) + n}") for n in range(SPARE_OPTIONS)]
        shown.append((BoundsForm(prefix=f"g{g}", initial=start), [*options, *empty]))
    return shown


def _typed_groups(typed: QueryDict) -> list[GroupForms]:
    """The forms as they were sent."""
    return [
        (
            BoundsForm(typed, prefix=f"g{g}"),
            [OptionForm(typed, prefix=f"g{g}o{o}") for o in range(OPTIONS_MAX) if f"g{g}o{o}-ko" in typed],
        )
        for g in range(GROUPS_MAX)
        if f"g{g}-ko" in typed
    ]


def _drafts(groups: list[GroupForms]) -> list[GroupDraft] | None:
    """What the forms say, or None where one is wrong. Lines without a name are left out."""
    if not all(form.is_valid() for group, options in groups for form in (group, *options)):
        return None
    return [
        GroupDraft(
            name=_words(group),
            least=group.cleaned_data["least"],
            most=group.cleaned_data["most"],
            public_id=group.cleaned_data["id"],
            options=tuple(
                OptionDraft(
                    name=_words(option),
                    price=option.cleaned_data["price"] or 0,
                    sold_out=option.cleaned_data["sold_out"],
                    public_id=option.cleaned_data["id"],
                )
                for option in options
                if option.cleaned_data["ko"]
            ),
        )
        for group, options in groups
        if group.cleaned_data["ko"]
    ]


def _words(form: forms.Form) -> dict[str, str]:
    return {language: form.cleaned_data[language] for language in ("ko", "en") if form.cleaned_data[language]}


@staff_who_may(Ability.EDIT_MENU, "POST")
def options(request: HttpRequest, shop: Shop, item: str) -> HttpResponse:
    """The choices about an item, all at once."""
    found = menus.item_by_public_id(shop, item)
    wrong = say(
        "옵션을 다시 확인해 주세요. 이름과 숫자가 필요해요.",
        en="Please check the options: names and numbers are needed.",
    )
    groups = _typed_groups(request.POST)
    drafts = _drafts(groups)
    if drafts is not None:
        try:
            actions.put_options(shop=shop, item=found, groups=drafts, by=staff_of(request).by, at=clock.now())
        except DureError as refusal:
            wrong = refusal.sentence
        else:
            told(request, say("옵션을 저장했어요.", en="The options are saved."))
            return see("item", shop, item, part="options")
    return _item(request, shop, found, groups=groups, options_wrong=wrong, status=422)


@staff_who_may(Ability.EDIT_MENU, "POST")
def retirement(request: HttpRequest, shop: Shop, item: str) -> HttpResponse:
    """Off the menu; orders that have it keep it."""
    found = menus.item_by_public_id(shop, item)
    actions.retire_item(shop=shop, item=found, by=staff_of(request).by, at=clock.now())
    told(request, say("{name:을/를} 메뉴에서 내렸어요.", en="{name} is off the menu.", name=pick(found.name)))
    return see("menu", shop)
