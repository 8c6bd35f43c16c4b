"""The refusals of the menu room."""

from dure.kit.errors import Invalid, NotFound, Refused
from dure.kit.language import say
from dure.menu.values import RowFault


class MenuEntryNotFound(NotFound):
    """No such section, item, option, station or photo on this shop's menu."""

    sentence = say(
        "메뉴에서 찾을 수 없어요. 메뉴를 다시 열어 주세요.", en="This is not on the menu. Please open the menu again."
    )


class SectionInUse(Refused):
    """A section with items on it cannot go."""

    sentence = say(
        "이 분류에 메뉴가 있어요. 먼저 메뉴를 옮기거나 내려 주세요.",
        en="This section still has items. Please move or retire them first.",
    )


class StationNameTaken(Refused):
    """Two stations would have one name."""

    sentence = say("같은 이름의 조리대가 있어요.", en="Another station has this name.")


class TextUnclear(Invalid):
    """A text is missing or too long. `facts["field"]` says which."""

    sentence = say(
        "이름은 한국어로 1자에서 60자, 설명은 300자까지 써 주세요.",
        en="Names need 1 to 60 characters in Korean; descriptions may have 300.",
    )


class PriceUnclear(Invalid):
    """A price is not a whole number of won from 0 to 10,000,000."""

    sentence = say("가격은 0원에서 10,000,000원 사이로 써 주세요.", en="Prices are whole won from 0 to 10,000,000.")


class BelowZero(Invalid):
    """Options could make an item cost less than nothing."""

    sentence = say(
        "옵션을 고르면 가격이 0원보다 작아져요. 옵션 가격을 다시 확인해 주세요.",
        en="With these options the price could fall below 0. Please check the option prices.",
    )


class OptionsUnclear(Invalid):
    """A group asks for more options than it has, or has none."""

    sentence = say(
        "옵션 그룹에는 옵션이 하나는 있어야 하고, 최소와 최대가 맞아야 해요.",
        en="A group needs at least one option, and its least and most must fit.",
    )


class TooMuchMenu(Invalid):
    """More than a menu holds."""

    sentence = say(
        "메뉴는 1,000개, 한 메뉴의 옵션 그룹은 20개, 한 그룹의 옵션은 50개까지예요.",
        en="A menu holds 1,000 items, an item 20 option groups, a group 50 options.",
    )


class PhotoTooLarge(Invalid):
    """More than 10 MB, or more than 25 megapixels, or a side beyond 12,000 pixels."""

    sentence = say(
        "사진이 너무 커요. 10MB, 2,500만 화소보다 작은 사진을 골라 주세요.",
        en="This photo is too large. Please choose one under 10 MB and 25 megapixels.",
    )


class PhotoUnreadable(Invalid):
    """Not a JPEG, PNG or WebP picture that can be read."""

    sentence = say(
        "사진을 읽을 수 없어요. JPG, PNG, WebP 사진을 골라 주세요.",
        en="We can't read this photo. Please choose a JPG, PNG or WebP.",
    )


class MenuFileUnreadable(Invalid):
    """Not a CSV or XLSX file that can be read within its limits."""

    sentence = say(
        "파일을 읽을 수 없어요. 2MB, 3,000줄보다 작은 CSV나 XLSX 파일을 골라 주세요.",
        en="We can't read this file. Please choose a CSV or XLSX under 2 MB and 3,000 rows.",
    )


class MenuFileFaulty(Invalid):
    """Rows of a menu file are wrong, so nothing was imported. `faults` says which cells and why."""

    sentence = say(
        "고칠 곳이 있어서 아무것도 바꾸지 않았어요. 아래 줄을 고쳐서 다시 올려 주세요.",
        en="Some rows need fixing, so nothing was changed. Please mend the rows below and upload again.",
    )

    def __init__(self, faults: tuple[RowFault, ...]) -> None:
        self.faults = faults
        super().__init__(faults=[(fault.row, fault.column, str(fault.sentence)) for fault in faults])
