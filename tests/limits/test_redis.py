"""What is peculiar to the Redis limiters: keys, permits that are void, event loops, and a breaker that closes again."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from typing import Any

import pytest
import redis.asyncio

from batchware import Charge, Concurrency, LimiterUnavailable, Quota, Slot
from batchware.contract.charges import new_permit
from batchware.limiters import scripts
from batchware.limiters.breaker import Breaker
from batchware.limiters.redis import AsyncRedisLimiter, RedisLimiter
from batchware.limiters.scripts import Keys
from tests.limits.servers import Server
from tests.servers.running import ROOT

QUOTA = Quota("quota", 5, per=40_000)
SLOTS = Concurrency("slots", 5)
PATIENT = 5.0


def _charges(cost: int, permit: str) -> list[Charge]:
    holders = tuple(f"{permit}:{index}" for index in range(cost))
    return [Charge(QUOTA, "ann", cost), Charge(SLOTS, "ann", cost, holders)]


def _left(limiter: RedisLimiter) -> list[int]:
    return [level.remaining for level in limiter.acquire(_charges(0, "x"), permit=new_permit()).levels]


def _limiter(server: Server, prefix: str) -> RedisLimiter:
    return RedisLimiter(server.url, prefix=prefix, timeout=PATIENT)


# --- what is undone


@pytest.mark.parametrize("late", [False, True], ids=["the admission comes first", "the refund comes first"])
def test_c36_an_admission_that_is_undone_spends_nothing(redis_server: Server, late: bool) -> None:
    limiter, permit = _limiter(redis_server, new_permit()), new_permit()
    call = scripts.admission(limiter._keys, _charges(2, permit), permit)
    for step in (scripts.refund(call), call) if late else (call, scripts.refund(call)):
        limiter._send(step)
    assert _left(limiter) == [5, 5]
    limiter._send(scripts.refund(call))
    assert _left(limiter) == [5, 5]
    with pytest.raises(LimiterUnavailable):
        limiter.acquire(_charges(2, permit), permit=permit)
    limiter.close()


def test_c36_only_what_was_charged_is_undone(redis_server: Server) -> None:
    strict = Quota("strict", 5, per=40_000, charge_refused=True)
    limiter, permit = _limiter(redis_server, new_permit()), new_permit()
    assert limiter.acquire(_charges(3, "before"), permit="before").admitted
    refused = [*_charges(3, permit), Charge(strict, "ann", 2)]
    assert not limiter.acquire(refused, permit=permit).admitted
    assert limiter.acquire([Charge(strict, "ann", 0)], permit=new_permit()).levels[0].remaining == 3
    limiter._send(scripts.refund(scripts.admission(limiter._keys, refused, permit)))
    assert _left(limiter) == [2, 2]
    assert limiter.acquire([Charge(strict, "ann", 0)], permit=new_permit()).levels[0].remaining == 5
    limiter.close()


def test_c36_what_was_spent_is_given_back_in_the_next_window_too(redis_server: Server) -> None:
    limiter, permit = _limiter(redis_server, new_permit()), new_permit()
    call = scripts.admission(limiter._keys, _charges(2, permit), permit)
    limiter._send(call)
    key = limiter._keys.counters(QUOTA, "ann")
    with redis_server.admin() as admin:  # as if a period had passed, and one more had been spent in the new one
        period = admin.hincrby(key, "period", 1)
        admin.hset(key, mapping={"current": 1, "before": 2})
        limiter._send(scripts.refund(call))
        assert admin.hgetall(key) == {"period": str(period), "current": "1", "before": "0"}
    limiter.close()


def test_c36_a_cancelled_admission_is_undone(own_redis: Server) -> None:
    prefix = new_permit()

    async def run() -> None:
        limiter = AsyncRedisLimiter(own_redis.url, prefix=prefix, timeout=PATIENT)
        await limiter.acquire(_charges(1, "before"), permit="before")
        own_redis.freeze()
        try:
            task = asyncio.create_task(limiter.acquire(_charges(2, "gone"), permit="gone"))
            for _ in range(50):  # turns of the loop, more than it takes to send
                await asyncio.sleep(0)
            assert not task.done()
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
        finally:
            own_redis.thaw()
        await limiter.release([])
        await limiter.aclose()

    asyncio.run(run())
    limiter = _limiter(own_redis, prefix)
    assert _left(limiter) == [4, 4]
    limiter.close()


# --- keys


ODD = ["", "a", "a" * 100_000, "{x}", "a b", "a\nb", "ü", "\ud800", "\0", "principal:a", "client:a"]


def test_keys_are_short_and_tell_subjects_apart() -> None:
    keys = Keys("shop")
    for rule in (QUOTA, SLOTS):
        names = [keys.counters(rule, subject) for subject in ODD]
        assert len(set(names)) == len(ODD)
        for name in names:
            assert name.startswith("{shop}:")
            assert name.isascii()
            assert name.isprintable()
            assert len(name) < 100
    assert keys.counters(QUOTA, "a") != keys.counters(Quota("quota", 5, per=60), "a")
    assert keys.counters(QUOTA, "a") == keys.counters(Quota("quota", 50, per=40_000), "a")
    assert keys.permit("a") != keys.permit("b")


@pytest.mark.parametrize("prefix", ["", "{a}", "a}", "a b", "a\n"])
def test_a_prefix_that_is_no_hash_tag_is_refused(prefix: str) -> None:
    with pytest.raises(ValueError, match="prefix"):
        RedisLimiter("redis://127.0.0.1/0", prefix=prefix)


def test_limiters_with_different_prefixes_share_nothing(redis_server: Server) -> None:
    one, other = _limiter(redis_server, new_permit()), _limiter(redis_server, new_permit())
    assert one.acquire(_charges(5, "a"), permit="a").admitted
    assert other.acquire(_charges(5, "a"), permit="a").admitted
    one.close()
    other.close()


def test_a_holder_of_two_lines_is_refused(redis_server: Server) -> None:
    limiter = _limiter(redis_server, new_permit())
    with pytest.raises(ValueError, match="line"):
        limiter.acquire([Charge(SLOTS, "ann", 1, ("a\nb",))], permit="a")
    with pytest.raises(ValueError, match="line"):
        limiter.release([Slot(SLOTS, "ann", "a\nb")])
    limiter.close()


def test_everything_that_is_kept_ends_by_itself(redis_server: Server) -> None:
    prefix = new_permit()
    limiter = _limiter(redis_server, prefix)
    limiter.acquire(_charges(1, "a"), permit="a")
    limiter.renew([Slot(SLOTS, "ann", "a:0")])
    limiter._send(scripts.refund(scripts.admission(limiter._keys, _charges(1, "b"), "b")))
    with redis_server.admin() as admin:
        ends = {key.split(":")[1]: admin.ttl(key) for key in admin.keys(f"{{{prefix}}}:*")}
    assert set(ends) == {"permit", "quota", "slots"}
    assert all(0 < seconds <= 80_000 for seconds in ends.values()), ends
    limiter.close()


# --- event loops


def test_a_url_serves_one_event_loop_after_the_other(redis_server: Server) -> None:
    limiter = AsyncRedisLimiter(redis_server.url, prefix=new_permit(), timeout=PATIENT)

    async def run(permit: str) -> bool:
        decision = await limiter.acquire(_charges(2, permit), permit=permit)
        await limiter.aclose()
        return decision.admitted

    assert [asyncio.run(run(permit)) for permit in "abc"] == [True, True, False]


def test_a_client_of_the_host_serves_one_event_loop(redis_server: Server) -> None:
    client = redis.asyncio.Redis.from_url(redis_server.url)
    limiter = AsyncRedisLimiter(client, prefix=new_permit(), timeout=PATIENT)

    async def other() -> None:
        with pytest.raises(RuntimeError, match="another event loop"):
            await limiter.acquire(_charges(1, "b"), permit="b")

    async def run() -> None:
        assert (await limiter.acquire(_charges(1, "a"), permit="a")).admitted
        await asyncio.to_thread(asyncio.run, other())
        await limiter.aclose()

    asyncio.run(run())


@pytest.mark.parametrize("kind", [RedisLimiter, AsyncRedisLimiter])
def test_a_wrong_url_is_an_error_at_once(kind: Any) -> None:
    with pytest.raises(ValueError, match="redis"):
        kind("http://127.0.0.1")


@pytest.mark.parametrize("kind", [RedisLimiter, AsyncRedisLimiter])
def test_options_of_the_client_can_be_set(kind: Any) -> None:
    limiter = kind.from_url("redis://127.0.0.1/0", prefix="shop", client_name="limits", socket_timeout=3.0)

    async def options() -> Any:
        client = limiter._client_of(asyncio.get_running_loop()) if kind is AsyncRedisLimiter else limiter._client
        return client.connection_pool.connection_kwargs

    kwargs = asyncio.run(options())
    assert (kwargs["client_name"], kwargs["socket_timeout"]) == ("limits", 3.0)
    assert kwargs["socket_connect_timeout"] <= 0.1


# --- the breaker


def test_c41_a_breaker_lets_one_try_after_a_pause() -> None:
    now = [100.0]
    breaker = Breaker(failures=3, pause=1.0, clock=lambda: now[0])
    for _ in range(2):
        assert breaker.may_try()
        breaker.failed()
    breaker.succeeded()
    for _ in range(3):
        assert breaker.may_try()
        breaker.failed()
    assert not breaker.may_try()
    now[0] += 0.9
    assert not breaker.may_try()
    now[0] += 0.2
    assert [breaker.may_try() for _ in range(3)] == [True, False, False]
    breaker.failed()
    now[0] += 0.9
    assert not breaker.may_try()
    now[0] += 0.2
    assert breaker.may_try()
    breaker.succeeded()
    assert all(breaker.may_try() for _ in range(3))


def test_the_package_and_the_memory_limiter_need_no_redis() -> None:
    code = "import batchware.asgi, batchware.wsgi, batchware.testing, sys; print('redis' in sys.modules)"
    ran = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert ran.stdout == "False\n"
