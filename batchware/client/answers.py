"""How the answer to a batch is read: strictly, and without losing the bytes of a body.

Decides what counts as an answer: one result for each action, each with a status, headers and a body. Whatever else
comes (the page of a proxy, a truncated text, a server of another kind) is `BadAnswer`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from typing import Any, cast

from .actions import Action, BadAnswer, Headers, Result, Style, no_constant, whole_number

_quick = json.JSONDecoder(parse_constant=no_constant)
_patient = json.JSONDecoder(parse_constant=no_constant, parse_int=whole_number)


def read_answer(actions: Sequence[Action], answer: bytes, style: Style = "asana") -> list[Result]:
    """The results of `actions`, in their order. Raises `BadAnswer` for anything but one for each."""
    try:
        return _Reader(answer.decode(), style).results(actions)
    except (ValueError, RecursionError) as error:
        raise BadAnswer(f"the answer to a batch of {len(actions)} is not as it should be: {error}") from error


class _Reader:
    """Walks over the answer down to the bodies, since the standard library's reader keeps no value's own bytes."""

    _blank = re.compile(r"[ \t\n\r]*")

    def __init__(self, text: str, style: Style) -> None:
        self._text, self._at = text, 0
        self._list_name = "results" if style == "plain" else "data"
        self._decode = _quick.raw_decode

    def results(self, actions: Sequence[Action]) -> list[Result]:
        found: list[Result] | None = None
        for name in self._members():
            if name == self._list_name:
                found = self._list(actions)
            else:
                self._value()
        if found is None:
            raise ValueError(f"no member {self._list_name!r}")
        if self._next():
            raise ValueError(f"something behind its end, at character {self._at}")
        return found

    def _list(self, actions: Sequence[Action]) -> list[Result]:
        found: list[Result] = []
        for at in self._items("[", "]"):
            if at == len(actions):
                raise ValueError("too many results")
            found.append(self._result(actions[at]))
        if len(found) < len(actions):
            raise ValueError(f"{len(found)} results")
        return found

    def _result(self, action: Action) -> Result:
        members: dict[str, tuple[Any, str]] = {name: self._value() for name in self._members()}
        if not members.keys() >= {"status_code", "headers", "body"}:
            raise ValueError(f"a result without status_code, headers or body, before character {self._at}")
        status = members["status_code"][0]
        if type(status) is not int or not 100 <= status <= 999:
            raise ValueError(f"a status_code that is none, before character {self._at}")
        headers = cast("dict[str, Any]", members["headers"][0])
        if type(headers) is not dict or not all(isinstance(value, str) for value in headers.values()):
            raise ValueError(f"headers that are no strings, before character {self._at}")
        body, raw = members["body"]
        return Result(action, status, Headers(headers), body, raw.encode())

    def _members(self) -> Iterator[str]:
        """The names of an object's members; whoever iterates reads the value of each."""
        for _ in self._items("{", "}"):
            name, _raw = self._value()
            if not isinstance(name, str):
                raise ValueError(f"a name that is no string, before character {self._at}")
            self._take(":")
            yield name

    def _items(self, opening: str, closing: str) -> Iterator[int]:
        self._take(opening)
        count = 0
        if self._next() == closing:
            self._at += 1
            return
        while True:
            yield count
            count += 1
            if self._next() == closing:
                self._at += 1
                return
            self._take(",")

    def _value(self) -> tuple[Any, str]:
        """A value, and its text with the blanks around it, which in a compact answer are those of a body."""
        before = self._at
        self._next()
        start = self._at
        try:
            value, self._at = self._decode(self._text, start)
        except json.JSONDecodeError:
            raise
        except ValueError:  # a number of thousands of digits, which Python makes no int of
            self._decode = _patient.raw_decode
            value, self._at = self._decode(self._text, start)
        self._next()
        return value, self._text[before : self._at]

    def _next(self) -> str:
        """The next character that is not blank; empty at the end."""
        here = self._text[self._at : self._at + 1]
        if here > " ":  # in a compact answer always
            return here
        blank = self._blank.match(self._text, self._at)
        self._at = blank.end() if blank else self._at
        return self._text[self._at : self._at + 1]

    def _take(self, character: str) -> None:
        if self._next() != character:
            raise ValueError(f"no {character!r} at character {self._at}")
        self._at += 1
