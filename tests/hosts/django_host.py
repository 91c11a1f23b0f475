"""The hosts `django-asgi` and `django-wsgi`: one settings object, and the views in both of Django's kinds.

Views are async on ASGI, but for the `-sync` ones, and plain functions on WSGI. `/raise` is Django's own 500
page, `/nothing` a view that returns None (`ValueError`, so the same 500). On ASGI Django before 6.1 runs
a view in a task of its own, so the `SystemExit` of `/exit` leaves the event loop. The background work is done
by the response's `close()`. A Django response holds a header once, so values are joined, and it writes
cookies anew from their parts.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qsl

import django
from django.apps import apps
from django.conf import settings
from django.core.handlers.asgi import ASGIHandler
from django.core.handlers.wsgi import WSGIHandler
from django.http import HttpRequest, HttpResponse, HttpResponseBase, JsonResponse, StreamingHttpResponse
from django.urls import URLPattern, path
from django.views.decorators.http import require_http_methods

from tests.hosts import probe
from tests.hosts.routes import PREFIXES, ROUTES, Route


class _BackgroundResponse(JsonResponse):
    def close(self) -> None:
        super().close()
        probe.finish_background()


def call_of(request: Any, param: str | None, body: bytes) -> probe.Call:
    meta = request.META
    return probe.Call(
        method=request.method,
        param=param,
        # `request.GET` groups a name that occurs twice, and so loses the order.
        query=parse_qsl(meta["QUERY_STRING"], keep_blank_values=True),
        frame=request.scope if hasattr(request, "scope") else request.environ,
        store=request,
        path=request.path,
        headers=dict(request.headers.items()),
        body=body,
        client=meta.get("REMOTE_ADDR"),
        scheme=request.scheme,
        url=request.build_absolute_uri(),
        cookies=request.COOKIES,
    )


def response_of(answer: probe.Answer, chunks: Any) -> HttpResponseBase:
    response: HttpResponseBase
    if answer.json is not None:
        kind = _BackgroundResponse if answer.background else JsonResponse
        return kind(answer.json, status=answer.status)
    if answer.chunks is not None:
        response = StreamingHttpResponse(chunks, status=answer.status)
    else:
        response = HttpResponse(answer.body, status=answer.status)
    # Django names text/html where the view names nothing.
    del response["Content-Type"]
    for name, value in answer.headers:
        if name.lower() == "set-cookie":
            response.cookies.load(value)
        else:
            response[name] = f"{response[name]}, {value}" if response.has_header(name) else value
    return response


def _view(route: Route) -> Any:
    def view(request: HttpRequest, **params: str) -> Any:
        body = request.body if route.reads_body else b""
        answer = probe.answer(route, call_of(request, next(iter(params.values()), None), body))
        return None if answer is None else response_of(answer, answer.chunks)

    return require_http_methods([*route.methods, "HEAD"])(view)


def _async_view(route: Route) -> Any:
    if route.blocking:
        return _view(route)

    async def view(request: HttpRequest, **params: str) -> Any:
        body = request.body if route.reads_body else b""
        answer = await probe.answer_async(route, call_of(request, next(iter(params.values()), None), body))
        return None if answer is None else response_of(answer, answer.chunks and probe.stream(answer.chunks))

    return require_http_methods([*route.methods, "HEAD"])(view)


def patterns(view: Callable[[Route], Any]) -> tuple[URLPattern, ...]:
    """Those of all routes, each with what `view` makes of it."""
    return tuple(
        path(
            (prefix + route.template)[1:].replace("{path}", "<path:path>").replace("{", "<").replace("}", ">"),
            view(route),
        )
        for prefix in PREFIXES
        for route in ROUTES
    )


# One process has one ROOT_URLCONF; the ASGI handler puts its own in the place of it, request by request.
urlpatterns = patterns(_view)
_async_urlpatterns = patterns(_async_view)


def configure(**more: Any) -> None:
    """Once a process, and not at all where the process has settings already."""
    if not settings.configured:
        settings.configure(
            ALLOWED_HOSTS=["*"],
            LOGGING_CONFIG=None,
            MIDDLEWARE=[],
            ROOT_URLCONF=__name__,
            SECRET_KEY="for tests only",
            **more,
        )
    if not apps.ready:
        django.setup(set_prefix=False)


def asgi_handler(urlconf: tuple[Any, ...]) -> Any:
    class Handler(ASGIHandler):
        def resolve_request(self, request: Any) -> Any:
            request.urlconf = urlconf
            return super().resolve_request(request)

    return Handler()


def wsgi_handler(urlconf: tuple[Any, ...]) -> Any:
    class Handler(WSGIHandler):
        def resolve_request(self, request: Any) -> Any:
            request.urlconf = urlconf
            return super().resolve_request(request)

    return Handler()


def make_asgi() -> Any:
    configure()
    return asgi_handler(_async_urlpatterns)


def make_wsgi() -> Any:
    configure()
    return wsgi_handler(urlpatterns)
