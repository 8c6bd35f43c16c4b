"""Pictures of the demo's food, drawn from above by code: a table, a dish, what is in it. The same every time.

`python -m dure.town.pictures` draws them anew into the folder `food` beside this file.
"""

import io
import math
from collections.abc import Callable
from pathlib import Path
from random import Random

from PIL import Image, ImageDraw, ImageFilter

SIZE = (960, 720)
SCALE = 2  # drawn larger and shrunk, which smooths every edge
CENTRE = (480, 372)

Point = tuple[float, float]

TABLE = "#f3e7d3"
CLAY, CLAY_IN, WHITE, WHITE_IN, DARK, DARK_IN = "#7a5c48", "#5f4636", "#fdfbf6", "#ece6da", "#3b3a40", "#2b2a2f"
BRASS, BRASS_IN = "#d9b25a", "#c59a3f"
BROTH, CHILLI, MILKY = "#f0cf8e", "#d8512f", "#f2ead9"
NOODLE, BUCKWHEAT = "#fbf1d8", "#a98f76"
GREEN, DEEP_GREEN, LAVER = "#6fa14f", "#3f7a3f", "#2f3b33"
YOLK, EGG_WHITE, SESAME = "#f4b43c", "#fffdf6", "#f3dfae"


class Drawing:
    """One picture under the brush, measured in the finished picture's pixels."""

    def __init__(self, seed: str, table: str = TABLE) -> None:
        self.image = Image.new("RGB", (SIZE[0] * SCALE, SIZE[1] * SCALE), table)
        self.chance = Random(seed)
        for y in range(0, SIZE[1], 90):  # boards
            self.line([(0, y), (SIZE[0], y)], _mixed(table, "#8a6a45", 0.12), 3)

    def finished(self) -> bytes:
        """The picture as a WebP file."""
        packed = io.BytesIO()
        self.image.resize(SIZE, Image.Resampling.LANCZOS).save(packed, "WEBP", quality=76, method=6)
        return packed.getvalue()

    def disc(self, at: Point, radius: float, colour: str, *, flat: float = 1.0) -> None:
        x, y = at
        box = [x - radius, y - radius * flat, x + radius, y + radius * flat]
        ImageDraw.Draw(self.image).ellipse([side * SCALE for side in box], fill=colour)

    def line(self, points: list[Point], colour: str, width: float) -> None:
        scaled = [(x * SCALE, y * SCALE) for x, y in points]
        brush = ImageDraw.Draw(self.image)
        brush.line(scaled, fill=colour, width=round(width * SCALE), joint="curve")
        for end in (scaled[0], scaled[-1]):
            reach = width * SCALE / 2
            brush.ellipse([end[0] - reach, end[1] - reach, end[0] + reach, end[1] + reach], fill=colour)

    def patch(self, points: list[Point], colour: str) -> None:
        ImageDraw.Draw(self.image).polygon([(x * SCALE, y * SCALE) for x, y in points], fill=colour)

    def shadow(self, at: Point, radius: float) -> None:
        """A soft shadow below and to the right."""
        layer = Image.new("L", self.image.size, 0)
        x, y = at[0] + 14, at[1] + 22
        box = [side * SCALE for side in (x - radius, y - radius, x + radius, y + radius)]
        ImageDraw.Draw(layer).ellipse(box, fill=90)
        layer = layer.filter(ImageFilter.GaussianBlur(16 * SCALE))
        self.image.paste("#3a2a18", mask=layer)

    def within(self, radius: float, at: Point = CENTRE) -> Point:
        """Somewhere in a circle, evenly."""
        reach, turn = radius * math.sqrt(self.chance.random()), self.chance.uniform(0, 2 * math.pi)
        return at[0] + reach * math.cos(turn), at[1] + reach * math.sin(turn)


def bowl(drawing: Drawing, outside: str, inside: str, filling: str, radius: float = 290) -> None:
    drawing.shadow(CENTRE, radius)
    drawing.disc(CENTRE, radius, outside)
    drawing.disc(CENTRE, radius - 16, _mixed(outside, "#ffffff", 0.25))
    drawing.disc(CENTRE, radius - 26, inside)
    drawing.disc((CENTRE[0], CENTRE[1] + 6), radius - 42, filling)


