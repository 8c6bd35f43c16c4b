"""Why a program may not go on."""

from dure.kit.errors import DureError, Invalid, NotFound, Refused
from dure.kit.language import say


class KeyUnknown(DureError):
    """No key, or one that was revoked, is over, or never was: one answer for all."""

    status = 401
    sentence = say(
        "API 키가 없거나 더는 쓸 수 없어요. 콘솔의 연결 화면에서 키를 확인해 주세요.",
        en="The API key is missing or no longer valid. Please check it on the console's Connections page.",
    )


class ScopeMissing(DureError):
    """The key is good, and not for this."""

    status = 403
    sentence = say(
        "이 키로는 할 수 없는 일이에요. 사장님에게 권한을 부탁해 주세요.",
        en="This key may not do this. Please ask the shop's owner for the scope.",
    )


class KeyMissing(Invalid):
    """A POST without an Idempotency-Key."""

    sentence = say(
        "Idempotency-Key 헤더에 1~255자의 키를 보내 주세요. 같은 키는 한 번만 처리돼요.",
        en="Send an Idempotency-Key header of 1 to 255 visible ASCII characters; the same key is carried out once.",
    )


class BodyChanged(Invalid):
    """The same Idempotency-Key with another request."""

    sentence = say(
        "같은 Idempotency-Key로 다른 내용을 보냈어요. 새 키를 쓰거나 처음 내용을 보내 주세요.",
        en="This Idempotency-Key was used with another request. Use a new key, or send the first request again.",
    )


class NoSuchKey(NotFound):
    sentence = say("이 키를 찾을 수 없어요.", en="We can't find this key.")


class NoSuchEndpoint(NotFound):
    sentence = say("이 웹훅 주소를 찾을 수 없어요.", en="We can't find this webhook endpoint.")


class NoSuchEvent(NotFound):
    sentence = say("이 알림을 찾을 수 없어요.", en="We can't find this event.")


class UrlNotAllowed(Invalid):
    """A webhook address that we do not send to."""

    sentence = say(
        "웹훅은 인터넷에서 열리는 https 주소(443 포트)로만 보내요.",
        en="Webhooks go only to public https addresses, on port 443.",
    )


class TooManyEndpoints(Refused):
    sentence = say(
        "웹훅 주소는 가게마다 {most}개까지예요. 쓰지 않는 것을 지워 주세요.",
        en="A shop can have {most} webhook endpoints. Please disable one first.",
        most=10,
    )


class EndpointDisabled(Refused):
    sentence = say("꺼진 주소예요. 먼저 다시 켜 주세요.", en="This endpoint is disabled. Please enable it first.")


class NoScope(Invalid):
    sentence = say("이 키로 할 일을 하나는 골라 주세요.", en="Choose at least one thing that this key may do.")
