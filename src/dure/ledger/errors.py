"""Why the ledger refuses."""

from dure.kit.errors import Refused
from dure.kit.language import say


class KeyReused(Refused):
    """The key already stands for another movement. Nothing was written."""

    sentence = say(
        "이미 처리한 요청과 내용이 달라요. 처음부터 다시 시도해 주세요.",
        en="This request was handled before with other contents. Please start again.",
    )


class NotEnough(Refused):
    """An account that may not fall below zero would."""

    sentence = say(
        "남은 금액이 모자라요. 금액을 줄여 주세요.", en="There is not enough left. Please choose a smaller amount."
    )
