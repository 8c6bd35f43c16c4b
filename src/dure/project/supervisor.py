"""`dure run`: everything Dure consists of, started, watched, restarted and stopped together."""

import asyncio
import contextlib
import hashlib
import json
import logging
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import segno
from rich.console import Console, Group
from rich.panel import Panel
from rich.table import Table
from rich.text import Text as Line

from dure.kit import clock
from dure.kit.language import Text, say
from dure.project import postgres, soundness
from dure.project.env import Environment

STOP_SECONDS = 15
READY_SECONDS = 90
DEMO_FILE, PARTNER_FILE = "demo.json", "partner.json"
ROLES = {
    "owner": "사장님 · Owner",
    "manager": "매니저 · Manager",
    "cashier": "계산대 · Cashier",
    "kitchen": "주방 · Kitchen",
    "operator": "운영자 · Operator",
}
COLOURS = {"web": "cyan", "worker": "magenta", "sandbox": "yellow"}

screen = Console(highlight=False, soft_wrap=True)


@dataclass(frozen=True)
class Part:
    """One program that Dure consists of."""

    name: str
    arguments: tuple[str, ...]


def run() -> int:
    """Start everything, say where it is, and keep it up until somebody stops it. The exit code."""
    begun = time.monotonic()
    env = Environment()
    port = env.number("DURE_PORT", 8000)
    lan = _lan_address()
    os.environ["DURE_HOME"] = str(env.home)
    if not env.production:
        # A phone is sent to the sandbox too, so it is named by the address that the phone can reach.
        os.environ.setdefault("DURE_SANDBOX_URL", f"http://{lan}:{port + 1}")
    parts = [Part("web", ("web",)), Part("worker", ("worker",))]
    if not env.production:
        parts.append(Part("sandbox", ("sandbox",)))
    for needed in (port, port + 1)[: 1 if env.production else 2]:
        if _taken(needed):
            _say(
                say(
                    "{port}번 포트를 다른 프로그램이 쓰고 있어요. `DURE_PORT=9000 make run`처럼 다른 번호를 정해 주세요.",
                    en="Port {port} is taken by another program. Choose another one, like `DURE_PORT=9000 make run`.",
                    port=needed,
                ),
                style="bold red",
            )
            return 1
    try:
        with database(env, loud=True):
            prepare(env)
            return asyncio.run(_watch(parts, env, lan, port, begun))
    except KeyboardInterrupt:
        return 130


@contextlib.contextmanager
def database(env: Environment, loud: bool = False) -> Iterator[None]:
    """A running and sound database for the block: that of DURE_DATABASE_URL, or our own, whose address children inherit."""
    if url := env.text("DURE_DATABASE_URL"):
        _warn(soundness.refuse_unsound(env, url), loud)
        yield
        return
    with contextlib.ExitStack() as stack:
        with _step(say("PostgreSQL을 켜고 있어요", en="Starting PostgreSQL")) if loud else contextlib.nullcontext():
            server = stack.enter_context(postgres.borrowed(env.home))
        _warn(soundness.refuse_unsound(env, server.dsn), loud)
        os.environ["DURE_DATABASE_URL"] = server.dsn
        if loud and server.is_moved:
            _say(
                say(
                    "root로 실행하고 있어서 데이터는 {place}에 있어요.",
                    en="You are root and the database cannot reach DURE_HOME, so its data lies in {place}.",
                    place=server.place,
                ),
                style="yellow",
            )
        try:
            yield
        finally:
            del os.environ["DURE_DATABASE_URL"]
            if loud:
                _say(say("PostgreSQL을 멈추고 있어요.", en="Stopping PostgreSQL."), style="dim")


def _warn(weak: list[Text], loud: bool) -> None:
    for text in weak if loud else ():
        _say(text, style="bold yellow")


