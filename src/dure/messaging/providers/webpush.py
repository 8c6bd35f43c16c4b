"""Web Push by pywebpush: encrypted for the browser alone (RFC 8291), signed with our VAPID key (RFC 8292).

A push service keeps one undelivered message for a `Topic`, and a browser shows one for a tag: the same letter rung twice rings
once. So a lost answer is simply asked again.
"""

import base64
import hashlib
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import requests
from cryptography.hazmat.primitives import serialization
from py_vapid import Vapid02
from pywebpush import WebPushException, webpush

from dure.messaging.channels import push
from dure.messaging.models import Endpoint, Message, Mute
from dure.messaging.values import Answer, Letter, Medium, Verdict

SECONDS = 5
KEEP_FOR = timedelta(hours=6)
GONE = {404, 410}


class BrowserBell:
    """Rings browsers; the VAPID key is made on first use and kept in a file."""

    name = "webpush"
    batch_max = 100
    can_find, repeatable = False, True
    certificate = ""

    def __init__(self, key_file: Path, contact: str) -> None:
        self._file, self._contact = key_file, contact
        self._session = requests.Session()
        self._session.trust_env = False

    @property
    def vapid(self) -> Vapid02:
        if not self._file.exists():
            self._file.parent.mkdir(parents=True, exist_ok=True)
            fresh = Vapid02()
            fresh.generate_keys()
            fresh.save_key(str(self._file))
            self._file.chmod(0o600)
        return Vapid02.from_file(str(self._file))

    def public_key(self) -> str:
        """What a browser is given when it subscribes."""
        raw = self.vapid.public_key.public_bytes(
            serialization.Encoding.X962, serialization.PublicFormat.UncompressedPoint
        )
        return base64.urlsafe_b64encode(raw).decode().rstrip("=")

    def send(
        self,
        medium: Medium,
        letters: Sequence[Letter],
        *,
        key: str,
        sending: Mapping[int, Mapping[str, Any]],
        at: datetime,
    ) -> list[Answer]:
        bells: dict[str, list[Endpoint]] = {}
        for bell in Endpoint.objects.filter(address__in={letter.address for letter in letters}).order_by("pk"):
            bells.setdefault(bell.address, []).append(bell)
        # A tap opens the message, which lies in the inbox already; whatever it is about is one tap further.
        lies = {f"outgoing:{letter.outgoing}": letter.outgoing for letter in letters}
        opens = {
            lies[key]: f"/inbox/{public_id}"
            for key, public_id in Message.objects.filter(key__in=lies).values_list("key", "public_id")
        }
        letters = [letter._replace(link=opens.get(letter.outgoing, letter.link)) for letter in letters]
        muted = set(Mute.objects.filter(address__in=bells).values_list("address", "sender"))
        return [
            Answer(letter.outgoing, Verdict.OTHER_WAY, "muted")
            if (letter.address, sending[letter.outgoing]["sender"]) in muted
            else self._ring(letter, bells.get(letter.address, []))
            for letter in letters
        ]

    def _ring(self, letter: Letter, bells: list[Endpoint]) -> Answer:
        if not bells:
            return Answer(letter.outgoing, Verdict.OTHER_WAY, "no-endpoint")
        answers = [self._one(letter, bell) for bell in bells]
        # One browser that rang is enough; one that is gone for good is forgotten whatever the others did.
        for bell, answer in zip(bells, answers, strict=True):
            if answer.verdict is Verdict.GONE:
                Endpoint.objects.filter(pk=bell.pk).delete()
        order = (Verdict.ARRIVED, Verdict.LATER, Verdict.FAILED, Verdict.GONE)
        return min(answers, key=lambda answer: order.index(answer.verdict))

    def _one(self, letter: Letter, bell: Endpoint) -> Answer:
        topic = hashlib.sha256(letter.key.encode()).hexdigest()[:32]
        body = push.payload(letter.title, letter.body, letter.link, letter.refuse, topic)
        try:
            answer = webpush(
                subscription_info={"endpoint": bell.url, "keys": {"p256dh": bell.p256dh, "auth": bell.auth}},
                data=body.encode(),
                vapid_private_key=self.vapid,
                # A fresh dict each time: pywebpush writes into it, and its audience is this endpoint's origin.
                vapid_claims={"sub": self._contact},
                ttl=int(KEEP_FOR.total_seconds()),
                timeout=SECONDS,
                headers={"Topic": topic, "Urgency": "normal"},
                requests_session=self._session,
            )
        except WebPushException as refused:
            status = refused.response.status_code if refused.response is not None else 0
            if status in GONE:
                return Answer(letter.outgoing, Verdict.GONE, str(status), bell.url)
            later = status in (0, 429) or status >= 500
            return Answer(letter.outgoing, Verdict.LATER if later else Verdict.FAILED, str(status))
        except requests.RequestException as lost:
            return Answer(letter.outgoing, Verdict.LATER, type(lost).__name__)
        return Answer(letter.outgoing, Verdict.ARRIVED, str(answer.status_code))

    def close(self) -> None:
        self._session.close()

    def find(self, medium: Medium, letters: Sequence[Letter], *, key: str, begun_at: datetime) -> list[Answer]:
        return []
