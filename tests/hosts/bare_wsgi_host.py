"""The host `wsgi`: PEP 3333 and nothing else.

Its faults are the purest: `/nothing` returns an empty iterable without having called `start_response`,
`/raise` and `/exit` leave the application before that, `/half` leaves the iterator. `/late` and the
background work happen in the iterable's `close()`, the one place that PEP 3333 has for what comes after a
response. HEAD is answered with the body of GET, which a server drops.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from http import HTTPStatus
from http.cookies import SimpleCookie
from types import SimpleNamespace
from typing import Any
from urllib.parse import parse_qsl
from wsgiref.util import request_uri

from tests.hosts import probe
from tests.hosts.bare_router import find


class _Body:
    """An iterable with something to do in `close()`."""

    def __init__(self, chunks: Iterable[bytes], after: Callable[[], None]) -> None:
        self._chunks = chunks
        self.close = after

    def __iter__(self) -> Iterator[bytes]:
        return iter(self._chunks)


def _read(environ: dict[str, Any]) -> bytes:
    """Reads up to `CONTENT_LENGTH`, or to the end where the server promises one."""
    length = environ.get("CONTENT_LENGTH")
    left = int(length) if length else (1 << 62 if environ.get("wsgi.input_terminated") else 0)
    body = bytearray()
    while left > 0 and (part := environ["wsgi.input"].read(min(left, 65536))):
        body += part
        left -= len(part)
    return bytes(body)


def _headers(environ: dict[str, Any]) -> dict[str, str]:
    headers = {key[5:].replace("_", "-"): value for key, value in environ.items() if key.startswith("HTTP_")}
    for key in ("CONTENT_TYPE", "CONTENT_LENGTH"):
        if environ.get(key):
            headers[key.replace("_", "-")] = environ[key]
    return {name.lower(): value for name, value in headers.items()}


def _call(environ: dict[str, Any], param: str | None, body: bytes) -> probe.Call:
    headers = _headers(environ)
    return probe.Call(
        method=environ["REQUEST_METHOD"],
        param=param,
        query=parse_qsl(environ.get("QUERY_STRING", ""), keep_blank_values=True),
        frame=environ,
        # Nothing but the environ lives as long as a request here, so state in it is request state.
        store=environ.setdefault("bare.store", SimpleNamespace()),
        path=_decoded(environ),
        headers=headers,
        body=body,
        client=environ.get("REMOTE_ADDR"),
        scheme=environ["wsgi.url_scheme"],
        url=request_uri(environ),
        cookies={key: morsel.value for key, morsel in SimpleCookie(headers.get("cookie", "")).items()},
    )


def _decoded(environ: dict[str, Any]) -> str:
    path: str = environ["PATH_INFO"]
    return path.encode("latin-1").decode("utf-8", "replace")


def _line(status: int) -> str:
    try:
        return f"{status} {HTTPStatus(status).phrase}"
    except ValueError:
        return f"{status} Unknown"


def _say(start_response: Any, status: int, content: dict[str, Any], *headers: tuple[str, str]) -> list[bytes]:
    body = json.dumps(content).encode()
    named = [("Content-Type", "application/json"), ("Content-Length", str(len(body))), *headers]
    start_response(_line(status), named)
    return [body]


def _late() -> None:
    raise RuntimeError(probe.SECRET)


def application(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
    found = find(_decoded(environ))
    if not found:
        return _say(start_response, 404, {"detail": "no such route"})
    route, param = found
    method = environ["REQUEST_METHOD"]
    if method not in {*route.methods, "HEAD"}:
        return _say(start_response, 405, {"detail": "no such method"}, ("Allow", ", ".join(route.methods)))
    call = _call(environ, param, _read(environ) if route.reads_body else b"")
    answer = probe.answer(route, call)
    if answer is None:
        return []
    chunks: Iterable[bytes]
    if answer.json is not None:
        chunks = _say(start_response, answer.status, answer.json)
    else:
        start_response(_line(answer.status), list(answer.headers))
        chunks = answer.chunks if answer.chunks is not None else [answer.body]
    if answer.background:
        return _Body(chunks, probe.finish_background)
    if route.kind == "late":
        return _Body(chunks, _late)
    return chunks


def make() -> Any:
    return application
