"""What a customer may send. Prices and totals are never among it, but for the total they saw."""

import json
from typing import Any

from django import forms
from django.http import QueryDict

from dure.channels.values import Door
from dure.kit.language import say
from dure.ordering.values import LINES_MAX, QUANTITY_MAX, Wanted
from dure.people.values import NOT_ADVERTISING, RESTS_ON_IT, Purpose, RefusalScope
from dure.web.customer.ways import choices, providers

BELOW, REFILLS = (5_000, 10_000, 20_000), (10_000, 20_000, 30_000, 50_000)
PUBLIC_ID = r"^[a-z]{2,4}_[0-9a-hjkmnp-tv-z]{26}$"


def public_id() -> forms.RegexField:
    return forms.RegexField(PUBLIC_ID)


class AddForm(forms.Form):
    """One item with its options, into the basket."""

    item = public_id()
    quantity = forms.IntegerField(min_value=1, max_value=QUANTITY_MAX, required=False)
    note = forms.CharField(max_length=80, required=False)

    def wanted(self, sent: QueryDict) -> Wanted:
        """What was chosen. Options come in one field a group (`o-<group>`), so that plain radio buttons work."""
        options = [one for name, values in sent.lists() if name.startswith("o-") for one in values]
        return Wanted(
            item=self.cleaned_data["item"],
            options=tuple(options[:200]),
            quantity=self.cleaned_data["quantity"] or 1,
            note=self.cleaned_data["note"],
        )


class BasketForm(forms.Form):
    """What is changed in the basket's own page, which goes on with the coupon that it showed."""

    coupon = forms.ChoiceField(choices=[("best", ""), ("none", "")], required=False)


class QuantityForm(BasketForm):
    quantity = forms.IntegerField(min_value=0, max_value=QUANTITY_MAX)


class AdditionForm(BasketForm):
    """What the basket suggests, taken with one tap."""

    item = public_id()


class LineForm(forms.Form):
    """One line of an order that did not come from the table's basket."""

    item = public_id()
    quantity = forms.IntegerField(min_value=1, max_value=QUANTITY_MAX)
    note = forms.CharField(max_length=80, required=False)


class OrderForm(forms.Form):
    """An order: the basket's, or `lines` as JSON where a phone kept a basket of its own."""

    key = forms.RegexField(r"^[A-Za-z0-9_.:-]{8,100}$")
    how = forms.ChoiceField(choices=lambda: [*choices(), ("counter", ""), ("tab", "")])
    expected_total = forms.IntegerField(min_value=0, max_value=10_000_000, required=False)
    coupon = forms.RegexField(f"^(best|none)$|{PUBLIC_ID}", required=False)
    lines = forms.CharField(max_length=20_000, required=False)

    def clean_lines(self) -> list[Wanted] | None:
        written = self.cleaned_data["lines"]
        if not written:
            return None
        try:
            read = json.loads(written)
        except (ValueError, RecursionError):
            raise forms.ValidationError("not JSON") from None
        if not isinstance(read, list) or len(read) > LINES_MAX:
            raise forms.ValidationError("not a list of lines")
        return [_wanted(line) for line in read]


def _wanted(line: Any) -> Wanted:
    options = line.get("options", []) if isinstance(line, dict) else None
    if not isinstance(options, list) or not all(isinstance(one, str) for one in options):
        raise forms.ValidationError("not a line")
    form = LineForm(line)
    if not form.is_valid():
        raise forms.ValidationError("not a line")
    return Wanted(
        item=form.cleaned_data["item"],
        options=tuple(options),
        quantity=form.cleaned_data["quantity"],
        note=form.cleaned_data["note"],
    )


class RepeatForm(forms.Form):
    order = public_id()


class PayForm(forms.Form):
    how = forms.ChoiceField(choices=lambda: [*choices(), ("counter", ""), ("split", "")])
    coupon = forms.RegexField(f"^(best|none)$|{PUBLIC_ID}", required=False)


class TopUpForm(forms.Form):
    amount = forms.IntegerField(min_value=1, max_value=10_000_000)
    provider = forms.ChoiceField(choices=lambda: [(name, "") for name in providers()])
    key = forms.RegexField(r"^[A-Za-z0-9_-]{8,60}$")


class AutomationForm(forms.Form):
    """Automatic top-ups: below which balance, how much, and how much a day at most."""

    below = forms.TypedChoiceField(choices=[(won, "") for won in BELOW], coerce=int)
    amount = forms.TypedChoiceField(choices=[(won, "") for won in REFILLS], coerce=int)
    key = forms.RegexField(r"^[A-Za-z0-9_-]{8,60}$")


class StatementForm(forms.Form):
    before = forms.IntegerField(min_value=1, max_value=2**62, required=False)


class CouponForm(forms.Form):
    coupon = forms.RegexField(f"^(best|none)$|{PUBLIC_ID}")


class CallForm(forms.Form):
    why = forms.ChoiceField(choices=[("staff", ""), ("bill", "")])


class JoinForm(forms.Form):
    """Becoming a friend, and by which door: further choices, each apart and refusable."""

    door = forms.ChoiceField(choices=[(str(door), "") for door in Door], required=False)

    def __init__(self, *said: Any, **more: Any) -> None:
        super().__init__(*said, **more)
        for purpose in Purpose:
            if purpose not in (Purpose.FRIENDSHIP, Purpose.BIRTHDAY):
                self.fields[str(purpose)] = forms.BooleanField(required=False)

    def clean(self) -> dict[str, Any]:
        said = super().clean() or {}
        for purpose in RESTS_ON_IT[Purpose.ADVERTISING]:
            if said.get(purpose) and not said.get(Purpose.ADVERTISING):
                self.add_error(str(purpose), str(NEEDS_ADVERTISING[purpose == Purpose.NIGHT]))
        return said


