"""JSON without building it: validation, depth, and splicing of values byte for byte (C4, C14, C21).

`msgspec` skips a `Raw` value by walking over it, which checks all of its grammar but one thing: that strings are
UTF-8 (measured with 0.20 to 0.22; `tests/properties` holds the two against each other). So that is checked first, and
what has passed both can be spliced as it is.
"""

from __future__ import annotations

from array import array
from itertools import accumulate

import msgspec

MAX_DEPTH = 64  # levels of a batch; recursion in parsers ends at about 1,000, and no honest action is this deep

MAX_RESULT_DEPTH = 500  # levels of a JSON response; a deeper one is a string in its result (C21)

_members = msgspec.json.Decoder(dict[str, msgspec.Raw])
_items = msgspec.json.Decoder(list[msgspec.Raw])
_any = msgspec.json.Decoder(msgspec.Raw)
_text = msgspec.json.Decoder(str)

_STEPS = bytes(1 if byte in b"[{" else 255 if byte in b"]}" else byte for byte in range(256))  # up and down a level
_NEITHER = bytes(byte for byte in range(256) if byte not in b'[{]}"')
_LARGE = 1 << 16


def too_deep(body: bytes, most: int = MAX_DEPTH) -> bool:
    """Whether arrays and objects are nested more than `most` deep, counted without parsing (C4).

    Exact for JSON, and for what is no JSON up to the place where it stops being so.
    """
    if len(body) <= most or _opens(body, most) <= most:
        return False
    # 1.3 ms for 1 MB of small objects; to take the strings out of it takes 10, to look at each bracket 370.
    if b"\\" in body:
        body = body.replace(b"\\\\", b"").replace(b'\\"', b"")
    marks = body.translate(_STEPS, _NEITHER)
    steps = marks.translate(None, b'"')
    if marks.count(b'""') * 2 != len(marks) - len(steps):  # there are strings with brackets in them
        steps = b"".join(marks.split(b'"')[::2])
    return _rises_above(most, steps)


def _rises_above(most: int, steps: bytes) -> bool:
    """Whether going `steps`, up and down one, leads above `most`. Where a part goes up too seldom, nobody walks it."""
    level, part = 0, max(1, most // 2)
    for at in range(0, len(steps), part):
        taken = steps[at : at + part]
        up = taken.count(b"\x01")
        if level + up > most and level + max(accumulate(array("b", taken))) > most:
            return True
        level += 2 * up - len(taken)
    return False


def _opens(body: bytes, enough: int) -> int:
    """How many brackets open, in strings too; of more than `enough` only that they are more."""
    if len(body) < _LARGE:
        return body.count(b"[") + body.count(b"{")
    count = 0
    for bracket in (b"[", b"{"):  # to find is ten times as fast as to count, as long as there are few
        at = body.find(bracket)
        while at >= 0 and count <= enough:
            count += 1
            at = body.find(bracket, at + 1)
    return count


def valid(body: bytes) -> bool:
    """Whether `body` is one JSON text in strict UTF-8, so that it can be spliced into another.

    Not valid, although the grammar allows them: lone surrogates, and nesting that a client's parser may refuse, which
    would cost it the whole answer (Python 3.11 to 3.13 stop between 993 and 9,998 levels).
    """
    try:
        if not body.isascii():
            body.decode("utf-8")
        _any.decode(body)
    except (UnicodeDecodeError, msgspec.DecodeError, RecursionError):
        return False
    return len(body) <= 2 * MAX_RESULT_DEPTH or not too_deep(body, MAX_RESULT_DEPTH)


def members(raw: bytes | msgspec.Raw) -> dict[str, msgspec.Raw]:
    """The members of an object, unread; of two with one name the last. Raises `msgspec.DecodeError`."""
    return _members.decode(raw)


def items(raw: bytes | msgspec.Raw) -> list[msgspec.Raw]:
    """The items of an array, unread. Raises `msgspec.DecodeError`."""
    return _items.decode(raw)


def string(raw: bytes | msgspec.Raw) -> str:
    """A string. Raises `msgspec.DecodeError`."""
    return _text.decode(raw)


_KINDS = {ord("{"): "object", ord("["): "array", ord('"'): "string", ord("t"): "boolean", ord("f"): "boolean"}


def kind(raw: bytes | msgspec.Raw) -> str:
    """`object`, `array`, `string`, `boolean`, `null` or `number`, by the first byte of a value that is valid."""
    first = memoryview(raw)[0]
    return "null" if first == ord("n") else _KINDS.get(first, "number")
