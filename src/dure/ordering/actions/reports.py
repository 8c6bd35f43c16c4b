"""What was given back at the counter on a day, told to the owners by a way that the counter does not hold: inbox and e-mail."""

from collections import defaultdict
from datetime import date, datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import Sum

from dure.kit.language import say
from dure.messaging import actions as messaging
from dure.messaging import queries as messages
from dure.messaging.errors import BadText, NotPermitted
from dure.messaging.values import Medium, MessageKind
from dure.ordering.actions.concessions import STAFF
from dure.ordering.models import Concession
from dure.ordering.values import ConcessionState
from dure.people import actions as people
from dure.people.models import Person
from dure.shops import queries as shops
from dure.shops.models import Shop
from dure.shops.values import Role

MAIL_LASTS = timedelta(days=3)


def report_concessions(*, shop: Shop, day: date, at: datetime) -> bool:
    """Tell each owner how many won were given back or written off on a business day that is over, by whom. Whether there was
    anything to tell. Safe to repeat: nobody is told twice of a day.

    Reasons are on the page alone: they are free text, and a mail is not theirs to write.
    """
    given = Concession.objects.filter(shop=shop, business_day=day, state=ConcessionState.DONE)
    if day >= shops.business_day(shop, at) or not given.exists():
        return False
    sums = list(given.values_list("by", "won"))
    by_person: dict[str, int] = defaultdict(int)
    for who, won in sums:
        by_person[who] += won
    approved = given.exclude(decided_by="").aggregate(won=Sum("won"))["won"] or 0
    for member in shops.staff_of(shop).filter(role=Role.OWNER):
        language = member.person.language
        title = say(
            "{s} {d}: 돌려주거나 뺀 돈 {w}원",
            en="{s} {d}: {w} won given back or struck",
            s=shop.name,
            d=f"{day.month}.{day.day}",
            w=f"{sum(by_person.values()):,}",
        ).within(language)
        lines = [
            say("{p}: {w}원", en="{p}: {w} won", p=name, w=f"{won:,}").within(language)
            for name, won in sorted(
                ((_name(shop, who, language), won) for who, won in by_person.items()), key=lambda one: -one[1]
            )
        ]
        first = say(
            "모두 {n}건이에요. 둘이 확인한 돈은 {a}원이에요.",
            en="{n} in all. A second person approved {a} won of it.",
            n=len(sums),
            a=f"{approved:,}",
        ).within(language)
        last = say(
            "누가 무엇을 왜 돌려줬는지는 가게 관리에서 볼 수 있어요.",
            en="Who gave back what, and why, is in your console.",
        ).within(language)
        _tell(member.person, shop, day, title, "\n".join([first, *lines, last]), f"{first}\n{last}", at)
    return True


def _tell(person: Person, shop: Shop, day: date, title: str, body: str, plain: str, at: datetime) -> None:
    path = f"/console/{shop.public_id}/concessions?day={day.isoformat()}"
    key = f"concessions:{shop.public_id}:{day.isoformat()}:{person.public_id}"
    name = say("두레", en="Dure").within(person.language)
    if messages.sending_by_key(key) is not None:
        return
    with transaction.atomic():
        try:
            people.message_person(
                person=person,
                sender="dure",
                sender_name=name,
                kind=MessageKind.INFORMATION,
                title=title,
                body=body,
                link=path,
                key=key,
                at=at,
            )
        except NotPermitted:
            return
        mail: dict[str, Any] = {
            "key": key,
            "reference": key,
            "sender": "dure",
            "sender_name": name,
            "kind": MessageKind.INFORMATION,
            "media": [Medium.MAIL],
            "not_before": at,
            "expires_at": at + MAIL_LASTS,
            "at": at,
            "link": f"{settings.PUBLIC_URL or f'http://127.0.0.1:{settings.PORT}'}{path}",
        }
        try:
            sending = messaging.open_sending(**mail, title=title, body=body)
        except BadText:
            # A name that reads like an advertisement must not cost the owner the report.
            sending = messaging.open_sending(
                **mail,
                title=say("돌려주거나 뺀 돈", en="Given back or struck").within(person.language),
                body=plain,
            )
        messaging.queue_messages(sending=sending, recipients=[(person.pk, None)], at=at)


def _name(shop: Shop, by: str, language: str) -> str:
    if not by.startswith(STAFF):
        return say("자동·연결된 프로그램", en="Automatic or a connected program").within(language)
    member = next((m for m in shops.staff_of(shop) if f"{STAFF}{m.person.public_id}" == by), None)
    if member is None:
        return say("그만둔 직원", en="Somebody who left").within(language)
    return member.person.name or member.person.email or member.person.public_id
