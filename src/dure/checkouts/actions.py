"""Everything done about money that is asked for without an order."""

import secrets
from contextlib import suppress
from datetime import datetime, timedelta

from django.conf import settings
from django.db import IntegrityError, transaction

from dure.checkouts import errors, queries, rules
from dure.checkouts.events import CheckoutClosed, CheckoutOpened, CheckoutPaid, CheckoutReturned
from dure.checkouts.models import Checkout, PayCode, Sticker
from dure.checkouts.values import AMOUNT_MAX, ITEM_MAX, REFERENCE_MAX, STICKER_AMOUNT_MAX, CheckoutKind, CheckoutState
from dure.kit import events, ids
from dure.kit.errors import DureError, Refused
from dure.ordering import actions as ordering
from dure.ordering.events import BillReturned, BillSettled
from dure.ordering.models import Bill
from dure.ordering.values import BillState
from dure.payments.events import PaymentFailed
from dure.payments.models import Payment, Refund
from dure.people.events import PersonErased
from dure.people.models import Device
from dure.shops import fence
from dure.shops import queries as shops
from dure.shops.errors import WayNotTaken
from dure.shops.models import Shop
from dure.shops.values import LINK
from dure.wallet import queries as wallets


def open_checkout(
    *,
    shop: Shop,
    kind: CheckoutKind,
    amount: int,
    tax_free: int = 0,
    item: str = "",
    reference: str = "",
    success_url: str = "",
    cancel_url: str = "",
    life: timedelta | None = None,
    key: str,
    by: str,
    at: datetime,
) -> Checkout:
    """Ask for `amount` won, `tax_free` of them free of VAT; the checkout's page is at `/pay/<code>`.

    Joins the caller's transaction. Repeat-safe: the same `key` is the same checkout.
    Refuses: AmountOutOfRange, TaxFreeTooMuch, AddressNotAllowed, ShopTakesNoMoney, WayNotTaken, CheckoutKeyReused.
    Publishes CheckoutOpened.
    """
    most = STICKER_AMOUNT_MAX if kind == CheckoutKind.STICKER else AMOUNT_MAX
    if not rules.AMOUNT_MIN <= amount <= most:
        sentence = errors.AmountOutOfRange.sentence
        raise errors.AmountOutOfRange(type(sentence)(sentence.ko, sentence.en, {"most": f"{most:,}"}), field="amount")
    if not 0 <= tax_free <= amount:
        raise errors.TaxFreeTooMuch(field="tax_free")
    for name, url in (("success_url", success_url), ("cancel_url", cancel_url)):
        if url and not rules.may_return_to(url, loopback=not settings.PRODUCTION):
            raise errors.AddressNotAllowed(field=name)
    if shop.closed_at is not None or not shops.ways_at(shop):
        raise errors.ShopTakesNoMoney
    if kind == CheckoutKind.LINK and not shops.takes(shop, LINK):
        raise WayNotTaken
    wanted = Checkout(
        shop=shop,
        public_id=ids.new_public_id("chk"),
        code=ids.new_code(),
        kind=kind,
        item=item.strip()[:ITEM_MAX] or shop.name,
        reference=reference[:REFERENCE_MAX],
        success_url=success_url,
        cancel_url=cancel_url,
        key=key,
        by=by,
        opened_at=at,
        expires_at=at + min(life or rules.LIVES[kind], rules.LIFE_MAX),
    )
    with transaction.atomic():
        known = _known(wanted, amount, tax_free)
        if known:
            return known
        try:
            with transaction.atomic():
                wanted.bill = ordering.ask_bill(shop=shop, amount=amount, tax_free=tax_free, at=at)
                wanted.save(force_insert=True)
        except IntegrityError:
            known = _known(wanted, amount, tax_free)
            if known is None:
                raise
            return known
        events.publish(CheckoutOpened(shop_id=shop.pk, checkout_id=wanted.pk, at=at))
        _ring(wanted)
        return wanted


def _known(wanted: Checkout, amount: int, tax_free: int) -> Checkout | None:
    known = Checkout.objects.select_related("shop", "bill").filter(shop=wanted.shop, key=wanted.key).first()
    if known is None:
        return None
    same = all(
        getattr(known, n) == getattr(wanted, n) for n in ("kind", "item", "reference", "success_url", "cancel_url")
    )
    if not same or (known.bill.total, known.bill.tax_free) != (amount, tax_free):
        raise errors.CheckoutKeyReused
    return known


def begin_payment(*, checkout: Checkout, provider: str, origin: str, device: Device, at: datetime) -> Payment:
    """Start paying at a provider on the phone `device`; the caller sends the person to `redirect_url`.

    Must not be called inside a transaction: the provider is asked. Refuses what name_payer and ordering.begin_payment
    refuse.
    """
    return ordering.begin_payment(
        bill=name_payer(checkout=checkout, device=device, at=at),
        provider=provider,
        origin=origin,
        device=device,
        item_name=checkout.item,
        return_path=queries.return_path_of(checkout),
        at=at,
    )


