"""Where a place lies on the map of Korea that pages draw (`korea.svg`, made by `scripts/outline.py`)."""

import math

WEST, NORTH = 124.55, 38.7
ACROSS, DOWN = 100 * math.cos(math.radians(36.3)), 100.0
WIDTH, HEIGHT = 460, 575
FAR_EAST, NEARER = 130.3, 1.3
"""울릉도 and 독도 are drawn nearer to the coast, in a frame of their own, as maps of Korea do."""


def point(lon: float, lat: float) -> tuple[float, float]:
    """Units of the map from its upper left corner: a degree of latitude is a hundred."""
    if lon > FAR_EAST:
        lon -= NEARER
    return round((lon - WEST) * ACROSS, 1), round((NORTH - lat) * DOWN, 1)
