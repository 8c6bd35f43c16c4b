"""When the shop is open, how guests pay and sit, how it looks, who it is."""

from __future__ import annotations

from datetime import time
from typing import TYPE_CHECKING, Any

from django import forms
from django.conf import settings as django_settings
from django.http import HttpRequest, HttpResponse
from django.template.loader import render_to_string

from dure.kit import clock
from dure.kit.errors import DureError, NotFound
from dure.kit.language import say
from dure.shops import actions, skin_packs
from dure.shops.values import CATEGORY_WORDS, COUNTER, LINK, Ability, PayTiming, Seating
from dure.web.console.frame import blame, see, show, staff_of, told
from dure.web.ui.access import staff_who_may
from dure.web.ui.ways import WAY_WORDS

if TYPE_CHECKING:
    from dure.shops.models import Shop

DAYS = (
    say("월", en="Mon"), say("화", en="Tue"), say("수", en="Wed"), say("목", en="Thu"),
    say("금", en="Fri"), say("토", en="Sat"), say("일", en="Sun"),
)  # fmt: skip
SLOTS = (
    say("여는 시간", en="opens"), say("닫는 시간", en="closes"),
    say("다시 여는 시간", en="opens again"), say("다시 닫는 시간", en="closes again"),
)  # fmt: skip


