"""What memory a batch takes: for each action in flight, and at the most for 1,000 echoes of 1 KB.

`in flight` is what Python has allocated when all handlers wait, for one action more: beside batchware the scope, the
request and the task that the application needs for any request, which `direct` shows (as many direct calls at once).
`at most` is the highest that was allocated at any time of a batch, with the body of the request and of the answer, in
multiples of these two bodies.
"""

from __future__ import annotations

import asyncio
import gc
import json
import tracemalloc
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

from tests.benchmarks import calls
from tests.benchmarks.applications import HOSTS, Host, host
from tests.benchmarks.calls import ECHO, Asgi, Exchange, Handler, getting
from tests.hosts.asgi_client import build_scope

TITLE = "Memory: an action in flight, and 1,000 echoes of 1 KB (3 times the bytes that go in and out wanted)"

MANY = 1000

ASYNC = ("bare-asgi", "starlette", "fastapi")
MOST = ("bare-asgi", "starlette", "fastapi", "bare-wsgi", "flask")


class _Held:
    """An application whose requests all wait until they are let go, without more of their own than a future."""

    def __init__(self, app: Any) -> None:
        self._app = app
        self.waiting = 0
        self.go = asyncio.Event()

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        async def holding(message: Any) -> None:
            if message["type"] == "http.response.start":
                self.waiting += 1
                await self.go.wait()
            await send(message)

        await self._app(scope, receive, holding)


async def _held_bytes(start: Callable[[], Awaitable[Any]], held: _Held, count: int) -> int:
    """What is allocated while `count` requests wait."""
    gc.collect()
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        task = asyncio.ensure_future(start())
        while held.waiting < count:
            assert not task.done(), "ended before it was held"
            await asyncio.sleep(0)
        gc.collect()
        taken = tracemalloc.get_traced_memory()[0] - before
        held.go.set()
        await task
    finally:
        tracemalloc.stop()
    return taken


def _in_flight(door: Asgi, chosen: Host, count: int, *, batched: bool) -> int:
    handler = getting("", "/small")
    held = _Held(chosen.make())

    async def direct() -> None:
        scope = build_scope(calls.sent(handler.method, handler.path, b""))
        exchanges = [Exchange(b"") for _ in range(count)]
        scopes = [{**scope, "headers": list(scope["headers"]), "state": {}} for _ in range(count)]
        await asyncio.gather(*(held(s, e.receive, e.send) for s, e in zip(scopes, exchanges, strict=True)))

    async def batch() -> None:
        with calls.batching(chosen, held, {**calls.everything(), **calls.ROOMY}) as middleware:
            body = calls.batch_body(handler, count)
            exchange = Exchange(body)
            await middleware(build_scope(calls.sent("POST", "/batch", body)), exchange.receive, exchange.send)

    return door.loop.run_until_complete(_held_bytes(batch if batched else direct, held, count))


def _one_more(door: Asgi, chosen: Host, few: int, many: int, *, batched: bool) -> float:
    _in_flight(door, chosen, few, batched=batched)  # what is made once
    less, more = (_in_flight(door, chosen, count, batched=batched) for count in (few, many))
    return (more - less) / (many - few)


def _at_most(chosen: Host, handler: Handler, count: int) -> tuple[int, int]:
    """The bytes at the most, and those of both bodies."""
    request = calls.sent("POST", "/batch", calls.batch_body(handler, count))
    with (
        calls.door_of(chosen) as door,
        calls.batching(chosen, chosen.make(), {**calls.everything(), **calls.ROOMY}) as full,
    ):
        answer = door.answer(full, request)
        assert len(json.loads(answer)["data"]) == count
        size = len(request.body[0])
        gc.collect()
        tracemalloc.start()
        try:
            before = tracemalloc.get_traced_memory()[0]
            door.answer(full, request)
            most = tracemalloc.get_traced_memory()[1] - before + size  # the request's body was there before
        finally:
            tracemalloc.stop()
    return most, size + len(answer)


def rows(quick: bool) -> Iterator[list[str]]:
    yield ["application", "what", "batch, bytes", "direct, bytes", "bodies, bytes", "times the bodies"]
    here = [host.id for host in HOSTS if host.here]
    for name in ASYNC[:2] if quick else ASYNC:
        if name in here:
            with calls.door_of(host(name)) as door:
                assert isinstance(door, Asgi)
                batch = _one_more(door, host(name), 10, MANY, batched=True)
                direct = _one_more(door, host(name), 10, MANY, batched=False)
            yield [host(name).label, "an action in flight", f"{batch:.0f}", f"{direct:.0f}", "-", "-"]
    for name in MOST[:2] if quick else MOST:
        if name in here:
            most, bodies = _at_most(host(name), ECHO, MANY)
            yield [host(name).label, "1,000 x 1 KB", str(most), "-", str(bodies), f"{most / bodies:.2f}"]
