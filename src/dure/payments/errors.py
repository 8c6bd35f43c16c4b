"""Why a payment cannot go on."""

from dure.kit.errors import Busy, NotFound, Refused
from dure.kit.language import Text, say
from dure.payments.values import CANCELLED, EXPIRED


class NoSuchPayment(NotFound):
    sentence = say(
        "결제를 찾을 수 없어요. 주문 화면에서 다시 시작해 주세요.", en="We can't find this payment. Please start again."
    )


class KeyReused(Refused):
    sentence = say(
        "이미 처리한 결제와 내용이 달라요. 처음부터 다시 시도해 주세요.",
        en="This payment was handled before with other contents. Please start again.",
    )


class PaymentMoving(Busy):
    sentence = say(
        "결제 결과를 확인하고 있어요. 다시 누르지 말고 잠시 기다려 주세요.",
        en="We're checking your payment. Please don't pay again yet.",
    )


class AlreadyPaid(Refused):
    sentence = say("이미 결제가 끝났어요.", en="This is already paid.")


class AgreementOver(Refused):
    sentence = say("자동 결제 약속이 끝났어요. 다시 약속해 주세요.", en="This agreement is over. Please agree again.")


class NotPaid(Refused):
    sentence = say("결제가 끝나지 않아 돌려줄 금액이 없어요.", en="This was not paid, so there is nothing to return.")


class RefundTooMuch(Refused):
    sentence = say(
        "결제한 금액보다 많이 돌려줄 수 없어요. 금액을 확인해 주세요.",
        en="You can't return more than was paid. Please check the amount.",
    )


class ProviderSilent(Busy):
    sentence = say(
        "결제사가 응답하지 않아요. 돈은 나가지 않았어요. 잠시 뒤에 다시 시도하거나 카운터에서 결제해 주세요.",
        en="The payment service isn't answering. No money was taken. Try again shortly, or pay at the counter.",
    )


class ProviderRefused(Refused):
    sentence = say(
        "결제사가 이 결제를 받지 않았어요. 돈은 나가지 않았어요. 다시 시도하거나 카운터에서 결제해 주세요.",
        en="The payment service didn't accept this. No money was taken. Try again, or pay at the counter.",
    )


def explain(reason: str) -> Text:
    """The sentence for a guest about why a payment failed: what happened to the money, and what to do next."""
    if reason == CANCELLED:
        return say("결제를 취소했어요. 돈은 나가지 않았어요.", en="You cancelled the payment. No money was taken.")
    if reason == EXPIRED:
        return say(
            "결제 시간이 지났어요. 돈은 나가지 않았어요. 다시 결제해 주세요.",
            en="The payment ran out of time. No money was taken. Please pay again.",
        )
    if "BALANCE" in reason:
        return say(
            "잔액이 모자라 결제하지 못했어요. 다른 수단으로 결제해 주세요.",
            en="There wasn't enough balance. Please pay another way.",
        )
    return say(
        "결제하지 못했어요. 돈은 나가지 않았어요. 다시 시도하거나 카운터에서 결제해 주세요.",
        en="The payment didn't go through. No money was taken. Try again, or pay at the counter.",
    )
