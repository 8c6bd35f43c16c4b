from dure.kit.errors import Busy, Invalid, NotFound, Refused
from dure.kit.language import say
from dure.messaging.errors import NotPermitted


class NoConsent(NotPermitted):
    """The person has not agreed to advertising from this sender, or no longer does."""

    sentence = say(
        "광고 수신에 동의하지 않은 분이라 보낼 수 없어요.",
        en="This person has not agreed to advertising, so it is not sent.",
    )


class NightTime(NotPermitted):
    """It is between 21:00 and 08:00 in Korea, and the person has not agreed to advertising at night."""

    sentence = say(
        "밤 9시부터 아침 8시까지는 야간 수신에 동의한 분에게만 광고를 보낼 수 있어요.",
        en="Between 21:00 and 08:00 advertising goes only to people who agreed to it at night.",
    )


class NotMarked(NotPermitted):
    """An advertisement whose title does not begin with (광고)."""

    sentence = say("광고 제목은 (광고)로 시작해야 해요.", en="The title of an advertisement must begin with (광고).")


class NoSuchDay(Invalid):
    sentence = say("그런 날이 없어요. 월과 일을 다시 골라 주세요.", en="There is no such day. Please choose again.")


class Erased(NotPermitted):
    """The person asked to be forgotten, or was merged into another."""

    sentence = say("탈퇴한 분이에요.", en="This person has left.")


class UnknownText(Invalid):
    """A consent to a text that we never showed."""

    sentence = say("동의 내용을 다시 확인해 주세요.", en="Please look at what you agree to again.")


class NotAPhone(Invalid):
    """Not a telephone number."""

    sentence = say("휴대폰 번호를 다시 확인해 주세요.", en="Please check the phone number.")


class ContactTaken(Refused):
    """Another account has this e-mail address or phone number."""

    sentence = say(
        "이미 다른 계정이 쓰고 있는 연락처예요. 그 연락처로 로그인해 주세요.",
        en="Another account uses this contact. Please log in with it.",
    )


class NoSuchPerson(NotFound):
    """Nobody has this public id."""


class NotWanted(NotPermitted):
    """The person's own limits, a refused topic, or the hour forbids it; the facts name the ban."""

    sentence = say("지금은 이분께 광고를 보낼 수 없어요.", en="Advertising may not go to this person now.")


class Latched(Busy):
    """This database is a restored copy: nothing leaves it until an operator says that it is the one that lives on."""

    sentence = say(
        "복원한 사본이라 아무것도 보내지 않아요. 이 사본이 새 본체라면 운영자가 `dure latch open`으로 풀어 주세요.",
        en="This is a restored copy, so nothing is sent. If it is to live on, an operator opens it with `dure latch open`.",
    )


class WrongAttention(Invalid):
    """Numbers, hours or a place that cannot be meant."""

    sentence = say("횟수와 시간을 다시 확인해 주세요.", en="Please check the numbers and hours.")


class TooMuchAtOnce(Invalid):
    """A period with more consents than one file bears."""

    sentence = say(
        "한 파일에 담기에는 기간이 길어요. 기간을 나누어 주세요.", en="Too long for one file. Please divide the period."
    )
