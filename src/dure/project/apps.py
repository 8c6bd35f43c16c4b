from django.apps import AppConfig


class ProjectConfig(AppConfig):
    name = "dure.project"
    label = "project"

    def ready(self) -> None:
        from dure.kit.sql import read_instants_at_once
        from dure.project.wiring import wire

        read_instants_at_once()
        wire()
