"""C21 and C26: bodies that are not what they claim to be, on every host, and lengths that are not theirs."""

from __future__ import annotations

import base64
import gzip
import json
import re
import zlib
from typing import Any

import pytest

from tests.contract.batching import action, every_host, post_batch, wrap
from tests.contract.small_apps import respond
from tests.faults.play import FAILED, Door, both_doors, play
from tests.hosts import Host
from tests.hosts.clients import send
from tests.hosts.probe import encode_spec

JSON = ("content-type", "application/json")
NO_TYPE: dict[str, str] = {}
TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
CLEAN = re.compile(r"[\t\x20-\x7e\x80-\xff]*")


def _base64(body: bytes) -> str:
    return base64.b64encode(body).decode()


AS_BYTES = {"content-transfer-encoding": "base64"}
GZIP = gzip.compress(b'{"a":1}', mtime=0)
DEEP = b"[" * 501 + b"]" * 501

CLAIMS = [
    pytest.param(b'{"a":"\xff"}', AS_BYTES, _base64(b'{"a":"\xff"}'), id="invalid UTF-8"),
    pytest.param(b'{"a":"\xed\xa0\x80"}', AS_BYTES, _base64(b'{"a":"\xed\xa0\x80"}'), id="a surrogate as UTF-8"),
    pytest.param(b'"\xc0\xaf"', AS_BYTES, _base64(b'"\xc0\xaf"'), id="overlong UTF-8"),
    pytest.param(b'{"a":1', NO_TYPE, '{"a":1', id="half of it"),
    pytest.param(b'{"a":1},{"b":2}', NO_TYPE, '{"a":1},{"b":2}', id="two values"),
    pytest.param(b"]}", NO_TYPE, "]}", id="the end of the envelope"),
    pytest.param(b"NaN", NO_TYPE, "NaN", id="NaN"),
    pytest.param(b'{"a":Infinity}', NO_TYPE, '{"a":Infinity}', id="Infinity"),
    pytest.param(b'{"a":-Infinity}', NO_TYPE, '{"a":-Infinity}', id="minus Infinity"),
    pytest.param(b"\xef\xbb\xbf{}", NO_TYPE, "\ufeff{}", id="a byte order mark"),
    pytest.param(b'{"a":"\\ud800"}', NO_TYPE, '{"a":"\\ud800"}', id="a lone surrogate"),
    pytest.param(DEEP, NO_TYPE, DEEP.decode(), id="deeper than parsers go"),
    pytest.param(b"<html>", NO_TYPE, "<html>", id="a page"),
    pytest.param("é".encode("utf-16"), AS_BYTES, _base64("é".encode("utf-16")), id="UTF-16"),
]


@every_host
@pytest.mark.parametrize(("body", "headers", "shown"), CLAIMS)
def test_c21_what_claims_to_be_json_and_is_not(host: Host, body: bytes, headers: dict[str, str], shown: str) -> None:
    answer = post_batch(wrap(host), host, [action(), respond(body, JSON), action()])
    assert answer.results[1] == {"status_code": 200, "headers": headers, "body": shown}
    assert answer.statuses == [200] * 3


@every_host
@pytest.mark.parametrize(
    "body",
    [
        b'{"a":1,"a":2}',
        b"1E400",
        b"-0",
        b"123456789012345678901234567890",
        b' {"a" : 1}\n',
        b'"\\u0000"',
        b"[" * 500 + b"]" * 500,
    ],
    ids=["doubled keys", "a number beyond floats", "minus zero", "a big integer", "spaces", "a NUL", "deep"],
)
def test_c21_odd_json_is_embedded_as_it_is(host: Host, body: bytes) -> None:
    answer = post_batch(wrap(host), host, [respond(body, JSON)])
    assert body in answer.body
    assert answer.result["status_code"] == 200
    assert answer.result["headers"] == {}


@every_host
@pytest.mark.parametrize(
    ("coding", "body"),
    [
        pytest.param("gzip", GZIP, id="gzip"),
        pytest.param("gzip", GZIP[:-5], id="half of gzip"),
        pytest.param("gzip", b'{"a":1}', id="gzip that is none"),
        pytest.param("deflate", zlib.compress(b'{"a":1}'), id="deflate"),
        pytest.param(
            "gzip", gzip.compress(bytes(4_000_000), mtime=0), id="gzip that would unfold to more than is allowed"
        ),
        pytest.param("gzip, br", GZIP, id="two codings"),
    ],
)
def test_c21_an_encoded_body_stays_encoded(host: Host, coding: str, body: bytes) -> None:
    wanted = respond(body, JSON, ("content-encoding", coding))
    result = post_batch(wrap(host, max_result_bytes=100_000), host, [wanted]).result
    headers = {"content-encoding": coding, "content-transfer-encoding": "base64"}
    assert result == {"status_code": 200, "headers": headers, "body": _base64(body)}


