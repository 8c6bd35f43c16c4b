from django.apps import AppConfig


class WalletConfig(AppConfig):
    name = "dure.wallet"
    label = "wallet"
