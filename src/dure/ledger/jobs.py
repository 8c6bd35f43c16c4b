"""The books are sealed every few minutes, apart from what writes to them."""

from dure.kit import clock, jobs
from dure.ledger import actions


@jobs.periodic("ledger.seal", cron="*/5 * * * *")
def seal(timestamp: int) -> None:
    """Seal what was written since, and keep the head outside."""
    actions.seal_entries(at=clock.now())
