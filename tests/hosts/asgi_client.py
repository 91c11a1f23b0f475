"""Calls an ASGI application in the process, as uvicorn would, and holds it to the specification.

The scope is the one that uvicorn builds (spec version 2.3; 2.4 where `gone="raise"`, since only there may
`send` raise). What the specification forbids the application to send is an `AssertionError` after the call;
it is raised there and not in `send`, where the application could catch it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import Any, Literal
from urllib.parse import unquote

from tests.hosts.response import Body, Headers, Response, Sent, prepare

Message = Mapping[str, Any]


def build_scope(
    sent: Sent,
    *,
    root_path: str = "",
    scheme: str = "http",
    client: tuple[str, int] | None = ("127.0.0.1", 50000),
    server: tuple[str, int] = ("testserver", 80),
    spec_version: str = "2.3",
) -> dict[str, Any]:
    """The request target is below `root_path`, and uvicorn puts that in front of `path` and `raw_path`."""
    return {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": spec_version},
        "http_version": "1.1",
        "server": server,
        "client": client,
        "scheme": scheme,
        "method": sent.method,
        "root_path": root_path,
        "path": root_path + unquote(sent.raw_path.decode("ascii")),
        "raw_path": root_path.encode("ascii") + sent.raw_path,
        "query_string": sent.query,
        "headers": [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in sent.headers],
        "state": {},
    }


class Exchange:
    """One request and its response: the `receive` and `send` of a server."""

    def __init__(
        self,
        sent: Sent,
        disconnect: asyncio.Event | None,
        disconnect_after: int | None,
        gone: Literal["raise", "ignore"],
        on_complete: Callable[[], None] | None,
    ) -> None:
        self.response = Response()
        self.violations: list[str] = []
        self._parts = list(sent.body)
        self._gone = disconnect or asyncio.Event()
        self._left = disconnect_after
        self._raise_when_gone = gone == "raise"
        self._on_complete = on_complete
        self._over = asyncio.Event()
        if disconnect_after == 0:
            self._gone.set()

    async def receive(self) -> dict[str, Any]:
        if self._parts and not self._gone.is_set():
            part = self._parts.pop(0)
            return {"type": "http.request", "body": part, "more_body": bool(self._parts)}
        ends = [asyncio.ensure_future(self._over.wait()), asyncio.ensure_future(self._gone.wait())]
        try:
            await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for end in ends:
                end.cancel()
        return {"type": "http.disconnect"}

    async def send(self, message: Message) -> None:
        if self.response.complete:
            self._violate(f"{message['type']} after the response was complete")
            return
        if self._gone.is_set():
            if self._raise_when_gone:
                raise OSError("the client has gone")
            return
        if message["type"] == "http.response.start":
            self._start(message)
        elif message["type"] == "http.response.body":
            self._body(message)
        else:
            self._violate(f"no message is called {message['type']!r}")

    def _start(self, message: Message) -> None:
        response = self.response
        if not response.synthetic:
            self._violate("a second http.response.start")
            return
        if not isinstance(message["status"], int):
            self._violate(f"the status {message['status']!r} is not an int")
        response.synthetic = False
        response.status = int(message["status"])
        for pair in message.get("headers", ()):
            name, value = pair
            if type(name) is not bytes or type(value) is not bytes:
                self._violate(f"the header {pair!r} is not made of bytes")
                continue
            if name != name.lower():
                response.notes.append(f"header name not in lower case: {name.decode('latin-1')}")
            if set(value) & set(b"\r\n\0"):
                self._violate(f"the header {pair!r} holds a line break or NUL")
            response.headers.append((name.decode("latin-1").lower(), value.decode("latin-1")))

    def _body(self, message: Message) -> None:
        response = self.response
        if response.synthetic:
            self._violate("http.response.body before http.response.start")
            return
        body = message.get("body", b"")
        if not isinstance(body, bytes):
            self._violate(f"the body is a {type(body).__name__}")
        if body:
            response.chunks.append(bytes(body))
        if self._left is not None:
            self._left -= 1
            if self._left <= 0:
                self._gone.set()
                return
        if not message.get("more_body", False):
            response.complete = True
            self._over.set()
            if self._on_complete:
                self._on_complete()

    def _violate(self, text: str) -> None:
        self.violations.append(text)


async def asend(
    app: Any,
    method: str,
    target: str,
    *,
    headers: Headers = (),
    body: Body = b"",
    root_path: str = "",
    scheme: str = "http",
    client: tuple[str, int] | None = ("127.0.0.1", 50000),
    server: tuple[str, int] = ("testserver", 80),
    scope_extra: Mapping[str, Any] | None = None,
    disconnect: asyncio.Event | None = None,
    disconnect_after: int | None = None,
    gone: Literal["raise", "ignore"] = "raise",
    on_complete: Callable[[], None] | None = None,
) -> Response:
    """Sends one request and returns when the application does; `on_complete` is called with its last message.

    A `body` in a list arrives in as many messages. The client goes away when `disconnect` is set, or with the
    `disconnect_after`-th body message; then `receive` gives `http.disconnect`, and `send` raises `OSError`,
    or with `gone="ignore"` does nothing for ever, as uvicorn's does. Cancelling this cancels the application.
    """
    sent = prepare(method, target, headers, body, server, scheme)
    version = "2.4" if gone == "raise" else "2.3"
    scope = build_scope(sent, root_path=root_path, scheme=scheme, client=client, server=server, spec_version=version)
    scope.update(scope_extra or {})
    exchange = Exchange(sent, disconnect, disconnect_after, gone, on_complete)
    response = exchange.response

    async def run() -> None:
        try:
            await app(scope, exchange.receive, exchange.send)
        except asyncio.CancelledError as error:
            if cancelled:
                raise
            response.raised = error
        except BaseException as error:  # noqa: BLE001 - a server outlives whatever its application raises
            response.raised = error

    cancelled = False
    # A task of its own, as in a server: what the application does to its context ends with it.
    task = asyncio.create_task(run())
    try:
        await asyncio.shield(task)
    except asyncio.CancelledError:
        cancelled = True
        task.cancel()
        await asyncio.wait([task])
        raise
    assert not exchange.violations, exchange.violations
    response.finish(method)
    return response


def send_asgi(app: Any, method: str, target: str, **options: Any) -> Response:
    """`asend` in an event loop of its own.

    A framework that runs its handler in a task of its own lets `SystemExit` leave the loop, where no server
    could catch it for the request: that is given as a synthetic response too.
    """
    try:
        return asyncio.run(asend(app, method, target, **options))
    except SystemExit as error:
        response = Response(raised=error)
        response.finish(method)
        return response
