"""Alimtalk: information only, by a template that Kakao reviewed; at any hour, because it is no advertisement."""

from datetime import date

from dure.messaging.channels.capability import Capability, Composed, Words

CAPABILITY = Capability(
    body_max=1_000,
    buttons_max=5,
    button_name_max=14,
    advertising=False,
    prices={"NOTICE": ((date(2026, 1, 1), 10),)},
)
FILLED_MAX = 1_300
TEMPLATE_CODE_MAX = 20


def compose(words: Words) -> Composed:
    return Composed(title="", body=words.body)


def faults(composed: Composed, words: Words) -> list[str]:
    found = ["advertising"] if words.advertising else []
    code = str(words.details.get("template", ""))
    if not 1 <= len(code) <= TEMPLATE_CODE_MAX:
        found.append("no-template")
    if len(composed.body) > FILLED_MAX:
        found.append("too-long")
    return found
