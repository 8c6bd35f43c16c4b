"""The table of fees: basis points by day, tier and provider. Pure."""

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from dure.settlement.errors import FeesUnclear
from dure.settlement.values import Method, Rates, SalesTier

TIERS = tuple(tier for tier in SalesTier if tier is not SalesTier.UNKNOWN)
BPS_MAX = 2_000
OTHER = "other"


@dataclass(frozen=True, slots=True)
class Elsewhere:
    """What others take, for comparison, and who says so."""

    low: int
    high: int
    source: str


@dataclass(frozen=True, slots=True)
class Fees:
    """A read table. Each row is (its first day, what it says)."""

    card: tuple[tuple[date, Mapping[tuple[SalesTier, Method], int], str], ...]
    provider: Mapping[str, tuple[tuple[date, Mapping[tuple[SalesTier, Method], int], str], ...]]
    platform: tuple[tuple[date, int], ...]
    elsewhere: tuple[tuple[date, Elsewhere], ...]

    def rates(self, provider: str, method: Method, tier: SalesTier, day: date) -> Rates:
        """What a payment of that day costs, in basis points."""
        asked = (SalesTier.GENERAL if tier is SalesTier.UNKNOWN else tier, method)
        card = 0 if method is Method.MONEY else _on(self.card, day)[1][asked]
        rows = self.provider.get(provider) or self.provider[OTHER]
        return Rates(card=card, provider=_on(rows, day)[1][asked], platform=_on(self.platform, day)[1])

    def regulated(self, tier: SalesTier, day: date) -> tuple[int, str]:
        """The card law's rate for a credit card, and its source."""
        _, rates, source = _on(self.card, day)
        return rates[SalesTier.GENERAL if tier is SalesTier.UNKNOWN else tier, Method.CREDIT], source

    def compared(self, day: date) -> Elsewhere:
        """What a vendor of table ordering takes."""
        held: Elsewhere = _on(self.elsewhere, day)[1]
        return held


def read(text: str) -> Fees:
    """The table in `text` (TOML). Raises FeesUnclear for anything missing, negative, above 20 % or not whole."""
    try:
        told = tomllib.loads(text)
        return _read(told)
    except (tomllib.TOMLDecodeError, KeyError, TypeError, ValueError, AttributeError) as wrong:
        raise FeesUnclear(f"{type(wrong).__name__}: {wrong}") from wrong


def _read(told: Mapping[str, Any]) -> Fees:
    providers: dict[str, list[Any]] = {}
    for row in told["provider"]:
        by = {(tier, method): _tiered(row["money" if method is Method.MONEY else "card"], tier) for tier in TIERS for method in Method}  # fmt: skip
        providers.setdefault(str(row["name"]), []).append((_day(row), by, str(row["source"])))
    if OTHER not in providers:
        raise ValueError("no row for `other` providers")
    return Fees(
        card=_sorted([(_day(row), _card(row), str(row["source"])) for row in told["card"]]),
        provider={name: _sorted(rows) for name, rows in providers.items()},
        platform=_sorted([(_day(row), _bps(row["fee"])) for row in told["platform"]]),
        elsewhere=_sorted(
            [
                (_day(row), Elsewhere(_bps(row["low"]), _bps(row["high"]), str(row["source"])))
                for row in told["elsewhere"]
            ]
        ),
    )


def _card(row: Mapping[str, Any]) -> dict[tuple[SalesTier, Method], int]:
    return {
        (tier, method): _bps(row[tier.value][method.value])
        for tier in TIERS
        for method in (Method.CREDIT, Method.CHECK)
    }


def _tiered(value: object, tier: SalesTier) -> int:
    return _bps(value[tier.value] if isinstance(value, Mapping) else value)


def _bps(value: object) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= BPS_MAX:
        raise ValueError(f"no basis points: {value!r}")
    return value


def _day(row: Mapping[str, Any]) -> date:
    day = row["valid_from"]
    if type(day) is not date:
        raise ValueError(f"no day: {day!r}")
    return day


def _sorted(rows: Sequence[Any]) -> tuple[Any, ...]:
    days = [row[0] for row in rows]
    if not rows or len(set(days)) != len(days):
        raise ValueError("one row for each day, and at least one")
    return tuple(sorted(rows, key=lambda row: row[0]))


def _on(rows: Sequence[Any], day: date) -> Any:
    """The row that holds on `day`; before the first one, the first."""
    held = [row for row in rows if row[0] <= day]
    return held[-1] if held else rows[0]
