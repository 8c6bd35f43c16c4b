from django.apps import AppConfig


class MenuConfig(AppConfig):
    name = "dure.menu"
    label = "menu"
