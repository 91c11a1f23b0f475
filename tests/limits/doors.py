"""One application behind each door, with a Redis limiter of that door, asked again and again by one client."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Literal

from batchware import Concurrency, Quota, asgi, wsgi
from batchware.limiters.redis import AsyncRedisLimiter, RedisLimiter
from tests.contract.batching import action, batch_body
from tests.contract.spies import Spy
from tests.hosts.clients import Response, asend, send

Door = Literal["asgi", "wsgi"]
DOORS: tuple[Door, ...] = ("asgi", "wsgi")

QUOTA = Quota("quota", 100, per=40_000)
SLOTS = Concurrency("slots", 50, lease=600)
HEADERS = {"Content-Type": "application/json"}


class Client:
    """Sends batches and direct requests, all in one event loop; `slowest` is the longest that one of them took."""

    def __init__(self, door: Door, app: Any, runner: asyncio.Runner) -> None:
        self.door: Door = door
        self.slowest = 0.0
        self._app = app
        self._runner = runner

    def batch(self, count: int) -> Response:
        return self._send("POST", "/batch", headers=HEADERS, body=batch_body([action()] * count))

    def direct(self) -> Response:
        return self._send("GET", "/tasks/1")

    def left(self) -> int:
        """What is left of the quota, told by a direct request, and without it."""
        return int(str(self.direct().header("ratelimit")).partition("r=")[2].split(";")[0]) + 1

    def _send(self, method: str, target: str, **options: Any) -> Response:
        start = time.monotonic()
        if self.door == "asgi":
            response = self._runner.run(asend(self._app, method, target, **options))
        else:
            response = send(self._app, "wsgi", method, target, **options)
        self.slowest = max(self.slowest, time.monotonic() - start)
        return response


@contextmanager
def client(door: Door, url: str, app: Any = None, **options: Any) -> Iterator[Client]:
    """`options` are those of the middleware; `app` is a `Spy` unless it is given."""
    app = Spy(door).shared() if app is None else app
    options = {"limits": [QUOTA, SLOTS], "ratelimit_headers": True, **options}
    with asyncio.Runner() as runner:
        if door == "asgi":
            limiter = AsyncRedisLimiter(url)
            yield Client(door, asgi.BatchMiddleware(app, limiter=limiter, **options), runner)
            runner.run(limiter.aclose())
        else:
            blocking = RedisLimiter(url)
            middleware = wsgi.BatchMiddleware(app, limiter=blocking, **options)
            yield Client(door, middleware, runner)
            middleware.close()
            blocking.close()
