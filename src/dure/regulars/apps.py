from django.apps import AppConfig


class RegularsConfig(AppConfig):
    name = "dure.regulars"
    label = "regulars"
