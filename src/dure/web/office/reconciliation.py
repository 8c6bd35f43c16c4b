"""What providers say they settled, beside our books: read a file, explain what differs."""

from collections.abc import Callable
from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_POST

from dure.kit import clock
from dure.kit.errors import DureError
from dure.kit.language import say
from dure.settlement import actions, queries
from dure.settlement.errors import FileFaulty
from dure.settlement.values import DIFFERENCE_WORDS, DifferenceKind, FileFault

FILE_MAX = 20_000_000
SHOWN = 200
BOX = "border rounded px-2 py-1"


class FileForm(forms.Form):
    provider = forms.SlugField(
        max_length=40,
        initial="kakaopay",
        label=say("결제사", en="Provider"),
        widget=forms.TextInput(attrs={"class": BOX}),
    )
    layout = forms.ChoiceField(
        choices=[(name, name) for name in queries.layouts()],
        initial="dure",
        label=say("양식", en="Layout"),
        widget=forms.Select(attrs={"class": BOX}),
    )
    file = forms.FileField(label=say("정산 파일 (CSV)", en="Settlement file (CSV)"))


class ExplanationForm(forms.Form):
    text = forms.CharField(max_length=500, label=say("까닭", en="Why"))


def pages(
    context: Callable[[HttpRequest], dict[str, Any]],
) -> tuple[Callable[..., HttpResponse], Callable[..., HttpResponse]]:
    """The list with its upload, and the form of one difference; the site wraps both, so only operators come in."""

    @require_http_methods(["GET", "HEAD", "POST"])
    def reconciliation(request: HttpRequest) -> HttpResponse:
        form, faults = FileForm(request.POST or None, request.FILES or None), []
        if request.method == "POST" and form.is_valid():
            try:
                _read(request, form)
            except FileFaulty as refusal:
                form.add_error("file", str(refusal.sentence))
                faults = list(refusal.faults)
            except DureError as refusal:
                form.add_error("file", str(refusal.sentence))
            else:
                return redirect("admin:reconciliation")
        return _page(request, context, form, faults)

    @require_POST
    def explanation(request: HttpRequest, object_id: int) -> HttpResponse:
        form = ExplanationForm(request.POST)
        difference = queries.difference_by_id(object_id)
        if form.is_valid():
            actions.explain_difference(
                difference=difference, text=form.cleaned_data["text"], by=_by(request), at=clock.now()
            )
        else:
            messages.error(request, str(say("까닭을 적어 주세요.", en="Please write why.")))
        return redirect("admin:reconciliation")

    return reconciliation, explanation


def _by(request: HttpRequest) -> str:
    operator: Any = request.user
    return f"operator:{operator.public_id}"


def _read(request: HttpRequest, form: FileForm) -> None:
    file = form.cleaned_data["file"]
    made = actions.read_provider_file(
        provider=form.cleaned_data["provider"],
        layout=form.cleaned_data["layout"],
        name=file.name,
        content=file.read(FILE_MAX + 1),
        by=_by(request),
        at=clock.now(),
    )
    found = made.differences.count()
    told = say(
        "{rows}줄을 읽었어요. 차이는 {found}건이에요.",
        en="{rows} rows read, {found} differences.",
        rows=made.rows,
        found=found,
    )
    messages.success(request, str(told))


def _page(
    request: HttpRequest, context: Callable[[HttpRequest], dict[str, Any]], form: FileForm, faults: list[FileFault]
) -> HttpResponse:
    def named(rows: Any) -> list[tuple[Any, Any]]:
        return [(row, DIFFERENCE_WORDS[DifferenceKind(row.kind)]) for row in rows]

    return render(
        request,
        "office/reconciliation.html",
        {
            **context(request),
            "title": str(say("결제사와 맞춰 보기", en="Reconciliation")),
            "form": form,
            "faults": faults,
            "open": named(queries.open_differences()[:SHOWN]),
            "explained": named(queries.explained_differences()[:50]),
            "files": queries.files_read()[:30],
        },
        status=422 if form.errors else 200,
    )
