"""`GET /healthz`: whether web, database and worker are up, for people's scripts and for `dure run`."""

import psycopg
from django.db import connection
from django.http import HttpRequest, JsonResponse
from django.views.decorators.cache import never_cache

from dure.web.ui import access

WORKER_SILENT_SECONDS = 20


def up() -> dict[str, bool]:
    """Each part by name. The worker is up when its heartbeat is young."""
    heartbeat = "SELECT max(last_heartbeat) > now() - make_interval(secs => %s) FROM procrastinate_workers"
    parameters = {k: v for k, v in connection.get_connection_params().items() if k not in ("pool", "context")}
    # A connection of its own: waiting for a free one of a busy pool would report a busy database as a dead one.
    try:
        with psycopg.connect(**{**parameters, "connect_timeout": 2, "cursor_factory": psycopg.Cursor}) as database:
            row = database.execute(heartbeat, [WORKER_SILENT_SECONDS]).fetchone()
    except psycopg.errors.UndefinedTable:
        return {"web": True, "database": True, "worker": False}
    except psycopg.Error:
        return {"web": True, "database": False, "worker": False}
    return {"web": True, "database": True, "worker": bool(row and row[0])}


@access.anyone()
@never_cache
def healthz(request: HttpRequest) -> JsonResponse:
    """200 when everything is up, else 503 with the same JSON."""
    parts = up()
    return JsonResponse(parts, status=200 if all(parts.values()) else 503)
