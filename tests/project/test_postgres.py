"""The four faults of the wheel's own launcher, each shown mended on a real server."""

import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psycopg
import pytest

from dure.project import postgres
from tests.patience import eventually

START = """
import sys
from pathlib import Path
from dure.project import postgres
server = postgres.start(Path(sys.argv[1]))
print(server.pid, flush=True)
if len(sys.argv) > 2:
    sys.stdin.read()
"""


@pytest.fixture
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A fresh DURE_HOME that the server's account can reach, stopped at the end."""
    home = Path(os.path.realpath("/tmp")) / f"dure-test-{os.getpid()}-{tmp_path_factory.mktemp('home').name}"
    yield home
    if home.exists():
        postgres.stop(home)
        shutil.rmtree(home)


@pytest.fixture(scope="module")
def ready_home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A DURE_HOME that several tests stop and start."""
    home = Path(os.path.realpath("/tmp")) / f"dure-test-{os.getpid()}-shared"
    yield home
    postgres.stop(home)
    shutil.rmtree(home)


def starter(home: Path, *more: str, **options: object) -> "subprocess.Popen[str]":
    command = [sys.executable, "-c", START, str(home), *more]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, **options)  # type: ignore[call-overload, no-any-return]


def test_the_application_is_no_superuser_and_can_make_test_databases(ready_home: Path) -> None:
    server = postgres.start(ready_home)
    with psycopg.connect(server.dsn) as connection:
        row = connection.execute(
            "SELECT current_user, rolsuper, rolbypassrls, rolcreatedb, rolcreaterole FROM pg_roles WHERE rolname = current_user"
        ).fetchone()
    assert row == ("dure", False, False, True, False)


def test_nothing_that_makes_commits_durable_is_off(ready_home: Path) -> None:
    server = postgres.start(ready_home)
    with psycopg.connect(server.dsn) as connection:
        for name in ("fsync", "full_page_writes", "synchronous_commit", "data_checksums"):
            assert connection.execute(f"SHOW {name}").fetchone() == ("on",)
        assert connection.execute("SHOW listen_addresses").fetchone() == ("",)


def test_a_wrong_password_does_not_come_in(ready_home: Path) -> None:
    server = postgres.start(ready_home)
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        psycopg.connect(server.dsn.replace(server.password, "guess"))


def test_only_its_account_may_enter_the_socket_folder_and_only_we_read_the_password(ready_home: Path) -> None:
    server = postgres.start(ready_home)
    assert server.socket.stat().st_mode & 0o777 == 0o700
    assert (server.place / "password").stat().st_mode & 0o777 == 0o600


def test_the_server_never_runs_as_root(ready_home: Path) -> None:
    server = postgres.start(ready_home)
    assert server.data.stat().st_uid != 0


def test_what_was_committed_is_there_after_stop_and_start(ready_home: Path) -> None:
    server = postgres.start(ready_home)
    with psycopg.connect(server.dsn) as connection:
        connection.execute("CREATE TABLE noodles AS SELECT 7 AS bowls")
    assert postgres.stop(ready_home)
    assert not postgres.stop(ready_home)
    with psycopg.connect(postgres.start(ready_home).dsn) as connection:
        assert connection.execute("SELECT bowls FROM noodles").fetchone() == (7,)


@pytest.mark.parametrize("goes_on", [True, False])
def test_a_recovery_is_waited_for_as_long_as_it_goes_on(
    ready_home: Path, monkeypatch: pytest.MonkeyPatch, goes_on: bool
) -> None:
    """A server that lives and does not answer yet, for three times as long as silence is borne: while it says that its recovery
    goes on it is waited for, also where somebody else started it. One that says nothing (the control) is given up."""
    server, answers = postgres.start(ready_home), postgres.Server.answers
    monkeypatch.setattr(postgres, "SILENCE", 0.6)
    begun = time.monotonic()
    monkeypatch.setattr(postgres.Server, "answers", lambda self: time.monotonic() > begun + 1.8 and answers(self))
    over = threading.Event()
    log = max((server.place / "log").glob("postgresql-*.log"), key=lambda path: path.stat().st_mtime)

    def recover() -> None:
        while not over.wait(0.1):
            with log.open("a") as file:
                file.write(
                    f"LOG:  redo in progress, elapsed time: {time.monotonic() - begun:.2f} s\n" if goes_on else ""
                )
                file.write("FATAL:  the database system is starting up\n")

    speaking = threading.Thread(target=recover)
    speaking.start()
    try:
        if goes_on:
            assert postgres.start(ready_home).pid == server.pid
        else:
            with pytest.raises(postgres.Trouble):
                postgres.start(ready_home)
    finally:
        over.set()
        speaking.join()


def test_a_stale_pid_that_now_belongs_to_another_program_is_no_obstacle(ready_home: Path) -> None:
    server = postgres.start(ready_home)
    pid_file = server.data / "postmaster.pid"
    lines = pid_file.read_text().splitlines(keepends=True)
    postgres.stop(ready_home)
    pid_file.write_text("".join([f"{os.getpid()}\n", *lines[1:]]))
    assert server.pid is None
    assert postgres.start(ready_home).pid not in (None, os.getpid())
    assert server.answers()


def test_a_stale_pid_of_another_folders_server_is_no_obstacle(ready_home: Path, home: Path) -> None:
    other = postgres.start(ready_home)
    postgres.start(home)
    postgres.stop(home)
    shutil.copy(other.data / "postmaster.pid", postgres.locate(home).data / "postmaster.pid")
    server = postgres.start(home)
    assert server.pid not in (None, other.pid)
    assert other.answers()


def test_a_killed_server_recovers_every_committed_row(ready_home: Path) -> None:
    server = postgres.start(ready_home)
    committed: list[int] = []

    def ring(connection: psycopg.Connection, pid: int | None) -> None:
        assert pid
        for n in range(100_000):
            connection.execute("INSERT INTO bells VALUES (%s)", [n])
            committed.append(n)
            if n == 300:
                os.kill(pid, signal.SIGKILL)

    with psycopg.connect(server.dsn, autocommit=True) as connection:
        connection.execute("CREATE TABLE bells (n int)")
        with pytest.raises(psycopg.OperationalError):
            ring(connection, server.pid)
    with psycopg.connect(postgres.start(ready_home).dsn) as connection:
        found = connection.execute("SELECT count(*) FROM bells").fetchone()
    assert found is not None
    assert found[0] in (len(committed), len(committed) + 1)
    assert len(committed) > 300


def test_eight_processes_that_start_at_once_get_one_server(home: Path) -> None:
    starters = [starter(home) for _ in range(8)]
    pids = {process.communicate()[0].strip() for process in starters}
    assert [process.returncode for process in starters] == [0] * 8
    assert pids == {str(postgres.locate(home).pid)}


def test_whoever_leaves_last_stops_a_borrowed_server_also_after_a_kill(home: Path) -> None:
    borrow = START.replace(
        "server = postgres.start(Path(sys.argv[1]))", "borrowed = postgres.borrowed(Path(sys.argv[1]))"
    )
    borrow = borrow.replace("print(server.pid", "print(borrowed.__enter__().pid")
    with postgres.borrowed(home) as server:
        command = [sys.executable, "-c", borrow, str(home), "stay"]
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as killed:
            assert killed.stdout
            assert killed.stdout.readline().strip() == str(server.pid)
            killed.kill()
        assert server.answers()
    assert server.pid is None


def test_a_starter_that_is_terminated_leaves_a_server_that_the_next_one_can_stop(home: Path) -> None:
    with starter(home, "stay") as process:
        assert process.stdout
        pid = process.stdout.readline().strip()
        process.terminate()
    server = postgres.locate(home)
    assert str(server.pid) == pid
    assert postgres.stop(home)
    eventually(lambda: server.pid is None)


def test_a_path_too_long_for_a_socket_gets_a_short_one_of_our_own(home: Path) -> None:
    deep = home / ("very-long-name-" * 6)
    server = postgres.start(deep)
    try:
        assert not server.socket.is_relative_to(home)
        assert server.answers()
    finally:
        postgres.stop(deep)
    shutil.rmtree(server.socket)


def test_a_folder_that_somebody_else_laid_for_our_socket_is_refused(home: Path) -> None:
    deep = home / ("another-long-name-" * 6)
    place = deep / "postgres"
    place.mkdir(parents=True)
    account = postgres.Account(os.geteuid(), os.getegid())
    folder = postgres._socket_folder(place, account)
    folder.chmod(0o777)
    try:
        with pytest.raises(postgres.Trouble, match="not safe"):
            postgres._socket_folder(place, account)
    finally:
        folder.rmdir()


@pytest.mark.parametrize("mine", [True, False], ids=["made-by-us", "made-by-another"])
def test_a_folder_that_was_made_and_not_yet_handed_over_is_handed_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, mine: bool
) -> None:
    """Root makes the folder and then gives it to the server's account: whoever comes between the two, or after a crash there,
    goes on with it. One that belongs to neither of them (the control) stays refused. (Root is played: any user may run this.)"""
    given: list[int] = []
    monkeypatch.setattr(os, "chown", lambda path, uid, gid, **how: given.append(uid))
    place = tmp_path / "postgres"
    (place / "socket").mkdir(mode=0o700, parents=True)
    other = postgres.Account(os.geteuid() + 1, os.getegid())
    if not mine:
        monkeypatch.setattr(os, "geteuid", lambda: other.uid + 1)
    with pytest.raises(postgres.Trouble, match="not safe"):
        postgres._socket_folder(place, other)  # chown is played, so the folder stays ours
    assert given == ([other.uid] if mine else [])


def test_parents_of_a_closed_home_stay_closed(tmp_path: Path) -> None:
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    home = closed / "home"
    server = postgres.start(home)
    try:
        assert server.answers()
        assert closed.stat().st_mode & 0o777 == 0o700
        assert server.is_moved == (os.geteuid() == 0)
    finally:
        postgres.stop(home)
        if server.is_moved:
            shutil.rmtree(server.place)


def test_programs_that_the_servers_account_cannot_reach_are_copied(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    install = postgres._install()
    package = closed / install.parent.name
    package.mkdir()
    (package / install.name).symlink_to(install)
    libraries = install.parent.with_name(f"{install.parent.name}.libs")
    if libraries.exists():
        (closed / libraries.name).symlink_to(libraries)
    monkeypatch.setattr(postgres, "SHARED", tmp_path / "shared")
    copy = postgres._copied(package / install.name)
    said = subprocess.run([copy / "bin" / "postgres", "--version"], capture_output=True, text=True, check=True).stdout
    assert "PostgreSQL" in said
    assert postgres._copied(package / install.name) == copy


def test_eight_threads_attach_to_one_server(ready_home: Path) -> None:
    postgres.stop(ready_home)
    with ThreadPoolExecutor(8) as pool:
        pids = {server.pid for server in pool.map(postgres.start, [ready_home] * 8)}
    assert len(pids) == 1
