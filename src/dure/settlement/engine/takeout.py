"""How a shop's rows are written without a database's own numbers, and without anybody's name.

A person is `p1`, `p2` … in the order of first mention, a phone `d1` …: the same person in two shops' archives cannot be told
to be one. A row that others name has its public id, its key or its code; one without any is `#1`, `#2` … by its place.
"""

import re
from collections.abc import Callable
from typing import Any

PERSON = re.compile(r"per_[0-9a-z]{26}")
NAMED = re.compile(r"<([pd]\d{1,9})>")
PHONE = re.compile(r"(device-|guest:)(\d{1,18})\b")
ROW = re.compile(r"\b([a-z]+):(\d{1,18})\b")
ROW_NAMED = re.compile(r"\b([a-z]+):<([^<>]{1,200})>")
ANY_ID = re.compile(r"[a-z]{2,5}_[0-9a-z]{26}")
BY, KEYS = frozenset({"by", "payer"}), frozenset({"key", "reference"})


def everywhere(value: Any, change: Callable[[str], str]) -> Any:
    """`value` (JSON) with `change` applied to every text in it."""
    if isinstance(value, str):
        return change(value)
    if isinstance(value, list):
        return [everywhere(one, change) for one in value]
    if isinstance(value, dict):
        return {change(name): everywhere(one, change) for name, one in value.items()}
    return value
