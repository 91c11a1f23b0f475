"""The header fields of a request as hooks and rules see them: a sequence of pairs, read once and only if asked for."""

from __future__ import annotations

from batchware.contract.fields import Fields

PAIRS = [("a", "1"), ("b", "2"), ("a", "3")]


def test_c8_header_fields_are_read_once_and_are_the_pairs_that_they_were() -> None:
    reads: list[int] = []
    fields = Fields(lambda: reads.append(1) or list(PAIRS))
    assert reads == []
    assert (list(fields), len(fields), fields[1], list(fields[1:]), repr(fields)) == (
        PAIRS, 3, ("b", "2"), PAIRS[1:], repr(PAIRS),
    )  # fmt: skip
    assert (fields.get("a"), fields.get("b"), fields.get("c")) == ("1, 3", "2", None)
    assert reads == [1]
