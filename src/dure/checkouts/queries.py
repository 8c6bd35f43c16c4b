"""Everything read about checkouts, stickers and one-time codes."""

from datetime import datetime

from django.conf import settings
from django.db.models import QuerySet

from dure.checkouts import errors, rules
from dure.checkouts.engine import emvco
from dure.checkouts.models import Checkout, PayCode, Sticker
from dure.checkouts.values import CheckoutState, MpmCode
from dure.ordering import queries as ordering
from dure.payments import errors as payment_errors
from dure.payments import queries as payments
from dure.payments.models import Payment
from dure.payments.values import PaymentState
from dure.people.models import Device
from dure.shops import queries as shops
from dure.shops.models import Shop

_STICKER, _MARK, _CHECKOUT = "01", "02", "03"


def topics_of_bill(bill: str) -> list[str]:
    """What to ring so that the pages of a bill's (public id) checkouts are drawn again."""
    return [f"checkout:{pk}" for pk in Checkout.objects.filter(bill__public_id=bill).values_list("pk", flat=True)]


def checkout_by_code(code: str) -> Checkout:
    """The checkout whose page this code opens, with its shop and bill. Raises NoSuchCheckout. Stand across shops."""
    found = Checkout.objects.select_related("shop", "bill").filter(code=code).first() if len(code) <= 32 else None
    if found is None:
        raise errors.NoSuchCheckout
    return found


def checkouts_of(shop: Shop) -> QuerySet[Checkout]:
    """A shop's checkouts with their bills; order them as you need them."""
    return Checkout.objects.select_related("bill", "shop").filter(shop=shop)


def checkout_of_shop(shop: Shop, public_id: str) -> Checkout:
    """One of the shop's. Raises NoSuchCheckout."""
    found = checkouts_of(shop).filter(public_id=public_id).first()
    if found is None:
        raise errors.NoSuchCheckout
    return found


def payments_of(shop: Shop) -> QuerySet[Payment]:
    """Every payment to the shop, whatever it was for."""
    return payments.payments_to(ordering.payee_of(shop))


def payment_of_shop(shop: Shop, public_id: str) -> Payment:
    """One of the shop's payments. Raises NoSuchPayment."""
    found = payments_of(shop).filter(public_id=public_id).first()
    if found is None:
        raise payment_errors.NoSuchPayment
    return found


def checkout_of_payment(shop: Shop, payment: Payment) -> Checkout | None:
    """What a payment paid; None where it was a table's order."""
    return checkouts_of(shop).filter(bill__public_id=payment.reference).first()


def paid_by(checkout: Checkout) -> Payment | None:
    """The payment that paid it."""
    tries = payments.payments_about(checkout.bill.public_id)
    return tries.filter(state=PaymentState.APPROVED).order_by("id").first()


def tries_of(checkout: Checkout) -> list[Payment]:
    """Every attempt to pay it, oldest first."""
    return list(payments.payments_about(checkout.bill.public_id))


def return_path_of(checkout: Checkout) -> str:
    """Where a provider sends the browser back to."""
    return f"/pay/{checkout.code}?back=1"


def is_payable(checkout: Checkout, at: datetime) -> bool:
    """Whether somebody may begin to pay it."""
    shop = checkout.shop
    open_shop = shop.closed_at is None and bool(shops.ways_at(shop))
    return checkout.state == CheckoutState.OPEN and at < checkout.expires_at and open_shop


def overdue(at: datetime) -> QuerySet[Checkout]:
    """Open ones whose time is over. Stand across shops."""
    return Checkout.objects.select_related("bill").filter(state=CheckoutState.OPEN, expires_at__lte=at).order_by("id")


def stickers_of(shop: Shop) -> QuerySet[Sticker]:
    """The stickers in use, oldest first."""
    return Sticker.objects.filter(shop=shop, retired_at__isnull=True).order_by("id")


def sticker_of_shop(shop: Shop, public_id: str) -> Sticker:
    """A sticker in use. Raises NoSuchSticker."""
    found = stickers_of(shop).filter(public_id=public_id).first()
    if found is None:
        raise errors.NoSuchSticker
    return found


def sticker_by_code(code: str) -> Sticker:
    """The sticker in use, with its shop. Raises NoSuchSticker: for one that we did not sign (without asking the database), a
    retired one, and every one of a shop that closed. Stand across shops."""
    found = (
        Sticker.objects.select_related("shop").filter(code=code, retired_at__isnull=True).first()
        if rules.is_signed(code, settings.SECRET_KEY)
        else None
    )
    if found is None or found.shop.closed_at is not None:
        raise errors.NoSuchSticker
    return found


def payload_of_sticker(sticker: Sticker) -> str:
    """The EMVCo payload for payment apps: static, without an amount."""
    return _payload(sticker.shop, {_STICKER: sticker.code[:16], _MARK: sticker.code[16:]}, None, "")


def payload_of_checkout(checkout: Checkout) -> str:
    """The EMVCo payload for payment apps: dynamic, with the amount."""
    return _payload(checkout.shop, {_CHECKOUT: checkout.code}, checkout.bill.total, checkout.public_id[-25:])


def _payload(shop: Shop, template: dict[str, str], amount: int | None, bill: str) -> str:
    latin = shop.name_en if shop.name_en.isascii() and shop.name_en.isprintable() else ""
    return emvco.build(
        template=template,
        name=latin or "DURE SHOP",
        city="SEOUL",
        local=shop.name,
        local_city="",
        amount=amount,
        bill=bill,
    )


def read_payload(payload: str) -> MpmCode:
    """What a scanned payload of ours says. Raises NotReadable for anything else, a wrong checksum and a sticker that we did
    not sign."""
    try:
        found = emvco.parse(payload)
        ours = emvco.fields_of(found.get("26", ""))
    except ValueError:
        raise errors.NotReadable from None
    sticker = ours.get(_STICKER, "") + ours.get(_MARK, "")
    checkout = ours.get(_CHECKOUT, "")
    amount = found.get("54")
    if ours.get("00") != emvco.GUID or (found["53"], found["58"]) != (emvco.WON, emvco.KOREA):
        raise errors.NotReadable
    if bool(sticker) == bool(checkout) or (sticker and not rules.is_signed(sticker, settings.SECRET_KEY)):
        raise errors.NotReadable
    if (amount is None) != bool(sticker) or (amount is not None and not amount.isdigit()):
        raise errors.NotReadable
    return MpmCode(
        name=found["59"],
        city=found["60"],
        amount=int(amount) if amount is not None else None,
        sticker=sticker,
        checkout=checkout,
    )


def newest_code_of(device: Device | None) -> PayCode | None:
    """The last one-time code that this phone showed."""
    if device is None:
        return None
    return (
        PayCode.objects.select_related("checkout__shop", "checkout__bill").filter(device=device).order_by("-id").first()
    )
