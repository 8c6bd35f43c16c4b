"""Words of the channels room: what a shop shows, and who talks with whom."""

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

ABOUT_MAX, WELCOME_MAX, AWAY_MAX = 300, 200, 200
TITLE_MAX, BODY_MAX, LINE_MAX, ANSWER_MAX = 60, 2_000, 500, 300
POSTS_MAX, ANSWERS_MAX, PINNED_MAX = 200, 20, 3

LINES_KEPT = timedelta(days=90)
"""How long a conversation's lines are kept; the page says so to both."""
NOTICES_KEPT = timedelta(days=90)
"""How long the receipts of order and chat notices are kept."""
ANSWER_WITHIN = timedelta(days=7)
"""A shop answers whoever wrote; a week after their last line it would be writing to them."""
ORDER_OPENS = timedelta(days=30)
"""How long an order lets a guest write who is no friend."""
AWAY_EVERY = timedelta(hours=6)
"""How often the automatic answer outside opening hours may repeat itself in one chat."""


WISH_LASTS, WISHES_MAX = timedelta(days=30), 20
"""How long somebody waits for a sold-out dish, and for how many at once."""


class Side(StrEnum):
    """Who wrote a line. AWAY: the shop's automatic answer outside its hours."""

    GUEST = "guest"
    SHOP = "shop"
    AWAY = "away"


class Door(StrEnum):
    """By which way somebody came to join: after paying, by the poster, by a link that was passed on, from the table's menu,
    from the list of their own shops."""

    RECEIPT = "receipt"
    POSTER = "poster"
    LINK = "link"
    MENU = "menu"
    PAGE = "page"


class Notice(StrEnum):
    """What is told about an order, as information."""

    RECEIVED = "received"
    ACCEPTED = "accepted"
    READY = "ready"
    REFUSED = "refused"
    REFUNDED = "refunded"


PICTURE_WIDTH = 960


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """A picture that was drawn again, before a line shows it: its name and size in pixels."""

    name: str
    width: int
    height: int
