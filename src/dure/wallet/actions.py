"""Everything done with wallets.

Whoever decides by a balance holds its account in the books first (`ledger.hold_accounts`): paying, topping up, taking
back, freezing, merging and closing a wallet happen one after the other, in that order of locks.
"""

from datetime import datetime, timedelta

from django.db import transaction

from dure.kit import jobs
from dure.kit.events import ring
from dure.kit.ids import new_public_id
from dure.ledger import actions as ledger
from dure.ledger.errors import NotEnough
from dure.payments import actions as payments
from dure.payments import queries as payment_queries
from dure.payments.errors import AgreementOver
from dure.payments.events import PaymentFailed, PaymentRefunded, PaymentSettled
from dure.payments.models import Payment
from dure.payments.values import WALLET, AgreementState, Amount
from dure.people import actions as people
from dure.people.errors import Erased
from dure.people.events import PersonErased, PersonsMerged
from dure.people.models import Person
from dure.people.values import RetainedKind
from dure.wallet import errors, queries, rules
from dure.wallet.models import AutoTopUp, PayBack, TopUp, Wallet, WalletStep
from dure.wallet.values import TopUpState, WalletState, Why

ITEM_NAME = "두레 지갑 충전"


@transaction.atomic
def open_wallet(*, person: Person, at: datetime) -> Wallet:
    """The person's wallet, opened at the first asking. Safe to repeat. Refuses: WalletOff, Erased."""
    if not queries.wallets_on():
        raise errors.WalletOff
    if not Person.objects.select_for_update(no_key=True).filter(pk=person.pk, erased_at__isnull=True).exists():
        raise Erased
    known = Wallet.objects.filter(person=person).first()
    if known:
        return known
    wallet = Wallet.objects.create(public_id=new_public_id("wal"), person=person, opened_at=at)
    ledger.open_account(code=wallet.account, floored=True)
    _step(wallet, WalletState.ACTIVE, by=f"person:{person.public_id}", reason="", at=at)
    return wallet


def begin_top_up(*, wallet: Wallet, amount: int, provider: str, origin: str, key: str, at: datetime) -> Payment:
    """Start putting `amount` won in; the caller sends the person to the payment's `redirect_url`.

    Must not be called inside a transaction: the provider is asked. Repeat-safe by key.
    Refuses: WalletOff, WalletFrozen, WalletClosed, AmountWrong, HoldingLimit, DayLimit, and what the rail refuses.
    """
    with transaction.atomic(durable=True):
        top_up = _new_top_up(wallet, amount, provider, key, automatic=False, at=at)
    return payments.prepare_payment(
        provider=provider,
        reference=top_up.public_id,
        amount=Amount(top_up.amount, top_up.amount, 0),  # issuing a means of payment bears no value-added tax
        item_name=ITEM_NAME,
        payer=wallet.public_id,
        payee=wallet.account,
        return_path="/my/wallet",
        origin=origin,
        key=top_up.public_id,
        at=at,
    )


def begin_automation(
    *, wallet: Wallet, below: int, amount: int, most_a_day: int, provider: str, origin: str, key: str, at: datetime
) -> Payment:
    """Agree to automatic top-ups, with a first one: the caller sends the person to the payment's `redirect_url`. It holds
    once that is paid, until `end_automation`. An earlier agreement ends.

    Must not be called inside a transaction. Repeat-safe by key. Refuses: what begin_top_up refuses; AmountWrong where the
    amounts make no sense together.
    """
    if not (below > 0 and amount <= most_a_day):
        raise errors.AmountWrong(errors.AmountWrong.sentence.given(least=f"{queries.limits().least:,}"))
    with transaction.atomic(durable=True):
        top_up = _new_top_up(wallet, amount, provider, key, automatic=True, at=at)
        before = queries.automation_of(wallet)
        if before and not payment_queries.payments_about(top_up.public_id).exists():
            payments.end_agreement(agreement=before.agreement, reason="agreed anew", at=at)
    payment = payments.prepare_payment(
        provider=provider,
        reference=top_up.public_id,
        amount=Amount(top_up.amount, top_up.amount, 0),
        item_name=ITEM_NAME,
        payer=wallet.public_id,
        payee=wallet.account,
        return_path="/my/wallet",
        origin=origin,
        key=top_up.public_id,
        recurring=True,
        at=at,
    )
    if payment.agreement:
        AutoTopUp.objects.get_or_create(
            agreement=payment.agreement,
            defaults={"wallet": wallet, "below": below, "amount": amount, "most_a_day": most_a_day, "agreed_at": at},
        )
    return payment


