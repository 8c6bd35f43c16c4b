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


class TooFewResults(Refused):
    """What a message adds cannot be learned yet."""

    def __init__(self, *, there: int, needed: int) -> None:
        super().__init__(
            say(
                "결과가 나온 캠페인이 {there}개뿐이에요. {needed}개부터 메시지의 효과를 배울 수 있어요. 그때까지는 통상의 값을 써요.",
                en="Only {there} campaigns have a result. What a message adds can be learned from {needed} on; until then what is usual serves.",
                there=there,
                needed=needed,
            )
        )
