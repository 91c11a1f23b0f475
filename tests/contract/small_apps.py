"""Applications that live for one test: one handler a path, and the shortest way of answering on each door.

For what the hosts of `tests.hosts` don't do because it is wrong, or because a test has to hold it in its hands.
"""

from __future__ import annotations

import asyncio
import base64
import time
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Literal

from tests.contract.batching import action
from tests.hosts import Host, probe
from tests.hosts.gates import DEADLINE

Handler = Callable[..., Any]
JSON = [("content-type", "application/json")]


def asgi_app(routes: Mapping[str, Handler]) -> Handler:
    """`async def handler(scope, receive, send)` for each path; all else is 404."""

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await routes.get(scope["path"], _not_found)(scope, receive, send)

    return app


async def _not_found(scope: Any, receive: Any, send: Any) -> None:
    await reply(send, b"{}", status=404)


async def reply(
    send: Any, body: bytes = b"{}", headers: Iterable[tuple[str, str]] = JSON, status: int = 200, more: bool = False
) -> None:
    """A response in two messages; with `more` it goes on."""
    raw = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in headers]
    await send({"type": "http.response.start", "status": status, "headers": raw})
    await send({"type": "http.response.body", "body": body, "more_body": more})


def wsgi_app(routes: Mapping[str, Handler]) -> Handler:
    """`def handler(environ, start_response)` for each path; all else is 404."""

    def app(environ: Any, start_response: Any) -> Any:
        handler = routes.get(environ["PATH_INFO"])
        if handler is None:
            start_response("404 Not Found", list(JSON))
            return [b"{}"]
        return handler(environ, start_response)

    return app


def started(start_response: Any, body: bytes = b"{}", headers: Iterable[tuple[str, str]] = JSON) -> list[bytes]:
    """A 200 in one piece."""
    start_response("200 OK", list(headers))
    return [body]


class Closing:
    """A response body with something to do in `close()`."""

    def __init__(self, chunks: Iterable[bytes], close: Callable[[], object]) -> None:
        self._chunks = iter(chunks)
        self.close = close

    def __iter__(self) -> Any:
        return self._chunks


def door(kind: Literal["asgi", "wsgi"], app: Any) -> Host:
    """An application of a test as a host, for `wrap` and `post_batch`."""
    return Host(f"small-{kind}", kind, lambda: app)


def respond(
    body: bytes = b"", *headers: tuple[str, str], status: int = 200, method: str = "post", chunks: int | None = None
) -> dict[str, Any]:
    """An action whose handler gives exactly this response, on every host."""
    spec: dict[str, Any] = {"status": status, "headers": headers, "body": base64.b64encode(body).decode()}
    if chunks:
        spec["chunks"] = chunks
    if method in {"post", "put", "patch"}:
        return action("/respond", method, data=spec)
    return action("/respond", method, data={"spec": probe.encode_spec(spec)})


def eventually(condition: Callable[[], object], seconds: float = DEADLINE) -> bool:
    """Whether the condition comes true before the deadline, asked again and again."""
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            return False
        time.sleep(0.002)
    return True


async def others_have_ended(seconds: float = DEADLINE) -> bool:
    """Whether every other task of the running loop ends before the deadline."""
    loop, this = asyncio.get_running_loop(), asyncio.current_task()
    end = loop.time() + seconds
    while asyncio.all_tasks() - {this}:
        if loop.time() > end:
            return False
        await asyncio.sleep(0.002)
    return True
