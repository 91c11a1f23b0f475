"""The actions in the air: what to start, what has landed, what is overdue, whose place is free (C18, C26, C27, C42).

A `Flight` is a pure object that a driver steers: it is told the time and what happened, and never waits. It settles
every action exactly once, whatever comes first: a complete response, a failure, the time-out, or a limit on size. A
driver that runs actions on several threads calls it under a lock of the batch.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from math import inf

import msgspec
from msgspec import Struct

from .errors import BatchError, Refused, ResultTooLarge, TooSlow
from .limiter import Slot
from .logger import log
from .model import Action, Outcome, Parent, Pieces
from .nesting import Mark

HEADERS_ROOM = 4096
"""Bytes of an entry beside its body, seldom more than 300. Where it has more, hooks may be told of it as it came, and
it is a 502 all the same in an answer that is too large."""


class Record(Struct, eq=False):
    """One action of a batch with all that becomes of it. One list of records, never parallel lists of parts."""

    action: Action
    refusal: BatchError | None = None
    mark: Mark = msgspec.field(default_factory=Mark)
    outcome: Outcome | None = None
    result: Pieces = ()
    """Its entry of the answer, once that is written."""
    started: float = 0.0
    deadline: float = inf
    size: int = 0
    """Bytes of the response so far."""
    slots: Sequence[Slot] = ()
    """Of concurrency limits, held as long as its place (C39)."""
    holds: bool = False
    """Whether it still counts as in flight (C42)."""


class Flight:
    """All actions of one batch, from admission to the last landing.

    `timeout` is in seconds, and `now` in every call is a monotonic time in seconds. `write` turns an outcome into its
    entry of the answer, `failure` an error into the outcome that stands for it.
    """

    def __init__(
        self,
        records: Sequence[Record],
        parent: Parent,
        *,
        parallel: int | None,
        timeout: float | None,
        max_result_bytes: int,
        max_answer_bytes: int,
        write: Callable[[Action, Outcome], Pieces],
        failure: Callable[[BatchError], Outcome],
    ) -> None:
        self.records = records
        self.parent = parent
        self._parallel = parallel or len(records)
        self._timeout = timeout
        self._max_result_bytes = max_result_bytes
        self._max_answer_bytes = max_answer_bytes
        # Up to so many bytes nothing that JSON does to a body (six bytes for one, and headers beside) makes the answer
        # too large. Results are written in one go then, when all have landed: between two handlers, with nothing of it
        # in the processor's caches, each takes twice as long.
        self._at_ease = (max_answer_bytes - HEADERS_ROOM * len(records)) // 8
        self._write = write
        self._failure = failure
        self._bytes = 0  # of results that are written, and of responses that are still coming in
        self._open = len(records)
        self._unwritten: list[Record] = []  # settled, and not yet an entry of the answer
        self._waiting: deque[Record] = deque()
        self._flying: dict[int, Record] = {}  # in the order of their start, so the first is due first
        for record in records:
            if record.refusal is None:
                self._waiting.append(record)
            else:
                self._settle(record, failure(record.refusal))

    @property
    def done(self) -> bool:
        """Whether every action has its result."""
        return not self._open

    @property
    def timed(self) -> bool:
        """Whether actions can be overdue."""
        return self._timeout is not None

    @property
    def due(self) -> float | None:
        """When the next action is overdue, or None."""
        if self._timeout is None or not self._flying:
            return None
        return next(iter(self._flying.values())).deadline

    @property
    def can_start(self) -> bool:
        """Whether `ready` would give anything."""
        return bool(self._waiting) and len(self._flying) < self._parallel

    @property
    def calls(self) -> bool:
        """Whether there is something to do for whoever steers: all is done, or more can start."""
        return not self._open or (bool(self._waiting) and len(self._flying) < self._parallel)

    def ready(self, now: float) -> list[Record]:
        """The actions to start now, at most `parallel` in the air at once (C18)."""
        waiting, flying = self._waiting, self._flying
        started = [waiting.popleft() for _ in range(min(len(waiting), self._parallel - len(flying)))]
        deadline = inf if self._timeout is None else now + self._timeout
        for record in started:
            record.started, record.deadline, record.holds = now, deadline, True
            flying[record.action.index] = record
        return started

    def grow(self, record: Record, size: int) -> BatchError | None:
        """Count `size` more bytes of a response; the error if that is too many, or no more is wanted (C26)."""
        if record.outcome is not None:
            return record.outcome.error
        record.size += size
        self._bytes += size
        if record.size > self._max_result_bytes:
            return ResultTooLarge("A response in a batch", self._max_result_bytes)
        if self._bytes > self._max_answer_bytes:
            return ResultTooLarge("The answer of a batch", self._max_answer_bytes)
        return None

    def land(self, record: Record, outcome: Outcome) -> bool:
        """A complete response. True if the action's place is free with it; False if it was settled before."""
        if record.outcome is not None:
            return False
        self._settle(record, outcome)
        return self.ended(record)

    def fail(self, record: Record, error: BatchError, now: float) -> bool:
        """A failure in the place of a response. Its place stays taken until `ended`. False if settled before."""
        if record.outcome is not None:
            return False
        seconds = max(0.0, now - record.started)
        self._settle(record, msgspec.structs.replace(self._failure(error), seconds=seconds))
        return True

    def overdue(self, now: float) -> list[Record]:
        """The actions whose time is up, settled as 504; their tasks or threads may still run (C26)."""
        if self._timeout is None:
            return []
        late = [record for record in self._flying.values() if record.deadline <= now]
        for record in late:
            self.fail(record, TooSlow(self._timeout), now)
        return late

    def abandon(self) -> list[Record]:
        """Start nothing more. The actions that were admitted and will never run; what they hold is free."""
        waiting = list(self._waiting)
        self._waiting.clear()
        return waiting

    def ended(self, record: Record) -> bool:
        """Its task or thread is over, or nothing of it counts any more. True if that frees its place, once."""
        held, record.holds = record.holds, False
        return held

    def results(self) -> list[Pieces]:
        """The entries of the answer, in the order of the actions (C19)."""
        self._write_settled()
        return [record.result for record in self.records]

    def outcomes(self) -> list[Outcome]:
        """What became of the actions, in their order."""
        return [record.outcome for record in self.records if record.outcome is not None]

    def _settle(self, record: Record, outcome: Outcome) -> None:
        if record.mark.refused is not None:  # `not_batchable` spoke; whatever the host made of it is no answer
            refusal = Refused.at(record.action.index, "relative_path", record.mark.refused)
            log.debug("refused actions[%d]: its endpoint is not_batchable", record.action.index)
            outcome = self._failure(refusal)
        record.outcome = outcome
        self._unwritten.append(record)
        if self._bytes > self._at_ease:
            self._write_settled()
        self._flying.pop(record.action.index, None)
        self._open -= 1

    def _write_settled(self) -> None:
        """Write the results that are not written yet, and count them instead of their bytes (C26)."""
        unwritten, self._unwritten = self._unwritten, []
        for record in unwritten:
            outcome = record.outcome
            assert outcome is not None, "it was settled with one"
            result = self._write(record.action, outcome)
            size = sum(map(len, result))
            self._bytes += size - record.size
            if self._bytes > self._max_answer_bytes and outcome.error is None:
                record.outcome = self._failure(ResultTooLarge("The answer of a batch", self._max_answer_bytes))
                result = self._write(record.action, record.outcome)
                self._bytes += sum(map(len, result)) - size
            record.result = result
