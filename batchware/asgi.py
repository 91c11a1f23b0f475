"""The ASGI door: `BatchMiddleware`, and the driver that answers the flow's effects by awaiting."""

from __future__ import annotations

import asyncio
import inspect
import logging
import time
from collections.abc import Mapping, MutableMapping
from typing import Any, Unpack

from asgiref.compatibility import guarantee_single_callable  # pyright: ignore[reportUnknownVariableType]

from .config import BatchConfig, BatchOptions, configured
from .contract.errors import BatchError, BodyTooLarge, HandlerFailed
from .contract.flight import Flight
from .contract.flow import Admit, Authorize, Call, Effect, ReadBody, Replay, batch
from .contract.model import Action, Parent, Reply
from .contract.nesting import Mark
from .replay.around import overriding, tell_batch
from .replay.places import Places
from .replay.scope import ScopeBuilder, mount_of, parent_of
from .replay.tasks import App, BuildScope, Receive, Send, TaskReplay

__all__ = ["BatchMiddleware"]

log = logging.getLogger("batchware")

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
        self._places = Places(self.config.max_pending)
        self._around = overriding(self.config.hooks, "around_action")
        self._on_batch = overriding(self.config.hooks, "on_batch")
        self._state: Mapping[str, Any] | None = None

    async def __call__(self, scope: MutableMapping[str, Any], receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            path: str = scope["path"]
            if path.endswith(self.config.path):
                below = path[len(mount_of(scope)) :]
                if below == self.config.path:
                    await _Batch(self, scope, receive, send).serve(below)
                    return
        elif scope["type"] == "lifespan":
            self._state = scope.get("state")
        await self.app(scope, receive, send)


class _ClientGone(Exception):
    """The client went away before its batch was read."""


class _Batch:
    """One batch request: drives the flow to its reply."""

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

    async def serve(self, path: str) -> None:
        try:
            await self._serve(path)
        except _ClientGone:
            return
        except asyncio.CancelledError:
            for replay in self._replays:
                replay.stop()
            raise
        finally:  # also where nobody takes the answer: what an action goes on with, it does under the parent (C27)
            for replay in self._replays:
                await replay.rest()
        for replay in self._replays:
            if replay.interrupt is not None:
                raise replay.interrupt

    async def _serve(self, path: str) -> None:
        parent = parent_of(self._scope, path)
        flow = batch(self._config, parent, mount_of(self._scope))
        try:
            effect = next(flow)
            while True:
                try:
                    answer = await self._perform(effect)
                except BatchError as error:
                    effect = flow.throw(error)
                else:
                    effect = flow.send(answer)
        except StopIteration as stop:
            await self._answer(stop.value)

    async def _perform(self, effect: Effect) -> Any:
        match effect:
            case Authorize(parent):
                return await self._authorize(parent)
            case ReadBody(most):
                return await self._read(most)
            case Admit(count):
                return self._middleware._places.take(count)
            case Replay(flight):
                return await self._replay(flight)
            case Call(flight, as_sent):
                return await self._call(flight, as_sent)

    async def _authorize(self, parent: Parent) -> str:
        try:
            principal = self._config.authorize(parent)  # type: ignore[misc]  # the flow asks only where there is one
            if inspect.isawaitable(principal):
                principal = await principal
            if not isinstance(principal, str):
                raise TypeError(f"authorize must return a string or raise NotAuthorized, not {principal!r}")
        except BatchError:
            raise
        except Exception:
            log.exception("authorize failed")
            raise HandlerFailed from None
        return principal

    async def _read(self, most: int) -> bytes:
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

    async def _replay(self, flight: Flight) -> None:
        middleware, build = self._middleware, self._builder()
        replay = TaskReplay(
            middleware.app, flight, build, self._receive, places=middleware._places, hooks=middleware._around
        )
        self._replays.append(replay)
        await replay.fly()
        if middleware._on_batch:
            tell_batch(middleware._on_batch, flight, time.monotonic() - self._started)

    async def _call(self, flight: Flight, as_sent: bool) -> None:
        build = self._as_sent if as_sent else self._builder()
        replay = TaskReplay(self._middleware.app, flight, build, self._receive)
        self._replays.append(replay)
        await replay.fly()

    def _as_sent(self, action: Action, mark: Mark) -> MutableMapping[str, Any]:
        return self._scope

    def _builder(self) -> BuildScope:
        config, state = self._config, self._middleware._state
        return ScopeBuilder(self._scope, base=config.base, state=state, keep=config.keep_keys).build

    async def _answer(self, reply: Reply) -> None:
        headers = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in reply.headers]
        await self._send({"type": "http.response.start", "status": reply.status, "headers": headers})
        await self._send({"type": "http.response.body", "body": reply.body})
