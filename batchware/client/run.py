"""What the two senders share: a course that is fed with actions, and told about as it goes.

Decides how far ahead actions are taken, as many as the next batches hold, so that a source of any length needs no more
memory than these; and when progress is told, each time that something has become known and before each wait.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypedDict

from .actions import Action
from .adapters import Broken, NotSent
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
    """One course, fed from `actions`."""

    def __init__(self, bounds: Bounds, actions: Iterable[Action], progress: Callable[[Progress], Any] | None) -> None:
        self.course = Course(bounds)
        self.outcomes: deque[Outcome] = deque()
        self._source = iter(actions)
        self._total = len(actions) if isinstance(actions, Sequence) else None
        self._progress = progress
        self._told: Progress | None = None
        self._fed = False

    @property
    def over(self) -> bool:
        """Whether nothing is left to do."""
        return self._fed and not self.course.in_flight and not self.course.queued

    def next(self, now: float) -> Sending | None:
        """The next batch to send, after as many actions were taken as there is room for."""
        for _ in range(self.course.room):
            action = next(self._source, None)
            if action is None:
                self._fed = True
                break
            self.course.add(action)
        sending = self.course.next(now)
        self._collect()
        return sending

    def landed(self, sending: Sending, came: Answer | BaseException, now: float) -> None:
        """What came of a batch that was sent. Raises what is no failure of the connection."""
        if isinstance(came, Answer):
            self.course.answered(sending, came, now)
        elif isinstance(came, NotSent | Broken):
            self.course.failed(sending, came, now, sent=isinstance(came, Broken))
        else:
            raise came
        self._collect()
        self.tell(now)

    def stop(self, error: BaseException) -> None:
        """Ends it; `outcomes` has what is known."""
        self._fed = True
        self.course.stop(error)
        self._collect()

    def tell(self, now: float) -> None:
        """Tells the progress, if there is anything new."""
        if self._progress is None:
            return
        counts, wait = self.course.counts, self.course.wait(now) or 0.0
        done, not_done, unknown = counts[State.DONE], counts[State.NOT_DONE], counts[State.UNKNOWN]
        progress = Progress(self._total, done, not_done, unknown, self.course.in_flight, wait)
        if progress != self._told:
            self._told = progress
            self._progress(progress)

    def _collect(self) -> None:
        self.outcomes += self.course.settled()


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