class HoursForm(forms.Form):
    """Two spans a day: before and after the break."""

    def __init__(self, *args: Any, shop: Shop, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for day, word in enumerate(DAYS):
            times = shop.hours.get(str(day), [])
            for slot, name in enumerate(SLOTS):
                self.fields[f"d{day}_{slot}"] = forms.TimeField(
                    required=False,
                    # A browser's clock knows no 24:00; as a closing time 00:00 says the same.
                    initial=times[slot].replace("24:00", "00:00") if slot < len(times) else None,
                    label=say("{d} {s}", en="{d} {s}", d=word, s=name),
                    widget=forms.TimeInput(format="%H:%M", attrs={"type": "time", "aria-label": f"{word} {name}"}),
                )

    def days(self) -> list[tuple[object, list[forms.BoundField]]]:
        return [(word, [self[f"d{day}_{slot}"] for slot in range(4)]) for day, word in enumerate(DAYS)]

    def changes(self) -> dict[str, object]:
        hours = {}
        for day in range(7):
            typed: list[time | None] = [self.cleaned_data.get(f"d{day}_{slot}") for slot in range(4)]
            hours[str(day)] = [f"{at:%H:%M}" for at in typed if at is not None]
        return {"hours": hours}


class OrderingForm(forms.Form):
    pay_timing = forms.ChoiceField(
        choices=[
            (PayTiming.FIRST.value, say("주문할 때 결제", en="When ordering")),
            (PayTiming.TAB.value, say("먹고 나서 계산", en="When leaving")),
        ],
        widget=forms.RadioSelect,
        label=say("손님은 언제 결제하나요?", en="When do guests pay?"),
    )
    seating = forms.ChoiceField(
        choices=[
            (Seating.SCAN.value, say("QR을 찍으면 바로", en="By scanning the code")),
            (Seating.STAFF.value, say("직원이 자리를 열면", en="Once staff open the table")),
        ],
        widget=forms.RadioSelect,
        label=say("자리는 어떻게 열리나요?", en="How does a table open?"),
    )
    takes_online = forms.BooleanField(required=False, label=say("휴대폰 결제를 받아요", en="Take payments by phone"))
    ways = forms.MultipleChoiceField(
        required=False,
        widget=forms.CheckboxSelectMultiple,
        label=say("무엇으로 결제할 수 있나요?", en="What can guests pay with?"),
        help_text=say(
            "손님과 결제 페이지에는 켠 것만 나와요. 이미 보낸 링크는 그대로 결제할 수 있어요.",
            en="Guests and payment pages see only these. Links that were sent can still be paid.",
        ),
    )
    cooking_minutes = forms.IntegerField(
        min_value=1, max_value=180, label=say("보통 조리 시간(분)", en="Usual cooking time (minutes)")
    )
    accept_minutes = forms.IntegerField(
        min_value=3,
        max_value=60,
        label=say(
            "이만큼 접수하지 않으면 거절하고 돌려줘요(분)", en="Refuse and refund when not accepted for (minutes)"
        ),
    )

    def __init__(self, *args: Any, shop: Shop, **kwargs: Any) -> None:
        fields = [name for name in self.base_fields if name != "ways"]
        known = {way: WAY_WORDS.get(way, way) for way in (*django_settings.WAYS_TO_PAY, COUNTER, LINK)}
        on = [way for way in known if way not in shop.ways_off]
        super().__init__(*args, **{**kwargs, "initial": {**{name: getattr(shop, name) for name in fields}, "ways": on}})
        self.fields["ways"].choices = list(known.items())  # type: ignore[attr-defined]
        self.known = set(known)
        self.kept_off = set(shop.ways_off) - self.known

    def changes(self) -> dict[str, object]:
        """What the operator does not offer at present stays as it was."""
        said = dict(self.cleaned_data)
        on = set(said.pop("ways"))
        return {**said, "ways_off": sorted(self.kept_off | self.known - on)}


class LookForm(forms.Form):
    """A skin and one of its characters, as `skin/character`."""

    look = forms.ChoiceField(label=say("캐릭터", en="Character"))

    def __init__(self, *args: Any, shop: Shop, **kwargs: Any) -> None:
        pack = skin_packs.pack_or_own(shop.skin)
        character = shop.character if shop.character in pack.characters else next(iter(pack.characters))
        super().__init__(*args, **{**kwargs, "initial": {"look": f"{pack.id}/{character}"}})
        self.packs = [
            (pack, character) for pack in skin_packs.packs().values() for character in pack.characters.values()
        ]
        self.fields["look"].choices = [(f"{p.id}/{c.id}", c.name) for p, c in self.packs]  # type: ignore[attr-defined]

    def changes(self) -> dict[str, object]:
        skin, _, character = self.cleaned_data["look"].partition("/")
        return {"skin": skin, "character": character}


class DetailsForm(forms.Form):
    name = forms.CharField(max_length=40, label=say("가게 이름", en="Name of the shop"))
    name_en = forms.CharField(max_length=40, required=False, label=say("영어 이름", en="Name in English"))
    category = forms.ChoiceField(
        choices=[(c.value, words) for c, words in CATEGORY_WORDS.items()], label=say("업종", en="Kind")
    )
    phone = forms.CharField(
        max_length=20,
        required=False,
        label=say("전화번호", en="Telephone"),
        widget=forms.TextInput(attrs={"type": "tel"}),
    )
    address = forms.CharField(max_length=120, required=False, label=say("주소", en="Address"))
    district = forms.CharField(max_length=60, required=False, label=say("동네", en="District"))
    business_number = forms.CharField(max_length=20, required=False, label=say("사업자등록번호", en="Business number"))

    def __init__(self, *args: Any, shop: Shop, **kwargs: Any) -> None:
        super().__init__(*args, **{**kwargs, "initial": _of(shop, self.base_fields)})

    def changes(self) -> dict[str, object]:
        return self.cleaned_data


def _of(shop: Shop, fields: dict[str, Any]) -> dict[str, object]:
    return {name: getattr(shop, name) for name in fields}


PartForm = HoursForm | OrderingForm | LookForm | DetailsForm
PARTS: dict[str, type[PartForm]] = {
    "hours": HoursForm,
    "ordering": OrderingForm,
    "look": LookForm,
    "details": DetailsForm,
}


@staff_who_may(Ability.EDIT_SHOP, "GET", "POST")
def settings(request: HttpRequest, shop: Shop) -> HttpResponse:
    """Four short forms; each is saved by itself."""
    part = request.POST.get("part", "")
    forms_by_name: dict[str, Any] = {name: kind(shop=shop) for name, kind in PARTS.items()}
    if request.method == "POST":
        if part not in PARTS:
            raise NotFound
        form = forms_by_name[part] = PARTS[part](request.POST, shop=shop)
        if form.is_valid():
            try:
                actions.update_shop(shop=shop, by=staff_of(request).by, at=clock.now(), **form.changes())
            except DureError as refusal:
                blame(form, refusal)
            else:
                told(request, say("저장했어요.", en="Saved."))
                return see("settings", shop, part=part)
    status = 422 if request.method == "POST" else 200
    return show(request, shop, "console/settings.html", "settings", status=status, **forms_by_name)


@staff_who_may(Ability.EDIT_SHOP, "GET")
def preview(request: HttpRequest, shop: Shop) -> HttpResponse:
    """How the menu looks on a guest's phone with a skin, by day and by night: a drawing."""
    skin, _, character = request.GET.get("look", "").partition("/")
    pack = skin_packs.packs().get(skin)
    if pack is None or character not in pack.characters:
        raise NotFound
    art = skin_packs.art(pack, character, "greet").decode()
    context = {"shop": shop, "pack": pack, "art": art, "themes": [(pack.light, 0), (pack.dark, 330)]}
    return HttpResponse(render_to_string("console/parts/preview.svg", context), "image/svg+xml")
