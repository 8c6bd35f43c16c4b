"""Words of the message rail. It knows addresses, recipients' numbers and permits, never a shop or a person."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import IntEnum, StrEnum
from typing import Any, NamedTuple

AD_MARK = "(광고)"
PERMIT_LASTS = timedelta(minutes=1)


class MessageKind(StrEnum):
    """INFORMATION: about an order, a payment, a coupon that the person asked for. ADVERTISING: everything else."""

    INFORMATION = "information"
    ADVERTISING = "advertising"


class Medium(StrEnum):
    """By what a text travels. BRAND is Kakao's message for advertising, NOTICE (Alimtalk) its message for information."""

    INBOX = "inbox"
    PUSH = "push"
    BRAND = "brand"
    NOTICE = "notice"
    TEXT = "text"
    MAIL = "mail"


class SendingState(StrEnum):
    """OPEN: whoever is queued is written to. PAUSED: held back, until it goes on. STOPPED: whoever waits gets nothing, for
    good. CLOSED: nothing is on its way any more, and it is paid for."""

    OPEN = "open"
    PAUSED = "paused"
    STOPPED = "stopped"
    CLOSED = "closed"


class Fate(IntEnum):
    """What has become of one outgoing text. ACCEPTED: a provider took it and will say more; UNCERTAIN: it was handed over and
    nobody can say whether it went, so it is never sent again by itself."""

    WAITING = 0
    HANDING = 1
    ACCEPTED = 2
    ARRIVED = 3
    REFUSED = 4
    FAILED = 5
    EXPIRED = 6
    STOPPED = 7
    UNCERTAIN = 8


ON_THE_WAY = (Fate.WAITING, Fate.HANDING, Fate.ACCEPTED)
WENT_OUT = (Fate.HANDING, Fate.ACCEPTED, Fate.ARRIVED, Fate.UNCERTAIN)
"""What counts against a cap: handed to a provider, whatever the provider made of it later."""


class Verdict(StrEnum):
    """What a provider's answer means for one text. LATER: the same text may be tried again; OTHER_WAY: this person cannot be
    reached by this medium, another may; ASK: the provider knows and has to be asked."""

    ARRIVED = "arrived"
    ACCEPTED = "accepted"
    LATER = "later"
    OTHER_WAY = "other_way"
    FAILED = "failed"
    GONE = "gone"
    ASK = "ask"


@dataclass(frozen=True, slots=True, kw_only=True)
class Permit:
    """The right to send one text to one address before `expires_at`, inside the transaction that looked at the consents.

    It is signed by whoever keeps the consents; the rail checks the ticket and never learns whose it is.
    """

    address: str
    sender: str
    kind: MessageKind
    text_hash: str
    basis: str
    transaction: str
    issued_at: datetime
    expires_at: datetime
    signature: str


class InHand(NamedTuple):
    """One text that is being decided: of its row as much as composing it needs."""

    pk: int
    sending_id: int
    recipient: int | None
    variables: dict[str, Any] | None
    medium: str


class Letter(NamedTuple):
    """One text ready to leave: composed for its medium, with the address that the gate looked up. `key` is ours for good:
    whoever is handed the same key twice has been handed the same text."""

    outgoing: int
    key: str
    recipient: int
    medium: Medium
    address: str
    title: str
    body: str
    link: str
    refuse: str
    consent: int | None
    night_consent: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchPermit:
    """The right to hand over exactly these letters in this transaction before `expires_at`: one signature under the
    fingerprint of every address and text."""

    letters: str
    transaction: str
    issued_at: datetime
    expires_at: datetime
    signature: str


class Answer(NamedTuple):
    """What a provider said about one letter."""

    outgoing: int
    verdict: Verdict
    code: str
    provider_key: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Form:
    """A text in the form of one medium: `faults` empty where it may go, `won` what it costs, `measure` how long it is and how
    long it may be, in characters or, for texts, in bytes; (0, 0) where nothing limits it."""

    medium: Medium
    title: str
    body: str
    faults: list[str]
    won: int
    measure: tuple[int, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Quote:
    """What a sending costs at most, in won, and how many texts each medium would carry."""

    won: int
    by_medium: dict[str, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Tally:
    """How many texts of a sending, or of all with one reference, have met which fate, and why the refused ones were."""

    fates: dict[str, int]
    reasons: dict[str, int]
    won: int
