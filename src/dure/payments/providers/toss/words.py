"""What Toss' codes and states prove. A word that is not here proves nothing: Toss may add words without notice."""

from dure.payments.values import Standing

# Confirming came before the person agreed, or after their session was over: no money moved.
NOT_YET = {"NOT_FOUND_PAYMENT_SESSION"}

# No money moved by this call and none will. ALREADY_PROCESSED_PAYMENT, PROVIDER_ERROR, IDEMPOTENT_REQUEST_PROCESSING and
# every failure of their own are left out on purpose: the payment is asked about instead.
REFUSED = {
    "INVALID_REQUEST", "INVALID_API_KEY", "UNAUTHORIZED_KEY", "INCORRECT_BASIC_AUTH_FORMAT", "FORBIDDEN_REQUEST",
    "BELOW_MINIMUM_AMOUNT", "EXCEED_MAX_CARD_INSTALLMENT_PLAN", "NOT_ALLOWED_POINT_USE", "INVALID_REJECT_CARD",
    "INVALID_CARD_EXPIRATION", "INVALID_STOPPED_CARD", "REJECT_CARD_COMPANY", "REJECT_CARD_PAYMENT",
    "NOT_CANCELABLE_AMOUNT", "NOT_CANCELABLE_PAYMENT", "ALREADY_CANCELED_PAYMENT",
}  # fmt: skip

STANDINGS = {
    "READY": Standing.PENDING,
    "IN_PROGRESS": Standing.PENDING,
    "WAITING_FOR_DEPOSIT": Standing.PENDING,
    "DONE": Standing.PAID,
    "PARTIAL_CANCELED": Standing.PAID,
    "CANCELED": Standing.PAID,
    "ABORTED": Standing.CLOSED,
    "EXPIRED": Standing.CLOSED,
}
