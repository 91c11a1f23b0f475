"""A batch of ten against ten bare calls of the same application, in one process and without a server.

A bare call has its scope or environ ready made: it is the least that a framework can take for a request, and less than
any server gives it. A round measures ten bare calls and one batch in turn; the ratio is taken round by round, so that
whatever else the machine does falls on both.
"""

from __future__ import annotations

import asyncio
import io
import json
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass
from statistics import median, quantiles
from typing import Any

from batchware import asgi, wsgi
from tests.benchmarks import applications
from tests.hosts.asgi_client import build_scope
from tests.hosts.response import prepare
from tests.hosts.wsgi_client import build_environ

ACTIONS = 10
KB = {"text": "x" * 1000}

TITLE = f"A batch of {ACTIONS} against {ACTIONS} bare calls in process (ratio; 1.00 would be free)"

HEAD = ["application", "action", "bare, µs", "batch, µs", "ratio", "p10", "p90"]


@dataclass(frozen=True)
class Call:
    """One request, and the action that makes the same one."""

    label: str
    method: str
    path: str
    body: bytes
    action: Mapping[str, Any]


SMALL = Call("GET, 100 B", "GET", "/small", b"", {"method": "get", "relative_path": "/small"})
ECHO = Call(
    "POST, 1 KB",
    "POST",
    "/echo",
    b'{"data":' + json.dumps(KB).encode() + b"}",
    {"method": "post", "relative_path": "/echo", "data": KB},
)


def _batch(call: Call) -> Call:
    body = json.dumps({"data": {"actions": [call.action] * ACTIONS}}).encode()
    return Call("", "POST", "/batch", body, {})


def _sent(call: Call) -> Any:
    headers = [("content-type", "application/json")] if call.body else []
    headers += [("user-agent", "benchmark"), ("accept", "application/json"), ("authorization", "Bearer " + "t" * 40)]
    return prepare(call.method, call.path, headers, call.body, ("testserver", 80), "http")


def _check(body: bytes, call: Call) -> None:
    assert body.count(b'"status_code":200') == ACTIONS, (call.label, body[:300])


def _row(label: str, call: Call, pairs: list[tuple[float, float]]) -> list[str]:
    ratios = [batch / bare for bare, batch in pairs]
    tenths = quantiles(ratios, n=10)
    bare, batch = (median(side) * 1e6 for side in zip(*pairs, strict=True))
    return [
        label,
        call.label,
        f"{bare:.0f}",
        f"{batch:.0f}",
        *(f"{r:.2f}" for r in (median(ratios), tenths[0], tenths[8])),
    ]


def _asgi_call(app: Any, call: Call) -> Callable[[], Awaitable[bytes]]:
    scope = build_scope(_sent(call))
    asked = False
    chunks: list[bytes] = []

    async def receive() -> dict[str, Any]:
        nonlocal asked
        if asked:
            await asyncio.Event().wait()  # as a client that stays
        asked = True
        return {"type": "http.request", "body": call.body, "more_body": False}

    async def send(message: Any) -> None:
        if message["type"] == "http.response.body":
            chunks.append(message.get("body", b""))

    async def run() -> bytes:
        nonlocal asked
        asked = False
        chunks.clear()
        await app({**scope, "state": {}}, receive, send)
        return b"".join(chunks)

    return run


async def _asgi_pairs(app: Any, call: Call, rounds: int) -> list[tuple[float, float]]:
    bare, batch = _asgi_call(app, call), _asgi_call(asgi.BatchMiddleware(app), _batch(call))
    _check(await batch(), call)
    pairs: list[tuple[float, float]] = []
    for _ in range(rounds):
        start = time.perf_counter()
        for _ in range(ACTIONS):
            await bare()
        middle = time.perf_counter()
        await batch()
        pairs.append((middle - start, time.perf_counter() - middle))
    return pairs


def _wsgi_call(app: Any, call: Call) -> Callable[[], bytes]:
    environ = build_environ(_sent(call))

    def start_response(status: str, headers: list[tuple[str, str]], exc_info: Any = None) -> Callable[[bytes], None]:
        return chunks.append

    chunks: list[bytes] = []

    def run() -> bytes:
        iterable = app({**environ, "wsgi.input": io.BytesIO(call.body)}, start_response)
        try:
            return b"".join(iterable)
        finally:
            if hasattr(iterable, "close"):
                iterable.close()

    return run


def _wsgi_pairs(app: Any, call: Call, rounds: int) -> list[tuple[float, float]]:
    middleware = wsgi.BatchMiddleware(app)
    bare, batch = _wsgi_call(app, call), _wsgi_call(middleware, _batch(call))
    _check(batch(), call)
    pairs: list[tuple[float, float]] = []
    for _ in range(rounds):
        start = time.perf_counter()
        for _ in range(ACTIONS):
            bare()
        middle = time.perf_counter()
        batch()
        pairs.append((middle - start, time.perf_counter() - middle))
    middleware.close()
    return pairs


ASGI = (
    ("bare ASGI", applications.bare_asgi),
    ("Starlette", applications.starlette),
    ("FastAPI", applications.fastapi),
    ("Django, ASGI", applications.django_asgi),
)
WSGI = (
    ("bare WSGI", applications.bare_wsgi),
    ("Flask", applications.flask),
    ("Django, WSGI", applications.django_wsgi),
)


def rows(quick: bool) -> Iterator[list[str]]:
    yield HEAD
    rounds = 60 if quick else 600
    for label, make in ASGI:
        app = make()
        for call in (SMALL, ECHO):
            yield _row(label, call, asyncio.run(_asgi_pairs(app, call, rounds)))
    for label, make in WSGI:
        app = make()
        for call in (SMALL, ECHO):
            yield _row(label, call, _wsgi_pairs(app, call, rounds))
