"""Servers in processes of their own, one for each thing to try: while one is driven, the next ones start."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import AbstractContextManager, ExitStack
from typing import Generic, TypeVar

from tests.servers.running import Running

AHEAD = 2
"""Servers that start while another is driven."""

T = TypeVar("T")


class Fleet(Generic[T]):
    """`serve` starts the server of one of the `berths`, which are asked for in their order."""

    def __init__(self, berths: Sequence[T], serve: Callable[[T], AbstractContextManager[Running]]) -> None:
        self._berths = berths
        self._serve = serve
        self._threads = ThreadPoolExecutor(AHEAD + 1)
        self._started: dict[T, Future[tuple[Running, ExitStack]]] = {}

    def take(self, berth: T) -> Running:
        """Its server, when that answers; what `serve` raised is raised here, a skip too."""
        at = self._berths.index(berth)
        for each in self._berths[at : at + 1 + AHEAD]:
            if each not in self._started:
                self._started[each] = self._threads.submit(self._start, each)
        return self._started[berth].result()[0]

    def done(self, berth: T) -> None:
        """Ends its server, while others go on."""
        future = self._started[berth]
        if future.exception() is None:
            self._threads.submit(future.result()[1].close)

    def close(self) -> None:
        for future in self._started.values():
            if not future.cancel() and future.exception() is None:
                future.result()[1].close()
        self._threads.shutdown()

    def _start(self, berth: T) -> tuple[Running, ExitStack]:
        stack = ExitStack()
        return stack.enter_context(self._serve(berth)), stack
