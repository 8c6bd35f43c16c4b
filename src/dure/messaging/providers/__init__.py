"""Whoever carries texts for us. Each keeps its own contract; the rail sees letters go in and answers come out."""

import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Protocol

from dure.messaging.values import Answer, Letter, Medium, Verdict


class Unheard(Exception):
    """Asked, and no answer that proves anything came back: the letters may or may not be on their way."""


class Provider(Protocol):
    """`send` gives one answer for each letter, or raises Unheard. `find` says what became of letters whose answer was lost;
    a letter that it does not name was never received. `certificate`: the number under which the provider may carry
    advertising for others; empty when it has none and needs none."""

    name: str
    batch_max: int
    can_find: bool
    repeatable: bool
    certificate: str

    def send(
        self,
        medium: Medium,
        letters: Sequence[Letter],
        *,
        key: str,
        sending: Mapping[int, Mapping[str, Any]],
        at: datetime,
    ) -> list[Answer]: ...

    def close(self) -> None: ...

    def find(self, medium: Medium, letters: Sequence[Letter], *, key: str, begun_at: datetime) -> list[Answer]: ...


_chosen: dict[Medium, Provider] = {}


def provider_for(medium: Medium) -> Provider | None:
    """Who carries this medium here; None when nobody does."""
    if not _chosen:
        _chosen.update(_from_settings())
    return _chosen.get(medium)


def choose(chosen: Mapping[Medium, Provider]) -> None:
    """Replace who carries what; an empty mapping goes back to the settings. For programs that measure and for tests."""
    for former in set(map(id, _chosen.values())):
        next(one for one in _chosen.values() if id(one) == former).close()
    _chosen.clear()
    _chosen.update(chosen)


def _from_settings() -> dict[Medium, Provider]:
    from dure.messaging.providers import setup

    return setup.from_settings()


def verdict_of(provider: str, code: str, medium: Medium) -> Verdict:
    """What a code of this provider's means; a code in no form that we know leaves the text where it is."""
    from dure.messaging.providers import nhn, solapi

    if provider == "nhn":
        return nhn.verdict_of(int(code)) if re.fullmatch(r"-?[0-9]{1,7}", code) else Verdict.ASK
    return solapi.verdict_of(code, medium)
