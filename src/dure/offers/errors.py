"""Why an offer or a coupon cannot be had or used."""

from dure.kit.errors import Invalid, NotFound, Refused
from dure.kit.language import say


class NoSuchCoupon(NotFound):
    sentence = say("이 쿠폰을 찾을 수 없어요.", en="We can't find this coupon.")


class OutOfStock(Refused):
    sentence = say("준비한 쿠폰이 모두 나갔어요.", en="All coupons of this offer have been given out.")


class AlreadyHas(Refused):
    sentence = say("이 쿠폰은 이미 받았어요.", en="You already have this coupon.")


class OfferNotRunning(Refused):
    sentence = say("지금은 이 쿠폰을 받을 수 없어요.", en="This coupon can't be had right now.")


class CouponExpired(Refused):
    sentence = say(
        "쿠폰 기간이 지났어요. 쿠폰 없이 결제할 수 있어요.", en="The coupon has expired. You can pay without it."
    )


class CouponUsed(Refused):
    sentence = say(
        "이미 사용한 쿠폰이에요. 쿠폰 없이 결제할 수 있어요.", en="The coupon was already used. You can pay without it."
    )


class CouponInUse(Refused):
    sentence = say(
        "다른 결제에서 이 쿠폰을 쓰고 있어요. 그 결제를 마치거나 쿠폰 없이 결제해 주세요.",
        en="Another payment is using this coupon. Finish that one, or pay without the coupon.",
    )


class MinimumNotReached(Refused):
    sentence = say(
        "쿠폰의 최소 주문 금액이 안 돼요. 더 담거나 쿠폰 없이 결제해 주세요.",
        en="The order is below the coupon's minimum. Add something, or pay without the coupon.",
    )


class NothingEligible(Refused):
    sentence = say(
        "이 쿠폰을 쓸 수 있는 메뉴가 없어요. 메뉴를 더 담거나 쿠폰 없이 결제해 주세요.",
        en="Nothing here goes with this coupon. Add something, or pay without it.",
    )


class CouponNotNow(Refused):
    sentence = say(
        "지금은 이 쿠폰을 쓸 수 있는 시간이 아니에요. 쿠폰 없이 결제할 수 있어요.",
        en="This coupon can't be used at this time. You can pay without it.",
    )


class CouponsClash(Refused):
    sentence = say(
        "함께 쓸 수 없는 쿠폰이에요. 하나만 골라 주세요.", en="These coupons can't be combined. Please choose one."
    )


class BudgetSpent(Refused):
    sentence = say(
        "준비한 할인 예산이 모두 쓰였어요. 쿠폰 없이 결제할 수 있어요.",
        en="The budget of this offer is used up. You can pay without the coupon.",
    )


class NoSuchOffer(NotFound):
    sentence = say("이 혜택을 찾을 수 없어요.", en="We can't find this offer.")


class OfferStateWrong(Refused):
    sentence = say(
        "혜택이 이미 다른 상태예요. 화면을 새로 고쳐 주세요.", en="The offer has already moved on. Please reload."
    )


class OfferNeedsReview(Refused):
    sentence = say(
        "함께 비용을 내는 곳이 확인하면 시작할 수 있어요.", en="It can start once whoever shares the cost has agreed."
    )


class OfferInvalid(Invalid):
    sentence = say("할인 조건을 다시 확인해 주세요.", en="Please check the terms of the offer.")


class ReasonMissing(Invalid):
    """An offer is sent back with a reason that its shop reads."""

    sentence = say("돌려보내는 이유를 적어 주세요.", en="Please say why you send it back.")
