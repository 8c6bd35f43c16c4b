from django.apps import AppConfig


class SettlementConfig(AppConfig):
    name = "dure.settlement"
    label = "settlement"
