"""E-mail. The night rule does not reach it (시행령 §61②); (광고) begins the subject, sender, contact and a refusal without a
login end the body, and one click in the reader's own program is enough (RFC 8058)."""

from dure.messaging.channels.capability import Capability, Composed, Words
from dure.messaging.values import AD_MARK

CAPABILITY = Capability(title_max=120, body_max=20_000)


def compose(words: Words) -> Composed:
    link = [words.link] if words.link else []
    if not words.advertising:
        body = "\n\n".join([words.body, *link, contact_of(words)])
        return Composed(title=f"[{words.sender_name}] {words.title}", body=body)
    foot = (
        f"이 메일은 {words.sender_name}의 광고 메일 수신에 동의하신 분께 보냈어요.\n"
        f"보낸 곳: {contact_of(words)}\n무료 수신거부 (로그인 없이): {words.refuse}"
    )
    return Composed(title=f"{AD_MARK} {words.title}", body="\n\n".join([words.body, *link, f"--\n{foot}"]))


def contact_of(words: Words) -> str:
    """The sender, and where they are reached: by phone and by the mail address that the asker gave beside it."""
    return " ".join(
        part for part in (words.sender_name, words.contact, str(words.details.get("mail_contact", ""))) if part
    )


def faults(composed: Composed, words: Words) -> list[str]:
    found = []
    if words.advertising:
        if not composed.title.startswith(f"{AD_MARK} "):
            found.append("not-marked")
        if not words.sender_name or "@" not in contact_of(words):
            found.append("no-sender")
        if not words.refuse or words.refuse not in composed.body:
            found.append("no-refusal")
    if any(c in composed.title for c in "\r\n"):
        found.append("broken-subject")
    return found
