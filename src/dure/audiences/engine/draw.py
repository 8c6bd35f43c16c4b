"""Who of an audience: samples and shares that are the same today and tomorrow, whatever the index they are drawn from.

Each person has a number for each salt, spread evenly and unlike for unlike salts; a share is whoever's number is low. So who is
held out stays held out as an audience grows, and two salts divide people independently.
"""

import hashlib
from itertools import pairwise

import numpy as np
from numba import njit
from numpy.typing import NDArray

Persons = NDArray[np.int64]


_BUCKETS = 1 << 16


def lots(persons: Persons, salt: str) -> NDArray[np.uint64]:
    """An evenly spread 64-bit number for each person: splitmix64 of the id, after a hash of the salt."""
    return np.asarray(_lots(persons.astype(np.uint64), _seed(salt)))


def sample(persons: Persons, size: int, salt: str) -> Persons:
    """`size` of them (all, if they are fewer), in the order given: those with the lowest lots, found without sorting."""
    if size >= len(persons):
        return persons
    if size <= 0:
        return persons[:0]
    seed = _seed(salt)
    up_to = np.cumsum(_buckets(persons, seed))
    last = int(np.searchsorted(up_to, size))
    inside = np.sort(_of_bucket(persons, seed, last))
    below = int(up_to[last - 1]) if last else 0
    return np.asarray(_low(persons, seed, inside[size - below - 1], size))


def _seed(salt: str) -> np.uint64:
    return np.uint64(int.from_bytes(hashlib.blake2b(salt.encode(), digest_size=8).digest(), "little"))


@njit(cache=True, nogil=True)
def _lot(person, seed):  # type: ignore[no-untyped-def]
    mixed = np.uint64(person) * np.uint64(0x9E3779B97F4A7C15) + seed
    mixed = (mixed ^ mixed >> np.uint64(30)) * np.uint64(0xBF58476D1CE4E5B9)
    mixed = (mixed ^ mixed >> np.uint64(27)) * np.uint64(0x94D049BB133111EB)
    return mixed ^ mixed >> np.uint64(31)


@njit(cache=True, nogil=True)
def _lots(persons, seed):  # type: ignore[no-untyped-def]
    found = np.empty(len(persons), np.uint64)
    for place in range(len(persons)):
        found[place] = _lot(persons[place], seed)
    return found


@njit(cache=True, nogil=True)
def _buckets(persons, seed):  # type: ignore[no-untyped-def]
    """How many lots there are of each first sixteen bits."""
    found = np.zeros(_BUCKETS, np.int64)
    for place in range(len(persons)):
        found[_lot(persons[place], seed) >> np.uint64(48)] += 1
    return found


@njit(cache=True, nogil=True)
def _of_bucket(persons, seed, bucket):  # type: ignore[no-untyped-def]
    """The lots with these first sixteen bits."""
    found = []
    for place in range(len(persons)):
        lot = _lot(persons[place], seed)
        if lot >> np.uint64(48) == np.uint64(bucket):
            found.append(lot)
    return np.array(found)


@njit(cache=True, nogil=True)
def _low(persons, seed, highest, size):  # type: ignore[no-untyped-def]
    """The `size` persons whose lots are not above `highest`."""
    found, used = np.empty(size, persons.dtype), 0
    for place in range(len(persons)):
        if _lot(persons[place], seed) <= highest:
            found[used] = persons[place]
            used += 1
    return found[:used]


def split(persons: Persons, per_mille: tuple[int, ...], salt: str) -> tuple[Persons, ...]:
    """Shares in thousandths, and whoever is left over last. ValueError where they are more than all."""
    if sum(per_mille) > 1000 or min(per_mille, default=0) < 0:
        raise ValueError("shares beyond all")
    edges = [0, *np.cumsum(per_mille).tolist(), 1000]
    place = (lots(persons, salt) >> np.uint64(32)) * np.uint64(1000) >> np.uint64(32)
    return tuple(persons[(place >= low) & (place < high)] for low, high in pairwise(edges))
