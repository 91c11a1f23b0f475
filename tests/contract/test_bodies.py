"""C21: what a response's body becomes in its result: JSON as it is, text as a string, all else base64 or null."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest

from batchware.contract.model import Outcome
from batchware.wire import results
from tests.contract.batching import bare_door, every_host, post_batch, wrap
from tests.contract.small_apps import respond
from tests.hosts import Host

BINARY = bytes(range(256))
HARD_JSON = b' {"big":123456789012345678901234567890,"f":1.0e0,"z":1,"a":[ 1 ],"e":"\\u00e9\\/","a":2}\n'


def _typed(content_type: str | None, body: bytes, **options: Any) -> dict[str, Any]:
    return respond(body, *([("Content-Type", content_type)] if content_type else []), **options)


@every_host
@pytest.mark.parametrize("chunks", [None, 3], ids=["whole", "in pieces"])
def test_c21_json_bodies_are_embedded_byte_for_byte(host: Host, chunks: int | None) -> None:
    answer = post_batch(wrap(host), host, [_typed("application/json", HARD_JSON, chunks=chunks)])
    assert answer.body == b'{"data":[{"status_code":200,"headers":{},"body":' + HARD_JSON + b"}]}"


@every_host
def test_c21_text_is_a_string(host: Host) -> None:
    answer = post_batch(wrap(host), host, [_typed("text/plain; charset=utf-8", 'a\n"é日\u2028'.encode())])
    assert answer.result["body"] == 'a\n"é日\u2028'
    assert "content-transfer-encoding" not in answer.result["headers"]


@every_host
@pytest.mark.parametrize("chunks", [None, 5], ids=["whole", "in pieces"])
def test_c21_bytes_are_base64(host: Host, chunks: int | None) -> None:
    answer = post_batch(wrap(host), host, [_typed("image/png", BINARY, chunks=chunks)])
    assert base64.b64decode(answer.result["body"], validate=True) == BINARY
    assert answer.result["headers"]["content-transfer-encoding"] == "base64"


@every_host
@pytest.mark.parametrize(
    "wanted",
    [
        pytest.param(_typed("application/json", b""), id="nothing"),
        pytest.param(_typed("application/json", b'{"a":1}', method="head"), id="HEAD"),
        pytest.param(_typed(None, b"", status=204), id="204"),
        pytest.param(_typed(None, b"", status=304), id="304"),
    ],
)
def test_c21_no_body_is_null(host: Host, wanted: dict[str, Any]) -> None:
    assert post_batch(wrap(host), host, [wanted]).result["body"] is None


@bare_door
@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b'1},{"status_code":200,"headers":{},"body":2', id="a result more"),
        pytest.param(b'{}]},{"data":[{', id="an envelope that ends"),
        pytest.param(b"1,2", id="two values"),
        pytest.param(b"{}{}", id="two objects"),
        pytest.param(b'{"a":1', id="an object that does not end"),
        pytest.param(b'"a', id="a string that does not end"),
        pytest.param(b'"a\\', id="an escape that does not end"),
        pytest.param(b"[1,]", id="a comma too many"),
        pytest.param(b"{'a':1}", id="apostrophes"),
        pytest.param(b"{}//", id="a comment"),
        pytest.param(b"NaN", id="NaN"),
        pytest.param(b"-Infinity", id="Infinity"),
        pytest.param(b"01", id="a leading zero"),
        pytest.param(b"1.", id="a number without its end"),
        pytest.param(b'"a\nb"', id="a line break in a string"),
        pytest.param(b'"\\x"', id="an escape that there is not"),
        pytest.param(b"{}\x00", id="a NUL at the end"),
        pytest.param(b"  ", id="spaces"),
        pytest.param(b"\xef\xbb\xbf{}", id="a byte order mark"),
        pytest.param(b"<html>", id="a page of an error handler"),
        pytest.param(b"[" * 100_000, id="brackets without end"),
        pytest.param(b"[" * 100_000 + b"]" * 100_000, id="deeper than parsers go"),
    ],
)
def test_c21_no_body_can_break_or_forge_the_envelope(host: Host, body: bytes) -> None:
    answer = post_batch(wrap(host), host, [_typed("application/json", body), _typed("application/json", b"[2]")])
    first, second = answer.results
    assert first == {"status_code": 200, "headers": {}, "body": body.decode()}
    assert second == {"status_code": 200, "headers": {}, "body": [2]}


@bare_door
def test_c21_json_that_is_not_even_text_can_not_break_the_envelope(host: Host) -> None:
    answer = post_batch(wrap(host), host, [_typed("application/json", b'"\xff\xfe"')])
    assert answer.result["headers"] == {"content-transfer-encoding": "base64"}
    assert base64.b64decode(answer.result["body"]) == b'"\xff\xfe"'


def _body(content_type: str | None, body: bytes, *more: tuple[str, str], status: int = 200, head: bool = False) -> Any:
    """The member `body` of the result, None for `null`, bytes for what stands there as base64."""
    headers = [] if content_type is None else [("content-type", content_type)]
    shown, written = results.parts(Outcome(status, [*headers, *more], body), head=head, only=None)
    value = json.loads(written)
    return base64.b64decode(value, validate=True) if "content-transfer-encoding" in shown else value


@pytest.mark.parametrize(
    "content_type",
    [
        "application/json",
        "application/json; charset=utf-8",
        "Application/JSON;charset=UTF-8",
        "application/problem+json",
        "application/vnd.api+json; version=1",
        "application/hal+JSON",
    ],
)
def test_c21_what_counts_as_json(content_type: str) -> None:
    assert _body(content_type, b'{"a":[1]}') == {"a": [1]}


@pytest.mark.parametrize("body", [b"null", b"true", b"-1.5e3", b'"text"', b"[]", b"1e999", b'"\x7f"'])
def test_c21_json_of_any_type_is_embedded(body: bytes) -> None:
    _, written = results.parts(Outcome(200, [("content-type", "application/json")], body), head=False, only=None)
    assert written == body


@pytest.mark.parametrize(
    ("content_type", "body", "text"),
    [
        pytest.param("text/plain", "é".encode(), "é", id="UTF-8 where no charset is named"),
        pytest.param("text/html; charset=iso-8859-1", b"\xe9", "é", id="latin-1"),
        pytest.param('text/html; charset="utf-16"', "é".encode("utf-16"), "é", id="a charset in quotes"),
        pytest.param("TEXT/CSS; Charset=Windows-1252", b"\x80", "€", id="names in any case"),
        pytest.param("text/csv; header=present; charset=latin-1", b"\xe9", "é", id="the second parameter"),
        pytest.param("application/xml", b"<a/>", "<a/>", id="XML"),
        pytest.param("application/atom+xml", b"<a/>", "<a/>", id="a format in XML"),
        pytest.param("image/svg+xml", b"<svg/>", "<svg/>", id="SVG"),
        pytest.param("application/javascript", b"x()", "x()", id="JavaScript"),
        pytest.param("application/x-www-form-urlencoded", b"a=1&b=2", "a=1&b=2", id="a form"),
        pytest.param("application/json; charset=latin-1", b'"\xe9"', '"é"', id="JSON that is none, in its charset"),
    ],
)
def test_c21_text_is_decoded_by_its_charset(content_type: str, body: bytes, text: str) -> None:
    assert _body(content_type, body) == text


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        pytest.param(None, b"plain", id="no content type"),
        pytest.param("application/octet-stream", b"plain", id="bytes by name"),
        pytest.param("image/png", BINARY, id="an image"),
        pytest.param("application/jsonp", b"{}", id="a name that begins like JSON"),
        pytest.param("application/json-seq", b"{}", id="a name that JSON is a part of"),
        pytest.param("application/xmlish", b"<a/>", id="a name that begins like XML"),
        pytest.param("text", b"plain", id="half a media type"),
        pytest.param("text/plain", b"\xff", id="text that is not UTF-8"),
        pytest.param("text/plain; charset=ascii", "é".encode(), id="text that is not of its charset"),
        pytest.param("text/plain; charset=klingon", b"plain", id="a charset that nobody knows"),
        pytest.param("text/plain; charset=hex", b"00", id="a codec that is no charset"),
        pytest.param("text/plain; charset=utf-7", b"+2AA-", id="a charset that makes lone surrogates"),
    ],
)
def test_c21_everything_else_is_base64(content_type: str | None, body: bytes) -> None:
    assert _body(content_type, body) == body


@pytest.mark.parametrize("encoding", ["gzip", "br", "GZIP", "deflate, gzip", "identity, gzip", "aes128gcm"])
@pytest.mark.parametrize("content_type", ["application/json", "text/plain", "image/png"])
def test_c21_encoded_bodies_are_base64_whatever_they_are(content_type: str, encoding: str) -> None:
    assert _body(content_type, b"{}", ("content-encoding", encoding)) == b"{}"


@pytest.mark.parametrize("encoding", ["", "identity", "Identity", " identity"])
def test_c21_no_encoding_is_none_however_it_is_said(encoding: str) -> None:
    outcome = Outcome(200, [("content-type", "application/json"), ("content-encoding", encoding)], b"{}")
    assert results.parts(outcome, head=False, only=frozenset()) == ({}, b"{}")


@bare_door
def test_c21_the_encoding_of_a_body_stays_among_the_headers(host: Host) -> None:
    wanted = respond(b"\x1f\x8b", ("Content-Type", "application/json"), ("Content-Encoding", "gzip"))
    assert post_batch(wrap(host), host, [wanted]).result == {
        "status_code": 200,
        "headers": {"content-encoding": "gzip", "content-transfer-encoding": "base64"},
        "body": base64.b64encode(b"\x1f\x8b").decode(),
    }


@bare_door
def test_c21_base64_is_named_even_where_result_headers_does_not_name_it(host: Host) -> None:
    answer = post_batch(wrap(host, result_headers=["etag"]), host, [_typed("image/png", BINARY)])
    assert answer.result["headers"] == {"content-transfer-encoding": "base64"}


@pytest.mark.parametrize(("status", "head"), [(200, True), (204, False), (304, False)], ids=["HEAD", "204", "304"])
def test_c21_what_has_no_body_has_none_even_if_the_host_sent_one(status: int, head: bool) -> None:
    assert _body("image/png", BINARY, status=status, head=head) is None
    shown, _ = results.parts(Outcome(status, [("content-type", "image/png")], BINARY), head=head, only=None)
    assert "content-transfer-encoding" not in shown
