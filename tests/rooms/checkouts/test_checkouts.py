"""Asking for money, being paid once, and giving it back."""

from datetime import timedelta

import pytest

from dure.checkouts import actions, errors, queries
from dure.checkouts.models import Checkout
from dure.checkouts.values import CheckoutKind, CheckoutState
from dure.kit.errors import Refused
from dure.ordering.errors import AlreadyPaid
from dure.ordering.models import Bill
from dure.payments import actions as payments
from dure.payments.errors import RefundTooMuch
from dure.payments.models import Refund
from dure.payments.values import PaymentState
from dure.people import actions as people
from dure.project import verify
from dure.regulars import actions as regulars
from dure.wallet import actions as wallets
from dure.wallet import queries as wallet_queries
from tests import cast
from tests.races import at_once
from tests.rooms.checkouts.conftest import Till


def stands(checkout: Checkout) -> Checkout:
    return Checkout.objects.select_related("bill", "shop").get(pk=checkout.pk)


def test_asked_paid_and_returned_in_two_pieces(lone_till: Till) -> None:
    checkout = lone_till.asks()
    assert lone_till.pays(checkout).state == PaymentState.APPROVED
    assert stands(checkout).state == CheckoutState.PAID
    actions.return_money(checkout=stands(checkout), amount=2_500, reason="", key="r1", by="key:test", at=cast.NOON)
    again = actions.return_money(
        checkout=stands(checkout), amount=2_500, reason="", key="r1", by="key:test", at=cast.NOON
    )
    assert Refund.objects.count() == 1
    assert stands(checkout).state == CheckoutState.PAID
    with pytest.raises(RefundTooMuch):
        actions.return_money(checkout=stands(checkout), amount=10_001, reason="", key="r2", by="key:test", at=cast.NOON)
    rest = actions.return_money(
        checkout=stands(checkout), amount=10_000, reason="", key="r3", by="key:test", at=cast.NOON
    )
    assert stands(checkout).state == CheckoutState.RETURNED
    for refund in (again, rest):
        payments.carry_out_refund(refund=refund, at=cast.NOON)
    assert [broken for _, broken in verify._findings() if broken] == []


def test_the_same_key_is_the_same_checkout_and_another_body_is_refused(till: Till) -> None:
    first = till.asks()
    assert till.asks().pk == first.pk
    with pytest.raises(errors.CheckoutKeyReused):
        till.asks(12_501)
    with pytest.raises(errors.CheckoutKeyReused):
        till.asks(item="other")
    assert Bill.objects.count() == Checkout.objects.count() == 1


def test_sixteen_askers_with_one_key_ask_once(till: Till) -> None:
    from dure.shops import fence

    def ask() -> str:
        with fence.across_shops():
            return till.asks().public_id

    results = at_once(*[ask] * 16)
    assert len(set(results)) == 1, results
    assert Bill.objects.count() == 1


@pytest.mark.parametrize("amount", [99, 0, -1, 10_000_001])
def test_an_amount_out_of_range_is_refused(till: Till, amount: int) -> None:
    with pytest.raises(errors.AmountOutOfRange):
        till.asks(amount)
    assert not Bill.objects.exists()


def test_what_is_cancelled_takes_no_money_and_late_money_goes_back(till: Till) -> None:
    checkout = till.asks()
    payment = till.begins(checkout)
    token = till.sandbox.agree(payment.redirect_url)
    actions.cancel_checkout(checkout=checkout, by="staff:test", at=cast.NOON)
    assert payments.approve_payment(payment=payment, token=token, at=cast.NOON).state == PaymentState.FAILED
    with pytest.raises(errors.CheckoutOver):
        till.begins(stands(checkout))
    assert till.sandbox.truth()[payment.public_id]["approvals"] == 0


