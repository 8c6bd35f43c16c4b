"""Places in two languages: Latin letters as the rule and the places themselves write them, and every place found by them."""

import re

import pytest
from django.utils import translation

from dure.audiences import queries
from dure.audiences.engine.expression import Is
from dure.audiences.population.regions import country
from dure.audiences.population.romanised import PROVINCES, romanised, spelled

HERE = country()
EVERYWHERE = (*HERE.provinces, *HERE.districts, *HERE.dongs)

OFFICIAL = """
종로구 Jongno-gu · 중구 Jung-gu · 광진구 Gwangjin-gu · 동대문구 Dongdaemun-gu · 중랑구 Jungnang-gu · 성북구 Seongbuk-gu ·
노원구 Nowon-gu · 은평구 Eunpyeong-gu · 마포구 Mapo-gu · 양천구 Yangcheon-gu · 구로구 Guro-gu · 영등포구 Yeongdeungpo-gu ·
동작구 Dongjak-gu · 관악구 Gwanak-gu · 서초구 Seocho-gu · 강남구 Gangnam-gu · 송파구 Songpa-gu · 부산진구 Busanjin-gu ·
동래구 Dongnae-gu · 해운대구 Haeundae-gu · 금정구 Geumjeong-gu · 기장군 Gijang-gun · 달성군 Dalseong-gun · 군위군 Gunwi-gun ·
미추홀구 Michuhol-gu · 계양구 Gyeyang-gu · 옹진군 Ongjin-gun · 유성구 Yuseong-gu · 대덕구 Daedeok-gu · 울주군 Ulju-gun ·
의정부시 Uijeongbu-si · 의왕시 Uiwang-si · 구리시 Guri-si · 남양주시 Namyangju-si · 평택시 Pyeongtaek-si · 군포시 Gunpo-si ·
여주시 Yeoju-si · 괴산군 Goesan-gun · 음성군 Eumseong-gun · 보령시 Boryeong-si · 계룡시 Gyeryong-si · 곡성군 Gokseong-gun ·
담양군 Damyang-gun · 함평군 Hampyeong-gun · 울릉군 Ulleung-gun · 칠곡군 Chilgok-gun · 밀양시 Miryang-si · 창녕군 Changnyeong-gun ·
합천군 Hapcheon-gun · 강릉시 Gangneung-si · 속초시 Sokcho-si · 횡성군 Hoengseong-gun · 철원군 Cheorwon-gun · 정읍시 Jeongeup-si ·
임실군 Imsil-gun · 서귀포시 Seogwipo-si · 압구정동 Apgujeong-dong · 신림동 Sillim-dong · 청량리동 Cheongnyangni-dong ·
북아현동 Bugahyeon-dong · 합정동 Hapjeong-dong · 연남동 Yeonnam-dong · 흑석동 Heukseok-dong · 문래동 Mullae-dong ·
일원동 Irwon-dong · 갈월동 Garwol-dong · 석남동 Seongnam-dong · 별내동 Byeollae-dong · 대관령면 Daegwallyeong-myeon ·
백령면 Baengnyeong-myeon · 압량읍 Amnyang-eup · 삼랑진읍 Samnangjin-eup · 한림읍 Hallim-eup · 약목면 Yangmok-myeon ·
묵호동 Mukho-dong · 삼죽면 Samjuk-myeon · 호미곶면 Homigot-myeon · 인왕리 Inwang-ri · 속리산면 Songnisan-myeon
"""
# What the rule itself gives as examples, whole words without a kind of place behind them.
OF_THE_RULE = """
왕십리 wangsimni · 종로 jongno · 독립문 dongnimmun · 백마 baengma · 별내 byeollae · 신라 silla · 해돋이 haedoji ·
묵호 mukho · 집현전 jiphyeonjeon · 압구정 apgujeong · 낙동강 nakdonggang · 죽변 jukbyeon · 낙성대 nakseongdae · 합정 hapjeong ·
팔당 paldang · 샛별 saetbyeol · 울산 ulsan · 설악 seorak · 대관령 daegwallyeong · 구미 gumi · 영동 yeongdong · 옥천 okcheon ·
월곶 wolgot · 벚꽃 beotkkot · 한밭 hanbat · 광희문 gwanghuimun
"""


def pairs(listed: str) -> list[tuple[str, str]]:
    return [(one.split()[0], one.split()[1]) for one in listed.replace("\n", " ").split("·") if one.strip()]


@pytest.mark.parametrize(("name", "english"), pairs(OFFICIAL))
def test_places_are_written_as_they_write_themselves(name: str, english: str) -> None:
    assert romanised(name) == english


@pytest.mark.parametrize(("word", "letters"), pairs(OF_THE_RULE))
def test_words_are_written_as_the_rule_writes_them(word: str, letters: str) -> None:
    assert spelled(word) == letters


