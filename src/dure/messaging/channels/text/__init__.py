"""Text messages: SMS up to 90 bytes, LMS up to 2,000, in EUC-KR. An advertisement says so first and ends with a free refusal."""

from datetime import date

from dure.messaging.channels.capability import Capability, Composed, Words
from dure.messaging.values import AD_MARK

SMS_BYTES = 90
CAPABILITY = Capability(
    bytes_max=2_000,
    encoding="euc-kr",
    through_agency=True,
    prices={"SMS": ((date(2026, 1, 1), 12),), "LMS": ((date(2026, 1, 1), 39),)},
)
FREE_REFUSAL = "무료수신거부"


def compose(words: Words) -> Composed:
    if not words.advertising:
        parts: tuple[str, ...] = (f"[{words.sender_name}] {words.title}", words.body, words.link)
    else:
        head = f"{AD_MARK}{words.sender_name} {words.contact}".rstrip()
        refusal = words.refusal_number or words.refuse
        parts = (head, words.title, words.body, words.link, f"{FREE_REFUSAL} {refusal}")
    return Composed(title="", body="\n".join(part for part in parts if part))


def faults(composed: Composed, words: Words) -> list[str]:
    found = []
    if words.advertising:
        last = composed.body.rpartition("\n")[2]
        if not composed.body.startswith(AD_MARK):
            found.append("not-marked")
        if not words.sender_name or not words.contact:
            found.append("no-sender")
        if not last.startswith(f"{FREE_REFUSAL} ") or last == f"{FREE_REFUSAL} ":
            found.append("no-refusal")
    try:
        if byte_length(composed.body) > CAPABILITY.bytes_max:
            found.append("too-long")
    except UnicodeEncodeError:
        found.append("not-euc-kr")
    return found


def byte_length(body: str) -> int:
    """Bytes on the air. Raises UnicodeEncodeError for what EUC-KR cannot say, an emoji for one."""
    return len(body.encode(CAPABILITY.encoding))


def type_of(body: str) -> str:
    """SMS or LMS, by length; what cannot be said at all would be the longer one."""
    if len(body) > SMS_BYTES:  # a letter has a byte at least
        return "LMS"
    try:
        return "SMS" if byte_length(body) <= SMS_BYTES else "LMS"
    except UnicodeEncodeError:
        return "LMS"
