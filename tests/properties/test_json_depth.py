"""How deep a batch and a JSON response may be (C4, C21): what is embedded must not cost a client the whole answer."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from batchware.wire.json import MAX_DEPTH, MAX_RESULT_DEPTH, too_deep, valid

NESTS = [pytest.param(b"[", b"1", b"]", id="arrays"), pytest.param(b'{"[":', b'"]"', b"}", id="objects")]


@pytest.mark.parametrize(("opening", "inside", "closing"), NESTS)
def test_c21_json_is_embedded_up_to_a_depth_that_every_parser_takes(
    opening: bytes, inside: bytes, closing: bytes
) -> None:
    deepest = opening * MAX_RESULT_DEPTH + inside + closing * MAX_RESULT_DEPTH
    assert valid(deepest)
    json.loads(b'{"data":[{"body":' + deepest + b"}]}")
    assert not valid(opening + deepest + closing)


@given(
    texts=st.recursive(
        st.sampled_from(['"["', '"\\\\"', '"\\"[{"', '"\\\\\\"{"', "1", "null"]),
        lambda inner: (
            st.lists(inner, max_size=3).map(lambda items: f"[{','.join(items)}]")
            | inner.map(lambda item: f'{{"[\\\\":{item}}}')
        ),
        max_leaves=40,
    ),
    size=st.sampled_from([0, 1 << 16]),
)
def test_c4_levels_are_counted_as_a_parser_sees_them(texts: str, size: int) -> None:
    """Brackets in strings are none, whatever escapes stand before them; large texts are counted in another way."""
    depth = _depth(json.loads(texts))
    body = (texts + " " * size).encode()
    assert too_deep(body, max(depth - 1, 0)) == (depth > 0)
    assert not too_deep(body, depth)


def _depth(value: object) -> int:
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else None
    return 0 if inner is None else 1 + max(map(_depth, inner), default=0)


@pytest.mark.parametrize("most", [1, 9, 64])
@pytest.mark.parametrize(
    "text", [b"[" * 70, b'[{"a":' * 40, b"[" * 9 + b"]" * 9 + b"[" * 70, b'"' + b"[" * 70 + b'"[[' * 40]
)
def test_c4_what_is_no_json_is_too_deep_as_far_as_it_goes(text: bytes, most: int) -> None:
    assert too_deep(text + b" " * (1 << 16), most) == too_deep(text, most)
    if text.startswith(b"[" * 70):
        assert too_deep(text, most)


@pytest.mark.parametrize("opening", [b"[", b'{"a":'], ids=["arrays", "objects"])
@pytest.mark.parametrize("size", [0, 1 << 17], ids=["small", "large"])
def test_c4_one_level_too_many_is_seen_in_texts_of_any_size(opening: bytes, size: int) -> None:
    closing = b"]" if opening == b"[" else b"}"
    text = b'"' + b"x" * size + b'"'
    for levels in (MAX_DEPTH, MAX_DEPTH + 1):
        assert too_deep(opening * levels + text + closing * levels) == (levels > MAX_DEPTH)


@pytest.mark.parametrize("opening", [b"[", b'{"a":'], ids=["arrays", "objects"])
@pytest.mark.parametrize("wide", [b"[],", b"[[]],", b"[{}]," * 3, b'"x","y",[],'], ids=bytes.decode)
@pytest.mark.parametrize("levels", [1, MAX_DEPTH // 2, MAX_DEPTH - 3])
def test_c4_values_side_by_side_make_nothing_deeper(opening: bytes, wide: bytes, levels: int) -> None:
    """However many open and close on one level, however high that is."""
    closing = b"]" if opening == b"[" else b"}"
    text = opening * levels + b"[" + wide * 500 + b"0]" + closing * levels
    depth = _depth(json.loads(text))
    assert not too_deep(text, depth)
    assert too_deep(text, depth - 1)


@pytest.mark.parametrize("before", [0, 1, 2, 3, 9])
@pytest.mark.parametrize("after", [0, 1, 2, 3, 9])
def test_c4_one_string_with_brackets_is_found_among_any_number_without(before: int, after: int) -> None:
    items = [*["x"] * before, "[" * 2 * MAX_DEPTH, *["y"] * after]
    assert not too_deep(json.dumps(items).encode())
    assert too_deep(b"[" * MAX_DEPTH + json.dumps(items).encode() + b"]" * MAX_DEPTH)
