"""Money is a whole number of Korean won. Nothing here knows a shop, a person or a database."""

from collections.abc import Sequence

BPS = 10_000


def split(total: int, weights: Sequence[int]) -> list[int]:
    """Share `total` won by `weights` (largest remainder, ties to the earlier share); the parts always sum to `total`.

    Raises ValueError when no weight is positive or one is negative.
    """
    whole = sum(weights)
    if whole <= 0 or min(weights) < 0:
        raise ValueError("split needs weights that are not negative, and at least one that is positive")
    sign, amount = (-1, -total) if total < 0 else (1, total)
    parts = [amount * weight // whole for weight in weights]
    by_remainder = sorted(range(len(weights)), key=lambda i: (-(amount * weights[i] % whole), i))
    for i in by_remainder[: amount - sum(parts)]:
        parts[i] += 1
    return [sign * part for part in parts]


def vat_in(taxable: int) -> int:
    """The value-added tax inside a price that includes it: one eleventh, rounded half up."""
    return (2 * taxable + 11) // 22


def share_of(amount: int, bps: int) -> int:
    """`bps` basis points of `amount`, rounded down to the won."""
    return amount * bps // BPS


def won(amount: int) -> str:
    """How a Korean shop writes it: `12,000원`."""
    return f"{amount:,}원"
