"""E-mail through Django's own connection. SMTP cannot be asked what it took, so a batch whose answer was lost is never sent again."""

import smtplib
from collections.abc import Mapping, Sequence
from datetime import datetime
from email.utils import formataddr, parseaddr
from typing import Any

from django.conf import settings
from django.core.mail import EmailMessage, get_connection

from dure.messaging.values import Answer, Letter, Medium, Verdict


class Smtp:
    """One connection a batch; each letter has its own answer."""

    name = "smtp"
    batch_max = 50
    can_find, repeatable = False, False
    certificate = ""

    def send(
        self,
        medium: Medium,
        letters: Sequence[Letter],
        *,
        key: str,
        sending: Mapping[int, Mapping[str, Any]],
        at: datetime,
    ) -> list[Answer]:
        line = get_connection()
        try:
            line.open()
        except (OSError, smtplib.SMTPException) as lost:
            return [Answer(letter.outgoing, Verdict.LATER, type(lost).__name__) for letter in letters]
        answers = []
        for letter in letters:
            answers.append(self._one(letter, sending[letter.outgoing], line))
        line.close()
        return answers

    def _one(self, letter: Letter, said: Mapping[str, Any], line: Any) -> Answer:
        _, address = parseaddr(settings.DEFAULT_FROM_EMAIL)
        headers = {"Message-ID": f"<{letter.key}@{address.partition('@')[2]}>"}
        if letter.refuse:
            # RFC 8058: the reader's program posts this one field to the link, and no page is opened.
            headers |= {"List-Unsubscribe": f"<{letter.refuse}>", "List-Unsubscribe-Post": "List-Unsubscribe=One-Click"}
        mail = EmailMessage(
            subject=letter.title,
            body=letter.body,
            from_email=formataddr((said["sender_name"], address)),
            to=[letter.address],
            headers=headers,
            connection=line,
        )
        try:
            mail.send()
        except smtplib.SMTPRecipientsRefused:
            return Answer(letter.outgoing, Verdict.OTHER_WAY, "refused")
        except (smtplib.SMTPException, OSError) as lost:
            return Answer(letter.outgoing, Verdict.FAILED, type(lost).__name__)
        return Answer(letter.outgoing, Verdict.ARRIVED, "250", headers["Message-ID"])

    def close(self) -> None:
        """Each batch closed its own connection."""

    def find(self, medium: Medium, letters: Sequence[Letter], *, key: str, begun_at: datetime) -> list[Answer]:
        return []
