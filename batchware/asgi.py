"""The ASGI door: `BatchMiddleware`, and the driver that answers the flow's effects by awaiting."""

from __future__ import annotations

import asyncio
import inspect
import time
from collections.abc import Awaitable, Callable, Generator, Mapping, MutableMapping
from typing import Any, TypeVar, Unpack

from asgiref.compatibility import guarantee_single_callable  # pyright: ignore[reportUnknownVariableType]  # untyped

from .config import BatchConfig, BatchOptions, configured
from .contract.effects import Admit, Authorize, Call, Effect, ReadBody, Replay
from .contract.errors import BatchError, BodyTooLarge, HandlerFailed
from .contract.flow import Passage, batch, direct
from .contract.limiter import AsyncLimiter, Decision, Limiter
from .contract.logger import log
from .contract.model import Action, Headers, Reply
from .contract.nesting import Mark, mark_of
from .limiters.memory import MemoryLimiter
from .replay.around import Watched, overriding, tell_batch
from .replay.child import App, BuildScope, Message, Receive, Send
from .replay.ledger import AwaitingLedger
from .replay.places import Places
from .replay.scope import ScopeBuilder, mount_of, parent_of
from .replay.tasks import TaskReplay

__all__ = ["BatchMiddleware"]

T = TypeVar("T")

ACTION_TIMEOUT = 30.0  # seconds; a task can be cancelled, so there is a default (C26)


