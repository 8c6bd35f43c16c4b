"""Who carries what, by the settings: brand messages, notices and texts through one agency, mail and browsers by ourselves."""

from typing import Any

from django.conf import settings

from dure.messaging.providers import Provider
from dure.messaging.providers.nhn import Nhn
from dure.messaging.providers.smtp import Smtp
from dure.messaging.providers.solapi import Solapi
from dure.messaging.providers.webpush import BrowserBell
from dure.messaging.values import Medium


def from_settings() -> dict[Medium, Provider]:
    told: dict[str, Any] = settings.MESSAGES
    carriers: dict[Medium, Provider] = {Medium.MAIL: Smtp(), Medium.PUSH: bell()}
    if told["solapi_host"]:
        solapi = Solapi(
            told["solapi_host"],
            told["solapi_key"],
            told["solapi_secret"],
            told["sender_number"],
            told["kakao_channel"],
            told["certificate"],
        )
        carriers |= {Medium.TEXT: solapi, Medium.NOTICE: solapi, Medium.BRAND: solapi}
    if told["nhn_host"]:
        nhn = Nhn(told["nhn_host"], told["nhn_app"], told["nhn_secret"], told["nhn_sender"], told["certificate"])
        carriers |= {Medium.NOTICE: nhn, Medium.BRAND: nhn}
    return carriers


def bell() -> BrowserBell:
    """Who rings browsers here."""
    return BrowserBell(settings.HOME / "vapid.pem", f"mailto:{settings.DEFAULT_FROM_EMAIL}")