def noodles(drawing: Drawing, colour: str, radius: float = 195, strands: int = 64) -> None:
    """A nest: arcs around the middle, lighter towards the top."""
    for number in range(strands):
        share = number / strands
        middle = drawing.within(radius * 0.35)
        reach = radius * drawing.chance.uniform(0.45, 1.0) * (1 - 0.25 * share)
        start, length = drawing.chance.uniform(0, 2 * math.pi), drawing.chance.uniform(1.6, 3.6)
        points = [
            (
                middle[0] + reach * math.cos(start + length * step / 24),
                middle[1] + reach * 0.94 * math.sin(start + length * step / 24),
            )
            for step in range(25)
        ]
        drawing.line(points, _mixed(colour, "#7a5a2a", 0.28 * (1 - share)), 9)


def scatter(drawing: Drawing, colour: str, many: int, radius: float, size: float = 5, at: Point = CENTRE) -> None:
    for _ in range(many):
        drawing.disc(drawing.within(radius, at), size * drawing.chance.uniform(0.7, 1.2), colour, flat=0.75)


def rings(drawing: Drawing, many: int, radius: float, at: Point = CENTRE) -> None:
    """Sliced scallion."""
    for _ in range(many):
        place = drawing.within(radius, at)
        drawing.disc(place, 11, DEEP_GREEN)
        drawing.disc(place, 8, "#b9d98a")
        drawing.disc(place, 4, GREEN)


def strips(drawing: Drawing, colour: str, at: Point, many: int = 14, length: float = 80, turn: float = 0.4) -> None:
    for _ in range(many):
        x, y = drawing.within(34, at)
        lean = turn + drawing.chance.uniform(-0.25, 0.25)
        across = (length / 2 * math.cos(lean), length / 2 * math.sin(lean))
        drawing.line([(x - across[0], y - across[1]), (x + across[0], y + across[1])], colour, 8)


def half_egg(drawing: Drawing, at: Point) -> None:
    drawing.disc((at[0] + 4, at[1] + 8), 62, "#c9a15e", flat=0.86)
    drawing.disc(at, 60, EGG_WHITE, flat=0.86)
    drawing.disc((at[0], at[1] + 2), 34, "#e79a25", flat=0.92)
    drawing.disc((at[0] - 4, at[1] - 2), 29, YOLK, flat=0.92)


def _mixed(one: str, other: str, share: float) -> str:
    ours, theirs = (tuple(int(colour[i : i + 2], 16) for i in (1, 3, 5)) for colour in (one, other))
    return "#" + "".join(f"{round(a + (b - a) * share):02x}" for a, b in zip(ours, theirs, strict=True))


def pot(drawing: Drawing, filling: str) -> None:
    """A black pot with two ears on a wooden stand."""
    drawing.shadow(CENTRE, 300)
    drawing.disc(CENTRE, 306, "#b98a58")
    drawing.disc(CENTRE, 292, "#a2764a")
    for side in (-1, 1):
        drawing.disc((CENTRE[0] + side * 262, CENTRE[1]), 46, DARK_IN)
    bowl(drawing, DARK, DARK_IN, filling, 262)


def rice(drawing: Drawing, radius: float = 205, at: Point = CENTRE, colour: str = "#fffaf0") -> None:
    for number in range(900):
        x, y = drawing.within(radius, at)
        lean, shade = drawing.chance.uniform(0, math.pi), drawing.chance.choice([0.0, 0.06, 0.12])
        reach = (7 * math.cos(lean), 7 * math.sin(lean))
        deep = shade + 0.12 * (1 - number / 900)
        drawing.line([(x - reach[0], y - reach[1]), (x + reach[0], y + reach[1])], _mixed(colour, "#b59a6a", deep), 7)