NEEDS_ADVERTISING = {
    True: say(
        "밤에 받으려면 광고성 정보 수신에도 동의해 주세요. 둘 다 안 받아도 괜찮아요.",
        en="To receive at night, agree to advertising too. You may also refuse both.",
    ),
    False: say(
        "이렇게 받으려면 광고성 정보 수신에도 동의해 주세요. 둘 다 안 받아도 괜찮아요.",
        en="To receive this way, agree to advertising too. You may also refuse both.",
    ),
}


class ChatForm(forms.Form):
    """A line to the shop. `after`: how many the phone had sent when the page was drawn, so that a double tap says it once."""

    text = forms.CharField(max_length=4_000, strip=False)
    after = forms.IntegerField(min_value=0, max_value=2**31 - 1, required=False)


class PictureForm(forms.Form):
    """A picture for the shop; `after` as a line's."""

    picture = forms.FileField()
    after = forms.IntegerField(min_value=0, max_value=2**31 - 1, required=False)


class BellForm(forms.Form):
    """A browser's push subscription, kept or dropped."""

    url = forms.CharField(max_length=1_000)
    p256dh = forms.RegexField(r"^[A-Za-z0-9_-]{80,100}=*$", required=False)
    auth = forms.RegexField(r"^[A-Za-z0-9_-]{16,40}=*$", required=False)
    ring = forms.ChoiceField(choices=[("yes", ""), ("no", "")])


class ConsentForm(forms.Form):
    shop = public_id()
    purpose = forms.ChoiceField(choices=[("advertising", ""), ("night", ""), ("taste", "")])
    granted = forms.ChoiceField(choices=[("yes", ""), ("no", "")])


class BirthdayForm(forms.Form):
    """The month and day on which somebody likes to be congratulated, or that it is to be taken away."""

    month = forms.IntegerField(min_value=1, max_value=12, required=False)
    day = forms.IntegerField(min_value=1, max_value=31, required=False)
    birthday = forms.ChoiceField(choices=[("keep", ""), ("drop", "")])

    def clean(self) -> dict[str, Any]:
        typed = super().clean() or self.cleaned_data
        if typed.get("birthday") == "keep" and not (typed.get("month") and typed.get("day")):
            raise forms.ValidationError(str(say("월과 일을 골라 주세요.", en="Please choose month and day.")))
        return typed


class PointsForm(forms.Form):
    """How many points become a coupon, and the table at which that was asked; or which coupon becomes points again."""

    points = forms.IntegerField(min_value=1, max_value=10_000_000, required=False)
    key = forms.RegexField(r"^[-0-9.]{3,40}$", required=False)
    points_back = forms.RegexField(f"^{PUBLIC_ID}$", required=False)
    table = forms.RegexField(r"^[0-9A-Za-z]{16}$", required=False)

    def clean(self) -> dict[str, object]:
        typed = super().clean() or self.cleaned_data
        if not typed.get("points_back") and not (typed.get("points") and typed.get("key")):
            raise forms.ValidationError(str(say("포인트를 다시 적어 주세요.", en="Please type the points again.")))
        return typed


class PartForm(forms.Form):
    """The part of a bill that somebody takes, and how they pay it. Dishes come as `d-<place on the bill>` = units."""

    split_by = forms.ChoiceField(choices=[("evenly", ""), ("item", ""), ("amount", "")])
    how = forms.ChoiceField(choices=lambda: [*choices(), ("counter", "")])
    ways = forms.IntegerField(min_value=2, max_value=20, required=False)
    amount = forms.IntegerField(min_value=1, max_value=10_000_000, required=False)

    def dishes(self, sent: QueryDict) -> dict[int, int]:
        """How many units of which dishes; what is no small number was not chosen."""
        found = {}
        for name, value in sent.items():
            place = name.removeprefix("d-")
            if (
                name != place
                and len(place) < 5
                and place.isdecimal()
                and str(value).isdecimal()
                and len(str(value)) < 3
            ):
                found[int(place)] = int(str(value))
        return found


class PartStepForm(forms.Form):
    how = forms.ChoiceField(choices=lambda: [*choices(), ("counter", ""), ("back", "")])


class AttentionForm(forms.Form):
    """How many advertisements, and when none."""

    per_day = forms.IntegerField(min_value=0, max_value=100, required=False)
    per_week = forms.IntegerField(min_value=0, max_value=100, required=False)
    quiet_from = forms.RegexField(r"^([01]\d|2[0-3]):[0-5]\d$", required=False)
    quiet_until = forms.RegexField(r"^([01]\d|2[0-3]):[0-5]\d$", required=False)
    zone = forms.RegexField(r"^[A-Za-z_]{2,20}/[A-Za-z_/]{2,30}$")


class SayForm(forms.Form):
    """A yes or a no to one sender, topic or everybody."""

    sender = forms.RegexField(r"^(\*|[a-z]{2,10}(:[a-z0-9_-]{1,60})?)$")
    purpose = forms.ChoiceField(
        choices=[(str(p), "") for p in Purpose if p not in NOT_ADVERTISING or p == Purpose.TASTE]
    )
    say = forms.ChoiceField(choices=[("yes", ""), ("no", "")])


class RefusalForm(forms.Form):
    """How far a no reaches; a mail program's one click says nothing and means the sender."""

    scope = forms.ChoiceField(choices=[(str(s), "") for s in RefusalScope], required=False)