def prepare(env: Environment) -> None:
    """Bring the database and the static files up to this version; settle the demo in an empty database."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "dure.project.settings")
    import django

    django.setup()
    # What is done here is told step by step; a line of the log would break in.
    logging.getLogger("dure").setLevel(logging.WARNING)
    with ThreadPoolExecutor(1) as beside:
        collected = beside.submit(collect_static)
        with _step(say("데이터베이스를 맞추고 있어요", en="Bringing the database up to date")):
            migrate()
        if not env.production:
            with _step(say("시범 동네를 꾸리고 있어요", en="Settling the demo neighbourhood")) as tell:
                settle_demo(env.home, tell)
        with _step(say("화면 파일을 준비하고 있어요", en="Preparing static files")):
            collected.result()
    from django.db import connections

    connections.close_all()
    for connection in connections.all():
        connection.close_pool()  # type: ignore[attr-defined]


def migrate() -> None:
    """Apply what is missing; a migration may take longer than a page may."""
    from django.core.management import call_command
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("SET statement_timeout = 0")
        cursor.execute("SET idle_in_transaction_session_timeout = 0")
    call_command("migrate", verbosity=0, interactive=False)


def collect_static() -> None:
    """Gather, hash and compress the static files, unless they are those of the last time."""
    from django.conf import settings
    from django.contrib.staticfiles.finders import get_finders
    from django.core.management import call_command

    seen = hashlib.sha256()
    for finder in get_finders():
        for name, storage in finder.list([]):
            found = Path(storage.path(name)).stat()
            seen.update(f"{name}:{found.st_size}:{found.st_mtime_ns}\n".encode())
    stamp = Path(settings.STATIC_ROOT) / ".collected"
    if stamp.exists() and stamp.read_text() == seen.hexdigest():
        return
    call_command("collectstatic", verbosity=0, interactive=False, clear=True)
    stamp.write_text(seen.hexdigest())


def settle_demo(home: Path, tell: Callable[[Text], None] | None = None) -> None:
    """A neighbourhood to try, once, in an empty database."""
    from dure.shops import queries as shops
    from dure.town import actions as town

    if not shops.open_shops().exists():
        town.settle_neighbourhood(at=clock.now(), home=home, progress=tell)
    if (home / DEMO_FILE).exists():
        town.connect_partner(home=home, at=clock.now())
    _people_the_country()


def _people_the_country() -> None:
    """Let the worker make the network that audiences are counted in, once; `DURE_PEOPLE=0` does without."""
    from dure.audiences import queries as audiences
    from dure.kit import jobs

    people = Environment().number("DURE_PEOPLE", 1_000_000)
    if people and not audiences.has_index("twin"):
        jobs.enqueue("audiences.build_network", once="audiences.build_network", people=people)


# ── Watching ─────────────────────────────────────────────────────────────────────────────────────────────────────────


async def _watch(parts: list[Part], env: Environment, lan: str, port: int, begun: float) -> int:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for sign in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        loop.add_signal_handler(sign, stop.set)
    kept = [asyncio.create_task(_keep_up(part, stop)) for part in parts]
    ready = asyncio.create_task(_until_healthy(port, stop))
    if await ready:
        _show_addresses(env, lan, port, time.monotonic() - begun)
    elif not stop.is_set():
        _say(
            say(
                "아직 준비되지 않았어요. 위의 기록을 확인해 주세요. http://127.0.0.1:{port}/healthz 에서 상태를 볼 수 있어요.",
                en="Not ready yet. Please look at the lines above; http://127.0.0.1:{port}/healthz shows the state.",
                port=port,
            ),
            style="bold red",
        )
    await stop.wait()
    _say(say("멈추고 있어요. 잠시만 기다려 주세요.", en="Stopping. One moment, please."), style="dim")
    await asyncio.gather(*kept)
    return 0


async def _keep_up(part: Part, stop: asyncio.Event) -> None:
    """Run one part; start it again when it dies, with growing pauses while it keeps dying."""
    pause = 1.0
    while not stop.is_set():
        begun = time.monotonic()
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-u",
            "-m",
            "dure.project.cli",
            *part.arguments,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,  # Ctrl-C reaches us alone; we stop the parts in order
        )
        lines = asyncio.create_task(_pass_on(part, process))
        ended, stopped = asyncio.create_task(process.wait()), asyncio.create_task(stop.wait())
        await asyncio.wait({ended, stopped}, return_when=asyncio.FIRST_COMPLETED)
        stopped.cancel()
        if not ended.done():
            with contextlib.suppress(ProcessLookupError):
                process.terminate()
            await asyncio.wait({ended}, timeout=STOP_SECONDS)
        # Whatever the part left behind in its session goes with it.
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
        code = await ended
        await lines
        if stop.is_set():
            return
        pause = 1.0 if time.monotonic() - begun > 60 else min(pause * 2, 30)
        _say(
            say(
                "{name}이(가) 멈춰서(코드 {code}) {pause:.0f}초 뒤에 다시 켜요.",
                en="{name} ended (code {code}) and starts again in {pause:.0f} s.",
                name=part.name,
                code=code,
                pause=pause,
            ),
            style="yellow",
        )
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(stop.wait(), pause)


async def _pass_on(part: Part, process: asyncio.subprocess.Process) -> None:
    assert process.stdout
    while raw := await process.stdout.readline():
        line = Line(f"{part.name:<8}│ ", style=COLOURS[part.name])
        line.append(raw.decode(errors="replace").rstrip(), style="default")
        screen.print(line)


async def _until_healthy(port: int, stop: asyncio.Event) -> bool:
    end = time.monotonic() + READY_SECONDS
    while time.monotonic() < end and not stop.is_set():
        if await asyncio.to_thread(_is_healthy, port):
            return True
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(stop.wait(), 0.2)
    return False


def _is_healthy(port: int) -> bool:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/healthz", timeout=5) as answer:
            return bool(answer.status == 200)
    except (urllib.error.URLError, OSError):
        return False


def _taken(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("0.0.0.0", port))  # noqa: S104 phones on the same network order through it
        except OSError:
            return True
    return False


def _lan_address() -> str:
    """This machine's address on the local network. Connecting a UDP socket only chooses a route, it sends nothing."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))
            return str(probe.getsockname()[0])
        except OSError:
            return "127.0.0.1"


