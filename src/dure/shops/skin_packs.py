"""Skin packs: characters, colours and a QR frame as data. A pack that people could not read is never loaded."""

import hashlib
import math
import re
import tempfile
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Any
from xml.etree import ElementTree as ET

import typst
from django.conf import settings

from dure.kit.errors import NotFound
from dure.kit.language import Text, say

OWN = "dure"
POSES = ("greet", "cook", "thank", "head")
MAX_SVG_BYTES = 6_000
TEXT_CONTRAST = 4.5
CONTROL_CONTRAST = 3.0
# Of the frame's longer side: with less, the code on a 60 mm sticker would be narrower than 25 mm.
MIN_WINDOW = 0.64


@dataclass(frozen=True, slots=True)
class Palette:
    """One theme's colours, each `#rrggbb`. `muted` is small text, `tint` a soft ground for badges and coupons."""

    surface: str
    raised: str
    text: str
    muted: str
    line: str
    accent: str
    on_accent: str
    link: str
    tint: str
    on_tint: str


TEXT_PAIRS = (
    ("text", "surface"),
    ("text", "raised"),
    ("muted", "surface"),
    ("muted", "raised"),
    ("link", "surface"),
    ("link", "raised"),
    ("on_accent", "accent"),
    ("on_tint", "tint"),
)
CONTROL_PAIRS = (("accent", "surface"), ("accent", "raised"))


@dataclass(frozen=True, slots=True)
class Character:
    id: str
    name: Text
    poses: Mapping[str, bytes] = field(repr=False)


@dataclass(frozen=True, slots=True)
class Frame:
    """What goes round a printed QR code. The code with its quiet zone fills the window, in units of the viewBox."""

    svg: bytes = field(repr=False)
    width: float
    height: float
    x: float
    y: float
    size: float


@dataclass(frozen=True, slots=True)
class SkinPack:
    """`fingerprint` changes with any byte of the pack: put it in an address to cache the answer for ever."""

    id: str
    name: Text
    licence: str
    characters: Mapping[str, Character]
    light: Palette
    dark: Palette
    frame: Frame
    fingerprint: str


class UnknownSkin(NotFound):
    sentence = say("이 스킨은 없어요. 다른 스킨을 골라 주세요.", en="There is no such skin. Please choose another one.")


class BrokenSkinPack(Exception):
    """For the operator who installed the pack: every fault found, each in Korean and in English."""

    def __init__(self, folder: str, faults: Iterable[Text]) -> None:
        self.faults = tuple(faults)
        lines = "\n".join(f"- {fault.within('ko')}\n  {fault.within('en')}" for fault in self.faults)
        super().__init__(f"{folder}\n{lines}")


@cache
def packs() -> Mapping[str, SkinPack]:
    """Every pack by id: the house's own, then the operator's from the folder that DURE_SKIN_DIR names."""
    folders = [Path(__file__).parent / "skins"]
    if settings.SKIN_DIR:
        folders.append(Path(settings.SKIN_DIR))
    return load_packs(folders)


def pack(skin: str) -> SkinPack:
    """The pack with that id, or `UnknownSkin`."""
    if skin not in packs():
        raise UnknownSkin
    return packs()[skin]


def pack_or_own(skin: str) -> SkinPack:
    """The pack with that id, or the house's own where the operator has taken the pack away: a menu must still open."""
    return packs().get(skin) or packs()[OWN]


def art(pack: SkinPack, character: str, pose: str) -> bytes:
    """The SVG of a character in a pose, or `UnknownSkin`."""
    try:
        return pack.characters[character].poses[pose]
    except KeyError:
        raise UnknownSkin from None


