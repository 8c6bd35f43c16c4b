"""The builder of audiences in a browser without JavaScript, its counts as JSON, and what it must never say."""

import json
import re
from collections.abc import Iterator
from urllib.parse import parse_qs, urlsplit

import numpy as np
import pytest
from django.db import connection
from django.http import QueryDict
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import translation

from dure.audiences import queries
from dure.audiences.engine.index import Index
from dure.audiences.models import Asking, Audience
from dure.audiences.population import people as population
from dure.shops import fence
from dure.shops.models import Membership, Shop
from dure.web.console import chips, sketch
from dure.web.ui import limits
from tests import cast
from tests.rooms.campaigns.conftest import friends
from tests.web.console.desk import Desk

pytestmark = pytest.mark.django_db
NEST = "-" * 10_000 + "단골"


@pytest.fixture(scope="module")
def country() -> Index:
    """Sixty thousand people who do not exist."""
    blocks = list(population.synthesize(60_000, 7))
    columns = {name: np.concatenate([block[name] for block in blocks]) for name in blocks[0]}
    return Index.of(population.SCHEMA, columns.pop("person"), columns)


@pytest.fixture
def twin(country: Index) -> Iterator[Index]:
    with queries.standing_on(network=country, twin=country):
        yield country


@pytest.fixture(autouse=True)
def fresh_buckets() -> None:
    limits._buckets.clear()


def sent(query: str) -> QueryDict:
    return QueryDict(query)


def kept(desk: Desk, **by: str) -> Audience:
    """The one audience that the shop saved, or the one of this name."""
    with fence.within_shop(desk.shop.pk):
        return Audience.objects.get(shop=desk.shop, **by)


def asked(desk: Desk, **fields: object) -> tuple[int, dict[str, object]]:
    """What the counting address says to a form with these fields."""
    answer = desk.client.get(desk.url("audience_count"), fields, headers={"Accept": "application/json"})
    return answer.status_code, json.loads(answer.content)


# The form and the definition say the same


@pytest.mark.parametrize(
    "line",
    [
        "*",
        "region:11440 age:25-39 taste:coffee,dessert",
        "region:1144069000 near:-3 last_seen:45- -friend",
        "taste:coffee taste:wine sex:f",
        "age:20-39 (taste:coffee | visited:cafe)",
        "age:20-39 -(relation:friend | channel:email)",
        "spend:10-300 visits:3- hours:lunch,dinner consent:personal",
    ],
)
def test_what_the_boxes_can_say_comes_back_the_same(line: str) -> None:
    meant = queries.read_definition(line)
    fields = chips.typed(queries.as_document(meant))
    assert "line" not in fields
    again = chips.read(sent(chips.query(queries.as_document(meant))))
    assert queries.canonical(queries.read_document(again.document)) == queries.canonical(meant)


@pytest.mark.parametrize(
    "line", ["(age:20-29 taste:coffee) | age:60-", "age:20-39 age:30-49", "-(age:20-39 (taste:tea | -taste:wine))"]
)
def test_what_is_deeper_stays_a_line_of_text(line: str) -> None:
    meant = queries.read_definition(line)
    fields = chips.typed(queries.as_document(meant))
    assert list(fields) == ["line"]
    assert queries.read_document(chips.read(sent(chips.query(queries.as_document(meant)))).document) == meant


def test_a_part_of_a_place_narrows_it() -> None:
    read = chips.read(sent("region=11&region=11440&region=1144069000&region=26"))
    assert read.document["who"]["all"] == [{"trait": "region", "in": ["1144069000", "26"]}]


# Counting


def test_a_slider_is_answered_with_the_number_of_the_twin_and_nothing_else(
    owner: Desk, noodles: Shop, twin: Index
) -> None:
    status, told = asked(owner, age_from="20", age_to="39", taste="coffee")
    with fence.within_shop(noodles.pk):
        expected = queries.count_in_twin(noodles, queries.read_definition("age:20-39 taste:coffee"))
    assert (status, told["people"], told["from"]) == (200, expected, "twin")
    assert expected > 0
    assert set(told) == {"people", "from", "said"}


