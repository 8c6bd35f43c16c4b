"""How a login code leaves the house: e-mail through Django, a text message through `send_text`. In the demo both are
written to the log, where whoever started Dure can read them."""

import logging
from collections.abc import Sequence

from django.conf import settings
from django.core.mail import EmailMessage
from django.core.mail.backends.base import BaseEmailBackend

from dure.kit import clock
from dure.kit.errors import Refused
from dure.kit.language import say
from dure.messaging import actions as messaging
from dure.messaging import queries as messages
from dure.messaging.values import Medium

_log = logging.getLogger(__name__)


class NoTextMessages(Refused):
    """No provider of text messages is set up here."""

    sentence = say(
        "아직 문자로 코드를 보낼 수 없어요. 이메일로 로그인해 주세요.",
        en="Codes cannot be sent by text message yet. Please log in with your e-mail address.",
    )


class LogMail(BaseEmailBackend):
    """E-mail that is written to the log instead of being sent."""

    def send_messages(self, email_messages: Sequence[EmailMessage]) -> int:
        for mail in email_messages:
            _log.info("mail to %s: %s", ", ".join(mail.to), mail.body)
        return len(email_messages)


def can_send_texts() -> bool:
    """Where an agency carries texts, and in the demo, which writes them to the log."""
    return not settings.PRODUCTION or messages.is_carried(Medium.TEXT)


def send_text(*, phone: str, text: str) -> None:
    """Send a text message. Refuses where nobody can: NoTextMessages; where the agency did not take it: messaging's NotSent."""
    if not can_send_texts():
        raise NoTextMessages
    if settings.PRODUCTION:
        messaging.send_text_now(number=phone, body=text, at=clock.now())
    else:
        _log.info("text message to %s: %s", phone, text)
