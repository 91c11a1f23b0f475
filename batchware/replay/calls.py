"""Actions as calls of a WSGI application: one call with all that PEP 3333 allows, and the batch that shares them.

A result is complete when the iterable is exhausted (C27); `close()` comes after that, in the thread and the context
that ran the action. For actions that the calling thread ran, it comes in the `close()` of the batch answer, so that
the host's work after a response (database connections, deferred tasks) does not hold the answer.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from contextvars import Context, copy_context
from typing import Any, TypeAlias

from ..contract.errors import BatchError, HandlerFailed
from ..contract.flight import Flight, Record
from ..contract.hooks import BatchHooks
from ..contract.limiter import Slot
from ..contract.logger import log
from ..contract.model import Action, Outcome
from ..contract.nesting import Mark, current
from .around import Around, log_cut, log_failure, log_late
from .responses import InvalidResponse, checked_headers, checked_status
from .threads import Helpers

Environ: TypeAlias = dict[str, Any]
App: TypeAlias = Callable[[Environ, Any], Iterable[bytes]]
Free: TypeAlias = Callable[[int, Sequence[Slot]], None]
BuildEnviron: TypeAlias = Callable[[Action, Mark], Environ]
Close: TypeAlias = Callable[[], object]


class CallReplay:
    """Steers one `Flight` on the calling thread and its helpers. The flight is only touched under `_lock`."""

    def __init__(
        self,
        app: App,
        flight: Flight,
        build: BuildEnviron,
        helpers: Helpers,
        *,
        free: Free = lambda places, slots: None,
        hooks: Sequence[BatchHooks] = (),
    ) -> None:
        self.app = app
        self.flight = flight
        self.hooks = hooks
        self.interrupt: KeyboardInterrupt | None = None
        self.build = build
        self._helpers = helpers
        self._free = free
        self._lock = threading.Lock()
        self._caller = threading.get_ident()
        self._context = copy_context()
        self._started: deque[Record] = deque()
        self._never: list[Record] = []
        self._running = 0
        self._freeing = 0  # complete actions whose slots are being given back
        self._wake_up = threading.Event()
        self._closing: list[tuple[Context, Close]] = []

    def fly(self) -> None:
        """Until every action has its result."""
        shared = self.flight.timed or len(self.flight.records) > 1
        helped = shared and self._helpers.offer(self)
        alone = not (self.flight.timed and helped)  # a thread can't time itself out, so then it only waits
        while True:
            self._wake_up.clear()
            self._settle_overdue()
            if alone and (record := self._take()):
                self._run(record)
                continue
            with self._lock:
                if self.flight.done and not self._freeing:
                    break  # so a client that has its answer finds the slots free (C39)
                if not alone:  # their time runs, whether or not a helper has come to them
                    self._started.extend(self.flight.ready(time.monotonic()))
                due = self.flight.due
                more = bool(self._started) or self.flight.can_start
            if more and not alone and not self._helpers.offer(self):
                alone = True  # they were closed meanwhile
                continue
            try:
                self._wake_up.wait(None if due is None else max(0.0, due - time.monotonic()))
            except KeyboardInterrupt as interrupt:
                if self.interrupt is not None:  # asked for twice: what runs is left to its threads
                    self._abandon()
                    raise
                self.interrupt = interrupt
        self._abandon()

    def help(self) -> None:
        """One action in a helper's thread, after the next helper has been woken."""
        record = self._take()
        if record is not None:
            if (self._started or self.flight.can_start) and not self._helpers.offer(self):
                self._wake_up.set()  # closed meanwhile; the caller goes on alone
            self._run(record)

    def close(self) -> None:
        """`close()` of the responses that the calling thread took in, each in its context, all of them (C27)."""
        for context, close in self._closing:
            try:
                context.run(close)
            except KeyboardInterrupt as interrupt:
                self.interrupt = interrupt
            except BaseException:  # SystemExit too: one host's clean-up must not keep another from its own
                log.exception("close() of a response in a batch raised")
        self._closing = []  # until here a helper that ends voids no mark
        if not self._running:
            self._void_marks()

    def _take(self) -> Record | None:
        with self._lock:
            now = time.monotonic()
            self._started.extend(self.flight.ready(now))
            while self._started:
                record = self._started.popleft()
                if record.outcome is None:
                    record.started = now
                    self._running += 1
                    return record
                self._never.append(record)  # overdue before any thread was free for it
        return None

    def _abandon(self) -> None:
        """Give back what actions hold that will never run."""
        with self._lock:
            never = [*self._never, *self._started, *self.flight.abandon()]
            self._never.clear()
            self._started.clear()
        for record in never:
            self._free(1, record.slots)

    def _settle_overdue(self) -> None:
        with self._lock:
            late = self.flight.overdue(time.monotonic())
        for record in late:
            log_cut(record)

    def _run(self, record: Record) -> None:
        context = self._context.copy()
        close = context.run(_Call(self, record).run)
        if close is not None:
            if threading.get_ident() == self._caller:
                self._closing.append((context, close))
            else:
                try:
                    context.run(close)
                except BaseException:
                    log.exception("close() of a response in a batch raised")
        with self._lock:
            free = self.flight.ended(record)
            self._running -= 1
            ended = self.flight.done and not self._running
        if free:
            self._free(1, record.slots)
        if ended and not self._closing:
            self._void_marks()

    def _void_marks(self) -> None:
        for record in self.flight.records:
            record.mark.live = False

    def grow(self, record: Record, size: int) -> BatchError | None:
        """Count bytes of a response; the error if that is too many, or the answer does not want them any more."""
        with self._lock:
            return self.flight.grow(record, size)

    def land(self, record: Record, outcome: Outcome) -> None:
        """A complete response."""
        with self._lock:
            free = self.flight.land(record, outcome)
            slots = record.slots if free else ()
            if slots:
                self._freeing += 1
            more = self._look()
        try:
            if free:
                self._free(1, slots)  # never under the lock: a limiter may be far away
        finally:  # also where Ctrl-C ends it: the caller waits for this
            if slots:
                with self._lock:
                    self._freeing -= 1
                    if self.flight.done and not self._freeing:
                        self._wake_up.set()
        if more:
            self._helpers.offer(self)

    def fail(self, record: Record, error: BatchError) -> None:
        """No complete response."""
        with self._lock:
            self.flight.fail(record, error, time.monotonic())
            more = self._look()
        if more:
            self._helpers.offer(self)

    def _look(self) -> bool:
        """Wake the caller; True where `parallel` has room again, and the caller may be busy with an action."""
        if not self.flight.calls:
            return False
        self._wake_up.set()
        return not self.flight.done


