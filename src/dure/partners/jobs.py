"""Background shells around webhooks: load, call one action."""

from dure.kit import clock
from dure.kit.jobs import enqueue, job, periodic
from dure.partners import actions, queries
from dure.partners.models import Dispatch
from dure.shops import fence


@job("partners.send")
def send(dispatch_id: int) -> None:
    """Try to deliver one event to one endpoint."""
    with fence.across_shops():
        dispatch = Dispatch.objects.filter(pk=dispatch_id).first()
        if dispatch:
            actions.send_event(dispatch=dispatch, at=clock.now())


@periodic("partners.sweep", "* * * * *")
def sweep(timestamp: int) -> None:
    """Pick up what a crash left lying, each in a job of its own, so that one slow partner holds up nobody."""
    with fence.across_shops():
        for number in queries.due_dispatches(clock.now()):
            enqueue("partners.send", once=f"dispatch:{number}", dispatch_id=number)


@periodic("partners.forget", "41 4 * * *")
def forget(timestamp: int) -> None:
    """Drop old replies and events."""
    with fence.across_shops():
        actions.forget_old(at=clock.now())
