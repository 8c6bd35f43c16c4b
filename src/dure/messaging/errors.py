from dure.kit.errors import Busy, Invalid, NotFound, Refused
from dure.kit.language import say


class NotPermitted(Refused):
    """The permit is forged, altered, expired, for another text, or from another transaction; or none could be given."""

    sentence = say("이 알림은 보낼 수 없어요.", en="This message may not be sent.")


class KeyReused(Refused):
    """The same key came back with another text."""

    sentence = say("이미 다른 내용으로 보낸 알림이에요.", en="A different message was already sent under this key.")


class NoSuchMessage(NotFound):
    """It is not in this inbox."""

    sentence = say("알림을 찾을 수 없어요.", en="We cannot find this message.")


class NoEndpoint(Invalid):
    """Not the address and keys of a push service."""

    sentence = say("이 브라우저의 알림을 켤 수 없어요.", en="Messages cannot be rung on this browser.")


class BadText(Invalid):
    """A text that its medium or the law does not take; the facts name the faults."""

    sentence = say(
        "보낼 수 없는 글이에요. 표시된 곳을 고쳐 주세요.", en="This text cannot be sent. Please mend what is marked."
    )


class MissingVariable(Invalid):
    """The text has a gap that nobody fills for some recipients."""

    sentence = say(
        "글에 채울 값이 없는 자리가 있어요: {names}", en="The text has gaps without a value: {names}", names=""
    )


class TooLate(Invalid):
    """It would end before it may begin, or has ended already."""

    sentence = say(
        "보낼 수 있는 시간이 이미 지났어요. 시작과 끝을 다시 정해 주세요.",
        en="Its time is over before it can begin. Please choose start and end again.",
    )


class NotEnoughBalance(Refused):
    """The payer's message balance does not cover the quote."""

    sentence = say(
        "메시지 잔액이 모자라요. 충전하거나 받는 사람을 줄여 주세요.",
        en="The message balance is too low. Top it up or choose fewer people.",
    )


class NoSuchSending(NotFound):
    """Nobody opened it."""


class NotSent(Busy):
    """A text that had to go at once did not."""

    sentence = say(
        "문자를 보내지 못했어요. 잠시 뒤에 다시 하거나 이메일로 로그인해 주세요.",
        en="The text could not be sent. Try again in a moment, or log in by e-mail.",
    )
