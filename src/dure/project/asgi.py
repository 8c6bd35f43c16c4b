"""What the server runs: live streams are asynchronous, everything else is Django on a fixed pool of threads.

Why two: docs/decisions/0006-serve-pages-from-threads-and-streams-from-asyncio.md
"""

import os
import sys
import threading
from typing import Any

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "dure.project.settings")
pages: Any = get_wsgi_application()

from dure.audiences import queries as audiences  # noqa: E402
from dure.project import collector  # noqa: E402
from dure.project.bridge import Bridge  # noqa: E402
from dure.project.settings import THREADS  # noqa: E402
from dure.web.ui import live  # noqa: E402

collector.leave_loaded_alone()
# A page that computes gives the interpreter up this often, in seconds, to whoever came back from a file or the database and waits for
# it: a count goes there ten times, and would wait each time as long as Python lets a picture go on, which is 5 ms.
sys.setswitchinterval(0.0005)

# Meanwhile the index and its compiled code are brought in, so that the first owner who asks does not wait for them.
threading.Thread(target=audiences.warm_up, name="dure-warm-up", daemon=True).start()

_pages = Bridge(pages, threads=THREADS, computing=("/audiences/picture",))
audiences.count_alone_while(lambda: _pages.answering > 1)


async def application(scope: Any, receive: Any, send: Any) -> None:
    """One ASGI callable for both."""
    if scope["type"] == "http" and scope["path"].startswith("/live/"):
        await live.stream(scope, receive, send)
    elif scope["type"] == "http":
        await _pages(scope, receive, send)
