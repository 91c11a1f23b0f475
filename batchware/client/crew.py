"""The threads of the synchronous sender, one for each batch that is in the air.

Decides where an answer is taken in: in the thread to which it came. An interruption hits the main thread only, wherever
that is, so none can come between an answer and what becomes of it.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from queue import Empty, SimpleQueue

from .run import Run
from .verdicts import Answer
from .waiting import Sending

HEARS_CTRL_C = 0.5
"""Seconds that the main thread waits at once: a signal that comes just before a wait doesn't end it."""


def deliver(
    call: Callable[[Sending], Answer], sending: Sending, run: Run, caught: type[BaseException] = Exception
) -> None:
    """Sends a batch, and lets what comes of it land: an answer, or an error of the kind `caught`."""
    try:
        came: Answer | BaseException = call(sending)
    except caught as error:  # the thread that sends raises it again, where it is no failure of a connection
        came = error
    run.landed(sending, came, time.monotonic())


class Crew:
    """Threads, started as they are needed. They are daemons: no batch that hangs keeps a program from its end."""

    def __init__(self, call: Callable[[Sending], Answer], run: Run) -> None:
        self._call, self._run = call, run
        self._outbox: SimpleQueue[Sending | None] = SimpleQueue()
        self._landed: SimpleQueue[None] = SimpleQueue()
        self._lock = threading.Lock()
        self._threads = self._handed_over = self._back = 0

    @property
    def busy(self) -> int:
        """Batches that were handed over and have not landed."""
        return self._handed_over - self._back

    def send(self, sending: Sending) -> None:
        """Hands a batch over to a thread that has none."""
        if self.busy >= self._threads:
            self._threads += 1
            threading.Thread(target=self._work, name=f"batchware-client-{self._threads}", daemon=True).start()
        self._handed_over += 1
        self._outbox.put(sending)

    def wait(self, seconds: float | None) -> None:
        """Returns as soon as a batch lands, and after so many seconds, or half a one, at the latest."""
        try:
            self._landed.get(timeout=HEARS_CTRL_C if seconds is None else min(seconds, HEARS_CTRL_C))
        except Empty:
            return

    def go(self) -> None:
        """Lets the threads end, each after what it has in the air."""
        threads, self._threads = self._threads, 0
        for _ in range(threads):
            self._outbox.put(None)

    def _work(self) -> None:
        while (sending := self._outbox.get()) is not None:
            try:
                deliver(self._call, sending, self._run, BaseException)
            finally:
                with self._lock:
                    self._back += 1
                self._landed.put(None)
