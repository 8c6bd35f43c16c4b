"""Whether a PostgreSQL may be trusted with money: looked at once, at the start of every program of Dure.

A server that does not wait for its disk loses orders that it had acknowledged, and no sum in the books shows it afterwards.
So Dure does not start on one. The control of `make crash` has to: it says DURE_SYNCHRONOUS_COMMIT=off, which production
refuses.
"""

from dataclasses import dataclass

import psycopg

from dure.kit.language import Text, say
from dure.project.env import Environment
from dure.project.postgres import PATIENCE, Trouble, moments

OLDEST = 15
LOSES = {
    "fsync": {"on"},
    "full_page_writes": {"on"},
    "synchronous_commit": {"on", "local", "remote_write", "remote_apply"},
}
"""What each setting must be, so that a commit that was answered is on the disk."""


@dataclass(frozen=True, slots=True)
class Weakness:
    """Something that this database does not promise. A fatal one keeps Dure from starting."""

    text: Text
    fatal: bool = True


def weaknesses(connection: "psycopg.Connection[tuple[object, ...]]", *, production: bool) -> list[Weakness]:
    """What is wrong with the database behind `connection`, as this very session sees it (a role or an address may
    change a setting for itself). Missing checksums are fatal in production only: a trial on a stock cluster may run."""
    found = []
    version = connection.info.server_version // 10_000
    if version < OLDEST:
        found.append(
            Weakness(
                say(
                    "PostgreSQL {version}은 너무 오래됐어요. {oldest} 이상이 필요해요.",
                    en="PostgreSQL {version} is too old; {oldest} or newer is needed.",
                    version=version,
                    oldest=OLDEST,
                )
            )
        )
    for name, sound in LOSES.items():
        value = _setting(connection, name)
        if value not in sound:
            found.append(
                Weakness(
                    say(
                        "{name} 설정이 {value}라서 받은 주문과 결제를 잃을 수 있어요. {name} = on으로 바꿔 주세요.",
                        en="{name} is {value}, so orders and payments that were acknowledged may be lost. Set {name} = on.",
                        name=name,
                        value=value,
                    )
                )
            )
    if _setting(connection, "data_checksums") != "on":
        found.append(
            Weakness(
                say(
                    "자료에 검사값이 없어서 디스크가 조용히 망가져도 알 수 없어요. 서버를 멈추고 `pg_checksums --enable`을 실행해 주세요.",
                    en="The data has no checksums, so a disk that rots goes unnoticed. Stop the server and run `pg_checksums --enable`.",
                ),
                fatal=production,
            )
        )
    row = connection.execute("SELECT rolsuper OR rolbypassrls FROM pg_roles WHERE rolname = current_user").fetchone()
    if row != (False,):
        found.append(
            Weakness(
                say(
                    "이 계정은 관리자라서 가게 사이의 울타리가 서지 않아요. 관리자가 아닌 계정(NOSUPERUSER NOBYPASSRLS)으로 접속해 주세요.",
                    en="This role passes the fence between shops. Connect as one that is NOSUPERUSER NOBYPASSRLS.",
                )
            )
        )
    return found


def refuse_unsound(env: Environment, url: str) -> list[Text]:
    """Raise `Trouble` when Dure may not run on the database at `url`; returns what it may run with and should not.

    Waits a while for a server that is just starting or recovering.
    """
    found = _look(env, url)
    allowed = [
        w for w in found if not w.fatal or (env.may_lose_commits and w.text.values.get("name") == "synchronous_commit")
    ]
    for weakness in found:
        if weakness not in allowed:
            raise Trouble(weakness.text)
    return [w.text for w in allowed]


def _look(env: Environment, url: str) -> list[Weakness]:
    said: object = ""
    for _ in moments(PATIENCE):
        try:
            with psycopg.connect(url, options=env.session_options(url), connect_timeout=5) as connection:
                return weaknesses(connection, production=env.production)
        except psycopg.OperationalError as error:
            said = error
    raise Trouble(
        say(
            "데이터베이스가 대답하지 않아요. 주소와 서버를 확인해 주세요. {said}",
            en="The database does not answer. Check DURE_DATABASE_URL and the server. {said}",
            said=str(said).strip()[-500:],
        )
    )


def _setting(connection: "psycopg.Connection[tuple[object, ...]]", name: str) -> object:
    row = connection.execute("SELECT current_setting(%s)", [name]).fetchone()
    return row[0] if row else None