def pancake(drawing: Drawing, dough: str, *, edge: str) -> None:
    drawing.shadow(CENTRE, 300)
    drawing.disc(CENTRE, 300, WHITE)
    drawing.disc(CENTRE, 280, WHITE_IN)
    rim = [
        (CENTRE[0] + reach * math.cos(turn / 36 * math.tau), CENTRE[1] + reach * math.sin(turn / 36 * math.tau))
        for turn, reach in enumerate(drawing.chance.uniform(232, 250) for _ in range(36))
    ]
    drawing.patch(rim, edge)
    drawing.disc(CENTRE, 226, dough)
    for _ in range(60):
        drawing.disc(drawing.within(215), drawing.chance.uniform(5, 22), _mixed(dough, edge, 0.55), flat=0.8)


def cup(drawing: Drawing, saucer: str, inside: str, drink: str) -> None:
    drawing.shadow(CENTRE, 280)
    drawing.disc(CENTRE, 280, saucer)
    drawing.disc(CENTRE, 262, _mixed(saucer, "#000000", 0.06))
    drawing.disc(CENTRE, 226, saucer)
    drawing.shadow(CENTRE, 178)
    drawing.line([(620, 300), (708, 252)], _mixed(saucer, "#ffffff", 0.35), 38)
    drawing.disc(CENTRE, 192, _mixed(saucer, "#ffffff", 0.35))
    drawing.disc(CENTRE, 176, inside)
    drawing.disc((CENTRE[0], CENTRE[1] + 5), 164, drink)


def leaf(drawing: Drawing, milk: str) -> None:
    """The leaf that is poured with milk."""
    x, y = CENTRE
    for number in range(5):
        height, wide = y - 78 + number * 34, 36 + number * 17 - (12 if number == 4 else 0)
        for side in (-1, 1):
            drawing.line(
                [(x, height + 26), (x + side * wide * 0.6, height + 8), (x + side * wide, height - 18)], milk, 15
            )
    drawing.line([(x, y - 112), (x, y + 118)], milk, 9)


def mushroom_slice(drawing: Drawing, at: Point) -> None:
    x, y = at
    drawing.disc((x, y), 46, "#6d4a31", flat=0.72)
    drawing.disc((x, y + 4), 38, "#ead9bd", flat=0.66)
    drawing.line([(x, y + 12), (x, y + 48)], "#ead9bd", 24)
    drawing.line([(x - 24, y + 10), (x + 24, y + 10)], "#c7ab85", 6)


def warm_noodle_soup() -> Drawing:
    d = Drawing("janchi")
    bowl(d, BRASS, BRASS_IN, BROTH)
    noodles(d, NOODLE)
    strips(d, YOLK, (420, 310), turn=0.3)
    strips(d, GREEN, (555, 320), turn=-0.5)
    strips(d, "#e9873b", (480, 445), many=10, turn=0.9)
    strips(d, LAVER, (486, 366), many=9, length=64, turn=1.3)
    rings(d, 9, 200)
    scatter(d, SESAME, 30, 200, 3.5)
    return d


def spicy_noodles() -> Drawing:
    d = Drawing("bibim", "#efe0c8")
    bowl(d, WHITE, WHITE_IN, "#efd3b6")
    noodles(d, "#e58a5b")
    scatter(d, CHILLI, 26, 170, 12)
    strips(d, "#cfe3a6", (375, 365), many=16, turn=0.8)
    strips(d, "#b8443a", (580, 390), many=12, turn=-0.7)
    half_egg(d, (490, 325))
    strips(d, LAVER, (480, 462), many=9, length=58)
    scatter(d, SESAME, 40, 200, 3.5)
    return d


def perilla_noodles() -> Drawing:
    d = Drawing("perilla")
    bowl(d, CLAY, CLAY_IN, "#c9b08d")
    noodles(d, BUCKWHEAT)
    strips(d, LAVER, (480, 366), many=26, length=60, turn=0.2)
    rings(d, 8, 160)
    scatter(d, SESAME, 70, 200, 4)
    return d