@cache
def icon(pack_id: str, character: str, size: int, *, maskable: bool) -> bytes:
    """The character's head as a PNG of `size` pixels, for home screens that take no drawing. `maskable`: on the pack's own
    ground, with the margin that a round mask eats. Raises UnknownSkin."""
    pack = packs().get(pack_id)
    if pack is None:
        raise UnknownSkin
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "head.svg").write_bytes(art(pack, character, "head"))
        ground = f'rgb("{pack.light.surface}")' if maskable else "none"
        side = size * 3 // 5 if maskable else size
        Path(folder, "icon.typ").write_text(
            f"#set page(width: {size}pt, height: {size}pt, margin: 0pt, fill: {ground})\n"
            f'#place(center + horizon, image("head.svg", width: {side}pt, height: {side}pt, fit: "contain"))\n'
        )
        drawn = typst.compile(str(Path(folder, "icon.typ")), format="png", ppi=72)
    assert isinstance(drawn, bytes)
    return drawn


def palette_css(pack: SkinPack) -> str:
    """Custom properties `--skin-*` for both themes. They follow the system unless an ancestor says `data-theme`."""
    light, dark = _declarations(pack.light), _declarations(pack.dark)
    return (
        f":root {{ color-scheme: light dark; {light} }}\n"
        f"@media (prefers-color-scheme: dark) {{ :root {{ {dark} }} }}\n"
        f'[data-theme="light"] {{ color-scheme: light; {light} }}\n'
        f'[data-theme="dark"] {{ color-scheme: dark; {dark} }}\n'
    )


def contrast(one: str, other: str) -> float:
    """WCAG 2.2 contrast ratio of two `#rrggbb` colours: from 1 (the same) to 21 (black on white)."""
    lighter, darker = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def load_packs(folders: Iterable[Path]) -> Mapping[str, SkinPack]:
    """The pack in every folder of `folders` with a pack.toml. `BrokenSkinPack` also where two packs share an id."""
    found: dict[str, SkinPack] = {}
    for parent in folders:
        if not parent.is_dir():
            raise BrokenSkinPack(str(parent), [say("스킨 폴더가 없어요.", en="The skin folder does not exist.")])
        for manifest in sorted(parent.glob("*/pack.toml")):
            pack = load_pack(manifest.parent)
            if pack.id in found:
                raise BrokenSkinPack(
                    str(manifest.parent),
                    [say("이미 있는 id예요: {id}", en="A pack with this id exists already: {id}", id=pack.id)],
                )
            found[pack.id] = pack
    return MappingProxyType(found)


def load_pack(folder: Path) -> SkinPack:
    """The pack in `folder`, or `BrokenSkinPack` with every fault in it at once."""
    return _Reader(folder).read()


def svg_faults(svg: bytes) -> list[Text]:
    """What keeps `svg` from being served: its size, what runs or loads, text (it would need a font), no viewBox."""
    if len(svg) > MAX_SVG_BYTES:
        return [
            say(
                "{size}바이트예요. {limit}바이트까지 쓸 수 있어요.",
                en="It has {size} bytes; {limit} are allowed.",
                size=len(svg),
                limit=MAX_SVG_BYTES,
            )
        ]
    # No encoding but UTF-8, or a DOCTYPE could hide from this test and unfold inside the parser.
    if b"<!DOCTYPE" in svg or b"<?" in svg or b"\0" in svg:
        return [
            say(
                "UTF-8로 저장하고 DOCTYPE과 <? 명령을 지워 주세요.",
                en="Save it as UTF-8 without DOCTYPE and without <? instructions.",
            )
        ]
    try:
        root = _parsed(svg)
    except ET.ParseError as error:
        return [say("SVG가 아니에요: {error}", en="It is not SVG: {error}", error=error)]
    faults: list[Text] = []
    if root.tag != f"{_SVG}svg" or _view_box(root) is None:
        faults.append(say("viewBox가 있는 svg 요소가 아니에요.", en="Its root is not an svg element with a viewBox."))
    for element in root.iter():
        tag = str(element.tag)
        if tag.removeprefix(_SVG) not in _DRAWING or not tag.startswith(_SVG):
            faults.append(
                say("쓸 수 없는 요소예요: {tag}", en="This element is not allowed: {tag}", tag=tag.removeprefix(_SVG))
            )
        for name, value in element.attrib.items():
            plain = name.rpartition("}")[2]
            if plain.lower().startswith("on") or plain == "style" or _leads_outside(plain, value):
                faults.append(
                    say(
                        "쓸 수 없는 속성이에요: {attribute}={value}",
                        en="This attribute is not allowed: {attribute}={value}",
                        attribute=plain,
                        value=value,
                    )
                )
    return faults


