"""Texts, prices and live addresses in templates."""

from typing import Any

from django import template
from django.utils.html import conditional_escape
from django.utils.safestring import SafeString, mark_safe

from dure.kit import language, money
from dure.web.ui import live

register = template.Library()


@register.simple_tag(name="say")
def say_tag(ko: str, *, en: str, **values: Any) -> SafeString:
    """`{% say "{n}개" en="{n} items" n=count %}` in the reader's language; the values are escaped, the text is ours."""
    escaped = {name: conditional_escape(value) for name, value in values.items()}
    return mark_safe(str(language.say(ko, en=en, **escaped)))  # noqa: S308 - the text is a literal of a template


@register.filter
def pick(words: Any) -> str:
    """The reader's language of an owner's text, `{"ko": …, "en": …}`."""
    return language.pick(words or {})


@register.filter
def won(amount: int | None) -> str:
    """`12,000원`."""
    return money.won(amount or 0)


@register.simple_tag
def live_url(topic: str) -> str:
    """Where a page listens for changes of `topic`."""
    return live.url(topic)
