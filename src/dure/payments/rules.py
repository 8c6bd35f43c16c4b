"""How a payment may go on, and when its provider is asked again. Pure."""

from datetime import datetime, timedelta

from dure.payments.values import AgreementState, Amount, PaymentState, RefundState, Standing, Terms, Truth

_S = PaymentState

# Only counter money and our own books' goes from CREATED to APPROVED, only a charge under an agreement to APPROVING. A late success may still lift a payment that was given up: money that
# moved is never denied. READY is reached again when the provider says that the approval was premature or its token
# another payment's, so that a forged callback cannot spoil a payment.
TRANSITIONS: dict[PaymentState, frozenset[PaymentState]] = {
    _S.CREATED: frozenset({_S.READY, _S.APPROVING, _S.APPROVED, _S.FAILED, _S.EXPIRED}),
    _S.READY: frozenset({_S.APPROVING, _S.FAILED, _S.EXPIRED}),
    _S.APPROVING: frozenset({_S.APPROVED, _S.READY, _S.FAILED, _S.EXPIRED}),
    _S.APPROVED: frozenset(),
    _S.FAILED: frozenset({_S.APPROVED}),
    _S.EXPIRED: frozenset({_S.APPROVED}),
}

_A = AgreementState
AGREEMENT_TRANSITIONS: dict[AgreementState, frozenset[AgreementState]] = {
    _A.ASKED: frozenset({_A.ACTIVE, _A.ENDING, _A.FAILED}),
    _A.ACTIVE: frozenset({_A.ENDING, _A.ENDED}),
    _A.ENDING: frozenset({_A.ENDED}),
    _A.ENDED: frozenset(),
    _A.FAILED: frozenset(),
}

# A charge under an agreement has no page and no redirect; when its answer is lost, only the agreement's last charge tells.
# After this long without one, it is given up; should it happen later, it is recorded and returned.
CHARGE_GIVEN_UP = timedelta(hours=1)

REFUND_TRANSITIONS: dict[RefundState, frozenset[RefundState]] = {
    RefundState.ASKED: frozenset({RefundState.DONE, RefundState.FAILED}),
    RefundState.DONE: frozenset(),
    RefundState.FAILED: frozenset(),
}

# How long a prepared payment can be approved. Kakao Pay documents none; 15 minutes is what integrations report.
LIFE = timedelta(minutes=15)

# Pauses before the first, second, … question after a lost answer; then once a day, and a person should look.
PAUSES = tuple(timedelta(seconds=s) for s in (5, 15, 60, 5 * 60, 15 * 60, 60 * 60))
FOR_A_PERSON = timedelta(days=1)


def may_move(now: PaymentState, to: PaymentState) -> bool:
    """Whether a payment in state `now` may reach `to` in one step."""
    return to in TRANSITIONS[now]


def agreement_may_move(now: AgreementState, to: AgreementState) -> bool:
    """Whether an agreement in state `now` may reach `to` in one step."""
    return to in AGREEMENT_TRANSITIONS[now]


def refund_may_move(now: RefundState, to: RefundState) -> bool:
    """Whether a refund in state `now` may reach `to`."""
    return to in REFUND_TRANSITIONS[now]


def lives(created_at: datetime, at: datetime) -> bool:
    """Whether the provider can still approve a payment prepared at `created_at`."""
    return at < created_at + LIFE


def next_ask_at(last: datetime, asks: int) -> datetime:
    """When to ask the provider again after `asks` questions, the last of them (or the lost call) at `last`."""
    return last + (PAUSES[asks] if asks < len(PAUSES) else FOR_A_PERSON)


def checked(amount: Amount) -> Amount:
    """A positive amount whose tax-free part and tax lie within it; a caller that breaks this has a bug (ValueError)."""
    if not (amount.total > 0 and amount.tax_free >= 0 and amount.vat >= 0):
        raise ValueError(f"no amount to pay: {amount}")
    if amount.tax_free + amount.vat > amount.total:
        raise ValueError(f"parts exceed the total: {amount}")
    return amount


def refund_fits(paid: Amount, gone: int, gone_tax_free: int, amount: int, tax_free: int) -> bool:
    """Whether `amount` (with its tax-free part) can still go back, after what went back or is on its way."""
    left, left_tax_free = paid.total - gone, paid.tax_free - gone_tax_free
    return 0 < amount <= left and 0 <= tax_free <= left_tax_free and 0 <= amount - tax_free <= left - left_tax_free


def tax_free_in(paid: Amount, gone: int, gone_tax_free: int, amount: int) -> int:
    """The tax-free part of a refund of `amount`: in proportion to what is left of the payment, and all of it at the end,
    so that refunding in any pieces returns the same parts as refunding at once."""
    left, left_tax_free = paid.total - gone, paid.tax_free - gone_tax_free
    if not 0 < amount <= left:
        return 0
    return left_tax_free * amount // left


def believable(truth: Truth, terms: Terms) -> bool:
    """Whether the provider speaks of this very payment: a paid answer about another one or sum proves nothing."""
    return truth.standing is not Standing.PAID or (truth.public_id, truth.total) == (
        terms.public_id,
        terms.amount.total,
    )
