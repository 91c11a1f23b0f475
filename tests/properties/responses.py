"""Responses of every kind for a host to give: actions on `/respond`, whose data says what to answer."""

from __future__ import annotations

import base64
from typing import Any

from hypothesis import strategies as st

from tests.hosts.probe import encode_spec
from tests.properties.actions import Written, asked, plain
from tests.properties.json_texts import padded

_STATUSES = st.sampled_from([200, 200, 201, 202, 204, 206, 301, 302, 304, 400, 401, 404, 409, 418, 422, 500, 503, 599])
_SAMPLE = "Zoë, Łódź, 日本 €"
_CHARSETS = ["utf-8", "iso-8859-1", "windows-1252", "utf-16", "shift_jis", "koi8-r", "us-ascii", "UTF-8", "no-such"]
_BINARY_TYPES = ["image/png", "application/octet-stream", "application/pdf", "multipart/mixed; boundary=x"]
_TEXT_TYPES = ["text/plain", "text/html", "application/xml", "application/atom+xml", "application/javascript"]
_JSON_TYPES = [
    "application/json", "application/json; charset=utf-8", "application/problem+json", "application/vnd.api+json",
    "Application/JSON",
]  # fmt: skip

_VALUE = st.text("abcXYZ 019-=/;,\"'", min_size=1, max_size=8).map(str.strip).filter(bool)
_NAMES = st.sampled_from(
    [
        "x-thing", "x-thing", "etag", "location", "link", "link", "warning", "www-authenticate", "retry-after",
        "x-total", "content-language", "x-request-id", "allow", "last-modified", "content-disposition",
        # Left out of results (C23).
        "date", "server", "alt-svc", "strict-transport-security", "vary", "cache-control",
        "access-control-allow-origin", "access-control-allow-credentials",
    ]
)  # fmt: skip
_COOKIES = st.sampled_from(
    [
        "a=1", "a=1; Path=/", "b=2; HttpOnly; Path=/x", "c=3; Secure; Path=/; SameSite=Lax", "d=; Max-Age=0",
        "path=1", "e=5; HttpOnly",
    ]
)  # fmt: skip


@st.composite
def _bodies(draw: st.DrawFn) -> tuple[str | None, bytes]:
    """A content type, or none, and a body; often of that type."""
    kind = draw(st.sampled_from(["json", "json", "text", "binary", "mixed", "empty"]))
    if kind == "json":
        return draw(st.sampled_from(_JSON_TYPES)), draw(padded()).encode()
    if kind == "text":
        charset = draw(st.sampled_from(_CHARSETS))
        text = draw(st.one_of(st.just(_SAMPLE), st.text(st.characters(exclude_categories=["Cs"]), max_size=12)))
        encoded = text.encode(charset if charset != "no-such" else "utf-8", "ignore")
        mark = draw(st.sampled_from([f"; charset={charset}", f';charset="{charset}"', f"; CharSet={charset}", ""]))
        return draw(st.sampled_from(_TEXT_TYPES)) + mark, encoded
    if kind == "binary":
        return draw(st.sampled_from(_BINARY_TYPES)), draw(st.binary(max_size=30))
    if kind == "mixed":  # it says one thing and is another
        types = st.sampled_from([*_JSON_TYPES, *_TEXT_TYPES, *_BINARY_TYPES])
        return draw(st.one_of(st.none(), types)), draw(st.one_of(st.binary(max_size=20), padded().map(str.encode)))
    return draw(st.sampled_from([None, *_JSON_TYPES[:1], *_TEXT_TYPES[:1]])), b""


@st.composite
def specs(draw: st.DrawFn) -> dict[str, Any]:
    """What `/respond` is to answer."""
    status = draw(_STATUSES)
    content_type, body = draw(_bodies())
    if status in (204, 304):
        content_type, body = None, b""
    headers = draw(st.lists(st.tuples(_NAMES, _VALUE), max_size=5))
    headers += [("set-cookie", cookie) for cookie in draw(st.lists(_COOKIES, max_size=3))]
    if content_type is not None:
        headers.append(("content-type", content_type))
    if body and draw(st.integers(0, 9)) == 0:
        headers.append(("content-encoding", "br"))
    spec = {"status": status, "headers": headers, "body": base64.b64encode(body).decode()}
    if body and draw(st.booleans()):
        spec["chunks"] = draw(st.integers(1, 4))
    return spec


@st.composite
def responding(draw: st.DrawFn) -> Written:
    """An action that makes a host give a response of any kind."""
    spec = draw(specs())
    method = draw(st.sampled_from(["GET", "HEAD", "DELETE", "POST", "PUT", "PATCH"]))
    if method in ("POST", "PUT", "PATCH"):
        return plain(method, "/respond", spec)
    return asked(method, "/respond", "spec", encode_spec(spec))
