from django.apps import AppConfig


class PaymentsConfig(AppConfig):
    name = "dure.payments"
    label = "payments"
