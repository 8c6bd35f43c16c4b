"""Why a relation cannot be."""

from dure.kit.errors import Invalid, NotFound, Refused
from dure.kit.language import say


class NotAFriend(NotFound):
    sentence = say("아직 이 가게의 친구가 아니에요.", en="You are not a friend of this shop yet.")


class NoStampCard(Refused):
    sentence = say(
        "지금은 도장을 찍지 않아요. 도장 카드를 먼저 켜 주세요.", en="No stamps now. Turn the stamp card on first."
    )


class TooManyStamps(Refused):
    sentence = say(
        "오늘 손으로 찍을 수 있는 도장을 다 찍었어요. 내일 다시 찍을 수 있어요.",
        en="No more stamps by hand today. You can stamp again tomorrow.",
    )


class NoStampReason(Invalid):
    sentence = say(
        "손님이 볼 이유를 적고 1개부터 10개까지 찍어 주세요.", en="Write why (the guest sees it), and give 1 to 10."
    )


class PointsNotTaken(Refused):
    sentence = say("이 가게는 지금 포인트를 쓰지 않아요.", en="This shop doesn't take points now.")


class TooFewPoints(Refused):
    sentence = say(
        "포인트가 모자라거나 한 번에 쓸 수 있는 최소 포인트가 안 돼요.",
        en="Not enough points, or below the least that can be used at once.",
    )


class PointTermsInvalid(Invalid):
    sentence = say("포인트와 등급 조건을 다시 확인해 주세요.", en="Please check the terms of points and tiers.")


class NoSuchTier(NotFound):
    sentence = say("이 등급을 찾을 수 없어요.", en="We can't find this tier.")
