"""Signatures, schedules and addresses, against the standard's own vector and library."""

import random
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from dure.partners import rules
from dure.partners.values import Answered
from tests import cast

SECRET = "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="
BODY = b'{"type":"order.paid","timestamp":"2026-11-23T00:00:00Z","data":{"id":"ord_1"}}'
STAMP = 1_795_392_000
MARK = "v1,l+l+NAeGTdl3s6/TA7pJiyRjeEtClMmrT9LywZofdZ4="


def headers(signature: str = MARK, message: str = "msg_test1", stamp: object = STAMP) -> dict[str, str]:
    return {"webhook-id": message, "webhook-timestamp": str(stamp), "webhook-signature": signature}


def test_the_vector() -> None:
    assert rules.signature(SECRET, "msg_test1", STAMP, BODY) == MARK
    assert rules.verifies([SECRET], headers(), BODY, STAMP + 300)
    assert rules.verifies([SECRET], headers(f"v1,AAAA v1a,xyz {MARK}"), BODY, STAMP)


def test_what_is_old_from_the_future_or_not_ours_is_refused() -> None:
    assert not rules.verifies([SECRET], headers(), BODY, STAMP + 301)
    assert not rules.verifies([SECRET], headers(), BODY, STAMP - 301)
    assert not rules.verifies([SECRET], headers(message="msg_test2"), BODY, STAMP)
    assert not rules.verifies([SECRET], headers(), BODY + b" ", STAMP)
    assert not rules.verifies([rules.webhook_secret("x", "whk_1", 1)], headers(), BODY, STAMP)
    assert not rules.verifies([SECRET], {}, BODY, STAMP)


def test_ten_thousand_changed_signatures_are_refused() -> None:
    chance = random.Random(3)
    letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/=, "
    accepted = 0
    for _ in range(10_000):
        place = chance.randrange(len(MARK))
        changed = MARK[:place] + chance.choice(letters) + MARK[place + 1 :]
        accepted += changed != MARK and rules.verifies([SECRET], headers(changed), BODY, STAMP)
    assert accepted == 0


def test_a_verifier_that_compares_beginnings_would_be_noticed() -> None:
    """Control: accepts whatever begins like the right signature; the same changes get through it."""
    chance = random.Random(3)
    through = 0
    for _ in range(1_000):
        place = chance.randrange(len(MARK))
        changed = MARK[:place] + "A" + MARK[place + 1 :]
        through += changed != MARK and changed[:10] == MARK[:10]
    assert through > 100


@settings(max_examples=500, deadline=None)
@given(st.text(max_size=60), st.text(max_size=20), st.text(max_size=300), st.binary(max_size=200))
def test_the_verifier_never_raises_and_believes_no_noise(message: str, stamp: str, mark: str, body: bytes) -> None:
    assert not rules.verifies([SECRET, "whsec_", "nonsense"], headers(mark, message, stamp), body, STAMP)


def test_the_standards_own_library_agrees() -> None:
    from datetime import UTC, datetime

    now = int(datetime.now(UTC).timestamp())
    secret = rules.webhook_secret("ours", "whk_1", 1)
    mark = rules.signature(secret, "evt_1", now, BODY)
    assert Webhook(secret).verify(BODY, headers(mark, "evt_1", now))["type"] == "order.paid"
    with pytest.raises(WebhookVerificationError):
        Webhook(rules.webhook_secret("ours", "whk_1", 2)).verify(BODY, headers(mark, "evt_1", now))
    theirs = Webhook(secret).sign("evt_2", datetime.fromtimestamp(now, UTC), BODY.decode())
    assert rules.verifies([secret], headers(theirs, "evt_2", now), BODY, now)


def test_tries_are_spread_and_end() -> None:
    silent = Answered(fault="no answer in time")
    for tries, pause in enumerate(rules.PAUSES, start=1):
        for chance in (0, 50, 99):
            when = rules.next_try(tries, cast.NOON, silent, chance)
            assert when
            assert pause * 8 / 10 <= when - cast.NOON <= pause * 12 / 10
    assert rules.next_try(len(rules.PAUSES) + 1, cast.NOON, silent, 50) is None
    slow = rules.next_try(1, cast.NOON, Answered(status=429), 50)
    assert slow
    assert slow - cast.NOON > timedelta(seconds=8)


TARGETS = [
    "http://127.0.0.1/",
    "https://127.0.0.1/",
    "https://127.1/",
    "https://2130706433/",
    "https://0x7f000001/",
    "https://0x7f.1/",
    "https://0177.0.0.1/",
    "https://017700000001/",
    "https://0/",
    "https://0.0.0.0/",
    "https://127.0.0.1:443/",
    "https://127.255.255.254/",
    "https://10.0.0.1/",
    "https://10.255.255.255/",
    "https://172.16.0.1/",
    "https://172.31.255.255/",
    "https://192.168.0.1/",
    "https://192.168.1.254/",
    "https://169.254.169.254/",
    "https://169.254.170.2/",
    "https://100.100.100.200/",
    "https://100.64.0.1/",
    "https://192.0.0.192/",
    "https://198.18.0.1/",
    "https://192.0.2.1/",
    "https://224.0.0.1/",
    "https://240.0.0.1/",
    "https://255.255.255.255/",
    "https://[::1]/",
    "https://[::]/",
    "https://[::ffff:127.0.0.1]/",
    "https://[::ffff:7f00:1]/",
    "https://[::ffff:169.254.169.254]/",
    "https://[fe80::1]/",
    "https://[fe80::1%25eth0]/",
    "https://[fc00::1]/",
    "https://[fd00:ec2::254]/",
    "https://[ff02::1]/",
    "https://[64:ff9b::7f00:1]/",
    "https://[64:ff9b::a9fe:a9fe]/",
    "https://[2002:7f00:1::]/",
    "https://[2002:a9fe:a9fe::1]/",
    "https://[::127.0.0.1]/",
    "https://[2001:db8::1]/",
    "https://localhost/",
    "https://LOCALHOST/",
    "https://localhost.localdomain/",
    "https://sub.localhost/",
    "https://metadata.google.internal/",
    "https://instance-data/",
    "https://router.local/",
    "https://user@127.0.0.1/",
    "https://example.com@127.0.0.1/",
    "https://example.com:22/",
    "https://example.com:8443/",
    "http://example.com/",
    "ftp://example.com/",
    "file:///etc/passwd",
    "gopher://127.0.0.1:6379/_INFO",
    "https://①②⑦.⓪.⓪.①/",
    "https://127。0。0。1/",
    "https://example.com\\@127.0.0.1/",
    "https:///etc/passwd",
    "https://.example.com/",
    "https://example..com/",
    "https://-a.com/",
    "https://1.2.3.4.5/",
    "https://host.invalid/",
]


def test_sixty_targets_cannot_even_be_registered() -> None:
    assert len(TARGETS) >= 60
    assert [url for url in TARGETS if rules.could_be_sent_to(url)] == []
    for good in ("https://hooks.partner.example/dure", "https://partner.co.kr:443/x?y=1"):
        assert rules.could_be_sent_to(good)


@pytest.mark.parametrize("address", ["8.8.8.8", "1.1.1.1", "2606:4700:4700::1111"])
def test_the_internet_is_public(address: str) -> None:
    assert rules.is_public(address)
