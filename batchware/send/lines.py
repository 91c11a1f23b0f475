"""The input as numbered lines, read in pieces of a bounded size, with a digest of all that came before.

Decides what a line is (its number counts blank ones too, from 1; the last needs no line feed) and when one is too long
to be an action. The digest is what tells, when a run is resumed, whether the input is still the same.
"""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable, Iterator
from typing import Any

from msgspec import Struct

CHUNK = 1 << 16  # bytes asked of the input at once; a pipe gives what it has
WAIT = 0.2  # seconds for a thread that is in the middle of a line


class Line(Struct, gc=False):
    """One line that is not blank."""

    number: int
    text: bytes
    """Without the line feed and blanks around it; empty where it is too long."""
    too_long: bool
    end: int
    """Bytes of the input up to its end."""
    _digest: Any

    def digest(self) -> str:
        """SHA-256 of all lines up to this one, each with a line feed."""
        digest: str = self._digest.hexdigest()
        return digest


class Mark(Struct):
    """How much of the input has been looked at: so many lines, and their digest."""

    lines: int
    sha256: str


class End(Struct):
    """The input has ended, or could not be read any further: then `error` says why."""

    error: OSError | None = None


def lines(read: Callable[[int], bytes], longest: int) -> Iterator[Line]:
    """The lines of what `read` gives until it gives nothing; none is held that has more than `longest` bytes."""
    digest = hashlib.sha256()
    number = end = 0
    pending, too_long = b"", False
    while True:
        chunk = read(CHUNK)
        pieces = (pending + chunk).split(b"\n")
        pending = pieces.pop()
        if not chunk and (pending or too_long):
            pieces, pending = [pending], b""
        for piece in pieces:
            number += 1
            end += len(piece) + 1
            digest.update(piece)
            digest.update(b"\n")
            text = b"" if too_long or len(piece) > longest else piece.strip()
            if text or too_long or len(piece) > longest:
                yield Line(number, text, not text, end, digest.copy())
            too_long = False
        if len(pending) > longest:
            digest.update(pending)
            end += len(pending)
            pending, too_long = b"", True
        if not chunk:
            return


class Reader(threading.Thread):
    """Hands lines to `put` from a thread of its own, so that a slow pipe holds up nothing; `room` bounds how many."""

    def __init__(self, source: Iterator[Line], put: Callable[[Line | End], None], room: threading.Semaphore) -> None:
        super().__init__(name="batchware-send-input", daemon=True)
        self._source, self._put, self._room = source, put, room
        self._over = False

    def run(self) -> None:
        """Until the input ends."""
        try:
            for line in self._source:
                self._room.acquire()
                if self._over:
                    return
                self._put(line)
        except OSError as error:
            self._put(End(error))
        else:
            self._put(End())

    def end(self) -> None:
        """Ends it before the input has ended; where it waits for a pipe, it ends with the process."""
        self._over = True
        self._room.release()
        self.join(WAIT)