def test_counting_writes_nothing(owner: Desk, twin: Index, django_assert_max_num_queries: object) -> None:
    from tests.web.neighbourhood import watched

    asked(owner, age_from="20")
    with watched() as pen:
        asked(owner, age_from="21")
    assert not pen.wrote


def test_a_count_asks_the_database_who_asks_and_what_they_may_and_nothing_else(owner: Desk, twin: Index) -> None:
    with CaptureQueriesContext(connection) as questions:
        asked(owner, age_from="22")
    assert [one["sql"].split('"')[1] for one in questions.captured_queries] == ["people_session", "shops_membership"]


def test_who_no_longer_works_here_counts_nobody_from_the_next_question_on(
    owner: Desk, noodles: Shop, twin: Index
) -> None:
    assert asked(owner, age_from="22")[0] == 200
    Membership.objects.filter(shop=noodles).delete()
    assert asked(owner, age_from="22")[0] == 404


def test_own_friends_are_counted_from_the_tables(owner: Desk, noodles: Shop, twin: Index) -> None:
    with fence.within_shop(noodles.pk):
        friends(noodles, 12)
    status, told = asked(owner, relation="friend")
    assert (status, told["people"], told["from"], told["said"]) == (200, 12, "friends", "12명")


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"age_from": "50", "age_to": "20"}, "age_to"),
        ({"age_from": "900"}, "age_from"),
        ({"age_from": "many"}, "age_from"),
        ({"sex": "f", "no.taste": "moonlight"}, "no.taste"),
        ({"region": "99"}, "region"),
    ],
)
def test_what_cannot_be_right_is_refused_at_its_field(
    owner: Desk, twin: Index, fields: dict[str, str], field: str
) -> None:
    status, told = asked(owner, **fields)
    assert status == 422
    assert told["field"] == field
    assert str(told["pointer"]).startswith("/who/all/")
    shown = owner.open("new_audience", query="?" + "&".join(f"{name}={value}" for name, value in fields.items()))
    assert shown.status == 200
    assert str(told["title"]) in shown.text


@pytest.mark.parametrize(
    ("definition", "pointer"),
    [
        ('{"version":1,"who":{"all":[{"trait":"shoe_size","in":["42"]}]}}', "/who/all/0/trait"),
        ('{"version":1,"who":{"all":[{"trait":"age","from":40,"to":20}]}}', "/who/all/0/to"),
        ('{"version":1,"who":' + '{"not":' * 10_000 + '{"all":[]}' + "}" * 10_001, ""),
        (NEST, ""),
        ("age:25-39 shoe:42", "/1"),
    ],
)
def test_a_bad_definition_is_refused_with_its_place(owner: Desk, twin: Index, definition: str, pointer: str) -> None:
    answer = owner.client.get(
        owner.url("new_audience"), headers={"Accept": "text/html"}
    )  # a page of theirs, so that the token is there
    assert answer.status_code == 200
    answer = owner.client.post(
        owner.url("audience_count"),
        {"definition": definition, "csrfmiddlewaretoken": owner.client.cookies["csrftoken"].value},
        headers={"Accept": "application/json"},
    )
    told = json.loads(answer.content)
    assert answer.status_code == 422
    assert str(told["pointer"]).startswith(pointer)


def test_ten_megabytes_are_not_even_read(owner: Desk, twin: Index) -> None:
    owner.client.get(owner.url("new_audience"))
    token = owner.client.cookies["csrftoken"].value
    long = '{"version":1,"who":{"all":[' + '{"trait":"sex","in":["f"]},' * 380_000 + "]}}"
    assert len(long) > 10_000_000
    as_json = owner.client.post(
        owner.url("audience_count"),
        long,
        content_type="application/json",
        headers={"X-CSRFToken": token, "Accept": "application/json"},
    )
    as_form = owner.client.post(
        owner.url("audience_count"),
        {"definition": long, "csrfmiddlewaretoken": token},
        headers={"Accept": "application/json"},
    )
    assert (as_json.status_code, as_form.status_code) in {(422, 422), (400, 422), (422, 403)}


