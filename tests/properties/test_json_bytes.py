"""C4, C14 and C21: JSON passes byte for byte, and nothing that is spliced can be anything but one JSON value."""

from __future__ import annotations

import json
import re
from typing import Any

from hypothesis import example, given
from hypothesis import strategies as st

from batchware.config import BatchConfig
from batchware.contract.model import Action, Layout, Outcome
from batchware.wire.json import MAX_DEPTH, too_deep, valid
from tests.properties.json_texts import OBJECTS, VALUES, NotJson, depth, padded, plain, read_strictly

# Pieces of JSON and of what is almost JSON: alone, and one after the other.
_PIECES = st.sampled_from(
    [b"{", b"}", b"[", b"]", b",", b":", b'"', b'"a"', b'"\\ud83d\\ude00"', b'"\\ud800"', b'"\\udc00x"', b'"\\u00e9"',
     b'"\\x"', b'"\\', b"\\u12", b"0", b"-0", b"-", b"01", b"1.", b".5", b"1e", b"1E+5", b"1e999", b"+1", b"0x1",
     b"tru", b"true", b"null", b"nul", b"NaN", b"Infinity", b"-Infinity", b" ", b"\n", b"\x00", b"\x0b", b"\x0c",
     b"\x7f", b"'a'", b"//", b"/**/", b"\xff", b'"\xff"', b'"\xc3\xa9"', b'"\xed\xa0\x80"', b'"\xc0\xaf"',
     b"\xef\xbb\xbf", b'"\x1f"', b'"\t"', b"\xc2\xa0", b"\xe2\x80\xa8", b'{"a":1,"a":2}', b"[1,]", b'{"a":1,}',
     b'{"a"}', b"{1:2}", b"1 2"]
)  # fmt: skip
NEARLY_JSON = st.one_of(
    st.lists(_PIECES, max_size=6).map(b"".join),
    st.tuples(padded().map(str.encode), _PIECES).map(b"".join),
    st.binary(max_size=12),
    padded().map(str.encode),
)


@st.composite
def mutated(draw: st.DrawFn, bodies: st.SearchStrategy[bytes]) -> bytes:
    """A body with some bytes cut out, put in or changed."""
    body = bytearray(draw(bodies))
    for _ in range(draw(st.integers(1, 3))):
        at = draw(st.integers(0, len(body)))
        body[at : at + draw(st.integers(0, 2))] = draw(st.one_of(_PIECES, st.binary(max_size=2), st.just(b"")))
    return bytes(body)


@given(body=st.one_of(NEARLY_JSON, mutated(VALUES.map(str.encode))))
@example(body=b"")
@example(body=b'"\\ud800"')
@example(body=b'"\\ud800 and some more text"')
@example(body=b'{"\\udfff and some more text":1}')
@example(body=b'"\xff"')
@example(body=b"1" * 5000)
@example(body=b"[" * 100_000 + b"]" * 100_000)
def test_c21_valid_is_what_a_strict_reader_takes(body: bytes) -> None:
    try:
        read_strictly(body)
    except NotJson:
        assert not valid(body)
    else:
        assert valid(body)


_UP_TO_A_BACKSLASH = re.compile(rb'(?:[^"\\]|"(?:[^"\\]|\\.)*(?:"|\\?\Z))*', re.DOTALL)
_BRACKETS = st.sampled_from([b"[", b"{", b"]", b"}", b'"', b"\\", b'"[', b'\\"', b"a", b"[{"])


@given(pieces=st.lists(st.tuples(_BRACKETS, st.integers(1, 40)), max_size=8))
@example(pieces=[(b"[", 64), (b"]", 64)])
@example(pieces=[(b"[", 65), (b"]", 65)])
@example(pieces=[(b'{"a":', 65)])
@example(pieces=[(b'"', 1), (b"[", 100), (b'"', 1)])
@example(pieces=[(b'"\\"', 1), (b"[", 65), (b'"', 1)])
@example(pieces=[(b"[]", 100)])
def test_c4_depth_is_counted_as_written(pieces: list[tuple[bytes, int]]) -> None:
    """Up to a backslash outside of a string: no parser gets beyond that."""
    body = b"".join(piece * times for piece, times in pieces)
    json = _UP_TO_A_BACKSLASH.match(body).group()  # it matches the empty string too
    if json == body or depth(json) > MAX_DEPTH:
        assert too_deep(body) == (depth(json) > MAX_DEPTH)


