"""The host `starlette`.

Routes are `Route`s with async endpoints, the `-sync` ones plain functions in its thread pool. `/raise` is a
500 of Starlette's own and then leaves the application; `/exit` and `/half` leave it with what was sent so
far; `/nothing` returns None, which Starlette calls (a `TypeError`, so a 500 that leaves as well). `/late` is
a response that raises when it has been sent. HEAD is answered wherever GET is, with GET's body, which a
server drops.
"""

from __future__ import annotations

from typing import Any

from starlette import routing
from starlette.applications import Starlette
from starlette.background import BackgroundTask
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse

from tests.hosts import probe
from tests.hosts.routes import LATE, ROUTES, Route


class _LateResponse(JSONResponse):
    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        await super().__call__(scope, receive, send)
        raise RuntimeError(probe.SECRET)


def call_of(request: Request, body: bytes) -> probe.Call:
    headers: dict[str, str] = {}
    for name in request.headers:
        headers[name] = ", ".join(request.headers.getlist(name))
    return probe.Call(
        method=request.method,
        param=next(iter(request.path_params.values()), None),
        query=request.query_params.multi_items(),
        frame=request.scope,
        store=request.state,
        path=request.url.path,
        headers=headers,
        body=body,
        client=request.client.host if request.client else None,
        scheme=request.url.scheme,
        url=str(request.url),
        cookies=request.cookies,
    )


def response_of(answer: probe.Answer) -> Response:
    response: Response
    if answer.json is not None:
        task = BackgroundTask(probe.finish_background_async) if answer.background else None
        return JSONResponse(answer.json, answer.status, background=task)
    if answer.chunks is not None:
        response = StreamingResponse(probe.stream(answer.chunks), answer.status)
    else:
        response = Response(answer.body, answer.status)
    for name, value in answer.headers:
        response.headers.append(name, value)
    return response


def _endpoint(route: Route) -> Any:
    async def endpoint(request: Request) -> Any:
        body = await request.body() if route.reads_body else b""
        answer = await probe.answer_async(route, call_of(request, body))
        if route.kind == "late" and answer is not None:
            return _LateResponse(answer.json)
        return None if answer is None else response_of(answer)

    def blocking_endpoint(request: Request) -> Any:
        answer = probe.answer(route, call_of(request, b""))
        return None if answer is None else response_of(answer)

    return blocking_endpoint if route.blocking else endpoint


def _routes() -> list[routing.Route]:
    return [
        routing.Route(route.template.replace("{path}", "{path:path}"), _endpoint(route), methods=list(route.methods))
        for route in (*ROUTES, LATE)
    ]


def make() -> Any:
    return Starlette(routes=[*_routes(), routing.Mount("/api/1.0", routes=_routes())])
