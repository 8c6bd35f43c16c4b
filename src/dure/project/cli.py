"""The command `dure`. `dure --help` explains every verb; `make` calls the same ones."""

import contextlib
import os
import signal
import sys
from datetime import timedelta
from pathlib import Path
from typing import Annotated

import typer

from dure.kit.language import Text, say
from dure.project import postgres
from dure.project.env import Environment

app = typer.Typer(
    name="dure",
    help="두레 Dure: 동네 가게가 꼭 맞는 손님을 만나고 다시 만나는 곳 · small shops meet the right customers, again and again.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
db = typer.Typer(help="Dure의 PostgreSQL · Dure's own PostgreSQL.", no_args_is_help=True)
app.add_typer(db, name="db")
people = typer.Typer(help="지어낸 사람들 · People who do not exist.", no_args_is_help=True)
app.add_typer(people, name="people")
latch = typer.Typer(
    help="복원한 사본의 빗장 · The latch that keeps a restored copy from sending.", no_args_is_help=True
)
app.add_typer(latch, name="latch")


def main() -> None:
    """The console script; a trouble is told in a sentence, not in a traceback."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "dure.project.settings")
    # However we are stopped, what we started stops too.
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(128 + number))
    try:
        app()
    except postgres.Trouble as trouble:
        print(trouble, file=sys.stderr)
        sys.exit(1)


def _tell(text: Text) -> None:
    print(f"{text.within('ko')}\n{text.within('en')}")


@app.command()
def run() -> None:
    """모두 켜기: 데이터베이스, 웹, 일꾼, 결제 연습장 · Start everything and say where it is; Ctrl-C stops it."""
    from dure.project import supervisor

    raise typer.Exit(supervisor.run())


@app.command()
def web(host: str = "0.0.0.0", workers: int = 2) -> None:  # noqa: S104 phones on the same network order through it
    """웹 서버만 켜기 · Only the web server, on DURE_PORT."""
    from granian.constants import HTTPModes, Interfaces
    from granian.server import Server as Granian

    from dure.project.supervisor import database

    env = Environment()
    with database(env):
        Granian(
            "dure.project.asgi:application",
            address=host,
            port=env.number("DURE_PORT", 8000),
            interface=Interfaces.ASGINL,
            http=HTTPModes.http1,
            workers=workers,
            websockets=False,
            respawn_failed_workers=True,
            workers_kill_timeout=5,  # a live page's stream never ends by itself
        ).serve()


@app.command()
def worker(concurrency: int = 4) -> None:
    """뒤에서 일하는 일꾼만 켜기 · Only the background worker."""
    import logging

    import django

    from dure.project import collector
    from dure.project.supervisor import database

    with database(Environment()):
        django.setup()
        collector.leave_loaded_alone()
        from procrastinate.contrib.django import app as queue

        logging.getLogger("procrastinate").setLevel(logging.WARNING)
        with queue.replace_connector(queue.connector.get_worker_connector()) as working:  # type: ignore[attr-defined]
            working.run_worker(
                concurrency=concurrency,
                shutdown_graceful_timeout=10,
                update_heartbeat_interval=5,
                fetch_job_polling_interval=2,
            )


@app.command()
def sandbox(port: int | None = None, store: Path | None = None) -> None:
    """결제 연습장만 켜기 · Only the payment sandbox, on DURE_PORT + 1."""
    from dure.kit import clock
    from dure.sandbox import clock as practice
    from dure.sandbox import server

    env = Environment()
    clock.follow(None if env.production else env.moved_clock)
    practice.agree_with(clock.now)
    env.home.mkdir(parents=True, exist_ok=True)
    server.serve(port=port or env.number("DURE_PORT", 8000) + 1, store=store or env.home / "sandbox.sqlite")


@app.command()
def migrate() -> None:
    """데이터베이스를 이 버전에 맞추기 · Bring the database up to this version."""
    import django

    from dure.project import supervisor

    with supervisor.database(Environment()):
        django.setup()
        supervisor.migrate()


@app.command()
def demo() -> None:
    """빈 데이터베이스에 시범 동네 꾸리기 · Settle the demo neighbourhood in an empty database."""
    import django

    from dure.project import supervisor

    env = Environment()
    with supervisor.database(env):
        django.setup()
        supervisor.settle_demo(env.home)


@app.command()
def verify() -> None:
    """돈과 기록이 맞는지 모두 확인하기 · Check every invariant; exits non-zero with what is wrong."""
    import django

    from dure.project.supervisor import database

    with database(Environment()):
        django.setup()
        from dure.project import verify as verification

        raise typer.Exit(verification.main())


@app.command()
def jobs(
    again: Annotated[
        int | None, typer.Option(help="이 번호의 일을 다시 해 봐요 · Try the job of this number anew")
    ] = None,
    forget: Annotated[int | None, typer.Option(help="이 번호의 일을 잊어요 · Want this job no more")] = None,
) -> None:
    """여러 번 실패해서 포기한 일 보기 · Jobs that were given up after failing, or ending their worker, again and again."""
    import django

    from dure.project.supervisor import database

    with database(Environment()):
        django.setup()
        from dure.kit import jobs as work

        done = [work.try_again(again)] if again else [work.let_go(forget)] if forget else []
        if done == [False]:
            raise postgres.Trouble(
                say(
                    "그런 포기한 일이 없거나, 같은 일이 벌써 기다려요.",
                    en="No such job was given up, or the same work waits already.",
                )
            )
        found = work.given_up()
        for one in found:
            print(f"{one.number}  {one.name}  {one.attempts}×  {one.since:%Y-%m-%d %H:%M}" if one.since else one.number)
        if not found:
            _tell(say("포기한 일이 없어요.", en="No job was given up."))


@app.command("clock")
def clock_jump(
    ahead: Annotated[str, typer.Argument(help="+14d, +3h, +30m, 10:30")] = "",
) -> None:
    """시범 동네의 시계를 앞으로 옮기기 · Let a demo's clock jump ahead; without a word it says what it shows."""
    import django

    from dure.project.supervisor import database

    with database(Environment()):
        django.setup()
        from dure.kit import clock
        from dure.project import moved_clock

        called = moved_clock.jump(moved_clock.jump_asked(ahead, clock.now())) if ahead else 0
        shown = f"{clock.now().astimezone(clock.KST):%Y-%m-%d %H:%M}"
        _tell(
            say(
                "시계는 {shown} (진짜보다 {days:.1f}일 앞). 때가 된 일 {called}가지를 시작했어요.",
                en="The clock shows {shown}, {days:.1f} days ahead; {called} kinds of work are due and begun.",
                shown=shown,
                days=clock.ahead() / timedelta(days=1),
                called=called,
            )
        )


@app.command()
def safeguarding(
    held: Annotated[int | None, typer.Option(help="밖에 실제로 있는 돈(원) · The won that really lie outside")] = None,
) -> None:
    """지갑의 돈 가운데 밖에 두어야 하는 금액 · How much of the wallets' money must lie outside right now."""
    import django

    from dure.project.supervisor import database

    with database(Environment()):
        django.setup()
        from dure.project import safeguarding as report

        raise typer.Exit(report.main(held=held))


@app.command("import-shop")
def import_shop(
    file: Path,
    owner: Annotated[str, typer.Option(help="사장님 이메일 · The e-mail address of whoever owns it here")] = "",
) -> None:
    """다른 두레에서 받은 가게 파일을 들여오기 · Bring in a shop from the file that another Dure gave."""
    import django

    from dure.project.supervisor import database

    with database(Environment()):
        django.setup()
        from dure.kit import clock
        from dure.kit.errors import DureError
        from dure.people import actions as people
        from dure.people import queries as persons
        from dure.project import import_shop as moving

        try:
            keeper = persons.person_by_email(owner) if owner else None
            if owner and keeper is None:
                keeper = people.open_account(email=owner, at=clock.now())
            shop = moving.import_shop(file=file, owner=keeper, at=clock.now())
        except (DureError, OSError) as refusal:
            raise postgres.Trouble(
                refusal.sentence
                if isinstance(refusal, DureError)
                else say("{file} 파일을 열 수 없어요.", en="{file} can't be opened.", file=file)
            ) from refusal
    _tell(say("{name} 가게가 들어왔어요.", en="{name} has moved in.", name=shop.name))


@app.command(context_settings={"allow_extra_args": True, "ignore_unknown_options": True, "help_option_names": []})
def manage(context: typer.Context) -> None:
    """Django의 명령 · Any of Django's own commands."""
    from django.core.management import execute_from_command_line

    from dure.project.supervisor import database

    with database(Environment()):
        execute_from_command_line(["dure manage", *context.args])


@people.command("synth")
def people_synth(
    out: Annotated[Path, typer.Option(help="만들 폴더 · The folder to write people.parquet into")],
    people: Annotated[int, typer.Option(min=1, max=400_000_000, help="몇 명 · How many")] = 1_000_000,
    seed: Annotated[int, typer.Option(help="씨앗: 같으면 같은 나라 · The same seed, the same country")] = 1,
) -> None:
    """공개 통계대로 지어낸 나라 만들기 · Make a synthetic country after the public figures."""
    from rich.progress import Progress

    from dure.audiences.population import people as population

    with Progress() as bar:
        task = bar.add_task("people", total=people)
        file = population.write(people, seed, out, lambda done, total: bar.update(task, completed=done))
    _tell(say("{people}명: {file}", en="{people} people: {file}", people=f"{people:,}", file=file))


@latch.command("open")
def latch_open() -> None:
    """이 사본을 본체로 삼기; 옛 본체가 살아 있으면 하지 마세요 · This copy lives on: never while the old one still sends."""
    import django

    from dure.project.supervisor import database

    with database(Environment()):
        django.setup()
        from dure.kit import clock
        from dure.messaging import actions as messaging

        messaging.open_latch(at=clock.now())
    _tell(
        say(
            "빗장을 풀었어요. 이제 이 사본이 메시지를 보내요. 기다리던 것도 때가 남았으면 나가요.",
            en="The latch is open: this copy sends from now on, also what was waiting and is not stale.",
        )
    )


# ── dure db ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def _own_home() -> Path:
    """DURE_HOME, when the database is ours to start and stop."""
    env = Environment()
    if env.text("DURE_DATABASE_URL"):
        raise postgres.Trouble(
            say(
                "DURE_DATABASE_URL의 데이터베이스는 그 서버에서 직접 다뤄 주세요.",
                en="The database of DURE_DATABASE_URL is run elsewhere; start and stop it there.",
            )
        )
    return env.home


@db.command("start")
def db_start() -> None:
    """켜고, 멈추라고 할 때까지 켜 두기 · Start it and leave it running until `dure db stop`."""
    home = _own_home()
    server = postgres.start(home)
    postgres.keep(home, kept=True)
    _tell(say("켜졌어요: {place} (pid {pid})", en="It runs: {place} (pid {pid})", place=server.place, pid=server.pid))


@db.command("stop")
def db_stop() -> None:
    """멈추기 · Stop it."""
    home = _own_home()
    postgres.keep(home, kept=False)
    stopped = postgres.stop(home)
    _tell(say("멈췄어요.", en="It has stopped.") if stopped else say("켜져 있지 않았어요.", en="It was not running."))


@db.command("status")
def db_status() -> None:
    """켜져 있는지 보기; 꺼져 있으면 3으로 끝나요 · Say whether it runs; exit code 3 when not."""
    server = postgres.locate(_own_home())
    if server.pid is None:
        _tell(say("꺼져 있어요: {place}", en="It is stopped: {place}", place=server.place))
        raise typer.Exit(3)
    _tell(
        say("켜져 있어요: {place} (pid {pid})", en="It runs: {place} (pid {pid})", place=server.place, pid=server.pid)
    )


@db.command("doctor")
def db_doctor() -> None:
    """아픈 곳 찾기 · Look for what is wrong, and say what to do."""
    from dure.project import doctor

    raise typer.Exit(doctor.examine(_own_home()))


@db.command("backup")
def db_backup(file: Path) -> None:
    """파일 하나로 담아 두기 · Everything in the database into one file."""
    from dure.project import backup

    with _served() as dsn:
        backup.write(dsn, file)
    _tell(say("{file}에 담았어요.", en="Backed up to {file}.", file=file))


@db.command("restore")
def db_restore(
    file: Path,
    replace: Annotated[bool, typer.Option(help="지금 자료를 바꿔도 돼요 · The present data may be replaced")] = False,
) -> None:
    """담아 둔 파일로 되돌리기 · Put a backup in the place of the present data."""
    from dure.project import backup

    with _served() as dsn:
        backup.restore(dsn, file, replace=replace)
    import django

    django.setup()
    from dure.kit import clock
    from dure.ledger import actions as ledger

    aside = ledger.set_seals_aside(at=clock.now())
    if aside:
        _tell(
            say("지난 장부의 봉인은 {file}에 두었어요.", en="The seals of the books before lie in {file}.", file=aside)
        )
    _tell(say("{file}에서 되돌렸어요.", en="Restored from {file}.", file=file))


@db.command("psql", context_settings={"allow_extra_args": True, "ignore_unknown_options": True})
def db_psql(
    context: typer.Context,
    superuser: Annotated[bool, typer.Option("--superuser", help="관리자로 · As PostgreSQL's superuser")] = False,
) -> None:
    """SQL로 말하기 · Talk SQL to it."""
    import subprocess

    env = Environment()
    with contextlib.nullcontext() if env.text("DURE_DATABASE_URL") else postgres.borrowed(env.home) as server:
        dsn = env.text("DURE_DATABASE_URL") or (server.superuser_dsn if superuser else server.dsn)  # type: ignore[union-attr]
        command = [postgres.program("psql"), *context.args]
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for psql, which gives up a query with it
        raise typer.Exit(subprocess.run(command, env=postgres.client_environment(dsn), check=False).returncode)


@contextlib.contextmanager
def _served():  # type: ignore[no-untyped-def]
    """How to reach the whole database for backup: past row-level security, hence as its superuser when it is ours."""
    env = Environment()
    if url := env.text("DURE_DATABASE_URL"):
        yield url
    else:
        with postgres.borrowed(env.home) as server:
            yield server.superuser_dsn


audience = typer.Typer(help="고객층 · Audiences.", no_args_is_help=True)
app.add_typer(audience, name="audience")


@audience.command("build")
def audience_build(
    people: Annotated[int, typer.Option(min=1, max=400_000_000, help="몇 명 · How many")] = 1_000_000,
    seed: Annotated[int, typer.Option(help="씨앗 · The seed of the country")] = 1,
) -> None:
    """지어낸 나라와 그 쌍둥이를 만들어 쓰기 시작하기 · Make the synthetic network and its twin, and put both in use."""
    import django

    from dure.project.supervisor import database

    with database(Environment()):
        django.setup()
        from dure.audiences import actions as audiences
        from dure.kit import clock

        audiences.build_network(people=people, seed=seed, at=clock.now())
    _tell(say("{n}명을 셀 수 있어요.", en="{n} people can be counted.", n=f"{people:,}"))


@audience.command("trait")
def audience_trait(
    name: Annotated[str, typer.Argument(help="tag:NAME")],
    ko: Annotated[str, typer.Option(help="한국어 이름 · Its Korean name")] = "",
    en: Annotated[str, typer.Option(help="영어 이름 · Its English name")] = "",
    file: Annotated[Path | None, typer.Option(help="한 줄에 한 명 번호 · Numbers of people, one a line")] = None,
    rule: Annotated[str, typer.Option(help="region:제주 age:25-39 …")] = "",
    drop: Annotated[bool, typer.Option(help="없애기 · Take it away")] = False,
) -> None:
    """운영자의 조건을 더하기; 다음 빌드부터 쓸 수 있어요 · Add a trait of the operator's own, in use from the next build."""
    import django

    from dure.project.supervisor import database

    if not drop and (file is None) == (not rule):
        print(say("--file이나 --rule 가운데 하나를 주세요.", en="Give either --file or --rule."), file=sys.stderr)
        raise typer.Exit(2)
    with database(Environment()):
        django.setup()
        import numpy as np

        from dure.audiences import actions as audiences
        from dure.kit import clock
        from dure.kit.errors import DureError

        if drop:
            audiences.drop_trait(name=name, by="operator:cli", at=clock.now())
            return
        try:
            persons = np.array(file.read_text().split(), np.int64) if file else None
            found = audiences.add_trait(
                name=name, ko=ko or name, en=en or name, rule=rule, persons=persons, by="operator:cli", at=clock.now()
            )
        except DureError as refusal:
            print(refusal.sentence, file=sys.stderr)
            raise typer.Exit(1) from None
        except (OSError, ValueError) as wrong:
            print(
                say("번호만 한 줄에 하나씩 적어 주세요: {why}", en="Write one number a line: {why}", why=str(wrong)),
                file=sys.stderr,
            )
            raise typer.Exit(1) from None
    _tell(say("{n}명이에요. 다음 빌드부터 쓸 수 있어요.", en="{n} people; in use from the next build.", n=f"{found:,}"))


@audience.command("twin")
def audience_twin() -> None:
    """이달의 쌍둥이를 만들어 쓰기 시작하기 · Draw the month's twin of the network and put it in use."""
    import django

    from dure.project.supervisor import database

    with database(Environment()):
        django.setup()
        from dure.audiences import actions as audiences
        from dure.kit import clock
        from dure.kit.errors import DureError

        try:
            release = audiences.renew_twin(at=clock.now())
        except DureError as refusal:
            print(refusal.sentence, file=sys.stderr)
            raise typer.Exit(1) from None
    if release is None:
        _tell(say("이달의 쌍둥이가 이미 있어요.", en="The month's twin is there already."))
    else:
        _tell(say("새 쌍둥이를 쓰고 있어요. ε = {e}", en="A new twin is in use; ε = {e}.", e=str(release.epsilon)))


@audience.command("count")
def audience_count(definition: Annotated[str, typer.Argument(help="region:서울-마포구 age:25-39 taste:커피")]) -> None:
    """운영자가 네트워크에서 정확히 세기 (기록에 남아요) · Count the network exactly, as an operator; it is logged."""
    import django

    from dure.project.supervisor import database

    with database(Environment()):
        django.setup()
        from dure.audiences import actions as audiences
        from dure.kit import clock
        from dure.kit.errors import DureError

        try:
            found = audiences.count_exactly(definition=definition, by="operator:cli", at=clock.now())
        except DureError as refusal:
            print(refusal.sentence, file=sys.stderr)
            raise typer.Exit(1) from None
    print(f"{found:,}")


targeting = typer.Typer(help="누구에게 보낼까 · Whom to write to.", no_args_is_help=True)
app.add_typer(targeting, name="targeting")


@targeting.command("score")
def targeting_score(
    train: Annotated[Path, typer.Option(help="추첨으로 보낸 기록(CSV·Parquet) · Randomised rows to learn from")],
    apply: Annotated[Path, typer.Option(help="점수를 매길 사람들 · The rows to score")],
    treatment: Annotated[str, typer.Option(help="메시지를 받았는지 적힌 열 · The column that says who got a message")],
    outcome: Annotated[
        str, typer.Option(help="결과 열: 숫자나 예/아니요 · The outcome's column: numbers, or yes and no")
    ],
    control: Annotated[str | None, typer.Option(help="받지 않은 쪽의 값 · The value of those without")] = None,
    treated: Annotated[str | None, typer.Option(help="받은 쪽의 값 하나만 · Only this value of those with")] = None,
    ids: Annotated[str | None, typer.Option("--id", help="행의 이름 열 · A column that names the rows")] = None,
    ignore: Annotated[list[str] | None, typer.Option(help="보지 않을 열 · A column not to look at")] = None,
    why: Annotated[bool, typer.Option("--why", help="줄마다 까닭 한 줄 · A line of reasons for each row")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="JSON으로 · As JSON")] = False,
    seed: Annotated[int, typer.Option(help="씨앗 · The seed")] = 1,
) -> None:
    """무작위 발송에서 배워 효과 순으로 점수 매기기 · Learn from randomised rows who is moved by a message, and score others."""
    import json

    from rich.console import Console
    from rich.progress import Progress

    from dure.kit.errors import DureError
    from dure.targeting.storage.scores import scores_from

    try:
        with Progress(console=Console(stderr=True), transient=True) as bar:
            task = bar.add_task("targeting")
            scores = scores_from(
                train=train, apply=apply, treatment=treatment, outcome=outcome, control=control, treated=treated, ids=ids,
                ignore=tuple(ignore or ()), why=why, seed=seed,
                progress=lambda done, of: bar.update(task, completed=done, total=of),
            )  # fmt: skip
    except DureError as refusal:
        raise postgres.Trouble(refusal.sentence) from refusal
    if as_json:
        print(json.dumps(scores.as_json(), ensure_ascii=False))
        return
    print("row,score,uplift,expected" + (",why" if why else ""))
    for row in range(len(scores.score)):
        numbers = f"{scores.score[row]:.8f},{scores.uplift[row]:.8f},{scores.expected[row]:.8f}"
        print(f"{scores.ids[row] if scores.ids else row},{numbers}" + (f',"{scores.why[row]}"' if scores.why else ""))


