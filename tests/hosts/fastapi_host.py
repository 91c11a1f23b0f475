"""The host `fastapi`.

Endpoints are async, but those with an `{id}` (and the `-sync` ones) are plain functions that run in the
thread pool; JSON answers are returned as a dict for FastAPI to serialize. Failures are Starlette's, except
that `/nothing` is the JSON `null` with 200. FastAPI adds no HEAD to a GET route, so the corpus routes answer
it with 405.
"""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, BackgroundTasks, FastAPI, Request

from tests.hosts import probe
from tests.hosts.routes import PREFIXES, ROUTES, Route
from tests.hosts.starlette_host import call_of, response_of


def _native(answer: probe.Answer | None) -> Any:
    """FastAPI turns a dict, and None, into JSON by itself; a response class passes through."""
    if answer is None:
        return None
    if answer.json is not None and answer.status == 200:
        return answer.json
    return response_of(answer)


def _endpoint(route: Route) -> Any:
    async def endpoint(request: Request, later: BackgroundTasks) -> Any:
        body = await request.body() if route.reads_body else b""
        answer = await probe.answer_async(route, call_of(request, body))
        if answer is not None and answer.background:
            later.add_task(probe.finish_background_async)
        return _native(answer)

    def endpoint_of_id(request: Request, id: str) -> Any:
        return _native(probe.answer(route, call_of(request, b"")))

    def blocking_endpoint(request: Request) -> Any:
        return _native(probe.answer(route, call_of(request, b"")))

    if route.param == "id":
        return endpoint_of_id
    return blocking_endpoint if route.blocking else endpoint


def make() -> Any:
    router = APIRouter()
    for route in ROUTES:
        path = route.template.replace("{path}", "{path:path}")
        router.add_api_route(path, _endpoint(route), methods=list(route.methods), response_model=None)
    app = FastAPI(openapi_url=None)
    for prefix in PREFIXES:
        app.include_router(router, prefix=prefix)
    return app
