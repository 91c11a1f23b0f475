"""What a client got through either door: the answer, and how the application behaved while giving it."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote_to_bytes

Headers = Mapping[str, str] | Iterable[tuple[str, str]]
Body = bytes | list[bytes]


@dataclass
class Response:
    """`headers` has lower-case names, in the order sent. Everything below `chunks` is about the application:

    raised: what left it, before, within or after its response.
    synthetic: it sent nothing, so this is the 500 that a server answers then.
    complete: it ended its response (false after a hang-up, a failure half-way, or nothing).
    dropped: body bytes that a server does not pass on (HEAD, 204, 304).
    notes: small deviations from the specification that every server puts right.
    """

    status: int = 500
    headers: list[tuple[str, str]] = field(default_factory=list)
    chunks: list[bytes] = field(default_factory=list)
    raised: BaseException | None = None
    synthetic: bool = True
    complete: bool = False
    dropped: bytes = b""
    notes: list[str] = field(default_factory=list)

    @property
    def body(self) -> bytes:
        return b"".join(self.chunks)

    def json(self) -> Any:
        return json.loads(self.body)

    def all(self, name: str) -> list[str]:
        """Every value of the header, in order."""
        return [value for key, value in self.headers if key == name.lower()]

    def header(self, name: str) -> str | None:
        """The values joined as RFC 9110 allows, None without any."""
        values = self.all(name)
        return ", ".join(values) if values else None

    def finish(self, method: str) -> None:
        """Does what a server does at the end: its own 500 where nothing came, no body where none may be."""
        if self.synthetic:
            self.headers = [("content-type", "text/plain; charset=utf-8")]
            self.chunks = [b"Internal Server Error"]
        if method == "HEAD" or self.status in {204, 304}:
            self.dropped, self.chunks = self.body, []


@dataclass(frozen=True)
class Sent:
    """A request as it stands on the wire, taken apart the way both doors need it."""

    method: str
    raw_path: bytes
    query: bytes
    headers: list[tuple[str, str]]
    body: list[bytes]

    @property
    def path(self) -> bytes:
        return unquote_to_bytes(self.raw_path)


def prepare(method: str, target: str, headers: Headers, body: Body, server: tuple[str, int], scheme: str) -> Sent:
    """Adds what every HTTP/1.1 client sends: `host`, and `content-length` unless the body is chunked."""
    raw_path, _, query = target.encode("ascii").partition(b"?")
    pairs = list(headers.items() if isinstance(headers, Mapping) else headers)
    given = {name.lower() for name, _ in pairs}
    pieces = body if isinstance(body, list) else [body]
    if "host" not in given:
        usual = server[1] == (443 if scheme == "https" else 80)
        pairs.insert(0, ("host", server[0] if usual else f"{server[0]}:{server[1]}"))
    size = sum(map(len, pieces))
    if size and not given & {"content-length", "transfer-encoding"}:
        pairs.append(("content-length", str(size)))
    return Sent(method, raw_path, query, pairs, pieces)
