"""How many actions are in flight in this process, and whether more may be (C42)."""

from __future__ import annotations

import os
import threading
from collections import deque

from ..contract.errors import Overloaded


class Places:
    """Counts the actions of all batches of one middleware; safe under threads, and begins anew in a forked process."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._begin()

    def _begin(self) -> None:
        self._process = os.getpid()
        self._taken = 0
        self._freed: deque[int] = deque()  # given back, and not yet counted: without a lock, since each action does it
        self._lock = threading.Lock()

    @property
    def taken(self) -> int:
        """Actions in flight now."""
        with self._lock:
            return self._count()

    def _count(self) -> int:
        while self._freed:
            self._taken -= self._freed.popleft()
        return self._taken

    def take(self, count: int) -> None:
        """Take places for a whole batch; raises `Overloaded` and takes none if there are not enough."""
        if self._process != os.getpid():  # forked: what was in flight is so in the parent, and the lock may be held
            self._begin()
        with self._lock:
            if self._count() + count > self._most:
                raise Overloaded
            self._taken += count

    def free(self, count: int = 1) -> None:
        """Give places back."""
        self._freed.append(count)
