"""Why a wallet says no."""

from dure.kit.errors import Invalid, NotFound, Refused
from dure.kit.language import Text, say
from dure.payments.values import CANCELLED, EXPIRED


class NoSuchWallet(NotFound):
    sentence = say(
        "지갑을 찾을 수 없어요. 내 두레에서 다시 열어 주세요.", en="No such wallet. Open it again from My Dure."
    )


class WalletOff(Refused):
    sentence = say(
        "이곳에서는 지갑을 쓰지 않아요. 다른 방법으로 결제해 주세요.",
        en="There is no wallet here. Please pay another way.",
    )


class WalletFrozen(Refused):
    sentence = say(
        "지갑이 멈춰 있어요. 지갑 화면에서 다시 켜거나 다른 방법으로 결제해 주세요.",
        en="This wallet is frozen. Unfreeze it on its page, or pay another way.",
    )


class WalletClosed(Refused):
    sentence = say("닫힌 지갑이에요. 새 지갑을 열어 주세요.", en="This wallet is closed. Please open a new one.")


class NotYours(Refused):
    sentence = say(
        "두레가 멈춘 지갑이에요. 고객센터에 물어봐 주세요.", en="Dure froze this wallet. Please ask customer service."
    )


class BalanceShort(Refused):
    sentence = say(
        "지갑에 {short}원이 모자라요. 충전하거나 다른 방법으로 결제해 주세요.",
        en="Your wallet is {short} won short. Top it up, or pay another way.",
        short="?",
    )


class HoldingLimit(Refused):
    sentence = say(
        "지갑에는 {most}원까지 넣을 수 있어요. 지금은 {room}원까지 충전할 수 있어요.",
        en="A wallet holds up to {most} won. You can top up {room} won now.",
        most="?",
        room="?",
    )


class DayLimit(Refused):
    sentence = say(
        "오늘은 {room}원까지 더 쓸 수 있어요. 내일 다시 하거나 금액을 줄여 주세요.",
        en="Today's limit leaves {room} won. Try again tomorrow, or choose less.",
        room="?",
    )


class AmountWrong(Invalid):
    sentence = say("{least}원부터 원 단위로 충전할 수 있어요.", en="Top up {least} won or more.", least="1,000")


class NothingToReturn(Refused):
    sentence = say("돌려받을 잔액이 없어요.", en="There is no balance to take back.")


class NotYetReturnable(Refused):
    sentence = say(
        "지금은 돌려받을 수 없어요. 충전한 돈의 {used}% 이상을 쓰면 남은 잔액을 모두, 쓰지 않은 충전은 {days}일 안에 "
        "돌려받을 수 있어요.",
        en="Not yet: all that is left can be taken back once {used}% was used, and an unused top-up within {days} days.",
        used="80",
        days="7",
    )


class NeedsHelp(Refused):
    sentence = say(
        "충전한 곳으로 바로 돌려보낼 수 없는 돈이 있어요. 고객센터에 물어봐 주세요.",
        en="Part of it can't go back to where it came from by itself. Please ask customer service.",
    )


def explain_top_up(reason: str) -> Text:
    """The sentence for a wallet's owner about why a top-up did not happen: what became of the money, and what to do next."""
    if reason == CANCELLED:
        return say(
            "충전을 그만뒀어요. 돈은 나가지 않았어요. 언제든 다시 충전할 수 있어요.",
            en="You stopped the top-up. No money was taken. You can top up again any time.",
        )
    if reason == EXPIRED:
        return say(
            "충전 시간이 지났어요. 돈은 나가지 않았어요. 다시 충전해 주세요.",
            en="The top-up ran out of time. No money was taken. Please start again.",
        )
    if "BALANCE" in reason:
        return say(
            "연결된 계좌나 카드의 잔액이 모자라 충전하지 못했어요. 다른 곳에서 충전해 주세요.",
            en="There wasn't enough where the money should come from. Please top up from elsewhere.",
        )
    return say(
        "충전하지 못했어요. 돈은 나가지 않았어요. 다시 하거나 다른 곳에서 충전해 주세요.",
        en="The top-up didn't go through. No money was taken. Try again, or top up from elsewhere.",
    )
