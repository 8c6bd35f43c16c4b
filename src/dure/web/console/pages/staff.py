"""Who works here, as what."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django import forms
from django.http import HttpRequest, HttpResponse

from dure.kit import clock
from dure.kit.errors import DureError, Invalid
from dure.kit.language import Text, say
from dure.people import queries as people
from dure.shops import actions
from dure.shops import queries as shops
from dure.shops.values import ROLE_WORDS, Ability, Role
from dure.web.console.frame import blame, see, show, staff_of, told
from dure.web.ui.access import staff_who_may

if TYPE_CHECKING:
    from dure.shops.models import Shop

ROLES = [(role.value, words) for role, words in ROLE_WORDS.items()]
ROLE_NOTES: dict[Role, Text] = {
    Role.OWNER: say("모든 일", en="Everything"),
    Role.MANAGER: say("직원과 가게 설정을 뺀 모든 일", en="Everything but staff and settings"),
    Role.CASHIER: say("오늘, 주방, 테이블, 계산", en="Today, kitchen, tables, payments"),
    Role.KITCHEN: say("주방 화면", en="The kitchen board"),
}


class HireForm(forms.Form):
    email = forms.EmailField(
        max_length=254,
        label=say("이메일", en="E-mail"),
        help_text=say(
            "두레에 로그인한 적이 있는 이메일이어야 해요.", en="They must have logged in to Dure once with it."
        ),
    )
    role = forms.ChoiceField(choices=ROLES, initial=Role.KITCHEN.value, label=say("하는 일", en="Role"))


class RoleForm(forms.Form):
    role = forms.ChoiceField(choices=ROLES)


@staff_who_may(Ability.EDIT_STAFF, "GET", "POST")
def staff(request: HttpRequest, shop: Shop) -> HttpResponse:
    """Everybody who works here; one more by e-mail."""
    form = HireForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        person = people.person_by_email(form.cleaned_data["email"])
        if person is None:
            form.add_error(
                "email",
                str(say("이 이메일로 가입한 분이 없어요. 먼저 로그인해 달라고 부탁해 주세요.",
                        en="Nobody has this e-mail yet. Please ask them to log in first.")),
            )  # fmt: skip
        else:
            try:
                actions.hire(
                    shop=shop, person=person, role=form.cleaned_data["role"], by=staff_of(request).by, at=clock.now()
                )
            except DureError as refusal:
                blame(form, refusal)
            else:
                told(request, say("직원을 더했어요.", en="They are on the team."))
                return see("staff", shop)
    rows = [(member, ROLE_WORDS[Role(member.role)]) for member in shops.staff_of(shop)]
    return show(
        request,
        shop,
        "console/staff.html",
        "staff",
        status=422 if request.method == "POST" else 200,
        rows=rows,
        roles=ROLES,
        notes=[(ROLE_WORDS[role], note) for role, note in ROLE_NOTES.items()],
        form=form,
    )


@staff_who_may(Ability.EDIT_STAFF, "POST")
def role(request: HttpRequest, shop: Shop, person: str) -> HttpResponse:
    """Somebody does another job now."""
    form = RoleForm(request.POST)
    if not form.is_valid():
        raise Invalid
    member = shops.member_by_public_id(shop, person)
    actions.change_role(shop=shop, person=member.person, **form.cleaned_data, by=staff_of(request).by, at=clock.now())
    told(request, say("하는 일을 바꿨어요.", en="The role is changed."))
    return see("staff", shop)


@staff_who_may(Ability.EDIT_STAFF, "POST")
def dismissal(request: HttpRequest, shop: Shop, person: str) -> HttpResponse:
    """Somebody no longer works here."""
    member = shops.member_by_public_id(shop, person)
    actions.dismiss(shop=shop, person=member.person, by=staff_of(request).by, at=clock.now())
    told(request, say("직원에서 뺐어요.", en="They are off the team."))
    return see("staff", shop)
