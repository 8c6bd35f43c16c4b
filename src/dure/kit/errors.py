"""The four ways to say no. A room subclasses them with the sentence a person may read; one middleware maps them."""

from typing import ClassVar

from dure.kit.language import Text, say


class DureError(Exception):
    """A refusal that a person may read. `sentence` says what to do next; `code` is for programs."""

    status: ClassVar[int] = 500
    sentence: Text = say(
        "문제가 생겼어요. 잠시 뒤에 다시 시도해 주세요.", en="Something went wrong. Please try again shortly."
    )
    retryable: ClassVar[bool] = False

    def __init__(self, sentence: Text | None = None, **facts: object) -> None:
        if sentence is not None:
            self.sentence = sentence
        self.facts = facts
        super().__init__(str(self.sentence))

    @property
    def code(self) -> str:
        """The class name in kebab case: `SoldOut` is `sold-out`."""
        name = type(self).__name__
        return "".join(f"-{c.lower()}" if c.isupper() and i else c.lower() for i, c in enumerate(name))


class NotFound(DureError):
    """It is not there, or not for the one who asks: the same answer for both."""

    status = 404
    sentence = say("찾을 수 없어요. 주소를 다시 확인해 주세요.", en="Not found. Please check the address.")


class Refused(DureError):
    """Understood, and not allowed now."""

    status = 409
    sentence = say("지금은 할 수 없어요.", en="This is not possible right now.")


class Invalid(DureError):
    """What was typed or sent cannot be right."""

    status = 422
    sentence = say("입력한 내용을 다시 확인해 주세요.", en="Please check what you entered.")


class Busy(DureError):
    """Right, but too much at once: come back in a moment."""

    status = 503
    sentence = say("지금 몰려 있어요. 잠시 뒤에 다시 시도해 주세요.", en="We are busy. Please try again in a moment.")
    retryable = True
