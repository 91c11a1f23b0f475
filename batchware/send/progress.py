"""How far a run has come: a bar on a terminal where `rich` is installed, else a line of text now and then.

Decides what goes to standard error; results never do. The share is one of bytes, since lines are not counted ahead.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Mapping
from importlib.util import find_spec
from typing import Any, Protocol

from .results import NOT_DONE, UNKNOWN, Outcome

EVERY = 5.0  # seconds between two lines of text


def say(text: str) -> None:
    """One line to standard error."""
    sys.stderr.write(text + "\n")
    sys.stderr.flush()


def failed(counts: Mapping[Outcome, int]) -> int:
    """How many lines have a status of 400 or above, or have not been done."""
    return sum(
        n for outcome, n in counts.items() if outcome == NOT_DONE or (outcome != UNKNOWN and int(outcome) >= 400)
    )


def phrase(counts: Mapping[Outcome, int]) -> str:
    """All of it in a few words."""
    bad, unknown = failed(counts), counts.get(UNKNOWN, 0)
    count = sum(counts.values())
    text = f"{count:,} line{'' if count == 1 else 's'}"
    return text + (f", {bad:,} failed" if bad else "") + (f", {unknown:,} unknown" if unknown else "")


class Progress(Protocol):
    """Is told often, and shows it as often as is good."""

    def show(self, counts: Mapping[Outcome, int], position: int, waiting_for: str) -> None:
        """The results so far, the bytes of the input so far, and what nothing goes on for, if so."""
        ...

    def close(self) -> None:
        """Nothing more is shown."""
        ...


class Quiet:
    """Shows nothing."""

    def show(self, counts: Mapping[Outcome, int], position: int, waiting_for: str) -> None:
        """Nothing."""

    def close(self) -> None:
        """Nothing."""


class Lines:
    """A line every five seconds."""

    def __init__(self, total: int | None) -> None:
        self._total, self._next = total, time.monotonic() + EVERY

    def show(self, counts: Mapping[Outcome, int], position: int, waiting_for: str) -> None:
        """A line, if it is time for one."""
        now = time.monotonic()
        if now < self._next:
            return
        self._next = now + EVERY
        share = f"{min(position / self._total, 1.0):4.0%}  " if self._total else ""
        say(f"{share}{phrase(counts)}{'; waiting: ' if waiting_for else ''}{waiting_for}")

    def close(self) -> None:
        """Nothing is left open."""


class Bar:
    """A bar of `rich`, on a terminal."""

    def __init__(self, total: int | None) -> None:
        from rich.console import Console  # noqa: PLC0415  # an extra of its own
        from rich.markup import escape  # noqa: PLC0415  # as above
        from rich.progress import BarColumn, TextColumn, TimeElapsedColumn, TimeRemainingColumn  # noqa: PLC0415  # of an extra
        from rich.progress import Progress as RichProgress  # noqa: PLC0415  # as above

        columns: list[Any] = [BarColumn(bar_width=30), TimeElapsedColumn()]
        if total is not None:
            columns.insert(1, TimeRemainingColumn())
        columns.append(TextColumn("{task.description}"))
        self._escape = escape
        self._rich = RichProgress(*columns, console=Console(stderr=True), transient=True)
        self._task = self._rich.add_task("", total=total)
        self._total = total
        self._rich.start()

    def show(self, counts: Mapping[Outcome, int], position: int, waiting_for: str) -> None:
        """Hands the state on; `rich` draws ten times a second."""
        text = phrase(counts) + (f"; waiting: {waiting_for}" if waiting_for else "")
        done = position if self._total is None else min(position, self._total)
        self._rich.update(self._task, completed=done, description=self._escape(text))

    def close(self) -> None:
        """Takes the bar away."""
        self._rich.stop()


def progress(total: int | None, *, quiet: bool) -> Progress:
    """What fits here. `total` is the size of the input in bytes, where it has one."""
    if quiet:
        return Quiet()
    if sys.stderr.isatty() and find_spec("rich") is not None:
        return Bar(total)
    return Lines(total)
