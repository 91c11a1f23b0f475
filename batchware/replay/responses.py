"""What a host may answer with, checked as a server would check it before it goes into a result (C20, C26)."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache

_NAME = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
# A line break would begin another field. The other controls no server sends either, and a cookie of an action stands in
# the answer's own headers, where it would cost all actions their results.
_BAD_VALUE = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]|[^\x00-\xff]")


class InvalidResponse(Exception):
    """The host sent something that no server would have put on the wire; the action's result is a 500."""


def checked_status(status: object) -> int:
    """A status of three digits that can end a request; raises `InvalidResponse`."""
    if not isinstance(status, int) or not 200 <= status <= 999:
        raise InvalidResponse(f"{status!r} is no final status")
    return int(status)


def checked_headers(headers: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
    """Header fields, their names in lower case; raises `InvalidResponse` (RFC 9110, section 5)."""
    return [
        (
            _checked_name(name),
            value.strip(" ") if value.isascii() and value.isprintable() else _checked_value(value, name),
        )
        for name, value in headers
    ]


def checked_fields(fields: Iterable[tuple[bytes, bytes]]) -> list[tuple[str, str]]:
    """The same, out of bytes."""
    return [
        (_decoded_name(name), text.strip(" "))
        if (text := value.decode("latin-1")).isprintable()
        else (_decoded_name(name), _checked_value(text, _decoded_name(name)))
        for name, value in fields
    ]


@lru_cache(maxsize=2048)  # a host uses few names, and a look into the cache is a tenth of the match
def _checked_name(name: str) -> str:
    if not _NAME.fullmatch(name):
        raise InvalidResponse(f"{name!r} is no header name")
    return name.lower()


@lru_cache(maxsize=2048)
def _decoded_name(name: bytes) -> str:
    return _checked_name(name.decode("latin-1"))


def _checked_value(value: str, name: str) -> str:
    if _BAD_VALUE.search(value):
        raise InvalidResponse(f"the value of the header {name!r} has a control character or one past U+00FF in it")
    return value.strip(" \t")
