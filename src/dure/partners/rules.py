"""Keys, signatures, schedules: what follows from what. Pure."""

import base64
import hashlib
import hmac
import ipaddress
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from urllib.parse import urlsplit

from dure.partners.values import Answered, DispatchState

TRANSITIONS: Mapping[DispatchState, tuple[DispatchState, ...]] = {
    DispatchState.WAITING: (DispatchState.SENT, DispatchState.GIVEN_UP),
    DispatchState.SENT: (DispatchState.WAITING,),
    DispatchState.GIVEN_UP: (DispatchState.WAITING,),
}
"""Back to WAITING only when somebody asks to send it again."""

PAUSES = tuple(
    timedelta(seconds=seconds) for seconds in (5, 60, 300, 1_800, 7_200, 18_000, 36_000, 50_400, 72_000, 86_400)
)
"""Before each further try; after the last of them it is given up, three and a half days after the fact."""
JITTER_PERCENT = 20
SLOW_DOWN = frozenset({429, 502, 503, 504})
GONE = 410
DEAD_AFTER = timedelta(days=5)
"""An endpoint that took nothing for so long is disabled; the owner sees it, and can send all of it again."""
OLD_SECRET_LIVES, OLD_KEY_LIVES = timedelta(hours=24), timedelta(hours=24)
TOLERANCE_SECONDS = 300
BODY_MAX = 20_000

_KEY = re.compile(r"(sk_(?:test|live)_[0-9a-hjkmnp-tv-z]{8})_([A-Za-z0-9_-]{43})")
_IDEMPOTENCY = re.compile(r"[\x21-\x7e]{1,255}")
_HOST = re.compile(r"(?=.{1,253}$)[a-z0-9]([a-z0-9-]{0,62})(\.[a-z0-9]([a-z0-9-]{0,62}))*")
_SECRET = re.compile(r"whsec_[A-Za-z0-9+/]+={0,2}")


def states_before(after: DispatchState) -> list[DispatchState]:
    """From where a dispatch may become this: what a step written as one conditional update asks for."""
    return [state for state, follow in TRANSITIONS.items() if after in follow]


def read_key(text: str) -> tuple[str, str] | None:
    """The prefix and the secret of a key; None for what cannot be one."""
    found = _KEY.fullmatch(text)
    return (found[1], found[2]) if found else None


def secret_hash(secret: str) -> str:
    """What is kept of a key. Its 256 random bits need no salt and no slowness."""
    return hashlib.sha256(secret.encode()).hexdigest()


def could_be_idempotency_key(text: str) -> bool:
    return _IDEMPOTENCY.fullmatch(text) is not None


def request_hash(method: str, path: str, body: bytes) -> str:
    """The fingerprint of a request: the same key with another one is refused. JSON counts by its contents."""
    try:
        said = json.dumps(json.loads(body), sort_keys=True, separators=(",", ":")).encode() if body else b""
    except (ValueError, RecursionError):
        said = body
    return hashlib.sha256(b"\n".join((method.encode(), path.encode(), said))).hexdigest()


def webhook_secret(ours: str, endpoint: str, generation: int) -> str:
    """`whsec_` and 32 bytes that follow from our secret: nothing to steal from the database."""
    made = hmac.new(ours.encode(), f"webhook:{endpoint}:{generation}".encode(), hashlib.sha256).digest()
    return f"whsec_{base64.b64encode(made).decode()}"


def signature(secret: str, message: str, timestamp: int, body: bytes) -> str:
    """`v1,…` of Standard Webhooks: HMAC-SHA256 over id, time and the very bytes of the body."""
    key = base64.b64decode(secret.removeprefix("whsec_"))
    content = b".".join((message.encode(), str(timestamp).encode(), body))
    return f"v1,{base64.b64encode(hmac.new(key, content, hashlib.sha256).digest()).decode()}"


def verifies(secrets: Iterable[str], headers: Mapping[str, str], body: bytes, now: int) -> bool:
    """Whether one of our two secrets signed this body within five minutes of `now`; for whoever receives, and for our tests.

    Never raises: whatever is wrong with a header is no.
    """
    message, stamp = headers.get("webhook-id", ""), headers.get("webhook-timestamp", "")
    given = headers.get("webhook-signature", "")
    if not (message and message.isascii() and re.fullmatch("[0-9]{1,12}", stamp) and given.isascii()):
        return False
    if abs(now - int(stamp)) > TOLERANCE_SECONDS or len(given) > 2_000:
        return False
    right = [signature(one, message, int(stamp), body) for one in secrets if _SECRET.fullmatch(one)]
    fits = [hmac.compare_digest(one, mine) for one in given.split(" ") for mine in right]
    return any(fits)


def next_try(tries: int, at: datetime, answered: Answered, chance: int) -> datetime | None:
    """When to try again after `tries` failures, None for never. `chance` is a number from 0 to 99: it spreads the tries by a
    fifth, so that a partner who comes back is not met by all of them at once. Who says "slow down" gets twice the time."""
    if tries > len(PAUSES):
        return None
    pause = PAUSES[tries - 1]
    if answered.status in SLOW_DOWN:
        pause *= 2
    return at + pause * (100 - JITTER_PERCENT + 2 * JITTER_PERCENT * chance // 99) // 100


def could_be_sent_to(url: str, *, practice: Sequence[str] = ()) -> bool:
    """Whether a webhook may be registered at `url`: https on 443 by a public name. Where it leads is asked again at every
    connection. `practice`: origins of this machine that are allowed where people practise."""
    if len(url) > 500 or not url.isascii() or not url.isprintable() or " " in url or "\\" in url:
        return False
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return False
    if f"{parts.scheme}://{parts.netloc}" in practice:
        return True
    host = parts.hostname or ""
    named = (
        _HOST.fullmatch(host) is not None
        and "." in host
        and not re.fullmatch(r"[0-9.]+|.*\.(0x[0-9a-f]*|[0-9]+)", host)
    )
    private = host.endswith(
        (".localhost", ".localdomain", ".local", ".internal", ".home.arpa", ".onion", ".invalid", ".test")
    )
    return parts.scheme == "https" and port in (None, 443) and "@" not in parts.netloc and named and not private


def is_public(address: str) -> bool:
    """Whether an IP address is somewhere out in the internet: not this machine, not its network, not a cloud's metadata, not
    hidden in IPv6."""
    try:
        ip = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return False
    if isinstance(ip, ipaddress.IPv6Address):
        inner = ip.ipv4_mapped or ip.sixtofour or (ip.teredo[1] if ip.teredo else None)
        if ip in _NAT64 or (int(ip) >> 32 == 0):
            inner = ipaddress.IPv4Address(int(ip) & 0xFFFFFFFF)
        if inner is not None and not is_public(str(inner)):
            return False
        return ip.is_global and not ip.is_multicast and not ip.is_reserved
    return ip.is_global and not ip.is_multicast and not ip.is_reserved and ip not in _SHARED


_NAT64 = ipaddress.ip_network("64:ff9b::/96")
_SHARED = ipaddress.ip_network("100.64.0.0/10")
