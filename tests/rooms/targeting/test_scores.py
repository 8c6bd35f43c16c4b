"""Scores from randomised rows: what moves people is found, what came afterwards is not looked at, and doubt keeps the old ranking."""

import json
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from numpy.typing import NDArray
from pyarrow import csv
from typer.testing import CliRunner

from dure.project.cli import app
from dure.project.postgres import Trouble
from dure.targeting.engine.measures import auuc
from dure.targeting.errors import ArmsUnclear, ColumnMissing, FileUnreadable, NothingToLearn, OutcomeNoNumber
from dure.targeting.storage.scores import scores_from
from dure.targeting.values import Ranking

ROWS = 4_000


def people(rows: int, seed: int, *, moved: float) -> tuple[pa.Table, NDArray[np.float64]]:
    """Half get a message; it moves those who like coffee and nobody else. Who comes often anyway is not who is moved."""
    dice = np.random.default_rng(seed)
    often, age = dice.gamma(1.0, 2.0, rows), dice.integers(18, 80, rows)
    taste = dice.choice(["coffee", "noodles", "bakery"], rows)
    treated = dice.random(rows) < 0.5
    effect = np.where(taste == "coffee", moved, 0.0)
    came = dice.random(rows) < 0.05 + 0.12 * np.minimum(often, 5) + treated * effect
    table = pa.table({
        "number": np.arange(rows), "often": often, "age": age, "taste": taste, "religion": dice.choice(["a", "b"], rows),
        "opened": np.where(treated, dice.random(rows) < 0.3, False), "spent": np.where(came, 9_000, 0),
        "got": np.where(treated, "yes", "no"), "came": came,
    })  # fmt: skip
    return table, effect


def test_what_a_message_changes_is_found_and_explained(tmp_path: Path) -> None:
    known, _ = people(ROWS, 1, moved=0.3)
    asked, _ = people(ROWS, 2, moved=0.3)
    csv.write_csv(known, tmp_path / "known.csv")
    pq.write_table(asked.drop_columns(["got", "came"]), tmp_path / "asked.parquet")
    call = ["--train", str(tmp_path / "known.csv"), "--apply", str(tmp_path / "asked.parquet")]
    call += ["--treatment", "got", "--outcome", "came", "--id", "number", "--why", "--json"]
    said = CliRunner().invoke(app, ["targeting", "score", *call])
    assert said.exit_code == 0, said.output
    told = json.loads(said.stdout)
    assert told["ranking"] == "uplift"
    assert told["covariates"] == ["often", "age", "taste"]
    assert {one["column"]: one["why"].split(":")[0] for one in told["left_out"]} == {
        "religion": "no shop may choose people by this", "opened": "differs between the arms", "spent": "gives the outcome away",
    }  # fmt: skip
    score = np.array(told["scores"])
    treated, came = asked["got"].to_numpy() == "yes", asked["came"].to_numpy().astype(float)
    coffee = asked["taste"].to_numpy() == "coffee"
    assert told["ids"] == list(range(ROWS))
    assert auuc(score, treated, came) > 0.9 * auuc(coffee.astype(float), treated, came)
    assert score[coffee].min() > np.quantile(score[~coffee], 0.9)
    assert abs(np.mean(told["uplift"]) - 0.1) < 0.03
    best = int(np.argmax(score))
    assert "taste=coffee" in told["why"][best]


def test_where_everybody_is_moved_alike_the_response_ranking_stays(tmp_path: Path) -> None:
    table, _ = people(2_000, 3, moved=0.0)
    csv.write_csv(table, tmp_path / "t.csv")
    scores = scores_from(
        train=tmp_path / "t.csv", apply=tmp_path / "t.csv", treatment="got", outcome="came", ignore=("spent",)
    )
    assert scores.ranking is Ranking.RESPONSE
    assert np.array_equal(np.argsort(scores.score), np.argsort(scores.expected))


HEAD = "got,came,age\n"
BAD = {
    "nothing": (b"", FileUnreadable),
    "no table": (b"\x00\xff\x00", FileUnreadable),
    "a header alone": (HEAD.encode(), FileUnreadable),
    "no such column": (b"a,b\n1,2\n", ColumnMissing),
    "nobody left out": ((HEAD + "x,1,3\ny,0,4\n" * 200).encode(), ArmsUnclear),
    "an outcome in words": ((HEAD + "1,much,3\n0,little,4\n" * 200).encode(), OutcomeNoNumber),
    "too few": ((HEAD + "1,1,3\n0,0,4\n" * 20).encode(), NothingToLearn),
    "one arm": ((HEAD + "0,1,3\n" * 300 + "1,0,3\n" * 3).encode(), NothingToLearn),
    "one outcome": ((HEAD + "1,1,3\n0,1,4\n" * 200).encode(), NothingToLearn),
    "no covariate": ((HEAD + "1,1,3\n0,0,3\n1,0,3\n0,1,3\n" * 100).encode(), NothingToLearn),
}


@pytest.mark.parametrize("what", BAD)
def test_what_cannot_be_learned_from_is_refused_in_a_sentence(what: str, tmp_path: Path) -> None:
    content, refusal = BAD[what]
    file = tmp_path / "bad.csv"
    file.write_bytes(content)
    with pytest.raises(refusal) as told:
        scores_from(train=file, apply=file, treatment="got", outcome="came")
    assert len(str(told.value)) > 10


def test_the_command_says_what_to_do(tmp_path: Path) -> None:
    file = tmp_path / "t.csv"
    file.write_bytes(BAD["nobody left out"][0])
    call = ["targeting", "score", "--train", str(file), "--apply", str(file), "--treatment", "got", "--outcome", "came"]
    said = CliRunner().invoke(app, call)
    assert isinstance(said.exception, Trouble)
    assert "--control" in str(said.exception)
