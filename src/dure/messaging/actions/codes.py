"""One text to one number, at once: a login code, which is stale in minutes and is asked for again when it does not come."""

from datetime import datetime

from dure.kit import ids
from dure.messaging import providers
from dure.messaging.actions.latch import turn_latch
from dure.messaging.errors import NotSent
from dure.messaging.providers import Unheard
from dure.messaging.values import Letter, Medium, Verdict


def send_text_now(*, number: str, body: str, at: datetime) -> None:
    """Give a text to whoever carries texts. It is information that the person asks for in this moment, so it needs no consent
    and is kept nowhere. Refuses: NotSent where nobody carries texts, the agency did not take it or was not heard, or this is
    a restored copy."""
    provider = providers.provider_for(Medium.TEXT)
    if provider is None or not turn_latch(at=at):
        raise NotSent
    key = ids.new_public_id("txt")
    letter = Letter(0, key, 0, Medium.TEXT, number, "", body, "", "", None, None)
    try:
        (answer,) = provider.send(Medium.TEXT, [letter], key=key, sending={0: {"details": {}, "variables": {}}}, at=at)
    except Unheard as silent:
        raise NotSent from silent
    if answer.verdict not in (Verdict.ACCEPTED, Verdict.ARRIVED):
        raise NotSent(code=answer.code)
