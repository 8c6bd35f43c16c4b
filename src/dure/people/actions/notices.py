"""What the law makes us tell about a consent: what came of a yes or no within 14 days, and every two years that a yes stands."""

from datetime import datetime, timedelta

from django.db import IntegrityError, transaction
from django.db.models import Exists, OuterRef

from dure.kit.clock import KST
from dure.kit.language import Text, say
from dure.messaging.errors import NotPermitted
from dure.messaging.values import MessageKind
from dure.people import rules
from dure.people.actions.writing import message_person
from dure.people.models import Consent, Notice, Standing
from dure.people.values import NETWORK_SENDER, NOT_ADVERTISING, PLATFORM_NAME, NoticeKind, Purpose, text_for

PLATFORM = NETWORK_SENDER
TELL_WITHIN = timedelta(days=14)
TELL_BEFORE = timedelta(days=30)
ABOUT_ADVERTISING = [str(p) for p in Purpose if p not in NOT_ADVERTISING]
AT_ONCE_MOST = 500


def tell_results(*, at: datetime, names: dict[str, str] | None = None) -> int:
    """Tell everybody what came of their yes or no to advertising (정보통신망법 §50⑦): who, what, when, and that it holds. How many.

    `names` are the senders' names by sender. Safe to repeat: each word is told once.
    """
    told = Notice.objects.filter(consent=OuterRef("pk"), kind=NoticeKind.RESULT)
    untold = Consent.objects.filter(purpose__in=ABOUT_ADVERTISING, at__gte=at - TELL_WITHIN).exclude(Exists(told))
    number = 0
    for consent in untold.select_related("person").order_by("pk")[:AT_ONCE_MOST]:
        said = (
            say("동의하셨어요", en="you agreed")
            if consent.granted
            else say("거부하셨어요. 이제 보내지 않아요", en="you refused, and nothing is sent any more")
        )
        number += _tell(
            consent, NoticeKind.RESULT, _about(consent, said, names or {}), f"consent-result:{consent.pk}", at
        )
    return number


def renew_notices(*, at: datetime, names: dict[str, str] | None = None) -> int:
    """Tell whoever agreed, or last heard of it, almost two years ago that the consent stands and how to end it (§50⑧, 시행령
    §62의3). Silence keeps it. It praises nothing, so it is no advertisement. How many. Safe to repeat."""
    since = rules.months_before(at, rules.TOLD_EVERY_MONTHS) + TELL_BEFORE
    due = Standing.objects.filter(granted=True, purpose__in=ABOUT_ADVERTISING, told_at__lte=since)
    number = 0
    for standing in due.select_related("person").order_by("told_at", "pk")[:AT_ONCE_MOST]:
        consent = Consent.objects.filter(pk=standing.consent).select_related("person").first()
        if consent is None:
            continue
        said = say("동의하셨고, 그대로 두면 계속돼요", en="you agreed, and it goes on unless you end it")
        text = _about(consent, said, names or {})
        key = f"consent-renewal:{consent.pk}:{standing.told_at:%Y%m%d}"
        if _tell(consent, NoticeKind.RENEWAL, text, key, at):
            Standing.objects.filter(pk=standing.pk, consent=consent.pk).update(told_at=at)
            number += 1
    return number


def _about(consent: Consent, said: Text, names: dict[str, str]) -> tuple[Text, Text]:
    name = names.get(consent.sender, consent.sender)
    if consent.sender == PLATFORM:
        name = PLATFORM_NAME.ko
    if consent.sender == "*":
        name = "모든 가게"
    day = consent.at.astimezone(KST)
    what = text_for(consent.sender, Purpose(consent.purpose)).named(name).question
    title = say("광고 수신 동의 처리 결과를 알려 드려요", en="What came of your choice about advertising")
    body = say(
        "{name} · {what} · {day}에 {said}. 언제든 ‘내 정보 > 알림 설정’에서 무료로 바꿀 수 있어요. 보낸 곳: 두레",
        en="{name} · {what} · on {day} {said}. Change it free at any time in My page > Messages. From: Dure",
        name=name,
        what=what,
        day=f"{day:%Y-%m-%d %H:%M}",
        said=said,
    )
    return title, body


def _tell(consent: Consent, kind: NoticeKind, text: tuple[Text, Text], key: str, at: datetime) -> int:
    language = consent.person.language
    body = text[1]
    # A sentence inside a sentence is read in the same language.
    values = {k: v.within(language) if isinstance(v, Text) else v for k, v in body.values.items()}
    try:
        with transaction.atomic():
            message = message_person(
                person=consent.person,
                sender=PLATFORM,
                sender_name=PLATFORM_NAME.within(language),
                kind=MessageKind.INFORMATION,
                title=text[0].within(language),
                body=Text(body.ko, body.en, values).within(language),
                link="/my/attention",
                key=key,
                at=at,
            )
            Notice.objects.create(person=consent.person, consent=consent, kind=kind, message=message.public_id, at=at)
    except (NotPermitted, IntegrityError):
        return 0
    return 1
