"""Everything Dure reads from its environment, by name. A name it does not know stops a production start."""

import contextlib
import os
import secrets
from collections.abc import Mapping
from pathlib import Path

from psycopg.conninfo import conninfo_to_dict

KNOWN = {
    "DURE_AD_CAPS": "the most advertisements to one person: a day, a week, and a week from one shop (default 3,7,3)",
    "DURE_CHROMIUM": "the browser that tests drive",
    "DURE_COUPON_DAYS_MAX": "the longest that a coupon may last after it was issued, in days (default 90)",
    "DURE_DATABASE_URL": "any PostgreSQL 15+; without it Dure runs its own under DURE_HOME",
    "DURE_FEES": "a table of fees of your own contract (TOML) in the place of settlement/fees.toml",
    "DURE_HOME": "where Dure keeps its database, photos and keys (default .dure)",
    "DURE_HOSTS": "host names that may be asked for, comma separated",
    "DURE_KAKAOPAY_CID": "the Kakao Pay contract id (default: the public test id)",
    "DURE_KAKAOPAY_HOST": "where Kakao Pay answers (default: our sandbox)",
    "DURE_KAKAOPAY_RECURRING_CID": "the Kakao Pay contract id for charging again (default: the public test id)",
    "DURE_KAKAOPAY_SECRET_KEY": "the Kakao Pay secret key",
    "DURE_KAKAO_LOGIN_ID": "the Kakao login client id; empty turns Kakao login off",
    "DURE_KAKAO_LOGIN_SECRET": "the Kakao login client secret",
    "DURE_MAIL_FROM": "the address that login codes come from",
    "DURE_KAKAO_CHANNEL": "the Kakao channel (pfId) that brand messages and Alimtalk come from",
    "DURE_NHN_APP": "the app key of NHN Cloud KakaoTalk Bizmessage",
    "DURE_NHN_HOST": "where NHN Cloud answers; with it Kakao messages go there instead of through SOLAPI",
    "DURE_NHN_SECRET": "the secret key for it",
    "DURE_NHN_SENDER": "the sender key (40 characters) of the Kakao channel there",
    "DURE_SENDER_CERTIFICATE": "the agency's sending certificate (전송자격인증); without it no advertising goes by Kakao or text",
    "DURE_SOLAPI_HOST": "where SOLAPI answers (https://api.solapi.com); empty sends no texts in production",
    "DURE_SOLAPI_KEY": "the API key there",
    "DURE_SOLAPI_SECRET": "the API secret there",
    "DURE_TEXT_NUMBER": "the registered number that text messages come from",
    "DURE_MESSAGE_HOOK": "the secret last part of /hooks/solapi/… and /hooks/nhn/…, where the agencies report; empty takes no reports",
    "DURE_NHN_SIGNATURE": "the webhook signature that was typed at NHN Cloud; empty takes no reports from it",
    "DURE_MODE": "demo (default) or production",
    "DURE_PAYOUTS": "who pays shops: hand (an operator; default in production), practice (demo) or transfer (a bank's server)",
    "DURE_PAYOUT_DAYS": "business days until a shop is paid, unless its own terms say otherwise (default 2)",
    "DURE_PAYOUT_SECRET_KEY": "the key for that server",
    "DURE_PAYOUT_URL": "where that server answers",
    "DURE_PAY_CODE_PREFIX": "the first six digits of guests' one-time payment codes",
    "DURE_PEOPLE": "people of the synthetic network of a demo (default 1000000; 0 makes none)",
    "DURE_PORT": "the web port (default 8000); the sandbox takes the next one",
    "DURE_PUBLIC_URL": "how the outside reaches this server, e.g. https://dure.example",
    "DURE_SANDBOX_URL": "where the provider sandbox answers (set by dure run)",
    "DURE_SEALS": "the folder outside the database for the heads of the books' seals (default DURE_HOME/seals)",
    "DURE_SECRET_KEY": "signs cookies, links and permits",
    "DURE_SKIN_DIR": "a folder with further character skin packs",
    "DURE_SMTP_URL": "smtp://user:password@host:port for login codes; empty prints them in the log",
    "DURE_SYNCHRONOUS_COMMIT": "off makes commits that a crash may lose: for the control of `make crash`, never in production",
    "DURE_TEST_DATABASE": "the name of the test database",
    "DURE_THOROUGH": '1 lets the tests of machines walk thousands of steps (`make test ARGS="tests -k machine"`)',
    "DURE_THREADS": "request threads in each web process (default 4)",
    "DURE_TOSS_CANCEL_DAYS": "how many days after a payment your Toss contract returns money (default: not stated)",
    "DURE_TOSS_HOST": "where Toss Payments answers (default: our sandbox)",
    "DURE_TOSS_SECRET_KEY": "the Toss Payments secret key",
    "DURE_TOWN_PACE": "how many times faster than life a demo's neighbourhood lives until the office says otherwise: 0, 1, 5 or 20 (default 1)",
    "DURE_WALLET_HOLD_ANONYMOUS": "the most that the wallet of somebody whose phone was not proven holds, in won (default 500000)",
    "DURE_WALLET_HOLD_NAMED": "the most that a wallet holds, in won (default 2000000)",
    "DURE_WALLET_PAY_DAY": "the most that a wallet pays on one day, in won (default 2000000)",
    "DURE_WALLET_REFUND_ALL": "disaster or worsened: every balance goes back when its person asks (전자금융거래법 §19)",
    "DURE_WALLET_REFUND_SHARE": "up to which share of the last topped-up balance all that is left goes back, in basis points (2000 to 10000)",
    "DURE_WALLET_REGISTRATION": "your registration as a prepaid business; without it there are no wallets (the demo practises)",
    "DURE_WALLET_TOP_UP_DAY": "the most that is put into a wallet on one day, in won (default 2000000)",
    "DURE_WALLET_UNUSED_DAYS": "how many days an unused top-up can be returned (default 7)",
    "DURE_WAYS": "how guests may pay online, the default first (default kakaopay,toss,wallet)",
    "DURE_WEBHOOK_PRACTICE": "origins of this machine that webhooks may be sent to, for practice (demo: the sandbox)",
}


