"""The ways in which a guest may pay online: what the operator offers, and the guest's own balance where it is enough."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from django.conf import settings
from django.http import HttpRequest

from dure.kit.language import Text
from dure.kit.money import won
from dure.ordering import actions as ordering
from dure.payments import queries as payments
from dure.shops import queries as shops
from dure.shops.errors import WayNotTaken
from dure.shops.values import COUNTER, WALLET
from dure.wallet import queries as wallets
from dure.wallet.errors import NoSuchWallet
from dure.web.ui.ways import WAY_WORDS

if TYPE_CHECKING:
    from dure.ordering.models import Bill, BillPart
    from dure.people.models import Device, Person
    from dure.shops.models import Shop

DEFAULT = "provider"


@dataclass(frozen=True, slots=True)
class Way:
    """One button: what it sends as `how`, what it is called, and what stands beside it."""

    value: str
    words: Text
    beside: str = ""


def providers(shop: Shop | None = None) -> list[str]:
    """The providers that the operator offers and the shop (None: no shop in particular) takes, the default first."""
    return [name for name in (shops.ways_at(shop) if shop else settings.WAYS_TO_PAY) if name != WALLET]


def choices() -> list[tuple[str, str]]:
    """Everything that may be sent as `how` besides the counter: for forms, which look only once they are used."""
    return [(DEFAULT, ""), *((name, "") for name in settings.WAYS_TO_PAY)]


def takes_counter(shop: Shop) -> bool:
    """Whether guests may choose the counter."""
    return shops.takes(shop, COUNTER)


def refuse_counter(shop: Shop, how: str) -> None:
    """Refuses WayNotTaken for the counter where the shop has switched it off."""
    if how == COUNTER and not takes_counter(shop):
        raise WayNotTaken


def ways_for(shop: Shop, person: Person | None, total: int, at: datetime) -> list[Way]:
    """The buttons for paying `total` at a shop, the default first: the balance where it is enough, else the operator's
    first that the shop takes."""
    if not total:
        return []
    offered = [name for name in providers(shop) if payments.capabilities_of(name).least <= total]
    ways = [Way(DEFAULT if n == 0 else name, WAY_WORDS[name]) for n, name in enumerate(offered)]
    wallet = wallets.wallet_of(person) if WALLET in shops.ways_at(shop) else None
    if wallet and wallets.covers(wallet, total, at):
        ways.insert(0, Way(WALLET, WAY_WORDS[WALLET], won(wallets.balance_of(wallet))))
    return ways


def _provider(shop: Shop, how: str) -> str:
    if how != DEFAULT:
        return how
    if not providers(shop):
        raise WayNotTaken
    return providers(shop)[0]


def begin(
    request: HttpRequest,
    how: str,
    *,
    bill: Bill,
    device: Device | None,
    at: datetime,
    item_name: str = "",
    return_path: str = "",
) -> str:
    """Pay a bill the way that was chosen: where the browser goes, empty where it is paid already. `item_name` and
    `return_path` are for a bill without orders."""
    if how == WALLET:
        wallet = wallets.wallet_of(device.person if device else None)
        if wallet is None:
            raise NoSuchWallet
        ordering.pay_from_wallet(bill=bill, wallet=wallet, at=at)
        return ""
    payment = ordering.begin_payment(
        bill=bill,
        provider=_provider(bill.shop, how),
        origin=request.build_absolute_uri("/").rstrip("/"),
        device=device,
        item_name=item_name,
        return_path=return_path,
        at=at,
    )
    return payment.redirect_url


def begin_part(
    request: HttpRequest, how: str, *, part: BillPart, here: str, device: Device | None, at: datetime
) -> str:
    """Pay a part of a split bill the way that was chosen: where the browser goes, empty where it is paid already."""
    if how == WALLET:
        wallet = wallets.wallet_of(device.person if device else None)
        if wallet is None:
            raise NoSuchWallet
        ordering.pay_part_from_wallet(part=part, wallet=wallet, at=at)
        return ""
    payment = ordering.begin_part_payment(
        part=part,
        provider=_provider(part.bill.shop, how),
        origin=request.build_absolute_uri("/").rstrip("/"),
        return_path=here,
        device=device,
        at=at,
    )
    return payment.redirect_url
