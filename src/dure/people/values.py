"""Words of the people room."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum

import phonenumbers

from dure.kit.language import Text, say
from dure.messaging.values import Medium


class Purpose(StrEnum):
    """What a consent is for: each is asked apart, unticked, and may be refused without losing anything else."""

    FRIENDSHIP = "friendship"
    ADVERTISING = "advertising"
    NIGHT = "night"
    TASTE = "taste"
    ADVERTISING_PUSH = "advertising-push"
    ADVERTISING_PHONE = "advertising-phone"
    ADVERTISING_MAIL = "advertising-mail"
    BIRTHDAY = "birthday"


NOT_ADVERTISING = (Purpose.FRIENDSHIP, Purpose.TASTE, Purpose.BIRTHDAY)
"""Consents to keep something about a person, which the law of advertising does not speak of."""


_BY_MEDIUM = (Purpose.ADVERTISING_PUSH, Purpose.ADVERTISING_PHONE, Purpose.ADVERTISING_MAIL)
RESTS_ON_IT: Mapping[Purpose, tuple[Purpose, ...]] = {
    **dict.fromkeys(Purpose, ()),
    Purpose.FRIENDSHIP: (Purpose.ADVERTISING, Purpose.NIGHT, Purpose.TASTE, *_BY_MEDIUM),
    Purpose.ADVERTISING: (Purpose.NIGHT, *_BY_MEDIUM),
}

MEDIUM_PURPOSE: Mapping[Medium, Purpose | None] = {
    Medium.INBOX: None,
    Medium.PUSH: Purpose.ADVERTISING_PUSH,
    Medium.BRAND: Purpose.ADVERTISING_PHONE,
    Medium.NOTICE: Purpose.ADVERTISING_PHONE,
    Medium.TEXT: Purpose.ADVERTISING_PHONE,
    Medium.MAIL: Purpose.ADVERTISING_MAIL,
}
"""What advertising by a medium needs beside the consent to advertising itself, which is for the inbox."""

EVERYBODY = "*"
"""The sender of a no to all advertising. A no to a topic has the sender `topic:<topic>`."""


class Topic(StrEnum):
    """What an advertisement is about, so that a person can refuse one kind and keep the others."""

    DISCOUNT = "discount"
    MENU = "menu"
    EVENT = "event"
    COMEBACK = "comeback"
    NEIGHBOURHOOD = "neighbourhood"


TOPIC_NAMES: Mapping[Topic, Text] = {
    Topic.DISCOUNT: say("할인과 쿠폰", en="Discounts and coupons"),
    Topic.MENU: say("새 메뉴", en="New dishes"),
    Topic.EVENT: say("행사와 이벤트", en="Events"),
    Topic.COMEBACK: say("다시 오시라는 인사", en="Come-back greetings"),
    Topic.NEIGHBOURHOOD: say("동네 다른 가게 소식", en="News of other shops nearby"),
}


class NoticeKind(StrEnum):
    """What the law makes us tell somebody about a consent: its result within 14 days, and every two years that it stands."""

    RESULT = "result"
    RENEWAL = "renewal"


class RefusalScope(StrEnum):
    """How far a no from a message reaches."""

    SENDER = "sender"
    TOPIC = "topic"
    ALL = "all"


NETWORK_SENDER, PLATFORM_NAME = "dure", say("두레", en="Dure")
"""Who writes to people on behalf of shops whose friends they are not: the platform, with a consent of its own."""


def topic_name(topic: str) -> Text | str:
    """What people call a topic; its own word where nobody named it."""
    return TOPIC_NAMES[Topic(topic)] if topic in set(Topic) else topic


def topic_sender(topic: str) -> str:
    """How the ledger of consents names a topic."""
    return f"topic:{topic}"


_FREE = say(
    "동의하지 않아도 주문과 결제, 쿠폰은 그대로 쓸 수 있어요.",
    en="If you refuse, you can still order, pay and use coupons.",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class ConsentText:
    """What a person reads before saying yes or no. A changed word needs a new `version`; old versions stay listed.

    `{shop}` stands for the sender's name: see `named`.
    """

    version: str
    purpose: Purpose
    question: Text
    body: Text
    refusal: Text = _FREE

    def named(self, shop: str) -> "ConsentText":
        """The same text with the sender's name in it."""

        def named(text: Text) -> Text:
            return Text(text.ko, text.en, {"shop": shop})

        return replace(self, question=named(self.question), body=named(self.body), refusal=named(self.refusal))


