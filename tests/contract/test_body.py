"""C4: what the body of a batch may be, in bytes and as JSON, and what its parser never sees."""

from __future__ import annotations

import asyncio
import io
from typing import Any

import pytest

from batchware.wire import json as wire_json
from tests.contract.batching import action, bare_door, batch_body, host_named, post_batch, wrap
from tests.contract.children import child
from tests.contract.spies import Spy
from tests.hosts import Host

CHUNKED = {"Transfer-Encoding": "chunked"}


def _padded(size: int) -> bytes:
    """A valid batch of exactly so many bytes."""
    return batch_body([action()]).ljust(size)


def _refused(host: Host, body: bytes, **options: Any) -> str:
    spy = Spy(host.door)
    answer = post_batch(wrap(spy, **options), spy, body=body)
    assert answer.status == 400, answer.body
    assert not spy.seen
    return answer.message


# --- size


@bare_door
@pytest.mark.parametrize("headers", [{}, CHUNKED], ids=["declared", "counted"])
@pytest.mark.parametrize(("options", "most"), [({}, 1 << 20), ({"max_body_bytes": 200}, 200)], ids=["1 MiB", "set"])
def test_c4_a_body_is_at_most_max_body_bytes(host: Host, options: Any, most: int, headers: dict[str, str]) -> None:
    app = wrap(host, **options)
    assert post_batch(app, host, body=_padded(most), headers=headers).status == 200
    refused = post_batch(app, host, body=_padded(most + 1), headers=headers)
    assert refused.status == 413
    assert str(most) in refused.message


@bare_door
def test_c4_a_body_in_pieces_is_one_body(host: Host) -> None:
    body = batch_body([action()])
    pieces = [body[:1], b"", body[1:30], body[30:]]
    assert post_batch(wrap(host, max_body_bytes=len(body)), host, body=pieces, headers=CHUNKED).statuses == [200]


def test_c4_a_body_is_counted_while_reading_whatever_was_declared() -> None:
    host = host_named("asgi")
    answer = post_batch(
        wrap(host, max_body_bytes=150), host, body=[_padded(100)] * 2, headers={"Content-Length": "100"}
    )
    assert answer.status == 413


def test_c4_reading_stops_at_the_limit_on_asgi() -> None:
    given = 0

    async def receive() -> dict[str, Any]:
        nonlocal given
        given += 1
        return {"type": "http.request", "body": b" " * 40, "more_body": True}

    async def run() -> int:
        statuses: list[int] = []

        async def send(message: Any) -> None:
            if message["type"] == "http.response.start":
                statuses.append(message["status"])

        scope = {
            "type": "http",
            "asgi": {"version": "3.0"},
            "method": "POST",
            "path": "/batch",
            "headers": [(b"content-type", b"application/json")],
        }
        await wrap(host_named("asgi"), max_body_bytes=100)(scope, receive, send)
        return statuses[0]

    assert asyncio.run(run()) == 413
    assert given == 3


def test_c4_reading_stops_at_the_limit_on_wsgi() -> None:
    class Endless(io.RawIOBase):
        given = 0

        def read(self, size: int = -1) -> bytes:
            self.given += size
            return b" " * size

    stream = Endless()
    answer = post_batch(
        wrap(host_named("wsgi"), max_body_bytes=100),
        host_named("wsgi"),
        headers=CHUNKED,
        environ_extra={"wsgi.input": stream},
    )
    assert answer.status == 413
    assert stream.given == 101


# --- JSON


def _with(text: str | bytes) -> bytes:
    """A batch whose action posts this JSON value."""
    raw = text.encode() if isinstance(text, str) else text
    return b'{"data": {"actions": [{"method": "post", "relative_path": "/x", "data": {"v": ' + raw + b', "w": 0}}]}}'


@bare_door
@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(b"  ", id="white space"),
        pytest.param(b"nonsense", id="no JSON"),
        pytest.param(batch_body([action()])[:-1], id="cut off"),
        pytest.param(batch_body([action()]) + b"}", id="a bracket too many"),
        pytest.param(batch_body([action()]) * 2, id="twice"),
        pytest.param(b"\xef\xbb\xbf" + batch_body([action()]), id="a byte order mark"),
        pytest.param(batch_body([action()]).decode().encode("utf-16"), id="UTF-16"),
        pytest.param(batch_body([action()]).decode().encode("utf-16-le"), id="UTF-16 without a mark"),
        pytest.param(b"\x00" + batch_body([action()]), id="NUL in front"),
        pytest.param(b"\xa0" + batch_body([action()]), id="a space of latin-1"),
        pytest.param(b"\x0c" + batch_body([action()]), id="a form feed"),
        pytest.param(_with("NaN"), id="NaN"),
        pytest.param(_with("Infinity"), id="Infinity"),
        pytest.param(_with("-Infinity"), id="-Infinity"),
        pytest.param(_with("nan"), id="nan"),
        pytest.param(_with("[1, NaN]"), id="NaN deep inside"),
        pytest.param(_with(r'"\ud800"'), id="a high surrogate alone"),
        pytest.param(_with(r'"\udc00"'), id="a low surrogate alone"),
        pytest.param(_with(r'"\udc00\ud800"'), id="surrogates in the wrong order"),
        pytest.param(_with(r'"\ud83dx"'), id="a high surrogate before a letter"),
        pytest.param(_with(r'"\ud83d\n"'), id="a high surrogate before an escape"),
        pytest.param(_with(r'{"\ud800": 1}'), id="a surrogate in a name"),
        pytest.param(_with(b'"\xff"'), id="a byte that UTF-8 has not"),
        pytest.param(_with(b'"\xc3"'), id="half a character"),
        pytest.param(_with(b'"\xc0\xaf"'), id="overlong UTF-8"),
        pytest.param(_with(b'"\xed\xa0\x80"'), id="a surrogate in UTF-8"),
        pytest.param(_with(b'"\xf5\x80\x80\x80"'), id="beyond Unicode"),
        pytest.param(_with(b'{"\xff": 1}'), id="no UTF-8 in a name"),
        pytest.param(_with('"a\tb"'), id="a raw tab in a string"),
        pytest.param(_with('"a\nb"'), id="a raw line break in a string"),
        pytest.param(_with(r'"\x41"'), id="an escape that JSON has not"),
        pytest.param(_with(r'"\u00e"'), id="a short escape"),
        pytest.param(_with("'a'"), id="single quotes"),
        pytest.param(_with("01"), id="a leading zero"),
        pytest.param(_with("1."), id="a number without digits"),
        pytest.param(_with(".5"), id="a number without an integer"),
        pytest.param(_with("+1"), id="a plus sign"),
        pytest.param(_with("0x10"), id="hexadecimal"),
        pytest.param(_with("[1,]"), id="a comma too many"),
        pytest.param(_with("[1] // one"), id="a comment"),
        pytest.param(_with("True"), id="Python's True"),
        pytest.param(_with("undefined"), id="undefined"),
    ],
)
def test_c4_what_is_not_strict_json_is_400(host: Host, body: bytes) -> None:
    assert "JSON" in _refused(host, body)