@transaction.atomic
def end_automation(*, wallet: Wallet, by: str, at: datetime) -> None:
    """Revoke automatic top-ups: from this moment nothing is charged. Safe to repeat."""
    for one in wallet.automations.select_related("agreement"):
        payments.end_agreement(agreement=one.agreement, reason=by, at=at)


def refill_wallet(*, wallet: Wallet, at: datetime) -> Payment | None:
    """Put money in by itself, if the person agreed to it and the balance is below what they said. None where there is
    nothing to do. Must not be called inside a transaction. Safe to repeat: one refill at a time, and a crash between
    writing it down and charging goes on with the same one."""
    with transaction.atomic(durable=True):
        automation = queries.automation_of(wallet)
        if automation is None or automation.agreement.state != AgreementState.ACTIVE:
            return None
        try:
            held = _held(wallet)
        except (errors.WalletOff, errors.WalletClosed, errors.WalletFrozen):
            return None
        top_up = held.top_ups.filter(automatic=True, state=TopUpState.OPEN).order_by("id").first()
        if top_up is None:
            amount = rules.refill(
                balance=queries.balance_of(held),
                below=automation.below,
                amount=automation.amount,
                most_a_day=automation.most_a_day,
                refilled_today=queries.refilled_today(held, at),
                room=queries.room_in(held, at).top_up,
            )
            if not amount:
                return None
            name = new_public_id("top")
            top_up = _new_top_up(held, amount, automation.agreement.provider, name, automatic=True, at=at)
    known = payment_queries.payment_by_key(top_up.public_id)
    if known:
        return known
    try:
        return payments.charge_agreement(
            agreement=automation.agreement,
            reference=top_up.public_id,
            amount=Amount(top_up.amount, top_up.amount, 0),
            item_name=ITEM_NAME,
            payee=held.account,
            key=top_up.public_id,
            at=at,
        )
    except AgreementOver:
        with transaction.atomic():
            _end(top_up, TopUpState.FAILED, at=at, reason="agreement over")
        return None


def pay(
    *, wallet: Wallet, reference: str, amount: Amount, item_name: str, payee: str, key: str, at: datetime
) -> Payment:
    """Pay `amount` to the ledger account `payee` for the caller's `reference`, out of the balance, at once.

    Joins the caller's transaction; nobody outside is asked, so there is no outcome that is not known. Repeat-safe by key.
    Refuses: WalletOff, WalletFrozen, WalletClosed, BalanceShort, DayLimit, the rail's KeyReused; then nothing happened.
    The rail publishes PaymentSettled.
    """
    with transaction.atomic():
        held = _held(wallet)
        known = payment_queries.payment_by_key(key)
        if known is None:
            room = queries.room_in(held, at)
            if amount.total > room.pay:
                raise errors.DayLimit(errors.DayLimit.sentence.given(room=f"{room.pay:,}"), room=room.pay)
        try:
            paid = payments.settle_from_account(
                provider=WALLET,
                source=held.account,
                reference=reference,
                amount=amount,
                item_name=item_name,
                payer=held.public_id,
                payee=payee,
                key=key,
                at=at,
            )
        except NotEnough as short:
            missing = amount.total - queries.balance_of(held)
            raise errors.BalanceShort(
                errors.BalanceShort.sentence.given(short=f"{missing:,}"), short=missing
            ) from short
        automation = queries.automation_of(held)
        if automation and queries.balance_of(held) < automation.below:
            jobs.enqueue("wallet.refill", once=f"wallet:{held.pk}", wallet_id=held.pk)
        return paid


