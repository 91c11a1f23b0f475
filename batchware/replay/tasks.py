"""Actions as tasks of the running event loop: each child's `receive` and `send`, and one wake-up for the batch.

What the servers and frameworks taught, each rule with its cost when broken:

- A child waits in `receive` on a future of its own until its response is complete or the client is gone, and then gets
  `http.disconnect`: Quart returns only then, and Django, given it early, sends nothing at all (C28).
- A response is complete when its body is (C27): background work goes on in the task, and nobody waits for it but the
  parent's own end.
- No exception leaves a child's task, `SystemExit` least of all: it would leave the event loop (C26). The batch never
  awaits a child, so one failing child can't cancel its siblings.
- An action that is to end and listens for `http.disconnect` gets that first, and is only cancelled if it stays: Django
  ends its view then, while cancelled from outside it leaves the view running in a task that nobody holds (C26).
- A stream is stopped by cancelling the task that `run` began in, and by `OSError` on a further `send`: some frameworks
  send from another task, and a disconnect alone stops neither Starlette nor Falcon.
"""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Awaitable, Callable, Coroutine, MutableMapping, Sequence
from contextvars import Context, copy_context
from typing import Any, TypeAlias

from ..contract.errors import BatchError, HandlerFailed
from ..contract.flight import Flight, Record
from ..contract.hooks import BatchHooks
from ..contract.model import Action, Outcome
from ..contract.nesting import Mark, current
from .around import Around, log, log_cut, log_failure, log_late
from .places import Places
from .responses import checked_header, checked_status

Message: TypeAlias = MutableMapping[str, Any]
Receive: TypeAlias = Callable[[], Awaitable[Message]]
Send: TypeAlias = Callable[[Message], Awaitable[None]]
BuildScope: TypeAlias = Callable[[Action, Mark], MutableMapping[str, Any]]
App: TypeAlias = Callable[[MutableMapping[str, Any], Receive, Send], Awaitable[None]]

GRACE = 0.25  # seconds that an action which listens for its disconnect has to end by itself, and clean up

if sys.version_info >= (3, 12):

    def _start(coroutine: Coroutine[Any, Any, None], loop: asyncio.AbstractEventLoop, context: Context) -> None:
        # Runs at once up to its first wait: a handler that never waits costs no turn of the loop.
        asyncio.Task(coroutine, loop=loop, context=context, eager_start=True)

else:

    def _start(coroutine: Coroutine[Any, Any, None], loop: asyncio.AbstractEventLoop, context: Context) -> None:
        loop.create_task(coroutine, context=context)


class TaskReplay:
    """Steers one `Flight`: starts its actions as tasks, and wakes when there is something to decide.

    `build` makes the scope of an action, `receive` is the parent's, `places` are freed as actions end.
    """

    def __init__(
        self,
        app: App,
        flight: Flight,
        build: BuildScope,
        receive: Receive,
        *,
        places: Places | None = None,
        hooks: Sequence[BatchHooks] = (),
    ) -> None:
        self.app = app
        self.flight = flight
        self._places = places
        self.hooks = hooks
        self.loop = asyncio.get_running_loop()
        self.client_gone = False
        self.interrupt: KeyboardInterrupt | None = None
        self.build = build
        self._receive = receive
        self._children: list[Child] = []
        self._wake_up: asyncio.Future[None] | None = None
        self._watcher: asyncio.Task[None] | None = None

    async def fly(self) -> None:
        """Until every action has its result. If this is cancelled, so are the actions, and it waits for them."""
        flight, loop = self.flight, self.loop
        try:
            while True:
                now = time.monotonic()  # not the loop's time, which is whole milliseconds on uvloop
                for record in flight.overdue(now):
                    log_cut(record)
                    for child in self._children:
                        if child.record is record:
                            child.stop()
                while records := flight.ready(now):
                    for record in records:
                        self._launch(record)
                if flight.done:
                    return
                self._wake_up = loop.create_future()
                due = flight.due
                timer = None if due is None else loop.call_later(max(0.0, due - now), self.wake)
                try:
                    await self._wake_up
                finally:
                    self._wake_up = None
                    if timer is not None:
                        timer.cancel()
        except asyncio.CancelledError:
            self.free_places(flight.abandon())
            self.stop()
            await asyncio.shield(self.rest())
            raise

    async def rest(self) -> None:
        """What goes on after the answer, until it has ended: background work, and tasks that were told to stop."""
        running = [child.task for child in self._children if child.task is not None and not child.task.done()]
        try:
            if running:
                await asyncio.wait(running)
        except asyncio.CancelledError:
            self.stop()
            raise
        finally:
            for child in self._children:
                child.record.mark.live = False
            if self._watcher is not None:
                self._watcher.cancel()

    def stop(self) -> None:
        """Tell every action that still runs to end."""
        for child in self._children:
            child.stop()

    def wake(self) -> None:
        """Let the batch look again."""
        if self._wake_up is not None and not self._wake_up.done():
            self._wake_up.set_result(None)

    def free_places(self, count: int = 1) -> None:
        """So many actions less are in flight (C42)."""
        if self._places is not None:
            self._places.free(count)

    def watch_client(self) -> None:
        """Wait for the client's going away, once somebody asks (C28)."""
        if self._watcher is None:
            self._watcher = self.loop.create_task(self._watch())

    async def _watch(self) -> None:
        try:
            while (await self._receive())["type"] != "http.disconnect":
                pass
        except Exception:  # noqa: BLE001  # a server that can't say; to the children it is the same
            log.debug("waiting for the client's disconnect failed", exc_info=True)
        self.client_gone = True
        for child in self._children:
            child.release()

    def _launch(self, record: Record) -> None:
        child = Child(self, record)
        self._children.append(child)
        context = copy_context()
        context.run(current.set, record.mark)
        _start(child.run(), self.loop, context)


