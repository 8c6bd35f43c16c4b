"""What people call the ways to pay. A provider that is added has its line here."""

from collections.abc import Mapping

from dure.kit.language import Text, say
from dure.shops.values import COUNTER, LINK, WALLET

WAY_WORDS: Mapping[str, Text] = {
    "kakaopay": say("카카오페이", en="Kakao Pay"),
    "toss": say("토스페이", en="Toss Pay"),
    WALLET: say("두레 지갑", en="Dure wallet"),
    COUNTER: say("카운터", en="Counter"),
    LINK: say("결제 링크", en="Payment links"),
    "coupon": say("쿠폰", en="Coupon"),
    "split": say("나눠서 결제", en="Split"),
}
