"""After a withdrawal was acknowledged nothing is handed over: tried with real transactions against each other."""

import threading
from collections.abc import Callable
from datetime import UTC, datetime
from itertools import count

import pytest
from django.db import connection, transaction
from django.test import TransactionTestCase, override_settings

from dure.messaging import actions as messaging
from dure.messaging import queries as inboxes
from dure.messaging.errors import NotPermitted
from dure.messaging.models import Message
from dure.messaging.values import MessageKind
from dure.people import actions as people
from dure.people import queries
from dure.people.models import Person, Retained
from dure.people.values import Purpose, inbox_address
from tests.patience import eventually
from tests.races import somebody_waits_for, waiting_for

NOON = datetime(2026, 11, 23, 3, 0, tzinfo=UTC)
SHOP = "shop:shp_noodles"
AD = {"title": "(광고) 오늘 저녁 반값", "body": "", "link": ""}
Between = Callable[[], None]


def agree(person: Person) -> None:
    people.give_consent(
        person=person, sender=SHOP, purpose=Purpose.ADVERTISING, source="join", proof={}, by="guest", at=NOON
    )


def withdraw(person: Person) -> None:
    people.withdraw_consent(
        person=person, sender=SHOP, purpose=Purpose.ADVERTISING, source="my page", proof={}, by="guest", at=NOON
    )


def send_with_permit(person: Person, between: Between, key: str) -> None:
    with transaction.atomic():
        permit = people.permit_message(person=person, sender=SHOP, kind=MessageKind.ADVERTISING, at=NOON, **AD)
        between()
        messaging.send_message(permit=permit, sender_name="마실국수", key=key, at=NOON, **AD)


def send_naively(person: Person, between: Between, key: str) -> None:
    """What a campaign does that asks for the consent first and hands over later."""
    if Purpose.ADVERTISING not in queries.consents_held(person, SHOP):
        return
    between()
    with transaction.atomic():
        permit = messaging.issue_permit(
            address=inbox_address(person.public_id),
            sender=SHOP,
            kind=MessageKind.ADVERTISING,
            basis="asked before",
            at=NOON,
            until=None,
            **AD,
        )
        messaging.send_message(permit=permit, sender_name="마실국수", key=key, at=NOON, **AD)


def in_thread(work: Callable[[], None]) -> threading.Thread:
    def run() -> None:
        try:
            work()
        finally:
            connection.close()

    return threading.Thread(target=run)


def what_happened(person: Person, send: Callable[[Person, Between, str], None]) -> list[str]:
    """The order of things when the person withdraws between the question and the hand-over."""
    happened: list[str] = []

    def acknowledge() -> None:
        withdraw(person)
        happened.append("acknowledged")

    withdrawal = in_thread(acknowledge)

    def between() -> None:
        withdrawal.start()
        eventually(lambda: "acknowledged" in happened or somebody_waits_for("people.person"))
        happened.append("handed over")

    send(person, between, "race")
    withdrawal.join(10)
    return happened


class NothingIsHandedOverAfterTheAcknowledgement(TransactionTestCase):
    """Without the transaction that usually wraps a test: the rows are committed, and really erased afterwards."""

    def setUp(self) -> None:
        self.person = people.open_account(email="race@example.com", at=NOON)
        self.addCleanup(connection.close)
        self.addCleanup(self.leave_nothing)

    def _fixture_teardown(self) -> None:
        """Django would truncate every table, which the append-only ones refuse."""

    def leave_nothing(self) -> None:
        people.erase_person(person=self.person, by="test", at=NOON)
        Retained.objects.all().delete()
        self.person.delete()

    def test_a_withdrawal_waits_for_the_hand_over_under_way(self) -> None:
        agree(self.person)
        assert what_happened(self.person, send_with_permit) == ["handed over", "acknowledged"]
        with pytest.raises(NotPermitted):
            send_with_permit(self.person, lambda: None, "after")

    def test_this_test_would_see_a_message_after_the_acknowledgement(self) -> None:
        """The negative control: without the lock the same story ends badly, and is seen to."""
        agree(self.person)
        assert what_happened(self.person, send_naively) == ["acknowledged", "handed over"]
        assert Message.objects.filter(address=inbox_address(self.person.public_id)).count() == 1

    def test_a_withdrawal_that_waits_lets_no_later_permit_in_before_itself(self) -> None:
        """Otherwise a person who is written to without a pause could never say no: sharing a row goes past whoever waits."""
        agree(self.person)
        happened: list[str] = []

        def acknowledge() -> None:
            withdraw(self.person)
            happened.append("acknowledged")

        def ask_later() -> None:
            try:
                send_with_permit(self.person, lambda: None, "later")
                happened.append("let in")
            except NotPermitted:
                happened.append("refused")

        withdrawal, later = in_thread(acknowledge), in_thread(ask_later)

        def between() -> None:
            withdrawal.start()
            eventually(lambda: somebody_waits_for("people.person"))
            later.start()
            eventually(lambda: happened or waiting_for("people.person") == 2)
            happened.append("handed over")

        send_with_permit(self.person, between, "first")
        withdrawal.join(10)
        later.join(10)
        assert happened == ["handed over", "acknowledged", "refused"]

    @override_settings(AD_CAPS=(1_000_000, 1_000_000, 1_000_000))
    def test_four_senders_at_once_never_send_after_the_acknowledgement(self) -> None:
        agree(self.person)
        address = inbox_address(self.person.public_id)
        ended: list[str] = []

        def campaign(number: int) -> Callable[[], None]:
            def run() -> None:
                try:
                    for nth in count():
                        send_with_permit(self.person, lambda: None, f"{number}:{nth}")
                except NotPermitted:
                    ended.append("refused")
                except Exception as error:
                    ended.append(repr(error))
                    raise

            return run

        senders = [in_thread(campaign(number)) for number in range(4)]
        for sender in senders:
            sender.start()
        try:
            eventually(lambda: inboxes.inbox_of(address).count() >= 8)
        finally:
            withdraw(self.person)
        acknowledged = inboxes.inbox_of(address).count()
        for sender in senders:
            sender.join()
        assert ended == ["refused"] * 4
        assert inboxes.inbox_of(address).count() == acknowledged

    def test_a_permit_is_good_only_inside_the_transaction_that_issued_it(self) -> None:
        agree(self.person)
        with transaction.atomic():
            permit = people.permit_message(person=self.person, sender=SHOP, kind=MessageKind.ADVERTISING, at=NOON, **AD)
        with pytest.raises(NotPermitted):
            messaging.send_message(permit=permit, sender_name="마실국수", key="kept", at=NOON, **AD)

    def test_a_permit_is_not_given_outside_a_transaction(self) -> None:
        agree(self.person)
        with pytest.raises(RuntimeError, match="atomic"):
            people.permit_message(person=self.person, sender=SHOP, kind=MessageKind.ADVERTISING, at=NOON, **AD)

    def test_two_tabs_of_one_phone_get_one_guest(self) -> None:
        device, _ = people.remember_device(at=NOON)
        guests: list[Person] = []
        start = threading.Barrier(4)

        def arrive() -> None:
            start.wait(5)
            guests.append(people.ensure_person(device=device, at=NOON))

        tabs = [in_thread(arrive) for _ in range(4)]
        for tab in tabs:
            tab.start()
        for tab in tabs:
            tab.join(10)
        assert len(guests) == 4
        assert len({guest.pk for guest in guests}) == 1
        guests[0].delete()
