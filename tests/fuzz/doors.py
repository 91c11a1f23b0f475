"""Both doors of batchware around hosts that record, driven as fast as one process can.

A host writes down each child request as it came, and answers what the case says. Each request of a case meets a door
that has met thousands before, as in a server: nothing of the one may show in the other.
"""

from __future__ import annotations

import asyncio
import io
import zlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from batchware import asgi, wsgi
from tests.fuzz.cases import RAN, Case, Fields, Given
from tests.fuzz.settings import SETTINGS

DEFAULT = Given(200, [(b"content-type", b"application/json")], b'{"ok": true}')


@dataclass(frozen=True)
class Reached:
    """A child request as the host saw it; `path` is below the mount."""

    method: str
    path: str
    raw_path: str | None
    query: str
    headers: Fields
    body: bytes
    frame: dict[str, Any]


@dataclass
class Got:
    """The answer to a batch, and what happened on the way."""

    status: int = 0
    headers: list[tuple[str, str]] = field(default_factory=list)
    body: bytes = b""
    reached: list[Reached] = field(default_factory=list)
    error: BaseException | None = None
    complete: bool = False


class Broken(Exception):
    """What a faulty handler raises."""


def answer_to(case: Case, method: str, path: str, query: str) -> Given:
    """Which of the case's responses a request gets: told by what it is, so that no order matters."""
    if not case.given:
        return DEFAULT
    return case.given[zlib.crc32(f"{method} {path} {query}".encode("utf-8", "surrogatepass")) % len(case.given)]


