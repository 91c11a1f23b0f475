"""A transport of httpx2 or httpx that calls an application in this process, and keeps what it was asked for."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from importlib import import_module
from typing import Any, Literal

import pytest

from batchware import asgi, wsgi
from batchware.client.transport import BatchTransport
from tests.contract.batching import host_named
from tests.hosts import Host
from tests.hosts.clients import Response, asend, send

BASE = "/api/1.0"
ROUTE = f"{BASE}/batch"
URL = "http://testserver"
BATCH = ("POST", ROUTE)
STARLETTE = host_named("starlette")

every_library = pytest.mark.parametrize("library", ["httpx2", "httpx"])


class InProcess:
    """`sent` are method and target of every request that arrives, `headers` their header fields."""

    def __init__(self, library: Any, app: Any, door: Literal["asgi", "wsgi"] = "asgi") -> None:
        self.library = library
        self.sent: list[tuple[str, str]] = []
        self.headers: list[dict[str, str]] = []
        self.bodies: list[bytes] = []
        self.extensions: list[dict[str, Any]] = []
        self.closed = False
        self._app, self._door = app, door

    async def handle_async_request(self, request: Any) -> Any:
        target = request.url.raw_path.decode("ascii")
        headers = [(name.decode("latin-1"), value.decode("latin-1")) for name, value in request.headers.raw]
        body = b"".join([chunk async for chunk in request.stream])
        self.sent.append((request.method, target))
        self.headers.append({name.lower(): value for name, value in headers})
        self.bodies.append(body)
        self.extensions.append(dict(request.extensions))
        options: dict[str, Any] = {"headers": headers, "body": body}
        if self._door == "asgi":
            answer: Response = await asend(self._app, request.method, target, **options)
        else:
            answer = await asyncio.to_thread(send, self._app, "wsgi", request.method, target, lint=False, **options)
        fields = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in answer.headers]
        stream = self.library.ByteStream(answer.body)
        return self.library.Response(
            answer.status, headers=fields, stream=stream, extensions={"http_version": b"HTTP/9"}
        )

    async def __aenter__(self) -> InProcess:
        return self

    async def __aexit__(self, *args: object) -> None:
        self.closed = True

    async def aclose(self) -> None:
        self.closed = True


def batched(host: Host, **options: Any) -> Any:
    """The host's shared application with a batch route."""
    middleware = asgi.BatchMiddleware if host.door == "asgi" else wsgi.BatchMiddleware
    return middleware(host.shared(), path=ROUTE, **options)


def library_named(name: str) -> Any:
    """The module httpx2 or httpx."""
    return import_module(name)


def client_of(library: Any, inner: Any, **options: Any) -> Any:
    """An `AsyncClient` whose requests are batched through `inner`."""
    return library.AsyncClient(transport=BatchTransport(inner, URL + ROUTE, **options), base_url=URL + BASE)


class Scripted(InProcess):
    """Its batches get `answer`: a response, or an error that is raised; all else is answered by the host."""

    answer: Any = None

    async def handle_async_request(self, request: Any) -> Any:
        if request.url.path != ROUTE:
            return await super().handle_async_request(request)
        self.sent.append(BATCH)
        if isinstance(self.answer, str):
            raise getattr(self.library, self.answer)("lost on the way")
        status, headers, body = self.answer
        return self.library.Response(status, headers=headers, stream=self.library.ByteStream(body))


def run(
    play: Callable[[Any], Awaitable[Any]],
    app: Any = None,
    *,
    library: str = "httpx2",
    answer: Any = None,
    **options: Any,
) -> tuple[Any, list[tuple[str, str]]]:
    """What `play(client)` gives, and what was sent."""

    async def main() -> tuple[Any, list[tuple[str, str]]]:
        module = library_named(library)
        inner = Scripted(module, app or STARLETTE.shared()) if answer else InProcess(module, app or batched(STARLETTE))
        if isinstance(inner, Scripted):
            inner.answer = answer
        async with client_of(module, inner, **options) as client:
            return await play(client), inner.sent

    return asyncio.run(main())
