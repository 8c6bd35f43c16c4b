"""What Kakao Pay's codes and states prove. A word that is not here proves nothing."""

from dure.payments.values import Standing

# Approving came before the person agreed, or with a token that is not this payment's: no money moved.
NOT_YET = {-701, -708}

# No money moved by this call and none will: bad amount or method, another order or person, no such or expired payment,
# contract and address settings, not a member, approval or cancel refused (the reason stands in extras).
REFUSED = {
    -2, -401, -402, -703, -704, -705, -706, -707, -710, -721, -722, -723, -724, -725, -726,
    -730, -731, -732, -733, -761, -780, -781, -782, -798, -799,
}  # fmt: skip

STANDINGS = {
    "READY": Standing.PENDING,
    "SEND_TMS": Standing.PENDING,
    "OPEN_PAYMENT": Standing.PENDING,
    "SELECT_METHOD": Standing.PENDING,
    "ARS_WAITING": Standing.PENDING,
    "AUTH_PASSWORD": Standing.PENDING,
    "ISSUED_SID": Standing.PENDING,
    "SUCCESS_PAYMENT": Standing.PAID,
    "PART_CANCEL_PAYMENT": Standing.PAID,
    "CANCEL_PAYMENT": Standing.PAID,
    "FAIL_AUTH_PASSWORD": Standing.CLOSED,
    "QUIT_PAYMENT": Standing.CLOSED,
    "FAIL_PAYMENT": Standing.CLOSED,
}
