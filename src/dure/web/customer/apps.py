from django.apps import AppConfig


class CustomerConfig(AppConfig):
    name = "dure.web.customer"
    label = "customer"
