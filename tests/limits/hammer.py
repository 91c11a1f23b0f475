"""What the hammer hits with: `python -m tests.limits.hammer URL PREFIX`, one process of eight threads.

Each thread sends batches of mixed sizes until the quota is spent, and says how much it was admitted. A gauge in Redis
counts what is in flight, raised after each admission and lowered before each release, so it never shows more than is
held.
"""

from __future__ import annotations

import asyncio
import random
import sys
import threading
from collections.abc import Iterator

import redis
import redis.asyncio

from batchware import Charge, Concurrency, Decision, Quota, Slot
from batchware.contract.charges import new_permit
from batchware.limiters.redis import AsyncRedisLimiter, RedisLimiter

QUOTA = Quota("quota", 600, per=40_000)
TAUT = Quota("taut", 601, per=40_000)  # never the one that refuses for good, so that no token of it may be lost
IN_FLIGHT = Concurrency("in-flight", 7, lease=600)
THREADS = 8
PATIENT = 20.0


def charges(size: int, permit: str) -> list[Charge]:
    holders = tuple(f"{permit}:{index}" for index in range(size))
    return [
        Charge(IN_FLIGHT, "all", size, holders),
        Charge(QUOTA, "all", size),
        Charge(TAUT, "all", size),
    ]


def slots(charges: list[Charge]) -> list[Slot]:
    return [Slot(IN_FLIGHT, "all", holder) for holder in charges[0].holders]


class Hand:
    """The batches of one thread or task: `next()` is one to try, `told` what came of it."""

    def __init__(self, seed: int) -> None:
        self.admitted = 0
        self._random = random.Random(seed)
        self._spent = False
        self._most = 5

    def batches(self) -> Iterator[tuple[int, str]]:
        while not self._spent:
            yield self._random.randint(1, self._most), new_permit()

    def told(self, size: int, decision: Decision) -> None:
        if decision.admitted:
            self.admitted += size
            return
        left = decision.levels[1].remaining
        self._most = max(1, min(self._most, left))
        self._spent = left == 0


def hit(url: str, prefix: str, seed: int) -> int:
    limiter, gauge, hand = RedisLimiter(url, prefix=prefix, timeout=PATIENT), redis.Redis.from_url(url), Hand(seed)
    for size, permit in hand.batches():
        asked = charges(size, permit)
        decision = limiter.acquire(asked, permit=permit)
        hand.told(size, decision)
        if decision.admitted:
            in_flight = gauge.incrby(f"{prefix}-gauge", size)
            gauge.decrby(f"{prefix}-gauge", size)
            limiter.release(slots(asked))
            assert in_flight <= IN_FLIGHT.limit
    gauge.close()
    limiter.close()
    return hand.admitted


async def hit_async(limiter: AsyncRedisLimiter, gauge: redis.asyncio.Redis, prefix: str, seed: int) -> int:
    hand = Hand(seed)
    for size, permit in hand.batches():
        asked = charges(size, permit)
        decision = await limiter.acquire(asked, permit=permit)
        hand.told(size, decision)
        if decision.admitted:
            in_flight = await gauge.incrby(f"{prefix}-gauge", size)
            await gauge.decrby(f"{prefix}-gauge", size)
            await limiter.release(slots(asked))
            assert in_flight <= IN_FLIGHT.limit
        else:
            await asyncio.sleep(0.001)
    return hand.admitted


def main(url: str, prefix: str) -> None:
    admitted: list[int] = []

    def work(seed: int) -> None:
        admitted.append(hit(url, prefix, seed))

    threads = [threading.Thread(target=work, args=(seed,)) for seed in range(THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(admitted) == THREADS, "a thread has failed"
    print(sum(admitted))  # noqa: T201  # it is what the test reads


if __name__ == "__main__":
    main(*sys.argv[1:])
