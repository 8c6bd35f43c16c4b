from django.apps import AppConfig


class LiftConfig(AppConfig):
    name = "dure.lift"
