"""Consents for an inspector: of one person or of a period, each with its text, time, source and proof."""

from collections.abc import Callable
from datetime import datetime, time, timedelta
from typing import Any

from django import forms
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from dure.kit import clock
from dure.kit.errors import DureError
from dure.kit.language import say
from dure.people import queries
from dure.settlement import queries as sheets

BOX = "border rounded px-2 py-1"


class InspectionForm(forms.Form):
    person = forms.CharField(
        max_length=40,
        required=False,
        label=say("한 사람 (번호)", en="One person (id)"),
        widget=forms.TextInput(attrs={"class": BOX}),
    )
    since = forms.DateField(
        required=False,
        label=say("처음 날", en="First day"),
        widget=forms.DateInput(attrs={"type": "date", "class": BOX}),
    )
    until = forms.DateField(
        required=False,
        label=say("마지막 날", en="Last day"),
        widget=forms.DateInput(attrs={"type": "date", "class": BOX}),
    )
    kind = forms.ChoiceField(
        required=False,
        choices=[("csv", "CSV"), ("xlsx", "XLSX")],
        label=say("양식", en="Format"),
        widget=forms.Select(attrs={"class": BOX}),
    )

    def clean(self) -> dict[str, Any]:
        typed: dict[str, Any] = super().clean() or {}
        if not typed.get("person") and not (typed.get("since") and typed.get("until")):
            raise forms.ValidationError(
                str(say("한 사람이나 기간을 적어 주세요.", en="Please name a person or a period."))
            )
        if any(typed.get(name) and not 2000 <= typed[name].year <= 2100 for name in ("since", "until")):
            raise forms.ValidationError(
                str(say("2000년부터 2100년까지 적어 주세요.", en="Between 2000 and 2100, please."))
            )
        return typed


def page(context: Callable[[HttpRequest], dict[str, Any]]) -> Callable[..., HttpResponse]:
    """The form, and the file once it says what; the site wraps it, so only operators come in."""

    @require_safe
    def inspection(request: HttpRequest) -> HttpResponse:
        form = InspectionForm(request.GET or None)
        if request.GET and form.is_valid():
            try:
                return _file(form.cleaned_data)
            except DureError as refusal:
                form.add_error("person", str(refusal.sentence))
        title = str(say("동의 기록 내보내기", en="Export of consents"))
        said = {**context(request), "title": title, "form": form}
        return render(request, "office/inspection.html", said, status=422 if form.errors else 200)

    return inspection


def _file(typed: dict[str, Any]) -> HttpResponse:
    since, until = (
        datetime.combine(day, time(0), clock.KST) if day else None for day in (typed["since"], typed["until"])
    )
    rows = queries.consents_for_inspection(
        person=queries.person_by_public_id(typed["person"]) if typed["person"] else None,
        since=since,
        until=until + timedelta(days=1) if until else None,
    )
    kind = typed["kind"] or "csv"
    body, media = (
        (sheets.rows_as_xlsx(rows, "consents"), "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet")
        if kind == "xlsx"
        else (sheets.rows_as_csv(rows), "text/csv; charset=utf-8")
    )
    answer = HttpResponse(body, content_type=media)
    answer["Content-Disposition"] = f'attachment; filename="consents-{clock.now():%Y%m%d}.{kind}"'
    return answer
