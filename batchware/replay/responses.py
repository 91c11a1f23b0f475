"""What a host may answer with, checked as a server would check it before it goes into a result (C20, C26)."""

from __future__ import annotations

import re

_NAME = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
_BAD_VALUE = re.compile(r"[\x00\r\n]|[^\x00-\xff]")


class InvalidResponse(Exception):
    """The host sent something that no server would have put on the wire; the action's result is a 500."""


def checked_status(status: object) -> int:
    """A status of three digits that can end a request; raises `InvalidResponse`."""
    if not isinstance(status, int) or not 200 <= status <= 999:
        raise InvalidResponse(f"{status!r} is no final status")
    return int(status)


def checked_header(name: str, value: str) -> tuple[str, str]:
    """A header field, its name in lower case; raises `InvalidResponse` (RFC 9110, section 5)."""
    if not _NAME.fullmatch(name):
        raise InvalidResponse(f"{name!r} is no header name")
    if _BAD_VALUE.search(value):
        raise InvalidResponse(
            f"the value of the header {name!r} has a line break, a NUL or a character past U+00FF in it"
        )
    return name.lower(), value.strip(" \t")
