"""JSON without building it: validation, depth, and splicing of values byte for byte (C4, C14, C21).

`msgspec` skips a `Raw` value by walking over it, which checks all of its grammar but one thing: that strings are
UTF-8 (measured with 0.20 to 0.22; `tests/properties` holds the two against each other). So that is checked first, and
what has passed both can be spliced as it is.
"""

from __future__ import annotations

import re

import msgspec

MAX_DEPTH = 64  # levels of a batch; recursion in parsers ends at about 1,000, and no honest action is this deep

MAX_RESULT_DEPTH = 500  # levels of a JSON response; a deeper one is a string in its result (C21)

_members = msgspec.json.Decoder(dict[str, msgspec.Raw])
_items = msgspec.json.Decoder(list[msgspec.Raw])
_any = msgspec.json.Decoder(msgspec.Raw)
_text = msgspec.json.Decoder(str)

# A whole string (or the rest of the input, where it never ends), or one bracket.
_BRACKETS = re.compile(rb'"(?:[^"\\]|\\.)*"?|[\[{]|[\]}]', re.DOTALL)


def too_deep(body: bytes, most: int = MAX_DEPTH) -> bool:
    """Whether arrays and objects are nested more than `most` deep, counted without parsing (C4)."""
    if len(body) <= most or body.count(b"[") + body.count(b"{") <= most:
        return False
    depth = 0
    for found in _BRACKETS.finditer(body):
        bracket = found.group()
        if bracket in (b"[", b"{"):
            depth += 1
            if depth > most:
                return True
        elif bracket in (b"]", b"}"):
            depth -= 1
    return False


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
