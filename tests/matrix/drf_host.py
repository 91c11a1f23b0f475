"""The hosts `drf-asgi` and `drf-wsgi`: Django's views as REST framework's, with its requests, parsers and renderers.

REST framework has no async views: on ASGI each runs in a thread of its own request. What a handler raises is not
REST framework's to answer, so `/raise` is Django's 500 page, and so is a view that returns None.
"""

from __future__ import annotations

from functools import partial
from typing import Any

from tests.hosts import django_host, probe
from tests.hosts.routes import Route


def _view(route: Route, *, asgi: bool) -> Any:
    from rest_framework.response import Response
    from rest_framework.views import APIView

    class View(APIView):
        def get(self, request: Any, **params: str) -> Any:
            body = request.body if route.reads_body else b""
            call = django_host.call_of(request, next(iter(params.values()), None), body)
            answer = probe.answer(route, call)
            if answer is not None and answer.json is not None and not answer.background:
                return Response(answer.json, answer.status)
            if answer is None:
                return None
            chunks = answer.chunks and (probe.stream(answer.chunks) if asgi else answer.chunks)
            return django_host.response_of(answer, chunks)

        post = put = patch = delete = get

    return View.as_view()


def _configure() -> None:
    # Without accounts: who is asked for credentials, and how, is no matter of the server.
    django_host.configure(
        INSTALLED_APPS=["rest_framework"],
        REST_FRAMEWORK={
            "DEFAULT_AUTHENTICATION_CLASSES": [],
            "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
            "UNAUTHENTICATED_USER": None,
        },
    )


def make_asgi() -> Any:
    _configure()
    return django_host.asgi_handler(django_host.patterns(partial(_view, asgi=True)))


def make_wsgi() -> Any:
    _configure()
    return django_host.wsgi_handler(django_host.patterns(partial(_view, asgi=False)))
