"""Why money of a shop cannot be settled as asked."""

from collections.abc import Sequence

from dure.kit.errors import Invalid, NotFound, Refused
from dure.kit.language import say
from dure.settlement.values import FileFault


class NoSuchPayout(NotFound):
    sentence = say("이 정산을 찾을 수 없어요.", en="We can't find this payout.")


class NoSuchExport(NotFound):
    sentence = say(
        "이 파일을 찾을 수 없어요. 다시 만들어 주세요.", en="This file is not there. Please ask for it again."
    )


class TermsUnclear(Invalid):
    sentence = say(
        "매출 구간과 입금 날짜(0–30일)를 다시 확인해 주세요.",
        en="Please check the sales tier and the days until payout (0–30).",
    )


class AmountUnclear(Invalid):
    sentence = say("금액과 이유를 적어 주세요.", en="Please give an amount and a reason.")


class ReleasedAlready(Refused):
    sentence = say("이미 풀린 보류예요.", en="This hold was released already.")


class NotHeld(Refused):
    sentence = say("보류한 돈이 아니에요.", en="This is not money held back.")


class PayoutMoving(Refused):
    """The transfer may be at the bank: nobody may decide by hand before the bank has answered."""

    sentence = say(
        "은행에 확인하고 있어요. 답이 온 뒤에 다시 해 주세요.",
        en="The bank is being asked. Please try again after its answer.",
    )


class NotRefused(Refused):
    sentence = say("은행이 거절한 정산만 다시 보낼 수 있어요.", en="Only a refused payout can be sent again.")


class PaidAlready(Refused):
    sentence = say("이미 입금된 정산이에요.", en="This payout is paid already.")


class FileUnclear(Invalid):
    sentence = say(
        "이 결제사의 정산 파일로 읽을 수 없어요. 파일과 양식을 다시 골라 주세요.",
        en="This can't be read as that provider's settlement file. Please choose the file and layout again.",
    )


class FileFaulty(Invalid):
    """`faults` has each by row and column; nothing was kept."""

    sentence = say("고칠 곳이 있어서 아무것도 읽지 않았어요.", en="There is something to mend, so nothing was read.")

    def __init__(self, faults: Sequence[FileFault]) -> None:
        super().__init__()
        self.faults = faults


class ExplanationMissing(Invalid):
    sentence = say("까닭을 적어 주세요.", en="Please write why.")


class NoSuchDifference(NotFound):
    sentence = say("이 차이를 찾을 수 없어요.", en="We can't find this difference.")


class FeesUnclear(Exception):
    """The table of fees cannot be read: settling stops rather than guessing."""
