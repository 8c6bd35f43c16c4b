from django.apps import AppConfig


class OffersConfig(AppConfig):
    name = "dure.offers"
    label = "offers"
