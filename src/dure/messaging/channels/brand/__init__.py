"""Kakao's brand message: advertising to a channel's friends (targeting I; M and N need 50,000 friends and more).

Limits as the agencies publish them (NHN Cloud, 2026-06-23). From 20:50 to 08:00 Kakao takes none: there is no opt-in.
"""

import re
from datetime import date, time

from dure.messaging.channels.capability import Capability, Composed, Words
from dure.messaging.values import AD_MARK

CAPABILITY = Capability(
    body_max=1_300,
    lines_max=99,
    buttons_max=5,
    button_name_max=14,
    information=False,
    window=(time(8), time(20, 50)),
    through_agency=True,
    prices={"BRAND": ((date(2026, 1, 1), 25),)},
)
COUPON_TITLES = tuple(
    re.compile(form)
    for form in (
        r"(?:[1-9]\d{0,7})원 할인 쿠폰",
        r"(?:100|[1-9]\d?)% 할인 쿠폰",
        r"배송비 할인 쿠폰",
        r".{1,7} 무료 쿠폰",
        r".{1,7} UP 쿠폰",
    )
)
COUPON_TEXT_MAX = 12
LINK_BUTTONS = {"WL": "linkMo", "AL": "schemeAndroid", "BK": "", "MD": "", "AC": "", "BC": "", "BT": "", "BF": ""}


def compose(words: Words) -> Composed:
    number = f" (무료 {words.refusal_number})" if words.refusal_number else ""
    head = f"{AD_MARK} {words.sender_name} {words.contact}".rstrip()
    parts = (head, words.title, words.body, words.link, f"수신거부: {words.refuse}{number}")
    return Composed(title="", body="\n".join(part for part in parts if part))


def faults(composed: Composed, words: Words) -> list[str]:
    found = []
    if not composed.body.startswith(f"{AD_MARK} "):
        found.append("not-marked")
    if not (words.sender_name and words.contact):
        found.append("no-sender")
    if not words.refuse or "\n수신거부: " not in composed.body:
        found.append("no-refusal")
    if len(composed.body) > CAPABILITY.body_max or composed.body.count("\n") > CAPABILITY.lines_max:
        found.append("too-long")
    return found + button_faults(words.details) + coupon_faults(words.details)


def button_faults(details: object) -> list[str]:
    """AC is named 채널 추가 and stands first; with a coupon there is one place less."""
    said = details if isinstance(details, dict) else {}
    buttons = said.get("buttons") or []
    room = CAPABILITY.buttons_max - bool(said.get("coupon"))
    found = ["too-many-buttons"] if len(buttons) > room else []
    for place, button in enumerate(buttons):
        kind, name = button.get("type"), button.get("name", "")
        needs = LINK_BUTTONS.get(kind)
        wrong = needs is None or not 1 <= len(name) <= CAPABILITY.button_name_max
        wrong = wrong or bool(needs and not str(button.get(needs, "")))
        wrong = wrong or (kind == "AC" and (name != "채널 추가" or place != 0))
        found += ["button"] if wrong else []
    return found


def coupon_faults(details: object) -> list[str]:
    """The title in one of five forms, the description in 12 characters."""
    coupon = details.get("coupon") if isinstance(details, dict) else None
    if not coupon:
        return []
    title, text = str(coupon.get("title", "")), str(coupon.get("description", ""))
    found = [] if any(form.fullmatch(title) for form in COUPON_TITLES) else ["coupon-title"]
    return found + (["coupon-text"] if len(text) > COUPON_TEXT_MAX else [])
