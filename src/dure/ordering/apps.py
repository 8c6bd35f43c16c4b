from django.apps import AppConfig


class OrderingConfig(AppConfig):
    name = "dure.ordering"
    label = "ordering"
