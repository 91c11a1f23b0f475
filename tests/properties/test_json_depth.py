"""How deep a JSON response may be: what is embedded must not cost a client the whole answer (C21)."""

from __future__ import annotations

import json

import pytest

from batchware.wire.json import MAX_RESULT_DEPTH, valid

NESTS = [pytest.param(b"[", b"1", b"]", id="arrays"), pytest.param(b'{"[":', b'"]"', b"}", id="objects")]


@pytest.mark.parametrize(("opening", "inside", "closing"), NESTS)
def test_c21_json_is_embedded_up_to_a_depth_that_every_parser_takes(
    opening: bytes, inside: bytes, closing: bytes
) -> None:
    deepest = opening * MAX_RESULT_DEPTH + inside + closing * MAX_RESULT_DEPTH
    assert valid(deepest)
    json.loads(b'{"data":[{"body":' + deepest + b"}]}")
    assert not valid(opening + deepest + closing)
