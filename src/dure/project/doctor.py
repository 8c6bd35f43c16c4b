"""`dure db doctor`: every condition the embedded database needs, looked at one by one."""

import shutil
from pathlib import Path

import psycopg

from dure.kit.language import Text, say
from dure.project import postgres, soundness

ROOM_NEEDED = 1_000_000_000


def examine(home: Path) -> int:
    """Print a line for each condition; the exit code is the number of those that do not hold."""
    server = postgres.locate(home)
    findings = [
        _finding(say("자료 폴더", en="data folder"), True, server.place),
        _finding(say("서버 계정", en="server's account"), server.account.uid != 0, server.account.name),
        _finding(say("프로그램", en="programs"), True, postgres.program("postgres", server.account)),
        _finding(
            say("빈 자리 1GB", en="1 GB of free space"),
            (free := shutil.disk_usage(server.place).free) > ROOM_NEEDED,
            f"{free / 1e9:.1f} GB",
        ),
        _finding(
            say("암호는 나만 읽음", en="password for us alone"), not (server.place / "password").stat().st_mode & 0o077
        ),
    ]
    with postgres.borrowed(home):
        findings.append(_finding(say("켜지고 대답함", en="starts and answers"), server.answers(), f"pid {server.pid}"))
        with psycopg.connect(server.dsn) as connection:
            weak = soundness.weaknesses(connection, production=True)
            findings.extend(_finding(weakness.text, False) for weakness in weak)
            if not weak:
                findings.append(_finding(say("잃지 않고 새지 않음", en="loses nothing, leaks nothing"), True))
            size = connection.execute("SELECT pg_size_pretty(pg_database_size(current_database()))").fetchone()
            findings.append(_finding(say("크기", en="size"), True, size[0] if size else ""))
    return findings.count(False)


def _finding(what: Text, holds: bool, seen: object = "") -> bool:
    print(f"{'✓' if holds else '✗'} {what.within('ko')} · {what.within('en')}  {seen}")
    return holds
