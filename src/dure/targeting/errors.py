"""What targeting refuses, and what to do instead."""

from __future__ import annotations

from dure.kit.errors import Invalid, NotFound, Refused
from dure.kit.language import say


class FileUnreadable(Invalid):
    """No CSV and no Parquet, or none that can be read."""

    def __init__(self, *, file: object, why: object = "") -> None:
        super().__init__(
            say(
                "{file} 파일을 읽을 수 없어요. 머리글과 행이 있는 CSV나 Parquet 파일을 주세요. {why}",
                en="{file} can't be read. Give a CSV file with a header and rows, or a Parquet file. {why}",
                file=file,
                why=why,
            )
        )


class ColumnMissing(Invalid):
    """A column that was named is not there."""

    def __init__(self, *, file: object, column: object, there: object) -> None:
        super().__init__(
            say(
                "{file} 파일에 '{column}' 열이 없어요. 있는 열: {there}",
                en="{file} has no column '{column}'. It has: {there}",
                file=file,
                column=column,
                there=there,
            )
        )


class ArmsUnclear(Invalid):
    """It can't be seen who was left without a message."""

    def __init__(self, *, column: object, values: object) -> None:
        super().__init__(
            say(
                "'{column}' 열의 값({values}) 가운데 누가 메시지를 받지 않았는지 알 수 없어요. --control 값 으로 알려 주세요.",
                en="Which of the values ({values}) of '{column}' got no message can't be told. Say so with --control VALUE.",
                column=column,
                values=values,
            )
        )


class OutcomeNoNumber(Invalid):
    """The outcome is neither a number nor yes or no."""

    def __init__(self, *, column: object, values: object) -> None:
        super().__init__(
            say(
                "'{column}' 열은 숫자나 예/아니요여야 하는데 {values} 값이 있어요. 0과 1로 바꾸어 다시 해 주세요.",
                en="The column '{column}' must hold numbers, or yes and no, and holds {values}. Write it as 0 and 1 and try again.",
                column=column,
                values=values,
            )
        )


class NothingToLearn(Invalid):
    """Too few rows, an empty arm, an outcome that never differs, or no covariate at all."""

    def __init__(self, *, why: object) -> None:
        super().__init__(
            say("이 파일로는 배울 수 없어요: {why}", en="Nothing can be learned from this file: {why}", why=why)
        )


class NoSuchModel(NotFound):
    sentence = say("이 모델을 찾을 수 없어요.", en="There is no such model.")


class ModelUnfit(Refused):
    """A model that may not be used."""

    def __init__(self, *, why: object) -> None:
        super().__init__(say("이 모델은 쓸 수 없어요: {why}", en="This model may not be used: {why}", why=why))


class NothingToRollBack(Refused):
    sentence = say(
        "쓰고 있는 모델이 없어서 되돌릴 것이 없어요.", en="No model is in use, so there is nothing to take back."
    )


class TooFewHistories(Refused):
    def __init__(self, *, there: int, needed: int) -> None:
        super().__init__(
            say(
                "방문 기록이 아직 적어서 배울 수 없어요: {there}명, {needed}명부터 배워요.",
                en="Too few histories to learn from yet: {there}, {needed} are needed.",
                there=there,
                needed=needed,
            )
        )