@targeting.command("learn")
def targeting_learn() -> None:
    """방문과 메시지 효과의 모델을 새로 배우고, 흠이 없으면 쓰기 · Learn the models of visits and of effects anew; each is used if nothing is wrong with it."""
    import django

    with _served():
        django.setup()
        from dure.kit import clock
        from dure.kit.errors import DureError
        from dure.lift import actions as lift
        from dure.shops import fence
        from dure.targeting import actions

        with fence.across_shops():  # models of everybody
            for learn in (actions.learn_visits, lift.learn_effects):
                try:
                    model = learn(by="command", at=clock.now())
                    actions.activate_model(model=model, by="command", at=clock.now())
                except DureError as refusal:
                    _tell(refusal.sentence)
                else:
                    _tell(say("{id}을 쓰고 있어요.", en="{id} is in use.", id=model.public_id))


@targeting.command("models")
def targeting_models() -> None:
    """배운 모델 모두 보기 · Every model of the registry: its data, its code, its calibration, whether it is in use."""
    import django

    with _served():
        django.setup()
        from dure.targeting import queries
        from dure.targeting.values import ModelName

        used = {name: queries.model_in_use(name) for name in ModelName}
        for one in queries.models_kept():
            mark = "*" if one == used[ModelName(one.name)] else " "
            ratio = one.calibration.get("ratio")
            print(
                f"{mark} {one.name} {one.version} {one.public_id} {one.from_on}..{one.until_on} rows={one.rows} "
                f"code={one.code_version} calibration={'none' if ratio is None else f'{ratio:.3f}'} "
                f"gate={one.gate.get('passed', '-')} {one.fault or 'ok'}"
            )


