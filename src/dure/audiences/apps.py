import os

from django.apps import AppConfig


class AudiencesConfig(AppConfig):
    name = "dure.audiences"
    label = "audiences"

    def ready(self) -> None:
        from dure.audiences.engine import hands

        cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
        hands.machine.hands = max(1, min(4, cores))
        hands.machine.is_busy = lambda: os.getloadavg()[0] > cores
        if hasattr(os, "register_at_fork"):
            os.register_at_fork(after_in_child=hands.be_alone)
