"""Re-encode one picture in a process of its own: whoever sends a bomb only harms that process.

Run as a program (`photo.py FOLDER` with the picture on standard input) it writes `<width>.webp` for each width and
prints the largest one's width and height. It imports nothing but Pillow, and starts in a fraction of a second.
"""

import io
import sys
from pathlib import Path

from PIL import Image, ImageCms, ImageOps

WIDTHS = (96, 320, 960)
PIXELS_MAX = 25_000_000
SIDE_MAX = 12_000
SIDE_MIN = 16
RATIO_MAX = 2.0
QUALITY = 80
MEMORY_MAX = 1 << 30
SECONDS_MAX = 10

UNREADABLE, TOO_LARGE = 3, 4


class TooLarge(Exception):
    """The header declares more pixels than are decoded."""


class Unreadable(Exception):
    """No picture in a format that is taken."""


def reencode(content: bytes, folder: Path) -> tuple[int, int]:
    """Write the picture in each width, upright, in sRGB, without any metadata, at most twice as long as wide."""
    try:
        with Image.open(io.BytesIO(content), formats=("JPEG", "PNG", "WEBP")) as opened:
            if opened.width * opened.height > PIXELS_MAX or max(opened.size) > SIDE_MAX:
                raise TooLarge
            if min(opened.size) < SIDE_MIN:
                raise Unreadable
            opened.draft("RGB", (2 * WIDTHS[-1], 2 * WIDTHS[-1]))
            opened.seek(0)
            profile = opened.info.get("icc_profile")
            picture = _framed(_flat(ImageOps.exif_transpose(opened), profile))
    except Image.DecompressionBombError as wrong:
        raise TooLarge from wrong
    except (OSError, ValueError, SyntaxError, EOFError, ArithmeticError, LookupError, TypeError) as wrong:
        raise Unreadable(str(wrong)) from wrong
    largest = picture.size
    for width in WIDTHS:
        scaled = picture
        if picture.width > width:
            scaled = picture.resize(
                (width, max(1, round(picture.height * width / picture.width))), Image.Resampling.LANCZOS
            )
        scaled.save(folder / f"{width}.webp", "WEBP", quality=QUALITY, method=4)
        largest = scaled.size
    return largest


def _flat(picture: Image.Image, profile: bytes | None) -> Image.Image:
    """Colours in sRGB on white, and nothing else of the file."""
    if picture.mode in ("RGBA", "LA", "PA") or "transparency" in picture.info:
        solid = picture.convert("RGBA")
        flat = Image.new("RGB", solid.size, "white")
        flat.paste(solid, mask=solid.getchannel("A"))
        return flat
    flat = picture.convert("RGB")
    if profile and picture.mode == "RGB":
        try:
            source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
            converted = ImageCms.profileToProfile(flat, source, ImageCms.createProfile("sRGB"), outputMode="RGB")
            flat = converted or flat
        except (ImageCms.PyCMSError, OSError):
            pass  # a broken profile costs colours, not the photo
    flat.info.clear()
    return flat


def _framed(picture: Image.Image) -> Image.Image:
    """The middle of the picture, at most RATIO_MAX times as long as it is wide, either way."""
    width = min(picture.width, round(picture.height * RATIO_MAX))
    height = min(picture.height, round(picture.width * RATIO_MAX))
    left, top = (picture.width - width) // 2, (picture.height - height) // 2
    return picture.crop((left, top, left + width, top + height))


def _limit_this_process() -> None:
    import resource

    for what, most in ((resource.RLIMIT_AS, MEMORY_MAX), (resource.RLIMIT_CPU, SECONDS_MAX)):
        try:
            resource.setrlimit(what, (most, most))
        except (OSError, ValueError):
            continue  # macOS refuses a memory limit; the header's size was checked all the same


def main() -> int:
    """The program: 0 and a line `width height`, or 3 (unreadable) or 4 (too large)."""
    _limit_this_process()
    try:
        width, height = reencode(sys.stdin.buffer.read(), Path(sys.argv[1]))
    except (TooLarge, MemoryError):
        return TOO_LARGE
    except Unreadable:
        return UNREADABLE
    sys.stdout.write(f"{width} {height}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