def test_a_paid_checkout_cannot_be_cancelled_or_paid_again(till: Till) -> None:
    checkout = till.asks()
    till.pays(checkout)
    with pytest.raises(errors.CheckoutOver):
        actions.cancel_checkout(checkout=stands(checkout), by="staff:test", at=cast.NOON)
    with pytest.raises(Refused):
        till.begins(stands(checkout))
    with pytest.raises(AlreadyPaid):
        till.begins(checkout)  # a page that was drawn before


def test_what_nobody_paid_in_time_is_over(till: Till) -> None:
    checkout = till.asks(kind=CheckoutKind.TILL)
    late = cast.NOON + timedelta(minutes=15)
    with pytest.raises(errors.CheckoutOver):
        till.begins(checkout, at=late)
    assert actions.expire_checkouts(at=late) == 1
    assert actions.expire_checkouts(at=late) == 0
    assert stands(checkout).state == CheckoutState.EXPIRED


def test_paying_a_checkout_counts_as_a_visit_of_a_friend(till: Till) -> None:
    till.pays(till.asks())
    person = people.ensure_person(device=till.device, at=cast.NOON)
    relation = regulars.join_channel(
        shop=till.shop, person=person, device=till.device, source="test", by="person:test", at=cast.NOON
    )
    relation.refresh_from_db()
    assert (relation.visits, relation.spend) == (1, 12_500)


# Stickers


def test_a_sticker_opens_its_shop_until_it_is_retired_or_the_shop_closes(till: Till) -> None:
    sticker = actions.make_sticker(shop=till.shop, name="계산대", at=cast.NOON)
    assert queries.sticker_by_code(sticker.code).shop == till.shop
    read = queries.read_payload(queries.payload_of_sticker(sticker))
    assert (read.sticker, read.amount) == (sticker.code, None)
    second = actions.make_sticker(shop=till.shop, name="창가", at=cast.NOON)
    actions.retire_sticker(sticker=second, at=cast.NOON)
    with pytest.raises(errors.NoSuchSticker):
        queries.sticker_by_code(second.code)
    till.shop.closed_at = cast.NOON
    till.shop.save(update_fields=["closed_at"])
    with pytest.raises(errors.NoSuchSticker):
        queries.sticker_by_code(sticker.code)


def test_a_forged_sticker_is_not_even_looked_up(till: Till, django_assert_num_queries: object) -> None:
    sticker = actions.make_sticker(shop=till.shop, name="계산대", at=cast.NOON)
    forged = sticker.code[:16] + "ZZZZZZZZ"
    with django_assert_num_queries(0), pytest.raises(errors.NoSuchSticker):  # type: ignore[operator]
        queries.sticker_by_code(forged)
    payload = queries.payload_of_sticker(sticker)
    for wrong in (payload.replace(sticker.code[16:], "ZZZZZZZZ"), payload[:-4] + "0000", "", "https://evil.example"):
        with pytest.raises(errors.NotReadable):
            queries.read_payload(wrong)


def test_a_dynamic_payload_names_its_checkout_and_amount(till: Till) -> None:
    checkout = till.asks(4_500)
    read = queries.read_payload(queries.payload_of_checkout(checkout))
    assert (read.checkout, read.amount, read.sticker) == (checkout.code, 4_500, "")


# One-time codes


def take(till: Till, digits: str, key: str, shop: object = None, at: object = None) -> Checkout:
    from dure.shops import fence

    with fence.across_shops():
        return actions.take_code(
            shop=shop or till.shop,
            digits=digits,
            amount=5_000,
            key=key,
            by="staff:test",
            at=at or cast.NOON,  # type: ignore[arg-type]
        )


def test_a_code_is_taken_once_and_its_phone_may_pay(till: Till) -> None:
    code, digits = actions.make_pay_code(device=till.device, at=cast.NOON)
    assert digits not in str(vars(code))
    checkout = take(till, digits, "t1")
    assert take(till, digits, "t1").pk == checkout.pk
    assert checkout.bill.total == 5_000
    assert Bill.objects.get().device_id == till.device.pk
    with pytest.raises(errors.CodeUsed):
        take(till, digits, "t2")
    with pytest.raises(errors.CodeUsed):
        take(till, digits, "t1", shop=cast.zelkova_coffee())
    assert Bill.objects.count() == 1


