"""The taskboard on Starlette: the routing table as `Route`s, the operations in Starlette's thread pool."""

from __future__ import annotations

from typing import Any

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import UploadFile
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from batchware import Parent
from batchware.asgi import BatchMiddleware

from . import exchange, pages
from .api import BATCH, RESOURCES, Board, Resource


def create_app(board: Board, **options: Any) -> BatchMiddleware:
    """The taskboard with its batch endpoint. `options` are further options of batchware."""

    async def authorize(parent: Parent) -> str:
        return await run_in_threadpool(board.authorize, parent)

    return BatchMiddleware(create_host(board), path=BATCH, authorize=authorize, **options)


def create_host(board: Board) -> Starlette:
    """The taskboard as it would be without batchware."""

    def endpoint(resource: Resource) -> Any:
        async def serve(request: Request) -> Response:
            if exchange.is_form(request.headers.get("content-type")):
                received = _received(request, form=await _form(request))
            else:
                received = _received(request, body=await request.body())
            return _response(await run_in_threadpool(board.answer, received, resource))

        return serve

    def page(path: str) -> Any:
        async def serve(request: Request) -> Response:
            return _response(board.page(_received(request), path))

        return serve

    def no_route(request: Request, error: Exception) -> Response:
        return _response(board.no_route(_received(request)))

    def no_method(request: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)
        return _response(board.no_method(_received(request), (error.headers or {})["Allow"].split(", ")))

    app = Starlette(
        routes=[
            Route(exchange.BASE + resource.path, endpoint(resource), methods=resource.methods, name=resource.name)
            for resource in RESOURCES
        ]
        + [Route(path, page(path)) for path in pages.PATHS],
        exception_handlers={404: no_route, 405: no_method},
    )
    app.router.redirect_slashes = False
    return app


async def _form(request: Request) -> exchange.Form:
    try:
        async with request.form() as form:
            file, upload = form.get("file"), None
            if isinstance(file, UploadFile):
                upload = exchange.Upload.received(file.filename, file.content_type, await file.read())
            return exchange.Form({name: text for name, text in form.multi_items() if isinstance(text, str)}, upload)
    except HTTPException:  # the form is malformed
        return exchange.Form({}, None)


def _received(request: Request, body: bytes = b"", form: exchange.Form | None = None) -> exchange.Request:
    return exchange.Request(
        method=request.method,
        origin=f"{request.url.scheme}://{request.headers.get('host', '')}",
        mount=request.scope.get("root_path", ""),
        query_string=request.scope["query_string"].decode("latin-1"),
        authorization=request.headers.get("authorization"),
        idempotency_key=request.headers.get("idempotency-key"),
        if_none_match=request.headers.get("if-none-match"),
        body=body,
        form=form,
        params=request.path_params,
    )


def _response(answer: exchange.Answer) -> Response:
    return Response(answer.body, answer.status, dict(answer.headers))
