"""The faults that the practice provider shows on demand, so that lost and late answers happen when a test wants them."""

from collections import Counter
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

KAKAOPAY = ("ready", "approve", "order", "cancel", "subscription", "inactive", "status")
TOSS = ("toss_create", "toss_confirm", "toss_query", "toss_cancel")
CALLS = (*KAKAOPAY, *TOSS)


class Kind(StrEnum):
    """`before` and `after` say whether the call took effect. LATE: it takes effect when `seconds` are over, long after the
    caller hung up. STALE: order answers from before the money moved. UNKNOWN: an error code nobody documented. PROCESSING: Toss
    says that the same key is being worked on, and nothing happens. REFUSED: no, for the reason that such a call is mostly
    refused for; nothing happens."""

    TIMEOUT_BEFORE = "timeout_before"
    TIMEOUT_AFTER = "timeout_after"
    ERROR_5XX_BEFORE = "error_5xx_before"
    ERROR_5XX_AFTER = "error_5xx_after"
    UNKNOWN_BEFORE = "unknown_before"
    UNKNOWN_AFTER = "unknown_after"
    REFUSED = "refused"
    SLOW = "slow"
    CUT = "cut"
    LATE = "late"
    STALE = "stale"
    PROCESSING = "processing"


HAPPENS_BEFORE = {Kind.TIMEOUT_BEFORE, Kind.ERROR_5XX_BEFORE, Kind.UNKNOWN_BEFORE, Kind.LATE, Kind.PROCESSING}
SECONDS = {Kind.TIMEOUT_BEFORE: 30.0, Kind.TIMEOUT_AFTER: 30.0, Kind.SLOW: 3.0, Kind.LATE: 20.0}
SECONDS_MAX = 600.0


@dataclass(slots=True)
class Fault:
    """The next `count` calls go wrong as `kind` says."""

    kind: Kind
    count: int
    seconds: float


class Faults:
    """Which call goes wrong next, and how often each fault really happened."""

    def __init__(self) -> None:
        self.set: dict[str, Fault] = {}
        self.happened: Counter[str] = Counter()

    def change(self, wanted: dict[str, Any]) -> None:
        """`{"approve": {"kind": "timeout_after", "count": 2, "seconds": 5}}`; a null switches a call's fault off.

        Raises ValueError for anything else, before it changes anything.
        """
        changed: dict[str, Fault | None] = {}
        for call, how in wanted.items():
            if call not in CALLS:
                raise ValueError(f"{call} is none of {', '.join(CALLS)}")
            changed[call] = None if how is None else _fault(how)
        for call, fault in changed.items():
            if fault is None:
                self.set.pop(call, None)
            else:
                self.set[call] = fault

    def next(self, call: str) -> Fault | None:
        """The fault that this call shows; it is used up by asking."""
        fault = self.set.get(call)
        if fault is None:
            return None
        fault.count -= 1
        if fault.count <= 0:
            del self.set[call]
        self.happened[f"{call} {fault.kind}"] += 1
        return fault

    def shown(self) -> dict[str, Any]:
        return {
            "set": {call: {"kind": f.kind, "count": f.count, "seconds": f.seconds} for call, f in self.set.items()},
            "happened": dict(self.happened),
            "calls": list(CALLS),
        }


def _fault(how: Any) -> Fault:
    if not isinstance(how, dict):
        raise ValueError("a fault is an object with kind and count")
    kind = Kind(str(how.get("kind")))
    count, seconds = how.get("count", 1), how.get("seconds", SECONDS.get(kind, 0.0))
    if (
        not isinstance(count, int)
        or count < 1
        or not isinstance(seconds, int | float)
        or not 0 <= seconds <= SECONDS_MAX
    ):
        raise ValueError(f"count is at least 1, seconds between 0 and {SECONDS_MAX:.0f}")
    return Fault(kind, count, float(seconds))
