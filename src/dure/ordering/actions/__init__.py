"""Everything done at the tables, in the kitchen and with the bills."""

from dure.ordering.actions.asked import ask_bill, lock_bill, name_payer, return_won
from dure.ordering.actions.baskets import change_basket_line, empty_basket, put_in_basket
from dure.ordering.actions.bills import (
    begin_payment,
    choose_coupon,
    claim_bills,
    confirm_payment,
    give_up_bill,
    hand_bills_over,
    open_bill,
    pay_from_wallet,
    settle_at_counter,
    show_payment,
)
from dure.ordering.actions.calls import answer_call, call_staff
from dure.ordering.actions.lines import strike_line
from dure.ordering.actions.orders import (
    cut_off_person,
    give_up_order,
    move_order,
    place_order,
    recall_order,
    refuse_order,
)
from dure.ordering.actions.reports import report_concessions
from dure.ordering.actions.screens import pause_unwatched, watch_kitchen
from dure.ordering.actions.second_person import (
    approve_concession,
    ask_concession,
    concede,
    decline_concession,
    expire_concessions,
    set_concession_limits,
)
from dure.ordering.actions.splits import (
    begin_part_payment,
    give_part_back,
    pay_part_from_wallet,
    settle_part_at_counter,
    take_part,
)
from dure.ordering.actions.visits import (
    Scan,
    check_visit,
    close_visit,
    merge_visits,
    move_visit,
    open_visit_by_staff,
    scan,
    sit_down,
)

__all__ = [
    "Scan",
    "answer_call",
    "approve_concession",
    "ask_bill",
    "ask_concession",
    "begin_part_payment",
    "begin_payment",
    "call_staff",
    "change_basket_line",
    "check_visit",
    "choose_coupon",
    "claim_bills",
    "close_visit",
    "concede",
    "confirm_payment",
    "cut_off_person",
    "decline_concession",
    "empty_basket",
    "expire_concessions",
    "give_part_back",
    "give_up_bill",
    "give_up_order",
    "hand_bills_over",
    "lock_bill",
    "merge_visits",
    "move_order",
    "move_visit",
    "name_payer",
    "open_bill",
    "open_visit_by_staff",
    "pause_unwatched",
    "pay_from_wallet",
    "pay_part_from_wallet",
    "place_order",
    "put_in_basket",
    "recall_order",
    "refuse_order",
    "report_concessions",
    "return_won",
    "scan",
    "set_concession_limits",
    "settle_at_counter",
    "settle_part_at_counter",
    "show_payment",
    "sit_down",
    "strike_line",
    "take_part",
    "watch_kitchen",
]
