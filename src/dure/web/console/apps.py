from django.apps import AppConfig


class ConsoleConfig(AppConfig):
    name = "dure.web.console"
    label = "console"
