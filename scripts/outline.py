"""Makes the console's map of Korea, `korea.svg`, from the boundaries of the 시도: `python scripts/outline.py FOLDER`.

FOLDER holds sido.geojson (SGIS boundaries of June 2024, Korea Open Government Licence type 1). Islands smaller than a square
kilometre are left out; lines keep what is wider than a third of a kilometre.
"""

import itertools
import json
import sys
from pathlib import Path

from dure.web.console import korea

TARGET = Path(korea.__file__).parent / "static" / "console" / "korea.svg"
LEAST_AREA, NEAR = 1.0, 0.32
"""Square units and units of the map: a unit is a hundredth of a degree, about a kilometre."""
DOKDO = ((131.864, 37.241), (131.869, 37.239))
Point = tuple[float, float]


def main(folder: Path) -> None:
    told = json.loads((folder / "sido.geojson").read_text())
    lines = []
    for feature in told["features"]:
        shape = feature["geometry"]
        for polygon in shape["coordinates"] if shape["type"] == "MultiPolygon" else [shape["coordinates"]]:
            ring = [korea.point(lon, lat) for lon, lat in polygon[0]]
            if _area(ring) >= LEAST_AREA:
                lines.append(_path(_thinned(ring)))
    dots = "".join(
        f'<circle cx="{x - 45}" cy="{y}" r="1.2"/>' for x, y in (korea.point(lon, lat) for lon, lat in DOKDO)
    )
    left, top = korea.point(130.72, 37.68)
    TARGET.write_text(
        '<svg xmlns="http://www.w3.org/2000/svg">\n'
        "<!-- SGIS 통계지리정보서비스 행정구역 경계 2024-06, 공공누리 제1유형 · SGIS boundaries, Korea Open Government Licence type 1 -->\n"
        f'<symbol id="korea" viewBox="0 0 {korea.WIDTH} {korea.HEIGHT}" overflow="visible"><path vector-effect="non-scaling-stroke" '
        f'd="{"".join(lines)}"/>{dots}<path fill="none" vector-effect="non-scaling-stroke" d="M{left},{top}h50v52h-50z"/></symbol>\n'
        "</svg>\n"
    )
    print(f"{TARGET}: {TARGET.stat().st_size:,} bytes")


def _area(ring: list[Point]) -> float:
    return abs(sum(a[0] * b[1] - b[0] * a[1] for a, b in itertools.pairwise(ring))) / 2


def _thinned(ring: list[Point]) -> list[Point]:
    """Douglas and Peucker, without recursion."""
    keep, left = {0, len(ring) - 1}, [(0, len(ring) - 1)]
    while left:
        first, last = left.pop()
        (ax, ay), (bx, by) = ring[first], ring[last]
        length = ((bx - ax) ** 2 + (by - ay) ** 2) ** 0.5
        worst, far = NEAR, 0
        for at in range(first + 1, last):
            x, y = ring[at]
            off = (
                abs((bx - ax) * (ay - y) - (ax - x) * (by - ay)) / length
                if length
                else ((x - ax) ** 2 + (y - ay) ** 2) ** 0.5
            )
            if off > worst:
                worst, far = off, at
        if far:
            keep.add(far)
            left += [(first, far), (far, last)]
    return [ring[at] for at in sorted(keep)]


def _path(ring: list[Point]) -> str:
    steps = [(round(x * 10), round(y * 10)) for x, y in ring[:-1]]
    moves = [(b[0] - a[0], b[1] - a[1]) for a, b in itertools.pairwise(steps)]
    tenths = [f"{x / 10:g},{y / 10:g}" for x, y in moves]
    return f"M{steps[0][0] / 10:g},{steps[0][1] / 10:g}l{' '.join(tenths)}z"


if __name__ == "__main__":
    main(Path(sys.argv[1]))
