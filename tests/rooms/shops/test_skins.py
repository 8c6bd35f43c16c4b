import re
import textwrap
from collections.abc import Callable
from pathlib import Path
from shutil import copytree

import pytest
from pytest_django import Settings

from dure.shops import skin_packs
from dure.shops.skin_packs import (
    MAX_SVG_BYTES,
    POSES,
    TEXT_PAIRS,
    BrokenSkinPack,
    UnknownSkin,
    art,
    contrast,
    load_pack,
    load_packs,
    pack,
    pack_or_own,
    packs,
    palette_css,
    svg_faults,
)

SKINS = Path(skin_packs.__file__).parent / "skins"
SVG = b'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 9 9">%s</svg>'

Mend = Callable[[str, str], Path]


@pytest.fixture
def changed(tmp_path: Path) -> Mend:
    """A copy of the market pack with one text in its pack.toml replaced by another."""

    def change(old: str, new: str) -> Path:
        folder = tmp_path / "copy"
        copytree(SKINS / "market", folder)
        manifest = folder / "pack.toml"
        text = manifest.read_text()
        assert text.count(old) == 1
        manifest.write_text(text.replace(old, new))
        return folder

    return change


def faults_of(folder: Path) -> list[str]:
    with pytest.raises(BrokenSkinPack) as broken:
        load_pack(folder)
    return [fault.within("en") for fault in broken.value.faults]


def test_the_house_brings_two_packs_and_three_characters() -> None:
    assert {skin.id: sorted(skin.characters) for skin in packs().values()} == {
        "dure": ["banga", "dubi"],
        "market": ["danji"],
    }


def test_every_character_has_every_pose_as_a_clean_small_svg() -> None:
    drawings = [
        art(pack, character, pose) for pack in packs().values() for character in pack.characters for pose in POSES
    ]
    assert len(set(drawings)) == 3 * len(POSES)
    assert [fault for drawing in drawings for fault in svg_faults(drawing)] == []
    assert max(map(len, drawings)) <= MAX_SVG_BYTES


def test_every_text_pair_is_readable_in_both_themes() -> None:
    ratios = [
        contrast(getattr(palette, front), getattr(palette, ground))
        for pack in packs().values()
        for palette in (pack.light, pack.dark)
        for front, ground in TEXT_PAIRS
    ]
    assert len(ratios) == 2 * 2 * len(TEXT_PAIRS)
    assert min(ratios) >= 4.5


@pytest.mark.parametrize(
    ("one", "other", "ratio"),
    [
        ("#000000", "#ffffff", 21.0),
        ("#777777", "#ffffff", 4.48),
        ("#ffffff", "#767676", 4.54),
        ("#123456", "#123456", 1),
    ],
)
def test_contrast_is_the_ratio_of_wcag(one: str, other: str, ratio: float) -> None:
    assert contrast(one, other) == pytest.approx(ratio, abs=0.005)


def test_a_pale_text_colour_is_refused_with_its_ratio(changed: Mend) -> None:
    assert faults_of(changed('muted = "#6d5a50"', 'muted = "#a09080"')) == [
        "palettes.light: muted on surface has contrast 2.93:1, below 4.5:1.",
        "palettes.light: muted on raised has contrast 3.09:1, below 4.5:1.",
    ]


def test_contrast_is_enforced_in_the_dark_theme_too(changed: Mend) -> None:
    [fault] = faults_of(changed('on_accent = "#3a0f06"', 'on_accent = "#ffffff"'))
    assert fault.startswith("palettes.dark: on_accent on accent has contrast 2.")


def test_a_missing_pose_is_named(changed: Mend) -> None:
    assert faults_of(changed('thank = "danji-thank.svg", ', "")) == ["characters.danji.poses.thank is missing."]


def test_all_faults_are_told_at_once_in_both_languages(changed: Mend) -> None:
    folder = changed('licence = "CC0-1.0"\n', "")
    (folder / "danji-greet.svg").unlink()
    with pytest.raises(BrokenSkinPack) as broken:
        load_pack(folder)
    assert str(broken.value).splitlines()[1:] == [
        "- licence 값이 없어요.",
        "  licence is missing.",
        "- 파일이 없어요: danji-greet.svg",
        "  There is no such file: danji-greet.svg",
    ]


@pytest.mark.parametrize(
    ("old", "new", "fault"),
    [
        ('id = "market"', 'id = "../market"', "id must be lower-case letters, digits and -: ../market"),
        ('text = "#33211a"', 'text = "black"', "palettes.light.text must be #rrggbb: black"),
        ('text = "#33211a"\n', "", "palettes.light.text is missing."),
        ('en = "Danji the jar"', 'en = ""', "characters.danji.name.en is missing."),
        ("danji-head.svg", "../dure/banga-head.svg", "There is no such file: ../dure/banga-head.svg"),
        ("size = 92", "size = 120", "frame.window reaches outside the drawing."),
        (
            "size = 92",
            "size = 60",
            "frame.window is too small: a sticker's code would be below 25 mm. Make size 89 or more.",
        ),
        ("window = {", "hole = {", "frame.window = { x, y, size } is missing."),
        ("x = 14", 'x = "14"', "frame.window = { x, y, size } is missing."),
        ("[characters.danji]", "[creatures.danji]", "[characters] is missing."),
    ],
)
def test_a_fault_in_the_manifest_is_told_exactly(changed: Mend, old: str, new: str, fault: str) -> None:
    assert fault in faults_of(changed(old, new))


