"""Who hears what, on one page. `at_once` runs in the same transaction, `afterwards` as a job of its own."""

from dure.audiences import actions as audiences
from dure.campaigns import actions as campaigns
from dure.channels import actions as channels
from dure.checkouts import actions as checkouts
from dure.checkouts.events import CheckoutClosed, CheckoutOpened, CheckoutPaid, CheckoutReturned
from dure.kit.events import afterwards, at_once
from dure.menu.events import ItemReturned
from dure.offers import actions as offers
from dure.ordering import actions as ordering
from dure.ordering.events import BillReturned, BillSettled, OrderMoved, OrderReceived
from dure.partners import actions as partners
from dure.payments.events import PaymentFailed, PaymentRefunded, PaymentSettled
from dure.people.events import PersonErased, PersonsMerged
from dure.regulars import actions as regulars
from dure.regulars.events import FriendJoined, StampCardFilled, TierReached
from dure.shops import actions as shops
from dure.wallet import actions as wallet


def wire() -> None:
    """Called once, when Django is ready."""
    # Money arrived: the bill it was for is paid, or the money goes back. One truth, so one transaction.
    at_once(PaymentSettled, ordering.confirm_payment, wallet.confirm_top_up)
    at_once(PaymentFailed, ordering.show_payment, wallet.fail_top_up)
    at_once(PaymentRefunded, ordering.show_payment, wallet.welcome_money_back)

    # A friend's visit counts in the moment it is paid, and no longer counts when the money went back.
    at_once(BillSettled, regulars.count_visit)
    at_once(BillReturned, regulars.uncount_visit)

    # In a week whose plan gives coupons to guests who have paid, a job chooses one: the paying itself pays for none of it.
    at_once(BillSettled, campaigns.note_paid_bill)

    # Whoever ordered is told as information; the job is deferred in the transaction that makes it true.
    at_once(OrderReceived, channels.note_received_order)
    at_once(OrderMoved, channels.note_moved_order)
    at_once(BillReturned, channels.note_returned_bill)

    # Whoever asked to be told is, once the item can really be ordered again.
    at_once(ItemReturned, channels.note_item_back)

    # What was asked for without an order is paid when its bill is; programs are told of it by an event of the same instant.
    at_once(BillSettled, checkouts.mark_paid)
    at_once(BillReturned, checkouts.mark_returned)
    at_once(PaymentFailed, checkouts.show_payment)
    for checkout_fact in (CheckoutOpened, CheckoutPaid, CheckoutReturned, CheckoutClosed):
        at_once(checkout_fact, partners.record_checkout)
    for order_fact in (OrderReceived, OrderMoved):
        at_once(order_fact, partners.record_order)

    # The welcome is on the next screen, so it is issued before that screen is drawn.
    at_once(FriendJoined, regulars.welcome_friend)
    afterwards(FriendJoined, channels.greet_friend)
    at_once(StampCardFilled, regulars.reward_stamps)
    at_once(TierReached, regulars.reward_tier)

    # Nobody may still know an erased person; two identities of one person become one everywhere or nowhere.
    at_once(
        PersonErased,
        shops.cut_off_person,
        wallet.cut_off_person,
        ordering.cut_off_person,
        checkouts.cut_off_person,
        offers.cut_off_person,
        regulars.cut_off_person,
        channels.cut_off_person,
        campaigns.cut_off_person,
        audiences.cut_off_person,
    )
    at_once(
        PersonsMerged,
        wallet.join_wallets,
        ordering.hand_bills_over,
        offers.hand_coupons_over,
        regulars.join_relations,
        channels.join_chats,
        campaigns.hand_choices_over,
        audiences.join_frozen,
    )
