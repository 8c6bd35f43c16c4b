"""The demo's bank: every transfer arrives at once, and none is real. Production pays by hand or through `transfer`."""

from dure.settlement.values import BankAnswer, BankSays, TransferTerms


class Practice:
    def send(self, terms: TransferTerms) -> BankAnswer:
        return BankAnswer(says=BankSays.PAID, key=f"practice-{terms.public_id}")

    def ask(self, terms: TransferTerms) -> BankAnswer:
        return self.send(terms)


def bank() -> Practice:
    """A bank without a memory: asking is as good as sending."""
    return Practice()
