from django.apps import AppConfig


class HooksConfig(AppConfig):
    name = "dure.web.hooks"
    label = "hooks"
