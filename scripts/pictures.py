"""Take the README's pictures from what `make story` photographed: `make pictures`."""

import sys
from pathlib import Path

from PIL import Image

ROOT = Path(__file__).resolve().parent.parent
TAKEN, KEPT = ROOT / "test-results", ROOT / "docs" / "pictures"
PHONE = (
    "guest-01-menu",
    "guest-02-basket",
    "guest-04-order",
    "guest-06-join",
    "guest-07-friend",
    "guest-10-coupon-applied",
)
DESK = ("console-01-today", "console-03-kitchen-order", "console-05-friends")


def main() -> int:
    """Write every picture as a small WebP; say which are missing."""
    missing = [n for n in (*PHONE, *DESK) if not (TAKEN / f"{n}-{'phone' if n in PHONE else 'desk'}.png").exists()]
    if missing:
        print(f"run `make story` first: {', '.join(missing)}", file=sys.stderr)
        return 1
    KEPT.mkdir(parents=True, exist_ok=True)
    for name in PHONE:
        Image.open(TAKEN / f"{name}-phone.png").convert("RGB").save(KEPT / f"{name}.webp", quality=72, method=6)
    for name in DESK:
        picture = Image.open(TAKEN / f"{name}-desk.png").convert("RGB")
        picture.resize((960, 600)).save(KEPT / f"{name}.webp", quality=72, method=6)
    print(f"{len(PHONE) + len(DESK)} pictures in {KEPT.relative_to(ROOT)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
