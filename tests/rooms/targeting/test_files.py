"""Files as people have them: other words, other orders, other kinds of columns; and what must not be looked at is not."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pyarrow import csv

from dure.targeting.engine.table import Words, covariates
from dure.targeting.errors import ArmsUnclear, FileUnreadable
from dure.targeting.storage.file import alike, read
from dure.targeting.storage.scores import scores_from

ROWS = 500


def table(seed: int = 1, rows: int = ROWS) -> dict[str, Any]:
    dice = np.random.default_rng(seed)
    age = dice.integers(18, 80, rows)
    got = dice.random(rows) < 0.85
    came = dice.random(rows) < 0.1 + 0.3 * (age < 40) * got
    return {
        "id": np.arange(rows), "age": age, "dong": dice.choice([f"d{n}" for n in range(90)], rows),
        "bill": np.where(dice.random(rows) < 0.2, np.nan, np.exp(dice.normal(9, 1.5, rows))), "got": got, "came": came,
    }  # fmt: skip


def written(path: Path, columns: dict[str, Any]) -> Path:
    csv.write_csv(pa.table(columns), path)
    return path


def scores(train: Path, apply: Path, **more: Any) -> np.ndarray[Any, Any]:
    return scores_from(train=train, apply=apply, treatment="got", outcome="came", **more).score


def test_the_program_itself_scores_without_a_database(tmp_path: Path) -> None:
    train = written(tmp_path / "t.csv", table())
    call = [
        sys.executable,
        "-m",
        "dure.project.cli",
        "targeting",
        "score",
        "--train",
        str(train),
        "--apply",
        str(train),
    ]
    whole = [*call, "--treatment", "got", "--outcome", "came", "--json"]
    first, again = (subprocess.run(whole, check=True, capture_output=True).stdout for _ in range(2))
    assert first == again, "the same seed, the same answer to the last digit"
    told = json.loads(first)
    assert told["rows"] == len(told["scores"]) == ROWS
    assert {one["column"] for one in told["left_out"]} == {"id"}
    bad = subprocess.run(
        [*call, "--treatment", "sent", "--outcome", "came"], check=False, capture_output=True, text=True
    )
    assert bad.returncode == 1
    assert "id, age, dong, bill, got, came" in bad.stderr
    assert "Traceback" not in bad.stderr


def test_what_came_of_the_rows_to_score_is_not_looked_at(tmp_path: Path) -> None:
    train, asked = written(tmp_path / "t.csv", table()), table(2)
    bare = {name: asked[name] for name in ("bill", "dong", "age")}
    plain = scores(train, written(tmp_path / "bare.csv", bare))
    turned = asked | {"came": ~asked["came"], "got": ~asked["got"], "later": np.arange(ROWS)}
    assert np.array_equal(plain, scores(train, written(tmp_path / "turned.csv", turned)))


def test_words_for_yes_no_and_the_arms_change_nothing(tmp_path: Path) -> None:
    columns = table()
    plain = scores(written(tmp_path / "a.csv", columns), tmp_path / "a.csv")
    others = [
        ("a.csv", "Email", "None", "Yes", "No"), ("b.parquet", "sent", "not sent", "True", "False"),
        ("c.csv", "B", "control", "예", "아니요"),
    ]  # fmt: skip
    for file, with_, without, yes, no in others:
        said = columns | {"got": np.where(columns["got"], with_, without), "came": np.where(columns["came"], yes, no)}
        other = tmp_path / f"other-{file}"
        if file.endswith("csv"):
            written(other, said)
        else:
            pq.write_table(pa.table(said), other)
        assert np.array_equal(plain, scores(other, tmp_path / "a.csv")), (with_, file)


def test_of_three_arms_each_is_told_and_one_may_be_asked_for(tmp_path: Path) -> None:
    columns = table()
    dice = np.random.default_rng(3)
    kind = np.where(columns["got"], np.where(dice.random(ROWS) < 0.5, "mail", "push"), "no message")
    file = written(tmp_path / "t.csv", columns | {"got": kind})
    both = scores_from(train=file, apply=file, treatment="got", outcome="came")
    assert [(arm.name, arm.rows) for arm in both.arms] == [
        (n, int((kind == n).sum())) for n in ("no message", "mail", "push")
    ]
    assert both.arms[1].effect == pytest.approx(
        columns["came"][kind == "mail"].mean() - columns["came"][kind == "no message"].mean()
    )
    one = scores_from(train=file, apply=file, treatment="got", outcome="came", treated="push")
    assert one.learned_from == int((kind != "mail").sum())


def test_other_separators_encodings_dates_and_names_that_come_twice_are_read(tmp_path: Path) -> None:
    file = tmp_path / "t.csv"
    file.write_bytes(
        "나이;동;나이;언제;값;참\n30;망원;1;2026.01.02;1,200;TRUE\n;합정;2;2026.01.05;900;FALSE\n".encode(
            "cp949", "ignore"
        )
    )
    found = read(file)
    assert list(found) == ["나이", "동", "나이.2", "언제", "값", "참"]
    assert np.isnan(found["나이"][1])  # type: ignore[index]
    assert isinstance(found["동"], Words)
    assert found["언제"][1] - found["언제"][0] == 3 * 86_400  # type: ignore[index,operator]
    assert list(found["값"]) == [1200.0, 900.0]  # type: ignore[arg-type]
    assert list(found["참"]) == [1.0, 0.0]  # type: ignore[arg-type]


def test_a_column_that_turns_out_to_hold_words_far_down_is_read(tmp_path: Path) -> None:
    file = tmp_path / "t.csv"
    file.write_text("a,b\n" + "1,2\n" * 300_000 + "x,2\n")
    found = read(file)
    assert isinstance(found["a"], Words)
    assert len(found["b"]) == 300_001


def test_a_column_may_be_numbers_in_one_file_and_words_in_the_other() -> None:
    numbers = np.array([1.0, 2.0, np.nan])
    words = Words(np.array([0, 1, 2], np.int32), ("1", "2", "?"))
    _, again = alike(numbers, words)
    assert isinstance(again, np.ndarray)
    assert list(again[:2]) == [1.0, 2.0]
    left, right = alike(Words(np.array([0, 1], np.int32), ("1", "ten")), np.array([1.0, np.nan]))
    assert isinstance(left, Words)
    assert isinstance(right, Words)
    assert [right.levels[code] if code >= 0 else None for code in right.codes] == ["1", None]


def test_what_repeats_never_varies_or_names_the_row_is_left_out(tmp_path: Path) -> None:
    columns = table()
    more = columns | {
        "same": np.zeros(ROWS), "twin": columns["age"], "words": columns["age"].astype(str), "name": [f"n{i}" for i in range(ROWS)],
        "empty": pa.nulls(ROWS), "other": np.random.default_rng(5).normal(size=ROWS),
    }  # fmt: skip
    file = written(tmp_path / "t.csv", more)
    told = scores_from(train=file, apply=file, treatment="got", outcome="came")
    assert told.covariates == ["age", "dong", "bill", "other"]
    assert {one.column: one.why for one in told.left_out} == {
        "id": "names the row", "same": "always the same", "twin": "the same as age", "words": "the same as age",
        "name": "names the row", "empty": "always the same",
    }  # fmt: skip


def test_a_step_towards_the_outcome_is_no_covariate() -> None:
    """Nobody buys without having visited: that is not known when the message is sent."""
    dice = np.random.default_rng(1)
    rows = 20_000
    got = dice.random(rows) < 0.5
    visited = dice.random(rows) < 0.10 + 0.02 * got
    bought = (visited & (dice.random(rows) < 0.2)).astype(float)
    rich = (dice.random(rows) < 0.2).astype(float)
    raw = {"visited": visited.astype(float), "rich": rich}
    kept, out = covariates(raw, raw, treated=got, outcome=bought, besides=set())
    assert kept == ["rich"]
    assert "came after the treatment" in out[0].why


@pytest.mark.parametrize("name", ["archive", "grace_days", "healthy"])
def test_only_what_is_meant_is_forbidden(name: str) -> None:
    values = {name: np.arange(400.0) % 7}
    arms = np.arange(400) % 2 == 0
    kept, _ = covariates(values, values, treated=arms, outcome=(np.arange(400) // 2 % 2).astype(float), besides=set())
    assert kept == ([] if name == "healthy" else [name])


def test_spending_with_a_heavy_tail_is_scored_in_won(tmp_path: Path) -> None:
    columns = table(rows=2_000)
    dice = np.random.default_rng(4)
    columns["came"] = columns["came"] * np.round(np.exp(dice.normal(9.5, 1.5, 2_000)))
    file = written(tmp_path / "t.csv", columns)
    told = scores_from(train=file, apply=file, treatment="got", outcome="came")
    assert np.isfinite(told.score).all()
    assert any("count as" in note for note in told.notes)
    assert told.effect > 100


def test_arms_that_nobody_named_are_asked_for(tmp_path: Path) -> None:
    columns = table()
    file = written(tmp_path / "t.csv", columns | {"got": np.where(columns["got"], "A", "B")})
    with pytest.raises(ArmsUnclear):
        scores(file, file)
    assert len(scores(file, file, control="B")) == ROWS


def test_a_row_of_another_length_is_told_by_its_place(tmp_path: Path) -> None:
    file = tmp_path / "t.csv"
    file.write_text("a,b\n1,2\n1,2,3\n")
    with pytest.raises(FileUnreadable, match="2"):
        read(file)
