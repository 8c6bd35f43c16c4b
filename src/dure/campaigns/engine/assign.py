"""The one randomisation service: who is written to and who is left without a message, for everything that Dure measures.

A person's fate is a keyed hash of (ordinal, unit), so it is the same whenever it is asked for, unknown to whoever lacks the
key, and independent between units. The hash is SipHash-2-4 (Aumasson & Bernstein, 2012), a pseudo-random function, written
over numpy vectors. Pure: the key is handed in.
"""

import hashlib
from dataclasses import dataclass
from math import erfc, sqrt
from typing import Any

import numpy as np
from numpy.typing import NDArray

Ordinals = NDArray[np.uint32]
Mask = NDArray[np.bool_]
Words = NDArray[np.uint64]

SCALE = float(2**64)
NETWORK_UNIT, NETWORK_SHARE = "network", 0.01
SMALL, LARGE = 300, 5_000
SRM_P = 0.001
PIECE = 1 << 14


def key_of(secret: str, unit: str) -> tuple[int, int]:
    """The two 64-bit key words of one unit: a campaign's version, a week, the network."""
    digest = hashlib.blake2b(
        unit.encode(), key=hashlib.sha256(secret.encode()).digest(), person=b"dure.assign"
    ).digest()
    return int.from_bytes(digest[:8], "little"), int.from_bytes(digest[8:16], "little")


def siphash(words: NDArray[Any], key: tuple[int, int]) -> Words:
    """SipHash-2-4 of each 64-bit word (n,) as eight little-endian bytes, under `key`: (n,) uint64."""
    whole = np.empty(len(words), np.uint64)
    # Pieces that fit into the processor's cache: four times as fast as whole vectors.
    for begin in range(0, len(words), PIECE):
        piece = slice(begin, begin + PIECE)
        whole[piece] = _siphash(np.asarray(words[piece], np.uint64), key)
    return whole


def _siphash(block: Words, key: tuple[int, int]) -> Words:
    k0, k1 = np.uint64(key[0]), np.uint64(key[1])
    v0 = np.full(block.shape, np.uint64(0x736F6D6570736575) ^ k0)
    v1 = np.full(block.shape, np.uint64(0x646F72616E646F6D) ^ k1)
    v2 = np.full(block.shape, np.uint64(0x6C7967656E657261) ^ k0)
    v3 = np.full(block.shape, np.uint64(0x7465646279746573) ^ k1)
    for last in (block, np.uint64(8 << 56)):
        v3 ^= last
        _rounds(v0, v1, v2, v3, 2)
        v0 ^= last
    v2 ^= np.uint64(0xFF)
    _rounds(v0, v1, v2, v3, 4)
    mixed: Words = v0 ^ v1 ^ v2 ^ v3
    return mixed


def _rounds(v0: Words, v1: Words, v2: Words, v3: Words, count: int) -> None:
    for _ in range(count):
        v0 += v1
        _turn(v1, 13)
        v1 ^= v0
        _turn(v0, 32)
        v2 += v3
        _turn(v3, 16)
        v3 ^= v2
        v0 += v3
        _turn(v3, 21)
        v3 ^= v0
        v2 += v1
        _turn(v1, 17)
        v1 ^= v2
        _turn(v2, 32)


def _turn(word: Words, bits: int) -> None:
    high = word >> np.uint64(64 - bits)
    word <<= np.uint64(bits)
    word |= high


def draws(ordinals: NDArray[Any], *, unit: str, secret: str) -> Words:
    """One fair draw (n,) uint64 for each person in this unit; the same whenever it is asked for."""
    return siphash(ordinals, key_of(secret, unit))


def chosen(ordinals: NDArray[Any], *, unit: str, secret: str, share: float) -> Mask:
    """Whom a coin with chance `share` (0 to 1) chooses in this unit: (n,) bool."""
    if not 0 <= share <= 1:
        raise ValueError("a share is between 0 and 1")
    if share == 1:
        return np.ones(len(ordinals), bool)
    below: Mask = draws(ordinals, unit=unit, secret=secret) < np.uint64(min(int(share * SCALE), 2**64 - 1))
    return below