_DIALECT = BatchConfig().dialect
_PLAIN = BatchConfig(style="plain").dialect
_PRETTY = Layout(pretty=True)


@given(data=OBJECTS, pad=st.sampled_from(["", " ", "\n\t"]))
def test_c14_data_is_spliced_byte_for_byte(data: str, pad: str) -> None:
    entry = f'{{"method":"post",{pad}"data"{pad}:{pad}{data}{pad},"relative_path":"/a"}}'
    body = f'{{"data":{{"actions":[{entry}]}}}}'.encode()
    (raw,) = _DIALECT.open(body)
    action, refusal = _DIALECT.read(0, raw)
    assert refusal is None
    assert action.body == b'{"data":' + data.encode() + b"}"


@given(data=VALUES, method=st.sampled_from(["post", "put", "patch"]))
def test_c14_without_envelope_the_body_is_data_of_any_type(data: str, method: str) -> None:
    body = f'{{"actions":[{{"method":"{method}","relative_path":"/a","data": {data} }}]}}'.encode()
    (raw,) = _PLAIN.open(body)
    action, refusal = _PLAIN.read(0, raw)
    assert refusal is None
    assert action.body == data.encode()


_CONTENT_TYPES = st.sampled_from(
    [None, "application/json", "application/problem+json", "text/plain", "text/html; charset=utf-16", "image/png",
     "application/json; charset=utf-16", "text/plain; charset=utf-7", "text/plain; charset=unicode_escape",
     "text/x; charset=", "text/x; charset=rot13", "text/x; charset=hex", "text/x; charset=undefined",
     "text/x; charset=idna", "a", ""]
)  # fmt: skip
_FORGERIES = st.sampled_from(
    [b'"}]},{"status_code":200', b'1}]}{"data":[', b"]", b"{}},{}", b"\\q", b"\\N{x}", b"+2AA-", b"\xff\xfe\x00\xd8"]
)
_ANY_BODY = st.one_of(NEARLY_JSON, mutated(OBJECTS.map(str.encode)), _FORGERIES)


@given(
    responses=st.lists(st.tuples(_CONTENT_TYPES, _ANY_BODY, st.text(max_size=5)), min_size=1, max_size=4),
    layout=st.sampled_from([Layout(), _PRETTY]),
)
def test_c21_no_body_breaks_or_forges_the_envelope(responses: list[tuple[Any, bytes, str]], layout: Layout) -> None:
    entries = []
    for index, (content_type, body, value) in enumerate(responses):
        headers = [("x-thing", value.encode("utf-8", "replace").decode("latin-1"))]
        if content_type is not None:
            headers.append(("content-type", content_type))
        entries.append(_DIALECT.result(Action(index, "GET", "/a", "/a"), Outcome(200 + index, headers, body), layout))
    answer = _DIALECT.write(entries, layout)
    read = read_strictly(answer)
    results: Any = plain(read)
    assert set(results) == {"data"}
    assert [result["status_code"] for result in results["data"]] == [str(200 + at) for at in range(len(responses))]
    assert all(set(result) == {"status_code", "headers", "body"} for result in results["data"])
    assert len(json.loads(answer, parse_int=str)["data"]) == len(responses)


@given(body=padded().map(str.encode))
def test_c21_json_is_embedded_byte_for_byte(body: bytes) -> None:
    outcome = Outcome(200, [("content-type", "application/json")], body)
    entry = b"".join(_DIALECT.result(Action(0, "GET", "/a", "/a"), outcome, Layout()))
    assert entry == b'{"status_code":200,"headers":{},"body":' + body + b"}"
    # C7: `opt_pretty` indents what is around it.
    assert b'"body": ' + body + b"\n" in b"".join(_DIALECT.result(Action(0, "GET", "/a", "/a"), outcome, _PRETTY))