def test_old_unknown_and_mistyped_codes_are_refused(till: Till) -> None:
    _, digits = actions.make_pay_code(device=till.device, at=cast.NOON)
    with pytest.raises(errors.CodeExpired):
        take(till, digits, "t1", at=cast.NOON + timedelta(seconds=180))
    with pytest.raises(errors.CodeWrong):
        take(till, digits[:-1] + str((int(digits[-1]) + 1) % 10), "t1")
    from dure.checkouts import rules

    with pytest.raises(errors.CodeWrong):
        take(till, rules.digits_from("770188", 5), "t1")
    _, newer = actions.make_pay_code(device=till.device, at=cast.NOON)
    with pytest.raises(errors.CodeExpired):
        take(till, digits, "t1")
    assert not Bill.objects.exists()
    assert take(till, newer, "t1").state == CheckoutState.OPEN


def test_two_tills_with_one_code_one_takes_it(till: Till) -> None:
    for turn in range(8):
        _, digits = actions.make_pay_code(device=till.device, at=cast.NOON)
        before = Bill.objects.count()
        results = at_once(*[lambda n=n, d=digits, t=turn: take(till, d, f"{t}-{n}") for n in range(6)])  # type: ignore[misc]
        taken = [one for one in results if isinstance(one, Checkout)]
        assert len(taken) == 1, results
        assert all(isinstance(one, Checkout | errors.CodeUsed) for one in results)
        assert Bill.objects.count() == before + 1


def test_a_code_read_without_a_lock_would_be_taken_twice(till: Till) -> None:
    """Control: look, then mark, without a lock: two tills both find it unused."""
    import threading

    from dure.checkouts.models import PayCode

    code, _ = actions.make_pay_code(device=till.device, at=cast.NOON)
    seen = threading.Barrier(2)

    def naive() -> bool:
        free = PayCode.objects.get(pk=code.pk).used_at is None
        seen.wait(10)
        PayCode.objects.filter(pk=code.pk).update(used_at=cast.NOON)
        return free

    assert at_once(naive, naive) == [True, True]


def test_an_erased_person_leaves_no_code(till: Till) -> None:
    actions.make_pay_code(device=till.device, at=cast.NOON)
    person = people.ensure_person(device=till.device, at=cast.NOON)
    people.erase_person(person=person, by="person:test", at=cast.NOON)
    from dure.checkouts.models import PayCode

    assert not PayCode.objects.exists()


def test_a_closed_shop_asks_for_nothing(till: Till) -> None:
    till.shop.takes_online = False  # its owner takes money at the counter alone
    with pytest.raises(errors.ShopTakesNoMoney):
        till.asks()


def test_a_guest_with_enough_in_the_wallet_has_paid_in_the_same_moment(till: Till) -> None:
    person = people.ensure_person(device=till.device, at=cast.NOON)
    wallet = wallets.open_wallet(person=person, at=cast.NOON)
    top_up = wallets.begin_top_up(
        wallet=wallet, amount=7_000, provider="kakaopay", origin="http://testserver", key="t", at=cast.NOON
    )
    payments.approve_payment(payment=top_up, token=till.sandbox.agree(top_up.redirect_url), at=cast.NOON)
    _, digits = actions.make_pay_code(device=till.device, at=cast.NOON)
    assert take(till, digits, "t1").state == CheckoutState.PAID
    assert wallet_queries.balance_of(wallet) == 2_000
    assert take(till, digits, "t1").state == CheckoutState.PAID
    _, more = actions.make_pay_code(device=till.device, at=cast.NOON)
    assert take(till, more, "t2").state == CheckoutState.OPEN  # 2,000 won do not cover 5,000: asked on the phone
    assert wallet_queries.balance_of(wallet) == 2_000
