"""JSON as text: values in every spelling that the grammar has, to be carried byte for byte.

What `json.dumps` writes is one spelling of many. Here a number can be `-0`, `1e999` or have 400 digits, a string can
be escaped where it need not be, a name can stand in an object twice, and there is whitespace wherever it may be.
"""

from __future__ import annotations

import json

from hypothesis import strategies as st

WHITESPACE = st.sampled_from(["", "", "", " ", "\n", "\t", "\r\n", "  "])
TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
NUMBERS = st.one_of(
    st.sampled_from(["0", "-0", "-0.0", "1e999", "-1E+999", "1e-999", "0.1", "1.0", "1E5", "0e0", "1.50"]),
    st.just("0.1000000000000000055511151231257827"),
    st.sampled_from([2**53 + 1, 2**63, 2**64, 2**70, -(2**70), 10**400]).map(str),
    st.integers().map(str),
    st.floats(allow_nan=False, allow_infinity=False).map(repr),
)
LITERALS = st.sampled_from(["true", "false", "null"])

_SHORT = {'"': '\\"', "\\": "\\\\", "\b": "\\b", "\f": "\\f", "\n": "\\n", "\r": "\\r", "\t": "\\t", "/": "\\/"}


def _escaped(character: str) -> str:
    units = character.encode("utf-16-be")
    return "".join(f"\\u{units[at]:02x}{units[at + 1]:02X}" for at in range(0, len(units), 2))


def _must_be_escaped(character: str) -> bool:
    return character in '"\\' or character < " "


@st.composite
def strings(draw: st.DrawFn, text: st.SearchStrategy[str] = TEXT) -> str:
    """A string literal: each character as it is, in the short escape, or as `\\uXXXX`."""
    spelled = []
    for character in draw(text):
        style = draw(st.integers(0, 3))
        if style == 1 and character in _SHORT:
            spelled.append(_SHORT[character])
        elif style == 2 or _must_be_escaped(character):
            spelled.append(_escaped(character))
        else:
            spelled.append(character)
    return '"' + "".join(spelled) + '"'


def _array(items: list[str], space: str) -> str:
    return "[" + space + f"{space},{space}".join(items) + space + "]"


def _object(members: list[tuple[str, str]], space: str) -> str:
    return "{" + space + f"{space},".join(f"{name}{space}:{space}{value}" for name, value in members) + space + "}"


def _deeper(values: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    return st.one_of(
        st.builds(_array, st.lists(values, max_size=4), WHITESPACE),
        st.builds(_object, st.lists(st.tuples(_NAMES, values), max_size=4), WHITESPACE),
    )


# Few names, so that one object often has a name twice, in the same spelling or in another.
_NAMES = st.one_of(st.sampled_from(['"a"', '"\\u0061"', '"data"', '"__proto__"', '""']), strings())
VALUES: st.SearchStrategy[str] = st.recursive(st.one_of(LITERALS, NUMBERS, strings()), _deeper, max_leaves=8)
OBJECTS: st.SearchStrategy[str] = st.builds(_object, st.lists(st.tuples(_NAMES, VALUES), max_size=4), WHITESPACE)


@st.composite
def padded(draw: st.DrawFn, values: st.SearchStrategy[str] = VALUES) -> str:
    """A whole JSON text, with whitespace around it."""
    return draw(WHITESPACE) + draw(values) + draw(WHITESPACE)


class NotJson(Exception):
    """What a strict reader refuses."""


def read_strictly(body: bytes) -> object:
    """`body`, read as RFC 8259 says and no laxer than C4: the independent judge of these tests.

    The standard library's reader, with what it takes beyond the grammar taken away: other encodings, a BOM, NaN and
    Infinity, and lone surrogates. Numbers come back as their own text, for one of 400 digits has no better value.
    Raises `NotJson`.
    """

    def refuse(constant: str) -> object:
        raise NotJson(constant)

    try:
        value = json.loads(body.decode("utf-8"), parse_constant=refuse, parse_int=Spelled, parse_float=Spelled,
                           object_pairs_hook=_Pairs)  # fmt: skip
    except (ValueError, RecursionError) as error:
        raise NotJson(str(error)) from None
    _refuse_surrogates(value)
    return value


class Spelled(str):
    """A number, as it was spelled."""

    __slots__ = ()


class _Pairs(list[tuple[str, object]]):
    """An object with all its members; `last()` is what most readers make of it."""


def _refuse_surrogates(value: object) -> None:
    if isinstance(value, str):
        try:
            value.encode("utf-8")
        except UnicodeEncodeError as error:
            raise NotJson(str(error)) from None
    elif isinstance(value, _Pairs):
        for name, member in value:
            _refuse_surrogates(name)
            _refuse_surrogates(member)
    elif isinstance(value, list):
        for item in value:
            _refuse_surrogates(item)


def plain(value: object) -> object:
    """A value of `read_strictly` in dicts and lists; of two members with one name the last (C4)."""
    if isinstance(value, _Pairs):
        return {name: plain(member) for name, member in value}
    return [plain(item) for item in value] if isinstance(value, list) else value


def depth(body: bytes) -> int:
    """The most arrays and objects that are open at once, counted byte by byte."""
    deepest = level = 0
    in_string = escaped = False
    for byte in body:
        character = chr(byte)
        if in_string:
            if escaped:
                escaped = False
            elif character == "\\":
                escaped = True
            elif character == '"':
                in_string = False
        elif character == '"':
            in_string = True
        elif character in "[{":
            level += 1
            deepest = max(deepest, level)
        elif character in "]}":
            level -= 1
    return deepest
