"""A reader of JSON after RFC 8259 and C4, with the place of each value in the text: what the judge reads with.

It shares nothing with the reader of batchware, nor with the standard library's, which takes more than the grammar.
A value is a `Node`; its text is `text[node.start : node.end]`, so that "byte for byte" can be checked.
"""

from __future__ import annotations

import re
from typing import Any, Literal, NamedTuple

DEEPEST = 64  # C4
_SPACE = re.compile(r"[ \t\n\r]*")
_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?")
_STRING = re.compile(r'"((?:[^"\\\x00-\x1f]+|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*+)"')
_ESCAPE = re.compile(r"\\(u[0-9a-fA-F]{4}|.)", re.DOTALL)
_SHORT = {"b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t"}
_WORDS = {"t": ("true", True), "f": ("false", False), "n": ("null", None)}

Kind = Literal["string", "number", "word", "object", "array"]


class NotJson(Exception):
    """What the grammar, or C4, does not have."""


class Node(NamedTuple):
    """A value: a `str`, None for a number (its text says it), a constant, `{name: Node}`, or `[Node]`."""

    kind: Kind
    start: int
    end: int
    value: Any
    twice: bool = False
    """Whether an object has a name twice; `value` has the last (C4)."""

    @property
    def is_null(self) -> bool:
        return self.kind == "word" and self.value is None


def read(body: bytes, deepest: int = DEEPEST) -> tuple[str, Node]:
    """The text of `body` and its one value. Raises `NotJson`."""
    try:
        text = body.decode("utf-8")
    except UnicodeDecodeError as error:
        raise NotJson(str(error)) from None
    node = _value(text, _skip(text, 0), deepest)
    if _skip(text, node.end) != len(text):
        raise NotJson(f"more after the value, at {node.end}")
    return text, node


def _skip(text: str, at: int) -> int:
    if text[at : at + 1] > " ":
        return at
    found = _SPACE.match(text, at)
    assert found
    return found.end()


def _value(text: str, at: int, levels: int) -> Node:
    """The value at `at`; a stack of its own, so that no nesting is too deep for it."""
    open_: list[_Open] = []
    while True:
        first = text[at : at + 1]
        if first in ("{", "["):
            if len(open_) == levels:
                raise NotJson("too deep")
            container = _Open(first == "{", at)
            at = _skip(text, at + 1)
            if text[at : at + 1] != container.closing:
                open_.append(container)
                at = container.begin(text, at)
                continue
            node = container.close(at + 1)
        else:
            node = _scalar(text, at)
        while True:  # as many containers as end here
            if not open_:
                return node
            open_[-1].add(node)
            at = _skip(text, node.end)
            if text[at : at + 1] != open_[-1].closing:
                break
            node = open_.pop().close(at + 1)
        if text[at : at + 1] != ",":
            raise NotJson(f"no comma at {at}")
        at = open_[-1].begin(text, _skip(text, at + 1))


class _Open:
    """An object or array that has not ended."""

    def __init__(self, is_object: bool, start: int) -> None:
        self.closing = "}" if is_object else "]"
        self._start = start
        self._members: dict[str, Node] | None = {} if is_object else None
        self._items: list[Node] = []
        self._name = ""
        self._twice = False

    def begin(self, text: str, at: int) -> int:
        """Where the next value is: in an object behind a name and a colon."""
        if self._members is None:
            return at
        name = _string(text, at)
        at = _skip(text, name.end)
        if text[at : at + 1] != ":":
            raise NotJson(f"no colon at {at}")
        self._name = name.value
        return _skip(text, at + 1)

    def add(self, node: Node) -> None:
        if self._members is None:
            self._items.append(node)
        else:
            self._twice = self._twice or self._name in self._members
            self._members[self._name] = node

    def close(self, end: int) -> Node:
        if self._members is None:
            return Node("array", self._start, end, self._items)
        return Node("object", self._start, end, self._members, self._twice)


def _scalar(text: str, at: int) -> Node:
    first = text[at : at + 1]
    if first == '"':
        return _string(text, at)
    if first in _WORDS:
        word, constant = _WORDS[first]
        if text.startswith(word, at):
            return Node("word", at, at + len(word), constant)
    elif number := _NUMBER.match(text, at):
        return Node("number", at, number.end(), None)
    raise NotJson(f"no value at {at}")


def _string(text: str, at: int) -> Node:
    found = _STRING.match(text, at)
    if not found:
        raise NotJson(f"no string at {at}")
    value = found[1]
    if "\\" in value:
        value = _ESCAPE.sub(lambda match: _unescaped(match[1]), value)
        try:  # a pair of escapes is one character, and half a pair is none
            value = value.encode("utf-16", "surrogatepass").decode("utf-16")
        except UnicodeDecodeError as error:
            raise NotJson(f"a lone surrogate at {at}") from error
    return Node("string", at, found.end(), value)


def _unescaped(escape: str) -> str:
    return chr(int(escape[1:], 16)) if len(escape) == 5 else _SHORT.get(escape, escape)
