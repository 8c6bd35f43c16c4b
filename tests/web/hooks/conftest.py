"""The person who pays is the rail's."""

from tests.rooms.payments.conftest import payer

__all__ = ["payer"]
