"""The reader's own inbox in Dure: no provider, no price, written in the same transaction as the permit."""

from dure.messaging.channels.capability import Capability, Composed, Words
from dure.messaging.values import AD_MARK

CAPABILITY = Capability(title_max=80, body_max=2_000)


def compose(words: Words) -> Composed:
    """The page names the sender above and shows the refusal below every advertisement."""
    return Composed(title=f"{AD_MARK} {words.title}" if words.advertising else words.title, body=words.body)


def faults(composed: Composed, words: Words) -> list[str]:
    found = []
    if words.advertising and not composed.title.startswith(f"{AD_MARK} "):
        found.append("not-marked")
    if words.advertising and not (words.sender_name and words.refuse):
        found.append("no-refusal" if words.sender_name else "no-sender")
    return found
