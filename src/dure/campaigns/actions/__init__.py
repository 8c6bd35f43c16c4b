"""Everything done with campaigns."""

from dure.campaigns.actions.balance import begin_top_up, fund_messages, grant_messages, take_balance_back
from dure.campaigns.actions.drafts import (
    change_automation,
    change_draft,
    check_campaign,
    copy_campaign,
    draft_campaign,
    start_automation,
    would_be,
)
from dure.campaigns.actions.outbox import forms_of, gap_values, price_each, sendings_of, texts_of
from dure.campaigns.actions.sending import (
    close_campaign,
    finish_sending,
    pause_campaign,
    resume_campaign,
    review_campaign,
    run_automation,
    send_back,
    start_campaign,
    stop_campaign,
    submit_campaign,
    tell_owners,
)
from dure.campaigns.actions.till import choose_at_till, count_till, hand_choices_over, note_paid_bill
from dure.campaigns.actions.week import advance_plan, cut_off_person, forget_plans, plan_week, replan_week

__all__ = [
    "advance_plan",
    "begin_top_up",
    "change_automation",
    "change_draft",
    "check_campaign",
    "choose_at_till",
    "close_campaign",
    "copy_campaign",
    "count_till",
    "cut_off_person",
    "draft_campaign",
    "finish_sending",
    "forget_plans",
    "forms_of",
    "fund_messages",
    "gap_values",
    "grant_messages",
    "hand_choices_over",
    "note_paid_bill",
    "pause_campaign",
    "plan_week",
    "price_each",
    "replan_week",
    "resume_campaign",
    "review_campaign",
    "run_automation",
    "send_back",
    "sendings_of",
    "start_automation",
    "start_campaign",
    "stop_campaign",
    "submit_campaign",
    "take_balance_back",
    "tell_owners",
    "texts_of",
    "would_be",
]
