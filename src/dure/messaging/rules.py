"""What makes a permit good, how a gap is filled, what a refusal link says. Pure: the secret and the transaction are handed in."""

import base64
import binascii
import hashlib
import hmac
import json
import marshal
import re
from collections.abc import Iterable, Mapping
from datetime import datetime
from functools import lru_cache

from dure.messaging.values import BatchPermit, Letter, Permit, SendingState

TRANSITIONS: Mapping[SendingState, tuple[SendingState, ...]] = {
    SendingState.OPEN: (SendingState.PAUSED, SendingState.STOPPED, SendingState.CLOSED),
    SendingState.PAUSED: (SendingState.OPEN, SendingState.STOPPED, SendingState.CLOSED),
    SendingState.STOPPED: (SendingState.CLOSED,),
    SendingState.CLOSED: (),
}

GAP = re.compile(r"#\{([^{}]{1,40})\}")
_MAC_BYTES = 10
# What makes information an advertisement as well (§50: mixed content is an ad). A net with a fine mesh: whoever really
# announces what the person asked for says so, and that is written down.
PROMOTION = re.compile(
    r"할인|쿠폰|세일|특가|이벤트|혜택|증정|무료(?!\s?수신거부|수신거부)|1\+1|\d\s?%|반값|적립|경품|프로모션|"
    r"\b(?:sale|discount|coupon|off|free|deal|promo)\b",
    re.IGNORECASE,
)


def states_before(after: SendingState) -> list[SendingState]:
    """From where a sending may become this: what a step written as one conditional update asks for."""
    return [state for state, follow in TRANSITIONS.items() if after in follow]


def text_hash(title: str, body: str, link: str) -> str:
    """The fingerprint of one text: any changed character is another text."""
    return hashlib.sha256(json.dumps([title, body, link]).encode()).hexdigest()


def signature(permit: Permit, secret: str) -> str:
    """What only the holder of `secret` can write under everything the permit says."""
    said = [
        permit.address,
        permit.sender,
        str(permit.kind),
        permit.text_hash,
        permit.basis,
        permit.transaction,
        permit.issued_at.isoformat(),
        permit.expires_at.isoformat(),
    ]
    return hmac.new(_key("permit", secret), json.dumps(said).encode(), hashlib.sha256).hexdigest()


def is_good(permit: Permit, *, title: str, body: str, link: str, transaction: str, at: datetime, secret: str) -> bool:
    """Signed by us, for exactly this text, in this transaction, and `issued_at <= at < expires_at`."""
    return (
        hmac.compare_digest(signature(permit, secret).encode(), permit.signature.encode())
        and permit.text_hash == text_hash(title, body, link)
        and permit.transaction == transaction
        and permit.issued_at <= at < permit.expires_at
    )


def letters_hash(letters: Iterable[Letter]) -> str:
    """The fingerprint of everything that a batch would send, to whom, by what, on which consent, in this order."""
    # Marshalled, values keep their kinds and lengths, so two batches never look alike; the fingerprint outlives no process.
    plain = [(*letter[:3], str(letter.medium), *letter[4:]) for letter in letters]
    return hashlib.sha256(marshal.dumps(plain, 0)).hexdigest()


def batch_signature(permit: BatchPermit, secret: str) -> str:
    said = [permit.letters, permit.transaction, permit.issued_at.isoformat(), permit.expires_at.isoformat()]
    return hmac.new(_key("batch", secret), json.dumps(said).encode(), hashlib.sha256).hexdigest()


def is_good_batch(
    permit: BatchPermit, letters: Iterable[Letter], *, transaction: str, at: datetime, secret: str
) -> bool:
    """Signed by us, for exactly these letters in this order, in this transaction and time."""
    return (
        hmac.compare_digest(batch_signature(permit, secret).encode(), permit.signature.encode())
        and permit.letters == letters_hash(letters)
        and permit.transaction == transaction
        and permit.issued_at <= at < permit.expires_at
    )


def gaps_of(*texts: str) -> list[str]:
    """The names of the variables that these texts wait for."""
    return sorted({name for text in texts for name in GAP.findall(text)})


def filled(text: str, variables: Mapping[str, object]) -> str:
    """`text` with its gaps filled. Raises KeyError for one that has no value."""
    return GAP.sub(lambda gap: str(variables[gap.group(1)]), text) if "#{" in text else text


def promotes(*texts: str) -> bool:
    """Whether a text praises an offer, and is therefore an advertisement whatever else it says."""
    return any(PROMOTION.search(text) for text in texts)


def refusal_token(sending: int, recipient: int, secret: str) -> str:
    """What a refusal link carries: whose, about which sending, and a seal. It never ends and works as often as it is used."""
    said = sending.to_bytes(5, "big") + recipient.to_bytes(6, "big")
    return base64.urlsafe_b64encode(said + _seal(said, secret)).decode().rstrip("=")


def refused_by(token: str, secret: str) -> tuple[int, int] | None:
    """The sending and the recipient of a refusal link; None for one that we did not write."""
    try:
        raw = base64.b64decode(token + "=" * (-len(token) % 4), altchars=b"-_", validate=True)
    except (ValueError, binascii.Error):
        return None
    said, seal = raw[:11], raw[11:]
    if len(raw) != 11 + _MAC_BYTES or not hmac.compare_digest(seal, _seal(said, secret)):
        return None
    if base64.urlsafe_b64encode(raw).decode().rstrip("=") != token:
        return None
    return int.from_bytes(said[:5], "big"), int.from_bytes(said[5:], "big")


_HOST = re.compile(r"https://[a-z0-9.-]+\.[a-z]{2,}(?::443)?/[\x21-\x7e]{1,900}")
_LOOPBACK = re.compile(r"http://127\.0\.0\.1:\d{2,5}/[\x21-\x7e]{1,900}")


def is_endpoint(url: str, p256dh: str, auth: str, *, allow_loopback: bool) -> bool:
    """A push service's https address and the two keys in their lengths (RFC 8291: a point of 65 bytes, a secret of 16)."""
    if not (_HOST.fullmatch(url) or (allow_loopback and _LOOPBACK.fullmatch(url))):
        return False
    try:
        point = base64.urlsafe_b64decode(p256dh + "=" * (-len(p256dh) % 4))
        secret = base64.urlsafe_b64decode(auth + "=" * (-len(auth) % 4))
    except (ValueError, binascii.Error):
        return False
    return len(point) == 65 and point[0] == 4 and len(secret) == 16


def _seal(said: bytes, secret: str) -> bytes:
    sealing = _sealing(secret).copy()
    sealing.update(said)
    return sealing.digest()[:_MAC_BYTES]


@lru_cache(maxsize=16)
def _sealing(secret: str) -> hmac.HMAC:
    """Begun once: a batch writes ten thousand refusal links."""
    return hmac.new(_key("refusal", secret), digestmod="sha256")


@lru_cache(maxsize=16)
def _key(what: str, secret: str) -> bytes:
    return hashlib.sha256(f"dure.messaging.{what}".encode() + secret.encode()).digest()