def name_payer(*, checkout: Checkout, device: Device, at: datetime) -> Bill:
    """The phone that is about to pay, and the bill that it pays. Refuses: CheckoutOver, ShopTakesNoMoney, AlreadyPaid."""
    if not queries.is_payable(checkout, at):
        raise errors.CheckoutOver if shops.ways_at(checkout.shop) else errors.ShopTakesNoMoney
    return ordering.name_payer(bill=checkout.bill, device=device)


def cancel_checkout(*, checkout: Checkout, by: str, at: datetime) -> Checkout:
    """Nobody asks for it any more. Repeat-safe. Joins the caller's transaction.

    Refuses: CheckoutOver once it is paid or expired, PaymentBeingChecked while its payment's outcome is unknown.
    Publishes CheckoutClosed.
    """
    return _close(checkout, CheckoutState.CANCELLED, by, at)


def expire_checkouts(*, at: datetime) -> int:
    """Close what nobody paid in time; one whose payment is being looked into waits for the next turn. Returns how many."""
    closed = 0
    with fence.across_shops():
        for checkout in queries.overdue(at)[:500]:
            try:
                _close(checkout, CheckoutState.EXPIRED, "job:expired", at)
                closed += 1
            except DureError:
                continue
    return closed


def _close(checkout: Checkout, to: CheckoutState, by: str, at: datetime) -> Checkout:
    with transaction.atomic():
        # The bill first, always: whoever settles it holds it when it comes to the checkout.
        bill = ordering.lock_bill(bill=checkout.bill)
        locked = Checkout.objects.select_for_update(of=("self",)).select_related("shop", "bill").get(pk=checkout.pk)
        if locked.state == to:
            return locked
        if not rules.may_move(CheckoutState(locked.state), to) or bill.state != BillState.OPEN:
            raise errors.CheckoutOver
        ordering.give_up_bill(bill=bill, by=by, at=at)
        locked.state, locked.ended_at = to, at
        locked.save(update_fields=["state", "ended_at"])
        events.publish(CheckoutClosed(shop_id=locked.shop_id, checkout_id=locked.pk, at=at))
        _ring(locked)
        return locked


def return_money(*, checkout: Checkout, amount: int, reason: str, key: str, by: str, at: datetime) -> Refund:
    """Send `amount` won of a paid checkout back. Repeat-safe by `key`. Joins the caller's transaction.

    Refuses: SecondPersonNeeded (ordering), NotPaid, RefundTooMuch, KeyReused (payments). Publishes CheckoutReturned.
    """
    return ordering.return_won(
        bill=checkout.bill, amount=amount, reason=reason.strip()[:200] or "returned", key=key, by=by, at=at
    )


# Stickers -----------------------------------------------------------------------------------------------------------


def make_sticker(*, shop: Shop, name: str, at: datetime) -> Sticker:
    """A new code to print, signed, so that nobody else can make one that we would believe."""
    return Sticker.objects.create(
        shop=shop,
        public_id=ids.new_public_id("stk"),
        code=rules.signed(ids.new_code(), settings.SECRET_KEY),
        name=name.strip()[:40] or shop.name,
        made_at=at,
    )


def retire_sticker(*, sticker: Sticker, at: datetime) -> Sticker:
    """From now on the printed code opens nothing: it was swapped, lost or torn off. Repeat-safe."""
    Sticker.objects.filter(pk=sticker.pk, retired_at__isnull=True).update(retired_at=at)
    sticker.refresh_from_db()
    return sticker


# One-time codes of guests -------------------------------------------------------------------------------------------


def make_pay_code(*, device: Device, at: datetime) -> tuple[PayCode, str]:
    """24 digits for this phone, good for three minutes and one payment; the older ones of the phone are void from now on.
    The digits are told once: only their hash is kept."""
    digits = rules.digits_from(settings.PAY_CODE_PREFIX, secrets.randbelow(10**16))
    with transaction.atomic():
        Device.objects.select_for_update(no_key=True).get(pk=device.pk)
        PayCode.objects.filter(device=device, used_at__isnull=True, expires_at__gt=at).update(expires_at=at)
        code = PayCode.objects.create(
            digits_hash=rules.digits_hash(digits, settings.SECRET_KEY),
            device=device,
            made_at=at,
            expires_at=at + rules.CODE_LIFE,
        )
    return code, digits


