"""What a provider says it settled, beside our books. A difference stays open until a person explains it."""

import hashlib
from datetime import datetime

from django.db import transaction

from dure.kit import ids
from dure.kit.language import clean
from dure.settlement import errors, queries
from dure.settlement.engine import matching, provider_file
from dure.settlement.models import Difference, Explanation, ProviderFile

TEXT_MAX = 500


def read_provider_file(*, provider: str, layout: str, name: str, content: bytes, by: str, at: datetime) -> ProviderFile:
    """Match a provider's settlement file with our payments and keep every difference, open.

    All or nothing. Repeat-safe: the same bytes are the same reading. Must stand across shops. Refuses FileUnclear (no file of
    that layout), FileFaulty (with every fault by row and column). Publishes nothing.
    """
    try:
        rows, faults = provider_file.read(content, layout)
    except provider_file.Unreadable as wrong:
        raise errors.FileUnclear from wrong
    if faults:
        raise errors.FileFaulty(faults)
    if not rows:
        raise errors.FileUnclear
    digest = hashlib.sha256(f"{provider}:{layout}:".encode() + content).hexdigest()
    with transaction.atomic():
        made, fresh = ProviderFile.objects.get_or_create(
            digest=digest,
            defaults={
                "public_id": ids.new_public_id("pfl"),
                "provider": provider,
                "name": clean(name)[:200],
                "rows": len(rows),
                "first_on": min(row.traded_on for row in rows),
                "last_on": max(row.traded_on for row in rows),
                "by": by,
                "read_at": at,
            },
        )
        if not fresh:
            return made
        theirs = matching.gathered(rows)
        ours = queries.our_side(provider, made.first_on, made.last_on, theirs)
        Difference.objects.bulk_create(
            (
                Difference(
                    file=made,
                    kind=one.kind,
                    payment=one.payment,
                    trade=one.trade,
                    ours_won=one.ours_won,
                    theirs_won=one.theirs_won,
                    ours_on=one.ours_on,
                    theirs_on=one.theirs_on,
                    found_at=at,
                )
                for one in matching.differences(ours, theirs)
            ),
            batch_size=500,
        )
        return made


def explain_difference(*, difference: Difference, text: str, by: str, at: datetime) -> Explanation:
    """Say why a difference is one, which closes it; more can be said later. Refuses ExplanationMissing."""
    told = clean(text)[:TEXT_MAX]
    if not told:
        raise errors.ExplanationMissing
    return Explanation.objects.create(difference=difference, text=told, by=by, at=at)
