"""Four words, four meanings: `id` inside, `public_id` in URLs, `code` on paper, `ordinal` in bitmaps."""

import os
import secrets
import time

_CROCKFORD = "0123456789abcdefghjkmnpqrstvwxyz"
_LENGTH = 26


def _base32(number: int, length: int) -> str:
    return "".join(_CROCKFORD[number >> 5 * place & 31] for place in range(length - 1, -1, -1))


def new_public_id(prefix: str) -> str:
    """`ord_` and 26 characters: a UUIDv7 (48 bits of milliseconds, the rest random), so that ids sort by birth."""
    milliseconds = time.time_ns() // 1_000_000
    random = int.from_bytes(os.urandom(10), "big")
    uuid7 = milliseconds << 80 | 7 << 76 | (random >> 68 & 0xFFF) << 64 | 2 << 62 | random & (1 << 62) - 1
    return f"{prefix}_{_base32(uuid7, _LENGTH)}"


def new_code(length: int = 16) -> str:
    """An unguessable code for paper: 5 random bits a character, upper case because QR packs that tighter."""
    return "".join(secrets.choice(_CROCKFORD) for _ in range(length)).upper()


def new_secret() -> str:
    """256 random bits for a cookie or a token; only its hash is ever stored."""
    return secrets.token_urlsafe(32)
