"""Words of the regulars room."""

from enum import StrEnum


class Stage(StrEnum):
    """Where a friend stands with a shop today. NEW: up to one visit. RETURNING: more. REGULAR (단골): visits often
    enough by the shop's own rule. LAPSED: has not come for the shop's number of days."""

    NEW = "new"
    RETURNING = "returning"
    REGULAR = "regular"
    LAPSED = "lapsed"
