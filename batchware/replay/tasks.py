"""Actions as tasks of the running event loop, and one wake-up for the batch.

The batch never awaits a child, so one failing child can't cancel its siblings; it waits for a future that a child sets
when there is something to decide. What a host goes on with after a response, it does under the parent's own end (C27).
"""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Sequence
from typing import Any

from ..contract.flight import Flight
from ..contract.hooks import BatchHooks
from ..contract.logger import log
from .around import log_cut
from .child import App, BuildScope, Child, Free, Receive

if sys.version_info >= (3, 12):
    _EAGER = True

    def _start(child: Child, loop: asyncio.AbstractEventLoop) -> asyncio.Task[None]:
        # Runs at once up to its first wait: a handler that never waits costs no turn of the loop.
        return asyncio.Task(child.run(), loop=loop, eager_start=True)

else:
    _EAGER = False

    class _Task(asyncio.Task[None]):
        """Has its child settled where it is cancelled before it began, for then `run` never does.

        A callback for each task would do it too, and cost 1.4 of the 4.2 us that a task takes.
        """

        __slots__ = ("child",)
        child: Child

        def cancel(self, msg: Any = None) -> bool:
            if not self.child.begun:
                self.add_done_callback(self.child.settle_unstarted)
            return super().cancel(msg)

    def _start(child: Child, loop: asyncio.AbstractEventLoop) -> asyncio.Task[None]:
        child.task = task = _Task(child.run(), loop=loop)
        task.child = child
        return task


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
        free: Free = lambda places, slots: None,
        hooks: Sequence[BatchHooks] = (),
    ) -> None:
        self.app = app
        self.flight = flight
        self.free = free
        self.hooks = hooks
        self.loop = asyncio.get_running_loop()
        self.client_gone = False
        self.interrupt: KeyboardInterrupt | None = None
        self._build = build
        self._receive = receive
        self._children: list[Child] = []
        self._tasks: list[asyncio.Task[None]] = []
        self._wake_up: asyncio.Future[None] | None = None
        self._watcher: asyncio.Task[None] | None = None

    async def fly(self) -> None:
        """Until every action has its result. If this is cancelled, so are the actions, and it waits for them."""
        flight, loop, began = self.flight, self.loop, False
        try:
            while True:
                now = time.monotonic()  # not the loop's time, which is whole milliseconds on uvloop
                for record in flight.overdue(now):
                    log_cut(record)
                    for child in self._children:
                        if child.record is record:
                            child.stop()
                while records := flight.ready(now):
                    # All are made before one is started: what belongs together stays in the processor's caches.
                    children = [Child(self, record, self._build(record.action, record.mark)) for record in records]
                    self._children += children
                    self._tasks += [_start(child, loop) for child in children]
                    began = not _EAGER
                if flight.done:
                    return
                if began:  # all have begun after one turn of the loop, and most have ended: no timer, no wake-up
                    began = False
                    await asyncio.sleep(0)
                    if flight.calls:
                        continue
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
                self.free(1, record.slots)
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
                child.task = None  # which knows its child on Python 3.11: a circle
            if self._watcher is not None:
                self._watcher.cancel()
        # They know this object too: letting go of them leaves nothing for the garbage collector to find.
        self._children, self._tasks = [], []

    def stop(self) -> None:
        """Tell every action that still runs to end."""
        for child in self._children:
            child.stop()

    def wake(self) -> None:
        """Let the batch look again."""
        if self._wake_up is not None and not self._wake_up.done():
            self._wake_up.set_result(None)

    def watch_client(self) -> None:
        """Wait for the client's going away, once somebody asks (C28)."""
        if self._watcher is None:
            self._watcher = self.loop.create_task(self._watch())

    async def _watch(self) -> None:
        try:
            while (await self._receive())["type"] != "http.disconnect":
                pass
        except Exception:  # a server that can't say; to the children it is the same
            log.debug("waiting for the client's disconnect failed", exc_info=True)
        self.client_gone = True
        for child in self._children:
            child.release()
