"""Why the town does not do something."""

from dure.kit.errors import Invalid, NotFound, Refused
from dure.kit.language import say


class NoSuchPace(Invalid):
    sentence = say("0, 1, 5, 20 가운데 하나를 골라 주세요.", en="Please choose 0, 1, 5 or 20.")


class ClockNotMoved(Invalid):
    """Only a demo's programs follow a clock that somebody moves."""

    sentence = say("여기에서는 시계를 옮길 수 없어요.", en="The clock cannot be moved here.")


class NoSuchNeighbour(NotFound):
    """Only the demo's own people lend their phone."""

    sentence = say("이 동네 사람을 찾을 수 없어요.", en="We can't find this neighbour.")


class NotForReal(Refused):
    """A town with known truth is lived in a database of its own, never beside real people."""

    sentence = say(
        "시험용 동네는 따로 만든 데이터베이스에서만 살아요.", en="A town for trying lives in a database of its own."
    )
