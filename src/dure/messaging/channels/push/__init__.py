"""Web Push: a bell on a browser that asked for it (RFC 8030, 8291, 8292). The text lies in the inbox too.

The marking follows KISA's guide for app push: (광고) and the sender first, and how to refuse in the text.
"""

import json

from dure.messaging.channels.capability import Capability, Composed, Words
from dure.messaging.values import AD_MARK

PLAINTEXT_MAX = 3_993
CAPABILITY = Capability(title_max=80, body_max=300, bytes_max=2_700)
REFUSE = "수신거부: 이 알림의 ‘그만 받기’"


def compose(words: Words) -> Composed:
    if not words.advertising:
        return Composed(title=f"{words.sender_name} {words.title}", body=words.body)
    return Composed(title=f"{AD_MARK} {words.sender_name} {words.title}", body=f"{words.body}\n{REFUSE}")


def faults(composed: Composed, words: Words) -> list[str]:
    found = []
    if words.advertising:
        if not composed.title.startswith(f"{AD_MARK} {words.sender_name}") or not words.sender_name:
            found.append("not-marked")
        if not words.refuse or not composed.body.endswith(REFUSE):
            found.append("no-refusal")
    if len(payload(composed.title, composed.body, words.link, words.refuse, "").encode()) > CAPABILITY.bytes_max:
        found.append("too-long")
    return found


def payload(title: str, body: str, link: str, refuse: str, tag: str) -> str:
    """What the service worker reads. A message with the same `tag` takes the place of the one before."""
    told = {"title": title, "body": body, "link": link, "refuse": refuse, "tag": tag}
    return json.dumps(told, ensure_ascii=False, separators=(",", ":"))
