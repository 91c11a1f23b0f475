"""One input of the fuzzers: a batch request, what the host answers to its actions, and how both travel.

A case is also a string of bytes, so that a finding is a file and a coverage-guided engine can change any part of it:
two bytes of choices, and then sections with `SEPARATOR` between them, which no valid body holds. Sections that are
missing have their defaults; what no server would hand to an application is left out when a case is read.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Literal

from tests.fuzz.settings import SETTINGS, Setting

SEPARATOR = b"\xff\xfe"
NO_TYPE = b"-"
"""The section of the content type that sends none; an empty one is `application/json`."""
TOO_LARGE = b"too large"
"""The section of the declared size that declares one byte too many."""

RAN = b"x-ran"
"""The header of every response of a handler: the number of the request that it answers."""

Fault = Literal["none", "raise", "raise after", "raise half-way", "nothing"]
FAULTS: tuple[Fault, ...] = ("none", "none", "none", "none", "raise", "raise after", "raise half-way", "nothing")

_NAME = re.compile(rb"[!#$%&'*+.^_`|~0-9A-Za-z-]{1,64}\Z")
_VALUE = re.compile(rb"[\t\x20-\x7e\x80-\xff]*\Z")
# What a server decides itself, and the origin of another site, which would ask the host for its headers (C24).
_NOT_OURS = {b"content-length", b"content-type", b"transfer-encoding", b"origin", b"host"}

# By these the judge knows which response made a result, and how its body is to be read.
_JUDGED = {RAN, b"content-transfer-encoding"}

_LINE = b"\x1e"  # stands for a line break in a response's header

Fields = list[tuple[bytes, bytes]]


@dataclass(frozen=True)
class Given:
    """What a handler answers."""

    status: int = 200
    headers: Fields = field(default_factory=list)
    body: bytes = b""

    @property
    def is_odd(self) -> bool:
        """Whether no server would send it: then a result may be it, or a failure."""
        clean = all(_NAME.match(name) and _VALUE.match(value) for name, value in self.headers)
        return not (clean and 200 <= self.status <= 599)


@dataclass(frozen=True)
class Case:
    """A batch request and its surroundings. `encode` and `decode` are each other's inverse on what `decode` gives."""

    body: bytes
    content_types: list[bytes] = field(default_factory=lambda: [b"application/json"])
    query: bytes = b""
    headers: Fields = field(default_factory=list)
    """Of the batch request, but for content types and `host`; names in lower case."""
    given: tuple[Given, ...] = ()
    """The answers of the host; which action gets which, its path decides."""
    setting: Setting = SETTINGS[0]
    fault: Fault = "none"
    pieces: int = 1
    """In how many pieces the body arrives, and each answer goes."""
    declared_too_large: bool = False

    def encode(self) -> bytes:
        flow = FAULTS.index(self.fault) | (self.pieces - 1) << 3
        types = b"\n".join(self.content_types)
        if not self.content_types:
            types = NO_TYPE
        elif types in (b"", NO_TYPE):
            types += b" "  # said, and not what a section of these bytes stands for
        sections = [
            self.body,
            b"" if types == b"application/json" else types,
            self.query,
            b"\n".join(_lines(self.headers)),
            TOO_LARGE if self.declared_too_large else b"",
            *(b"\n".join((b"%d" % given.status, *_lines(given.headers), b"", given.body)) for given in self.given),
        ]
        while sections and not sections[-1]:
            sections.pop()
        return bytes([SETTINGS.index(self.setting), flow]) + SEPARATOR.join(sections)


def decode(data: bytes) -> Case:
    """The case that any bytes stand for."""
    setting, flow = (*data[:2], 0, 0)[:2]
    body, types, query, headers, size, *given = (*data[2:].split(SEPARATOR), *[b""] * 5)[: max(5, _count(data))]
    return Case(
        body=body,
        content_types=_types(types),
        query=bytes(byte for byte in query if 0x21 <= byte < 0x7F and byte != 0x23),
        headers=[pair for pair in _fields(headers) if pair[0] not in _NOT_OURS],
        given=tuple(_given(section) for section in given),
        setting=SETTINGS[setting % len(SETTINGS)],
        fault=FAULTS[flow & 7],
        pieces=1 + (flow >> 3) % 4,
        declared_too_large=size == TOO_LARGE,
    )


def _count(data: bytes) -> int:
    return data[2:].count(SEPARATOR) + 1


def _types(section: bytes) -> list[bytes]:
    if section == NO_TYPE:
        return []
    lines = [line.strip(b" \t") for line in section.split(b"\n")]
    return [line for line in lines if _VALUE.match(line)] if section else [b"application/json"]


def _lines(headers: Fields) -> list[bytes]:
    return [name + b": " + value.replace(b"\n", _LINE) for name, value in headers]


def _fields(section: bytes) -> Fields:
    pairs: Fields = []
    for line in section.split(b"\n"):
        name, colon, value = line.partition(b":")
        value = value.strip(b" \t")
        if colon and _NAME.match(name) and _VALUE.match(value):
            pairs.append((name.lower(), value))
    return pairs


def _given(section: bytes) -> Given:
    head, _, body = section.partition(b"\n\n")
    status, _, lines = head.partition(b"\n")
    number = int(status) if re.fullmatch(rb"[0-9]{1,4}", status) else 200
    headers: Fields = []
    for line in lines.split(b"\n"):
        name, colon, value = line.partition(b":")
        if colon and name.lower() not in _JUDGED:
            headers.append((name.lower(), value.strip(b" \t").replace(_LINE, b"\n")))
    return Given(number, headers, body)
