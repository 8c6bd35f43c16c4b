import json

from tests.web.customer.phone import Phone


def test_the_first_page_says_what_dure_is(db: None) -> None:
    phone = Phone().open("/")
    assert phone.status == 200
    assert "동네 가게와 단골을 이어요" in phone.text
    assert "Small shops and their regulars" in Phone(**{"Accept-Language": "en"}).open("/").text


def test_the_manifest_names_dure_and_its_face(db: None) -> None:
    manifest = json.loads(Phone().open("/manifest.webmanifest").html)
    assert manifest["short_name"] == "두레"
    assert Phone().open(manifest["icons"][0]["src"]).status == 200


def test_the_service_worker_stands_at_the_root_and_keeps_nothing_with_cookies(db: None) -> None:
    phone = Phone().open("/sw.js")
    assert phone.answer["Content-Type"].startswith("text/javascript")
    assert 'credentials: "omit"' in phone.html
    assert "{%" not in phone.html