_SVG = "{http://www.w3.org/2000/svg}"
_DRAWING = {
    *("svg", "g", "defs", "use", "path", "circle", "ellipse", "rect", "line", "polyline", "polygon"),
    *("clipPath", "mask", "linearGradient", "radialGradient", "stop"),
}
_COLOUR = re.compile(r"#[0-9a-f]{6}")
_ID = re.compile(r"[a-z][a-z0-9-]{0,30}")


def _parsed(svg: bytes) -> ET.Element:
    return ET.fromstring(svg)  # noqa: S314 - without a DOCTYPE there are no entities to unfold


def _leads_outside(name: str, value: str) -> bool:
    if name == "href":
        return not value.startswith("#")
    return any(
        not target.lstrip(" '\"").startswith("#") for target in re.split(r"url\(", value, flags=re.IGNORECASE)[1:]
    )


def _view_box(root: ET.Element) -> tuple[float, float] | None:
    numbers = re.split(r"[\s,]+", root.get("viewBox", "").strip())
    try:
        _, _, width, height = map(float, numbers)
    except ValueError:
        return None
    return (width, height) if width > 0 and height > 0 else None


def _luminance(colour: str) -> float:
    channels = (int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5))
    linear = [value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4 for value in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def _declarations(palette: Palette) -> str:
    return " ".join(f"--skin-{f.name.replace('_', '-')}: {getattr(palette, f.name)};" for f in fields(palette))


class _Reader:
    """Reads one pack and gathers its faults, so that an operator mends them in one go."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.faults: list[Text] = []
        self.digest = hashlib.sha256()

    def read(self) -> SkinPack:
        manifest = self.file("pack.toml")
        try:
            data = tomllib.loads(manifest.decode())
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            self.fault(say("pack.toml을 읽을 수 없어요: {error}", en="pack.toml is unreadable: {error}", error=error))
            raise BrokenSkinPack(str(self.folder), self.faults) from None
        skin = self.text(data, "id", "id")
        if skin and not _ID.fullmatch(skin):
            self.fault(
                say(
                    "id는 영어 소문자, 숫자, -로 써 주세요: {id}",
                    en="id must be lower-case letters, digits and -: {id}",
                    id=skin,
                )
            )
        name = self.words(data, "name", "name")
        licence = self.text(data, "licence", "licence")
        characters = {key: self.character(key, entry) for key, entry in self.table(data, "characters").items()}
        if not characters:
            self.fault(say("캐릭터가 하나도 없어요.", en="It has no character."))
        palettes = self.table(data, "palettes")
        light, dark = (self.palette(theme, self.table(palettes, theme)) for theme in ("light", "dark"))
        frame = self.frame(self.table(data, "frame"))
        if self.faults or light is None or dark is None or frame is None:
            raise BrokenSkinPack(str(self.folder), self.faults)
        return SkinPack(
            skin, name, licence, MappingProxyType(characters), light, dark, frame, self.digest.hexdigest()[:16]
        )

    def fault(self, sentence: Text) -> None:
        self.faults.append(sentence)

    def missing(self, where: str) -> None:
        self.fault(say("{where} 값이 없어요.", en="{where} is missing.", where=where))

    def table(self, data: Mapping[str, Any], key: str) -> dict[str, Any]:
        value = data.get(key)
        if not isinstance(value, dict):
            self.missing(f"[{key}]")
            return {}
        return value

    def text(self, data: Mapping[str, Any], key: str, where: str) -> str:
        value = data.get(key)
        if not isinstance(value, str) or not value.strip():
            self.missing(where)
            return ""
        return value

    def words(self, data: Mapping[str, Any], key: str, where: str) -> Text:
        value = data.get(key)
        languages = value if isinstance(value, dict) else {}
        return say(self.text(languages, "ko", f"{where}.ko"), en=self.text(languages, "en", f"{where}.en"))

    def file(self, name: str) -> bytes:
        path = self.folder / name
        if path.resolve().parent != self.folder.resolve() or not path.is_file():
            self.fault(say("파일이 없어요: {name}", en="There is no such file: {name}", name=name))
            return b""
        content = path.read_bytes()
        self.digest.update(f"{name}\0{len(content)}\0".encode() + content)
        return content

    def svg(self, name: str) -> bytes:
        """The drawing, or nothing where it has faults: what comes back is safe to parse."""
        content = self.file(name)
        faults = svg_faults(content) if content else []
        for fault in faults:
            self.fault(say(f"{{file}}: {fault.ko}", en=f"{{file}}: {fault.en}", file=name, **fault.values))
        return b"" if faults else content

    def character(self, key: str, entry: Any) -> Character:
        where = f"characters.{key}"
        data = entry if isinstance(entry, dict) else {}
        if not _ID.fullmatch(key):
            self.fault(
                say(
                    "캐릭터 이름표는 영어 소문자, 숫자, -로 써 주세요: {id}",
                    en="A character's id must be lower-case letters, digits and -: {id}",
                    id=key,
                )
            )
        files = data.get("poses")
        files = files if isinstance(files, dict) else {}
        names = {pose: self.text(files, pose, f"{where}.poses.{pose}") for pose in POSES}
        poses = {pose: self.svg(name) for pose, name in names.items() if name}
        return Character(key, self.words(data, "name", f"{where}.name"), MappingProxyType(poses))

    def palette(self, theme: str, data: Mapping[str, Any]) -> Palette | None:
        colours = {f.name: self.text(data, f.name, f"palettes.{theme}.{f.name}").lower() for f in fields(Palette)}
        wrong = {key: colour for key, colour in colours.items() if colour and not _COLOUR.fullmatch(colour)}
        for key, colour in wrong.items():
            self.fault(
                say(
                    "palettes.{theme}.{key}는 #rrggbb로 써 주세요: {colour}",
                    en="palettes.{theme}.{key} must be #rrggbb: {colour}",
                    theme=theme,
                    key=key,
                    colour=colour,
                )
            )
        if wrong or not all(colours.values()):
            return None
        for pairs, least in ((TEXT_PAIRS, TEXT_CONTRAST), (CONTROL_PAIRS, CONTROL_CONTRAST)):
            for front, ground in pairs:
                ratio = contrast(colours[front], colours[ground])
                if ratio < least:
                    self.fault(
                        say(
                            "palettes.{theme}: {ground} 위의 {front} 대비가 {ratio:.2f}:1이에요. {least}:1보다 낮아요.",
                            en="palettes.{theme}: {front} on {ground} has contrast {ratio:.2f}:1, below {least}:1.",
                            theme=theme,
                            front=front,
                            ground=ground,
                            ratio=ratio,
                            least=least,
                        )
                    )
        return Palette(**colours)

    def frame(self, data: Mapping[str, Any]) -> Frame | None:
        name = self.text(data, "file", "frame.file")
        svg = self.svg(name) if name else b""
        window = data.get("window")
        given = [window.get(key) for key in ("x", "y", "size")] if isinstance(window, dict) else []
        numbers = [float(number) for number in given if isinstance(number, (int, float))]
        if len(numbers) != 3:
            self.missing("frame.window = { x, y, size }")
            return None
        box = _view_box(_parsed(svg)) if svg else None
        if box is None:
            return None
        x, y, size = numbers
        width, height = box
        if x < 0 or y < 0 or size <= 0 or x + size > width or y + size > height:
            self.fault(say("frame.window가 그림 밖으로 나가요.", en="frame.window reaches outside the drawing."))
        if size < MIN_WINDOW * max(width, height):
            self.fault(
                say(
                    "frame.window가 너무 작아서 스티커의 QR이 25 mm보다 작아져요. size를 {least:.0f} 이상으로 해 주세요.",
                    en="frame.window is too small: a sticker's code would be below 25 mm. Make size {least:.0f} or more.",
                    least=math.ceil(MIN_WINDOW * max(width, height)),
                )
            )
        return Frame(svg, width, height, x, y, size)