@pytest.mark.parametrize(
    ("name", "english"),
    [
        ("역삼1동", "Yeoksam 1-dong"),
        ("종로 2가", "Jongno 2-ga"),
        ("을지로3가", "Euljiro 3-ga"),
        ("용산2가동", "Yongsan 2-ga-dong"),
        ("성수1가1동", "Seongsu 1-ga 1-dong"),
        ("종로1·2·3·4가동", "Jongno 1·2·3·4-ga-dong"),
        ("면목3·8동", "Myeonmok 3·8-dong"),
        ("화수1·화평동", "Hwasu 1·Hwapyeong-dong"),
        ("용담·명암·산성동", "Yongdam·Myeongam·Sanseong-dong"),
        ("수원시 장안구", "Jangan-gu, Suwon-si"),
        ("창원시 마산합포구", "Masanhappo-gu, Changwon-si"),
        ("서울특별시 마포구 망원1동", "Mangwon 1-dong, Mapo-gu, Seoul"),
        ("동읍", "Dong-eup"),
        ("Itaewon", "Itaewon"),
        ("", ""),
    ],
)
def test_numbers_dots_and_places_within_places_come_out_sensibly(name: str, english: str) -> None:
    assert romanised(name) == english


def test_every_province_has_the_name_that_it_gives_itself() -> None:
    assert {one.name for one in HERE.provinces} == set(PROVINCES)
    assert romanised("강원특별자치도") == "Gangwon State"


def test_every_place_of_the_country_has_an_english_name_of_its_own() -> None:
    names: dict[tuple[str, str], str] = {}
    for one in EVERYWHERE:
        english = queries.place_name(one.code).own.en
        assert re.fullmatch(r"[A-Z0-9][A-Za-z0-9·, -]*", english), (one.name, english)
        assert names.setdefault((one.parent, english), one.name) == one.name


def test_a_line_of_text_names_every_place_in_both_languages() -> None:
    read = queries.catalogue().region_code
    for one in EVERYWHERE:
        line = queries.place_name(one.code).line
        assert read(line.ko) == read(line.en) == read(line.en.upper()) == read(one.code) == one.code
    assert queries.as_text(Is("region", ("11440", "41111"))) == "region:서울-마포구,경기-수원시장안구"
    with translation.override("en"):
        line = queries.as_text(Is("region", ("11440", "41111")))
    assert line == "region:Seoul-Mapo-gu,Gyeonggi-do-Suwon-si-Jangan-gu"
    assert queries.read_definition(line) == Is("region", ("11440", "41111"))
    assert queries.read_definition("region:mapo-gu") == Is("region", ("11440",))


def test_a_place_is_called_by_itself_and_with_what_it_lies_in() -> None:
    mangwon, jangan = queries.place_name("1144069000"), queries.place_name("41111")
    assert [t.ko for t in (mangwon.own, mangwon.local, mangwon.whole)] == [
        "망원1동", "마포구 망원1동", "서울 마포구 망원1동"
    ]  # fmt: skip
    assert [t.en for t in (mangwon.own, mangwon.local, mangwon.whole)] == [
        "Mangwon 1-dong", "Mangwon 1-dong, Mapo-gu", "Mangwon 1-dong, Mapo-gu, Seoul"
    ]  # fmt: skip
    assert (jangan.own.ko, jangan.local.ko) == ("수원시 장안구", "수원시장안구")
    assert jangan.whole.en == "Jangan-gu, Suwon-si, Gyeonggi-do"
    assert queries.place_name("11").own.ko == "서울특별시"
    assert queries.place_name("11").whole.ko == "서울"
    with pytest.raises(KeyError):
        queries.place_name("00")


@pytest.mark.parametrize("sought", ["마포", "mapo", "Mapo-gu", "MAPO GU"])
def test_a_place_is_found_in_hangul_and_in_english(sought: str) -> None:
    assert "11440" in queries.places_called(sought)


def test_what_is_found_bears_the_name_districts_first() -> None:
    jongno = queries.places_called("jongno")
    assert jongno[0] == "11110"
    assert all("Jongno" in queries.place_name(code).own.en for code in jongno)
    assert queries.places_called("Suwon-si, Jangan-gu") == queries.places_called("Jangan-gu, Suwon-si") == ["41111"]
    assert queries.places_called("- -") == queries.places_called("nowhere") == []
    assert queries.places_called("망원") == [one.code for one in HERE.dongs if "망원" in one.name]


@pytest.mark.parametrize(
    ("written", "english"),
    [
        ("서울 마포구 망원동", "Mangwon-dong, Mapo-gu, Seoul"),
        ("마포구 망원동", "Mangwon-dong, Mapo-gu"),
        ("강원 춘천시", "Chuncheon-si, Gangwon State"),
        ("홍대 {앞}", "홍대 {앞}"),
        ("", ""),
    ],
)
def test_the_district_of_a_shop_reads_in_both_languages(written: str, english: str) -> None:
    said = queries.district_name(written)
    assert str(said) == written
    with translation.override("en"):
        assert str(said) == english
