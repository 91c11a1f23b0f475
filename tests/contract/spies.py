"""A host that looks at its requests, for rules about what a child request is made of: no framework stands between."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any, Literal


@dataclass
class Seen:
    """One request as it reached a `Spy`; all but `frame`, a copy of the scope or environ, reads alike on both doors.

    An environ has no raw path, so there it is None.
    """

    frame: dict[str, Any]
    method: str
    path: str
    raw_path: bytes | None
    root: str
    query: str
    headers: list[tuple[str, str]]
    body: bytes

    def all(self, name: str) -> list[str]:
        return [value for key, value in self.headers if key == name]

    def header(self, name: str) -> str | None:
        values = self.all(name)
        return ", ".join(values) if values else None


@dataclass
class Spy:
    """An application of either door that keeps what it is asked, in the order of arrival, and answers `{}`.

    `wrap(spy, **options)` and `post_batch(app, spy, ...)` take it like a host.
    """

    door: Literal["asgi", "wsgi"]
    seen: list[Seen] = field(default_factory=list)

    def shared(self) -> Any:
        return self._asgi if self.door == "asgi" else self._wsgi

    def by_path(self) -> dict[str, Seen]:
        return {seen.path: seen for seen in self.seen}

    async def _asgi(self, scope: Any, receive: Any, send: Any) -> None:
        frame = dict(scope)
        body = bytearray()
        more = True
        while more:
            message = await receive()
            body += message.get("body", b"")
            more = message.get("more_body", False)
        headers = [(name.decode("latin-1"), value.decode("latin-1")) for name, value in scope["headers"]]
        method, path, raw, root = scope["method"], scope["path"], scope["raw_path"], scope.get("root_path", "")
        query = scope["query_string"].decode("ascii")
        self.seen.append(Seen(frame, method, path, raw, root, query, headers, bytes(body)))
        answer = [(b"content-type", b"application/json"), (b"content-length", b"2")]
        await send({"type": "http.response.start", "status": 200, "headers": answer})
        await send({"type": "http.response.body", "body": b"{}"})

    def _wsgi(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        frame = dict(environ)
        headers = [(key[5:].replace("_", "-").lower(), str(environ[key])) for key in environ if key.startswith("HTTP_")]
        own = ("CONTENT_TYPE", "CONTENT_LENGTH")
        headers += [(key.replace("_", "-").lower(), environ[key]) for key in own if key in environ]
        body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
        path = environ["PATH_INFO"].encode("latin-1").decode("utf-8")
        root, query = environ["SCRIPT_NAME"], environ["QUERY_STRING"]
        self.seen.append(Seen(frame, environ["REQUEST_METHOD"], path, None, root, query, headers, body))
        start_response("200 OK", [("Content-Type", "application/json"), ("Content-Length", "2")])
        return [b"{}"]
