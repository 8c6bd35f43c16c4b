from dure.kit.errors import Refused
from dure.kit.language import say


class TooEarly(Refused):
    """The window is not over."""

    sentence = say(
        "아직 결과를 볼 날이 아니에요. 정해진 날에 한 번만 보여 드려요.",
        en="The day of the result has not come. It is shown once, on its day.",
    )


class NotMeasured(Refused):
    sentence = say(
        "받을 사람이 60명보다 적어 비교할 사람을 남기지 않았어요.",
        en="With fewer than 60 people nobody was left to compare with.",
    )