class _Call:
    """One call of the application."""

    __slots__ = ("_chunks", "_headers", "_record", "_replay", "_status")

    def __init__(self, replay: CallReplay, record: Record) -> None:
        self._replay = replay
        self._record = record
        self._status: int | None = None
        self._headers: list[tuple[str, str]] = []
        self._chunks: list[bytes] = []

    def run(self) -> Close | None:
        """The call up to its result. It never raises; what it returns is to be called afterwards."""
        replay, record = self._replay, self._record
        current.set(record.mark)  # in a context of its own
        around = Around(replay.hooks, record.action, replay.flight.parent) if replay.hooks else None
        raised: BaseException | None = None
        close: Close | None = None
        try:
            iterable = replay.app(replay.build(record.action, record.mark), self.start_response)
            close = getattr(iterable, "close", None)
            for chunk in iterable:
                if not self._take(chunk):  # the rest is not wanted any more
                    break
            else:
                self._land()
        except BaseException as error:  # noqa: BLE001  # it is the action's alone (C26)
            raised = error
            if isinstance(error, KeyboardInterrupt) and threading.get_ident() == replay._caller:
                replay.interrupt = error
        if record.outcome is None:
            if record.mark.refused is None:
                log_failure(record.action, raised)
            replay.fail(record, HandlerFailed())
        elif raised is not None and record.outcome.error is None:
            log_late(record.action, raised)
        if around is not None:
            around.tell(record.outcome)  # type: ignore[arg-type]  # it has one by now
            around.leave(raised)
        return close

    def start_response(
        self, status: str, headers: list[tuple[str, str]], exc_info: Any = None
    ) -> Callable[[bytes], None]:
        """PEP 3333's `start_response`: once, or again with `exc_info` while nothing of the body has come."""
        try:
            if exc_info is not None and self._chunks:
                raise exc_info[1].with_traceback(exc_info[2])
            if exc_info is None and self._status is not None:
                raise AssertionError("start_response was called twice")
        finally:
            exc_info = None
        code = status[:3]
        if not (code.isascii() and code.isdecimal()) or status[3:4] not in ("", " "):
            raise InvalidResponse(f"{status!r} is no status line")
        checked = checked_headers(headers)
        self._status, self._headers = checked_status(int(code)), checked
        return self.write

    def write(self, chunk: bytes) -> None:
        """PEP 3333's `write`, the old way of sending a body."""
        if not self._take(chunk):
            raise OSError("the batch takes no more of this response")

    def _take(self, chunk: bytes) -> bool:
        if not isinstance(chunk, bytes):
            raise InvalidResponse(f"the body of a response is bytes, not {type(chunk).__name__}")
        if self._status is None:
            raise InvalidResponse("the body of a response came before start_response was called")
        if self._record.outcome is not None:
            return False
        if chunk:
            self._chunks.append(chunk)
            if error := self._replay.grow(self._record, len(chunk)):
                self._replay.fail(self._record, error)
                log_cut(self._record)
                return False
        return True

    def _land(self) -> None:
        if self._status is None:
            raise InvalidResponse("start_response was never called")
        body = self._chunks[0] if len(self._chunks) == 1 else b"".join(self._chunks)
        seconds = time.monotonic() - self._record.started
        self._replay.land(self._record, Outcome(self._status, self._headers, body, None, seconds))
