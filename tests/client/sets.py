"""Sets of requests as a program may make them concurrently: what a batch can carry, and what it can't by a hair."""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import quote

from hypothesis import strategies as st

from tests.client.in_process import BASE, URL
from tests.hosts.probe import encode_spec
from tests.properties import actions, responses
from tests.properties.json_texts import OBJECTS, VALUES

Headers = list[tuple[str, str]]


@dataclass(frozen=True)
class Asked:
    """One request; `pieces` is a body that is streamed."""

    method: str
    target: str
    headers: Headers = field(default_factory=list)
    content: bytes = b""
    pieces: tuple[bytes, ...] | None = None

    def build(self, client: Any) -> Any:
        """The request, made anew, as a client of either library makes it."""
        content: Any = self.content
        if self.pieces is not None:
            content = _streamed(self.pieces)
        url = URL + BASE + self.target
        return client.build_request(self.method, url, headers=self.headers, content=content or None)


async def _streamed(pieces: tuple[bytes, ...]) -> Any:
    for piece in pieces:
        yield piece


_METHODS = st.sampled_from(["GET", "GET", "GET", "HEAD", "DELETE", "POST", "PUT", "PATCH", "OPTIONS"])
_ROUTES = st.sampled_from(
    [
        "/tasks/1", "/tasks/2", "/users/5", "/tasks", "/teams/", "/teams", "/", "/nowhere", "/attachments",
        "/tasks/1/attachments", "/scim/v2/Users", "/organization_exports/3", "/raise", "/files/a/b", "/tasks/1/",
        "/echo/%E2%82%AC", "/echo/%e2%82%ac", "/echo/a%2Fb", "/echo/a%5Cb", "/echo//a", "/echo/a%00b", "/echo/%C3",
        "/echo/a%5Bb%5D", "/echo/a[b]", "/echo/a;b=c", "/echo/a%20b", "/echo/%2E%2E", "/echo/a%25b", "/echo/~x",
    ]
)  # fmt: skip
_QUERIES = st.one_of(
    st.just(""),
    st.just(""),
    st.lists(st.tuples(st.text("ab ,+é%=&", max_size=3), st.text("ab ,+é%=&/", max_size=4)), max_size=3).map(
        lambda pairs: "?" + actions.encoded(pairs)
    ),
    st.sampled_from(
        [
            "?a=1&a=2", "?a=1,2", "?a=b+c", "?a", "?", "?a=", "?=a", "?a=%2c", "?a=1&&b=2", "?%61=1", "?b=1&a=2",
            "?opt_fields=name%2Cid", "?limit=3&offset=ey", "?opt_fields=name&opt_expand=a&x=1", "?opt_pretty",
            "?opt_pretty=true", "?a=%FF", "?a=%0A", "?a=~", "?limit=3&limit=4", "?a=/",
        ]
    ),
)  # fmt: skip
_NAMED = st.sampled_from(
    [
        ("authorization", "Bearer a"), ("authorization", "Bearer b"), ("x-thing", "1"), ("cookie", "c=1"),
        ("accept", "text/html"), ("accept-encoding", "identity"), ("accept-encoding", "br;q=1.0, *;q=0"),
        ("range", "bytes=0-3"), ("if-none-match", '"x"'), ("idempotency-key", '"k"'), ("connection", "close"),
        ("content-type", "application/json"), ("content-language", "de"), ("x-http-method-override", "PUT"),
        ("signature", "s"), ("x-forwarded-for", "1.2.3.4"), ("accept", "text/event-stream"),
    ]
)  # fmt: skip
_HEADERS = st.one_of(
    st.just([]), st.just([]), st.just([]), st.lists(_NAMED, max_size=2, unique_by=lambda pair: pair[0])
)


@st.composite
def _bodies(draw: st.DrawFn) -> tuple[str | None, bytes]:
    """A media type and a body: what an action can carry, and what comes close to it."""
    kind = draw(st.sampled_from(["none", "exact", "exact", "spaced", "bare", "other"]))
    if kind == "none":
        return None, b""
    text = draw(OBJECTS)
    if kind == "exact":
        media_type = draw(st.sampled_from(["application/json"] * 5 + ["application/json; charset=utf-8"]))
        return media_type, b'{"data":' + text.encode() + b"}"
    if kind == "spaced":
        return "application/json", json.dumps({"data": {"a": draw(st.integers())}}).encode()
    if kind == "bare":
        return "application/json", draw(VALUES).encode()
    return draw(
        st.sampled_from(
            [
                ("application/x-www-form-urlencoded", b"a=1"), ("application/json", b'{"data":{"a":NaN}}'),
                ("application/json", b'{"data":{"a":"\\ud800"}}'), ("application/json", b'{"data":{"a":1}}\n'),
                ("application/json", b'{"data":{},"data":{}}'), ("application/json", b'{"data":{"a":"\xff"}}'),
                ("application/json", b'{"data":{"a":1},"b":{}}'), ("application/json", b'{"data":null}'),
                ("application/json", b'{"data":{"a":' + b"[" * 58 + b"]" * 58 + b"}}"),
                ("application/json", b'{"data":{"a":' + b"[" * 62 + b"]" * 62 + b"}}"),
                ("application/json", b'{"data":{"a":' + b"9" * 5000 + b"}}"), ("text/plain", b'{"data":{}}'),
            ]
        )
    )  # fmt: skip


