"""Why money cannot be asked for or paid."""

from dure.kit.errors import Busy, Invalid, NotFound, Refused
from dure.kit.language import say


class NoSuchCheckout(NotFound):
    sentence = say(
        "이 결제 요청을 찾을 수 없어요. 링크를 다시 확인해 주세요.",
        en="We can't find this payment request. Please check the link.",
    )


class NoSuchSticker(NotFound):
    sentence = say(
        "이 결제 QR은 쓸 수 없어요. 직원에게 알려 주세요.", en="This payment code can't be used. Please tell the staff."
    )


class ShopTakesNoMoney(Refused):
    sentence = say(
        "이 가게는 지금 온라인 결제를 받지 않아요. 카운터에서 결제해 주세요.",
        en="This shop takes no online payments now. Please pay at the counter.",
    )


class CheckoutOver(Refused):
    sentence = say(
        "더는 결제할 수 없는 요청이에요. 가게에 새로 부탁해 주세요.",
        en="This request can't be paid any more. Please ask the shop for a new one.",
    )


class AmountOutOfRange(Invalid):
    sentence = say(
        "금액은 100원부터 {most}원까지 적어 주세요.",
        en="Please enter an amount from 100 to {most} won.",
        most="10,000,000",
    )


class TaxFreeTooMuch(Invalid):
    sentence = say("면세 금액은 결제 금액보다 클 수 없어요.", en="The tax-free part can't exceed the amount.")


class AddressNotAllowed(Invalid):
    sentence = say(
        "돌아갈 주소는 https로 시작하는 온전한 주소여야 해요.",
        en="The address to return to must be a complete https address.",
    )


class CheckoutKeyReused(Invalid):
    sentence = say(
        "같은 키로 다른 내용을 보냈어요. 새 키를 써 주세요.",
        en="This key was used with other contents. Please use a new key.",
    )


class CodeWrong(Invalid):
    """Not 24 digits of ours, never issued, or its check digits do not fit: one answer for all."""

    sentence = say(
        "쓸 수 없는 코드예요. 손님 화면의 새 코드를 찍어 주세요.",
        en="This code can't be used. Please scan a fresh one.",
    )


class CodeExpired(Refused):
    sentence = say(
        "코드의 시간이 지났어요. 손님에게 새 코드를 부탁해 주세요.",
        en="The code has expired. Please ask for a fresh one.",
    )


class CodeUsed(Refused):
    sentence = say(
        "이미 쓴 코드예요. 돈은 두 번 나가지 않았어요. 새 코드를 찍어 주세요.",
        en="This code was used already; nothing is charged twice. Please scan a fresh one.",
    )


class NotReadable(Invalid):
    sentence = say("결제 QR이 아니에요.", en="This is no payment code.")


class ProviderSilentHere(Busy):
    sentence = say(
        "결제사가 응답하지 않아요. 잠시 뒤에 다시 시도해 주세요.",
        en="The payment service isn't answering. Please try again shortly.",
    )