class Environment:
    """`DURE_*` names of an environment, each read through one of the methods below."""

    def __init__(self, values: Mapping[str, str] = os.environ) -> None:
        self.values = values

    def text(self, name: str, default: str = "") -> str:
        if name not in KNOWN:
            raise KeyError(f"{name} is not described in project/env.py")
        return self.values.get(name) or default

    def number(self, name: str, default: int) -> int:
        return int(self.text(name, str(default)))

    def listed(self, name: str, default: str = "") -> list[str]:
        return [part.strip() for part in self.text(name, default).split(",") if part.strip()]

    @property
    def production(self) -> bool:
        return self.text("DURE_MODE", "demo") == "production"

    @property
    def home(self) -> Path:
        return Path(self.text("DURE_HOME", ".dure")).absolute()

    @property
    def moved_clock(self) -> Path:
        """Where a demo keeps how far its clock stands ahead (`dure clock`)."""
        return self.home / "clock"

    def keep_compiled_code(self) -> None:
        """Compiled code is kept with everything else of ours: the package may lie where nobody may write. Its threads sleep
        while they wait, for whoever else shares the machine."""
        os.environ.setdefault("NUMBA_CACHE_DIR", str(self.home / "compiled"))
        os.environ.setdefault("OMP_WAIT_POLICY", "passive")

    @property
    def may_lose_commits(self) -> bool:
        """Whether somebody asked for a database that loses what it acknowledged, to see that the loss is noticed."""
        return self.text("DURE_SYNCHRONOUS_COMMIT") == "off" and not self.production

    def session_options(self, url: str) -> str:
        """What every session of Dure's asks of PostgreSQL: what the address says itself, then our limits."""
        limits = "-c statement_timeout=5000 -c lock_timeout=2000 -c idle_in_transaction_session_timeout=10000"
        own = str(conninfo_to_dict(url).get("options") or "")
        loses = "-c synchronous_commit=off" if self.may_lose_commits else ""
        return " ".join(part for part in (own, limits, loses) if part)

    def refuse_unsafe_production(self) -> None:
        """Stop a production start that misses a secret or carries a name that nobody reads."""
        if not self.production:
            return
        unknown = sorted(n for n in self.values if n.startswith("DURE_") and n not in KNOWN)
        missing = [
            n for n in ("DURE_SECRET_KEY", "DURE_DATABASE_URL", "DURE_HOSTS", "DURE_PUBLIC_URL") if not self.text(n)
        ]
        if self.text("DURE_TOSS_HOST") and not self.text("DURE_TOSS_SECRET_KEY"):
            missing.append("DURE_TOSS_SECRET_KEY")
        if self.text("DURE_KAKAOPAY_HOST") and not self.text("DURE_KAKAOPAY_SECRET_KEY"):
            missing.append("DURE_KAKAOPAY_SECRET_KEY")
        if self.text("DURE_SYNCHRONOUS_COMMIT") not in ("", "on"):
            unknown.append("DURE_SYNCHRONOUS_COMMIT=off")
        if self.moved_clock.exists():
            unknown.append(f"a moved clock: {self.moved_clock} belongs to a demo")
        if unknown or missing:
            raise SystemExit(
                "Dure does not start in production: "
                + "; ".join(
                    part
                    for part in (
                        f"set {', '.join(missing)}" if missing else "",
                        f"unknown {', '.join(unknown)} (see project/env.py)" if unknown else "",
                    )
                    if part
                )
            )

    def secret_key(self) -> str:
        """The given secret; outside production a random one, made once and kept under DURE_HOME."""
        given = self.text("DURE_SECRET_KEY")
        if given:
            return given
        kept = self.home / "secret_key"
        if not kept.exists():
            self.home.mkdir(parents=True, exist_ok=True)
            draft = self.home / f"secret_key.{os.getpid()}"
            draft.touch(mode=0o600)
            draft.write_text(secrets.token_urlsafe(48))
            with contextlib.suppress(FileExistsError):
                os.link(draft, kept)
            draft.unlink()
        return kept.read_text()
