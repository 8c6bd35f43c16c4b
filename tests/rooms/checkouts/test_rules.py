"""Digits, signatures and addresses to return to."""

import pytest

from dure.checkouts import rules
from dure.checkouts.values import CheckoutState


def test_one_wrong_digit_or_two_changed_places_are_noticed() -> None:
    digits = rules.digits_from("770188", 1_234_567_890_123_456)
    assert rules.read_digits(f" {digits[:6]} {digits[6:14]}-{digits[14:]}", "770188") == digits
    for place in range(24):
        for other in "0123456789":
            if other != digits[place]:
                assert rules.read_digits(digits[:place] + other + digits[place + 1 :], "770188") is None
    for place in range(23):
        swapped = digits[:place] + digits[place + 1] + digits[place] + digits[place + 2 :]
        assert swapped == digits or rules.read_digits(swapped, "770188") is None


def test_foreign_digits_are_not_ours() -> None:
    digits = rules.digits_from("281006", 7)
    assert rules.read_digits(digits, "770188") is None
    assert rules.read_digits("١" * 24, "770188") is None


def test_a_stickers_code_is_signed() -> None:
    code = rules.signed("ABCDEFGH12345678", "secret")
    assert rules.is_signed(code, "secret")
    assert not rules.is_signed(code, "other secret")
    assert not rules.is_signed(code[:-1] + ("0" if code[-1] != "0" else "1"), "secret")
    assert not rules.is_signed(code[:16], "secret")


@pytest.mark.parametrize(
    "url",
    [
        "http://shop.example/", "javascript:alert(1)", "https://user:pw@shop.example/", "//shop.example/", "/inside",
        "https://", "https://shop.example:0/", "https://shop.example/\r\nSet-Cookie: a=b", "https:\\\\shop.example",
        "https://shop.example /", "https://샵.example/", "data:text/html,x", "ftp://shop.example/", "https://[::1",
        "https://shop.example:99999/", "http://127.0.0.1/", "HTTPS://", "https:shop.example", "https://" + "a" * 2_000,
    ],
)  # fmt: skip
def test_a_browser_is_not_sent_there(url: str) -> None:
    assert not rules.may_return_to(url, loopback=False)


def test_a_browser_may_be_sent_to_a_shop_of_its_own() -> None:
    assert rules.may_return_to("https://shop.example/thanks?order=1#x", loopback=False)
    assert rules.may_return_to("http://127.0.0.1:9000/thanks", loopback=True)
    assert not rules.may_return_to("http://shop.example/", loopback=True)


def test_what_is_over_stays_over() -> None:
    assert rules.may_move(CheckoutState.OPEN, CheckoutState.PAID)
    for over in (CheckoutState.CANCELLED, CheckoutState.EXPIRED, CheckoutState.RETURNED):
        assert rules.TRANSITIONS[over] == ()