def _with_body(draw: st.DrawFn, method: str, target: str, headers: Headers) -> Asked:
    media_type, content = draw(_bodies()) if method in ("POST", "PUT", "PATCH") or draw(_RARELY) else (None, b"")
    if media_type is not None:
        headers = [pair for pair in headers if pair[0] != "content-type"] + [("content-type", media_type)]
    if content and draw(_RARELY):
        return Asked(method, target, headers, pieces=(content[:3], content[3:]))
    return Asked(method, target, headers, content)


_RARELY = st.integers(0, 7).map(lambda number: number == 0)


@st.composite
def _echoed(draw: st.DrawFn) -> Asked:
    """A request whose answer shows all that the host saw of it."""
    kind, target = draw(st.integers(0, 3)), "/echo"
    if kind == 0:  # in any spelling
        _, path = draw(actions.paths_as_written("/echo"))
        target = path if not set(path) & set('"<>^`{|}') else target
    elif kind == 1:
        target = quote(draw(actions.paths_as_written("/echo"))[0], safe=actions.SAFE)
    return _with_body(draw, draw(_METHODS), target + draw(_QUERIES), draw(_HEADERS))


def respond(body: bytes, *headers: tuple[str, str], status: int = 200) -> dict[str, Any]:
    """The spec of a response, for `/respond`."""
    return {"status": status, "headers": list(headers), "body": base64.b64encode(body).decode()}


_JSON = ("content-type", "application/json")
_OPEN = st.sampled_from(
    [
        respond(b""), respond(b"", status=201), respond(b"", _JSON), respond(b"null", _JSON), respond(b" null", _JSON),
        respond(b"", ("location", "/"), status=302), respond(b'"text"', _JSON), respond(b"text", _JSON),
        respond(b'{"a":NaN}', _JSON), respond(b'"{}"', _JSON), respond(b'{"a":1}\n', _JSON),
        respond("\u65e5".encode("utf-16-be"), ("content-type", "text/plain; charset=utf-16")),
        respond(b"+AGE-", ("content-type", "text/plain; charset=utf-7")),
        respond(b"\xe9", ("content-type", "text/html; charset=latin-1")), respond(b"\xe9", ("content-type", "text/a")),
        respond(b"", ("content-type", "application/problem+json"), status=422),
    ]
)  # fmt: skip


@st.composite
def _responding(draw: st.DrawFn) -> Asked:
    """A request that makes the host give a response of any kind, often one that its result leaves open."""
    spec, method = draw(st.one_of(responses.specs(), _OPEN)), draw(_METHODS.filter(lambda method: method != "OPTIONS"))
    if method in ("POST", "PUT", "PATCH"):
        content = json.dumps({"data": spec}, separators=(",", ":")).encode()
        return Asked(method, "/respond", [("content-type", "application/json")], content)
    return Asked(method, f"/respond?spec={encode_spec(spec)}", draw(_HEADERS))


@st.composite
def _routed(draw: st.DrawFn) -> Asked:
    return _with_body(draw, draw(_METHODS), draw(_ROUTES) + draw(_QUERIES), draw(_HEADERS))


_PLAIN = st.builds(Asked, _METHODS, st.sampled_from(["/tasks/1", "/users/5", "/echo", "/echo/%E2%82%AC?a=%2C"]))


@st.composite
def sets(draw: st.DrawFn) -> list[Asked]:
    """What is asked for at once; often all of it has a header in common, so that it can share a batch."""
    asked = draw(st.lists(st.one_of(_PLAIN, _responding(), _echoed(), _echoed(), _routed()), min_size=2, max_size=10))
    shared = draw(_HEADERS)
    if draw(st.booleans()):  # and nothing else
        return [replace(one, headers=[*shared, *_about_body(one.headers)]) for one in asked]
    return asked


def _about_body(headers: Headers) -> Headers:
    return [pair for pair in headers if pair[0] == "content-type"]
