"""The headers that a run sends with every batch: `Name: value`, or `@FILE` with one a line, which no list of processes
shows.

Decides which may be given: those that belong to the request as a whole, never what the connection says of a batch. No
message has a value in it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from pathlib import Path

from .connection import OWN_HEADERS

_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")


def read_headers(given: Iterable[str]) -> dict[str, str]:
    """The headers by name. Raises `ValueError`, and `OSError` where a file can't be read."""
    found: dict[str, str] = {}
    for text in _each(given):
        name, colon, value = text.partition(":")
        name, value = name.strip(), value.strip()
        if not colon or not _NAME.fullmatch(name):
            raise ValueError("--header must be 'Name: value' or @FILE")
        if name.lower() in OWN_HEADERS:
            raise ValueError(f"--header: {name} is set for each batch, and can't be given")
        if not value.isprintable() or not _latin(value):
            raise ValueError(f"--header: the value of {name} has characters that can't be in a header")
        if name.lower() in (other.lower() for other in found):
            raise ValueError(f"--header: {name} is there twice")
        found[name] = value
    return found


def _each(given: Iterable[str]) -> Iterator[str]:
    for text in given:
        if text.startswith("@"):
            yield from (line for line in Path(text[1:]).read_text("utf-8").splitlines() if line.strip())
        else:
            yield text


def _latin(value: str) -> bool:
    try:
        value.encode("latin-1")
    except UnicodeEncodeError:
        return False
    return True
