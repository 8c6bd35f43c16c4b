"""What the channel does by itself: tells people what they wait for, and forgets what was said long ago."""

from dure.channels import actions
from dure.channels.values import NOTICES_KEPT, Notice
from dure.kit import clock, jobs
from dure.messaging import actions as messaging


@jobs.job("channels.tell_about_order")
def tell_about_order(order_id: int, shop_id: int, notice: str) -> None:
    actions.tell_about_order(shop_id=shop_id, order_id=order_id, notice=Notice(notice), at=clock.now())


@jobs.job("channels.tell_about_refund")
def tell_about_refund(bill_id: int, shop_id: int, person_id: int, amount: int, refunded: int) -> None:
    actions.tell_about_refund(
        shop_id=shop_id, bill_id=bill_id, person_id=person_id, amount=amount, refunded=refunded, at=clock.now()
    )


@jobs.job("channels.tell_about_chat")
def tell_about_chat(chat_id: int, shop_id: int) -> None:
    actions.tell_about_chat(shop_id=shop_id, chat_id=chat_id, at=clock.now())


@jobs.job("channels.tell_item_back")
def tell_item_back(shop_id: int, item_id: int) -> None:
    actions.tell_item_back(shop_id=shop_id, item_id=item_id, at=clock.now())


@jobs.periodic("channels.tidy", cron="37 4 * * *")
def tidy(timestamp: int) -> None:
    """Every night: lines older than ninety days go, and so do the receipts of order and chat notices."""
    at = clock.now()
    actions.drop_old_lines(at=at)
    actions.drop_old_wishes(at=at)
    messaging.drop_notices(topics=("order", "chat", "wish"), before=at - NOTICES_KEPT)
