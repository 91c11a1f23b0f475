"""What limits cost: one admission of a batch of ten, against a direct request's, and against ten of them.

Three quotas and two limits on requests in flight; each admission is given back. On Redis, started for this on
loopback, ten actions should cost at most one and a half times what one request costs, and a tenth of ten requests.
Times are microseconds, the median of many rounds in which the cases take turns.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator
from statistics import median
from typing import Any

from batchware import Action, Concurrency, Parent, Quota
from batchware.contract.charges import charges_for, new_permit, slots_of
from batchware.limiters.memory import MemoryLimiter
from batchware.limiters.redis import AsyncRedisLimiter, RedisLimiter
from tests.limits.servers import serving

TITLE = "One admission over three quotas and two concurrency limits (batch of ten: 1.5 times a direct request wanted)"

MOST = 10**9
PATIENT = 10.0
"""Seconds: where a busy machine keeps Redis from answering in time, a benchmark has to wait and not to fail."""
LIMITS = (
    Quota("second", MOST, per=1),
    Quota("minute", MOST),
    Quota("day", MOST, per=86400),
    Concurrency("reads", MOST),
    Concurrency("all", MOST),
)
PARENT = Parent("POST", "/batch", "", "http", (), "127.0.0.1", {}, "somebody")
ACTIONS = [(Action(index, "GET", f"/tasks/{index}"), True) for index in range(10)]


def _asked(count: int) -> tuple[str, Any, Any]:
    permit = new_permit()
    charges = charges_for(LIMITS, PARENT, ACTIONS[:count], permit)
    return permit, charges, [slot for slots in slots_of(charges, permit).values() for slot in slots]


def _timed(acquire: Callable[[Any, str], Any], release: Callable[[Any], Any], count: int) -> tuple[float, float]:
    permit, charges, slots = _asked(count)
    start = time.perf_counter()
    assert acquire(charges, permit).admitted
    taken = time.perf_counter()
    release(slots)
    return (taken - start) * 1e6, (time.perf_counter() - taken) * 1e6


def _row(name: str, acquire: Any, release: Any, rounds: int) -> list[str]:
    taken: dict[int, list[tuple[float, float]]] = {1: [], 10: []}
    for number in range(rounds):
        for count, times in taken.items():
            result = _timed(acquire, release, count)
            if number >= rounds // 10:
                times.append(result)
    one, ten = (median(admission for admission, _ in taken[count]) for count in taken)
    release_ten = median(freeing for _, freeing in taken[10])
    return [name, f"{one:.0f}", f"{ten:.0f}", f"{ten / one:.2f}", f"{10 * one / ten:.1f}", f"{release_ten:.0f}"]


def rows(quick: bool) -> Iterator[list[str]]:
    yield ["limiter", "one, µs", "ten, µs", "ten / one", "saved", "release ten"]
    rounds = 300 if quick else 3000
    memory = MemoryLimiter()
    yield _row("memory", lambda c, p: memory.acquire(c, permit=p), memory.release, rounds * 3)
    with serving() as server:
        blocking = RedisLimiter(server.url, timeout=PATIENT)
        yield _row("Redis", lambda c, p: blocking.acquire(c, permit=p), blocking.release, rounds)
        blocking.close()
        with asyncio.Runner() as runner:
            awaited = AsyncRedisLimiter(server.url, timeout=PATIENT)
            yield _row(
                "Redis, asyncio",
                lambda c, p: runner.run(awaited.acquire(c, permit=p)),
                lambda slots: runner.run(awaited.release(slots)),
                rounds,
            )
            runner.run(awaited.aclose())
