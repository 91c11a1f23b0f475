"""RedisLimiter and AsyncRedisLimiter: one set of counters for many processes and machines, kept by Redis or Valkey.

One admission is one script, whatever the number of limits and actions, so it is atomic (C36) and costs one round trip.
A store that does not answer must not hold a request (C41): the clients that are made here have time-outs within
`timeout` and no retries, and after a few failures in a row nobody waits for a while (`breaker`).
What is asked, and what is still owed after a failure, is decided in `exchange`; here is the calling.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Generator, Sequence
from typing import Any, TypeVar, cast
from weakref import WeakKeyDictionary

import redis
import redis.asyncio
import redis.asyncio.retry
import redis.retry
from redis.backoff import NoBackoff
from redis.exceptions import NoScriptError, ReadOnlyError, ResponseError

from ..contract.limiter import Charge, Decision, Slot
from .breaker import Breaker
from .exchange import Exchange
from .scripts import Call

__all__ = ["AsyncRedisLimiter", "RedisLimiter"]

T = TypeVar("T")

TIMEOUT = 0.1  # seconds for one decision (C41)
CONNECTIONS = 32  # of one event loop; an admission takes a fraction of a millisecond, so few are busy at once


class RedisLimiter(Exchange):
    """Counts in Redis 6.2 or newer, or Valkey, for WSGI. Safe under threads and after a fork.

    `client` is a URL (`redis://`, `rediss://`, `unix://`), for which a client is made whose connections have half of
    `timeout` (seconds) to come about, and half to answer; or a `redis.Redis` or `redis.RedisCluster` of your own, whose
    own time-outs and retries hold. All keys start with `{prefix}:`, one slot of a cluster; limiters with one prefix
    share their counters. Raises `LimiterUnavailable` where Redis can't be reached or can't decide.
    """

    blocking = True

    def __init__(
        self,
        client: str | redis.Redis | redis.RedisCluster,
        *,
        prefix: str = "batchware",
        timeout: float = TIMEOUT,
        breaker: Breaker | None = None,
    ) -> None:
        super().__init__(prefix, breaker)
        self._client: Any = _client(client, timeout, {}) if isinstance(client, str) else client

    @classmethod
    def from_url(cls, url: str, *, prefix: str = "batchware", timeout: float = TIMEOUT, **options: Any) -> RedisLimiter:
        """A limiter for `url`; `options` are those of `redis.Redis.from_url`, over the ones that are set here."""
        return cls(_client(url, timeout, options), prefix=prefix)

    def acquire(self, charges: Sequence[Charge], *, permit: str) -> Decision:
        """All charges or none; see `Limiter`."""
        return self._carry_out(self._admission(charges, permit))

    def release(self, slots: Sequence[Slot]) -> None:
        """Free slots; see `Limiter`. Those that can't be freed now are freed with a later call."""
        self._carry_out(self._giving_back(slots))

    def renew(self, slots: Sequence[Slot]) -> Sequence[Slot]:
        """Extend leases; see `Limiter`."""
        return self._carry_out(self._renewal(slots))

    def close(self) -> None:
        """Close the connections; a later call opens new ones."""
        self._client.close()

    def _carry_out(self, exchange: Generator[Call, Any, T]) -> T:
        try:
            call = next(exchange)
            while True:
                try:
                    reply = self._send(call)
                except BaseException as error:  # noqa: BLE001  # the exchange raises it again, or another
                    call = exchange.throw(error)
                else:
                    call = exchange.send(reply)
        except StopIteration as stop:
            result: T = stop.value
            return result

    def _send(self, call: Call) -> Any:
        script, client, count = call.script, self._client, len(call.keys)
        try:
            try:
                return client.evalsha(script.sha, count, *call.keys, *call.arguments)
            except NoScriptError:
                return client.eval(script.source, count, *call.keys, *call.arguments)
        except ResponseError as error:
            if _demoted(error, client):
                client.connection_pool.disconnect(inuse_connections=False)
            raise


