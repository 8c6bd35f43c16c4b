from django.apps import AppConfig


class OfficeConfig(AppConfig):
    name = "dure.web.office"
    label = "office"

    def ready(self) -> None:
        from dure.web.office.words import name_everything

        name_everything()
