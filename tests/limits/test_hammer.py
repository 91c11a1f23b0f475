"""Many at once: what is admitted is exactly what the limit allows, and nothing is lost or leaked (C36, C39)."""

from __future__ import annotations

import asyncio
import subprocess
import sys

import redis.asyncio

from batchware.contract.charges import new_permit
from batchware.limiters.redis import AsyncRedisLimiter, RedisLimiter
from tests.limits import hammer
from tests.limits.servers import Server
from tests.servers.running import ROOT


def _check(server: Server, prefix: str, admitted: int) -> None:
    assert admitted == hammer.QUOTA.limit
    limiter = RedisLimiter(server.url, prefix=prefix, timeout=10.0)
    decision = limiter.acquire(hammer.charges(1, "last"), permit="last")
    limiter.close()
    assert not decision.admitted
    assert [level.remaining for level in decision.levels] == [7, 0, 1], "a slot leaked, or a token was lost"


def test_c36_processes_and_threads_admit_exactly_the_limit(redis_server: Server) -> None:
    prefix = new_permit()
    command = [sys.executable, "-m", "tests.limits.hammer", redis_server.url, prefix]
    processes = [subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    try:
        said = [process.communicate(timeout=100)[0] for process in processes]
    finally:
        for process in processes:
            process.kill()
    assert [process.returncode for process in processes] == [0, 0]
    assert all(int(line) > 0 for line in said), "one of them came too late to compete"
    _check(redis_server, prefix, sum(map(int, said)))


def test_c36_two_hundred_tasks_admit_exactly_the_limit(redis_server: Server) -> None:
    prefix = new_permit()

    async def run() -> int:
        limiter = AsyncRedisLimiter(redis_server.url, prefix=prefix, timeout=hammer.PATIENT)
        pool = redis.asyncio.BlockingConnectionPool.from_url(redis_server.url, max_connections=16, timeout=60)
        gauge = redis.asyncio.Redis(connection_pool=pool)
        try:
            return sum(await asyncio.gather(*(hammer.hit_async(limiter, gauge, prefix, seed) for seed in range(200))))
        finally:
            await gauge.aclose()
            await pool.disconnect()
            await limiter.aclose()

    _check(redis_server, prefix, asyncio.run(run()))
