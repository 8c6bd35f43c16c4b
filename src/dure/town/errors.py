"""Why the town does not do something."""

from dure.kit.errors import Invalid, NotFound
from dure.kit.language import say


class NoSuchPace(Invalid):
    sentence = say("0, 1, 5, 20 가운데 하나를 골라 주세요.", en="Please choose 0, 1, 5 or 20.")


class ClockNotMoved(Invalid):
    """Only a demo's programs follow a clock that somebody moves."""

    sentence = say("여기에서는 시계를 옮길 수 없어요.", en="The clock cannot be moved here.")


class NoSuchNeighbour(NotFound):
    """Only the demo's own people lend their phone."""

    sentence = say("이 동네 사람을 찾을 수 없어요.", en="We can't find this neighbour.")
