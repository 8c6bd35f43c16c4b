"""Who can move money for us: one folder each, found by name. docs/how-to/add-a-payment-provider.md has the steps."""

from collections.abc import Callable
from typing import Protocol, cast

from dure.payments.providers import kakaopay, toss
from dure.payments.values import AgreementTruth, Answer, Capabilities, Terms, Truth


class Provider(Protocol):
    """What a folder offers. None of it touches the database, and none of it raises for what a provider may answer:
    time-outs, cut answers and words we do not know are `Outcome.UNKNOWN`."""

    @property
    def capabilities(self) -> Capabilities:
        """What this provider can do."""

    def ready(self, terms: Terms, *, origin: str) -> Answer:
        """Prepare a payment. DONE carries `provider_key` and `redirect_url`."""

    def approve(self, terms: Terms, *, token: str, key: str) -> Answer:
        """Move the money, after the person agreed. DONE only if the answer names these very terms. `key` names this one
        call, for a provider that honours keys."""

    def order(self, terms: Terms) -> Truth:
        """Ask how the payment stands."""

    def cancel(self, terms: Terms, *, amount: int, tax_free: int, available: int, key: str) -> Answer:
        """Return `amount`, if exactly `available` can still be returned: that comparison is the optimistic lock. A provider
        that compares nothing honours `key` instead, which stays the same however often one refund is tried."""


class Recurring(Protocol):
    """What a folder offers besides, whose `capabilities.recurring` says so."""

    def charge(self, terms: Terms) -> Answer:
        """Charge again under `terms.agreement_key`, at once. DONE carries `provider_key`, and `detail["approved_at"]`, the
        provider's word for when that was."""

    def end(self, key: str) -> Answer:
        """End an agreement; ending it twice is DONE."""

    def standing(self, key: str) -> AgreementTruth:
        """Ask how an agreement stands."""


def recurring_named(name: str) -> Recurring:
    """The provider `name`, which charges again; a caller who asks another one has a bug (ValueError)."""
    found = provider_named(name)
    if not found.capabilities.recurring:
        raise ValueError(f"{name} knows no agreements")
    return cast(Recurring, found)


_MAKE: dict[str, Callable[[], Provider]] = {"kakaopay": kakaopay.provider, "toss": toss.provider}


def provider_named(name: str) -> Provider:
    """The provider `name`; KeyError for one we do not have."""
    return _MAKE[name]()
