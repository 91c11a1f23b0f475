"""slowapi (Starlette, FastAPI): its own limits are asked for all actions of a batch before anything runs.

    limiter = Limiter(key_func=get_remote_address, default_limits=["200/day"])
    app.state.limiter = limiter
    app.add_middleware(SlowAPIMiddleware)
    app.add_middleware(BatchMiddleware, **slowapi_limits(limiter, app))

For each action a `Request` is made, with the same scope that its child request will have, and slowapi itself says what
it would be charged: by its middleware, if the application has it, and by the decorators of the endpoint that the
application's routes lead to. If one of all these limits has no room for the sum, the batch is 429, nothing runs and
nothing is spent; what happens when two requests want the last room at once is said in `admission`.

What can't be seen before an action runs is counted when it runs, as for a direct request, and only that action fails
then: decorated methods of an `HTTPEndpoint`, endpoints behind routes of a kind that neither Starlette nor FastAPI
knows, and limits whose key or condition needs what middleware puts into `request.state`. `prepare` is for the last: a
function of the `Request`, plain or `async`, that is called first and puts it there. An action that middleware in front
of the endpoint would have ended uncounted is counted here.

A store in memory is asked on the event loop, any other in a thread. `in_memory_fallback` and `swallow_errors` do what
they do for direct requests. Without them a store that can't be reached is a 503, or lets the batch pass uncounted
(`limiter_down_batch`).
"""

from __future__ import annotations

import asyncio
import logging
import sys
from collections.abc import Callable, Collection, Iterable, Sequence
from contextvars import copy_context
from inspect import isawaitable
from typing import TYPE_CHECKING, Any

from limits.storage import MemoryStorage
from msgspec.structs import replace
from slowapi import middleware as slow
from starlette.requests import Request
from starlette.routing import BaseRoute, Match

from ..config import BatchOptions
from ..contract.limiter import AsyncLimiter, Limiter
from ..contract.limits import Limit
from ..contract.model import Parent
from ..contract.nesting import Mark, current
from ..contract.paths import quote_path
from ..replay.scope import Scope, ScopeBuilder
from .admission import Bill, Counted
from .host_limiter import AsyncHostLimiter, options
from .strategies import Note, bill_of, install, noting

if TYPE_CHECKING:
    from slowapi import Limiter as SlowLimiter
    from starlette.applications import Starlette

__all__ = ["slowapi_limits"]

log = logging.getLogger("batchware")


def slowapi_limits(
    host: SlowLimiter,
    app: Starlette,
    /,
    *,
    prepare: Callable[[Request], object] | None = None,
    limits: Sequence[Limit] = (),
    limiter: Limiter | AsyncLimiter | None = None,
    keep_keys: Collection[str] = (),
) -> BatchOptions:
    """The options for a `BatchMiddleware` of `app`, whose limits `host` keeps.

    `limits`, `limiter` and `keep_keys` are the middleware's own, if there are to be any beside. Raises `RuntimeError`
    where `host` is of a version that does not keep things where this looks for them.
    """
    install(host, "slowapi")
    for owner, name in (
        (host, "_check_request_limit"),
        (host, "_route_limits"),
        (host, "_dynamic_route_limits"),
        (host, "_auto_check"),
        (slow, "_find_route_handler"),
        (slow, "_should_exempt"),
    ):
        if not hasattr(owner, name):
            raise RuntimeError(f"this version of slowapi has no {name}; batchware can't ask it")
    asked = _Asked(host, app, prepare, keep_keys)
    return options(AsyncHostLimiter("slowapi", asked.make_bill, asked.run, limiter), limits, keep_keys)


class _Asked:
    """Has slowapi say what the actions of a batch would be charged."""

    def __init__(
        self, host: SlowLimiter, app: Starlette, prepare: Callable[[Request], object] | None, keep: Collection[str]
    ) -> None:
        self._host: Any = host  # what is asked of it is private, and partly untyped
        self._app = app
        self._prepare = prepare
        self._keep = keep

    async def run(self, call: Callable[[], Any]) -> Any:
        """Talk to the store."""
        if isinstance(self._host.limiter.storage, MemoryStorage):
            return call()
        return await asyncio.to_thread(call)

    async def make_bill(self, parent: Parent, actions: Sequence[Counted], failure: Exception | None) -> Bill:
        """Raises `failure` again where slowapi has no fallback for it."""
        base = parent.path.rpartition("/")[0]
        builder = ScopeBuilder(parent.request, base=base, state=None, keep=self._keep)
        loop = asyncio.get_running_loop()
        noted: list[tuple[Mark | None, Sequence[Note]]] = []
        for action, mark in actions:
            if action.method and action.path:  # without them it reaches no route (C38)
                scope = builder.build(replace(action, quoted=quote_path(action.path)), mark or Mark())
                scope["app"] = self._app
                notes = self._notes(scope, action.body, mark, failure)
                noted.append((mark, await loop.create_task(notes, context=copy_context())))
        return bill_of(noted)

    async def _notes(
        self, scope: Scope, body: bytes | None, mark: Mark | None, failure: Exception | None
    ) -> list[Note]:
        async def receive() -> dict[str, Any]:
            return {"type": "http.request", "body": body or b"", "more_body": False}

        current.set(mark)
        request = Request(scope, receive)
        with noting(failure) as notes:
            try:
                if self._prepare is not None:
                    prepared = self._prepare(request)
                    if isawaitable(prepared):
                        await prepared
                if self._host.enabled and self._host._auto_check:
                    self._check(request)
            except Exception as error:
                if error is failure:
                    raise
                # The action will meet it again, and be counted then if it gets so far.
                log.warning("slowapi could not resolve the limits of an action", exc_info=True)
        return notes

    def _check(self, request: Request) -> None:
        """What slowapi's middleware does, and what a decorated endpoint does first."""
        app, host = self._app, self._host
        kinds: list[Any] = [one.cls for one in app.user_middleware]
        watched = slow.SlowAPIMiddleware in kinds or slow.SlowAPIASGIMiddleware in kinds
        by_middleware: Any = getattr(app.state, "limiter", None) if watched else None
        if by_middleware is host:
            middleware: Any = slow
            handler = middleware._find_route_handler(app.routes, request.scope)
            if not middleware._should_exempt(host, handler):
                host._check_request_limit(request, handler, True)
        endpoint = endpoint_of(app.routes, request.scope)
        name = f"{endpoint.__module__}.{endpoint.__name__}" if hasattr(endpoint, "__name__") else ""
        if name in host._route_limits or name in host._dynamic_route_limits:
            host._check_request_limit(request, endpoint, False)


def endpoint_of(routes: Iterable[BaseRoute], scope: Scope) -> Any:
    """The function that `routes` lead to, or None; `scope` gets what they would have put into it."""
    for route in _flat(routes):
        match, child = route.matches(scope)
        if match is Match.FULL:
            scope.update(child)
            nested = getattr(route, "routes", None)  # of a `Mount` or a `Host`
            return child.get("endpoint") if nested is None else endpoint_of(nested, scope)
    return None


def _flat(routes: Iterable[BaseRoute]) -> Iterable[Any]:
    """The routes, in FastAPI those of included routers too."""
    fastapi: Any = sys.modules.get("fastapi.routing")
    flat = getattr(fastapi, "iter_route_contexts", None)  # versions without it have them in `routes`
    return routes if flat is None else flat(routes)
