"""Makes `audiences/population/country.xz` from the public figures: `python scripts/country.py FOLDER`.

FOLDER holds emd_202406.csv, sigungu_202406.csv, sido_202406.csv (SGIS boundaries) and population_emd_202406.parquet (행정안전부
주민등록 인구통계, June 2024). What comes out: one line of JSON (names, codes, inside points), then the residents of each 읍면동 by
sex and five years of age as little-endian uint16, all of it compressed.
"""

import csv
import json
import lzma
import sys
from pathlib import Path

import duckdb
import numpy as np

TARGET = Path(__file__).parents[1] / "src" / "dure" / "audiences" / "population" / "country.xz"
BANDS = [*(f"{age:02d}-{age + 4:02d}" for age in range(0, 100, 5)), "100+"]


def main(folder: Path) -> None:
    dongs = _rows(folder / "emd_202406.csv")
    districts = _rows(folder / "sigungu_202406.csv")
    place = {row["emd_code"]: number for number, row in enumerate(dongs)}
    people = np.zeros((len(dongs), 2, len(BANDS)), dtype="<u2")
    cells = duckdb.read_parquet(str(folder / "population_emd_202406.parquet"))
    for code, sex, band, many in cells.select("emd_code", "sex", "age_group", "population").fetchall():
        people[place[str(code)], "FM".index(sex), BANDS.index(band)] = many
    assert int(people.sum()) == 51_271_480, "not the residents of June 2024"
    told = {
        "source": "SGIS 행정구역 경계 · 행정안전부 주민등록 인구통계 2024-06 (공공누리 제1유형)",
        "provinces": [[row["sido_code"], row["sido_name"]] for row in _rows(folder / "sido_202406.csv")],
        "districts": [[row["sigungu_code"], row["sigungu_name"], *_point(row)] for row in districts],
        "dongs": [[row["emd_code"], row["emd_name"], *_point(row)] for row in dongs],
    }
    text = json.dumps(told, ensure_ascii=False, separators=(",", ":")).encode()
    # The bytes of one sex and age lie together, the high ones apart from the low ones: neighbours are alike.
    planes = people.transpose(1, 2, 0).copy().view(np.uint8).reshape(2, len(BANDS), len(dongs), 2).transpose(3, 0, 1, 2)
    TARGET.write_bytes(lzma.compress(text + b"\n" + planes.tobytes(), preset=9 | lzma.PRESET_EXTREME))
    print(f"{TARGET}: {TARGET.stat().st_size:,} bytes")


def _rows(file: Path) -> list[dict[str, str]]:
    with file.open(encoding="utf-8-sig", newline="") as lines:
        return sorted(csv.DictReader(lines), key=lambda row: row.get("emd_code") or row.get("sigungu_code") or "")


def _point(row: dict[str, str]) -> tuple[int, int]:
    return round(float(row["lon"]) * 10_000), round(float(row["lat"]) * 10_000)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