@bare_door
@pytest.mark.parametrize(
    "text",
    [
        pytest.param(r'"\ud83d\ude00"', id="a pair of surrogates"),
        pytest.param('"\U0001f600 é \u2028 \ufeff"', id="any character"),
        pytest.param(r'"\u0000\"\\\/\b"', id="any escape"),
        pytest.param(" \t\r\n1 ", id="white space of JSON"),
    ],
)
def test_c4_what_json_allows_is_taken(host: Host, text: str) -> None:
    assert child(host, body=_with(text)).body.endswith(b'{"v": ' + text.encode() + b', "w": 0}}')


# --- depth


def _nested(levels: int) -> bytes:
    """A batch that is so many levels deep: the batch, its data, its actions, an action, that one's data."""
    return _with("[" * (levels - 5) + "]" * (levels - 5))


@bare_door
def test_c4_a_body_is_at_most_64_levels_deep(host: Host) -> None:
    assert child(host, body=_nested(64)).path == "/x"
    assert "64" in _refused(host, _nested(65))


@bare_door
@pytest.mark.parametrize(
    "body",
    [
        pytest.param(_nested(100_000), id="arrays"),
        pytest.param(b'{"data":' * 100_000, id="objects that never end"),
        pytest.param(b"[" * 500_000, id="brackets only"),
        pytest.param(b'{"x": "' + b'\\"' + b'" , "y":' + b"[" * 100, id="behind an escaped quote"),
    ],
)
def test_c4_depth_is_counted_before_parsing(host: Host, body: bytes) -> None:
    assert "64 levels" in _refused(host, body)


@bare_door
@pytest.mark.parametrize(
    "text",
    [
        pytest.param("[" + ",".join(["[]"] * 500) + "]", id="side by side"),
        pytest.param('"' + "[{" * 500 + '"', id="in a string"),
        pytest.param(r'"\"' + "[" * 500 + '"', id="behind an escaped quote in a string"),
        pytest.param(r'"\\", "' + "[" * 500 + '": 1', id="in a name behind a backslash"),
    ],
)
def test_c4_brackets_are_no_levels_unless_they_are_nested(host: Host, text: str) -> None:
    assert child(host, body=_with(text)).path == "/x"


def test_c4_depth_is_counted_exactly() -> None:
    assert not wire_json.too_deep(b"[" * 64)
    assert wire_json.too_deep(b"[" * 65)
    assert not wire_json.too_deep((b"[" * 64 + b"]" * 64) * 2)
    assert wire_json.too_deep(b"{}" * 100 + b"[" * 64 + b"{")


# --- members of one name


def _action(members: str) -> bytes:
    return b'{"data": {"actions": [' + members.encode() + b"]}}"


_TWICE = b'{"data": 1, "data": {"actions": 1, "actions": [{"method": "get", "relative_path": "/y"}]}}'


@bare_door
@pytest.mark.parametrize(
    ("body", "path"),
    [
        pytest.param(_action('{"method": "bogus", "relative_path": "/x", "method": "get"}'), "/x", id="the method"),
        pytest.param(_action('{"method": "get", "relative_path": "/batch", "relative_path": "/x"}'), "/x", id="path"),
        pytest.param(_action('{"method": 1, "relative_path": "/x", "m\\u0065thod": "get"}'), "/x", id="escaped"),
        pytest.param(_TWICE, "/y", id="the envelope"),
    ],
)
def test_c4_of_two_members_with_one_name_the_last_counts(host: Host, body: bytes, path: str) -> None:
    assert child(host, body=body).path == path


@bare_door
@pytest.mark.parametrize(
    ("members", "says"),
    [
        pytest.param('"method": "get", "relative_path": "/x", "method": "bogus"', "method", id="the method"),
        pytest.param('"method": "get", "relative_path": "/x", "relative_path": "/batch"', "batch", id="the path"),
        pytest.param('"method": "get", "relative_path": "/x", "relative_p\\u0061th": "/batch"', "batch", id="escaped"),
        pytest.param('"method": "post", "relative_path": "/x", "data": {}, "data": []', "data", id="the data"),
    ],
)
def test_c4_and_the_last_is_the_one_that_is_checked(host: Host, members: str, says: str) -> None:
    spy = Spy(host.door)
    answer = post_batch(wrap(spy), spy, body=_action("{" + members + "}"))
    assert says in answer.refusal()
    assert not spy.seen
