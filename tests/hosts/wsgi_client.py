"""Calls a WSGI application in the process, as waitress would, and holds it to PEP 3333.

The referee is `wsgiref.validate`. Between it and the application stands `_Lenient`, for two rules of the
validator that PEP 3333 does not have: a content type with every response but 204 and 304, and no `read()`
without a size even where the server promises that the input ends (`wsgi.input_terminated`; Werkzeug then
reads so).
"""

from __future__ import annotations

import io
import sys
import traceback
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextvars import copy_context
from types import TracebackType
from typing import Any, cast
from wsgiref.util import FileWrapper
from wsgiref.validate import validator

from tests.hosts.response import Body, Headers, Response, Sent, prepare

ExcInfo = tuple[type[BaseException], BaseException, TracebackType] | tuple[None, None, None]
StartResponse = Callable[..., Callable[[bytes], object]]


def build_environ(
    sent: Sent,
    *,
    root_path: str = "",
    scheme: str = "http",
    client: tuple[str, int] | None = ("127.0.0.1", 50000),
    server: tuple[str, int] = ("testserver", 80),
) -> dict[str, Any]:
    """The request target is below `root_path`, which becomes `SCRIPT_NAME`."""
    raw = sent.raw_path.decode("latin-1")
    environ: dict[str, Any] = {
        "REQUEST_METHOD": sent.method,
        "SERVER_NAME": server[0],
        "SERVER_PORT": str(server[1]),
        "SERVER_SOFTWARE": "testserver",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "SCRIPT_NAME": root_path,
        "PATH_INFO": sent.path.decode("latin-1"),
        "REQUEST_URI": root_path + raw + ("?" + sent.query.decode("latin-1") if sent.query else ""),
        "QUERY_STRING": sent.query.decode("latin-1"),
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": scheme,
        # Servers fill a `read` up to its size as long as the body goes on, so its pieces do not show here.
        "wsgi.input": io.BytesIO(b"".join(sent.body)),
        "wsgi.errors": io.StringIO(),
        "wsgi.multithread": True,
        "wsgi.multiprocess": False,
        "wsgi.run_once": False,
        "wsgi.file_wrapper": FileWrapper,
        "wsgi.input_terminated": True,
    }
    if client:
        environ.update(REMOTE_ADDR=client[0], REMOTE_HOST=client[0], REMOTE_PORT=str(client[1]))
    for name, value in sent.headers:
        # Servers drop names with an underscore: in an environ they would look like those with a hyphen.
        if "_" in name:
            continue
        key = name.upper().replace("-", "_")
        if key not in {"CONTENT_TYPE", "CONTENT_LENGTH"}:
            key = "HTTP_" + key
        joint = "; " if key == "HTTP_COOKIE" else ", "
        environ[key] = environ[key] + joint + value if key in environ else value
    return environ


class _Terminated:
    """An input that ends by itself: `read()` without a size is the sum of reads that have one."""

    def __init__(self, stream: Any) -> None:
        self._stream = stream
        self.readline = stream.readline
        self.readlines = stream.readlines

    def read(self, size: int | None = -1) -> bytes:
        if size is not None and size >= 0:
            return cast(bytes, self._stream.read(size))
        return b"".join(iter(lambda: self._stream.read(65536), b""))

    def __iter__(self) -> Iterator[bytes]:
        return iter(self._stream)


class _Lenient:
    """Shows the validator a content type where it wants one, none where not; keeps the real headers."""

    def __init__(self, app: Any, response: Response) -> None:
        self._app = app
        self._response = response

    def __call__(self, environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
        def start(status: str, headers: list[tuple[str, str]], *rest: Any) -> Callable[[bytes], object]:
            shown = headers
            if type(headers) is list:
                bodiless = status[:3] in {"204", "304"}
                shown = [pair for pair in headers if not (bodiless and str(pair[0]).lower() == "content-type")]
                if not bodiless and not any(str(pair[0]).lower() == "content-type" for pair in shown):
                    shown.append(("Content-Type", "application/octet-stream"))
            write = start_response(status, shown, *rest)
            self._response.headers = [(name.lower(), value) for name, value in headers]
            return write

        if environ.get("wsgi.input_terminated"):
            environ["wsgi.input"] = _Terminated(environ["wsgi.input"])
        return cast(Iterable[bytes], self._app(environ, start))


def send_wsgi(app: Any, method: str, target: str, **options: Any) -> Response:
    """`_send` in a context of its own, so that what a handler leaves there does not meet the next request."""
    return copy_context().run(_send, app, method, target, **options)


def _send(
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
    environ_extra: Mapping[str, Any] | None = None,
    lint: bool = True,
    disconnect_after: int | None = None,
    on_complete: Callable[[], None] | None = None,
) -> Response:
    """Sends one request; returns after `close()`, and calls `on_complete` before, after the last chunk.

    The client goes away after `disconnect_after` chunks: the iterable is closed without having been
    exhausted. With `transfer-encoding` in the headers there is no `CONTENT_LENGTH`, and the input ends where
    it ends.
    """
    sent = prepare(method, target, headers, body, server, scheme)
    environ = build_environ(sent, root_path=root_path, scheme=scheme, client=client, server=server)
    environ.update(environ_extra or {})
    response = Response()

    def start_response(
        status: str, given: list[tuple[str, str]], exc_info: ExcInfo | None = None
    ) -> Callable[[bytes], object]:
        if exc_info is None:
            assert response.synthetic, "start_response was called twice without exc_info"
        elif response.chunks and exc_info[1]:
            raise exc_info[1]
        assert not set(status) & set("\r\n"), status
        response.synthetic = False
        response.status = int(status.split(" ", 1)[0])
        response.headers = [(name.lower(), value) for name, value in given]
        return write

    def write(data: bytes) -> None:
        if data:
            response.chunks.append(data)

    iterable: Iterable[bytes] | None = None
    try:
        called = validator(_Lenient(app, response)) if lint else app
        iterable = called(environ, start_response)
        left = disconnect_after
        for chunk in iterable if left != 0 else ():
            assert not response.synthetic, "a chunk before start_response"
            write(chunk)
            left = None if left is None or not chunk else left - 1
            if left == 0:
                break
        else:
            response.complete = not response.synthetic and left != 0
            if on_complete:
                on_complete()
    except BaseException as error:  # noqa: BLE001 - as in a server
        response.raised = error
    finally:
        try:
            if iterable is not None and hasattr(iterable, "close"):
                iterable.close()
        except BaseException as error:  # noqa: BLE001 - as in a server
            response.raised = response.raised or error
    if isinstance(response.raised, AssertionError) and _by_referee(response.raised):
        raise response.raised
    response.finish(method)
    return response


def _by_referee(error: AssertionError) -> bool:
    """Whether this module or the validator raised it, and not the application for reasons of its own."""
    frames = traceback.extract_tb(error.__traceback__)
    return bool(frames) and frames[-1].filename in {__file__, sys.modules[validator.__module__].__file__}
