"""What became of each line: one line of JSON each, written as it becomes known, in that order.

    {"line": 7, "status_code": 201, "headers": {...}, "body": ...}    the server's result
    {"line": 8, "error": "not JSON: ..."}                             it has not been done, and won't be
    {"line": 9, "unknown": "..."}                                     it may have been done, and won't be repeated

Decides which lines need nothing any more when a run is resumed: those that have such a line, a whole one. A piece of
one, which is what `kill -9` can leave, is cut off.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import IO, TypeAlias

import msgspec
from msgspec import Struct

from ..client.actions import Result

Outcome: TypeAlias = int | str
"""A status, `NOT_DONE` or `UNKNOWN`."""
NOT_DONE = "not done"
UNKNOWN = "unknown"

_encode = msgspec.json.Encoder().encode
_write = os.write


class NotOurs(Exception):
    """A file that is there already and can't be gone on with; the message says why."""


class Numbers:
    """A set of line numbers, one bit each: a million lines take 125 KB."""

    def __init__(self) -> None:
        self._bits = bytearray()

    def add(self, number: int) -> None:
        """Puts a number in."""
        byte = number >> 3
        if byte >= len(self._bits):
            self._bits.extend(bytes(byte - len(self._bits) + 1024))
        self._bits[byte] |= 1 << (number & 7)

    def __contains__(self, number: int) -> bool:
        byte = number >> 3
        return byte < len(self._bits) and bool(self._bits[byte] >> (number & 7) & 1)


class _Written(Struct):
    line: int
    status_code: int | None = None
    error: str | None = None
    unknown: str | None = None


class Results:
    """Writes results to a file or to standard output, and counts them by what they say."""

    def __init__(self, file: IO[bytes], *, lasting: bool) -> None:
        self._file, self._lasting = file, lasting
        self._waiting: list[bytes] = []
        self.counts: Counter[Outcome] = Counter()
        self.done = Numbers()

    def answered(self, line: int, result: Result) -> None:
        """The server's own result, its body byte for byte."""
        body = result.raw.strip()
        if b"\n" in body or b"\r" in body:
            body = msgspec.json.format(body, indent=-1)
        text = (line, result.status, _encode(dict(result.headers)), body)
        self._add(line, result.status, b'{"line":%d,"status_code":%d,"headers":%b,"body":%b}\n' % text)

    def not_done(self, line: int, why: str) -> None:
        """The line has not been done, and nothing more is tried."""
        self._add(line, NOT_DONE, b'{"line":%d,"error":%b}\n' % (line, _encode(why)))

    def unknown(self, line: int, why: str) -> None:
        """The line may have been done."""
        self._add(line, UNKNOWN, b'{"line":%d,"unknown":%b}\n' % (line, _encode(why)))

    def _add(self, line: int, outcome: Outcome, text: bytes) -> None:
        self.counts[outcome] += 1
        self._waiting.append(text)

    def flush(self) -> None:
        """Gives to the system what has come since: from then on `kill -9` can't take it back."""
        if self._waiting:
            append(self._file, b"".join(self._waiting))
            self._waiting.clear()

    def sync(self) -> None:
        """And to the disk: from then on a power failure can't."""
        self.flush()
        if self._lasting:
            os.fsync(self._file.fileno())

    def recall(self) -> None:
        """Reads what an earlier run has written, and cuts off a piece of a line at its end. Raises `NotOurs`."""
        for at, line in enumerate(whole_lines(self._file), 1):
            try:
                written = msgspec.json.decode(line, type=_Written)
            except msgspec.DecodeError as error:
                raise NotOurs(f"line {at} of the results is none: {error}") from None
            self.done.add(written.line)
            outcome = written.status_code or (UNKNOWN if written.unknown is not None else NOT_DONE)
            self.counts[outcome] += 1


def append(file: IO[bytes], text: bytes) -> None:
    """Writes all of it at the end of a file, with nothing left in a buffer."""
    rest = memoryview(text)
    while rest:
        rest = rest[_write(file.fileno(), rest) :]


def whole_lines(file: IO[bytes]) -> Iterator[bytes]:
    """The lines of a file that end in a line feed; what comes after the last of them is cut off."""
    file.seek(0)
    whole = 0
    for line in file:
        if not line.endswith(b"\n"):
            break
        whole += len(line)
        yield line
    file.truncate(whole)
    file.seek(whole)


def sync_folder(path: Path) -> None:
    """Makes a new file's name as lasting as what is in it, where a folder can be opened for that."""
    if os.name == "posix":
        folder = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
