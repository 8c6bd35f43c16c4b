from django.apps import AppConfig


class UiConfig(AppConfig):
    name = "dure.web.ui"
    label = "ui"

    def ready(self) -> None:
        from django.urls import register_converter

        from dure.web.ui import converters

        for name, converter in converters.ALL.items():
            register_converter(converter, name)
