"""When to stop asking a store that does not answer, and when to ask again (C41).

Each request that waits for a dead store waits the whole time-out. So after a few failures in a row nobody asks for a
while; then one call tries, and what becomes of it decides for all.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

FAILURES = 3  # in a row: one is an accident, and each costs a request the time-out
PAUSE = 1.0  # seconds; what is refused meanwhile is refused at once, and a store that is back is soon found


class Breaker:
    """Counts failures in a row; safe under threads. `clock` is a monotonic time in seconds."""

    def __init__(
        self, *, failures: int = FAILURES, pause: float = PAUSE, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._most = failures
        self._pause = pause
        self._clock = clock
        self._lock = threading.Lock()
        self._failures = 0
        self._until = 0.0

    def may_try(self) -> bool:
        """Whether to ask the store. After a pause only one caller hears yes until it has told what came of it."""
        if self._failures < self._most:
            return True
        with self._lock:
            now = self._clock()
            if now < self._until:
                return False
            self._until = now + self._pause  # should the one that tries never come back, another does then
            return True

    def failed(self) -> None:
        """The store did not answer."""
        with self._lock:
            self._failures += 1
            self._until = self._clock() + self._pause

    def succeeded(self) -> None:
        """The store answered."""
        if self._failures:
            with self._lock:
                self._failures = 0
