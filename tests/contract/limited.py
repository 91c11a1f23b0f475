"""Hosts with limits: a clock that is moved by hand, and requests that are told from each other by what they got."""

from __future__ import annotations

import threading
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import pytest

from batchware import Charge, Decision, Limiter, LimiterUnavailable, Slot
from batchware.limiters.memory import MemoryLimiter
from tests.contract.batching import BatchAnswer, action, host_named, post_batch, wrap
from tests.contract.spies import Spy
from tests.hosts import Host, params, probe
from tests.hosts.clients import Response, send
from tests.hosts.gates import DEADLINE

LIMITED = tuple(host_named(name) for name in ("asgi", "starlette", "wsgi", "flask"))
limited_host = pytest.mark.parametrize("host", params(*LIMITED))

GATED = action("/gate/held", data={"n": 2})
"""One that waits until the test lets it go."""
REFUSED = action("/batch")
"""An action that is refused by the contract, with a method and a path."""


class Limited:
    """One application with limits, and the clock of its limiter."""

    def __init__(self, host: Host | Spy, limits: Sequence[Any], app: Any = None, **options: Any) -> None:
        self.host = host
        self.time = 1_000_020.0  # 0 seconds into a minute
        if "limiter" not in options and limits:
            options["limiter"] = MemoryLimiter(clock=lambda: self.time)
        self.app = wrap(host, app, limits=limits, **options)

    def batch(self, count: int | list[Any], **sent: Any) -> BatchAnswer:
        actions = [action()] * count if isinstance(count, int) else count
        return post_batch(self.app, self.host, actions, **sent)

    def direct(self, method: str = "GET", target: str = "/tasks/1", **sent: Any) -> Response:
        return send(self.app, self.host.door, method, target, **sent)

    def passing(self, most: int = 100, **sent: Any) -> int:
        """How many direct requests pass from now on; spends them."""
        for count in range(most):
            if self.direct(**sent).status == 429:
                return count
        return most


class Down:
    """A limiter of either door whose store is away, or raises `error`."""

    def __init__(self, door: str) -> None:
        self.blocking = door == "wsgi"
        if door == "asgi":
            self.acquire = self._acquire_later

    def acquire(self, charges: Sequence[Charge], *, permit: str) -> Decision:
        raise LimiterUnavailable("it is away")

    async def _acquire_later(self, charges: Sequence[Charge], *, permit: str) -> Decision:
        return Down.acquire(self, charges, permit=permit)

    def release(self, slots: Sequence[Slot]) -> None:
        raise AssertionError("there is nothing to release")

    def renew(self, slots: Sequence[Slot]) -> Sequence[Slot]:
        raise AssertionError("there is nothing to renew")


class Awaited:
    """A `Limiter`, awaited."""

    blocking = False

    def __init__(self, limiter: Limiter) -> None:
        self._limiter = limiter

    async def acquire(self, charges: Sequence[Charge], *, permit: str) -> Decision:
        return self._limiter.acquire(charges, permit=permit)

    async def release(self, slots: Sequence[Slot]) -> None:
        self._limiter.release(slots)

    def renew(self, slots: Sequence[Slot]) -> Awaitable[Sequence[Slot]]:
        raise AssertionError("no request lasts so long")


def until(look: Callable[[], bool]) -> None:
    end = time.monotonic() + DEADLINE
    while not look():
        assert time.monotonic() < end
        time.sleep(0.005)


@contextmanager
def held(limited: Limited, actions: list[Any]) -> Iterator[None]:
    """While a batch runs whose action `GATED` waits at its gate; it must be answered afterwards."""
    statuses: list[int] = []
    thread = threading.Thread(target=lambda: statuses.extend(limited.batch(actions).statuses))
    thread.start()
    try:
        until(lambda: probe.gates.waiting("held") == 1)
        yield
    finally:
        probe.gates.arrive("held", 2)
        thread.join()
    assert len(statuses) == len(actions)
