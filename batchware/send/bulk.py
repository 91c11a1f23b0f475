"""One run, from the first line of the input to the last result.

One thread decides everything and writes all files; the threads of the connections only send and wait; another reads the
input. Decides what is on the disk before what: results before the note that nothing is in doubt about them, and that
note, with all that a batch needs to be looked at after a crash, before the batch is sent.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from queue import Empty, SimpleQueue
from typing import TypeAlias

from msgspec import Struct

from ..client.verdicts import Answer
from .actions import Batch, Contract, NotAnAction
from .connection import Broken, Connection, NotSent
from .journal import Journal
from .landing import Landing, Settings, Stopped
from .lines import End, Line, Mark, Reader
from .pending import Pending
from .progress import Progress, say
from .results import Results
from .resuming import Recall

LOOK = 1.0  # seconds after which the progress is shown again, whatever happens
AT_ONCE = 1000  # events that are taken in before anything is written


class _Landed(Struct):
    batch: Batch
    outcome: Answer | NotSent | Broken | Exception


_Event: TypeAlias = Line | End | _Landed | Stopped


class Bulk:
    """One run. `stop` may be called from a signal handler; all else belongs to the thread that calls `run`."""

    def __init__(
        self,
        settings: Settings,
        contract: Contract,
        *,
        results: Results,
        journal: Journal | None,
        connect: Callable[[], Connection],
        progress: Progress,
    ) -> None:
        self._parallel, self._contract, self._connect = settings.parallel, contract, connect
        self._results, self._journal, self._progress = results, journal, progress
        self._recall = Recall(journal, contract)
        self._events: SimpleQueue[_Event] = SimpleQueue()
        self._jobs: SimpleQueue[Batch | None] = SimpleQueue()
        self._room = threading.Semaphore(4 * settings.parallel * settings.max_actions)
        self._pending = Pending(
            settings.parallel,
            settings.max_actions,
            settings.max_body_bytes,
            key=self._recall.key,
            last=self._recall.last,
        )
        self._landing = Landing(settings, contract.style, pending=self._pending, results=results, journal=journal)
        self._flying = 0
        self._line: Line | None = None

    def stop(self, stopped: Stopped) -> None:
        """Lets what is under way land, sends nothing more, and ends the run."""
        self._events.put(stopped)

    def run(self, source: Iterator[Line]) -> Stopped | None:
        """Sends all lines; returns why it ended early, or None.

        Raises `Changed` where the input of a resumed run is another, `OSError` where a file can't be written.
        """
        for number in range(self._parallel):
            threading.Thread(target=self._work, name=f"batchware-send-{number}", daemon=True).start()
        reader = Reader(source, self._events.put, self._room)
        reader.start()
        try:
            while True:
                self._send(self._ready())
                if not self._flying and (self._landing.stopped or (self._pending.ended and not self._pending)):
                    return self._landing.stopped
                self._wait()
                self._progress.show(
                    self._results.counts, self._line.end if self._line else 0, self._landing.waiting_for
                )
        finally:
            reader.end()
            for _ in range(self._parallel):
                self._jobs.put(None)

    def _work(self) -> None:
        connection = self._connect()
        while (batch := self._jobs.get()) is not None:
            try:
                outcome: Answer | Exception = connection.post(batch.body(self._contract.style), batch.key)
            except Exception as error:  # noqa: BLE001  # what it means, the thread that decides says, or raises it again
                outcome = error
            self._events.put(_Landed(batch, outcome))
        connection.close()

    # --- what comes

    def _wait(self) -> None:
        """Takes in what has come, or waits for it until something is due."""
        now = time.monotonic()
        wait = LOOK
        if not self._landing.stopped and self._flying < self._landing.parallel:
            due = self._pending.due(self._flying)
            if due is not None:
                wait = min(wait, max(due, self._landing.pause_until) - now)
        try:
            self._take(self._events.get(timeout=max(wait, 0.001)))
            for _ in range(AT_ONCE):
                self._take(self._events.get_nowait())
        except Empty:
            pass

    def _take(self, event: _Event) -> None:
        if isinstance(event, Line):
            self._line = event
            self._take_line(event)
        elif isinstance(event, _Landed):
            self._flying -= 1
            if not isinstance(event.outcome, Answer | NotSent | Broken):
                raise event.outcome
            self._landing.landed(event.batch, event.outcome)
        elif isinstance(event, Stopped):
            self._landing.stop(event)
            if self._flying:
                say(f"{event.why}: waiting for what is under way; once more, and nothing is waited for")
        elif event.error is not None:
            self._landing.stop(Stopped(f"the input can't be read: {event.error}"))
        else:
            self._recall.end()
            self._pending.ended = True

    def _take_line(self, line: Line) -> None:
        if self._recall.pending:
            self._room.release()
            if self._recall.line(line, self._results):
                for batch in self._recall.batches(self._results):
                    self._landing.left_behind(batch)
                for new in self._recall.new:
                    self._accept(new)
        elif not self._accept(line):
            self._room.release()

    def _accept(self, line: Line) -> bool:
        """Whether there is something to send."""
        if line.number in self._results.done:  # written by an earlier run that sent nothing after it
            return False
        try:
            entry = self._contract.entry(line)
        except NotAnAction as error:
            self._results.not_done(line.number, str(error))
            return False
        self._pending.fresh(entry, time.monotonic())
        return True

    # --- what goes

    def _ready(self) -> list[Batch]:
        """The batches that may go now."""
        found: list[Batch] = []
        now = time.monotonic()
        if self._landing.stopped or self._recall.pending or now < self._landing.pause_until:
            return found
        if not self._flying and not self._pending.owing:
            self._landing.alive(now)
        while self._flying + len(found) < self._landing.parallel:
            batch = self._pending.next(now, self._flying + len(found), self._room.release)
            if batch is None:
                break
            found.append(batch)
        return found

    def _send(self, batches: list[Batch]) -> None:
        journal = self._journal
        if journal is None:
            self._results.flush()
        elif batches or journal.waiting:
            self._results.sync()
            for batch in batches:
                assert self._line is not None, "a batch has lines"
                batch.at = batch.at or time.time()
                journal.sent(batch, Mark(self._line.number, self._line.digest()))
            journal.sync()
        else:
            self._results.flush()
        for batch in batches:
            self._flying += 1
            self._jobs.put(batch)
