"""The input: lines in any pieces, too long ones, blank ones, and how far it is read ahead."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from batchware.send.lines import lines
from tests.client.send.scripted import Answer, fine, scripted
from tests.client.send.sending import Folder, write

LONGEST = 20


def in_pieces(content: bytes, sizes: list[int]) -> Callable[[int], bytes]:
    stream = io.BytesIO(content)
    return lambda most: stream.read(sizes.pop() if sizes else 7)


text = st.lists(st.sampled_from([b"a", b"\n", b"\r\n", b" ", b"x" * 19, b"y" * 25, b"\xff", b"{}"])).map(b"".join)


@given(content=text, sizes=st.lists(st.integers(1, 30), max_size=20))
def test_lines_are_the_same_in_whatever_pieces_they_come(content: bytes, sizes: list[int]) -> None:
    expected = []
    pieces = content.split(b"\n")
    for number, piece in enumerate(pieces if pieces[-1] else pieces[:-1], 1):
        too_long = len(piece) > LONGEST
        digest = hashlib.sha256(b"".join(each + b"\n" for each in pieces[:number])).hexdigest()
        if too_long or piece.strip():
            expected.append((number, b"" if too_long else piece.strip(), too_long, digest))
    found = list(lines(in_pieces(content, sizes), LONGEST))
    assert [(line.number, line.text, line.too_long, line.digest()) for line in found] == expected
    assert all(line.end <= len(content) + 1 for line in found)


def test_a_line_that_has_no_end_is_not_held(folder: Folder) -> None:
    held = 0
    chunks = iter([b"x" * (1 << 16)] * 200 + [b"\n{}\n", b""])
    for line in lines(lambda most: next(chunks), LONGEST):
        held += len(line.text)
    assert held == 2


def test_lines_that_can_not_be_sent_are_results_of_their_own(folder: Folder) -> None:
    wrong = [
        b"nonsense",
        b'{"method": "get"} {"method": "get"}',
        b'{"method":"get","relative_path":"/1"},{"method":"get","relative_path":"/2"}',
        b'{"method":"get"}]},"data":{"actions":[{"method":"get"}',
        b"[]",
        b"null",
        b'{"data": NaN}',
        b'{"data": "\xff"}',
        b'{"data": ' + b"[" * 70 + b"]" * 70 + b"}",
        b'{"data": "' + b"x" * (1 << 20) + b'"}',
        b"\xef\xbb\xbf{}",
    ]
    folder.write([*wrong, write("/fine"), b"", write("/fine too")])
    with scripted() as server:
        assert folder.send(server.url) == 1
    assert server.batches == [["/fine", "/fine too"]]
    count = len(wrong)
    assert folder.outcomes == dict.fromkeys(range(1, count + 1), "error") | {count + 1: 200, count + 3: 200}


def test_bytes_are_kept_in_both_directions(folder: Folder) -> None:
    data = b'{"big":123456789012345678901234567890,"e":1.0e400,"\\u00e9":"\xc3\xa9"}'
    line = b'{"method":"post","relative_path":"/x","data":' + data + b"}"
    body = b'{"n": 1.10, "b": 98765432109876543210987, "u": "\\u00e9"}'
    folder.write([line])
    with scripted(Answer(body=b'{"data": [{"status_code": 200, "headers": {}, "body": ' + body + b"}]}")) as server:
        assert folder.send(server.url) == 0
    assert server.posted[0].body == b'{"data":{"actions":[' + line + b"]}}"
    assert folder.out.read_bytes() == b'{"line":1,"status_code":200,"headers":{},"body":' + body + b"}\n"


def test_a_result_that_is_spread_over_lines_stays_one_line(folder: Folder) -> None:
    pretty = (
        b'{\n  "data": [\n    {\n      "status_code": 200,\n      "headers": {},\n      "body": {\n        "a": 1}}]}'
    )
    folder.write([write("/x")])
    with scripted(Answer(body=pretty)) as server:
        assert folder.send(server.url) == 0
    assert folder.results == {1: {"status_code": 200, "headers": {}, "body": {"a": 1}}}


@pytest.mark.parametrize(("most", "sizes"), [(200, [2, 2, 1]), (10_000, [5]), (140, [1] * 5)])
def test_batches_hold_no_more_bytes_than_given(folder: Folder, most: int, sizes: list[int]) -> None:
    folder.write([write(f"/{number}" + "x" * 30) for number in range(5)])
    with scripted() as server:
        assert folder.send(server.url, "--max-body-bytes", str(most)) == 0
    assert [len(batch) for batch in server.batches] == sizes
    assert all(len(posted.body) <= most for posted in server.posted)


@pytest.mark.parametrize("style", ["asana", "plain"])
def test_each_style_is_written_and_read(folder: Folder, style: str) -> None:
    folder.write([write("/x")])
    with scripted(lambda posted: fine(posted, style)) as server:
        assert folder.send(server.url, "--style", style) == 0
    start = b'{"data":{"actions":[' if style == "asana" else b'{"actions":['
    assert server.posted[0].body.startswith(start)
    assert folder.outcomes == {1: 200}
