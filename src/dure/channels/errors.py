"""Why something cannot be said or shown here."""

from dure.kit.errors import Busy, Invalid, NotFound, Refused
from dure.kit.language import say


class NoSuchPost(NotFound):
    sentence = say("이 소식을 찾을 수 없어요. 내려간 소식일 수 있어요.", en="This post is gone or was never here.")


class NoSuchChat(NotFound):
    sentence = say("이 대화를 찾을 수 없어요.", en="We can't find this conversation.")


class NoSuchPicture(NotFound):
    sentence = say("이 사진은 이제 없어요.", en="This picture is gone.")


class NoSuchAnswer(NotFound):
    sentence = say("이 자주 쓰는 답을 찾을 수 없어요.", en="We can't find this canned answer.")


class NothingSaid(Invalid):
    sentence = say("글을 적어 주세요.", en="Please write something.")


class TooLong(Invalid):
    sentence = say("글이 너무 길어요. {most}자까지 적을 수 있어요.", en="That is too long: {most} characters at most.")


class Promotes(Invalid):
    """A text that goes out as information speaks of an offer, and so would be an advertisement."""

    sentence = say(
        "이 글은 안내로 나가서 할인·쿠폰·이벤트 이야기를 담을 수 없어요. 그런 소식은 캠페인으로 보내 주세요.",
        en="This text goes out as information, so it may not speak of discounts, coupons or events. Use a campaign for that.",
    )


class TooManyPosts(Refused):
    sentence = say("소식은 200개까지예요. 오래된 소식을 지워 주세요.", en="200 posts at most. Please delete old ones.")


class TooManyPinned(Refused):
    sentence = say("맨 위에는 3개까지 둘 수 있어요.", en="Three posts at most can be pinned.")


class TooManyAnswers(Refused):
    sentence = say("자주 쓰는 답은 20개까지예요.", en="20 canned answers at most.")


class NotWithUs(Refused):
    sentence = say(
        "가게 친구가 되거나 주문한 뒤에 물어볼 수 있어요.", en="You can ask once you are a friend or have ordered here."
    )


class ChatsOff(Refused):
    sentence = say(
        "이 가게는 지금 대화를 받지 않아요. 급한 일은 매장 전화로 물어봐 주세요.",
        en="This shop takes no messages now. Please call it if it is urgent.",
    )


class ChatBlocked(Refused):
    sentence = say(
        "가게가 이 대화를 닫았어요. 주문이나 환불은 매장에서 직접 물어봐 주세요.",
        en="The shop has closed this conversation. Please ask at the shop about orders and refunds.",
    )


class TooLateToAnswer(Refused):
    sentence = say(
        "마지막 물음에서 7일이 지나 답할 수 없어요. 손님이 다시 물으면 답할 수 있어요.",
        en="A week has passed since the last question. You can answer when the guest writes again.",
    )


class NotSoldOut(Refused):
    sentence = say("지금 주문할 수 있는 메뉴예요.", en="This dish can be ordered now.")


class TooManyWishes(Refused):
    sentence = say(
        "기다리는 메뉴가 20개예요. 그 가운데 나온 것이 있으면 다시 부탁할 수 있어요.",
        en="You wait for 20 dishes already. Ask again when some of them are back.",
    )


class TooManyLines(Busy):
    status = 429
    sentence = say(
        "조금 천천히 보내 주세요. 잠시 뒤에 다시 적을 수 있어요.", en="Please slow down and try again shortly."
    )


class CouponNotHere(NotFound):
    sentence = say("이 쿠폰은 이제 받을 수 없어요.", en="This coupon can't be taken any more.")


class FriendsOnly(Refused):
    sentence = say("가게 친구가 되면 받을 수 있어요.", en="Become a friend of the shop to take this.")
