"""The host `litestar`.

Handlers are async, the `-sync` ones plain functions in Litestar's thread pool. `/raise` is its JSON 500,
`/nothing` the JSON `null` with 200. Litestar names a content type itself where the handler names none.
"""

from __future__ import annotations

from typing import Any, cast
from urllib.parse import parse_qsl

from litestar import HttpMethod, Litestar, Request, Response, Router, route
from litestar.background_tasks import BackgroundTask
from litestar.response.base import ASGIResponse
from litestar.response.streaming import ASGIStreamingResponse

from tests.hosts import probe
from tests.hosts.routes import PREFIXES, ROUTES, Route


def _call(request: Request[Any, Any, Any], body: bytes) -> probe.Call:
    headers: dict[str, str] = {}
    for name in request.headers:
        headers[name] = ", ".join(request.headers.getall(name))
    return probe.Call(
        method=request.method,
        # A `path` parameter comes as an absolute path.
        param=next((str(value).removeprefix("/") for value in request.path_params.values()), None),
        # `request.query_params` gives its names in the order of a set.
        query=parse_qsl(request.scope["query_string"].decode("latin-1"), keep_blank_values=True),
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


def _response(answer: probe.Answer | None) -> Any:
    if answer is None:
        return Response(None, status_code=200)
    task = BackgroundTask(probe.finish_background_async) if answer.background else None
    return Response(answer.json, status_code=answer.status, background=task)


def _raw_response(answer: probe.Answer) -> ASGIResponse:
    """Only Litestar's ASGI responses take a header twice."""
    if answer.chunks is None:
        return ASGIResponse(body=answer.body, status_code=answer.status, headers=answer.headers)
    return ASGIStreamingResponse(
        iterator=probe.stream(answer.chunks), status_code=answer.status, headers=cast(Any, answer.headers)
    )


def _handler(entry: Route) -> Any:
    async def handler(request: Request[Any, Any, Any]) -> Any:
        body = await request.body() if entry.reads_body else b""
        return _response(await probe.answer_async(entry, _call(request, body)))

    # Litestar goes by the annotation, and takes an ASGI response only where one is announced.
    async def raw_handler(request: Request[Any, Any, Any]) -> ASGIResponse:
        body = await request.body() if entry.reads_body else b""
        return _raw_response(cast(probe.Answer, await probe.answer_async(entry, _call(request, body))))

    def blocking_handler(request: Request[Any, Any, Any]) -> Any:
        return _response(probe.answer(entry, _call(request, b"")))

    path = entry.template
    if entry.param:
        path = path.replace("}", ":path}" if entry.param == "path" else ":str}")
    methods = [HttpMethod(method) for method in entry.methods]
    if entry.blocking:
        return route(path, http_method=methods, sync_to_thread=True)(blocking_handler)
    raw = entry.kind in {"respond", "half", "forever"}
    return route(path, http_method=methods)(raw_handler if raw else handler)


def make() -> Any:
    handlers = [Router(path=prefix or "/", route_handlers=[_handler(entry) for entry in ROUTES]) for prefix in PREFIXES]
    return Litestar(handlers, openapi_config=None)