def test_who_asks_too_fast_is_held_back_and_let_in_again(
    owner: Desk, twin: Index, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = [1_000.0]
    monkeypatch.setattr(limits, "monotonic", lambda: now[0])
    monkeypatch.setattr("dure.web.console.pages.audiences.COUNTS_AT_ONCE", 3)
    assert [asked(owner, age_from="20")[0] for _ in range(5)] == [200, 200, 200, 429, 429]
    now[0] += 1
    assert asked(owner, age_from="20")[0] == 200


# Pages


def test_without_a_script_the_form_is_sent_and_comes_back_counted(owner: Desk, twin: Index) -> None:
    page = owner.open("new_audience")
    assert "닮은 나라에서 센 숫자" in page.text
    page.send("new_audience", press=("do", "count"), age_from="20", age_to="39", taste=["coffee"])
    assert parse_qs(urlsplit(page.at).query) == {
        "age_from": ["20"], "age_to": ["39"], "taste": ["coffee"], "edited": ["1"]
    }  # fmt: skip
    assert "20–39세" in page.text
    page.send("new_audience", press=("do", "find"), find="망원")
    assert "서울 마포구 망원1동" in page.text
    page.send("new_audience", press=("do", "add:1144069000"))
    assert parse_qs(urlsplit(page.at).query)["region"] == ["1144069000"]
    page.send("new_audience", do="drop:age")
    assert "age_from" not in parse_qs(urlsplit(page.at).query)
    page.send("new_audience", press=("do", "save"), name="망원동 커피")
    assert page.status == 200
    assert "저장했어요" in page.text
    saved = kept(owner)
    assert saved.definition["who"] == {
        "all": [{"trait": "region", "in": ["1144069000"]}, {"trait": "taste", "in": ["coffee"]}]
    }


def test_saved_audiences_are_changed_copied_and_deleted(owner: Desk, twin: Index) -> None:
    owner.open("new_audience", query="?sex=f").send("new_audience", press=("do", "save"), name="여성 손님")
    first = kept(owner)
    taken = owner.open("new_audience", query="?sex=m").send("new_audience", press=("do", "save"), name="여성 손님")
    assert taken.status == 422
    assert "같은 이름" in taken.text
    assert 'value="m" checked' in taken.html
    owner.open("audience", first.public_id).send("audience", first.public_id, press=("do", "save"), sex=["f", "m"])
    assert kept(owner).definition["who"]["all"] == [{"trait": "sex", "in": ["f", "m"]}]
    owner.open("audiences").send("audience_copy", first.public_id)
    with fence.within_shop(owner.shop.pk):
        names = sorted(Audience.objects.filter(shop=owner.shop).values_list("name", flat=True))
    assert names == ["여성 손님", "여성 손님 2"]
    owner.open("audiences").send("audience_removal", first.public_id)
    assert kept(owner).name == "여성 손님 2"


def test_an_edit_page_can_be_emptied(owner: Desk, twin: Index) -> None:
    owner.open("new_audience", query="?sex=f").send("new_audience", press=("do", "save"), name="여성 손님")
    saved = kept(owner)
    page = owner.open("audience", saved.public_id).send("audience", saved.public_id, do="drop:sex")
    assert "checked" not in page.part("audience-form")


def test_small_audiences_are_not_counted_in_words_and_ways_to_widen_are_offered(owner: Desk, twin: Index) -> None:
    page = owner.open("new_audience", query="?region=1144069000&age_from=30&age_to=31&taste=wine")
    assert "100명이 안 돼요" in page.text
    assert "이렇게 넓혀 보세요" in page.text
    more = next(link for link in page.reader.links if link.startswith("?") and "edited" in link)
    assert owner.visit(owner.url("new_audience") + more).status == 200


def test_the_map_has_each_district_once_and_the_table_the_same_numbers(owner: Desk, noodles: Shop, twin: Index) -> None:
    with fence.within_shop(noodles.pk):
        picture = sketch.picture(noodles, {"taste": ["coffee"], "region": ["11440"]}, at=cast.NOON, view="")
        close = sketch.picture(noodles, {"taste": ["coffee"]}, at=cast.NOON, view="11")
    codes = [bubble["code"] for bubble in picture.map["bubbles"]]
    assert len(codes) == len(set(codes)) == 252
    assert [bubble["code"] for bubble in picture.map["bubbles"] if bubble["picked"]] == ["11440"]
    with fence.within_shop(noodles.pk):
        chosen = sketch.picture(noodles, {"region": ["26", "1144066000"]}, at=cast.NOON, view="").map["bubbles"]
    assert {b["code"] for b in chosen if b["picked"]} == {b["code"] for b in chosen if b["code"][:2] == "26"} | {
        "11440"
    }
    radii = {bubble["people"]: bubble["r"] for bubble in picture.map["bubbles"]}
    assert [r for _, r in sorted(radii.items())] == sorted(radii.values())
    assert {row["code"] for row in close.map["rows"]} == {b["code"] for b in close.map["bubbles"]}
    assert len(close.map["rows"]) == 25


def test_before_the_country_is_there_the_page_says_so_and_saves(
    owner: Desk, settings: object, tmp_path: object
) -> None:
    settings.HOME = tmp_path  # type: ignore[attr-defined]
    page = owner.open("new_audience", query="?sex=f")
    assert page.status == 200
    assert "짓고 있어요" in page.text
    page.send("new_audience", press=("do", "save"), name="여성 손님")
    assert page.status == 200
    assert asked(owner, sex="f")[0] == 503


# The last step


def test_real_numbers_cost_and_repeat_and_end(owner: Desk, twin: Index) -> None:
    owner.open("new_audience", query="?sex=f").send("new_audience", press=("do", "save"), name="여성 손님")
    saved = kept(owner)
    page = owner.open("audience_reach", saved.public_id)
    assert "오늘 20번 중 0번" in page.text
    page.send("audience_reach", saved.public_id)
    first = page.part("real")
    assert "오늘 20번 중 1번" in page.text
    assert owner.open("audience_reach", saved.public_id).part("real") == first
    assert Asking.objects.count() == 1
    for low in range(20, 39):
        owner.open("new_audience", query=f"?age_from={low}").send("new_audience", press=("do", "save"), name=f"{low}+")
        one = kept(owner, name=f"{low}+")
        owner.open("audience_reach", one.public_id).send("audience_reach", one.public_id)
    owner.open("new_audience", query="?age_from=50").send("new_audience", press=("do", "save"), name="50+")
    last = kept(owner, name="50+")
    spent = owner.open("audience_reach", last.public_id)
    assert "20번을 다 썼어요" in spent.text
    assert not spent.forms_for("audience_reach", last.public_id)
    refused = owner.client.post(
        owner.url("audience_reach", last.public_id), {"csrfmiddlewaretoken": owner.client.cookies["csrftoken"].value}
    )
    assert refused.status_code == 409
    assert "둘러보기는 계속할 수 있고" in refused.content.decode()
    assert Asking.objects.count() == 20


def test_the_register_and_the_schema_are_public(owner: Desk, client: object) -> None:
    from django.test import Client

    from dure.audiences import actions
    from dure.audiences.engine import twin

    actions.record_release(what="twin", parts={"dong": 0.03, "something new": 0.5}, at=cast.NOON)
    page = Client().get(reverse("customer:register")).content.decode()
    assert "ε 0.53" in page
    assert "하루 20번" in page
    actions.record_release(what="twin", parts=dict(twin.EPSILONS), at=cast.NOON)
    page = Client(headers={"Accept-Language": "ko"}).get(reverse("customer:register")).content.decode()
    assert not [part for part in twin.EPSILONS if part in page], "a part that is published has words for it"
    told = Client().get(reverse("audience_schema"))
    assert told["Content-Type"] == "application/schema+json"
    schema = json.loads(told.content)
    assert schema["$id"].endswith("/schemas/audience/v1.json")
    assert schema == queries.published_schema(schema["$id"])


HANGUL = re.compile(r"[가-힣]+")


@pytest.mark.parametrize(
    "query",
    [
        "?region=1144069000&region=41111&region=51&region=48125&taste=coffee",
        "?find=jongno&view=41",
        "?line=region:11440,43111|age:9-",
        "?region=1144069000&age_from=30&age_to=31&taste=wine",
        "?do=find&find=zzz",
    ],
)
def test_an_english_reader_meets_no_place_in_hangul(noodles: Shop, twin: Index, query: str) -> None:
    english = Desk(cast.person(cast.SOONI), noodles, **{"Accept-Language": "en"})
    for page in ("new_audience", "audience_picture", "audience_places"):
        shown = english.open(page, query=query)
        assert shown.status == 200
        assert set(HANGUL.findall(shown.html)) <= {*HANGUL.findall(noodles.name), "한국어"}, page


def test_places_are_called_and_found_in_the_readers_language(noodles: Shop, owner: Desk, twin: Index) -> None:
    english = Desk(cast.person(cast.SOONI), noodles, **{"Accept-Language": "en"})
    query = "?region=1144069000&region=41111&view=41&find="
    assert "Mangwon 2-dong, Mapo-gu, Seoul" in english.open("new_audience", query=f"{query}MANGWON").text
    picture = english.open("audience_picture", query=query)
    assert "Mangwon 1-dong, Mapo-gu; Jangan-gu, Suwon-si" in picture.text
    assert "<title>Jangan-gu, Suwon-si</title>" in picture.html
    assert "Gyeonggi-do" in picture.text
    # The same questions a moment later, in Korean: what is remembered of an answer knows no language.
    picture = owner.open("audience_picture", query=query)
    assert "마포구 망원1동, 수원시장안구" in picture.text
    assert "<title>수원시 장안구</title>" in picture.html
    assert "Suwon" not in picture.html
    for found in (
        owner.open("audience_places", query="?find=망원"),
        owner.open("audience_places", query="?find=Mangwon"),
    ):
        assert "서울 마포구 망원2동" in found.text


def test_the_list_of_shops_names_their_districts_in_the_readers_language(noodles: Shop, owner: Desk) -> None:
    assert "서울 마포구 망원동" in owner.visit("/console/?all").text
    english = Desk(cast.person(cast.SOONI), noodles, **{"Accept-Language": "en"}).visit("/console/?all")
    assert "Mangwon-dong, Mapo-gu, Seoul" in english.text
    assert "마포구" not in english.html


def test_names_in_latin_letters_leave_each_other_room_on_the_map(noodles: Shop, twin: Index) -> None:
    for view in [one.code for one in queries.places().provinces]:
        with fence.within_shop(noodles.pk), translation.override("en"):
            drawn = sketch.picture(noodles, {"region": ["41111"]}, at=cast.NOON, view=view).map["circles"]
        told = re.findall(r'<text x="([\d.]+)" y="([\d.]+)" font-size="([\d.]+)"[^>]*>([^<]+)</text>', drawn)
        assert told
        assert len(told) <= drawn.count("<circle")
        boxes = [(float(x), float(y), float(size) * sketch.LETTER_WIDTH * len(name) / 2) for x, y, size, name in told]
        for place, (x, y, half) in enumerate(boxes):
            for other_x, other_y, other_half in boxes[place + 1 :]:
                apart = abs(x - other_x) >= half + other_half or abs(y - other_y) >= float(told[0][2])
                assert apart, (view, told[place])
        assert view != "41" or "Jangan-gu" in {name for *_, name in told}
