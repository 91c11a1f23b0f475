"""Published packages that answer batches: `drf-batch-requests` on Django, and the batch of `kinto.core` on Pyramid.

Both are routes of the application, so they are called like one, with a batch of their own form.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from tests.benchmarks import calls
from tests.benchmarks.applications import JSON, SMALL, Host
from tests.benchmarks.calls import Door, Handler
from tests.benchmarks.hand_written import Enter, Peer
from tests.benchmarks.rounds import Timed

KINTO_SETTINGS = {
    "cache_backend": "kinto.core.cache.memory",
    "http_scheme": "https",
    "multiauth.policies": "",
    "permission_backend": "kinto.core.permission.memory",
    "project_name": "benchmark",
    "settings_prefix": "benchmark",
    "storage_backend": "kinto.core.storage.memory",
    "version_prefix_redirect_enabled": False,
}


def _drf_app() -> Any:
    from tests.benchmarks import django_views

    return django_views.wsgi(usual_middleware=False, rest_framework=True)


def _pyramid_app() -> Any:
    import kinto.core
    from pyramid.config import Configurator
    from pyramid.request import Request
    from pyramid.response import Response

    def small(request: Request) -> Response:
        return Response(body=SMALL, content_type=JSON)

    def echo(request: Request) -> Response:
        return Response(body=request.body, content_type=JSON)

    with Configurator(settings=KINTO_SETTINGS) as config:
        kinto.core.initialize(config, version="0.0.1")
        config.route_prefix = None
        for name, view, method in (("small", small, "GET"), ("echo", echo, "POST")):
            for prefix in ("/", "/v0/"):  # its batch finds no others than those below its version
                config.add_route(prefix + name, prefix + name)
                config.add_view(view, route_name=prefix + name, request_method=method)
        return config.make_wsgi_app()


def _drf_batch(handler: Handler, count: int) -> tuple[str, Any, str]:
    one = {"method": handler.method, "relative_url": handler.path}
    if handler.body:
        one["body"] = handler.body.decode()
    return "/drf-batch", {"batch": [one] * count}, '"code":200'


def _kinto_batch(handler: Handler, count: int) -> tuple[str, Any, str]:
    one: Mapping[str, Any] = {"method": handler.method, "path": handler.path}
    if handler.body:
        one = {**one, "body": json.loads(handler.body)}
    return "/v0/batch", {"requests": [one] * count}, '"status":200'


def _posted(form: Any) -> Enter:
    @contextmanager
    def entered(door: Door, app: Any, handler: Handler, count: int) -> Iterator[Timed]:
        path, batch, good = form(handler, count)
        request = calls.sent("POST", path, json.dumps(batch).encode())
        answer = door.answer(app, request)
        assert answer.replace(b": ", b":").count(good.encode()) == count, answer[:1000]
        yield door.timed(app, request)

    return entered


REST_FRAMEWORK = Host("rest-framework", "Django REST framework", "wsgi", _drf_app, "rest_framework")
PYRAMID = Host("pyramid", "Pyramid, kinto.core", "wsgi", _pyramid_app, "kinto")

DRF_BATCH_REQUESTS = Peer("drf-batch-requests", _posted(_drf_batch), ("drf_batch_requests", "rest_framework"))
KINTO = Peer("Kinto's batch", _posted(_kinto_batch), ("kinto",))
