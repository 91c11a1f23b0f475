"""The laws of a limiter, on every limiter that the package has, and the laws themselves on limiters that break them."""

from __future__ import annotations

from typing import Any

import pytest
import redis
import redis.asyncio

from batchware.limiters.memory import MemoryLimiter
from batchware.limiters.redis import AsyncRedisLimiter, RedisLimiter
from batchware.testing import LimiterContract
from tests.limits.broken import BROKEN
from tests.limits.servers import Server

# What is waited for on a real clock: long enough for a few calls on a slow machine.
SHORT = 0.5
PATIENT = 5.0  # seconds for a decision: these tests are about what is decided, not how soon


class Faked(LimiterContract):
    """With a clock that is moved by hand; a prime number of seconds, so that windows begin anywhere."""

    short = 60.0

    def setup_method(self) -> None:
        super().setup_method()
        self.time = 1_000_003.0

    def advance(self, seconds: float) -> None:
        self.time += seconds

    def now(self) -> float:
        return self.time


class TestMemoryLimiter(Faked):
    def make_limiter(self) -> MemoryLimiter:
        return MemoryLimiter(clock=self.now)


class TestMemoryLimiterOnARealClock(LimiterContract):
    short = SHORT

    def make_limiter(self) -> MemoryLimiter:
        return MemoryLimiter()


class TestRedisLimiter(LimiterContract):
    short = SHORT

    @pytest.fixture(autouse=True)
    def _server(self, redis_server: Server) -> None:
        self.url = redis_server.url

    def make_limiter(self) -> RedisLimiter:
        return RedisLimiter(self.url, timeout=PATIENT)

    def drop_limiter(self, limiter: RedisLimiter) -> None:
        limiter.close()


class TestRedisLimiterWithAClientOfItsHost(TestRedisLimiter):
    def make_limiter(self) -> RedisLimiter:
        return RedisLimiter(
            redis.Redis.from_url(self.url, decode_responses=True, socket_timeout=PATIENT), prefix="of-the-host"
        )


class TestAsyncRedisLimiter(LimiterContract):
    short = SHORT

    @pytest.fixture(autouse=True)
    def _server(self, redis_server: Server) -> None:
        self.url = redis_server.url

    def make_limiter(self) -> AsyncRedisLimiter:
        return AsyncRedisLimiter(self.url, timeout=PATIENT)

    async def drop_limiter(self, limiter: AsyncRedisLimiter) -> None:
        await limiter.aclose()


class TestRedisLimiterOnACluster(LimiterContract):
    short = SHORT

    @pytest.fixture(autouse=True)
    def _servers(self, redis_cluster: list[Server]) -> None:
        self.port = redis_cluster[0].port

    def make_limiter(self) -> RedisLimiter:
        return RedisLimiter(redis.RedisCluster(host="127.0.0.1", port=self.port, socket_timeout=PATIENT))

    def drop_limiter(self, limiter: RedisLimiter) -> None:
        limiter.close()


class TestAsyncRedisLimiterOnACluster(LimiterContract):
    short = SHORT

    @pytest.fixture(autouse=True)
    def _servers(self, redis_cluster: list[Server]) -> None:
        self.port = redis_cluster[0].port

    def make_limiter(self) -> AsyncRedisLimiter:
        return AsyncRedisLimiter(redis.asyncio.RedisCluster(host="127.0.0.1", port=self.port), timeout=PATIENT)

    async def drop_limiter(self, limiter: AsyncRedisLimiter) -> None:
        await limiter.aclose()


# --- the laws themselves

LAWS = sorted(name for name in dir(LimiterContract) if name.startswith("test_"))


def _broken_laws(make: Any) -> set[str]:
    class Tested(Faked):
        def make_limiter(self) -> MemoryLimiter:
            limiter: MemoryLimiter = make(clock=self.now)
            return limiter

    broken: set[str] = set()
    for law in LAWS:
        tested = Tested()
        tested.setup_method()
        try:
            getattr(tested, law)()
        except (AssertionError, KeyError):
            broken.add(law)
        finally:
            tested.teardown_method()
    return broken


def test_every_law_is_broken_by_some_limiter() -> None:
    assert sorted({broken.law for broken in BROKEN}) == LAWS


@pytest.mark.parametrize("broken", [pytest.param(kind, id=kind.__name__) for kind in BROKEN])
def test_a_limiter_that_breaks_a_law_fails_that_law_only(broken: Any) -> None:
    assert _broken_laws(broken) == {broken.law}
