"""The course of many actions through many batches: what to send next, and what each answer means for each action.

No I/O, no clock, no thread. Whoever drives it asks `next` for a batch to send, tells it what came (`answered`) or that
nothing came (`failed`), and takes the outcomes from `settled`; each action gets exactly one.

What is decided here is when an action may be sent again. It may where nothing ran: the connection was refused, or the
server refused the batch. Where the answer got lost, a read may at any time; a write only in a batch with a key, and
then only in that very batch, since the server makes each action's key out of the batch's and the action's place in it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from itertools import count

from .actions import Action, ActionFailed, ClientError, Result
from .bounds import Bounds, Window, backoff
from .outcomes import Outcome, State
from .verdicts import Answer, Later, Lost, Refused, Results, TooLarge, judge, seconds_of
from .waiting import Entry, Sending, Waiting

_HOPELESS = 3  # single actions that are refused before any batch has passed: it is not the actions, then


class Course:
    """Any number of actions, added at any time. Courses with one `idempotency_key` share the `serials` of its keys."""

    def __init__(self, bounds: Bounds | None = None, serials: Iterator[int] | None = None) -> None:
        self.bounds = bounds or Bounds()
        self.counts: Counter[State] = Counter()
        """How many actions are settled, by state."""
        self.total = 0
        """How many actions were added."""
        self.waited = 0.0
        """Seconds of waiting that were asked for so far."""
        self._waiting = Waiting(self.bounds, serials or count(1))
        self._window = Window(self.bounds.parallel)
        self._flying: set[Sending] = set()
        self._settled: list[Outcome] = []
        self._resumes_at = float("-inf")
        self._failures = self._hopeless = 0
        self._passed = False
        self._over: BaseException | None = None

    # --- what goes in and out

    def add(self, action: Action) -> int:
        """Queues an action and returns its index. Raises `ValueError` for one that can't stand in a batch."""
        entry = self._entry(action)
        if self._over is None:
            self._waiting.append(entry)
        else:
            self._settle(entry, self._over)
        return entry.index

    def add_batch(self, actions: Iterable[Action], key: str) -> list[int]:
        """Queues a batch that was sent before with `key`, perhaps by another process, and whose answer got lost."""
        sending = self._waiting.batch([self._entry(action) for action in actions], key)
        sending.lost = True
        for entry in sending.entries:
            entry.uncertain = True
        if sending.entries:
            self._retry(sending, None)
        return sending.indexes

    def settled(self) -> list[Outcome]:
        """The outcomes since the last call, in the order in which they came."""
        outcomes, self._settled = self._settled, []
        return outcomes

    @property
    def in_flight(self) -> int:
        """Batches that were sent and have no answer yet."""
        return len(self._flying)

    @property
    def queued(self) -> int:
        """Actions that wait to be sent, for the first time or again."""
        return len(self._waiting)

    @property
    def room(self) -> int:
        """How many actions should be added, if there are any, before `next` is asked: full batches for all places."""
        return max(0, self._window.size * self._waiting.max_actions - self.queued)

    # --- what happens next

    def next(self, now: float) -> Sending | None:
        """The next batch to send, which counts as sent from here on; None if there is none now (`wait` says why)."""
        if self._over is not None or len(self._flying) >= self._window.size or now < self._resumes_at:
            return None
        sending = self._waiting.take(now)
        if sending is not None:
            for entry in sending.entries:
                entry.attempts += 1
            self._flying.add(sending)
        return sending

    def wait(self, now: float) -> float | None:
        """Seconds until `next` has something, 0.0 for now; None where only an answer, or nothing at all, can help."""
        due = self._waiting.due(now)
        if due is None or len(self._flying) >= self._window.size:
            return None
        return max(0.0, due - now, self._resumes_at - now)

    def answered(self, sending: Sending, answer: Answer, now: float) -> None:
        """An answer came."""
        if sending not in self._flying:
            return
        self._flying.remove(sending)
        verdict = judge(answer, sending.actions, self.bounds.style)
        if not isinstance(verdict, Lost):
            self._failures = 0
        match verdict:
            case Results(results):
                self._passed = True
                self._window.passed()
                for entry, result in zip(sending.entries, results, strict=True):
                    self._take(entry, result, now)
            case Later():
                self._come_later(sending, verdict, now)
            case TooLarge():
                self._shrink(sending, verdict)
            case Refused(error, everything):
                if everything:
                    self.end(error)
                self._take_apart(sending, error)
            case Lost(error, everything):
                self._lose(sending, error, now)
                if everything:
                    self.end(error)

    def failed(self, sending: Sending, error: BaseException, now: float, *, sent: bool) -> None:
        """No answer came. `sent` False: it is known that the batch didn't reach the server."""
        if sending not in self._flying:
            return
        self._flying.remove(sending)
        if sent:
            self._lose(sending, error, now)
        else:
            self._retry(sending, error)
            self._back_off(error, now)

    def stop(self, error: BaseException) -> None:
        """Ends it all: what is in the air counts as lost, what was not sent as not done."""
        self.end(error)
        flying, self._flying = self._flying, set()
        for sending in flying:
            for entry in sending.entries:
                entry.uncertain = True
            self._settle_all(sending.entries, error)

    # --- what an answer means

    def _take(self, entry: Entry, result: Result, now: float) -> None:
        """A result: its action is done, unless the host tells it to come later, and it may."""
        later = result.status == 429 or (result.status == 503 and entry.action.reads)
        if later and entry.uncertain and not entry.action.reads:
            # Whatever counts may stand before whatever knows keys, and the first time it may have let the action pass.
            self._settle(entry, ActionFailed(result))
            return
        entry.uncertain, entry.last = False, result
        seconds = seconds_of(result.headers) if later else None
        if seconds is not None and self._over is None and entry.attempts < self.bounds.attempts:
            seconds = max(seconds, backoff(entry.attempts))
            entry.waited += seconds
            if entry.waited <= self.bounds.max_wait:
                self._waiting.later(entry, now + seconds)
                return
        self._settle(entry, None)

    def _come_later(self, sending: Sending, verdict: Later, now: float) -> None:
        self._window.refused()
        several = len(sending.entries) > 1
        if verdict.never and not several:
            self._settle_all(sending.entries, verdict.error)
            return
        if verdict.seconds is None and several and not sending.bound:
            self._halve(sending)  # without a time it may be the size that never fits
        else:
            self._retry(sending, verdict.error)
        seconds = backoff(sending.attempts) if verdict.seconds is None else verdict.seconds
        self._pause(max(seconds, backoff(1)), verdict.error, now)

    def _shrink(self, sending: Sending, verdict: TooLarge) -> None:
        waiting, count, size = self._waiting, len(sending.entries), len(sending.body)
        if count == 1 or sending.bound:
            self._give_up(sending, verdict.error)
            return
        if verdict.actions is not None:
            told = verdict.actions if verdict.actions < count else count // 2
            waiting.max_actions = min(waiting.max_actions, told)
        else:
            half = len(waiting.batch(sending.entries[: (count + 1) // 2], None).body)
            told = verdict.size if verdict.size is not None and verdict.size < size else half
            waiting.max_bytes = min(waiting.max_bytes, told)
        self._put_back(sending.entries)

    def _take_apart(self, sending: Sending, error: ClientError) -> None:
        """Refused as a whole, perhaps for one of its actions: halves show for which."""
        if len(sending.entries) > 1 and not sending.bound:
            self._halve(sending)
            return
        self._give_up(sending, error)
        self._hopeless += 1
        if not self._passed and self._hopeless >= _HOPELESS:
            self.end(error)

    def _lose(self, sending: Sending, error: BaseException, now: float) -> None:
        """The answer got lost, and any of it may have run."""
        sending.lost = True
        for entry in sending.entries:
            entry.uncertain = True
        if sending.key is not None:
            self._retry(sending, error)
        else:
            self._settle_all(sending.writes, error)
            self._put_back(self._with_attempts_left(sending.reads, error))
        self._back_off(error, now)

    # --- what becomes of a batch

    def _retry(self, sending: Sending, error: BaseException | None) -> None:
        """The same once more, as soon as something may be sent."""
        if self._over is None and sending.attempts < self.bounds.attempts:
            self._waiting.again(sending)
        else:
            self._settle_all(sending.entries, self._over or error)

    def _put_back(self, entries: Sequence[Entry]) -> None:
        if self._over is None:
            self._waiting.put_back(entries)
        else:
            self._settle_all(entries, self._over)

    def _halve(self, sending: Sending) -> None:
        if self._over is None:
            self._waiting.halve(sending)
        else:
            self._settle_all(sending.entries, self._over)

    def _give_up(self, sending: Sending, error: BaseException) -> None:
        """It will never pass as it is. What is bound to its key may have run; its reads can go in other batches."""
        if sending.bound and sending.reads:
            self._settle_all(sending.writes, error)
            self._put_back(self._with_attempts_left(sending.reads, error))
        else:
            self._settle_all(sending.entries, error)

    def _with_attempts_left(self, entries: Iterable[Entry], error: BaseException) -> list[Entry]:
        left: list[Entry] = []
        for entry in entries:
            if entry.attempts < self.bounds.attempts:
                left.append(entry)
            else:
                self._settle(entry, error)
        return left

    def _entry(self, action: Action) -> Entry:
        entry = Entry(self.total, action, action.write())
        self.total += 1
        return entry

    # --- waiting and ending

    def _back_off(self, error: BaseException, now: float) -> None:
        """A failure: several that fall into one pause are one."""
        if now < self._resumes_at:
            return
        self._failures += 1
        if self._failures >= self.bounds.attempts:
            self.end(error)
        else:
            self._pause(backoff(self._failures), error, now)

    def _pause(self, seconds: float, error: BaseException, now: float) -> None:
        """Nothing is sent for so long; where that is more than may be waited, nothing at all."""
        more = now + seconds - max(now, self._resumes_at)
        if self.waited + more > self.bounds.max_wait:
            self.end(error)
        elif more > 0:
            self.waited += more
            self._resumes_at = now + seconds

    def end(self, error: BaseException) -> None:
        """Nothing more is sent; what is in the air may still land."""
        if self._over is None:
            self._over = error
            self._settle_all(self._waiting.clear(), error)

    def _settle_all(self, entries: Iterable[Entry], error: BaseException | None) -> None:
        for entry in entries:
            self._settle(entry, error)

    def _settle(self, entry: Entry, error: BaseException | None) -> None:
        outcome = Outcome.of(entry.index, entry.action, entry.last, error, uncertain=entry.uncertain)
        self.counts[outcome.state] += 1
        self._settled.append(outcome)