class BatchMiddleware:
    """Gives an ASGI application a batch route: `app = BatchMiddleware(app)`.

    The options are those of `BatchConfig`, as keyword arguments or ready made as `config`. Wrap the whole application,
    from outside: what stands outside of this middleware sees one request, the batch; what stands inside sees the
    actions. Raises `TypeError` or `ValueError` for a wrong option.
    """

    def __init__(self, app: Any, *, config: BatchConfig | None = None, **options: Unpack[BatchOptions]) -> None:
        self.app: App = guarantee_single_callable(app)  # type: ignore[no-untyped-call]  # asgiref has no annotations here
        self.config = configured(config, options, action_timeout=ACTION_TIMEOUT)
        if isinstance(self.config.threads, int):
            raise TypeError("threads is an option of batchware.wsgi only")
        self._ledger = AwaitingLedger(Places(self.config.max_pending), self.config.limits, _limiter(self.config))
        self._charges_direct = bool(self.config.limits) and self.config.count_direct
        self._around = overriding(self.config.hooks, "around_action")
        self._around_batch = overriding(self.config.hooks, "around_batch")
        self._on_batch = overriding(self.config.hooks, "on_batch")
        self._state: Mapping[str, Any] | None = None

    async def __call__(self, scope: MutableMapping[str, Any], receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            path: str = scope["path"]
            if path.endswith(self.config.path):
                below = path[len(mount_of(scope)) :]
                if below == self.config.path:
                    await _Request(self, scope, receive, send).serve_batch(below)
                    return
            if self._charges_direct and mark_of(scope) is None:
                await _Request(self, scope, receive, send).serve_direct(path[len(mount_of(scope)) :])
                return
        elif scope["type"] == "lifespan":
            self._state = scope.get("state")
        await self.app(scope, receive, send)


class _ClientGone(Exception):
    """The client went away before its batch was read."""


class _Request:
    """One request that is not only passed on: drives its flow, and carries out what comes of it."""

    def __init__(
        self, middleware: BatchMiddleware, scope: MutableMapping[str, Any], receive: Receive, send: Send
    ) -> None:
        try:
            asyncio.get_running_loop()
        except RuntimeError:
            raise RuntimeError("batchware runs on asyncio; this application is served by another event loop") from None
        self._middleware = middleware
        self._config = middleware.config
        self._scope = scope
        self._receive = receive
        self._send = send
        self._started = time.monotonic()
        self._replays: list[TaskReplay] = []

    async def serve_batch(self, path: str) -> None:
        parent = parent_of(self._scope, path)
        try:
            flow = batch(self._config, parent, mount_of(self._scope))
            if hooks := self._middleware._around_batch:
                with Watched(hooks, parent) as tell:
                    reply = await self._drive(flow)
                    tell(reply)
            else:
                reply = await self._drive(flow)
            await self._answer(reply)
        except _ClientGone:
            return
        except asyncio.CancelledError:
            for replay in self._replays:
                replay.stop()
            raise
        finally:  # also where nobody takes the answer: what an action goes on with, it does under the parent (C27)
            for replay in self._replays:
                await replay.rest()
            await self._middleware._ledger.settled()
        for replay in self._replays:
            if replay.interrupt is not None:
                raise replay.interrupt

    async def serve_direct(self, path: str) -> None:
        """A request that is no batch: charged like an action, and passed on (C37)."""
        passage = await self._drive(direct(self._config, parent_of(self._scope, path)))
        if passage.refusal is not None:
            await self._answer(passage.refusal)
        elif passage.slots or passage.headers:
            await self._pass_on(passage)
        else:
            await self._middleware.app(self._scope, self._receive, self._send)

    async def _pass_on(self, passage: Passage) -> None:
        ledger, fields = self._middleware._ledger, _encoded(passage.headers)

        async def send(message: Message) -> None:
            if fields and message["type"] == "http.response.start":
                message = {**message, "headers": [*message.get("headers", ()), *fields]}
            await self._send(message)
            if message["type"] == "http.response.body" and not message.get("more_body", False):
                ledger.free(0, passage.slots)  # complete; background work holds nothing (C27, C39)

        try:
            await self._middleware.app(self._scope, self._receive, send)
        finally:
            ledger.free(0, passage.slots)
            await ledger.settled()

    async def _drive(self, flow: Generator[Effect, Any, T]) -> T:
        try:
            effect = next(flow)
            while True:
                try:
                    answer = await _PERFORM[type(effect)](self, effect)
                except BatchError as error:
                    effect = flow.throw(error)
                else:
                    effect = flow.send(answer)
        except StopIteration as stop:
            result: T = stop.value
            return result

    async def _authorize(self, effect: Authorize) -> str:
        try:
            principal = self._config.authorize(effect.parent)  # type: ignore[misc]  # the flow asks only where there is one
            if not isinstance(principal, str) and inspect.isawaitable(principal):
                principal = await principal
            if not isinstance(principal, str):
                raise TypeError(f"authorize must return a string or raise NotAuthorized, not {principal!r}")
        except BatchError:
            raise
        except Exception:
            log.exception("authorize failed")
            raise HandlerFailed from None
        return principal

    async def _read(self, effect: ReadBody) -> bytes:
        most = effect.most
        chunks: list[bytes] = []
        size, more = 0, True
        while more:
            message = await self._receive()
            if message["type"] == "http.disconnect":
                raise _ClientGone
            chunk = message.get("body", b"")
            size += len(chunk)
            if size > most:
                raise BodyTooLarge(most)
            chunks.append(chunk)
            more = message.get("more_body", False)
        return b"".join(chunks)

    async def _admit(self, effect: Admit) -> Decision | None:
        return await self._middleware._ledger.admit(effect)

    async def _replay(self, effect: Replay) -> None:
        middleware, build, flight = self._middleware, self._builder(), effect.flight
        replay = TaskReplay(
            middleware.app, flight, build, self._receive, free=middleware._ledger.free, hooks=middleware._around
        )
        self._replays.append(replay)
        await replay.fly()
        if middleware._on_batch:
            tell_batch(middleware._on_batch, flight, time.monotonic() - self._started)

    async def _call(self, effect: Call) -> None:
        build = self._as_sent if effect.as_sent else self._builder()
        replay = TaskReplay(self._middleware.app, effect.flight, build, self._receive)
        self._replays.append(replay)
        await replay.fly()

    def _as_sent(self, action: Action, mark: Mark) -> MutableMapping[str, Any]:
        return self._scope

    def _builder(self) -> BuildScope:
        config, state = self._config, self._middleware._state
        return ScopeBuilder(self._scope, base=config.base, state=state, keep=config.keep_keys).build

    async def _answer(self, reply: Reply) -> None:
        start = {"type": "http.response.start", "status": reply.status, "headers": _encoded(reply.headers)}
        await self._send(start)
        # What ASGI takes for granted is said all the same: the test client of Quart 0.23 looks for it.
        await self._send({"type": "http.response.body", "body": reply.body, "more_body": False})


_PERFORM: Mapping[type[Effect], Callable[[_Request, Any], Awaitable[Any]]] = {
    Authorize: _Request._authorize,
    ReadBody: _Request._read,
    Admit: _Request._admit,
    Replay: _Request._replay,
    Call: _Request._call,
}


def _encoded(headers: Headers) -> list[tuple[bytes, bytes]]:
    return [(name.encode("latin-1"), value.encode("latin-1")) for name, value in headers]


def _limiter(config: BatchConfig) -> Limiter | AsyncLimiter | None:
    if not config.limits:
        return None
    limiter = config.limiter or MemoryLimiter()
    if limiter.blocking and not inspect.iscoroutinefunction(limiter.acquire):
        raise TypeError(
            f"limiter: {type(limiter).__name__} blocks the event loop; on ASGI use AsyncRedisLimiter, MemoryLimiter, "
            "or any AsyncLimiter"
        )
    return limiter
