from django.apps import AppConfig


class ApiConfig(AppConfig):
    name = "dure.web.api"
    label = "api"