# --- a wrong Content-Length. It speaks of a message that is not sent: the body is what the host sent, to its end. A
# host that stops half-way has to say so as for any stream, by raising.

LENGTHS = ["0", "1", "4", "5", "6", "999999", "-1", "abc", "", "5, 5", "5.0", "+5", "0x5", " 5", "1e1", "9" * 5000]


@both_doors
@pytest.mark.parametrize("length", LENGTHS, ids=lambda length: repr(length[:8]))
@pytest.mark.parametrize("pieces", [[b"12345"], [b"12", b"345"]], ids=["whole", "in pieces"])
def test_c26_a_content_length_that_is_not_its_bodys_says_nothing(kind: Door, length: str, pieces: list[bytes]) -> None:
    async def by_messages(scope: Any, receive: Any, send: Any) -> None:
        headers = [(b"content-type", b"text/plain"), (b"content-length", length.encode())]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        for piece in pieces:
            await send({"type": "http.response.body", "body": piece, "more_body": True})
        await send({"type": "http.response.body"})

    def by_call(environ: Any, start_response: Any) -> Any:
        start_response("200 OK", [("Content-Type", "text/plain"), ("Content-Length", length)])
        return pieces

    result = play(kind, by_messages if kind == "asgi" else by_call)
    assert result == {"status_code": 200, "headers": {"content-type": "text/plain"}, "body": "12345"}
    result = play(kind, by_messages if kind == "asgi" else by_call, method="head")
    headers = {"content-type": "text/plain", "content-length": length.strip(" ")}  # HEAD: it is all that is known
    assert result == {"status_code": 200, "headers": headers, "body": None}


# --- a status and header fields that a framework may refuse itself: then the result is its own page


# Bottle catches what `start_response` raises, and starts anew with a page of its own.
PAGES = {
    "bottle": {"status_code": 500, "body": "<h1>Critical error while processing request: /respond</h1>"},
}


def _as_direct(host: Host, spec: dict[str, Any]) -> dict[str, Any] | None:
    """The result that a direct answer makes, or None where it is none that a server could send."""
    try:
        direct = send(host.shared(), host.door, "GET", f"/respond?spec={encode_spec(spec)}")
    except (AssertionError, UnicodeEncodeError):  # the client that checks the protocols
        return None
    if direct.synthetic or not direct.complete or not 200 <= direct.status <= 999:
        return None
    if not all(TOKEN.fullmatch(name) and CLEAN.fullmatch(value) for name, value in direct.headers):
        return None
    is_json = (direct.header("content-type") or "").startswith("application/json")
    shown = (json.loads(direct.body) if is_json else direct.body.decode()) if direct.body else None
    return {"status_code": direct.status, "body": shown}


@every_host
@pytest.mark.parametrize(
    "members",
    [
        *[{"status": status} for status in (99, 0, -1, 1000, 65536, 100, 103)],
        {"headers": [["x-a", "1\r\nset-cookie: a=1"]]},
        {"headers": [["x-a", "1\x00"]]},
        {"headers": [["x-a", "\x01"]]},
        {"headers": [["set-cookie", "a=\x7f"]]},
        {"headers": [["set-cookie", "a=\u20ac"]]},
        {"headers": [["x\r\na", "1"]]},
        {"headers": [["x a", "1"]]},
        {"headers": [["", "1"]]},
    ],
    ids=str,
)
def test_c26_a_status_or_a_header_that_no_server_sends(host: Host, members: dict[str, Any]) -> None:
    spec = {"status": 200, "headers": [], "body": base64.b64encode(b"x").decode()} | members
    spec["headers"] = [["content-type", "text/plain"], *spec["headers"]]
    answer = post_batch(wrap(host), host, [action(), action("/respond", data={"spec": encode_spec(spec)}), action()])
    result = answer.results[1]
    assert answer.statuses[::2] == [200, 200]
    expected = _as_direct(host, spec) or PAGES.get(host.id, {key: FAILED[key] for key in ("status_code", "body")})
    assert {"status_code": result["status_code"], "body": result["body"]} == expected
    for name, value in answer.headers:
        assert TOKEN.fullmatch(name), "what a server refuses would cost all actions their results"
        assert CLEAN.fullmatch(value), "what a server refuses would cost all actions their results"