def take_code(
    *, shop: Shop, digits: str, amount: int, item: str = "", reference: str = "", key: str, by: str, at: datetime
) -> Checkout:
    """Take the guest's one-time code for `amount` won: a checkout that belongs to the guest's phone, to be paid by what the
    guest has linked, or on the phone itself. Two tills with one code: one takes it.

    Where the guest's wallet covers it, it is paid in the same transaction. Joins the caller's transaction. Repeat-safe by
    `key`. Refuses: CodeWrong, CodeExpired, CodeUsed, and what open_checkout refuses; a refused code stays as it was.
    """
    read = rules.read_digits(digits, settings.PAY_CODE_PREFIX)
    if read is None:
        raise errors.CodeWrong(field="code")
    with transaction.atomic():
        code = (
            PayCode.objects.select_for_update(of=("self",))
            .select_related("device__person")
            .filter(digits_hash=rules.digits_hash(read, settings.SECRET_KEY))
            .first()
        )
        if code is None:
            raise errors.CodeWrong(field="code")
        again = Checkout.objects.filter(shop=shop, key=key).first()
        if code.used_at is not None and (again is None or code.checkout_id != again.pk):
            raise errors.CodeUsed(field="code")
        if code.used_at is None and code.expires_at <= at:
            raise errors.CodeExpired(field="code")
        checkout = open_checkout(
            shop=shop, kind=CheckoutKind.CODE, amount=amount, item=item, reference=reference, key=key, by=by, at=at
        )
        if code.used_at is None:
            code.used_at, code.checkout = at, checkout
            code.save(update_fields=["used_at", "checkout"])
            ordering.name_payer(bill=checkout.bill, device=code.device)
            _pay_from_wallet(checkout, code.device, at)
            events.ring(f"pay-code:{code.device_id}")
        return queries.checkout_of_shop(shop, checkout.public_id)


def _pay_from_wallet(checkout: Checkout, device: Device, at: datetime) -> None:
    """Showing the code was the guest's word; where the wallet cannot pay, the guest is asked on the phone."""
    wallet = wallets.wallet_of(device.person)
    if wallet is None or not wallets.covers(wallet, checkout.bill.total, at):
        return
    with suppress(Refused), transaction.atomic():
        ordering.pay_from_wallet(bill=checkout.bill, wallet=wallet, at=at)


def drop_pay_codes(*, at: datetime) -> int:
    """Forget codes that ended a day ago. Returns how many."""
    return PayCode.objects.filter(expires_at__lt=at - timedelta(days=1)).delete()[0]


# What others say ----------------------------------------------------------------------------------------------------


def mark_paid(fact: BillSettled) -> None:
    """The bill of a checkout was paid: so is the checkout. Publishes CheckoutPaid."""
    if fact.visit_id is not None:
        return  # what guests at a table ordered, no checkout asked for
    with fence.anywhere():
        locked = Checkout.objects.select_for_update().filter(bill_id=fact.bill_id).first()
        if locked is None:
            return
        if not rules.may_move(CheckoutState(locked.state), CheckoutState.PAID):
            raise RuntimeError(f"{locked.public_id} is {locked.state}, and its bill was paid")
        locked.state, locked.paid_at = CheckoutState.PAID, fact.at
        locked.save(update_fields=["state", "paid_at"])
        events.publish(CheckoutPaid(shop_id=locked.shop_id, checkout_id=locked.pk, at=fact.at))
        _ring(locked)


def mark_returned(fact: BillReturned) -> None:
    """Money of a checkout goes back. Publishes CheckoutReturned."""
    with fence.anywhere():
        locked = (
            Checkout.objects.select_for_update(of=("self",)).select_related("bill").filter(bill_id=fact.bill_id).first()
        )
        if locked is None:
            return
        if locked.bill.state == BillState.RETURNED:
            locked.state, locked.ended_at = CheckoutState.RETURNED, fact.at
            locked.save(update_fields=["state", "ended_at"])
        events.publish(CheckoutReturned(shop_id=locked.shop_id, checkout_id=locked.pk, amount=fact.amount, at=fact.at))
        _ring(locked)


def show_payment(fact: PaymentFailed) -> None:
    """An attempt failed: whoever looks at the checkout sees it."""
    with fence.anywhere():
        found = Checkout.objects.filter(bill__public_id=fact.reference).first()
        if found:
            _ring(found)


def cut_off_person(fact: PersonErased) -> None:
    """An erased person's phones have no codes any more; what they paid stays with the bill, which leads to nobody."""
    PayCode.objects.filter(device__person_id=fact.person_id).delete()


def _ring(checkout: Checkout) -> None:
    code = PayCode.objects.filter(checkout=checkout).values_list("device_id", flat=True).first()
    events.ring(
        f"shop:{checkout.shop_id}", f"checkout:{checkout.pk}", *([f"pay-code:{code}"] if code is not None else [])
    )
