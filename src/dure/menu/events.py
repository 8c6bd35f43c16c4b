"""What the menu tells the house."""

from dataclasses import dataclass

from dure.kit.events import Fact


@dataclass(frozen=True, slots=True, kw_only=True)
class ItemReturned(Fact):
    """An item that was marked as sold out can be ordered again."""

    shop_id: int
    item_id: int
