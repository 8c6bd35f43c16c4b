from dure.kit import clock, jobs
from dure.messaging import actions as messaging
from dure.messaging import queries as messages
from dure.messaging.values import Medium
from dure.people import actions
from dure.people.errors import Latched


@jobs.periodic("people.tidy", cron="17 4 * * *")
def tidy(timestamp: int) -> None:
    """Every night: let go of what the law no longer keeps, and of accounts that nobody proved to be theirs."""
    actions.drop_retained(at=clock.now())
    actions.drop_unproven(at=clock.now())


@jobs.job("people.dispatch")
def dispatch(medium: str) -> None:
    """Hand over what is due by this medium; what is left after a while is the next job's."""
    chosen = Medium(medium)
    try:
        actions.dispatch(medium=chosen)
    except Latched:
        return
    if messages.is_due(chosen, clock.now()):
        jobs.enqueue("people.dispatch", once=f"people.dispatch:{medium}", medium=medium)


@jobs.periodic("people.keep_sending", cron="* * * * *")
def keep_sending(timestamp: int) -> None:
    """Every minute: clear up after a worker that died, close what is stale or over, and wake whoever should be dispatching."""
    at = clock.now()
    messaging.recover_hand_overs(at=at)
    messaging.close_sendings(at=at)
    for medium in Medium:
        if messages.is_due(medium, at):
            jobs.enqueue("people.dispatch", once=f"people.dispatch:{medium}", medium=str(medium))
