"""Where people are registered in Korea: 17 시도, 252 시군구, 3,558 읍면동, each with an inside point and its residents.

Source: SGIS boundaries and resident registration statistics of June 2024 (행정안전부), Korea Open Government Licence type 1.
`scripts/country.py` makes the file that is read here.
"""

import json
import lzma
import math
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

import numpy as np
from numpy.typing import NDArray

SEXES = ("f", "m")
BANDS = 21
"""Five years of age each; the last is a hundred and more."""
RESIDENTS = 51_271_480
_KM_PER_DEGREE = 111.195


@dataclass(frozen=True, slots=True)
class Region:
    """A 시도 (code of 2 digits), 시군구 (5) or 읍면동 (10). The codes of what lies within begin with its own."""

    code: str
    name: str
    lon: float
    lat: float
    residents: int

    @property
    def parent(self) -> str:
        """The code of the region around it; of a 시도, nothing."""
        return {10: self.code[:5], 5: self.code[:2], 2: ""}[len(self.code)]


@dataclass(frozen=True)
class Country:
    """All regions in the order of their codes, and `residents` as uint16 [dong, sex, band of five years]."""

    provinces: tuple[Region, ...]
    districts: tuple[Region, ...]
    dongs: tuple[Region, ...]
    residents: NDArray[np.uint16]

    def within(self, code: str) -> tuple[Region, ...]:
        """The regions one level below: 시군구 of a 시도, 읍면동 of a 시군구, 시도 of "" (the country)."""
        level = {0: self.provinces, 2: self.districts, 5: self.dongs}.get(len(code), ())
        return tuple(region for region in level if region.parent == code)


@cache
def country() -> Country:
    """The country, read once (some 30 ms)."""
    text, _, planes = lzma.decompress(files(__package__).joinpath("country.xz").read_bytes()).partition(b"\n")
    told = json.loads(text)
    many = len(told["dongs"])
    bytes_ = np.frombuffer(planes, np.uint8).reshape(2, len(SEXES), BANDS, many).transpose(3, 1, 2, 0)
    residents = np.ascontiguousarray(bytes_).view("<u2").reshape(many, len(SEXES), BANDS)
    of_dong = residents.sum(axis=(1, 2), dtype=np.int64).tolist()
    dongs = tuple(
        Region(code, name, lon / 10_000, lat / 10_000, people)
        for (code, name, lon, lat), people in zip(told["dongs"], of_dong, strict=True)
    )
    below: dict[str, int] = {}
    for dong in dongs:
        for length in (2, 5):
            below[dong.code[:length]] = below.get(dong.code[:length], 0) + dong.residents
    districts = tuple(
        Region(code, name, lon / 10_000, lat / 10_000, below[code]) for code, name, lon, lat in told["districts"]
    )
    provinces = tuple(_around(code, name, below[code], districts) for code, name in told["provinces"])
    return Country(provinces, districts, dongs, residents)


def _around(code: str, name: str, people: int, districts: tuple[Region, ...]) -> Region:
    """A 시도, with the middle of its residents as its point."""
    inside = [district for district in districts if district.parent == code]
    lon = sum(district.lon * district.residents for district in inside) / people
    lat = sum(district.lat * district.residents for district in inside) / people
    return Region(code, name, round(lon, 4), round(lat, 4), people)


@cache
def region(code: str) -> Region:
    """The region with this code. KeyError where there is none."""
    return _by_code()[code]


@cache
def _by_code() -> dict[str, Region]:
    here = country()
    return {region.code: region for region in (*here.provinces, *here.districts, *here.dongs)}


def full_name(code: str) -> str:
    """ "서울특별시 마포구 서교동": a region's name with what it lies in."""
    return " ".join(region(code[:length]).name for length in (2, 5, 10) if length <= len(code))


def dongs_within(lon: float, lat: float, km: float) -> tuple[str, ...]:
    """The codes of the 읍면동 whose inside point is at most `km` from a point, in the order of the codes."""
    points = _points()
    across = np.cos(np.radians((points[:, 1] + lat) / 2)) * (points[:, 0] - lon)
    apart = np.hypot(across, points[:, 1] - lat) * _KM_PER_DEGREE
    dongs = country().dongs
    return tuple(dongs[place].code for place in np.flatnonzero(apart <= km).tolist())


def distance_km(a: Region, b: Region) -> float:
    """Between two inside points, as the crow flies; good to a per mille within Korea."""
    across = math.cos(math.radians((a.lat + b.lat) / 2)) * (a.lon - b.lon)
    return math.hypot(across, a.lat - b.lat) * _KM_PER_DEGREE


@cache
def _points() -> NDArray[np.float64]:
    return np.array([(dong.lon, dong.lat) for dong in country().dongs])
