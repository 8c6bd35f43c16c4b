"""Everything done to settle with shops."""

from dure.settlement.actions.adjustments import correct_money, hold_money, release_money
from dure.settlement.actions.exports import ask_export, drop_exports, write_export
from dure.settlement.actions.payouts import ask_bank, close_day, close_days, confirm_payout, pay_out, retry_payout
from dure.settlement.actions.reconciliation import explain_difference, read_provider_file
from dure.settlement.actions.terms import set_terms

__all__ = [
    "ask_bank",
    "ask_export",
    "close_day",
    "close_days",
    "confirm_payout",
    "correct_money",
    "drop_exports",
    "explain_difference",
    "hold_money",
    "pay_out",
    "read_provider_file",
    "release_money",
    "retry_payout",
    "set_terms",
    "write_export",
]
