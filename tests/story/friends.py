"""Friends for a story: `python -m tests.story.friends SHOP COUNT` lets so many phones join a shop of the product whose
environment it runs in, through the product's own actions, and says the secrets of their cookies, one a line."""

import os
import sys
from datetime import timedelta

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "dure.project.settings")


def join(name: str, count: int) -> list[str]:
    """They became friends seventy days ago, by a link, and said yes to the shop's news."""
    from django.db import transaction

    from dure.kit import clock
    from dure.people import actions as people
    from dure.people.values import Purpose, shop_sender
    from dure.regulars import actions as regulars
    from dure.shops import fence
    from dure.shops import queries as shops

    at, secrets = clock.now() - timedelta(days=70), []
    shop = shops.open_shops().get(name=name)
    with fence.within_shop(shop.pk), transaction.atomic():
        for _ in range(count):
            device, secret = people.remember_device(at=at)
            person, by = people.ensure_person(device=device, at=at), f"guest:{device.pk}"
            regulars.join_channel(shop=shop, person=person, device=device, source="link", by=by, at=at)
            people.give_consent(
                person=person,
                sender=shop_sender(shop.public_id),
                purpose=Purpose.ADVERTISING,
                source="link",
                proof={},
                by=by,
                at=at,
            )
            secrets.append(secret)
    return secrets


if __name__ == "__main__":
    from dure.project.env import Environment
    from dure.project.supervisor import database

    with database(Environment()):
        django.setup()
        sys.stdout.write("\n".join(join(sys.argv[1], int(sys.argv[2]))) + "\n")
