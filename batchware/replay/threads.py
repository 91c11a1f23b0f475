"""Helper threads that share the work of a batch with the thread that called (WSGI).

A plain pool deadlocks when batches fill it and wait for themselves, and it pays a wake-up for every action. Here the
caller runs actions of its own batch, so every batch goes on whatever the helpers do; one helper is woken, and each
that finds work wakes the next. Ten handlers that never block cost one wake-up, ten that wait run side by side.

Helpers are made when first needed, end after half a second without work, and are made anew in a forked child.
"""

from __future__ import annotations

import os
import threading
from collections import deque
from typing import Protocol

from ..contract.logger import log

IDLE = 0.5  # seconds; long enough to span the batches of a page, short enough to leave nothing behind


class Work(Protocol):
    """A batch whose actions can be shared."""

    def help(self) -> None:
        """Run one action, if there is one left, and offer the rest before."""


class Helpers:
    """At most `most` threads, daemons, named `batchware-helper`."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._reset()

    def _reset(self) -> None:
        self._process = os.getpid()
        self._lock = threading.Lock()
        self._offered: deque[Work] = deque()
        self._idle: list[threading.Lock] = []  # each held by a helper that waits for its release
        self._count = 0
        self._closed = False

    @property
    def count(self) -> int:
        """Helper threads that are alive."""
        return self._count if self._process == os.getpid() else 0

    def offer(self, work: Work) -> bool:
        """Let a helper take part in `work`. False if there is none and none can be had."""
        if self._process != os.getpid():  # forked: the parent's threads, and whatever they held, are not here
            self._reset()
        with self._lock:
            if self._closed or self._most == 0:
                return False
            self._offered.append(work)
            if self._idle:
                self._idle.pop().release()
                return True
            if self._count >= self._most:
                return True
            self._count += 1
        try:
            threading.Thread(target=self._help, name="batchware-helper", daemon=True).start()
        except RuntimeError:  # the process can have no more threads; those that it has go on
            log.warning("no helper thread could be started", exc_info=True)
            with self._lock:
                self._count -= 1
                return self._count > 0
        return True

    def close(self) -> None:
        """Take no more work and let the helpers end; actions under way are finished."""
        with self._lock:
            self._closed = True
            while self._idle:
                self._idle.pop().release()

    def _help(self) -> None:
        waiting = threading.Lock()
        waiting.acquire()
        while True:
            with self._lock:
                work = self._offered.popleft() if self._offered else None
                if work is None:
                    if self._closed:
                        self._count -= 1
                        return
                    self._idle.append(waiting)
            if work is not None:
                try:
                    work.help()
                except BaseException:  # a helper serves all batches, so none may end it
                    log.exception("a helper thread met an error of batchware's own")
                del work  # an idle helper keeps no batch alive
            elif not waiting.acquire(timeout=IDLE):
                with self._lock:
                    if waiting in self._idle:
                        self._idle.remove(waiting)
                        self._count -= 1
                        return
                waiting.acquire()  # woken in the very moment
