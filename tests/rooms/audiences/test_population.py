"""The synthetic country: like the public figures, the same for the same seed, and with tastes that hang together."""

from pathlib import Path

import numpy as np
import pyarrow.parquet as pq

from dure.audiences.population import people, regions, tastes


def test_the_public_figures_are_complete() -> None:
    here = regions.country()
    assert (len(here.provinces), len(here.districts), len(here.dongs)) == (17, 252, 3558)
    for level in (here.provinces, here.districts, here.dongs):
        assert sum(region.residents for region in level) == regions.RESIDENTS
    assert sum(dong.residents == 0 for dong in here.dongs) == 5
    assert regions.full_name("1144066000") == "서울특별시 마포구 서교동"


def test_a_radius_reaches_the_districts_around_it_and_no_further() -> None:
    home = regions.region("1144066000")
    near = regions.dongs_within(home.lon, home.lat, 2)
    assert home.code in near
    assert 4 <= len(near) <= 20
    assert near == tuple(sorted(near))
    for dong in regions.country().dongs:
        apart = regions.distance_km(home, dong)
        assert (dong.code in near) == (apart <= 2) or abs(apart - 2) < 0.01


def test_the_country_is_spread_as_its_residents_are() -> None:
    parts = list(people.synthesize(200_000, seed=7))
    region = np.concatenate([part["region"] for part in parts])
    for province in regions.country().provinces:
        share = province.residents / regions.RESIDENTS
        assert abs((region // 10**8 == int(province.code)).mean() - share) < 1e-4
    ids = np.concatenate([part["person"] for part in parts])
    assert np.array_equal(ids, np.arange(1, 200_001))


def test_the_same_seed_makes_the_same_people_and_another_makes_others() -> None:
    first, again, other = (next(iter(people.synthesize(100_000, seed))) for seed in (3, 3, 4))
    assert all(np.array_equal(first[name], again[name]) for name in first)
    assert not np.array_equal(first["taste"], other["taste"])


def test_a_country_on_disk_is_the_one_that_was_made(tmp_path: Path) -> None:
    told: list[tuple[int, int]] = []
    file = people.write(70_000, 5, tmp_path, lambda done, total: told.append((done, total)))
    table = pq.read_table(file)
    assert told[-1] == (70_000, 70_000)
    made = list(people.synthesize(70_000, 5))
    for name in table.column_names:
        assert np.array_equal(table[name].to_numpy(), np.concatenate([part[name] for part in made]))


def test_tastes_hang_together_by_age_sex_and_way_of_life() -> None:
    block = next(iter(people.synthesize(65_536, seed=11)))

    def likes(key: str) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
        return (block["taste"] >> tastes.KEYS.index(key) & 1).astype(bool)

    young = (block["age"] >= 15) & (block["age"] < 30)
    assert likes("malatang")[young].mean() > 2 * likes("malatang")[block["age"] > 50].mean()
    women = (block["sex"] == 0) & young
    assert likes("photo")[women].mean() > 1.5 * likes("photo")[(block["sex"] == 1) & young].mean()
    # Of people of one age and sex, who likes one thing of a way of life likes the others more often than chance has it.
    wine, premium = likes("wine")[women], likes("premium")[women]
    assert (wine & premium).mean() > 1.3 * wine.mean() * premium.mean()
    assert not np.any(block["consent"] & 0b110 & ~(-(block["consent"] & 1))), "a further consent without the first"
