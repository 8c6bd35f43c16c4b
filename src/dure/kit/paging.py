"""Pages by cursor, never by number: stable order, no totals."""

from dataclasses import dataclass
from typing import Generic, TypeVar

from django.db.models import Model, QuerySet

M = TypeVar("M", bound=Model)


@dataclass(frozen=True, slots=True)
class Page(Generic[M]):
    """Rows, and the cursor of the next page where there is one."""

    rows: list[M]
    next_cursor: str | None


def page_of(rows: QuerySet[M], *, after: str | None, limit: int = 50) -> Page[M]:
    """The newest `limit` rows born before the row with public id `after` (all rows have a sortable `public_id`)."""
    if after:
        rows = rows.filter(public_id__lt=after)
    found = list(rows.order_by("-public_id")[: limit + 1])
    more = len(found) > limit
    return Page(found[:limit], str(found[limit - 1].public_id) if more else None)  # type: ignore[attr-defined]