def clam_noodles() -> Drawing:
    d = Drawing("clam")
    bowl(d, DARK, DARK_IN, MILKY)
    noodles(d, "#fff6df")
    for _ in range(9):
        at = d.within(180)
        d.disc(at, 42, "#8d7f74", flat=0.7)
        d.disc((at[0], at[1] + 3), 37, "#d8cdbf", flat=0.66)
        d.disc((at[0], at[1] + 6), 20, "#f0b673", flat=0.6)
    rings(d, 14, 200)
    strips(d, "#8fb56b", (430, 440), many=8)
    return d


def dumplings() -> Drawing:
    d = Drawing("mandu", "#eadfce")
    d.shadow(CENTRE, 290)
    d.disc(CENTRE, 290, "#c89b5f")
    d.disc(CENTRE, 270, "#e2bd84")
    for slat in range(215, 760, 30):
        reach = math.sqrt(max(0, 262**2 - (slat - CENTRE[0]) ** 2))
        d.line([(slat, CENTRE[1] - reach), (slat, CENTRE[1] + reach)], "#d3aa6d", 5)
    for turn in range(6):
        angle = turn * math.pi / 3 + 0.3
        x, y = CENTRE[0] + 162 * math.cos(angle), CENTRE[1] + 162 * math.sin(angle)
        d.disc((x + 5, y + 9), 76, "#b98d55", flat=0.86)
        d.disc((x, y), 74, "#fdf6e6", flat=0.86)
        d.disc((x + 6, y + 8), 60, "#f4e8d0", flat=0.84)
        for pleat in range(9):
            lean = angle + math.pi + (pleat - 4) * 0.32
            start = (x + 22 * math.cos(lean), y + 20 * math.sin(lean))
            d.line([start, (x + 58 * math.cos(lean), y + 50 * math.sin(lean))], "#e3d2b0", 5)
        d.disc((x, y), 18, "#fffaf0")
    d.disc(CENTRE, 62, WHITE)
    d.disc(CENTRE, 50, "#4a2b1c")
    rings(d, 3, 30)
    return d


def scallion_pancake() -> Drawing:
    d = Drawing("pajeon", "#efe0c8")
    pancake(d, "#edc878", edge="#c98a3a")
    for _ in range(26):
        x, y = d.within(150)
        d.line([(x - 70, y - 14), (x, y), (x + 70, y + 10)], d.chance.choice([GREEN, DEEP_GREEN, "#9cc46b"]), 11)
    for _ in range(9):
        at = d.within(170)
        d.disc(at, 24, "#f0a58f", flat=0.7)
        d.disc((at[0] + 3, at[1] + 2), 12, "#edc878", flat=0.7)
    scatter(d, "#c8402c", 12, 180, 8)
    return d


def potato_pancake() -> Drawing:
    d = Drawing("gamja")
    pancake(d, "#f2dda3", edge="#d3a453")
    for place in ((470, 360), (505, 385), (500, 345)):
        d.disc(place, 20, "#c8402c")
        d.disc(place, 12, "#f2dda3")
    rings(d, 5, 60)
    return d


def rice_balls() -> Drawing:
    d = Drawing("jumeok", "#eadfce")
    d.shadow(CENTRE, 270)
    d.disc(CENTRE, 270, "#8aa0a8")
    d.disc(CENTRE, 250, "#9fb4bb")
    for place in ((400, 320), (566, 330), (476, 462)):
        d.disc((place[0] + 8, place[1] + 14), 88, "#7b9199")
        d.disc(place, 86, "#f4ecd9")
        rice(d, 74, place)
        for _ in range(40):
            x, y = d.within(76, place)
            d.line([(x, y), (x + d.chance.uniform(-14, 14), y + d.chance.uniform(-8, 8))], LAVER, 7)
        scatter(d, SESAME, 14, 70, 4, place)
    return d


