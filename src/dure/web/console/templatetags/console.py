"""What the console's templates draw: icons, fields, hours and spans of time."""

from datetime import datetime
from typing import Any

from django import template
from django.forms import BoundField
from django.templatetags.static import static
from django.utils.html import format_html
from django.utils.safestring import SafeString

from dure.kit import clock
from dure.kit.language import Text, pick, say

register = template.Library()


@register.simple_tag
def icon(name: str) -> SafeString:
    """A decoration; the text beside it says what it means."""
    return format_html(
        '<svg class="icon" aria-hidden="true"><use href="{}#{}"></use></svg>', static("console/icons.svg"), name
    )


@register.inclusion_tag("console/parts/field.html")
def field(bound: BoundField) -> dict[str, object]:
    """A label, its input, what helps and what is wrong."""
    kind = getattr(bound.field.widget, "input_type", "other")
    many = kind == "checkbox" and getattr(bound.field.widget, "allow_multiple_selected", False)
    return {"field": bound, "kind": "checkboxes" if many else kind}


@register.filter
def clock_time(at: datetime | None) -> str:
    """`18:05` in the shop's time zone."""
    return at.astimezone(clock.KST).strftime("%H:%M") if at else ""


@register.filter
def day_and_time(at: datetime | None) -> str:
    """`11.23 18:05` in the shop's time zone."""
    return at.astimezone(clock.KST).strftime("%m.%d %H:%M") if at else ""


@register.filter
def since(at: datetime | None) -> Text:
    """How long ago, in the largest unit that says something."""
    minutes = int((clock.now() - at).total_seconds() // 60) if at else 0
    if minutes < 1:
        return say("방금", en="just now")
    if minutes < 60:
        return say("{n}분 전", en="{n} min ago", n=minutes)
    if minutes < 24 * 60:
        return say("{n}시간 전", en="{n} h ago", n=minutes // 60)
    days = minutes // 1440
    return say("{n}일 전", en="{n} day ago" if days == 1 else "{n} days ago", n=days)


@register.filter
def named(shop: Any) -> str:
    """A shop's name in the reader's language."""
    return pick({"ko": shop.name, "en": shop.name_en or shop.name})


@register.filter
def called(table: object) -> object:
    """A table as people say it: one that is only a number needs a noun."""
    name = str(getattr(table, "name", table or ""))
    return say("{n}번 테이블", en="Table {n}", n=name) if name.isdigit() else name
