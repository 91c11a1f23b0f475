"""What the thirteen hosts do: one behaviour for each kind of route, and no framework.

A host translates the templates of `routes` into its own router's spelling, hands a `Call` (what its request
object says) to `answer` or `answer_async`, and turns the `Answer` into its own response type. Whatever a test
wants to observe from outside is here: `seen`, `background`, `gates`, and the three places where state could
leak.
"""

from __future__ import annotations

import asyncio
import base64
import itertools
import json
import sys
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, MutableMapping, Sequence
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any

from tests.hosts.gates import DEADLINE, Gates, Signal
from tests.hosts.routes import Route

SECRET = "boom with a secret"
BLOCK = b"x" * 65536


@dataclass
class Call:
    """One request as the framework shows it; `frame` is the scope or environ, `store` holds request state."""

    method: str
    param: str | None
    query: Sequence[tuple[str, str]]
    frame: MutableMapping[str, Any]
    store: Any
    path: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    client: str | None = None
    scheme: str = ""
    url: str | None = None
    cookies: Mapping[str, str] = field(default_factory=dict)


@dataclass
class Answer:
    """What to respond: `json` by the framework's JSON response, or `chunks` streamed, or else `body`."""

    status: int = 200
    headers: Sequence[tuple[str, str]] = ()
    body: bytes = b""
    json: dict[str, Any] | None = None
    chunks: Iterator[bytes] | None = None
    background: bool = False


# Appending to a list is atomic, so threads may share it.
seen: list[tuple[str, str, str | None]] = []
gates = Gates()
let_go = Signal()
background = Signal()
leak: ContextVar[str | None] = ContextVar("leak", default=None)
local = threading.local()
_serial = itertools.count(1)


def reset() -> None:
    """Forgets everything, this thread's leaks too; for before a test, never while a request is running."""
    local.__dict__.clear()
    leak.set(None)
    seen.clear()
    gates.clear()
    let_go.clear()
    background.clear()


def finish_background() -> None:
    """The work after the response: waits until the test has set `let_go`, then sets `background`."""
    if let_go.wait(DEADLINE):
        background.set()


async def finish_background_async() -> None:
    if await let_go.wait_async(DEADLINE):
        background.set()


async def stream(chunks: Iterator[bytes]) -> AsyncIterator[bytes]:
    """The chunks with a turn of the event loop between them, as a handler that waits for a source would."""
    for chunk in chunks:
        yield chunk
        await asyncio.sleep(0)


def answer(route: Route, call: Call) -> Answer | None:
    """What a synchronous handler does on this route."""
    seen.append((route.template, call.method, call.param))
    return _BEHAVIOURS[route.kind](route, call)


async def answer_async(route: Route, call: Call) -> Answer | None:
    """The same for a handler on the event loop, which waits without blocking it."""
    if route.kind.startswith("sleep"):
        seen.append((route.template, call.method, call.param))
        await asyncio.sleep(int(call.param or 0) / 1000)
        return _slept(call)
    if route.kind.startswith("gate"):
        seen.append((route.template, call.method, call.param))
        return _passed(call, await gates.arrive_async(call.param or "", _expected(call)))
    return answer(route, call)


def _corpus(route: Route, call: Call) -> Answer:
    return Answer(json={"handler": route.template, "method": call.method, "id": call.param})


def _echo(route: Route, call: Call) -> Answer:
    shown = {
        "method": call.method,
        "path": call.path,
        "query": [list(pair) for pair in call.query],
        "headers": {name.lower(): value for name, value in call.headers.items()},
        "body": base64.b64encode(call.body).decode(),
        "client": call.client,
        "scheme": call.scheme,
        "url": call.url,
        "cookies": dict(call.cookies),
    }
    return Answer(json=shown)


def encode_spec(spec: Mapping[str, Any]) -> str:
    """The value of the query parameter `spec` that makes `/respond` give this answer."""
    return base64.urlsafe_b64encode(json.dumps(spec).encode()).decode().rstrip("=")


def _respond(route: Route, call: Call) -> Answer:
    if call.method in {"POST", "PUT", "PATCH"}:
        spec = json.loads(call.body)
        spec = spec.get("data", spec)
    else:
        text = dict(call.query)["spec"]
        spec = json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
    body = base64.b64decode(spec.get("body", ""))
    headers = [(name, value) for name, value in spec.get("headers", ())]
    pieces = spec.get("chunks")
    if not pieces:
        return Answer(status=spec.get("status", 200), headers=headers, body=body)
    size = max(1, -(-len(body) // pieces))
    chunks = iter([body[start : start + size] for start in range(0, len(body), size)])
    return Answer(status=spec.get("status", 200), headers=headers, chunks=chunks)


def _raise(route: Route, call: Call) -> Answer:
    raise RuntimeError(SECRET)


def _exit(route: Route, call: Call) -> Answer:
    sys.exit(3)


def _half(route: Route, call: Call) -> Answer:
    def chunks() -> Iterator[bytes]:
        yield b"first;"
        yield b"second;"
        raise RuntimeError(SECRET)

    return Answer(headers=[("content-type", "text/plain")], chunks=chunks())


def _forever(route: Route, call: Call) -> Answer:
    return Answer(headers=[("content-type", "application/octet-stream")], chunks=itertools.repeat(BLOCK))


def _slept(call: Call) -> Answer:
    return Answer(json={"slept": int(call.param or 0)})


def _sleep(route: Route, call: Call) -> Answer:
    time.sleep(int(call.param or 0) / 1000)
    return _slept(call)


def _expected(call: Call) -> int:
    return int(dict(call.query).get("n", "1"))


def _passed(call: Call, arrived: int) -> Answer:
    expected = _expected(call)
    shown = {"gate": call.param, "arrived": arrived, "expected": expected}
    return Answer(status=200 if arrived >= expected else 599, json=shown)


def _gate(route: Route, call: Call) -> Answer:
    return _passed(call, gates.arrive(call.param or "", _expected(call)))


def _state(route: Route, call: Call) -> Answer:
    shown = {
        "context": leak.get(),
        "request": getattr(call.store, "leaked", None),
        "frame": call.frame.get("leaked"),
        "local": getattr(local, "leaked", None),
        "keys": sorted(call.frame),
        "types": {key: type(value).__name__ for key, value in call.frame.items()},
    }
    mark = f"leaked-{next(_serial)}"
    leak.set(mark)
    call.store.leaked = mark
    call.frame["leaked"] = mark
    local.leaked = mark
    return Answer(json=shown)


_BEHAVIOURS: dict[str, Callable[[Route, Call], Answer | None]] = {
    "corpus": _corpus,
    "echo": _echo,
    "respond": _respond,
    "raise": _raise,
    "exit": _exit,
    "nothing": lambda route, call: None,
    "half": _half,
    "forever": _forever,
    "late": lambda route, call: Answer(json={"late": True}),
    "sleep": _sleep,
    "sleep-sync": _sleep,
    "background": lambda route, call: Answer(json={"background": True}, background=True),
    "gate": _gate,
    "gate-sync": _gate,
    "state": _state,
}
