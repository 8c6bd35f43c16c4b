"""`dure safeguarding`: how much of customers' money must lie outside at this moment, and whether the books agree."""

import typer

from dure.kit.clock import KST, now
from dure.kit.language import Text, say
from dure.kit.money import won
from dure.wallet import queries
from dure.wallet.values import SAFEGUARDING_WORDS


def main(*, held: int | None) -> int:
    """Print the report. 0 when it agrees with itself and `held` won outside are enough, 1 otherwise."""
    report = queries.safeguarding()
    typer.echo(f"{now().astimezone(KST):%Y-%m-%d %H:%M:%S} KST")
    for name, text in SAFEGUARDING_WORDS.items():
        value = getattr(report, name)
        typer.echo(f"{won(value) if name not in ('wallets', 'frozen') else value:>16}  {_both(text)}")
    short = 0 if held is None else max(0, report.due_outside - held)
    if short:
        typer.echo(_both(say("밖에 {short}이 모자라요.", en="{short} are missing outside.", short=won(short))))
    if not report.agrees:
        typer.echo(
            _both(
                say("세어 보니 서로 달라요. dure verify로 살펴보세요.", en="The counts differ. Look with dure verify.")
            )
        )
    return 1 if short or not report.agrees else 0


def _both(text: Text) -> str:
    return f"{text.within('ko')} · {text.within('en')}"
