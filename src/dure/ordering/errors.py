"""Why an order, a visit or a bill cannot go on."""

from datetime import datetime

from dure.kit.clock import KST
from dure.kit.errors import Busy, Invalid, NotFound, Refused
from dure.kit.language import say


class NoSuchOrder(NotFound):
    sentence = say("이 주문을 찾을 수 없어요.", en="We can't find this order.")


class NoSuchCall(NotFound):
    sentence = say("이 호출을 찾을 수 없어요.", en="We can't find this call.")


class VisitOver(Refused):
    sentence = say(
        "이 자리의 방문이 끝났어요. 다시 앉으셨다면 QR을 한 번 더 찍어 주세요.",
        en="The visit at this table is over. If you sat down again, please scan the code once more.",
    )


class NotSeated(Refused):
    sentence = say(
        "직원이 자리를 열어 드리면 주문할 수 있어요.", en="You can order once a member of staff has opened the table."
    )


class ClosedNow(Refused):
    sentence = say("지금은 주문을 받지 않아요.", en="Not taking orders now.")


def closed_now(opens_at: datetime | None) -> ClosedNow:
    """The refusal that says when to come back, where that is known."""
    if opens_at is None:
        return ClosedNow()
    when = opens_at.astimezone(KST).strftime("%H:%M")
    return ClosedNow(
        say(
            "지금은 주문을 받지 않아요. {when}에 다시 열어요.",
            en="Not taking orders now. Opens again at {when}.",
            when=when,
        )
    )


class SoldOut(Refused):
    sentence = say("방금 품절된 메뉴가 있어요. 빼고 주문할까요?", en="Something just sold out. Order without it?")


class NotOnMenu(Refused):
    sentence = say(
        "메뉴가 바뀌었어요. 메뉴를 다시 확인해 주세요.", en="The menu has changed. Please look at the menu again."
    )


class PriceChanged(Refused):
    sentence = say(
        "가격이 바뀌었어요. 새 금액을 확인하고 다시 주문해 주세요.",
        en="The price has changed. Please check the new total and order again.",
    )


class OptionsInvalid(Invalid):
    sentence = say("옵션을 다시 골라 주세요.", en="Please choose the options again.")


class QuantityInvalid(Invalid):
    sentence = say("수량은 1개부터 99개까지 담을 수 있어요.", en="You can order from 1 to 99 of each.")


class TooMuch(Invalid):
    sentence = say(
        "한 번에 주문하기에는 너무 많아요. 나누어 주문해 주세요.",
        en="That is too much at once. Please split the order.",
    )


class EmptyBasket(Refused):
    sentence = say("아직 담은 메뉴가 없어요.", en="Nothing is in the basket yet.")


class KeyReused(Invalid):
    sentence = say(
        "같은 번호로 다른 주문이 왔어요. 화면을 새로 고쳐 주세요.",
        en="This order was already sent with other contents. Please reload.",
    )


class WrongStep(Refused):
    sentence = say(
        "주문이 이미 다른 단계로 넘어갔어요. 화면을 새로 고쳐 주세요.",
        en="The order has already moved on. Please reload.",
    )


class NothingToPay(Refused):
    sentence = say("계산할 주문이 없어요.", en="There is nothing to pay.")


class AlreadyPaid(Refused):
    sentence = say("이미 계산했어요.", en="This was already paid.")


class PaymentBeingChecked(Busy):
    sentence = say(
        "결제 결과를 확인하고 있어요. 다시 누르지 말고 잠시 기다려 주세요.",
        en="We're checking your payment. Please don't pay again yet.",
    )


class NotPaidYet(Refused):
    sentence = say(
        "아직 계산하지 않은 주문이 있어요. 계산한 뒤에 자리를 비울 수 있어요.",
        en="Some orders are not paid yet. Settle them before closing the visit.",
    )


class TableTaken(Refused):
    sentence = say("그 자리에는 다른 손님이 있어요.", en="Other guests sit at that table.")


class NoReason(Invalid):
    sentence = say("손님에게 보여 줄 이유를 적어 주세요.", en="Please write the reason that the guest will read.")


class SplitOtherwise(Refused):
    sentence = say(
        "이 계산은 다른 방법으로 나누고 있어요. 먼저 가져간 몫을 내려놓은 뒤에 바꿀 수 있어요.",
        en="This bill is being split in another way. Give the parts back first, then change it.",
    )


class PartGone(Refused):
    sentence = say(
        "다른 분이 먼저 가져간 몫이에요. 남은 몫을 다시 골라 주세요.",
        en="Somebody else took that part first. Please choose from what is left.",
    )


class PartInvalid(Invalid):
    sentence = say(
        "낼 몫을 다시 골라 주세요. 남은 금액까지만 낼 수 있어요.",
        en="Please choose your part again. It can be as much as is left.",
    )


class BillPartlyPaid(Refused):
    sentence = say(
        "벌써 낸 분이 있어서 바꿀 수 없어요. 남은 금액만 계산해 주세요.",
        en="Somebody has already paid a part, so this can't change. Please settle what is left.",
    )


class NoSuchLine(NotFound):
    sentence = say("그 메뉴를 찾을 수 없어요. 화면을 새로 고쳐 주세요.", en="There is no such line. Please reload.")


class SecondPersonNeeded(Refused):
    """More than this member of staff gives back alone. `ask_concession` asks for the second person."""

    sentence = say(
        "이 금액은 사장님이나 매니저가 승인해야 해요. 승인을 부탁해 주세요.",
        en="This much needs the approval of the owner or a manager. Please ask for it.",
    )


class NoSuchConcession(NotFound):
    sentence = say("그런 요청이 없어요. 화면을 새로 고쳐 주세요.", en="There is no such request. Please reload.")


class OwnConcession(Refused):
    sentence = say(
        "내가 올린 요청은 내가 승인할 수 없어요. 다른 사장님이나 매니저에게 부탁해 주세요.",
        en="You can't approve your own request. Please ask another owner or manager.",
    )


class ConcessionOver(Refused):
    sentence = say(
        "이미 끝난 요청이에요. 아직 필요하면 다시 올려 주세요.",
        en="This request is over. If it is still needed, please make it again.",
    )


class ConcessionChanged(Refused):
    sentence = say(
        "요청한 뒤에 금액이 커졌어요. 거절하고 다시 올려 달라고 해 주세요.",
        en="The amount has grown since it was asked for. Decline it and have it asked for again.",
    )
