"""One action on the event loop: its task, its `receive` and its `send`.

What the servers and frameworks taught, each rule with its cost when broken:

- A child waits in `receive` on a future of its own until its response is complete or the client is gone, and then gets
  `http.disconnect`: Quart returns only then, and Django, given it early, sends nothing at all (C28).
- A response is complete when its body is (C27); background work goes on in the task.
- No exception leaves a child's task, `SystemExit` least of all: it would leave the event loop (C26).
- An action that is to end and listens for `http.disconnect` gets that first, and is cancelled if it stays: Django ends
  its view then, but cancelled from outside it leaves the view running in a task that nobody holds (C26).
- A stream is stopped by cancelling the task that `run` began in, and by `OSError` on a further `send`: some frameworks
  send from another task, and a disconnect alone stops neither Starlette nor Falcon.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, MutableMapping, Sequence
from typing import Any, Protocol, TypeAlias

from ..contract.errors import BatchError, HandlerFailed
from ..contract.flight import Flight, Record
from ..contract.hooks import BatchHooks
from ..contract.limiter import Slot
from ..contract.model import Action, Outcome
from ..contract.nesting import Mark, current
from .around import Around, log_cut, log_failure, log_late
from .responses import checked_fields, checked_status

Message: TypeAlias = MutableMapping[str, Any]
Receive: TypeAlias = Callable[[], Awaitable[Message]]
Send: TypeAlias = Callable[[Message], Awaitable[None]]

Scope: TypeAlias = MutableMapping[str, Any]
App: TypeAlias = Callable[[Scope, Receive, Send], Awaitable[None]]
BuildScope: TypeAlias = Callable[[Action, Mark], Scope]
Free: TypeAlias = Callable[[int, Sequence[Slot]], None]

GRACE = 0.25  # seconds that an action which listens for its disconnect has to end by itself, and clean up


class Coordinator(Protocol):
    """What a child asks of the batch that it belongs to."""

    app: App
    flight: Flight
    hooks: Sequence[BatchHooks]
    loop: asyncio.AbstractEventLoop
    client_gone: bool
    interrupt: KeyboardInterrupt | None
    free: Free
    """Called with places (C42) and slots (C39) that an ended action held."""

    def wake(self) -> None:
        """There is something to decide."""

    def watch_client(self) -> None:
        """Somebody waits for the client's going away."""


class Child:
    """One action: its task, its `receive` and its `send`."""

    __slots__ = (
        "_around", "_asked", "_chunks", "_headers", "_replay", "_scope", "_status", "_stopped", "_waiting",
        "begun", "record", "task",
    )  # fmt: skip

    def __init__(self, replay: Coordinator, record: Record, scope: Scope) -> None:
        self.record = record
        self._scope = scope
        self.task: asyncio.Task[Any] | None = None
        self.begun = False
        self._replay = replay
        self._around: Around | None = None
        self._asked = False
        self._status: int | None = None
        self._headers: list[tuple[str, str]] = []
        self._chunks: list[bytes] = []
        self._stopped = False
        self._waiting: list[asyncio.Future[None]] = []

    async def run(self) -> None:
        """The body of the action's task. It never raises."""
        replay, record, raised = self._replay, self.record, None
        self.begun = True
        if self.task is None:  # an eager task is not known to whoever starts it before its first wait
            self.task = asyncio.current_task()
        current.set(record.mark)  # in the task's own context
        if replay.hooks:
            self._around = Around(replay.hooks, record.action, replay.flight.parent)
        try:
            if not self._stopped:  # before it could start
                await replay.app(self._scope, self.receive, self.send)
        except BaseException as error:  # noqa: BLE001  # it is the action's alone (C26)
            raised = error
            if isinstance(error, KeyboardInterrupt):
                replay.interrupt = error
        if record.outcome is None:
            if record.mark.refused is None and not self._stopped:
                log_failure(record.action, raised)
            self._fail(HandlerFailed())
        elif raised is not None and not self._stopped and record.mark.refused is None:
            log_late(record.action, raised)
        if self._around is not None:
            self._around.tell(record.outcome)  # type: ignore[arg-type]  # it has one by now
            self._around.leave(raised)
        if record.holds and replay.flight.ended(record):
            replay.free(1, record.slots)

    def settle_unstarted(self, task: asyncio.Task[None]) -> None:
        """Called when a task that was cancelled before it began has ended: it keeps `run` from its end."""
        if not self.begun:
            log_failure(self.record.action, None)
            self._fail(HandlerFailed())
            if self._replay.flight.ended(self.record):
                self._replay.free(1, self.record.slots)

    async def receive(self) -> Message:
        """The body once, and `http.disconnect` when the response is complete or the client is gone."""
        if not self._asked:
            self._asked = True
            return {"type": "http.request", "body": self.record.action.body or b"", "more_body": False}
        if self.record.outcome is None and not self._replay.client_gone:
            self._replay.watch_client()
            waiting = self._replay.loop.create_future()
            self._waiting.append(waiting)
            await waiting
        return {"type": "http.disconnect"}

    async def send(self, message: Message) -> None:
        """Take in one message of the response; the last one lands it."""
        if self._stopped:
            raise OSError("the batch takes no more of this response")
        kind, record = message["type"], self.record
        if record.outcome is not None:
            raise RuntimeError(f"{kind!r} was sent after the response was complete")
        if kind == "http.response.start":
            if self._status is not None:
                raise RuntimeError("the response was started twice")
            headers = checked_fields(message.get("headers", ()))
            self._status, self._headers = checked_status(message["status"]), headers
        elif kind == "http.response.body":
            if self._status is None:
                raise RuntimeError("the body of a response was sent before its start")
            body = message.get("body") or b""
            if not isinstance(body, bytes):
                body = bytes(memoryview(body))  # a copy, since the host may use its buffer again; its size is in bytes
            if body and (error := self._replay.flight.grow(record, len(body))):
                self._cut(error)
            if message.get("more_body", False):
                self._chunks.append(body)
                await asyncio.sleep(0)  # a stream that never waits must not keep the loop from its time-out
            else:
                whole = b"".join((*self._chunks, body)) if self._chunks else body
                self._land(Outcome(self._status, self._headers, whole, None, time.monotonic() - record.started))
        else:
            raise RuntimeError(f"{kind!r} can't be sent in a batch")

    def stop(self) -> None:
        """End the action's task, whatever it is doing: by a disconnect if it listens for one, else by cancelling it."""
        self._stopped = True
        listens = bool(self._waiting)
        self.release()
        if self.task is None:
            return
        if listens:
            self._replay.loop.call_later(GRACE, self.task.cancel)
        else:
            self.task.cancel()

    def release(self) -> None:
        """Let go whoever waits in `receive`."""
        for waiting in self._waiting:
            if not waiting.done():
                waiting.set_result(None)
        self._waiting.clear()

    def _cut(self, error: BatchError) -> None:
        """No more of this response."""
        self._fail(error)
        log_cut(self.record)
        self.stop()
        raise OSError(error.message)

    def _land(self, outcome: Outcome) -> None:
        record = self.record
        try:
            if self._replay.flight.land(record, outcome):
                self._replay.free(1, record.slots)
        finally:  # whatever becomes of the slots, the batch goes on
            self._landed()

    def _fail(self, error: BatchError) -> None:
        self._replay.flight.fail(self.record, error, time.monotonic())
        self._landed()

    def _landed(self) -> None:
        replay = self._replay
        self._chunks = []
        if self._waiting:
            self.release()
        if self._around is not None and self.record.outcome is not None:
            self._around.tell(self.record.outcome)
        if replay.flight.calls:
            replay.wake()
