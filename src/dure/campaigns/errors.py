"""Why a campaign cannot be, or cannot be now."""

from dure.kit.errors import Invalid, NotFound, Refused
from dure.kit.language import say


class NoSuchCampaign(NotFound):
    sentence = say("이 캠페인을 찾을 수 없어요.", en="We can't find this campaign.")


class NoSuchPlan(NotFound):
    sentence = say("이 계획을 찾을 수 없어요.", en="We can't find this plan.")


class CampaignStateWrong(Refused):
    sentence = say(
        "캠페인의 지금 상태에서는 할 수 없어요. 새로 고쳐서 확인해 주세요.",
        en="Not possible in the campaign's state now. Please reload and check.",
    )


class CampaignInvalid(Invalid):
    sentence = say("캠페인 내용을 다시 확인해 주세요.", en="Please check the campaign.")


class MissingValue(Invalid):
    """A gap in the text has no value."""

    sentence = say("글에 채울 값이 없는 자리가 있어요.", en="The text has a gap without a value.")


class ForbiddenWords(Invalid):
    """The text breaks the operator's rules."""

    sentence = say("보낼 수 없는 말이 있어요.", en="The text contains words that may not be sent.")


class AudienceShrank(Refused):
    sentence = say(
        "받을 수 있는 사람이 그사이 너무 적어졌어요. 대상을 넓혀 주세요. 아무에게도 보내지 않았어요.",
        en="Too few people can be reached any more. Please widen the audience. Nothing was sent.",
    )


class NobodyToReach(Refused):
    sentence = say(
        "지금 이 소식을 받을 수 있는 사람이 없어요. 광고 수신에 동의한 친구가 있어야 해요.",
        en="Nobody can get this now: it takes friends who agreed to advertising.",
    )


class CouponEndsFirst(Refused):
    sentence = say(
        "쿠폰이 소식이 가기 전에 끝나요. 쿠폰이나 보내는 날을 바꿔 주세요. 아무에게도 보내지 않았어요.",
        en="The coupon ends before the message goes. Change the coupon or the day. Nothing was sent.",
    )


class CouponNotEnough(Refused):
    sentence = say(
        "남은 쿠폰이 받을 사람보다 적어요. 쿠폰 수를 늘리거나 사람 수를 줄여 주세요.",
        en="Fewer coupons are left than people. Add coupons or choose fewer people.",
    )


class OverBudget(Refused):
    sentence = say(
        "예산보다 비용이 커요. 사람 수를 줄이거나 예산을 늘려 주세요.", en="This costs more than the budget."
    )


class SetBack(Refused):
    """The clock shows a time before what already happened."""

    sentence = say(
        "시계가 뒤로 돌아갔어요. 시간을 바로잡은 뒤 다시 해 주세요. 아무것도 보내지 않았어요.",
        en="The clock was set back. Put it right and try again. Nothing was sent.",
    )


class NotPlanned(Refused):
    """The week has no plan that knows this campaign."""

    sentence = say(
        "이번 주 계획에 아직 들어 있지 않아요. 다음 주로 날을 바꿔 주세요. 아무에게도 보내지 않았어요.",
        en="This week's plan does not know the campaign yet. Choose a day of next week. Nothing was sent.",
    )


class TooSoonForPlan(Refused):
    sentence = say(
        "한 주의 계획에 맡기려면 보내는 날을 내일부터로 골라 주세요. 계획은 밤사이에 세워요.",
        en="To leave it to the week's plan choose tomorrow or later: plans are made overnight.",
    )


class TillWithoutPlan(Invalid):
    sentence = say(
        "계산을 마친 손님께 드리려면 쿠폰을 고르고 한 주의 계획에 맡겨 주세요.",
        en="To give coupons to guests who have just paid, choose a coupon and leave the campaign to the week's plan.",
    )


class TillTooMuch(Invalid):
    sentence = say(
        "계산을 마친 손님께 드릴 쿠폰은 받을 사람 수와 남은 쿠폰 수보다 적어야 해요.",
        en="Fewer coupons for guests who have just paid than people who get it, and than coupons there are.",
    )


class NothingToPlan(Refused):
    sentence = say("이 주에 계획할 캠페인이 없어요.", en="No campaign waits for a plan of this week.")


class ReasonMissing(Invalid):
    sentence = say("가게가 고칠 수 있게 이유를 적어 주세요.", en="Please say why, so that the shop can mend it.")


class NeedsReview(Refused):
    sentence = say(
        "모르는 사람에게 가는 소식은 운영자가 먼저 확인해요. 확인되면 바로 알려 드릴게요.",
        en="Messages to people you don't know are reviewed by the operator first.",
    )


class TopUpWrong(Invalid):
    sentence = say("1만 원부터 100만 원까지 넣을 수 있어요.", en="From 10,000 to 1,000,000 won can be put in.")


class NothingToReturn(Refused):
    sentence = say(
        "돌려드릴 충전금이 없어요. 계좌로 넣은 돈은 운영자에게 말씀해 주세요.",
        en="There is no top-up to give back. Please ask the operator about what you paid by bank.",
    )