class AsyncRedisLimiter(Exchange):
    """`RedisLimiter` for ASGI: the same options, counters and errors; every call ends within `timeout` seconds.

    Connections belong to the event loop that opened them, so for a URL each loop gets a client of its own; `aclose()`
    closes the one of the running loop, and belongs at the end of each loop. A client of your own serves the loop that
    it is first used in, and any other gets a `RuntimeError`.
    """

    blocking = False

    def __init__(
        self,
        client: str | redis.asyncio.Redis | redis.asyncio.RedisCluster,
        *,
        prefix: str = "batchware",
        timeout: float = TIMEOUT,
        breaker: Breaker | None = None,
    ) -> None:
        super().__init__(prefix, breaker)
        self._timeout = timeout
        self._options: dict[str, Any] = {}
        self._source: Any = client
        self._clients: WeakKeyDictionary[asyncio.AbstractEventLoop, Any] = WeakKeyDictionary()
        if isinstance(client, str):
            _async_client(client, timeout, {})  # a wrong URL is an error now

    @classmethod
    def from_url(
        cls, url: str, *, prefix: str = "batchware", timeout: float = TIMEOUT, **options: Any
    ) -> AsyncRedisLimiter:
        """A limiter for `url`; `options` are those of `redis.asyncio.Redis.from_url`, over the ones set here."""
        limiter = cls(url, prefix=prefix, timeout=timeout)
        limiter._options = options
        return limiter

    async def acquire(self, charges: Sequence[Charge], *, permit: str) -> Decision:
        """All charges or none; see `Limiter`."""
        return await self._carry_out(self._admission(charges, permit))

    async def release(self, slots: Sequence[Slot]) -> None:
        """Free slots; see `Limiter`. Those that can't be freed now are freed with a later call."""
        await self._carry_out(self._giving_back(slots))

    async def renew(self, slots: Sequence[Slot]) -> Sequence[Slot]:
        """Extend leases; see `Limiter`."""
        return await self._carry_out(self._renewal(slots))

    async def aclose(self) -> None:
        """Close the connections of the running loop; a later call opens new ones."""
        with self._lock:
            client = self._clients.pop(asyncio.get_running_loop(), None)
        if client is not None:
            await client.aclose()
            if isinstance(self._source, str):
                await client.connection_pool.disconnect()

    async def _carry_out(self, exchange: Generator[Call, Any, T]) -> T:
        loop = asyncio.get_running_loop()
        client, deadline = self._client_of(loop), loop.time() + self._timeout
        try:
            call = next(exchange)
            while True:
                try:
                    async with asyncio.timeout_at(deadline):
                        reply = await self._send(client, call)
                except BaseException as error:  # noqa: BLE001  # the exchange raises it again, or another
                    call = exchange.throw(error)
                else:
                    call = exchange.send(reply)
        except StopIteration as stop:
            result: T = stop.value
            return result

    async def _send(self, client: Any, call: Call) -> Any:
        script, count = call.script, len(call.keys)
        try:
            try:
                return await client.evalsha(script.sha, count, *call.keys, *call.arguments)
            except NoScriptError:
                return await client.eval(script.source, count, *call.keys, *call.arguments)
        except ResponseError as error:
            if _demoted(error, client):
                await client.connection_pool.disconnect(inuse_connections=False)
            raise

    def _client_of(self, loop: asyncio.AbstractEventLoop) -> Any:
        client = self._clients.get(loop)
        if client is not None:
            return client
        with self._lock:
            for other in [other for other in self._clients if other.is_closed()]:
                del self._clients[other]
            if isinstance(self._source, str):
                client = _async_client(self._source, self._timeout, self._options)
            elif self._clients:
                raise RuntimeError(
                    "AsyncRedisLimiter: the client that it was given belongs to another event loop; give it a URL"
                )
            else:
                client = self._source
            self._clients[loop] = client
        return client


def _client(url: str, timeout: float, options: dict[str, Any]) -> Any:
    # A thread can't be timed out as a whole, so half is to connect and half to answer: a host that is gone costs the
    # first, a process that hangs the second. RESP2 needs no greeting, and nothing that a script returns needs RESP3.
    # With the retries that newer clients have by default a dead Redis costs seconds.
    own = {"socket_connect_timeout": timeout / 2, "socket_timeout": timeout / 2, "protocol": 2}
    retry = redis.retry.Retry(NoBackoff(), 0)
    make = cast("Callable[..., Any]", redis.Redis.from_url)  # pyright: ignore[reportUnknownMemberType]  # untyped
    return make(url, **{**own, "retry": retry, **options})


def _async_client(url: str, timeout: float, options: dict[str, Any]) -> Any:
    own = {"socket_connect_timeout": timeout, "socket_timeout": timeout, "protocol": 2}  # each call has a deadline too
    retry = redis.asyncio.retry.Retry(NoBackoff(), 0)
    few = {"max_connections": CONNECTIONS, "timeout": timeout}
    # Partly untyped there.
    pool_of = redis.asyncio.BlockingConnectionPool.from_url  # pyright: ignore[reportUnknownMemberType,reportUnknownVariableType]
    pool = cast("Callable[..., Any]", pool_of)(url, **{**own, **few, "retry": retry, **options})
    return redis.asyncio.Redis(connection_pool=pool)


def _demoted(error: ResponseError, client: Any) -> bool:
    """Whether the server is no primary any more: then new connections may lead to the new one."""
    # Redis before 7 wraps what a script met in an error of its own.
    return (isinstance(error, ReadOnlyError) or "READONLY" in str(error)) and hasattr(client, "connection_pool")
