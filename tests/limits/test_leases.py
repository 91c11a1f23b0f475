"""C39: a slot whose worker died is free when its lease ends and not before; one whose worker lives stays taken."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest

from batchware import Charge, Concurrency, asgi, wsgi
from batchware.contract.charges import new_permit
from batchware.limiters.redis import AsyncRedisLimiter, RedisLimiter
from tests.contract.batching import action, batch_body
from tests.hosts.clients import asend, send
from tests.hosts.gates import Signal
from tests.limits.servers import Server
from tests.servers.running import ROOT, wait_for

LEASE = 1.5
SLOTS = Concurrency("slots", 1, lease=LEASE)
HEADERS = {"Content-Type": "application/json"}
CLIENT = "client:127.0.0.1"


@pytest.fixture
def limiter(own_redis: Server) -> Iterator[RedisLimiter]:
    limiter = RedisLimiter(own_redis.url, timeout=5.0)
    yield limiter
    limiter.close()


def _free(limiter: RedisLimiter) -> bool:
    """Whether the one slot is; takes nothing."""
    return limiter.acquire([Charge(SLOTS, CLIENT, 1)], permit=new_permit()).admitted


def test_c39_a_killed_worker_keeps_its_slot_until_the_lease_ends(own_redis: Server, limiter: RedisLimiter) -> None:
    command = [sys.executable, "-m", "tests.limits.victim", own_redis.url, str(LEASE)]
    victim = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    try:
        assert victim.stdout is not None
        assert victim.stdout.readline() == "running\n"
        assert not _free(limiter)
    finally:
        victim.kill()
        victim.communicate()
    dead = time.monotonic()
    wait_for("the slot is free", lambda: _free(limiter))
    # The last renewal was at most a third of the lease before the end, and a moment of the keeper's sleep.
    assert LEASE / 2 < time.monotonic() - dead < LEASE + 0.5


def _stays_taken(limiter: RedisLimiter) -> None:
    end = time.monotonic() + 2.5 * LEASE
    while time.monotonic() < end:
        assert not _free(limiter)
        time.sleep(0.05)


@pytest.mark.parametrize("batched", [True, False], ids=["an action", "a direct request"])
def test_c39_a_long_request_keeps_its_slot_in_a_thread(own_redis: Server, limiter: RedisLimiter, batched: bool) -> None:
    running, end = threading.Event(), threading.Event()

    def application(environ: Any, start_response: Any) -> list[bytes]:
        running.set()
        end.wait(30)
        start_response("200 OK", [("Content-Type", "text/plain")])
        return [b""]

    blocking = RedisLimiter(own_redis.url)
    app = wsgi.BatchMiddleware(application, limits=[SLOTS], limiter=blocking, max_actions=1)
    sent = {"headers": HEADERS, "body": batch_body([action()])} if batched else {}
    method, path = ("POST", "/batch") if batched else ("GET", "/tasks/1")
    thread = threading.Thread(target=lambda: send(app, "wsgi", method, path, **sent))
    thread.start()
    assert running.wait(30)
    _stays_taken(limiter)
    end.set()
    thread.join()
    wait_for("the slot is free", lambda: _free(limiter))
    blocking.close()
    app.close()


@pytest.mark.parametrize("batched", [True, False], ids=["an action", "a direct request"])
def test_c39_a_long_request_keeps_its_slot_in_a_task(own_redis: Server, limiter: RedisLimiter, batched: bool) -> None:
    running, end = Signal(), Signal()

    async def application(scope: Any, receive: Any, send: Any) -> None:
        running.set()
        await end.wait_async(30)
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    sent = {"headers": HEADERS, "body": batch_body([action()])} if batched else {}
    method, path = ("POST", "/batch") if batched else ("GET", "/tasks/1")

    async def run() -> None:
        own = AsyncRedisLimiter(own_redis.url)
        app = asgi.BatchMiddleware(application, limits=[SLOTS], limiter=own, max_actions=1)
        request = asyncio.create_task(asend(app, method, path, **sent))
        await running.wait_async(30)
        await asyncio.to_thread(_stays_taken, limiter)
        end.set()
        await request
        await own.aclose()

    asyncio.run(run())
    wait_for("the slot is free", lambda: _free(limiter))
