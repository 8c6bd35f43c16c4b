"""The commands around the database, the terminal's QR and the verbs of make."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
import zxingcpp
from PIL import Image

from dure.project import backup, doctor, health, postgres, supervisor

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def home() -> Iterator[Path]:
    home = Path(os.path.realpath("/tmp")) / f"dure-test-{os.getpid()}-commands"
    yield home
    postgres.keep(home, kept=False)
    postgres.stop(home)
    shutil.rmtree(home)


def dure(home: Path, *arguments: str) -> "subprocess.CompletedProcess[str]":
    env = {k: v for k, v in os.environ.items() if k != "DURE_DATABASE_URL"} | {"DURE_HOME": str(home)}
    command = [sys.executable, "-m", "dure.project.cli", *arguments]
    return subprocess.run(command, env=env, capture_output=True, text=True, check=False)


def test_db_start_keeps_it_running_until_db_stop(home: Path) -> None:
    assert dure(home, "db", "status").returncode == 3
    assert dure(home, "db", "start").returncode == 0
    with postgres.borrowed(home):
        pass
    assert dure(home, "db", "status").returncode == 0
    assert dure(home, "db", "stop").returncode == 0
    assert postgres.locate(home).pid is None


def test_a_restored_backup_holds_what_was_there_also_behind_row_level_security(home: Path, tmp_path: Path) -> None:
    file = tmp_path / "dure.dump"
    with postgres.borrowed(home) as server:
        with psycopg.connect(server.dsn) as connection:
            connection.execute("CREATE TABLE bowl (shop int, name text)")
            connection.execute("INSERT INTO bowl VALUES (1, '국수'), (2, '비빔밥')")
            connection.execute("ALTER TABLE bowl ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY")
            connection.execute("CREATE POLICY own ON bowl USING (shop = 1)")
        backup.write(server.superuser_dsn, file)
        with psycopg.connect(server.dsn) as connection:
            connection.execute("DROP TABLE bowl")
            connection.execute("CREATE TABLE later (n int)")
        with pytest.raises(postgres.Trouble, match="--replace"):
            backup.restore(server.superuser_dsn, file, replace=False)
        with psycopg.connect(server.dsn), pytest.raises(postgres.Trouble, match="still running"):
            backup.restore(server.superuser_dsn, file, replace=True)
        backup.restore(server.superuser_dsn, file, replace=True)
        with psycopg.connect(server.dsn) as connection:
            assert connection.execute("SELECT name FROM bowl").fetchall() == [("국수",)]
            assert connection.execute("SELECT to_regclass('later')").fetchone() == (None,)
            assert connection.execute("SELECT tableowner FROM pg_tables WHERE tablename = 'bowl'").fetchone() == (
                "dure",
            )
        with psycopg.connect(server.superuser_dsn) as connection:
            assert connection.execute("SELECT count(*) FROM bowl").fetchone() == (2,)


def test_a_broken_backup_changes_nothing(home: Path, tmp_path: Path) -> None:
    broken = tmp_path / "broken.dump"
    broken.write_bytes(b"PGDMP and then nothing")
    with postgres.borrowed(home) as server:
        with psycopg.connect(server.dsn) as connection:
            connection.execute("CREATE TABLE stays AS SELECT 1 AS n")
        with pytest.raises(postgres.Trouble, match="pg_restore failed"):
            backup.restore(server.superuser_dsn, broken, replace=True)
        with psycopg.connect(server.dsn) as connection:
            assert connection.execute("SELECT n FROM stays").fetchone() == (1,)


def test_the_doctor_finds_a_healthy_database_healthy_and_a_readable_password_wrong(home: Path) -> None:
    assert doctor.examine(home) == 0
    password = postgres.locate(home).place / "password"
    password.chmod(0o644)
    assert doctor.examine(home) == 1
    password.chmod(0o600)


def test_another_database_is_not_ours_to_start() -> None:
    env = os.environ | {"DURE_DATABASE_URL": "postgresql://nobody@127.0.0.1:1/none"}
    command = [sys.executable, "-m", "dure.project.cli", "db", "start"]
    refused = subprocess.run(command, env=env, capture_output=True, text=True, check=False)
    assert refused.returncode == 1
    assert "DURE_DATABASE_URL" in refused.stderr
    assert "Traceback" not in refused.stderr


@pytest.mark.parametrize("url", ["http://192.168.0.7:8000/t/K7F3QX2M", "https://dure.example/t/" + "가나다" * 4])
def test_the_terminals_code_can_be_scanned(url: str) -> None:
    rows = [
        line
        for row in supervisor._qr(url).plain.split("\n")
        for line in ([c in "▀█" for c in row], [c in "▄█" for c in row])
    ]
    image = Image.new("L", (len(rows[0]), len(rows)), 255)
    image.putdata([0 if dark else 255 for row in rows for dark in row])
    found = zxingcpp.read_barcode(image.resize((image.width * 6, image.height * 6), Image.Resampling.NEAREST))
    assert found is not None
    assert found.text == url


@pytest.mark.django_db
def test_health_tells_a_silent_worker_from_a_dead_database() -> None:
    from django.db import connection

    assert health.up() == {"web": True, "database": True, "worker": False}
    host = connection.settings_dict["HOST"]
    connection.settings_dict["HOST"] = "/nowhere"
    try:
        assert health.up() == {"web": True, "database": False, "worker": False}
    finally:
        connection.settings_dict["HOST"] = host


def test_make_help_explains_every_verb() -> None:
    makefile = (ROOT / "Makefile").read_text()
    phony = re.search(r"^\.PHONY: (.*)$", makefile, re.MULTILINE)
    assert phony
    env = {k: v for k, v in os.environ.items() if not k.startswith("MAKE")}
    said = subprocess.run(["make", "help"], cwd=ROOT, env=env, capture_output=True, text=True, check=True).stdout
    assert sorted(line.split()[1] for line in said.splitlines()) == sorted(phony[1].split())


def test_no_lock_file_names_a_registry() -> None:
    locks = sorted((ROOT / "requirements").glob("*.txt"))
    assert [lock.name for lock in locks] == ["bench.txt", "carriers.txt", "dev.txt", "run.txt", "spark.txt"]
    for lock in locks:
        text = lock.read_text()
        assert "://" not in text
        assert "--index-url" not in text
        names = len(re.findall(r"^[a-z0-9].*==", text, re.MULTILINE))
        assert 0 < names <= text.count("--hash=sha256:")


def test_a_machine_without_a_way_to_make_environments_is_told_what_to_do(tmp_path: Path) -> None:
    tools = tmp_path / "bin"
    tools.mkdir()
    for name in ("dirname", "cat"):
        found = shutil.which(name)
        assert found
        (tools / name).symlink_to(found)
    (tools / "id").write_text("#!/bin/sh\necho 1000\n")
    (tools / "python3").write_text(f'#!/bin/sh\ncase "$*" in *ensurepip*) exit 1 ;; esac\nexec {sys.executable} "$@"\n')
    for tool in (tools / "id", tools / "python3"):
        tool.chmod(0o755)
    checkout = tmp_path / "checkout"
    (checkout / "scripts").mkdir(parents=True)
    shutil.copy(ROOT / "scripts" / "setup.sh", checkout / "scripts")
    told = subprocess.run(
        ["/bin/sh", checkout / "scripts" / "setup.sh", "venv"],
        env={"PATH": str(tools)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert told.returncode == 1
    assert "apt install python3-venv" in told.stderr


def test_every_program_starts_without_the_heavy_libraries() -> None:
    heavy = ("sklearn", "pandas", "scipy", "numba", "ibis", "duckdb", "opendp", "openpyxl")
    ask = f"import django, sys; django.setup(); import dure.project.urls; print([m for m in {heavy!r} if m in sys.modules])"
    told = subprocess.run([sys.executable, "-c", ask], capture_output=True, text=True, check=True, env={**os.environ})
    assert told.stdout.strip() == "[]", told.stdout
