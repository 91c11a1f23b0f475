"""Sends a request to an application in this process, as far as a test of batchware needs that: one request, one answer.

The scope and the environ are those that servers make. What the application raises is a 500, as a server makes of it.
"""

from __future__ import annotations

import asyncio
import inspect
import io
import sys
from contextvars import copy_context
from typing import Any, cast
from urllib.parse import quote

from msgspec import Struct


class Answer(Struct):
    """What came back; names of headers in lower case."""

    status: int = 500
    headers: list[tuple[str, str]] = []
    body: bytes = b""

    def all(self, name: str) -> list[str]:
        """Every value of a header."""
        return [value for key, value in self.headers if key == name]


class Request(Struct):
    """What is asked; `path` is decoded."""

    method: str
    path: str
    headers: list[tuple[str, str]]
    body: bytes = b""
    host: Any = None
    """What Starlette names in the scope as its `app`."""


def send(app: Any, request: Request) -> Answer:
    """The answer. Raises `RuntimeError` in a coroutine, whose event loop would have to wait."""
    headers = [("host", "localhost"), *((name.lower(), value) for name, value in request.headers)]
    headers += [("content-length", str(len(request.body)))] if request.body else []
    if not is_asgi(app):
        return copy_context().run(_call, app, request, headers)
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return asyncio.run(_await(app, request, headers))
    raise RuntimeError("call this from a plain function, or by asyncio.to_thread: it runs an event loop of its own")


def is_asgi(app: Any) -> bool:
    """Whether an application is called with a scope, and awaited."""
    kind = cast("Any", type(app))
    return inspect.iscoroutinefunction(app) or inspect.iscoroutinefunction(kind.__call__)


async def _await(app: Any, request: Request, headers: list[tuple[str, str]]) -> Answer:
    answer, over = Answer(), asyncio.Event()
    messages = [{"type": "http.request", "body": request.body, "more_body": False}]
    chunks: list[bytes] = []

    async def receive() -> Any:
        if messages:
            return messages.pop()
        await over.wait()
        return {"type": "http.disconnect"}

    async def take(message: Any) -> None:
        if message["type"] == "http.response.start":
            answer.status = message["status"]
            answer.headers = [(n.decode("latin-1").lower(), v.decode("latin-1")) for n, v in message.get("headers", ())]
        elif message["type"] == "http.response.body":
            chunks.append(message.get("body", b""))
            if not message.get("more_body", False):
                over.set()

    scope = {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.3"},
        "http_version": "1.1",
        "method": request.method,
        "scheme": "http",
        "path": request.path,
        "raw_path": quote(request.path, safe="/:@!$&'()*+,;=~-._").encode(),
        "query_string": b"",
        "root_path": "",
        "headers": [(name.encode("latin-1"), value.encode("latin-1")) for name, value in headers],
        "client": ("127.0.0.1", 50000),
        "server": ("localhost", 80),
        "state": {},
        **({} if request.host is None else {"app": request.host}),
    }
    try:
        await app(scope, receive, take)
    except Exception:  # noqa: BLE001  # a server answers 500 then, which the answer is already
        answer.status = answer.status if chunks else 500
    answer.body = b"".join(chunks)
    return answer


def _call(app: Any, request: Request, headers: list[tuple[str, str]]) -> Answer:
    answer = Answer()
    environ: dict[str, Any] = {
        "REQUEST_METHOD": request.method,
        "SCRIPT_NAME": "",
        "PATH_INFO": request.path.encode().decode("latin-1"),
        "QUERY_STRING": "",
        "CONTENT_LENGTH": str(len(request.body)),
        "SERVER_NAME": "localhost",
        "SERVER_PORT": "80",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "REMOTE_ADDR": "127.0.0.1",
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": "http",
        "wsgi.input": io.BytesIO(request.body),
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": True,
        "wsgi.multiprocess": False,
        "wsgi.run_once": False,
    }
    for name, value in headers:
        key = name.upper().replace("-", "_")
        environ[key if key in ("CONTENT_TYPE", "CONTENT_LENGTH") else f"HTTP_{key}"] = value

    def start_response(status: str, fields: list[tuple[str, str]], exc_info: Any = None) -> Any:
        answer.status, answer.headers = int(status[:3]), [(name.lower(), value) for name, value in fields]
        return chunks.append

    chunks: list[bytes] = []
    iterable: Any = None
    try:
        iterable = app(environ, start_response)
        chunks.extend(iterable)
    except Exception:  # noqa: BLE001  # a server answers 500 then
        answer.status = 500
    finally:
        if close := getattr(iterable, "close", None):
            close()
    answer.body = b"".join(chunks)
    return answer
