from django.apps import AppConfig


class ChannelsConfig(AppConfig):
    name = "dure.channels"
    label = "channels"