@targeting.command("activate")
def targeting_activate(model: Annotated[str, typer.Argument(help="mdl_…")]) -> None:
    """모델 하나를 쓰기 · Put a model into use; one with a fault is refused."""
    import django

    with _served():
        django.setup()
        from dure.kit import clock
        from dure.kit.errors import DureError
        from dure.targeting import actions, queries

        try:
            actions.activate_model(model=queries.model_by_public_id(model), by="command", at=clock.now())
        except DureError as refusal:
            raise postgres.Trouble(refusal.sentence) from refusal
    _tell(say("{id}을 쓰고 있어요.", en="{id} is in use.", id=model))


@targeting.command("rollback")
def targeting_rollback(name: Annotated[str, typer.Argument(help="visits, effect")], reason: str = "") -> None:
    """지금 모델을 거두고 그 전 것을 다시 쓰기 · Take the model in use back and bring in the one before it."""
    import django

    with _served():
        django.setup()
        from dure.kit import clock
        from dure.kit.errors import DureError
        from dure.targeting import actions
        from dure.targeting.errors import NoSuchModel
        from dure.targeting.values import ModelName

        try:
            if name not in set(ModelName):
                raise NoSuchModel
            before = actions.roll_back(name=ModelName(name), reason=reason, by="command", at=clock.now())
        except DureError as refusal:
            raise postgres.Trouble(refusal.sentence) from refusal
    if before:
        _tell(say("{id}을 다시 쓰고 있어요.", en="{id} is in use again.", id=before.public_id))
    else:
        _tell(say("모델 없이 통상의 값을 써요.", en="No model is in use; what is usual serves."))


