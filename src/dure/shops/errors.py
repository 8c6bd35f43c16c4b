"""The refusals of the shops room."""

from dure.kit.errors import Invalid, NotFound, Refused
from dure.kit.language import say


class ShopNotFound(NotFound):
    """No such shop, or not for the one who asks."""

    sentence = say(
        "가게를 찾을 수 없어요. 주소를 다시 확인해 주세요.", en="We can't find this shop. Please check the address."
    )


class TableNotFound(NotFound):
    """No table has this code or id."""

    sentence = say(
        "테이블을 찾을 수 없어요. QR을 다시 찍거나 직원에게 알려 주세요.",
        en="We can't find this table. Please scan the QR again or tell a member of staff.",
    )


class OldCode(NotFound):
    """The code was printed once and has been replaced, or its table is gone."""

    sentence = say(
        "이 QR은 더 이상 쓰지 않아요. 직원에게 알려 주세요.",
        en="This QR is no longer used. Please tell a member of staff.",
    )


class MemberNotFound(NotFound):
    """The person does not work in this shop."""

    sentence = say("이 가게에서 일하는 분이 아니에요.", en="This person doesn't work here.")


class AlreadyHired(Refused):
    """The person already works in this shop."""

    sentence = say(
        "이미 이 가게에서 일하고 있어요. 역할은 직원 목록에서 바꿀 수 있어요.",
        en="This person already works here. You can change the role in the staff list.",
    )


class NoWayLeft(Invalid):
    """Guests could pay in no way at all."""

    sentence = say(
        "손님이 결제할 방법이 하나는 있어야 해요. 카운터나 간편결제 가운데 하나는 켜 두세요.",
        en="Guests need one way to pay. Leave the counter or one of the payment services on.",
    )


class WayNotTaken(Refused):
    """The shop has switched this way to pay off."""

    sentence = say(
        "이 가게에서 받지 않는 결제 방법이에요. 다른 방법을 골라 주세요.",
        en="This shop doesn't take that way to pay. Please choose another.",
    )


class LastOwner(Refused):
    """A shop keeps at least one owner."""

    sentence = say(
        "가게에는 사장님이 한 명은 있어야 해요. 먼저 다른 분을 사장님으로 정해 주세요.",
        en="A shop needs at least one owner. Please make somebody else an owner first.",
    )


class TableNameTaken(Refused):
    """Two tables in use would have one name."""

    sentence = say(
        "같은 이름의 테이블이 있어요. 다른 이름을 써 주세요.", en="Another table has this name. Please choose another."
    )


class ShopClosed(Refused):
    """The shop closed for good."""

    sentence = say("영업을 마친 가게예요.", en="This shop has closed.")


class NameMissing(Invalid):
    """A name is empty, or longer than it may be."""

    sentence = say("이름을 1자에서 40자 사이로 써 주세요.", en="Please enter a name of 1 to 40 characters.")


class HoursUnclear(Invalid):
    """Opening hours are not pairs of times in order."""

    sentence = say(
        "영업시간을 확인해 주세요. 11:00–15:00처럼 여는 시간과 닫는 시간을 순서대로 써 주세요.",
        en="Please check the hours: opening and closing times in order, like 11:00–15:00.",
    )


class TooManyTables(Invalid):
    """More tables than a shop may have."""

    sentence = say("테이블은 300개까지 만들 수 있어요.", en="A shop can have up to 300 tables.")


class PauseUnclear(Invalid):
    """A pause is 1 to 720 minutes."""

    sentence = say("주문은 1분에서 12시간까지 멈출 수 있어요.", en="You can pause orders for 1 minute to 12 hours.")


class ChangeUnclear(Invalid):
    """A setting cannot have this value. `facts["field"]` says which."""

    sentence = say("이 값은 쓸 수 없어요. 다시 확인해 주세요.", en="This value can't be used. Please check it again.")
