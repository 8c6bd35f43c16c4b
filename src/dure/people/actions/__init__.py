"""Everything done to persons, devices and consents, to whom a text may go, and what is kept of the erased."""

from dure.people.actions.attention import note_sale_contact, refuse_advertising, refuse_by_link, set_attention
from dure.people.actions.notices import renew_notices, tell_results
from dure.people.actions.persons import (
    admit_person,
    blank_person,
    claim_device,
    drop_retained,
    drop_unproven,
    ensure_person,
    erase_person,
    forget_keys,
    give_consent,
    keep_birthday,
    keep_by_law,
    keep_language,
    open_account,
    remember_device,
    set_phone,
    withdraw_consent,
)
from dure.people.actions.writing import dispatch, dispatch_batch, gate_sending, message_person, permit_message

__all__ = [
    "admit_person",
    "blank_person",
    "claim_device",
    "dispatch",
    "dispatch_batch",
    "drop_retained",
    "drop_unproven",
    "ensure_person",
    "erase_person",
    "forget_keys",
    "gate_sending",
    "give_consent",
    "keep_birthday",
    "keep_by_law",
    "keep_language",
    "message_person",
    "note_sale_contact",
    "open_account",
    "permit_message",
    "refuse_advertising",
    "refuse_by_link",
    "remember_device",
    "renew_notices",
    "set_attention",
    "set_phone",
    "tell_results",
    "withdraw_consent",
]