week = typer.Typer(help="한 주의 계획 · The plan of a week.", no_args_is_help=True)
app.add_typer(week, name="week")


@week.command("plan")
def week_plan(
    number: Annotated[int | None, typer.Option(help="이어서 할 계획 · The planning to go on with")] = None,
    on: Annotated[str | None, typer.Option(help="주의 아무 날 (2026-11-30) · Any day of the week to plan")] = None,
) -> None:
    """한 주를 계획하기: 누가 어느 소식을 받나 · Plan a week: who hears of what, certified."""
    from datetime import date

    import django
    from rich.progress import Progress

    with _served():
        django.setup()
        from dure.campaigns import actions, queries
        from dure.kit import clock
        from dure.kit.errors import DureError
        from dure.shops import fence

        with fence.across_shops(), Progress(transient=True) as bar:
            try:
                if number is not None:
                    plan = queries.plans().get(pk=number)
                else:
                    day = date.fromisoformat(on) if on else clock.now().astimezone(clock.KST).date()
                    plan = actions.plan_week(week_on=queries.week_of(day), by="command", at=clock.now())
                task = bar.add_task("week", total=plan.total)
                plan = actions.advance_plan(
                    plan=plan, at=clock.now(), progress=lambda one: bar.update(task, completed=one.done)
                )
            except DureError as refusal:
                _tell(refusal.sentence)
                raise typer.Exit(1) from refusal
    _tell(
        say(
            "{people}명, {edges}개 가운데에서 골랐어요. 고르게 나눈 값 {value}원, 가장 값지게 나누면 {most}원, 어떤 계획도 {bound}원을 넘지 못해요.",
            en="Chosen for {people} people out of {edges}. Shared out fairly it is worth {value} won, at most value {most}; no plan exceeds {bound}.",
            most=f"{plan.most_value:,}",
            people=f"{plan.people:,}", edges=f"{plan.edges:,}", value=f"{plan.value:,}", bound=f"{plan.bound:,}",
        )
    )  # fmt: skip


if __name__ == "__main__":
    main()
