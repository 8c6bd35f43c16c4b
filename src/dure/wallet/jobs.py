"""Background shells around wallets: load, call one action."""

from dure.kit import clock
from dure.kit.jobs import enqueue, job, periodic
from dure.wallet import actions, queries
from dure.wallet.models import Wallet


@job("wallet.refill")
def refill(wallet_id: int) -> None:
    """Put money into one wallet, if its person agreed to that."""
    actions.refill_wallet(wallet=Wallet.objects.get(pk=wallet_id), at=clock.now())


@periodic("wallet.sweep", "*/5 * * * *")
def sweep(timestamp: int) -> None:
    """Go on with refills that a crash left between being written down and being charged."""
    for wallet in queries.refills_left_lying(clock.now()):
        enqueue("wallet.refill", once=f"wallet:{wallet.pk}", wallet_id=wallet.pk)