def _pieces(body: bytes, count: int) -> list[bytes]:
    size = -(-len(body) // count) or 1
    return [body[at : at + size] for at in range(0, len(body), size)] or [b""]


def _declared(case: Case) -> int:
    return case.setting.max_body_bytes + 1 if case.declared_too_large else len(case.body)


class AsgiDoor:
    """One event loop, one application for each setting."""

    name = "asgi"

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._apps = {setting.name: asgi.BatchMiddleware(self._host, **setting.options) for setting in SETTINGS}
        self._case: Case
        self._got = Got()

    def run(self, case: Case) -> Got:
        self._case, self._got = case, Got()
        try:
            self._loop.run_until_complete(self._serve(case, self._got))
        except BaseException as error:  # whatever it is, it is a finding
            if isinstance(error, KeyboardInterrupt):
                raise
            self._got.error = error
        return self._got

    def close(self) -> None:
        self._loop.close()

    async def _serve(self, case: Case, got: Got) -> None:
        setting = case.setting
        path = setting.root_path + setting.path
        headers = [(b"host", b"testserver"), *case.headers]
        headers += [(b"content-type", value) for value in case.content_types]
        headers.append((b"content-length", b"%d" % _declared(case)))
        parts = _pieces(case.body, case.pieces)
        scope = {
            "type": "http", "asgi": {"version": "3.0", "spec_version": "2.4"}, "http_version": "1.1",
            "method": "POST", "scheme": "http", "path": path, "raw_path": path.encode(),
            "query_string": case.query, "root_path": setting.root_path, "headers": headers,
            "client": ("127.0.0.1", 50000), "server": ("testserver", 80), "state": {},
        }  # fmt: skip
        never = self._loop.create_future()

        async def receive() -> dict[str, Any]:
            if not parts:
                await never
            part = parts.pop(0)
            return {"type": "http.request", "body": part, "more_body": bool(parts)}

        async def send(message: dict[str, Any]) -> None:
            if message["type"] == "http.response.start":
                assert not got.status, "a second start"
                got.status = message["status"]
                got.headers = [(name.decode("latin-1"), value.decode("latin-1")) for name, value in message["headers"]]
            else:
                assert got.status, "a body before the start"
                assert not got.complete, "more after the end"
                got.body += message.get("body", b"")
                got.complete = not message.get("more_body", False)

        await self._apps[setting.name](scope, receive, send)

    async def _host(self, scope: Any, receive: Any, send: Any) -> None:
        case, got = self._case, self._got
        body, more = b"", True
        while more:
            message = await receive()
            body += message.get("body", b"")
            more = message.get("more_body", False)
        query = scope["query_string"].decode("latin-1")
        root = case.setting.root_path
        path, raw_path = scope["path"].removeprefix(root), scope["raw_path"].decode("ascii").removeprefix(root)
        serial = len(got.reached)
        got.reached.append(
            Reached(scope["method"], path, raw_path, query, list(scope["headers"]), body, dict(scope))
        )  # fmt: skip
        if case.fault in ("raise", "nothing"):
            if case.fault == "raise":
                raise Broken
            return
        given = answer_to(case, scope["method"], path, query)
        headers = [*given.headers, (RAN, b"%d" % serial)]
        await send({"type": "http.response.start", "status": given.status, "headers": headers})
        if case.fault == "raise half-way":
            await send({"type": "http.response.body", "body": given.body[:1], "more_body": True})
            raise Broken
        parts = _pieces(given.body, case.pieces)
        for at, part in enumerate(parts, 1):
            await send({"type": "http.response.body", "body": part, "more_body": at < len(parts)})
        if case.fault == "raise after":
            raise Broken


class _Body:
    """The iterable of a response; what fails does so while it is read or closed."""

    def __init__(self, parts: list[bytes], fault: str) -> None:
        self._parts = parts
        self._fault = fault

    def __iter__(self) -> Iterator[bytes]:
        if self._fault == "raise half-way":
            yield self._parts[0][:1]
            raise Broken
        yield from self._parts

    def close(self) -> None:
        if self._fault == "raise after":
            raise Broken


class WsgiDoor:
    """Actions run one by one in the calling thread: what threads do is no question of input."""

    name = "wsgi"

    def __init__(self) -> None:
        self._apps = {
            setting.name: wsgi.BatchMiddleware(self._host, threads=0, **setting.options) for setting in SETTINGS
        }
        self._case: Case
        self._got = Got()

    def run(self, case: Case) -> Got:
        self._case, self._got = case, Got()
        got = self._got

        def start_response(status: str, headers: list[tuple[str, str]], exc_info: Any = None) -> Callable[..., None]:
            assert not got.status or exc_info, "a second start_response"
            got.status = int(status[:3])
            got.headers = [(name.lower(), value) for name, value in headers]
            return lambda data: None

        try:
            iterable = self._apps[case.setting.name](self._environ(case), start_response)
            try:
                got.body = b"".join(iterable)
                got.complete = True
            finally:
                if hasattr(iterable, "close"):
                    iterable.close()
        except Exception as error:  # noqa: BLE001 - whatever it is, it is a finding
            got.error = error
        return got

    def close(self) -> None:
        for app in self._apps.values():
            app.close()

    @staticmethod
    def _environ(case: Case) -> dict[str, Any]:
        setting = case.setting
        environ: dict[str, Any] = {
            "REQUEST_METHOD": "POST", "SCRIPT_NAME": setting.root_path, "PATH_INFO": setting.path,
            "QUERY_STRING": case.query.decode("latin-1"), "SERVER_NAME": "testserver", "SERVER_PORT": "80",
            "SERVER_PROTOCOL": "HTTP/1.1", "REMOTE_ADDR": "127.0.0.1", "REMOTE_PORT": "50000",
            "wsgi.version": (1, 0), "wsgi.url_scheme": "http", "wsgi.input": io.BytesIO(case.body),
            "wsgi.errors": io.StringIO(), "wsgi.multithread": False, "wsgi.multiprocess": False,
            "wsgi.run_once": False, "HTTP_HOST": "testserver",
        }  # fmt: skip
        if case.pieces > 2 and not case.declared_too_large:
            environ |= {"wsgi.input_terminated": True, "HTTP_TRANSFER_ENCODING": "chunked"}
        else:
            environ["CONTENT_LENGTH"] = str(_declared(case))
        if case.content_types:
            environ["CONTENT_TYPE"] = b", ".join(case.content_types).decode("latin-1")
        for name, value in joined(case.headers):
            environ["HTTP_" + name.decode().upper().replace("-", "_")] = value.decode("latin-1")
        return environ

    def _host(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        case, got = self._case, self._got
        size = int(environ["CONTENT_LENGTH"] or 0)
        body = environ["wsgi.input"].read(size)
        path = environ["PATH_INFO"].encode("latin-1").decode("utf-8")
        method, query = environ["REQUEST_METHOD"], environ["QUERY_STRING"]
        headers = [
            (key[5:].lower().replace("_", "-").encode(), value.encode("latin-1"))
            for key, value in environ.items()
            if key.startswith("HTTP_")
        ]
        headers += [
            (name, environ[key].encode("latin-1"))
            for key, name in (("CONTENT_TYPE", b"content-type"), ("CONTENT_LENGTH", b"content-length"))
            if key in environ
        ]
        serial = len(got.reached)
        got.reached.append(Reached(method, path, None, query, headers, body, dict(environ)))
        if case.fault in ("raise", "nothing"):
            if case.fault == "raise":
                raise Broken
            return []
        given = answer_to(case, method, path, query)
        fields = [*given.headers, (RAN, b"%d" % serial)]
        start_response(
            f"{given.status} Given", [(name.decode("latin-1"), value.decode("latin-1")) for name, value in fields]
        )
        return _Body(_pieces(given.body, case.pieces), case.fault)


def joined(headers: Fields) -> Fields:
    """What a WSGI server makes of headers: one value a name, and no name with an underscore."""
    values: dict[bytes, bytes] = {}
    for name, value in headers:
        if b"_" not in name:
            joint = b"; " if name == b"cookie" else b", "
            values[name] = values[name] + joint + value if name in values else value
    return list(values.items())
