from django.apps import AppConfig


class TargetingConfig(AppConfig):
    name = "dure.targeting"
