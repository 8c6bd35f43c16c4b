"""The demo's neighbourhood lives in the worker; a real installation has none."""

from random import SystemRandom

from django.conf import settings

from dure.kit import clock, jobs
from dure.town import actions, queries

if not settings.PRODUCTION:

    @jobs.periodic("town.live", "* * * * * */10")
    def live(timestamp: int) -> int:
        """Let ten seconds pass in the neighbourhood."""
        return actions.live(at=clock.now(), pace=queries.pace(), chance=SystemRandom())
