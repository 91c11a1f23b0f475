"""What becomes of a batch that has landed: which lines have a result now, which go again and when, which are given up.

What is decided here:

- a batch that did not run goes again, under the same key, when the server says or after a pause that grows;
- a batch in doubt goes again as it was where the server keeps keys; else its reads go again, its writes are unknown;
- an action that a limit of its own put off goes again in another batch, a few times;
- nothing waits for ever: without any progress for `max_wait` seconds, or with more batches lost in a row than are ever
  under way at once, the run stops, and can be resumed.
"""

from __future__ import annotations

import time
from collections.abc import Sequence

from msgspec import Struct

from ..client.actions import Action, Result, Style
from ..client.bounds import Window
from ..client.verdicts import Answer, Later, Lost, Refused, TooLarge, judge, seconds_of
from ..client.verdicts import Results as Answered
from .actions import Batch, Entry
from .connection import Broken, NotSent
from .journal import Journal
from .pending import Pending
from .results import Results

TRIES = 8  # of a batch in doubt, of an action that was put off, of one that the server is still at work on
LOST = 3  # batches without an answer in a row, beside those that were under way when the trouble began
LONGEST_PAUSE = 30.0
_SOME = Action("", "")  # results are told apart by their place here


class Settings(Struct, frozen=True):
    """How a run sends."""

    parallel: int = 4
    max_actions: int = 10
    max_body_bytes: int = 1 << 20
    idempotent: bool = False
    """Whether the server keeps keys, so that a write can be sent again under the key of before."""
    keys_kept: float = 86400.0
    """Seconds for which it does."""
    max_wait: float = 600.0
    """Seconds without any progress after which the run stops."""
    pause: float = 0.5
    """Seconds of the first pause after trouble; each further one is twice as long."""


class Stopped(Struct):
    """Why a run ends before all is done: a signal, or what the message says."""

    why: str
    signal: int = 0