class Child:
    """One action: its task, its `receive` and its `send`."""

    __slots__ = (
        "_around", "_asked", "_chunks", "_headers", "_replay", "_status", "_stopped", "_waiting",
        "record", "task",
    )  # fmt: skip

    def __init__(self, replay: TaskReplay, record: Record) -> None:
        self.record = record
        self.task: asyncio.Task[Any] | None = None
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
        self.task = asyncio.current_task()
        if replay.hooks:
            self._around = Around(replay.hooks, record.action, replay.flight.parent)
        try:
            await replay.app(replay.build(record.action, record.mark), self.receive, self.send)
        except BaseException as error:  # noqa: BLE001  # it is the action's alone (C26)
            raised = error
            if isinstance(error, KeyboardInterrupt):
                replay.interrupt = error
        if record.outcome is None:
            if record.mark.refused is None:
                log_failure(record.action, raised)
            self._fail(HandlerFailed())
        elif raised is not None and not self._stopped and record.mark.refused is None:
            log_late(record.action, raised)
        if self._around is not None:
            self._around.tell(record.outcome)  # type: ignore[arg-type]  # it has one by now
            self._around.leave(raised)
        self._leave_flight()

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
        kind = message["type"]
        if self.record.outcome is not None:
            raise RuntimeError(f"{kind!r} was sent after the response was complete")
        if kind == "http.response.start":
            if self._status is not None:
                raise RuntimeError("the response was started twice")
            headers = [
                checked_header(name.decode("latin-1"), value.decode("latin-1"))
                for name, value in message.get("headers", ())
            ]
            self._status, self._headers = checked_status(message["status"]), headers
        elif kind == "http.response.body":
            await self._take(message.get("body", b""), message.get("more_body", False))
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

    async def _take(self, body: bytes, more: bool) -> None:
        if self._status is None:
            raise RuntimeError("the body of a response was sent before its start")
        if body:
            self._chunks.append(body)
            if error := self._replay.flight.grow(self.record, len(body)):
                self._fail(error)
                log_cut(self.record)
                self.stop()
                raise OSError(error.message)
        if more:
            await asyncio.sleep(0)  # a stream that never waits must not keep the loop from its time-out
            return
        replay, record = self._replay, self.record
        seconds = time.monotonic() - record.started
        # One chunk is the whole body; hosts may send any bytes-like object.
        whole = bytes(self._chunks[0]) if len(self._chunks) == 1 else b"".join(self._chunks)
        outcome = Outcome(self._status, self._headers, whole, None, seconds)
        if replay.flight.land(record, outcome):
            replay.free_places()
        self._landed()

    def _fail(self, error: BatchError) -> None:
        replay = self._replay
        replay.flight.fail(self.record, error, time.monotonic())
        self._landed()

    def _landed(self) -> None:
        self._chunks = []
        self.release()
        if self._around is not None and self.record.outcome is not None:
            self._around.tell(self.record.outcome)
        if self._replay.flight.done or self._replay.flight.can_start:
            self._replay.wake()

    def _leave_flight(self) -> None:
        if self._replay.flight.ended(self.record):
            self._replay.free_places()
