"""A slow connection, for a server and a browser on the same machine: the network's part of the time of a request.

A request to the API that says `X-Latency: 100` waits 100 ms before the server looks at it, as it would if its client
were far away. This stands around everything else, batchware too: a batch travels once, so it waits once, and what is
replayed inside of it does not wait. The time of setting up a connection, and of sending many bytes, is not imitated.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable
from typing import Any

from .exchange import BASE

MOST = 1000
"""The longest wait in milliseconds. More would tell nothing new, and keeps a thread of the server from working."""


def seconds(path: str, header: str | None) -> float:
    """How long a request waits."""
    if header is None or not path.startswith(f"{BASE}/") or not (header.isascii() and header.isdecimal()):
        return 0.0
    return min(int(header[:5]), MOST) / 1000


def distant_asgi(app: Any) -> Any:
    """An ASGI application, seen through a slow connection by those who ask for it."""

    async def distant(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "http":
            header = dict(scope["headers"]).get(b"x-latency", b"").decode("latin-1")
            await asyncio.sleep(seconds(scope["path"], header))
        await app(scope, receive, send)

    return distant


def distant_wsgi(app: Any) -> Any:
    """A WSGI application, seen through a slow connection by those who ask for it."""

    def distant(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        wait = seconds(environ["PATH_INFO"], environ.get("HTTP_X_LATENCY"))
        if wait:
            time.sleep(wait)
        answer: Iterable[bytes] = app(environ, start_response)
        return answer

    return distant