ALL_CONSENT_TEXTS: tuple[ConsentText, ...] = (
    ConsentText(
        version="friendship-1",
        purpose=Purpose.FRIENDSHIP,
        question=say("{shop}의 단골 친구가 될게요", en="Become a friend of {shop}"),
        body=say(
            "목적: 쿠폰과 도장을 챙겨 드리고 다시 오셨을 때 알아보려고요. 항목: 방문한 날, 결제 금액, 이 휴대폰의 식별값. "
            "기간: 친구를 그만두거나 잊어 달라고 할 때까지. 전화번호와 이름은 가게에 보이지 않아요.",
            en="Why: to keep your coupons and stamps and to know you when you return. What: visit days, amounts paid, this "
            "phone's identifier. How long: until you leave or ask us to forget you. The shop sees neither phone number nor name.",
        ),
        refusal=say(
            "친구가 되지 않아도 주문과 결제는 그대로예요.", en="You can order and pay without becoming a friend."
        ),
    ),
    ConsentText(
        version="advertising-1",
        purpose=Purpose.ADVERTISING,
        question=say("(선택) {shop}의 광고성 정보를 받을게요", en="(Optional) Receive advertising from {shop}"),
        body=say(
            "{shop}의 새 메뉴, 할인, 쿠폰 소식을 두레 알림함으로 보내요. 제목은 (광고)로 시작하고, 밤 9시부터 아침 8시까지는 "
            "보내지 않아요. 항목: 알림함 주소. 기간: 동의를 거둘 때까지. 언제든지 내 정보에서 무료로 거둘 수 있어요.",
            en="News of dishes, discounts and coupons of {shop} comes to your Dure inbox. Titles begin with (광고), and nothing "
            "comes between 21:00 and 08:00. What: your inbox address. How long: until you withdraw, free, at any time, in My page.",
        ),
    ),
    ConsentText(
        version="night-1",
        purpose=Purpose.NIGHT,
        question=say("(선택) 밤에도 광고성 정보를 받을게요", en="(Optional) Receive advertising at night too"),
        body=say(
            "{shop}의 광고성 정보를 밤 9시부터 다음 날 아침 8시 사이에도 받아요. 항목: 알림함 주소. 기간: 동의를 거둘 때까지. "
            "언제든지 내 정보에서 무료로 거둘 수 있어요.",
            en="Advertising of {shop} may also come between 21:00 and 08:00. What: your inbox address. How long: until you "
            "withdraw, free, at any time, in My page.",
        ),
    ),
    ConsentText(
        version="taste-1",
        purpose=Purpose.TASTE,
        question=say("(선택) 내 취향에 맞춘 혜택을 받을게요", en="(Optional) Receive offers that fit my taste"),
        body=say(
            "목적: {shop}에서 좋아할 만한 메뉴와 혜택을 골라 드리려고요. 항목: 주문한 메뉴, 방문한 요일과 시간대. 기간: 동의를 "
            "거두거나 친구를 그만둘 때까지.",
            en="Why: to choose dishes and offers of {shop} that you may like. What: dishes ordered, weekday and time of visits. "
            "How long: until you withdraw or leave.",
        ),
    ),
    ConsentText(
        version="advertising-push-1",
        purpose=Purpose.ADVERTISING_PUSH,
        question=say("(선택) 광고를 휴대폰 알림으로도 받을게요", en="(Optional) Ring my phone for advertising too"),
        body=say(
            "{shop}의 광고성 정보가 오면 이 브라우저의 알림으로도 알려 드려요. 항목: 브라우저 알림 주소. 기간: 동의를 거둘 때까지. "
            "언제든지 내 정보나 알림에서 무료로 거둘 수 있어요.",
            en="When advertising of {shop} comes, this browser tells you. What: the address of this browser's notifications. How "
            "long: until you withdraw, free, at any time, in My page or from the message.",
        ),
    ),
    ConsentText(
        version="advertising-phone-1",
        purpose=Purpose.ADVERTISING_PHONE,
        question=say("(선택) 광고를 카카오톡과 문자로도 받을게요", en="(Optional) KakaoTalk and text messages too"),
        body=say(
            "{shop}의 광고성 정보를 카카오톡과 문자(SMS·LMS)로도 받아요. 항목: 휴대폰 번호. 발송을 맡는 곳: 두레가 계약한 메시지 "
            "발송 회사. 기간: 동의를 거둘 때까지. 메시지의 무료 수신거부 링크로 로그인 없이 거둘 수 있어요.",
            en="Advertising of {shop} also comes by KakaoTalk and text message. What: your phone number. Who sends: the message "
            "agency that Dure has a contract with. How long: until you withdraw by the free link in any message, without a login.",
        ),
    ),
    ConsentText(
        version="advertising-mail-1",
        purpose=Purpose.ADVERTISING_MAIL,
        question=say("(선택) 광고를 이메일로도 받을게요", en="(Optional) E-mail too"),
        body=say(
            "{shop}의 광고성 정보를 이메일로도 받아요. 항목: 이메일 주소. 기간: 동의를 거둘 때까지. 메일의 수신거부 링크로 로그인 없이 "
            "거둘 수 있어요.",
            en="Advertising of {shop} also comes by e-mail. What: your e-mail address. How long: until you withdraw by the link in "
            "any mail, without a login.",
        ),
    ),
    ConsentText(
        version="birthday-1",
        purpose=Purpose.BIRTHDAY,
        question=say("(선택) 생일에 단골 가게의 축하를 받을게요", en="(Optional) Birthday wishes from my shops"),
        body=say(
            "목적: 광고성 정보를 받기로 한 단골 가게가 생일 무렵에 인사와 쿠폰을 보낼 수 있게 하려고요. 항목: 생일의 월과 일 (태어난 해는 묻지 않아요). "
            "기간: 지우거나 잊어 달라고 할 때까지. 가게에는 보이지 않지만, 생일 쿠폰을 쓰면 가게가 생일 무렵이라는 것을 짐작할 수 있어요.",
            en="Why: so that shops whose advertising you agreed to may send wishes and a coupon around your birthday. What: month and "
            "day (never the year). How long: until you take it away or ask us to forget you. Shops do not see it, but may guess "
            "that it is about your birthday when you use such a coupon.",
        ),
        refusal=say(
            "알려 주지 않아도 주문, 결제, 쿠폰은 그대로예요.",
            en="Without it, ordering, paying and coupons stay the same.",
        ),
    ),
)

