from django.apps import AppConfig


class ShopsConfig(AppConfig):
    name = "dure.shops"
    label = "shops"
