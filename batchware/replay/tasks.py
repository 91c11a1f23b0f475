"""Actions as tasks of the running event loop, and one wake-up for the batch.

The batch never awaits a child, so one failing child can't cancel its siblings; it waits for a future that a child sets
when there is something to decide. What a host goes on with after a response, it does under the parent's own end (C27).
"""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Callable, Coroutine, Sequence
from contextvars import Context, copy_context
from typing import Any, TypeAlias

from ..contract.flight import Flight, Record
from ..contract.hooks import BatchHooks
from ..contract.limiter import Slot
from ..contract.nesting import current
from .around import log, log_cut
from .child import App, BuildScope, Child, Receive

Free: TypeAlias = Callable[[int, Sequence[Slot]], None]
Running: TypeAlias = Coroutine[Any, Any, None]

if sys.version_info >= (3, 12):

    def _start(coroutine: Running, loop: asyncio.AbstractEventLoop, context: Context) -> asyncio.Task[None]:
        # Runs at once up to its first wait: a handler that never waits costs no turn of the loop.
        return asyncio.Task(coroutine, loop=loop, context=context, eager_start=True)

else:

    def _start(coroutine: Running, loop: asyncio.AbstractEventLoop, context: Context) -> asyncio.Task[None]:
        return loop.create_task(coroutine, context=context)


class TaskReplay:
    """Steers one `Flight`: starts its actions as tasks, and wakes when there is something to decide.

    `build` makes the scope of an action, `receive` is the parent's, `free` gives back what an ended action held.
    """

    def __init__(
        self,
        app: App,
        flight: Flight,
        build: BuildScope,
        receive: Receive,
        *,
        free: Free | None = None,
        hooks: Sequence[BatchHooks] = (),
    ) -> None:
        self.app = app
        self.flight = flight
        self._free = free
        self.hooks = hooks
        self.loop = asyncio.get_running_loop()
        self.client_gone = False
        self.interrupt: KeyboardInterrupt | None = None
        self.build = build
        self._receive = receive
        self._children: list[Child] = []
        self._tasks: list[asyncio.Task[None]] = []
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
            for record in flight.abandon():
                self.give_back(record)
            self.stop()
            await asyncio.shield(self.rest())
            raise

    async def rest(self) -> None:
        """What goes on after the answer, until it has ended: background work, and tasks that were told to stop."""
        running = [task for task in self._tasks if not task.done()]
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

    def give_back(self, record: Record) -> None:
        """An action less is in flight: its place and its slots are free (C39, C42)."""
        if self._free is not None:
            self._free(1, record.slots)

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
        self._tasks.append(_start(child.run(), self.loop, context))
