"""Meeting points that work the same from a thread and from an event loop.

A test proves that handlers run at once by letting each wait for the others, never by measuring time: whoever
waits longer than `DEADLINE` gives up, so that a failure is an answer and not a test run that hangs.
"""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import Callable

DEADLINE = float(os.environ.get("BATCHWARE_TESTS_DEADLINE", "10"))  # seconds; mutants that hang are many


class Signal:
    """A `threading.Event` that a coroutine can wait for as well."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._flag = threading.Event()
        self._wakers: list[Callable[[], None]] = []

    def is_set(self) -> bool:
        return self._flag.is_set()

    def set(self) -> None:
        with self._lock:
            self._flag.set()
            wakers, self._wakers = self._wakers, []
        for wake in wakers:
            wake()

    def clear(self) -> None:
        self._flag.clear()

    def wait(self, timeout: float = DEADLINE) -> bool:
        return self._flag.wait(timeout)

    async def wait_async(self, timeout: float = DEADLINE) -> bool:
        loop = asyncio.get_running_loop()
        woken = asyncio.Event()

        def wake() -> None:
            # The loop of a waiter that was abandoned may be closed by now; then nobody is left to wake.
            if not loop.is_closed():
                loop.call_soon_threadsafe(woken.set)

        with self._lock:
            if self._flag.is_set():
                return True
            self._wakers.append(wake)
        try:
            async with asyncio.timeout(timeout):
                await woken.wait()
            return True
        except TimeoutError:
            return self._flag.is_set()
        finally:
            with self._lock:
                if wake in self._wakers:
                    self._wakers.remove(wake)


class _Gate:
    def __init__(self) -> None:
        self.arrived = 0
        self.opened = Signal()


class Gates:
    """Named barriers. A gate opens when the expected number has arrived, and closes behind them: the name can
    be used again."""

    def __init__(self, deadline: float = DEADLINE) -> None:
        self._deadline = deadline
        self._lock = threading.Lock()
        self._gates: dict[str, _Gate] = {}

    def clear(self) -> None:
        with self._lock:
            self._gates.clear()

    def waiting(self, name: str) -> int:
        """How many wait at this gate now."""
        with self._lock:
            gate = self._gates.get(name)
            return gate.arrived if gate else 0

    def arrive(self, name: str, expected: int) -> int:
        """Waits for the others; returns how many were there, fewer than `expected` after the deadline."""
        gate = self._enter(name, expected)
        try:
            return expected if gate.opened.wait(self._deadline) else gate.arrived
        finally:
            self._leave(gate)

    async def arrive_async(self, name: str, expected: int) -> int:
        gate = self._enter(name, expected)
        try:
            return expected if await gate.opened.wait_async(self._deadline) else gate.arrived
        finally:
            self._leave(gate)

    def _enter(self, name: str, expected: int) -> _Gate:
        with self._lock:
            gate = self._gates.setdefault(name, _Gate())
            gate.arrived += 1
            full = gate.arrived >= expected
            if full:
                del self._gates[name]
        if full:
            gate.opened.set()
        return gate

    def _leave(self, gate: _Gate) -> None:
        # Only who gives up, or is cancelled, makes room: an open gate is no longer counted by anyone.
        with self._lock:
            if not gate.opened.is_set():
                gate.arrived -= 1
