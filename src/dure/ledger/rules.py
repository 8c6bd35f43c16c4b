"""What a movement of money must look like. Pure."""

import hashlib
import struct
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

from dure.ledger.values import Move


def checked(postings: Sequence[tuple[str, str, int]]) -> list[Move]:
    """The moves of one entry: at least one, each of a positive amount between two different accounts.

    A caller that breaks this has a bug, so it is a ValueError and no refusal.
    """
    moves = [Move(*posting) for posting in postings]
    if not moves:
        raise ValueError("an entry moves something")
    for move in moves:
        if move.amount <= 0 or move.source == move.destination or not (move.source and move.destination):
            raise ValueError(f"no movement: {move}")
    return moves


def changes(moves: Iterable[Move]) -> Mapping[str, int]:
    """What each account gains (or, negative, loses); the sum over all accounts is zero."""
    gains: dict[str, int] = defaultdict(int)
    for source, destination, amount in moves:
        gains[source] -= amount
        gains[destination] += amount
    return gains


MARK = struct.Struct(">q8s")
"""What a seal keeps of each entry: its number and 8 bytes of its digest, 16 bytes in all."""


def digest(text: str) -> bytes:
    """32 bytes that stand for an entry: any changed character gives others."""
    return hashlib.sha256(text.encode()).digest()


def chained(previous: str, number: int, digests: Iterable[bytes]) -> str:
    """The hash (hex) of seal `number` over its entries' digests, in order, and over the seal before it."""
    links = hashlib.sha256(f"{previous}:{number}:".encode())
    for one in digests:
        links.update(one)
    return links.hexdigest()


def marks(numbered: Iterable[tuple[int, bytes]]) -> bytes:
    """The marks of entries (number, digest), in order."""
    return b"".join(MARK.pack(number, one[:8]) for number, one in numbered)


def first_difference(kept: bytes, found: bytes) -> tuple[int, str] | None:
    """The number of the first entry that is not as it was marked, and what happened to it: "changed", "gone" or "added"."""
    before, after = dict(MARK.iter_unpack(kept)), dict(MARK.iter_unpack(found))
    for number in sorted(before.keys() | after.keys()):
        if before.get(number) != after.get(number):
            return number, "added" if number not in before else "gone" if number not in after else "changed"
    return None