def sweet_rice_drink() -> Drawing:
    d = Drawing("sikhye")
    bowl(d, BRASS, BRASS_IN, "#e6cf9f", 250)
    for _ in range(70):
        x, y = d.within(150)
        d.line([(x, y), (x + d.chance.uniform(-8, 8), y + 9)], "#fffaf0", 9)
    for turn in range(3):
        x, y = CENTRE[0] + 50 * math.cos(turn * 2.1), CENTRE[1] + 50 * math.sin(turn * 2.1)
        d.line([(x - 16, y), (x + 16, y + 5)], "#f6e2ae", 16)
        d.line([(x - 10, y), (x + 10, y + 4)], "#fff4cf", 7)
    d.disc((560, 300), 18, "#a8432c")
    return d


def americano() -> Drawing:
    d = Drawing("americano", "#e6ddd0")
    cup(d, "#2f4a7a", "#f7f2e8", "#4a2c1b")
    d.disc((CENTRE[0], CENTRE[1] + 5), 150, "#5b3722")
    d.disc((CENTRE[0], CENTRE[1] + 9), 138, "#3f2416")
    scatter(d, "#8a5a36", 26, 140, 7)
    return d


def caffe_latte() -> Drawing:
    d = Drawing("latte", "#e6ddd0")
    cup(d, "#8fa38a", "#f7f2e8", "#b57f4e")
    leaf(d, "#fbf1df")
    return d


def sesame_latte() -> Drawing:
    d = Drawing("heugimja", "#e9dfd2")
    cup(d, "#5d5a66", "#f7f2e8", "#b8b0a6")
    d.disc((CENTRE[0] - 6, CENTRE[1]), 118, "#cfc8be")
    d.disc((CENTRE[0] + 8, CENTRE[1] - 6), 78, "#ded8cf")
    scatter(d, "#3a373d", 60, 110, 4)
    return d


def mugwort_latte() -> Drawing:
    d = Drawing("ssuk", "#eee3d2")
    cup(d, "#c7a27a", "#fbf6ea", "#9aab6c")
    leaf(d, "#f1f0d6")
    return d


def yuja_tea() -> Drawing:
    d = Drawing("yuja", "#eee3d2")
    cup(d, "#fdfbf6", "#f3ecdc", "#f3c64f")
    for _ in range(16):
        x, y = d.within(120)
        d.line([(x, y), (x + 22, y - 12), (x + 44, y)], "#f7dd7d" if d.chance.random() < 0.5 else "#e2a92c", 10)
    return d


def injeolmi_toast() -> Drawing:
    d = Drawing("toast", "#e6ddd0")
    d.shadow(CENTRE, 290)
    d.disc(CENTRE, 290, WHITE)
    d.disc(CENTRE, 268, "#f1ebdf")
    d.patch([(320, 232), (640, 224), (652, 520), (308, 528)], "#b97a3d")
    d.patch([(336, 246), (626, 240), (636, 504), (324, 512)], "#e3b876")
    for x, y in ((400, 310), (500, 300), (580, 320), (430, 400), (530, 400), (400, 470), (560, 470), (480, 460)):
        d.patch([(x - 36, y - 30), (x + 34, y - 34), (x + 38, y + 30), (x - 32, y + 34)], "#f3e6c6")
        scatter(d, "#d7b26a", 26, 34, 6, (x, y))
    scatter(d, "#c99c4e", 120, 200, 4)
    return d


def salt_bread() -> Drawing:
    d = Drawing("salt", "#eadfce")
    d.shadow(CENTRE, 280)
    d.disc(CENTRE, 280, "#8fa38a")
    d.disc(CENTRE, 260, "#9db198")
    for number in range(13):
        share = (number - 6) / 6
        at = (CENTRE[0] + share * 190, CENTRE[1] - share * 70 - 40 * (1 - share**2) + 30)
        reach = 96 * (1 - 0.62 * share**2)
        d.disc(at, reach, "#a9662b", flat=0.92)
        d.disc((at[0] - 5, at[1] - 4), reach - 7, "#cf8f45" if number % 2 else "#d99c52", flat=0.9)
    for _ in range(26):
        x, y = d.within(80, (480, 340))
        d.patch([(x, y), (x + 9, y + 2), (x + 8, y + 10), (x - 2, y + 8)], "#fffdf6")
    return d


