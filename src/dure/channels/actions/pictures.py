"""A picture in a conversation: drawn again by us, shown to its two sides alone, gone with its line."""

import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import IO

from django.db import transaction

from dure.channels import queries
from dure.channels.models import ChatLine
from dure.channels.values import Picture
from dure.kit import ids
from dure.menu import actions as menu


@contextmanager
def fresh_picture(*, file: IO[bytes]) -> Iterator[Picture]:
    """A picture for one line, re-encoded without metadata in a process of its own, as a menu's photo is. Its files are kept
    if the block writes a line with it, and gone otherwise. Must not be called inside a transaction: drawing takes a while.

    Refuses: menu's PhotoTooLarge (over 10 MB, 25 megapixels) and PhotoUnreadable (no JPEG, PNG or WebP).
    """
    name = ids.new_public_id("pic")
    folder = queries.picture_folder(name)
    width, height = menu.encode_photo(file=file, folder=folder)
    try:
        yield Picture(name=name, width=width, height=height)
    finally:
        if not ChatLine.objects.filter(picture=name).exists():
            shutil.rmtree(folder, ignore_errors=True)


def drop_pictures(names: Iterable[str]) -> None:
    """Let go of pictures whose lines are deleted; their files go once that holds."""
    folders = [queries.picture_folder(name) for name in names if name]

    def remove() -> None:
        for folder in folders:
            shutil.rmtree(folder, ignore_errors=True)

    transaction.on_commit(remove)
