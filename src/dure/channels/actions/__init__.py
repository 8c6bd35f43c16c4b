"""Everything a shop and its friends do on its channel."""

from dure.channels.actions.chats import (
    answer_chat,
    ask_shop,
    block_chat,
    cut_off_person,
    drop_answer,
    drop_old_lines,
    join_chats,
    keep_answer,
    look_at_chat,
    look_at_chat_as_shop,
    unblock_chat,
)
from dure.channels.actions.notices import (
    greet_friend,
    note_moved_order,
    note_received_order,
    note_returned_bill,
    tell_about_chat,
    tell_about_order,
    tell_about_refund,
)
from dure.channels.actions.pages import (
    drop_post_photo,
    keep_post_photo,
    keep_profile,
    pin_post,
    remove_post,
    take_coupon,
    write_post,
)
from dure.channels.actions.pictures import fresh_picture
from dure.channels.actions.wishes import drop_old_wishes, drop_wish, note_item_back, tell_item_back, wish_for

__all__ = [
    "answer_chat",
    "ask_shop",
    "block_chat",
    "cut_off_person",
    "drop_answer",
    "drop_old_lines",
    "drop_old_wishes",
    "drop_post_photo",
    "drop_wish",
    "fresh_picture",
    "greet_friend",
    "join_chats",
    "keep_answer",
    "keep_post_photo",
    "keep_profile",
    "look_at_chat",
    "look_at_chat_as_shop",
    "note_item_back",
    "note_moved_order",
    "note_received_order",
    "note_returned_bill",
    "pin_post",
    "remove_post",
    "take_coupon",
    "tell_about_chat",
    "tell_about_order",
    "tell_about_refund",
    "tell_item_back",
    "unblock_chat",
    "wish_for",
    "write_post",
]