@transaction.atomic
def take_back(*, wallet: Wallet, by: str, at: datetime) -> list[PayBack]:
    """Return the balance, or the last unused top-up, to where it came from, as the law says (`rules.right_to_return`).

    Refuses: NothingToReturn, NotYetReturnable, NeedsHelp where a provider takes it back no more, WalletFrozen when the
    operator froze it. What is on its way back is out of the balance at once.
    """
    held = _held(wallet, frozen=True)
    if held.frozen_by.startswith("operator:"):
        raise errors.NotYours
    if queries.balance_of(held) == 0:
        raise errors.NothingToReturn
    right = queries.returnable(held, at)
    if right is None:
        terms = queries.limits()
        facts = {"used": f"{100 - terms.refund_bps // 100}", "days": f"{terms.unused_days}"}
        raise errors.NotYetReturnable(errors.NotYetReturnable.sentence.given(**facts), **facts)
    why, amount = right
    made, stuck = _send_back(held, amount, why, by=by, at=at)
    if stuck:
        raise errors.NeedsHelp
    return made


@transaction.atomic
def return_balance(*, wallet: Wallet, why: Why, by: str, at: datetime) -> list[PayBack]:
    """An operator returns the whole balance, for a reason of the law: a defect, a disaster, worse terms.

    Refuses: NothingToReturn, WalletClosed, NeedsHelp.
    """
    held = _held(wallet, frozen=True)
    balance = queries.balance_of(held)
    if balance == 0:
        raise errors.NothingToReturn
    made, stuck = _send_back(held, balance, why, by=by, at=at)
    if stuck:
        raise errors.NeedsHelp
    return made


@transaction.atomic
def freeze_wallet(*, wallet: Wallet, by: str, reason: str, at: datetime) -> None:
    """Stop everything that goes out or is put in, at once: a lost phone, a suspicion. An operator's freeze outlasts the
    person's. Refuses: WalletClosed. Safe to repeat."""
    held = _held(wallet, frozen=True)
    if held.state == WalletState.FROZEN and not (by.startswith("operator:") and held.frozen_by != by):
        return
    held.frozen_by = by
    if held.state != WalletState.FROZEN:
        _move(held, WalletState.FROZEN)
    held.save(update_fields=["state", "frozen_by"])
    _step(held, WalletState.FROZEN, by=by, reason=reason, at=at)


@transaction.atomic
def thaw_wallet(*, wallet: Wallet, by: str, at: datetime) -> None:
    """Let it be used again. Refuses: NotYours when an operator froze it and somebody else asks, WalletClosed."""
    held = _held(wallet, frozen=True)
    if held.state != WalletState.FROZEN:
        return
    if held.frozen_by.startswith("operator:") and not by.startswith("operator:"):
        raise errors.NotYours
    held.frozen_by = ""
    _move(held, WalletState.ACTIVE)
    held.save(update_fields=["state", "frozen_by"])
    _step(held, WalletState.ACTIVE, by=by, reason="", at=at)


# What the rail and the house tell ----------------------------------------------------------------------------------------


def confirm_top_up(fact: PaymentSettled) -> None:
    """Money for a top-up arrived: it is in the balance. If the wallet was closed or joined meanwhile, it goes on to
    where it belongs. Heard inside the payment's own transaction."""
    if not fact.reference.startswith("top_"):
        return
    top_up = TopUp.objects.select_for_update(no_key=True).filter(public_id=fact.reference).first()
    if top_up is None:
        return
    payment = payment_queries.payment_by_public_id(fact.public_id)
    ledger.hold_accounts(codes=[payment.payee, top_up.wallet.account])
    wallet = Wallet.objects.get(pk=top_up.wallet_id)
    if payment.payee != wallet.account:
        _carry_over(payment.payee, wallet.account, fact.amount, key=f"wallet-joined:{payment.public_id}", at=fact.at)
    _end(top_up, TopUpState.PAID, at=fact.at, balance_after=queries.balance_of(wallet))
    if wallet.state == WalletState.CLOSED:
        _send_back(wallet, fact.amount, Why.CLOSING, by="wallet", at=fact.at)
    ring(f"wallet:{wallet.pk}")


