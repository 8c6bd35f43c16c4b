"""`dure run` as people meet it: one command that brings everything up, keeps it up and takes it down again."""

import io
import json
import os
import signal
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from rich.console import Console

from dure.project import postgres, supervisor
from dure.project.env import Environment
from tests.patience import eventually


def two_free_ports() -> int:
    """A port that is free together with the next one."""
    while True:
        with socket.socket() as first, socket.socket() as second:
            first.bind(("0.0.0.0", 0))
            port = int(first.getsockname()[1])
            try:
                second.bind(("0.0.0.0", port + 1))
            except OSError:
                continue
            return port


def health(port: int) -> tuple[int, dict[str, bool]]:
    """The answer of /healthz; (0, {}) while nobody listens."""
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/healthz", timeout=30) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as error:
        with error:
            return error.code, json.load(error)
    except OSError:
        return 0, {}


@dataclass
class Running:
    process: "subprocess.Popen[str]"
    home: Path
    port: int
    output: Path

    def parts(self) -> dict[str, int]:
        """Each part's process number by name, found below the supervisor."""
        found = {}
        for entry in Path("/proc").glob("[0-9]*/stat"):
            try:
                parent = int(entry.read_text().rpartition(")")[2].split()[1])
                command = (entry.parent / "cmdline").read_bytes().decode().split("\0")
            except OSError:
                continue
            if parent == self.process.pid and "dure.project.cli" in command:
                found[command[command.index("dure.project.cli") + 1]] = int(entry.parent.name)
        return found


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """A whole Dure in a home of its own."""
    home, port = tmp_path_factory.mktemp("run") / "home", two_free_ports()
    output = home.parent / "output"
    env = {k: v for k, v in os.environ.items() if k != "DURE_DATABASE_URL"}
    # Nobody here asks the network's million, which is built in the background.
    env |= {"DURE_HOME": str(home), "DURE_PORT": str(port), "DURE_PEOPLE": "0", "PYTHONWARNINGS": "default"}
    with output.open("w") as out:
        process = subprocess.Popen(
            [sys.executable, "-m", "dure.project.cli", "run"], env=env, stdout=out, stderr=out, text=True
        )
        try:
            eventually(lambda: health(port)[0] == 200 or process.poll() is not None, within=300)
            assert process.poll() is None, output.read_text()
            yield Running(process, home, port, output)
        finally:
            process.terminate()
            process.wait(60)


def test_stopped_while_it_still_prepares_it_leaves_no_database_running(tmp_path: Path) -> None:
    home = tmp_path / "home"
    env = {k: v for k, v in os.environ.items() if k != "DURE_DATABASE_URL"}
    env |= {"DURE_HOME": str(home), "DURE_PORT": str(two_free_ports())}
    command = [sys.executable, "-m", "dure.project.cli", "run"]
    with subprocess.Popen(command, env=env, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        eventually(lambda: "Bringing" in process.stdout.readline(), within=60)  # type: ignore[union-attr]
        server = postgres.locate(home)
        assert server.pid
        process.terminate()
        process.stdout.read()
        assert process.wait(60) == 128 + signal.SIGTERM
    assert server.pid is None


def test_it_says_where_everything_is_once_everything_is_up(running: Running) -> None:
    said = eventually(lambda: text if "Ctrl-C" in (text := running.output.read_text()) else "")
    assert health(running.port) == (200, {"web": True, "database": True, "worker": True})
    demo = json.loads((running.home / "demo.json").read_text())
    assert demo["table_url_path"] in said
    for login in demo["logins"]:
        assert login["email"] in said
        assert login["password"] in said
    assert f":{running.port + 1}" in said


def test_a_part_that_dies_comes_back(running: Running) -> None:
    before = eventually(lambda: running.parts() if len(running.parts()) == 3 else {})
    os.kill(before["worker"], signal.SIGKILL)
    os.kill(before["sandbox"], signal.SIGKILL)
    after = eventually(
        lambda: p if len(p := running.parts()) == 3 and p["worker"] != before["worker"] else {}, within=60
    )
    assert after["web"] == before["web"]
    assert after["sandbox"] != before["sandbox"]


def test_a_second_one_on_the_same_port_says_so_and_leaves_the_first_alone(running: Running) -> None:
    env = os.environ | {"DURE_HOME": str(running.home), "DURE_PORT": str(running.port)}
    command = [sys.executable, "-m", "dure.project.cli", "run"]
    second = subprocess.run(command, env=env, capture_output=True, text=True, check=False)
    assert second.returncode == 1
    assert "DURE_PORT" in second.stdout
    assert health(running.port)[0] == 200


def test_stopping_it_stops_everything_it_started(running: Running) -> None:
    """The last test of this file: nothing runs afterwards, and the data is still there."""
    parts = eventually(lambda: running.parts() if len(running.parts()) == 3 else {}, within=60)
    server = postgres.locate(running.home)
    assert server.pid
    running.process.send_signal(signal.SIGINT)
    assert running.process.wait(120) == 0
    assert server.pid is None
    assert health(running.port) == (0, {})
    assert not [pid for pid in parts.values() if Path(f"/proc/{pid}").exists()]
    assert (server.data / "PG_VERSION").exists()


def test_every_address_that_is_told_is_whole_on_a_terminal_of_eighty_columns(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    demo = {"table_url_path": f"/t/{'7' * 16}", "sticker_url_path": f"/q/{'N' * 24}", "logins": []}
    (tmp_path / supervisor.DEMO_FILE).write_text(json.dumps(demo))
    said = Console(width=80, record=True, file=io.StringIO())
    monkeypatch.setattr(supervisor, "screen", said)
    supervisor._show_addresses(Environment({"DURE_HOME": str(tmp_path)}), "192.168.0.10", 8000, 1.0)
    shown = said.export_text()
    for path in (demo["table_url_path"], demo["sticker_url_path"]):
        assert f"http://192.168.0.10:8000{path} " in shown
