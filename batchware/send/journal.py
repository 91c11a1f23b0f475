"""The journal: which batches are in doubt, so that whoever comes after `kill -9` knows.

    {"journal": 1, "url": "...", "style": "asana", "run": "..."}                         the first record
    {"batch": 3, "key": "...", "lines": [21, ...], "read": {"lines": 40, "sha256": "..."}, "at": ...}  about to be sent
    {"closed": 3}                                        each of its lines has a result, or has certainly not been done

A batch is in doubt from its record to the next `closed` of it. Its record is on the disk before the first byte of the
request leaves; a `closed` is no earlier on the disk than the results that it speaks of. No headers are in it, so no
credentials. Two processes can't work with one journal at once.
"""

from __future__ import annotations

import os
import secrets
import sys
from pathlib import Path
from types import TracebackType
from typing import IO, Self

import msgspec
from msgspec import Struct

from ..client.actions import Style
from .actions import Batch
from .lines import Mark
from .results import NotOurs, append, whole_lines

VERSION = 1


class Head(Struct):
    """What all batches of a journal have in common."""

    journal: int
    url: str
    style: Style
    run: str
    """Makes the keys of this journal unlike all others."""


class Sent(Struct):
    """A batch that was about to be sent."""

    batch: int
    key: str
    lines: list[int]
    read: Mark
    at: float


class _Closed(Struct):
    closed: int


class _Record(Struct):
    """Any record but the first."""

    batch: int | None = None
    closed: int | None = None
    key: str = ""
    lines: list[int] = []
    read: Mark | None = None
    at: float = 0.0


class Journal:
    """The records of one run and of those that resume it. A context manager, which closes the file."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self._waiting: list[Struct] = []
        self.head: Head | None = None
        self.open: dict[int, Sent] = {}
        """The batches in doubt that an earlier run has left."""
        self.mark: Mark | None = None
        """How much of the input earlier runs have looked at."""
        self.last = 0
        """The highest number of a batch."""

    @classmethod
    def at(cls, path: Path) -> Journal:
        """The journal of this path, made if there is none, with what is in it. Raises `NotOurs`, `OSError`."""
        file = open(path, "a+b")  # noqa: SIM115  # closed by the journal
        try:
            _lock(file, path)
            journal = cls(file)
            journal._recall(path)
        except BaseException:
            file.close()
            raise
        return journal

    def _recall(self, path: Path) -> None:
        at = 0
        try:
            for at, line in enumerate(whole_lines(self._file), 1):
                if at == 1:
                    self.head = msgspec.json.decode(line, type=Head)
                else:
                    self._recall_record(msgspec.json.decode(line, type=_Record))
        except msgspec.DecodeError as error:
            raise NotOurs(f"{path}: record {at} is none of a journal: {error}") from None
        if self.head is not None and self.head.journal != VERSION:
            raise NotOurs(f"{path} is a journal of another version")

    def _recall_record(self, record: _Record) -> None:
        if record.closed is not None:
            self.open.pop(record.closed, None)
        elif record.batch is not None and record.read is not None:
            self.last = max(self.last, record.batch)
            self.mark = record.read
            self.open[record.batch] = Sent(record.batch, record.key, record.lines, record.read, record.at)

    def begin(self, url: str, style: Style) -> None:
        """Writes the first record, or holds the one that is there against these. Raises `NotOurs`."""
        if self.head is None:
            self.head = Head(VERSION, url, style, secrets.token_hex(12))
            self._waiting.append(self.head)
            self.sync()
        elif (self.head.url, self.head.style) != (url, style):
            raise NotOurs(f"the run to be resumed went to {self.head.url} in the style {self.head.style}")

    def sent(self, batch: Batch, mark: Mark) -> None:
        """Notes a batch that is about to be sent; `sync` before it is."""
        lines = [entry.line for entry in batch.entries]
        self._waiting.append(Sent(batch.number, batch.key, lines, mark, batch.at))

    def closed(self, number: int) -> None:
        """Notes that nothing of a batch is in doubt any more; its results must reach the file before this does."""
        self._waiting.append(_Closed(number))

    @property
    def waiting(self) -> bool:
        """Whether there are notes that `sync` would write."""
        return bool(self._waiting)

    def sync(self) -> None:
        """Brings the notes to the disk."""
        if self._waiting:
            append(self._file, b"".join(msgspec.json.encode(record) + b"\n" for record in self._waiting))
            os.fsync(self._file.fileno())
            self._waiting.clear()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()


if sys.platform == "win32":
    import msvcrt

    def _lock(file: IO[bytes], path: Path) -> None:
        try:
            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
        except OSError:
            raise NotOurs(f"{path}: another process is at work with it") from None

else:
    import fcntl

    def _lock(file: IO[bytes], path: Path) -> None:
        try:
            fcntl.flock(file.fileno(), fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise NotOurs(f"{path}: another process is at work with it") from None