def fail_top_up(fact: PaymentFailed) -> None:
    """A top-up did not happen; should its money arrive after all, the rail returns it by itself."""
    top_up = TopUp.objects.select_for_update(no_key=True).filter(public_id=fact.reference).first()
    if top_up and top_up.state == TopUpState.OPEN:
        _end(top_up, TopUpState.FAILED, at=fact.at, reason=fact.reason)
        ring(f"wallet:{top_up.wallet_id}")


def welcome_money_back(fact: PaymentRefunded) -> None:
    """A shop returned a payment into a wallet: if that was closed or joined meanwhile, the money goes on."""
    payment = payment_queries.payment_by_id(fact.payment_id)
    wallet = queries.wallet_by_account(payment.source) if payment.source else None
    if wallet is None:
        top_up = TopUp.objects.filter(public_id=fact.reference).first()
        if top_up:
            ring(f"wallet:{top_up.wallet_id}")
        return
    ledger.hold_accounts(codes=[wallet.account])
    wallet.refresh_from_db()
    if wallet.joined:
        home = _home_of(wallet)
        _carry_over(wallet.account, home.account, fact.amount, key=f"wallet-joined:refund:{fact.refund_id}", at=fact.at)
        wallet = home
    if wallet.state == WalletState.CLOSED:
        _send_back(wallet, queries.balance_of(wallet), Why.CLOSING, by="wallet", at=fact.at)
    ring(f"wallet:{wallet.pk}")


def cut_off_person(fact: PersonErased) -> None:
    """An erased person's wallet closes: all of it goes back to where it came from, its rows lead to nobody, and the law's
    five years are kept apart. Nothing is lost: what no provider takes back stays in the books for an operator to pay."""
    wallet = Wallet.objects.filter(person_id=fact.person_id).first()
    if wallet is None:
        return
    person = Person.objects.get(pk=fact.person_id)
    ledger.hold_accounts(codes=[wallet.account])
    wallet.refresh_from_db()
    end_automation(wallet=wallet, by="erased", at=fact.at)
    _close(wallet, by="person", reason="erased", at=fact.at)
    balance = queries.balance_of(wallet)
    if balance:
        _send_back(wallet, balance, Why.CLOSING, by="wallet", at=fact.at)
    people.keep_by_law(
        person=person, kind=RetainedKind.ELECTRONIC_FINANCE, content={"wallet": wallet.public_id}, at=fact.at
    )


def join_wallets(fact: PersonsMerged) -> None:
    """Two identities turned out to be one person: two wallets become one, to the won; an only one changes hands."""
    gone = Wallet.objects.filter(person_id=fact.gone_id).first()
    if gone is None:
        return
    kept = Wallet.objects.filter(person_id=fact.kept_id).first()
    if kept is None:
        Wallet.objects.filter(pk=gone.pk).update(person_id=fact.kept_id)
        return
    ledger.hold_accounts(codes=[gone.account, kept.account])
    gone.refresh_from_db()
    balance = queries.balance_of(gone)
    if balance:
        _carry_over(gone.account, kept.account, balance, key=f"wallet-joined:{gone.public_id}", at=fact.at)
    TopUp.objects.filter(wallet=gone).update(wallet=kept)
    end_automation(wallet=gone, by="joined", at=fact.at)
    if gone.state == WalletState.FROZEN and kept.state == WalletState.ACTIVE:
        freeze_wallet(wallet=kept, by=gone.frozen_by, reason="joined", at=fact.at)
    gone.joined = kept
    _close(gone, by="people", reason="joined", at=fact.at)


# Steps of the above ---------------------------------------------------------------------------------------------------------


def _held(wallet: Wallet, *, frozen: bool = False) -> Wallet:
    """The wallet as it is now, its account locked. A frozen one is refused unless `frozen`."""
    if not queries.wallets_on():
        raise errors.WalletOff
    ledger.hold_accounts(codes=[wallet.account])
    held = Wallet.objects.select_related("person").get(pk=wallet.pk)
    if held.state == WalletState.CLOSED:
        raise errors.WalletClosed
    if held.state == WalletState.FROZEN and not frozen:
        raise errors.WalletFrozen
    return held


