"""The media, each in a folder of its own: what it can carry, how a text is given its form, and what is wrong with a form."""

from types import ModuleType

from dure.messaging.channels import brand, inbox, mail, notice, push, text
from dure.messaging.channels.capability import Capability, Composed, Words
from dure.messaging.values import Medium

MODULES: dict[Medium, ModuleType] = {
    Medium.INBOX: inbox,
    Medium.PUSH: push,
    Medium.BRAND: brand,
    Medium.NOTICE: notice,
    Medium.TEXT: text,
    Medium.MAIL: mail,
}
CAPABILITIES: dict[Medium, Capability] = {medium: module.CAPABILITY for medium, module in MODULES.items()}


def compose(medium: Medium, words: Words) -> Composed:
    """`words` in the form of this medium."""
    composed: Composed = MODULES[medium].compose(words)
    return composed


def faults(medium: Medium, composed: Composed, words: Words) -> list[str]:
    """What the law or the medium forbids about this form; empty where it may go."""
    capability = CAPABILITIES[medium]
    found = [] if (capability.advertising if words.advertising else capability.information) else ["wrong-medium"]
    if capability.title_max and len(composed.title) > capability.title_max + len(words.sender_name):
        found.append("title-too-long")
    if capability.body_max and len(composed.body) > capability.body_max and medium is not Medium.BRAND:
        found.append("too-long")
    found += MODULES[medium].faults(composed, words)
    return found


def measure(medium: Medium, composed: Composed) -> tuple[int, int]:
    """How long a form is and how long it may be."""
    capability = CAPABILITIES[medium]
    if medium is Medium.TEXT:
        long = len(composed.body.encode(capability.encoding, "replace"))
        return long, text.SMS_BYTES if long <= text.SMS_BYTES else capability.bytes_max
    return len(composed.body), capability.body_max


def price_type(medium: Medium, body: str) -> str:
    """By which line of the price table a text of this medium is charged."""
    return text.type_of(body) if medium is Medium.TEXT else medium.name


__all__ = ["CAPABILITIES", "Capability", "Composed", "Words", "compose", "faults", "price_type"]
