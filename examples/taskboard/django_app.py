"""The taskboard on Django: the routing table as `path`s, the views plain functions in Django's threads.

Django's settings and URLs exist once in a process, a board need not: it travels with each request, in the scope.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from asgiref.sync import sync_to_async
from asgiref.typing import ASGIApplication
from django.conf import settings
from django.core.asgi import get_asgi_application
from django.core.handlers.asgi import ASGIRequest
from django.http import HttpResponse
from django.http.multipartparser import MultiPartParserError
from django.urls import path

from batchware import Parent
from batchware.asgi import BatchMiddleware

from . import exchange, pages
from .api import BATCH, RESOURCES, Board, Resource

# No sessions, cookies or pages: bearer tokens and JSON need none of Django's middleware.
SETTINGS: dict[str, Any] = {
    "ALLOWED_HOSTS": ["*"],
    "ROOT_URLCONF": __name__,
    "MIDDLEWARE": [],
    "DATA_UPLOAD_MAX_MEMORY_SIZE": None,
}


def create_app(board: Board, **options: Any) -> BatchMiddleware:
    """The taskboard with its batch endpoint. `options` are further options of batchware."""

    async def authorize(parent: Parent) -> str:
        return await sync_to_async(board.authorize, thread_sensitive=False)(parent)

    return BatchMiddleware(create_host(board), path=BATCH, authorize=authorize, **options)


def create_host(board: Board) -> ASGIApplication:
    """The taskboard as it would be without batchware."""
    if not settings.configured:
        settings.configure(**SETTINGS)
    django = get_asgi_application()

    async def host(scope: Any, receive: Any, send: Any) -> None:
        await django({**scope, "taskboard": board}, receive, send)

    return host


def _view(resource: Resource) -> Callable[..., HttpResponse]:
    def serve(request: ASGIRequest, **params: str) -> HttpResponse:
        board = request.scope["taskboard"]
        if request.method not in resource.methods:
            return _response(board.no_method(_received(request, params), resource.methods))
        return _response(board.answer(_received(request, params), resource))

    return serve


def _page(path: str) -> Callable[..., HttpResponse]:
    def serve(request: ASGIRequest) -> HttpResponse:
        board = request.scope["taskboard"]
        if request.method not in pages.METHODS:
            return _response(board.no_method(_received(request, {}), pages.METHODS))
        return _response(board.page(_received(request, {}), path))

    return serve


def handler404(request: ASGIRequest, exception: Exception) -> HttpResponse:
    return _response(request.scope["taskboard"].no_route(_received(request, {})))


urlpatterns = [
    path(exchange.BASE.removeprefix("/") + resource.path.replace("{gid}", "<gid>"), _view(resource), name=resource.name)
    for resource in RESOURCES
] + [path(route.removeprefix("/"), _page(route)) for route in pages.PATHS]


def _received(request: ASGIRequest, params: dict[str, str]) -> exchange.Request:
    form = _form(request) if exchange.is_form(request.headers.get("content-type")) else None
    return exchange.Request(
        method=request.method or "",
        origin=f"{request.scheme}://{request.headers.get('host', '')}",
        mount=request.META["SCRIPT_NAME"],
        query_string=request.META["QUERY_STRING"],
        authorization=request.headers.get("authorization"),
        idempotency_key=request.headers.get("idempotency-key"),
        if_none_match=request.headers.get("if-none-match"),
        body=request.body if form is None else b"",
        form=form,
        params=params,
    )


def _form(request: ASGIRequest) -> exchange.Form:
    try:
        file = request.FILES.get("file")
    except MultiPartParserError:
        return exchange.Form({}, None)
    upload = exchange.Upload.received(file.name, file.content_type, file.read()) if file else None
    return exchange.Form(dict(request.POST.items()), upload)


def _response(answer: exchange.Answer) -> HttpResponse:
    response = HttpResponse(answer.body, status=answer.status, headers=dict(answer.headers))
    if "Content-Type" not in answer.headers:
        del response["Content-Type"]  # Django's own, for pages
    return response