def _new_top_up(wallet: Wallet, amount: int, provider: str, key: str, *, automatic: bool, at: datetime) -> TopUp:
    held = _held(wallet)
    known = TopUp.objects.filter(key=key, wallet=held).first()
    if known:
        return known
    terms = queries.limits()
    if amount < terms.least:
        raise errors.AmountWrong(errors.AmountWrong.sentence.given(least=f"{terms.least:,}"))
    room = queries.room_in(held, at)
    if amount > room.holding:
        most = terms.holding_named if queries.is_named(held.person) else terms.holding_anonymous
        raise errors.HoldingLimit(
            errors.HoldingLimit.sentence.given(most=f"{most:,}", room=f"{room.top_up:,}"), most=most, room=room.top_up
        )
    if amount > room.top_up:
        raise errors.DayLimit(errors.DayLimit.sentence.given(room=f"{room.top_up:,}"), room=room.top_up)
    return TopUp.objects.create(
        public_id=new_public_id("top"),
        key=key,
        wallet=held,
        provider=provider,
        amount=amount,
        automatic=automatic,
        opened_at=at,
    )


def _send_back(wallet: Wallet, amount: int, why: Why, *, by: str, at: datetime) -> tuple[list[PayBack], int]:
    """Return `amount` to the top-ups it came from, the latest first; and how much no provider takes back by itself."""
    sources = [one for one in queries.sources_of(wallet) if _still_takes(one.payment, at)]
    parts, stuck = rules.drawn(amount, [one.left for one in sources])
    made = []
    for source, part in zip(sources, parts, strict=True):
        if not part:
            continue
        name = new_public_id("pbk")
        refund = payments.refund_payment(
            payment=source.payment, amount=part, account=wallet.account, reason=why, key=name, at=at
        )
        made.append(
            PayBack.objects.create(
                public_id=name,
                wallet=wallet,
                top_up=source.top_up,
                refund=refund,
                amount=part,
                why=why,
                by=by,
                asked_at=at,
            )
        )
    return made, stuck


def _still_takes(payment: Payment, at: datetime) -> bool:
    window: timedelta | None = payment_queries.capabilities_of(payment.provider).cancel_window
    return window is None or at < (payment.settled_at or payment.created_at) + window


def _carry_over(source: str, destination: str, amount: int, *, key: str, at: datetime) -> None:
    ledger.record_entry(
        key=key, kind="wallet-joined", reference=source, postings=[(source, destination, amount)], at=at
    )


def _home_of(wallet: Wallet) -> Wallet:
    while wallet.joined:
        wallet = wallet.joined
    return wallet


def _end(top_up: TopUp, to: TopUpState, *, at: datetime, reason: str = "", balance_after: int | None = None) -> None:
    if not rules.may_end(TopUpState(top_up.state), to):
        raise RuntimeError(f"{top_up.public_id} cannot go from {top_up.state} to {to}")
    top_up.state, top_up.ended_at, top_up.reason, top_up.balance_after = to, at, reason, balance_after
    top_up.save(update_fields=["state", "ended_at", "reason", "balance_after"])


def _close(wallet: Wallet, *, by: str, reason: str, at: datetime) -> None:
    _move(wallet, WalletState.CLOSED)
    wallet.person, wallet.closed_at = None, at
    wallet.save(update_fields=["state", "person", "closed_at", "joined"])
    _step(wallet, WalletState.CLOSED, by=by, reason=reason, at=at)


def _move(wallet: Wallet, to: WalletState) -> None:
    if not rules.may_move(WalletState(wallet.state), to):
        raise RuntimeError(f"{wallet.public_id} cannot go from {wallet.state} to {to}")
    wallet.state = to


def _step(wallet: Wallet, state: WalletState, *, by: str, reason: str, at: datetime) -> None:
    WalletStep.objects.create(wallet=wallet, state=state, by=by, reason=reason, at=at)
