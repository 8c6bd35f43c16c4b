import re

from dure.kit import ids
from dure.web.ui.converters import Code, PublicId


def test_public_ids_sort_by_birth_and_fit_an_address() -> None:
    made = [ids.new_public_id("pay") for _ in range(2_000)]
    assert len(set(made)) == len(made)
    assert all(re.fullmatch(PublicId.regex, one) for one in made)
    births = [one[4:14] for one in made]
    assert births == sorted(births)


def test_codes_fit_paper_and_are_never_the_same() -> None:
    codes = {ids.new_code() for _ in range(2_000)}
    assert len(codes) == 2_000
    assert all(re.fullmatch(Code.regex, code) and len(code) == 16 for code in codes)


def test_secrets_hold_256_bits() -> None:
    assert len(ids.new_secret()) == 43
