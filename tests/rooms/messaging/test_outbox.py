"""A text in the outbox belongs to a sending that is there: PostgreSQL is not asked for each of a million rows, so we are."""

import threading
from collections.abc import Iterator
from datetime import timedelta

import pytest
from django.db import transaction

from dure.messaging import actions as messaging
from dure.messaging.errors import TooLate
from dure.messaging.models import Outgoing, Sending
from dure.messaging.values import Medium, MessageKind, SendingState
from tests.cast import NOON
from tests.patience import eventually
from tests.races import at_once, somebody_waits_for

LATER = NOON + timedelta(days=100)


@pytest.fixture
def over(transactional_db: None) -> Iterator[Sending]:
    """A notice that is long over, and may be dropped."""
    sending = messaging.open_sending(
        key="notice", reference="r", sender="shop:1", sender_name="두레국수", kind=MessageKind.INFORMATION, media=[Medium.INBOX],
        title="준비됐어요", body="주문이 나왔어요.", topic="order", not_before=NOON, expires_at=NOON + timedelta(hours=1), at=NOON,
    )  # fmt: skip
    Sending.objects.update(state=SendingState.CLOSED)
    yield sending
    Outgoing.objects.all().delete()
    Sending.objects.all().delete()


def drop() -> int:
    return messaging.drop_notices(topics=("order",), before=LATER)


def test_nothing_is_queued_for_a_sending_that_was_dropped(over: Sending) -> None:
    assert drop() == 1
    with pytest.raises(TooLate):
        messaging.queue_messages(sending=over, recipients=[(1, None)], at=NOON)
    assert not Outgoing.objects.exists()


def test_who_queues_while_it_is_dropped_leaves_no_row_of_nothing(over: Sending) -> None:
    """The rows are written and not yet committed when the dropping begins: it waits, and takes them along."""
    queued = threading.Event()

    def queue() -> None:
        with transaction.atomic():
            messaging.queue_messages(sending=over, recipients=[(1, None)], at=NOON)
            queued.set()
            eventually(lambda: somebody_waits_for("messaging_sending"))

    def drop_meanwhile() -> int:
        queued.wait(20)
        return drop()

    at_once(queue, drop_meanwhile)
    assert (Sending.objects.count(), Outgoing.objects.count()) == (0, 0)
