"""One way to send a request to an application in this process, through either door.

`send` is for tests that are plain functions. `asend` is for those that need several requests at once or a
client that goes away, on the ASGI door; threads that call `send` do the same on the WSGI door.
"""

from __future__ import annotations

from typing import Any, Literal

from tests.hosts.asgi_client import asend, send_asgi
from tests.hosts.response import Response
from tests.hosts.wsgi_client import send_wsgi

__all__ = ["Response", "asend", "send"]


def send(app: Any, door: Literal["asgi", "wsgi"], method: str, target: str, **options: Any) -> Response:
    """Sends `method target`, where the target is what stands on the wire (`/a%20b?x=1`).

    Options of both doors: headers, body, root_path, scheme, client, server, disconnect_after, on_complete.
    See `asend` and `send_wsgi` for these and for each door's own (`scope_extra`, `environ_extra`, `lint`).
    """
    return send_asgi(app, method, target, **options) if door == "asgi" else send_wsgi(app, method, target, **options)
