"""Kakao Pay's online payment API, single payment (contract: README.md in this folder)."""

from django.conf import settings

from dure.payments.providers.kakaopay.client import KakaoPay

READ_SECONDS = 5.0
RECURRING = "TCSUBSCRIP"
_open: dict[tuple[str, str, str, float, str], KakaoPay] = {}


def provider() -> KakaoPay:
    """The provider of the settings, with one connection pool per process."""
    chosen = settings.KAKAOPAY
    patience = float(chosen.get("read_seconds", READ_SECONDS))
    wanted = (chosen["host"], chosen["cid"], chosen["secret_key"], patience, chosen.get("recurring_cid", RECURRING))
    if wanted not in _open:
        _open[wanted] = KakaoPay(*wanted)
    return _open[wanted]


def close() -> None:
    """Close every connection; the next call opens new ones."""
    while _open:
        _open.popitem()[1].close()