def never_messaged(ordinals: NDArray[Any], *, secret: str) -> Mask:
    """The 1 % of the network that no campaign ever writes to: what long effects and borrowed visits are measured against."""
    return chosen(ordinals, unit=NETWORK_UNIT, secret=secret, share=NETWORK_SHARE)


def held_out(ordinals: NDArray[Any], *, unit: str, secret: str, share: float) -> Mask:
    """Whom the coin of this unit leaves without a message, with chance `share`: (n,) bool."""
    return chosen(ordinals, unit=f"{unit}:holdout", secret=secret, share=share)


def slot(ordinals: NDArray[Any], *, layer: str, slots: int, secret: str) -> NDArray[np.int64]:
    """Which of `slots` exclusive parts of a layer each person belongs to, (n,) int64: campaigns whose effects would mix
    take different parts of one layer, and nobody is in two of them."""
    if slots < 1:
        raise ValueError("a layer has at least one slot")
    high = draws(ordinals, unit=f"layer:{layer}", secret=secret) >> np.uint64(32)
    return (high * np.uint64(slots) >> np.uint64(32)).astype(np.int64)


def holdout_share(messages: int) -> float:
    """How many of the chosen are left without a message, as a share: half of a handful, falling to a fifth at 300 messages,
    10 % from 5,000 on. A small shop needs its comparison people more than its last few messages."""
    if messages <= 100:
        return 0.5
    if messages < SMALL:
        return round(0.5 - 0.3 * (messages - 100) / (SMALL - 100), 4)
    if messages < LARGE:
        return round(0.2 - 0.1 * (messages - SMALL) / (LARGE - SMALL), 4)
    return 0.1


@dataclass(frozen=True, slots=True)
class Assigned:
    """Two disjoint groups (sorted uint32 ordinals) of one unit. Everybody in them was held out with the chance `share`,
    whatever is known about them; `never`: people of the network's holdout, who are in neither."""

    unit: str
    share: float
    reached: Ordinals
    held: Ordinals
    never: int

    @property
    def propensity(self) -> float:
        """The chance with which each of them was to be written to."""
        return 1 - self.share


def assign(
    ordinals: NDArray[Any], *, unit: str, secret: str, most: int | None = None, share: float | None = None
) -> Assigned:
    """Choose whom to write to and whom to leave without, before anything is sent.

    `ordinals`: (n,) distinct. With `most` messages to send, `most / (1 - share)` people are chosen by lot and then a coin
    holds `share` of them out: the same number of messages leaves the house, and the comparison people cost nothing. The lot
    and the coin are independent, and people join in the lot's order until the messages are used up, so nobody's chance
    depends on anything but the coin. Raises ValueError for a share outside 0 to 1 or ordinals that repeat.
    """
    everyone = np.sort(np.asarray(ordinals, np.uint32))
    if (everyone[1:] == everyone[:-1]).any():
        raise ValueError("an ordinal came twice")
    free = everyone[~never_messaged(everyone, secret=secret)]
    never = len(everyone) - len(free)
    if share is None:
        # Whom `most` messages and their comparison people would need, but no more than there are.
        share = holdout_share(len(free) if most is None else min(most, len(free)))
    held = held_out(free, unit=unit, secret=secret, share=share)
    if most is not None and most < int((~held).sum()):
        order = np.argsort(draws(free, unit=f"{unit}:lot", secret=secret), kind="stable")
        sent = np.cumsum(~held[order])
        taken = order[: int(np.searchsorted(sent, most)) + 1] if most else order[:0]
        kept = np.zeros(len(free), bool)
        kept[taken] = True
        free, held = free[kept], held[kept]
    return Assigned(unit=unit, share=share, reached=free[~held], held=free[held], never=never)


def mismatch(reached: int, held: int, *, share: float) -> float:
    """The chance (p, chi-square with one degree of freedom) of groups at least this far from `share`. Below `SRM_P` something
    chose other than the coin, and no report may be believed."""
    people = reached + held
    if people == 0 or share in (0, 1):
        return 1.0
    expected = people * share
    statistic = (held - expected) ** 2 / expected + (held - expected) ** 2 / (people - expected)
    return erfc(sqrt(statistic / 2))