class Landing:
    """Deals with what landed. Belongs to the thread that decides."""

    def __init__(
        self, settings: Settings, style: Style, *, pending: Pending, results: Results, journal: Journal | None
    ) -> None:
        self._settings = settings
        self._style: Style = style
        self._pending, self._results, self._journal = pending, results, journal
        self._window = Window(settings.parallel)
        self._trouble = self._lost = 0
        self._passed = False
        self._progress_at = time.monotonic()
        self.pause_until = 0.0
        """When something may be sent again, after trouble."""
        self.stopped: Stopped | None = None
        self.waiting_for = ""
        """What nothing goes on for at the moment, in words."""

    @property
    def parallel(self) -> int:
        """How many batches may be under way: one, to try whether the trouble is over, or what limits let through."""
        return 1 if self._trouble else self._window.size

    def alive(self, now: float) -> None:
        """Nothing is owed by the server, so that whatever time passes now is not its."""
        self._progress_at = now

    def stop(self, stopped: Stopped) -> None:
        """Ends the run once all has landed; the first reason counts."""
        self.stopped = self.stopped or stopped

    def landed(self, batch: Batch, outcome: Answer | NotSent | Broken) -> None:
        """Deals with one batch."""
        self.waiting_for = ""
        if isinstance(outcome, NotSent):
            self._unreachable(batch, f"the server can't be reached: {outcome}")
        elif isinstance(outcome, Broken):
            self._in_doubt(batch, f"no answer: {outcome}")
        else:
            self._judged(batch, outcome)

    def _judged(self, batch: Batch, answer: Answer) -> None:
        verdict = judge(answer, [_SOME] * len(batch.entries), self._style)
        if isinstance(verdict, Lost):
            if verdict.everything:
                self.stop(Stopped(f"this is no batch route: {verdict.error}"))
            self._in_doubt(batch, str(verdict.error))
            return
        self._trouble = self._lost = 0
        if isinstance(verdict, Answered):
            self._passed = True
            self._progress_at = time.monotonic()
            self._window.passed()
            self._answered(batch, verdict.results)
        elif isinstance(verdict, Later) and not verdict.never:
            self._window.refused()
            self._not_run(batch, verdict.seconds, str(verdict.error))
        elif isinstance(verdict, Refused) and (verdict.everything or not self._passed):
            self._close_unless_in_doubt(batch)
            self.stop(Stopped(f"the server refuses batches: {verdict.error}"))
        else:
            if isinstance(verdict, TooLarge) and verdict.actions is not None:
                self._pending.max_actions = min(self._pending.max_actions, verdict.actions)
            self._too_much(batch, str(verdict.error))

    def left_behind(self, batch: Batch) -> None:
        """A batch that an earlier run has sent, and has not seen the answer of."""
        if not batch.missing:
            self._close(batch)
        elif self._may_repeat(batch):
            self._pending.whole(batch, 0.0)
        else:
            self._give_up(batch, "the run was cut off after this was sent")

    def _answered(self, batch: Batch, results: Sequence[Result]) -> None:
        put_off: list[Entry] = []
        busy, longest = False, 0.0
        for entry, result in zip(batch.entries, results, strict=True):
            if entry.line not in batch.missing:
                continue
            wait = seconds_of(result.headers) if result.status in (409, 429, 503) else None
            later = wait is not None and wait <= self._settings.max_wait
            if result.status == 409 and batch.doubts and (later or batch.busy < TRIES):
                busy = True  # the request of before is still being worked on, very likely
                wait = self._settings.pause if wait is None else wait
            elif later and result.status != 409 and entry.tries < TRIES:
                entry.tries += 1
                put_off.append(entry)
            else:
                self._results.answered(entry.line, result)
                batch.missing.discard(entry.line)
                continue
            longest = max(longest, wait or 0.0)
        if not busy:
            self._close(batch)
            self._pending.again(put_off, time.monotonic() + longest)
        elif batch.busy < TRIES:
            batch.busy += 1
            self._pending.whole(batch, time.monotonic() + longest)
        else:
            self._give_up(batch, "the server was still at work on it when the batch came again")

    def _unreachable(self, batch: Batch, why: str) -> None:
        self._trouble += 1
        self.pause_until = time.monotonic() + self._pause()
        self._not_run(batch, None, why)

    def _not_run(self, batch: Batch, seconds: float | None, why: str) -> None:
        self._close_unless_in_doubt(batch)
        now = time.monotonic()
        wait = self._pause() if seconds is None else seconds
        self.waiting_for = why
        if now + wait - self._progress_at > self._settings.max_wait:
            self.stop(Stopped(f"nothing got through, and would not for {wait:.0f} s more: {why}"))
        self._pending.whole(batch, now + wait)

    def _too_much(self, batch: Batch, why: str) -> None:
        if batch.doubts:
            self._give_up(batch, f"no answer, and when the batch came again {why}")
            return
        if len(batch.entries) == 1:
            self._results.not_done(batch.entries[0].line, why)
        else:
            self._pending.halves(batch, time.monotonic())
        self._close(batch)

    def _in_doubt(self, batch: Batch, why: str) -> None:
        self.waiting_for = why
        batch.doubts += 1
        self._trouble += 1
        self.pause_until = time.monotonic() + self._pause()
        if self.pause_until - self._progress_at > self._settings.max_wait:
            self.stop(Stopped(f"nothing got through in time: {why}"))
        if batch.doubts < TRIES and self._may_repeat(batch):
            self._pending.whole(batch, 0.0)
            return
        self._lost += 1
        if self._lost >= self._settings.parallel + LOST:
            self.stop(Stopped(f"{self._lost} batches in a row have no answer: {why}"))
        self._give_up(batch, why)

    def _may_repeat(self, batch: Batch) -> bool:
        """Whether the whole batch can be sent again: the server knows the key, or there is nothing but reads."""
        if not any(entry.writes for entry in batch.entries):
            return True
        return self._settings.idempotent and time.time() - batch.at < self._settings.keys_kept

    def _give_up(self, batch: Batch, why: str) -> None:
        """Reports the writes of a batch in doubt; its reads harm nobody if they run again."""
        reads: list[Entry] = []
        for entry in batch.entries:
            if entry.line not in batch.missing:
                continue
            entry.tries += batch.doubts
            if entry.writes:
                self._results.unknown(entry.line, why)
            elif entry.tries >= TRIES:
                self._results.not_done(entry.line, why)
            else:
                reads.append(entry)
        self._close(batch)
        self._pending.again(reads, 0.0)

    def _close(self, batch: Batch) -> None:
        batch.at = 0.0
        if self._journal is not None:
            self._journal.closed(batch.number)

    def _close_unless_in_doubt(self, batch: Batch) -> None:
        """That a batch did not run this time says nothing about the time before."""
        if not batch.doubts:
            self._close(batch)

    def _pause(self) -> float:
        return min(self._settings.pause * 2.0 ** min(max(self._trouble - 1, 0), 10), LONGEST_PAUSE)
