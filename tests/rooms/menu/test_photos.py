"""Pictures come in as people send them and are kept as we draw them again."""

import io
import resource
import struct
import time
import zlib
from pathlib import Path

import pytest
from PIL import Image

from dure.menu import actions as menu
from dure.menu import errors, queries
from dure.menu.models import Item, Photo
from dure.menu.values import PHOTO_WIDTHS
from dure.shops.models import Shop
from tests.cast import NOON, item_of

BY = "test"


def picture(size: tuple[int, int] = (1_600, 1_200), kind: str = "JPEG", mode: str = "RGB", **how: object) -> bytes:
    content = io.BytesIO()
    Image.effect_noise(size, 60).convert(mode).save(content, kind, **how)
    return content.getvalue()


@pytest.fixture
def item(shop: Shop) -> Item:
    return queries.item_by_public_id(shop, item_of(shop, "비빔국수").public_id)


def stored(shop: Shop, item: Item, content: bytes) -> Photo:
    return menu.store_photo(shop=shop, item=item, file=io.BytesIO(content), by=BY, at=NOON)


@pytest.mark.parametrize(
    ("kind", "mode"), [("JPEG", "RGB"), ("JPEG", "CMYK"), ("JPEG", "L"), ("PNG", "RGBA"), ("PNG", "P"), ("WEBP", "RGB")]
)
def test_a_picture_is_kept_in_three_widths(shop: Shop, item: Item, kind: str, mode: str) -> None:
    photo = stored(shop, item, picture(kind=kind, mode=mode))
    for width in PHOTO_WIDTHS:
        with Image.open(queries.photo_file(photo.public_id, width)) as kept:
            assert (kept.format, kept.size) == ("WEBP", (width, width * 3 // 4))
    assert (photo.width, photo.height) == (960, 720)
    shown = item_of(shop, "비빔국수").photo
    assert shown is not None
    assert shown.path(320) == f"/photos/{photo.public_id}/320.webp"


def test_a_small_picture_is_not_blown_up(shop: Shop, item: Item) -> None:
    photo = stored(shop, item, picture((200, 100)))
    assert (photo.width, photo.height) == (200, 100)
    with Image.open(queries.photo_file(photo.public_id, 96)) as kept:
        assert kept.size == (96, 48)


def test_a_very_long_picture_is_cut_to_its_middle(shop: Shop, item: Item) -> None:
    photo = stored(shop, item, picture((1_000, 4_000)))
    assert (photo.width, photo.height) == (960, 1_920)


def test_where_and_when_it_was_taken_is_forgotten_and_it_stands_upright(shop: Shop, item: Item) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # the camera lay on its side
    exif[0x010E] = "SECRET-PLACE"
    exif.get_ifd(0x8825)[1] = "N"
    content = picture((1_600, 1_200), exif=exif, comment=b"SECRET-PLACE")
    assert b"SECRET-PLACE" in content
    photo = stored(shop, item, content)
    assert (photo.width, photo.height) == (960, 1_280)
    for width in PHOTO_WIDTHS:
        kept = queries.photo_file(photo.public_id, width).read_bytes()
        assert b"SECRET-PLACE" not in kept
        with Image.open(io.BytesIO(kept)) as opened:
            assert not opened.getexif()
            assert not {"exif", "xmp", "icc_profile", "comment"} & set(opened.info)


def test_what_was_transparent_becomes_white(shop: Shop, item: Item) -> None:
    content = io.BytesIO()
    Image.new("RGBA", (100, 100), (0, 0, 0, 0)).save(content, "PNG")
    photo = stored(shop, item, content.getvalue())
    with Image.open(queries.photo_file(photo.public_id, 960)) as kept:
        assert min(kept.convert("L").tobytes()) > 250


def test_a_new_photo_takes_the_old_ones_place(
    shop: Shop, item: Item, photos: Path, django_capture_on_commit_callbacks: pytest.FixtureRequest
) -> None:
    with django_capture_on_commit_callbacks(execute=True):  # type: ignore[operator]
        first = stored(shop, item, picture())
        second = stored(shop, item, picture())
    assert [folder.name for folder in photos.iterdir()] == [second.public_id]
    with pytest.raises(errors.MenuEntryNotFound):
        queries.photo_file(first.public_id, 96)
    with django_capture_on_commit_callbacks(execute=True):  # type: ignore[operator]
        menu.remove_photo(shop=shop, item=item, by=BY, at=NOON)
    assert item_of(shop, "비빔국수").photo is None
    assert list(photos.iterdir()) == []
    assert not Photo.objects.exists()


def chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def png_bomb(width: int, height: int) -> bytes:
    """Few bytes that unpack to `width` x `height` pixels of nothing."""
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    rows = zlib.compress(b"\x00" * min(height * (width * 3 + 1), 50_000_000), 9)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


LARGE = {
    "9,000 x 9,000": lambda: png_bomb(9_000, 9_000),
    "13,000 x 13,000": lambda: png_bomb(13_000, 13_000),
    "2^31 x 2^31": lambda: png_bomb(2**31 - 1, 2**31 - 1),
    "25,000,001 x 1": lambda: png_bomb(25_000_001, 1),
    "12,001 x 100": lambda: png_bomb(12_001, 100),
    "10 MB and a byte": lambda: picture((50, 50)) + b"\x00" * 10_000_000,
}

UNREADABLE = {
    "svg": lambda: b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>',
    "gif": lambda: picture((100, 100), "GIF", "P"),
    "tiff": lambda: picture((100, 100), "TIFF"),
    "bmp": lambda: picture((100, 100), "BMP"),
    "pdf": lambda: b"%PDF-1.7\n%%EOF",
    "html": lambda: b"<html><script>alert(1)</script></html>",
    "nothing": lambda: b"",
    "a jpeg cut off": lambda: picture((800, 600))[:500],
    "a png cut off": lambda: picture((800, 600), "PNG")[:500],
    "a webp cut off": lambda: picture((800, 600), "WEBP")[:100],
    "noise after a jpeg's mark": lambda: b"\xff\xd8\xff\xe0" + bytes(range(256)) * 40,
    "a png that promises more": lambda: png_bomb(4_000, 4_000)[:200],
    "too small to see": lambda: picture((15, 15)),
    "a zip": lambda: b"PK\x03\x04" + b"\x00" * 100,
}


@pytest.mark.parametrize("name", LARGE)
def test_a_picture_that_is_too_large_is_refused_cheaply(shop: Shop, item: Item, photos: Path, name: str) -> None:
    content = LARGE[name]()
    before, begun = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.monotonic()
    with pytest.raises(errors.PhotoTooLarge):
        stored(shop, item, content)
    assert (
        resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 50_000
    )  # KiB; decoded they take 240,000 and more
    assert time.monotonic() - begun < 5
    assert not photos.exists() or list(photos.iterdir()) == []


@pytest.mark.parametrize("name", UNREADABLE)
def test_what_is_no_photo_is_refused_and_nothing_is_left(shop: Shop, item: Item, photos: Path, name: str) -> None:
    with pytest.raises(errors.PhotoUnreadable):
        stored(shop, item, UNREADABLE[name]())
    assert list(photos.iterdir()) == []
    assert not Photo.objects.exists()


@pytest.mark.parametrize("public_id", ["", "..", "../../etc/passwd", "pho_" + "0" * 26, "\x00", "\ud800", "pho_../x"])
def test_a_photo_that_is_not_there_is_not_found(photos: Path, public_id: str) -> None:
    with pytest.raises(errors.MenuEntryNotFound):
        queries.photo_file(public_id, 96)


def test_only_the_three_widths_are_served(shop: Shop, item: Item) -> None:
    photo = stored(shop, item, picture((100, 100)))
    with pytest.raises(errors.MenuEntryNotFound):
        queries.photo_file(photo.public_id, 97)
