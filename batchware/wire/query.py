"""JSON members as the query string of a child request (C13, C15)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal
from urllib.parse import quote

from msgspec import Raw

from . import json

Lists = Literal["comma", "repeat"]


def encode(pairs: Iterable[tuple[str, str]]) -> str:
    """`pairs` as a query string: all percent-encoded but RFC 3986's unreserved characters, a space as `%20`."""
    return "&".join([f"{quote(name, safe='')}={quote(value, safe='')}" for name, value in pairs])


def parameters(data: Raw, lists: Lists) -> list[tuple[str, str]]:
    """The query parameters that the members of the object `data` stand for (C13).

    Raises `ValueError` with a message of the form `<member>: <what is wrong>`.
    """
    pairs: list[tuple[str, str]] = []
    for name, raw in json.members(data).items():
        kind = json.kind(raw)
        if kind == "null":
            continue
        if kind == "object":
            raise ValueError(f"{_at(name)}: a query parameter is a string, a number, a boolean or a list of those")
        if kind != "array":
            pairs.append((name, scalar(raw)))
        elif lists == "repeat":
            pairs += [(name, _item(name, item)) for item in json.items(raw)]
        else:
            pairs.append((name, joined(name, raw)))
    return pairs


def scalar(raw: Raw) -> str:
    """A string as it is, a number or a boolean in its JSON spelling."""
    return json.string(raw) if json.kind(raw) == "string" else str(memoryview(raw), "ascii")


def joined(name: str, array: Raw) -> str:
    """The items of a list, joined by commas; raises `ValueError` where one holds a comma."""
    items = [_item(name, item) for item in json.items(array)]
    if any("," in item for item in items):
        raise ValueError(f"{_at(name)}: an item of a list must have no comma in it; lists are joined by commas")
    return ",".join(items)


def _item(name: str, raw: Raw) -> str:
    if json.kind(raw) in ("null", "array", "object"):
        raise ValueError(f"{_at(name)}: an item of a list is a string, a number or a boolean")
    return scalar(raw)


def _at(name: str) -> str:
    return name if name.isidentifier() and len(name) <= 40 else "one of its members"