def mushroom_pot() -> Drawing:
    d = Drawing("mushroom")
    pot(d, "#efe3cb")
    rice(d, 205)
    for at in ((400, 300), (520, 280), (590, 360), (380, 400), (480, 370), (560, 450), (450, 470)):
        mushroom_slice(d, at)
    rings(d, 14, 190)
    scatter(d, SESAME, 30, 190, 4)
    return d


def salmon_pot() -> Drawing:
    d = Drawing("salmon", "#efe0c8")
    pot(d, "#efe3cb")
    rice(d, 205)
    for number in range(5):
        x, y = 370 + number * 50, 440 - number * 34
        d.patch([(x - 66, y - 42), (x + 58, y - 62), (x + 74, y + 26), (x - 52, y + 48)], "#f2875c")
        for stripe in range(4):
            left = x - 46 + stripe * 28
            d.line([(left, y - 34), (left + 12, y + 28)], "#fbc3a2", 6)
    rings(d, 10, 190)
    d.disc((590, 470), 44, "#f6a32f")
    scatter(d, "#e9751e", 30, 36, 9, (590, 470))
    return d


def abalone_pot() -> Drawing:
    d = Drawing("abalone")
    pot(d, "#d5dab0")
    rice(d, 205, colour="#e9ecc9")
    for x, y in ((400, 330), (550, 320), (480, 460)):
        d.disc((x, y), 84, "#4e5a58", flat=0.68)
        d.disc((x, y + 2), 74, "#cfd8cf", flat=0.64)
        d.disc((x + 4, y + 4), 58, "#e9c996", flat=0.62)
        for cut in range(-2, 3):
            d.line([(x + cut * 20 - 8, y - 26), (x + cut * 20 + 8, y + 32)], "#c79d5f", 4)
    rings(d, 12, 195)
    return d


def soybean_stew() -> Drawing:
    d = Drawing("doenjang", "#eadfce")
    pot(d, "#a8692f")
    d.disc(CENTRE, 200, "#b5763a")
    for _ in range(11):
        x, y = d.within(150)
        d.patch([(x - 36, y - 30), (x + 30, y - 34), (x + 36, y + 28), (x - 30, y + 32)], "#fbf3de")
        d.patch([(x - 30, y + 32), (x + 36, y + 28), (x + 34, y + 40), (x - 28, y + 44)], "#dccba3")
    for _ in range(8):
        at = d.within(170)
        d.disc(at, 30, DEEP_GREEN, flat=0.8)
        d.disc(at, 25, "#dcebb5", flat=0.8)
    scatter(d, "#c8402c", 9, 170, 10)
    rings(d, 12, 180)
    return d


FOOD: dict[str, Callable[[], Drawing]] = {
    "잔치국수": warm_noodle_soup,
    "비빔국수": spicy_noodles,
    "들기름막국수": perilla_noodles,
    "바지락칼국수": clam_noodles,
    "손만두": dumplings,
    "해물파전": scallion_pancake,
    "감자전": potato_pancake,
    "주먹밥": rice_balls,
    "식혜": sweet_rice_drink,
    "아메리카노": americano,
    "카페라떼": caffe_latte,
    "흑임자라떼": sesame_latte,
    "쑥라떼": mugwort_latte,
    "유자차": yuja_tea,
    "인절미 토스트": injeolmi_toast,
    "소금빵": salt_bread,
    "버섯솥밥": mushroom_pot,
    "연어솥밥": salmon_pot,
    "전복솥밥": abalone_pot,
    "강된장찌개": soybean_stew,
}
"""How each item of the demo is drawn, by its Korean name; the others have no picture, as in any real shop."""

FOLDER = Path(__file__).parent / "food"


def file_of(name: str) -> Path | None:
    """The drawn picture of the item with this Korean name."""
    return FOLDER / f"{FOOD[name].__name__}.webp" if name in FOOD else None


def draw_all() -> None:
    """Draw every picture anew."""
    FOLDER.mkdir(exist_ok=True)
    for paint in FOOD.values():
        (FOLDER / f"{paint.__name__}.webp").write_bytes(paint().finished())


if __name__ == "__main__":
    draw_all()