# ── Telling ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def _say(text: Text, style: str = "") -> None:
    screen.print(Line(_both(text), style=style))


def _both(text: Text) -> str:
    return f"{text.within('ko')} · {text.within('en')}"


@contextlib.contextmanager
def _step(text: Text) -> Iterator[Callable[[Text], None]]:
    """A long step with its progress; the block may tell which part it is at."""
    begun = time.monotonic()
    words = _both(text)
    if screen.is_terminal:
        with screen.status(words) as status:
            yield lambda part: status.update(f"{words}: {_both(part)}")
    else:
        screen.print(f"  … {words}")
        yield lambda part: screen.print(f"      {_both(part)}")
    screen.print(Line.assemble(("  ✓ ", "green"), words, (f"  {time.monotonic() - begun:.1f} s", "dim")))


def _show_addresses(env: Environment, lan: str, port: int, seconds: float) -> None:
    here, phone = f"http://127.0.0.1:{port}", f"http://{lan}:{port}"
    rows = Table.grid(padding=(0, 2))
    rows.add_column()
    rows.add_column(overflow="fold")  # an address that is cut short opens nothing
    demo = _demo(env.home)
    table_path = demo.get("table_url_path")
    if isinstance(table_path, str):
        rows.add_row("손님 · Customer", Line(f"{phone}{table_path}", style="bold"))
    for login in demo.get("logins", []):
        role = ROLES.get(login["role"], login["role"])
        where = " · ".join(str(part) for part in (login.get("shop"),) if part)
        rows.add_row(role, Line(f"{here}{login['path']}", style="bold"))
        rows.add_row("", f"{login['email']}  /  {login['password']}" + (f"   ({where})" if where else ""))
    if not env.production:
        practice = f"{here.rsplit(':', 1)[0]}:{port + 1}"
        if isinstance(demo.get("sticker_url_path"), str):
            rows.add_row("결제 스티커 · Sticker", Line(f"{phone}{demo['sticker_url_path']}", style="bold"))
        if (env.home / PARTNER_FILE).exists():
            rows.add_row("연습 파트너 · Partner", Line(f"{practice}/partner", style="bold"))
        rows.add_row("결제 연습장 · Sandbox", Line(practice, style="bold"))
    rows.add_row("상태 · Health", f"{here}/healthz")
    told: list[Table | Line] = [rows]
    if isinstance(table_path, str):
        told += [
            Line("\n같은 와이파이의 휴대폰으로 찍으면 바로 주문할 수 있어요."),
            Line("Scan with a phone on the same network to order.\n"),
            _qr(f"{phone}{table_path}"),
        ]
    told.append(Line("\nCtrl-C: 모두 멈추고 자료는 남아요 · stops everything, loses nothing", style="dim"))
    screen.print(Panel(Group(*told), title=f"두레 Dure · {seconds:.1f} s", border_style="green", expand=False))


def _demo(home: Path) -> dict[str, Any]:
    try:
        found = json.loads((home / DEMO_FILE).read_text())
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def _qr(url: str) -> Line:
    """The code in half blocks, dark on light whatever the terminal's colours, with its quiet zone."""
    rows = [list(row) for row in segno.make(url, error="m", micro=False).matrix_iter(border=4)]
    rows.append([0] * len(rows[0]))
    blocks = {(0, 0): " ", (1, 0): "▀", (0, 1): "▄", (1, 1): "█"}
    halves = (
        "".join(blocks[bool(a), bool(b)] for a, b in zip(*pair, strict=True))
        for pair in zip(rows[::2], rows[1::2], strict=False)
    )
    return Line("\n".join(halves), style="black on white", no_wrap=True)
