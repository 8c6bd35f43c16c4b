"""Backup and restore with PostgreSQL's own tools: one file in, one file out, never half of either."""

import subprocess
from pathlib import Path

import psycopg
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from dure.kit.language import say
from dure.project import postgres


def write(dsn: str, file: Path) -> None:
    """The whole database of `dsn` into `file`; an older file stays until the new one is complete."""
    draft = file.with_name(f"{file.name}.part")
    with draft.open("wb") as out:
        draft.chmod(0o600)
        _run("pg_dump", dsn, "--format=custom", "--compress=6", out=out.fileno())
    draft.replace(file)


def restore(dsn: str, file: Path, *, replace: bool) -> None:
    """Put the contents of `file` in the place of the database of `dsn`.

    It is built beside the present one and takes its name at the end, so a broken file changes nothing. Refuses while
    Dure runs, and, without `replace`, when the present database holds anything.
    """
    if not file.is_file():
        raise postgres.Trouble(say("{file} 파일이 없어요.", en="There is no file {file}.", file=file))
    name = str(conninfo_to_dict(dsn).get("dbname") or postgres.DATABASE)
    draft = f"{name}_restored"
    with psycopg.connect(make_conninfo(dsn, dbname="postgres"), autocommit=True) as admin:
        if not replace and _holds_anything(dsn):
            raise postgres.Trouble(
                say(
                    "데이터베이스에 이미 자료가 있어요. 바꿔도 된다면 --replace를 붙여 주세요.",
                    en="The database already holds data. Add --replace if it may go.",
                )
            )
        others = admin.execute("SELECT count(*) FROM pg_stat_activity WHERE datname = %s", [name]).fetchone()
        if others and others[0]:
            raise postgres.Trouble(
                say(
                    "두레가 아직 켜져 있어요. 멈춘 뒤에 되돌려 주세요.",
                    en="Dure is still running. Stop it, then restore.",
                )
            )
        owner = admin.execute("SELECT pg_get_userbyid(datdba) FROM pg_database WHERE datname = %s", [name]).fetchone()
        assert owner
        admin.execute(sql.SQL("DROP DATABASE IF EXISTS {}").format(sql.Identifier(draft)))
        admin.execute(sql.SQL("CREATE DATABASE {} OWNER {}").format(sql.Identifier(draft), sql.Identifier(owner[0])))
        try:
            with file.open("rb") as source:
                options = ("--exit-on-error", "--no-owner", f"--role={owner[0]}", f"--dbname={draft}")
                _run("pg_restore", dsn, *options, source=source.fileno())
        except postgres.Trouble:
            admin.execute(sql.SQL("DROP DATABASE {}").format(sql.Identifier(draft)))
            raise
        admin.execute(sql.SQL("DROP DATABASE {}").format(sql.Identifier(name)))
        admin.execute(sql.SQL("ALTER DATABASE {} RENAME TO {}").format(sql.Identifier(draft), sql.Identifier(name)))


def _holds_anything(dsn: str) -> bool:
    with psycopg.connect(dsn) as connection:
        return connection.execute("SELECT 1 FROM pg_tables WHERE schemaname = 'public' LIMIT 1").fetchone() is not None


def _run(name: str, dsn: str, *options: str, out: int | None = None, source: int | None = None) -> None:
    done = subprocess.run(
        [postgres.program(name), *options],
        env=postgres.client_environment(dsn),
        stdin=subprocess.DEVNULL if source is None else source,
        stdout=out,
        stderr=subprocess.PIPE,
        text=True,
        check=False,
    )
    if done.returncode:
        raise postgres.Trouble(
            say(
                "{name}이(가) 실패했어요: {said}",
                en="{name} failed: {said}",
                name=name,
                said=done.stderr.strip()[-1500:],
            )
        )
