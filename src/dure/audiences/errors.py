from dure.kit.errors import Busy, Invalid, NotFound, Refused
from dure.kit.language import Text, say


class BadDefinition(Invalid):
    """The definition of an audience cannot be understood; `pointer` (RFC 6901) is the exact place."""

    sentence = say("고객층 조건을 다시 확인해 주세요.", en="Please check the conditions of the audience.")

    def __init__(self, sentence: Text, *, pointer: str, field: str = "text") -> None:
        super().__init__(sentence, pointer=pointer, field=field)
        self.pointer = pointer


class AudienceNotFound(NotFound):
    """No audience of this shop has this id."""

    sentence = say("저장한 고객층을 찾을 수 없어요.", en="This saved audience is not there.")


class NoIndex(Busy):
    """The index of people is not built yet, or is being built for the first time."""

    sentence = say(
        "고객층을 셀 준비를 하고 있어요. 1분쯤 뒤에 다시 열어 주세요.",
        en="We are still preparing to count people. Please come back in a minute.",
    )


class CannotCount(Refused):
    """The conditions are understood, but the index at hand does not know one of them, as the look-alike country does not know
    what operators noted of real people."""

    sentence = say(
        "이 조건은 지금 여기에서 셀 수 없어요. 다른 조건으로 바꿔 주세요.",
        en="This condition cannot be counted here. Please choose another one.",
    )


class AskedEnough(Refused):
    """The owner has used up the questions about real people of this day or of these 90 days."""

    sentence = say(
        "실제 인원은 하루 20번, 90일 동안 200번까지 물을 수 있어요. 둘러보기는 계속할 수 있고, 같은 질문은 오늘 받은 답을 다시 보여 드려요.",
        en="Real numbers can be asked 20 times a day and 200 times in 90 days. Exploring stays open, and a question asked "
        "today gets today's answer again.",
    )


class TooFew(Refused):
    """Under 100 people, or so few that the noise does not rule it out: nobody is written to in so small a group."""

    sentence = say(
        "100명이 안 될 수 있어서 보낼 수 없어요. 지역이나 나이를 넓혀 주세요.",
        en="These may be fewer than 100 people, so nothing is sent. Please widen the region or the ages.",
    )


class NameTaken(Refused):
    """The shop has an audience of this name."""

    sentence = say("같은 이름으로 저장한 고객층이 있어요.", en="An audience of this name is saved already.")
