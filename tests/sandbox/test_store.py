"""What the provider knows outlives it: its own file is the truth."""

from dataclasses import replace
from pathlib import Path

from dure.payments.providers.kakaopay.client import KakaoPay
from dure.payments.values import Amount, Outcome, Standing, Terms
from tests.provider import running_sandbox

TERMS = Terms(public_id="pay_1", payer="p", item_name="국수", amount=Amount(9_000, 0, 818))


def test_a_restart_forgets_nothing(tmp_path: Path) -> None:
    store = tmp_path / "truth.sqlite"
    with running_sandbox(store) as sandbox:
        client = KakaoPay(sandbox.url, "TC0ONETIME", "DEV-TEST", 5.0)
        ready = client.ready(TERMS, origin="http://127.0.0.1")
        terms = replace(TERMS, provider_key=ready.provider_key)
        assert client.approve(terms, token=sandbox.agree(ready.redirect_url)).outcome is Outcome.DONE
        client.close()
    with running_sandbox(store) as sandbox:
        client = KakaoPay(sandbox.url, "TC0ONETIME", "DEV-TEST", 5.0)
        truth = client.order(terms)
        client.close()
        assert (truth.standing, truth.total) == (Standing.PAID, 9_000)
        assert sandbox.truth()["pay_1"]["approvals"] == 1
