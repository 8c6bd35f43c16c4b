from django.apps import AppConfig


class ProjectConfig(AppConfig):
    name = "dure.project"
    label = "project"

    def ready(self) -> None:
        from dure.project.wiring import wire

        wire()
