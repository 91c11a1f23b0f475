"""Starlette and FastAPI applications whose limits slowapi keeps, with batches before them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest
import slowapi.middleware as slow
from fastapi import APIRouter, FastAPI
from slowapi import Limiter, _rate_limit_exceeded_handler
from slowapi.errors import RateLimitExceeded
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Mount, Route

from batchware.asgi import BatchMiddleware
from batchware.integrations.slowapi import slowapi_limits
from tests.contract.batching import BatchAnswer, action, host_named, post_batch
from tests.hosts.clients import Response, send

ASGI = host_named("asgi")


def by_user(request: Request) -> str:
    return request.headers.get("X-User", "nobody")


class Service:
    """An application with slowapi and batches; `ran` counts what its endpoints did."""

    def __init__(self, make: Callable[[Service], Any], **options: Any) -> None:
        ours = {name: options.pop(name) for name in ("prepare", "limits", "limiter") if name in options}
        self.limiter = Limiter(options.pop("key_func", by_user), **options)
        self.ran: Counter[str] = Counter()
        self.app = make(self)
        self.app.state.limiter = self.limiter
        self.app.add_exception_handler(RateLimitExceeded, _rate_limit_exceeded_handler)
        self.app.add_middleware(BatchMiddleware, **slowapi_limits(self.limiter, self.app, **ours))

    def batch(self, *paths: str, user: str = "a") -> BatchAnswer:
        return post_batch(self.app, ASGI, [action(path) for path in paths], headers={"X-User": user})

    def direct(self, path: str = "/tasks", user: str = "a") -> Response:
        return send(self.app, "asgi", "GET", path, headers={"X-User": user})

    def left(self, path: str = "/tasks", user: str = "a") -> int:
        """How many direct requests still pass: asked by sending them."""
        count = 0
        while self.direct(path, user).status == 200:
            count += 1
        return count


def starlette(service: Service) -> Starlette:
    """`/tasks` has the defaults, by the middleware; `/limited` and what is mounted have decorators."""
    limit = service.limiter.limit

    async def tasks(request: Request) -> PlainTextResponse:
        service.ran["tasks"] += 1
        return PlainTextResponse("tasks")

    @limit("4/day")
    async def limited(request: Request) -> PlainTextResponse:
        service.ran["limited"] += 1
        return PlainTextResponse("limited")

    @limit("6/day", cost=lambda request: int(request.query_params.get("cost", 1)))
    @limit("9/day", key_func=lambda: "all")
    def costly(request: Request) -> PlainTextResponse:
        service.ran["costly"] += 1
        return PlainTextResponse("costly")

    routes = [
        Route("/tasks", tasks),
        Route("/limited", limited),
        Mount("/below", routes=[Route("/costly", costly)]),
    ]
    return Starlette(routes=routes, middleware=[Middleware(slow.SlowAPIMiddleware)])


def fastapi(service: Service) -> FastAPI:
    app = FastAPI()
    router = APIRouter(prefix="/below")

    @app.get("/tasks")
    @service.limiter.limit("20/day")
    async def tasks(request: Request) -> str:
        service.ran["tasks"] += 1
        return "tasks"

    @app.get("/limited")
    @service.limiter.limit(lambda: "4/day")
    def limited(request: Request) -> str:
        service.ran["limited"] += 1
        return "limited"

    @router.get("/costly/{gid}")
    @service.limiter.limit("6/day", exempt_when=lambda request: "free" in request.query_params)
    async def costly(request: Request, gid: int) -> str:
        service.ran["costly"] += 1
        return "costly"

    app.include_router(router)
    return app


MAKES = [pytest.param(starlette, id="starlette"), pytest.param(fastapi, id="fastapi")]
STRATEGIES = ["fixed-window", "moving-window", "sliding-window-counter"]
