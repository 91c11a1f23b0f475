"""The handlers of `applications` as Django views, and Django set up for one of its two doors."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping
from typing import Any

import django
from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.urls import clear_url_caches, path
from django.views.decorators.csrf import csrf_exempt

from tests.benchmarks.applications import FIXED, JSON, SMALL, WAIT

USUAL = (
    "django.middleware.security.SecurityMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
)
"""What `startproject` writes down."""

RENDERERS = ["rest_framework.renderers.JSONRenderer"]


def _fixed(body: bytes, kind: str) -> Callable[[HttpRequest], HttpResponse]:
    return lambda request: HttpResponse(body, content_type=kind)


@csrf_exempt
def _echo(request: HttpRequest) -> HttpResponse:
    return HttpResponse(request.body, content_type=JSON)


def _wait_sync(request: HttpRequest) -> HttpResponse:
    time.sleep(WAIT)
    return HttpResponse(SMALL, content_type=JSON)


async def _wait(request: HttpRequest) -> HttpResponse:
    await asyncio.sleep(WAIT)
    return HttpResponse(SMALL, content_type=JSON)


def _awaited(view: Callable[[HttpRequest], HttpResponse]) -> Any:
    async def handler(request: HttpRequest) -> HttpResponse:
        return view(request)

    return handler


def _set_up(usual_middleware: bool, is_async: bool, more: Mapping[str, Any] | None = None) -> None:
    """One process has one set of URLs and of middleware: those of the application that is made last."""
    if not settings.configured:
        settings.configure(
            ALLOWED_HOSTS=["*"],
            DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}},
            INSTALLED_APPS=["django.contrib.auth", "django.contrib.contenttypes", "django.contrib.sessions"],
            LOGGING_CONFIG=None,
            SECRET_KEY="none",
            REST_FRAMEWORK={"DEFAULT_AUTHENTICATION_CLASSES": [], "DEFAULT_RENDERER_CLASSES": RENDERERS},
            ROOT_URLCONF=(),
        )
        django.setup(set_prefix=False)
    views = {**{name: _fixed(*answer) for name, answer in FIXED.items()}, "/echo": _echo}
    if is_async:
        views = {name: _awaited(view) for name, view in views.items()}
        views["/echo"] = csrf_exempt(views["/echo"])
        views["/wait"] = _wait
    views["/wait-sync"] = _wait_sync
    settings.MIDDLEWARE = USUAL if usual_middleware else ()
    settings.ROOT_URLCONF = tuple(path(name[1:], view) for name, view in {**views, **(more or {})}.items())
    clear_url_caches()


def asgi(usual_middleware: bool) -> Any:
    from django.core.handlers.asgi import ASGIHandler

    _set_up(usual_middleware, is_async=True)
    return ASGIHandler()


def wsgi(usual_middleware: bool, rest_framework: bool = False) -> Any:
    """With `rest_framework` the route of a package that answers batches, too."""
    from django.core.handlers.wsgi import WSGIHandler

    _set_up(usual_middleware, is_async=False)
    if rest_framework:
        from drf_batch_requests.views import BatchView  # which reads the settings

        _set_up(usual_middleware, is_async=False, more={"/drf-batch": BatchView.as_view()})
    return WSGIHandler()