def test_a_manifest_that_is_not_toml_is_refused(changed: Mend) -> None:
    [fault] = faults_of(changed('id = "market"', "id = market"))
    assert fault.startswith("pack.toml is unreadable")


@pytest.mark.parametrize(
    "inside",
    [
        b"<script>alert(1)</script>",
        b"<foreignObject/>",
        b"<text>hi</text>",
        b"<style>*{fill:red}</style>",
        b"<image/>",
        b'<use href="a.png"/>',
        b'<path onclick="alert(1)"/>',
        b'<g ONLOAD="alert(1)"/>',
        b'<use href="https://evil.example/a.svg#a"/>',
        b'<use xmlns:xlink="http://www.w3.org/1999/xlink" xlink:href="other.svg#a"/>',
        b'<path fill="url(https://evil.example/a)"/>',
        b"<path fill=\"URL( '//evil.example/a')\"/>",
        b'<path style="fill:red"/>',
        b'<script xmlns="http://www.w3.org/1999/xhtml">alert(1)</script>',
        b"<path",
        b"<?xml-stylesheet href='a.css'?>",
        b"<path/>" * MAX_SVG_BYTES,
    ],
)
def test_an_svg_that_runs_or_loads_anything_is_refused(inside: bytes) -> None:
    assert len(svg_faults(SVG % inside)) == 1


def test_an_svg_whose_entities_unfold_is_refused_before_it_is_parsed() -> None:
    bomb = b'<!DOCTYPE svg [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]>' + SVG % b"&b;"
    assert len(svg_faults(bomb)) == 1
    assert len(svg_faults(bomb.decode().encode("utf-16-le"))) == 1
    assert len(svg_faults(bomb.decode().encode("utf-16"))) == 1


def test_an_svg_may_refer_to_its_own_parts() -> None:
    assert svg_faults(SVG % b'<defs><g id="a"/></defs><use href="#a"/><path fill="url(#a)"/>') == []


def test_an_svg_fault_names_the_file_and_the_attribute(changed: Mend) -> None:
    folder = changed('id = "market"', 'id = "fair"')
    (folder / "danji-greet.svg").write_bytes(SVG % b'<path onclick="x"/>')
    assert faults_of(folder) == ["danji-greet.svg: This attribute is not allowed: onclick=x"]


def test_adding_a_pack_is_data_only(changed: Mend) -> None:
    folder = changed('id = "market"', 'id = "fair"')
    found = load_packs([SKINS, folder.parent])
    assert sorted(found) == ["dure", "fair", "market"]
    assert found["fair"].fingerprint != found["market"].fingerprint


def test_the_example_in_the_guide_keeps_the_rules(tmp_path: Path) -> None:
    guide = (Path(__file__).parents[3] / "docs/how-to/add-a-skin-pack.md").read_text()
    manifest = textwrap.dedent(guide.partition("```toml\n")[2].partition("```")[0])
    dark = (SKINS / "market/pack.toml").read_text().partition("[palettes.dark]")[2].partition("[frame]")[0]
    folder = tmp_path / "harbour"
    folder.mkdir()
    (folder / "pack.toml").write_text(f"{manifest}\n[palettes.dark]{dark}")
    for pose in POSES:
        (folder / f"gull-{pose}.svg").write_bytes(SVG % b"")
    (folder / "frame.svg").write_bytes((SKINS / "dure/frame.svg").read_bytes())
    assert load_pack(folder).characters["gull"].name.within("en") == "Kkiruk the gull"


def test_two_packs_may_not_share_an_id(changed: Mend) -> None:
    folder = changed('ko = "장날"', 'ko = "장터"')
    with pytest.raises(BrokenSkinPack, match="A pack with this id exists already: market"):
        load_packs([SKINS, folder.parent])


def test_a_skin_folder_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(BrokenSkinPack, match="The skin folder does not exist"):
        load_packs([tmp_path / "none"])


def test_the_operator_names_a_folder_by_setting(changed: Mend, settings: Settings) -> None:
    settings.SKIN_DIR = str(changed('id = "market"', 'id = "fair"').parent)
    packs.cache_clear()
    try:
        assert pack("fair").name.within("ko") == "장날"
    finally:
        packs.cache_clear()


def test_an_unknown_skin_character_or_pose_is_refused_and_a_menu_still_opens() -> None:
    with pytest.raises(UnknownSkin):
        pack("kakao")
    for character, pose in (("banga", "fly"), ("nobody", "greet")):
        with pytest.raises(UnknownSkin):
            art(pack("dure"), character, pose)
    assert pack_or_own("kakao").id == "dure"


def test_the_css_declares_every_colour_in_both_themes_and_nothing_else() -> None:
    for skin in packs().values():
        css = palette_css(skin)
        assert css.count("--skin-") == 4 * len(skin.light.__slots__)
        assert f"--skin-on-accent: {skin.light.on_accent};" in css
        assert f'[data-theme="dark"] {{ color-scheme: dark; --skin-surface: {skin.dark.surface};' in css
        assert re.fullmatch(r"[\w\s:;{}()#@\[\]=\"-]+", css)
