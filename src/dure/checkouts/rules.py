"""What a checkout may do next, and what digits and addresses must look like. Pure."""

import hashlib
import hmac
import re
from collections.abc import Mapping
from datetime import timedelta
from urllib.parse import urlsplit

from dure.checkouts.values import URL_MAX, CheckoutKind, CheckoutState

AMOUNT_MIN = 100
CODE_LIFE = timedelta(seconds=180)
"""The card and QR standard of 2018: a code made by the guest's phone is good for three minutes."""
LIVES: Mapping[CheckoutKind, timedelta] = {
    CheckoutKind.TILL: timedelta(minutes=15),
    CheckoutKind.STICKER: timedelta(minutes=30),
    CheckoutKind.CODE: timedelta(minutes=15),
    CheckoutKind.LINK: timedelta(days=7),
    CheckoutKind.API: timedelta(hours=1),
}
LIFE_MAX = timedelta(days=30)

TRANSITIONS: Mapping[CheckoutState, tuple[CheckoutState, ...]] = {
    CheckoutState.OPEN: (CheckoutState.PAID, CheckoutState.CANCELLED, CheckoutState.EXPIRED),
    CheckoutState.PAID: (CheckoutState.RETURNED,),
    CheckoutState.CANCELLED: (),
    CheckoutState.EXPIRED: (),
    CheckoutState.RETURNED: (),
}

SIGNATURE_LENGTH = 8
_CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_STICKER = re.compile(r"[0-9A-HJKMNP-TV-Z]{24}")
_DIGITS = re.compile(r"[0-9]{24}")
_HOST = re.compile(r"(?=.{1,253}$)[a-z0-9]([a-z0-9-]{0,62})(\.[a-z0-9]([a-z0-9-]{0,62}))*|\[[0-9a-f:]+\]")


def may_move(before: CheckoutState, after: CheckoutState) -> bool:
    """Whether a checkout may go from one state to another."""
    return after in TRANSITIONS[before]


def signed(code: str, secret: str) -> str:
    """A sticker's code with its signature behind it: 16 random characters and 8 (40 bits) that only we can make."""
    mark = hmac.new(secret.encode(), f"sticker:{code}".encode(), hashlib.sha256).digest()
    number = int.from_bytes(mark[:5])
    return code + "".join(_CROCKFORD[number >> 5 * place & 31] for place in range(SIGNATURE_LENGTH))


def is_signed(code: str, secret: str) -> bool:
    """Whether we made this sticker's code."""
    return bool(_STICKER.fullmatch(code)) and hmac.compare_digest(signed(code[:16], secret), code)


def digits_from(prefix: str, random: int) -> str:
    """24 digits: our 6, 16 random ones, and two that check the rest (ISO 7064, MOD 97-10), so that no single wrong digit and
    no two that changed places pass."""
    if not re.fullmatch("[0-9]{6}", prefix) or not 0 <= random < 10**16:
        raise ValueError("a prefix of 6 digits and 16 random digits")
    body = f"{prefix}{random:016d}"
    return f"{body}{98 - int(body) * 100 % 97:02d}"


def read_digits(typed: str, prefix: str) -> str | None:
    """The 24 digits in what was scanned or typed (spaces and hyphens between them); None where they cannot be ours."""
    digits = re.sub(r"[ -]", "", typed.strip())
    if not _DIGITS.fullmatch(digits) or not digits.startswith(prefix) or int(digits) % 97 != 1:
        return None
    return digits


def digits_hash(digits: str, secret: str) -> str:
    """What is kept of a code: 53 random bits alone could be tried out, so the hash is keyed."""
    return hmac.new(secret.encode(), f"pay-code:{digits}".encode(), hashlib.sha256).hexdigest()


def may_return_to(url: str, *, loopback: bool) -> bool:
    """Whether a browser may be sent to `url` after paying: a complete https address without a name and password in it.
    `loopback`: plain http to this machine too, where people practise."""
    if len(url) > URL_MAX or not url.isascii() or not url.isprintable() or "\\" in url or " " in url:
        return False
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return False
    host = f"[{parts.hostname}]" if parts.hostname and ":" in parts.hostname else parts.hostname or ""
    if "@" in parts.netloc or not _HOST.fullmatch(host) or port == 0:
        return False
    return parts.scheme == "https" or (
        loopback and parts.scheme == "http" and parts.hostname in ("127.0.0.1", "localhost", "::1")
    )
