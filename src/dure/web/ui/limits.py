"""How often somebody may try: counters in a table that a crash may forget."""

import threading
from time import monotonic

from django.conf import settings
from django.db import connection
from django.http import HttpRequest

from dure.kit.errors import Busy
from dure.kit.language import say


class TooOften(Busy):
    """The same one tried too many times."""

    status = 429
    sentence = say(
        "너무 여러 번 시도했어요. 잠시 뒤에 다시 해 주세요.", en="Too many tries. Please wait a moment and try again."
    )


def count_try(what: str, who: str, *, most: int, seconds: int) -> int:
    """Count one try of `who` at `what`; refuse beyond `most` in a window of `seconds`. Returns how many it were by now."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            INSERT INTO ui_tries AS tries (what, who, until, count)
            VALUES (%s, %s, now() + %s * interval '1 second', 1)
            ON CONFLICT (what, who) DO UPDATE SET
                count = CASE WHEN tries.until < now() THEN 1 ELSE tries.count + 1 END,
                until = CASE WHEN tries.until < now() THEN excluded.until ELSE tries.until END
            RETURNING count
            """,
            [what, who, seconds],
        )
        (count,) = cursor.fetchone()
    if count > most:
        raise TooOften
    return int(count)


def address_of(request: HttpRequest) -> str:
    """Where a request comes from: behind our own proxies, what the outermost of them saw, never what the asker wrote."""
    trusted = settings.ALLAUTH_TRUSTED_PROXY_COUNT
    hops = [hop.strip() for hop in request.headers.get("X-Forwarded-For", "").split(",")]
    if trusted and len(hops) >= trusted and hops[-trusted]:
        return hops[-trusted][:60]
    return str(request.META.get("REMOTE_ADDR", ""))


_lock = threading.Lock()
_buckets: dict[tuple[str, str], tuple[float, float]] = {}
_BUCKETS_MAX = 20_000


def hold_back(what: str, who: str, *, per_second: float, at_once: int) -> None:
    """Refuse what comes faster than `per_second` after `at_once`: for cheap questions asked many times a second, counted in
    this process alone, because a row written for each would cost more than the answer."""
    now = monotonic()
    with _lock:
        if len(_buckets) >= _BUCKETS_MAX:
            _buckets.clear()
        left, then = _buckets.get((what, who), (float(at_once), now))
        left = min(float(at_once), left + (now - then) * per_second)
        _buckets[what, who] = (max(left - 1, 0.0), now)
    if left < 1:
        raise TooOften
