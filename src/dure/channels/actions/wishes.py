"""Somebody asked to be told when a dish is back, and is: once, as information, without a word more."""

from datetime import datetime

from django.db import transaction

from dure.channels import queries
from dure.channels.actions.notices import tell
from dure.channels.errors import NotSoldOut, TooManyWishes
from dure.channels.models import Wish
from dure.channels.values import WISH_LASTS, WISHES_MAX
from dure.kit import jobs
from dure.kit.language import say
from dure.menu import queries as menus
from dure.menu.events import ItemReturned
from dure.people.models import Person
from dure.shops import fence
from dure.shops.models import Shop


@transaction.atomic
def wish_for(*, shop: Shop, person: Person, item: str, at: datetime) -> Wish:
    """Have `person` told once when the sold-out item of this public id is back. Asked for again it is the same wish.

    Refuses MenuEntryNotFound, NotSoldOut, TooManyWishes.
    """
    wanted = menus.item_by_public_id(shop, item)
    served = menus.menu_of(shop).item(item)
    if served is None or not served.sold_out:
        raise NotSoldOut
    Shop.objects.select_for_update(no_key=True).get(pk=shop.pk)
    waiting = Wish.objects.filter(person=person, told_at=None, asked_at__gt=at - WISH_LASTS)
    if waiting.exclude(item=wanted).count() >= WISHES_MAX:
        raise TooManyWishes
    wish, _ = Wish.objects.update_or_create(
        shop=shop, person=person, item=wanted, told_at=None, defaults={"asked_at": at}
    )
    return wish


def drop_wish(*, shop: Shop, person: Person, item: str) -> None:
    """Do not tell after all. Repeat-safe."""
    Wish.objects.filter(shop=shop, person=person, item__public_id=item, told_at=None).delete()


def note_item_back(fact: ItemReturned) -> None:
    """Have everybody told who asked for this item. Nobody asked: no job."""
    if Wish.objects.filter(shop_id=fact.shop_id, item_id=fact.item_id, told_at=None).exists():
        jobs.enqueue(
            "channels.tell_item_back",
            once=f"channels.tell_item_back:{fact.item_id}",
            shop_id=fact.shop_id,
            item_id=fact.item_id,
        )


def tell_item_back(*, shop_id: int, item_id: int, at: datetime) -> int:
    """Tell everybody who waits for this item that it is back, if it still is; each once. How many. Safe to repeat."""
    with fence.within_shop(shop_id):
        told = 0
        for wish in queries.waiting_for(shop_id, item_id, at=at):
            served = menus.menu_of(wish.shop).item(wish.item.public_id)
            if served is None or served.sold_out:
                return told
            told += tell(
                wish.shop,
                wish.person,
                key=f"wish:{wish.pk}",
                title=say(
                    "{name}이(가) 다시 나왔어요",
                    en="{en_name} is back",
                    name=wish.item.name["ko"],
                    en_name=wish.item.name.get("en") or wish.item.name["ko"],
                ),
                body=say("알려 달라고 하셔서 한 번만 알려 드려요.", en="You asked to be told, once."),
                topic="wish",
                link=f"/shops/{wish.shop.public_id}",
                at=at,
            )
            Wish.objects.filter(pk=wish.pk).update(told_at=at)
        return told


def drop_old_wishes(*, at: datetime) -> int:
    """Forget wishes a month after they were asked. How many. Safe to repeat."""
    with fence.across_shops():
        dropped, _ = Wish.objects.filter(asked_at__lte=at - WISH_LASTS).delete()
    return dropped