CONSENT_TEXTS: Mapping[Purpose, ConsentText] = {text.purpose: text for text in ALL_CONSENT_TEXTS}
"""The text shown today for each purpose: the last one listed."""

NETWORK_TEXTS: Mapping[Purpose, ConsentText] = {
    Purpose.ADVERTISING: ConsentText(
        version="network-1",
        purpose=Purpose.ADVERTISING,
        question=say(
            "(선택) 동네 가게 소식을 두레가 보내 주세요", en="(Optional) Let Dure send me news of shops nearby"
        ),
        body=say(
            "아직 친구가 아닌 두레 가게의 광고성 정보를 두레가 알림함으로 보내요. 가게에는 내 정보가 가지 않아요. 제목은 (광고)로 시작하고, "
            "밤 9시부터 아침 8시까지는 보내지 않아요. 항목: 알림함 주소. 기간: 동의를 거둘 때까지. 언제든지 무료로 거둘 수 있어요.",
            en="Dure sends you advertising of shops on Dure whose friend you are not yet, to your inbox. The shops learn nothing about "
            "you. Titles begin with (광고), and nothing comes between 21:00 and 08:00. What: your inbox address. How long: until you "
            "withdraw, free, at any time.",
        ),
        refusal=_FREE,
    ),
    Purpose.TASTE: ConsentText(
        version="network-taste-1",
        purpose=Purpose.TASTE,
        question=say(
            "(선택) 내 동네와 취향에 맞는 소식만 골라 주세요", en="(Optional) Choose what fits my area and taste"
        ),
        body=say(
            "목적: 두레 가게들의 소식 가운데 나에게 맞는 것을 고르려고요. 항목: 다녀온 두레 가게의 동네와 업종, 방문한 날과 시간대, 쓴 금액. "
            "기간: 동의를 거둘 때까지. 가게에는 보이지 않아요.",
            en="Why: to choose among the news of shops on Dure. What: districts and kinds of the shops on Dure that you visited, days "
            "and hours of visits, amounts spent. How long: until you withdraw. Shops do not see it.",
        ),
        refusal=_FREE,
    ),
}
"""What is asked for the platform's own sending; for the other purposes the texts are the same as a shop's."""


def text_for(sender: str, purpose: Purpose) -> ConsentText:
    """The text shown today when this sender asks for this purpose."""
    return NETWORK_TEXTS.get(purpose, CONSENT_TEXTS[purpose]) if sender == NETWORK_SENDER else CONSENT_TEXTS[purpose]


class RetainedKind(StrEnum):
    """What the law makes a shop or a platform keep of somebody who is gone."""

    CONTRACT = "contract"
    PAYMENT = "payment"
    COMPLAINT = "complaint"
    ADVERTISING = "advertising"
    ELECTRONIC_FINANCE = "electronic_finance"


@dataclass(frozen=True, slots=True, kw_only=True)
class Retention:
    """How long, and by which law."""

    months: int
    legal_basis: str


RETENTION: Mapping[RetainedKind, Retention] = {
    RetainedKind.CONTRACT: Retention(
        months=60, legal_basis="전자상거래법 시행령 §6①2 계약 또는 청약철회 등에 관한 기록"
    ),
    RetainedKind.PAYMENT: Retention(
        months=60, legal_basis="전자상거래법 시행령 §6①3 대금결제 및 재화 등의 공급에 관한 기록"
    ),
    RetainedKind.COMPLAINT: Retention(
        months=36, legal_basis="전자상거래법 시행령 §6①4 소비자의 불만 또는 분쟁처리에 관한 기록"
    ),
    RetainedKind.ADVERTISING: Retention(months=6, legal_basis="전자상거래법 시행령 §6①1 표시·광고에 관한 기록"),
    RetainedKind.ELECTRONIC_FINANCE: Retention(months=60, legal_basis="전자금융거래법 §22 전자금융거래기록"),
}


def inbox_address(public_id: str) -> str:
    """The message rail's address of a person's inbox."""
    return f"inbox:{public_id}"


def shop_sender(public_id: str) -> str:
    """How consents and permits name a shop."""
    return f"shop:{public_id}"


def e164(written: str) -> str | None:
    """A phone number as +8210…, read as a Korean one unless it names its country; None when it cannot be one."""
    try:
        number = phonenumbers.parse(written, "KR")
    except phonenumbers.NumberParseException:
        return None
    if not phonenumbers.is_valid_number(number):
        return None
    return str(phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164))
