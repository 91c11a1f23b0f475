"""Requests as they are called in process: ready-made scopes and environs, and the least of a server around them.

Ten direct calls are ten calls of the application, one after the other, with scopes that were made before the clock
started: less than any server does for ten requests, so it is the physical limit. The batch gets its scope the same way.
"""

from __future__ import annotations

import asyncio
import io
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Protocol

from batchware import BatchHooks, Quota, asgi, wsgi
from tests.benchmarks.applications import Host
from tests.benchmarks.rounds import Timed, now
from tests.hosts.asgi_client import build_scope
from tests.hosts.response import Sent, prepare
from tests.hosts.wsgi_client import build_environ

KB = {"text": "x" * 1000}


@dataclass(frozen=True)
class Handler:
    """A request of the application, and the action that makes the same one."""

    label: str
    action: Mapping[str, Any]
    body: bytes = b""

    @property
    def method(self) -> str:
        return str(self.action["method"]).upper()

    @property
    def path(self) -> str:
        return str(self.action["relative_path"])


def getting(label: str, path: str) -> Handler:
    return Handler(label, {"method": "get", "relative_path": path})


SMALL = getting("no-op, 100 B", "/small")
ECHO = Handler(
    "echo, 1 KB", {"method": "post", "relative_path": "/echo", "data": KB}, b'{"data":' + json.dumps(KB).encode() + b"}"
)


class _Around:
    """What a hook around an action is at least: entered, told, left."""

    __slots__ = ()

    def __enter__(self) -> None:
        return None

    def __exit__(self, *raised: object) -> None:
        return None


class Hook(BatchHooks):
    """One hook, and in it both that are called for every batch that runs."""

    def __init__(self) -> None:
        self._around = _Around()
        self.seen = 0

    def around_action(self, action: Any, parent: Any) -> Any:
        return self._around

    def on_batch(self, parent: Any, actions: Sequence[Any], outcomes: Sequence[Any], seconds: float) -> None:
        self.seen += len(actions)


def _authorize(parent: Any) -> str:
    return str(parent.header("authorization"))


def bare() -> dict[str, Any]:
    """Options with nothing on: no deny-list, no `authorize`, no limit, no hook."""
    return {"deny": ()}


def everything() -> dict[str, Any]:
    """Options with the usual deny-list, `authorize`, one quota in memory and one hook."""
    return {"authorize": _authorize, "limits": [Quota("requests", 10**9)], "hooks": [Hook()]}


ROOMY = {"max_actions": 1000, "max_pending": 4000, "max_body_bytes": 64 << 20, "max_answer_bytes": 64 << 20}
"""For batches that the usual limits refuse."""


def sent(method: str, path: str, body: bytes) -> Sent:
    headers = [("content-type", "application/json")] if body else []
    headers += [("user-agent", "benchmark"), ("accept", "application/json"), ("authorization", "Bearer " + "t" * 40)]
    return prepare(method, path, headers, body, ("testserver", 80), "http")


def batch_body(handler: Handler, count: int) -> bytes:
    return json.dumps({"data": {"actions": [handler.action] * count}}).encode()


class Door(Protocol):
    """How requests of one kind of application are called and timed."""

    def timed(self, app: Any, request: Sent, count: int = 1) -> Timed:
        """`count` calls, one after the other."""

    def answer(self, app: Any, request: Sent) -> bytes:
        """The body of the answer to one call."""


class Exchange:
    """The `receive` and `send` of one call."""

    __slots__ = ("_asked", "_body", "chunks")

    def __init__(self, body: bytes) -> None:
        self._body = body
        self._asked = False
        self.chunks: list[bytes] = []

    async def receive(self) -> dict[str, Any]:
        if self._asked:
            await asyncio.get_running_loop().create_future()  # as a client that stays
        self._asked = True
        return {"type": "http.request", "body": self._body, "more_body": False}

    async def send(self, message: Any) -> None:
        if message["type"] == "http.response.body":
            self.chunks.append(message.get("body", b""))


class Asgi:
    """In an event loop of its own, which ends with `close`."""

    def __init__(self) -> None:
        self.loop = asyncio.new_event_loop()

    def close(self) -> None:
        self.loop.run_until_complete(self.loop.shutdown_default_executor())
        self.loop.close()

    def _ready(self, request: Sent, count: int) -> list[tuple[dict[str, Any], Exchange]]:
        scope, body = build_scope(request), b"".join(request.body)
        return [({**scope, "headers": list(scope["headers"]), "state": {}}, Exchange(body)) for _ in range(count)]

    def timed(self, app: Any, request: Sent, count: int = 1) -> Timed:
        async def calls() -> float:
            ready = self._ready(request, count)
            start = now()
            for scope, exchange in ready:
                await app(scope, exchange.receive, exchange.send)
            return now() - start

        return lambda: self.loop.run_until_complete(calls())

    def answer(self, app: Any, request: Sent) -> bytes:
        ((scope, exchange),) = self._ready(request, 1)
        self.loop.run_until_complete(app(scope, exchange.receive, exchange.send))
        return b"".join(exchange.chunks)


def _start_response(status: str, headers: list[tuple[str, str]], exc_info: Any = None) -> Callable[[bytes], None]:
    assert status.startswith("200"), (status, exc_info)
    return _write


def _write(chunk: bytes) -> None:
    raise AssertionError("none of the handlers writes")


def _exhausted(iterable: Any) -> bytes:
    try:
        return b"".join(iterable)
    finally:
        if hasattr(iterable, "close"):
            iterable.close()


class Wsgi:
    def close(self) -> None:
        """Nothing is kept."""

    def _ready(self, request: Sent, count: int) -> list[dict[str, Any]]:
        environ, body = build_environ(request), b"".join(request.body)
        return [{**environ, "wsgi.input": io.BytesIO(body)} for _ in range(count)]

    def timed(self, app: Any, request: Sent, count: int = 1) -> Timed:
        def calls() -> float:
            ready = self._ready(request, count)
            start = now()
            for environ in ready:
                _exhausted(app(environ, _start_response))
            return now() - start

        return calls

    def answer(self, app: Any, request: Sent) -> bytes:
        (environ,) = self._ready(request, 1)
        return _exhausted(app(environ, _start_response))


@contextmanager
def door_of(host: Host) -> Iterator[Asgi | Wsgi]:
    door = Asgi() if host.door == "asgi" else Wsgi()
    try:
        yield door
    finally:
        door.close()


@contextmanager
def batching(host: Host, app: Any, options: Mapping[str, Any]) -> Iterator[Any]:
    """The middleware around `app`, until the block ends."""
    if host.door == "asgi":
        yield asgi.BatchMiddleware(app, **options)
        return
    middleware = wsgi.BatchMiddleware(app, **options)
    try:
        yield middleware
    finally:
        middleware.close()


def direct_side(door: Door, app: Any, handler: Handler, count: int) -> Timed:
    return door.timed(app, sent(handler.method, handler.path, handler.body), count)


def batch_side(door: Door, middleware: Any, handler: Handler, count: int) -> Timed:
    """One batch of `count` actions, after a look at its answer: a benchmark of errors would be a fast one."""
    request = sent("POST", "/batch", batch_body(handler, count))
    answer = door.answer(middleware, request)
    assert answer.count(b'"status_code":200') == count, (handler.label, answer[:500])
    return door.timed(middleware, request)
