"""A middleware for hosts that does whatever a request's headers ask for: what C16 keeps from actions must not tempt it.

It stands for the many of its kind: compression, conditional and range requests, and those that take the method or the
path from a header. An action that one of them got hold of has another status, another body or another handler.
"""

from __future__ import annotations

import gzip
from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple
from urllib.parse import unquote

_METHODS = ("x-http-method-override", "x-http-method", "x-method-override", "x-original-method")
_PATHS = (
    "x-original-url", "x-original-uri", "x-original-path", "x-rewrite-url", "x-forwarded-path", "x-forwarded-uri",
    "x-envoy-original-path",
)  # fmt: skip


class Spoken(NamedTuple):
    """What the headers made of a request: an answer of the middleware's own, or another method and path."""

    status: int | None
    headers: list[tuple[str, str]]
    body: bytes
    method: str | None
    path: str | None


def obey(headers: Mapping[str, str]) -> Spoken:
    """What `headers`, in lower case, ask for."""
    method = next((headers[name] for name in _METHODS if name in headers), None)
    path = next((unquote(headers[name]) for name in _PATHS if name in headers), None)
    if "gzip" in headers.get("accept-encoding", ""):
        return Spoken(200, [("content-encoding", "gzip")], gzip.compress(b"{}"), method, path)
    if "if-none-match" in headers or "if-modified-since" in headers:
        return Spoken(304, [], b"", method, path)
    if "range" in headers:
        return Spoken(206, [("content-range", "bytes 0-0/1")], b"{", method, path)
    if "trailers" in headers.get("te", "") or "trailer" in headers:
        return Spoken(200, [("trailer", "x-t")], b"", method, path)
    return Spoken(None, [], b"", method, path)


def obedient_asgi(app: Any) -> Any:
    """`app`, with the middleware around it; only child requests are obeyed."""

    async def obedient(scope: Any, receive: Any, send: Any) -> None:
        if "batchware" not in scope:
            await app(scope, receive, send)
            return
        spoken = obey({name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]})
        if spoken.status is None:
            path = spoken.path or scope["path"]
            raw_path = scope["raw_path"] if spoken.path is None else path.encode()
            scope = {**scope, "method": spoken.method or scope["method"], "path": path, "raw_path": raw_path}
            await app(scope, receive, send)
            return
        raw = [(name.encode(), value.encode()) for name, value in spoken.headers]
        await send({"type": "http.response.start", "status": spoken.status, "headers": raw})
        await send({"type": "http.response.body", "body": spoken.body})

    return obedient


def obedient_wsgi(app: Any) -> Any:
    """`app`, with the middleware around it; only child requests are obeyed."""

    def obedient(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        if "batchware.action" not in environ:
            return app(environ, start_response)
        spoken = obey({key[5:].replace("_", "-").lower(): environ[key] for key in environ if key.startswith("HTTP_")})
        if spoken.status is None:
            environ["REQUEST_METHOD"] = spoken.method or environ["REQUEST_METHOD"]
            environ["PATH_INFO"] = spoken.path or environ["PATH_INFO"]
            return app(environ, start_response)
        start_response(f"{spoken.status} Obeyed", spoken.headers)
        return [spoken.body]

    return obedient
