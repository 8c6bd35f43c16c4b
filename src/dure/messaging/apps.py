from django.apps import AppConfig


class MessagingConfig(AppConfig):
    name = "dure.messaging"
    label = "messaging"
