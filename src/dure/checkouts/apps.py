from django.apps import AppConfig


class CheckoutsConfig(AppConfig):
    name = "dure.checkouts"
    label = "checkouts"
