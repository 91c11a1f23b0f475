"""What the two senders share: a course that is fed with actions, and told about as it goes.

Decides how far ahead actions are taken, as many as the next batches hold, so that a source of any length needs no more
memory than these; and when progress is told: in the thread that sends, whenever there is something new.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypedDict

from .actions import Action
from .adapters import Broken, Misused, NotSent
from .bounds import Bounds
from .course import Course
from .outcomes import Outcome, Report, State
from .verdicts import Answer
from .waiting import Sending


@dataclass(frozen=True, slots=True)
class Progress:
    """How far it is."""

    total: int | None
    """Actions in all; None where they come from a source without a length."""
    done: int
    not_done: int
    unknown: int
    in_flight: int
    """Batches that wait for their answer."""
    wait: float
    """Seconds for which nothing will be sent from now on, because the server said so, or didn't answer."""

    @property
    def settled(self) -> int:
        """Actions of which it is known what became of them, or that it can't be known."""
        return self.done + self.not_done + self.unknown


class Options(TypedDict, total=False):
    """The options of both senders beside the client and the URL; `Bounds` explains those that are its own."""

    max_actions: int
    max_bytes: int
    parallel: int
    attempts: int
    max_wait: float
    idempotency_key: str | None
    style: Literal["asana", "plain"]


class Run:
    """One course, fed from `actions`. Batches may land from any thread; all else is for the one that sends.

    `serials` number the keys of its batches, over all runs of a sender. `known`, where it is given, gets every outcome
    as soon as it is known, in the thread in which its batch landed.
    """

    def __init__(
        self,
        bounds: Bounds,
        serials: Iterator[int],
        actions: Iterable[Action],
        progress: Callable[[Progress], Any] | None,
        known: list[Outcome] | None = None,
    ) -> None:
        self.bounds = bounds
        self.outcomes: deque[Outcome] = deque()
        self._course, self._lock = Course(bounds, serials), threading.Lock()
        self._source = iter(actions)
        self._total = len(actions) if isinstance(actions, Sequence) else None
        self._progress = progress
        self._told: Progress | None = None
        self._known = known
        self._fed = False
        self._error: BaseException | None = None

    @property
    def over(self) -> bool:
        """Whether nothing is left to do."""
        with self._lock:
            return self._fed and not self._course.in_flight and not self._course.queued

    @property
    def taken(self) -> int:
        """How many actions were taken so far."""
        return self._course.total

    def next(self, now: float) -> Sending | None:
        """The next batch to send, if there is one now, after as many actions were taken as there is room for."""
        for _ in range(self._course.room):
            action = next(self._source, None)
            if action is None:
                self._fed = True
                break
            with self._lock:
                self._course.add(action)
        with self._lock:
            sending = self._course.next(now)
            self._collect()
        return sending

    def wait(self, now: float) -> float | None:
        """Seconds until `next` has something; None where only a batch that lands can help."""
        with self._lock:
            return self._course.wait(now)

    def landed(self, sending: Sending, came: Answer | BaseException, now: float) -> None:
        """What came of a batch that was sent. What is no failure of the connection ends it, for `check`."""
        with self._lock:
            if isinstance(came, Answer):
                self._course.answered(sending, came, now)
            else:
                known = isinstance(came, NotSent | Broken)
                if isinstance(came, Misused) or not known:
                    self._course.end(came)
                self._course.failed(sending, came, now, sent=not isinstance(came, NotSent))
                self._error = self._error or (None if known else came)
            self._collect()

    def check(self, now: float) -> None:
        """Tells the progress, if there is anything new, and raises what a client has raised that it should not."""
        if self._error is not None:
            error, self._error = self._error, None
            raise error
        if self._progress is None:
            return
        with self._lock:
            counts, wait, in_flight = self._course.counts.copy(), self._course.wait(now), self._course.in_flight
        done, not_done, unknown = counts[State.DONE], counts[State.NOT_DONE], counts[State.UNKNOWN]
        progress = Progress(self._total, done, not_done, unknown, in_flight, wait or 0.0)
        if progress != self._told:
            self._told = progress
            self._progress(progress)

    def end(self, error: BaseException) -> None:
        """Sends nothing more; what is in the air may still land."""
        self._fed = True
        with self._lock:
            self._course.end(error)
            self._collect()

    def stop(self, error: BaseException) -> None:
        """Ends it; `outcomes` has what is known."""
        self._fed = True
        with self._lock:
            self._course.stop(error)
            self._collect()

    def _collect(self) -> None:
        settled = self._course.settled()
        self.outcomes += settled
        if self._known is not None:
            self._known += settled


def full_report(
    actions: Sequence[Action], outcomes: Iterable[Outcome], taken: int, why: BaseException | None
) -> Report:
    """The report of all `actions`, of which `taken` were taken before something interrupted it: the `why`.

    An interruption can come at any place. Where it cost an outcome, that is unknown.
    """
    found = {outcome.index: outcome for outcome in outcomes}
    return Report(
        [
            found.get(index) or Outcome.of(index, action, None, why, uncertain=index < taken)
            for index, action in enumerate(actions)
        ]
    )
