"""The host `ninja`: Django Ninja on Django's ASGI handler.

Operations are async, the `-sync` ones plain functions, which Django runs in a thread of the request. A dict is
rendered by Ninja; what a handler raises is Django's 500 page, and None the JSON `null` with 200.
"""

from __future__ import annotations

import re
from typing import Any

from tests.hosts import django_host, probe
from tests.hosts.routes import PREFIXES, ROUTES, Route


def _native(answer: probe.Answer | None, chunks: Any = None) -> Any:
    """Ninja turns a dict, and None, into JSON by itself; Django's responses pass through."""
    if answer is None or (answer.json is not None and answer.status == 200 and not answer.background):
        return answer and answer.json
    return django_host.response_of(answer, chunks)


def _operation(route: Route) -> Any:
    """By the signature of its function Ninja knows the parameter, and whether to await."""

    async def answered(request: Any, param: str | None) -> Any:
        body = request.body if route.reads_body else b""
        answer = await probe.answer_async(route, django_host.call_of(request, param, body))
        return _native(answer, answer and answer.chunks and probe.stream(answer.chunks))

    async def operation(request: Any) -> Any:
        return await answered(request, None)

    async def operation_of(request: Any, param: str) -> Any:
        return await answered(request, param)

    def blocking_operation_of(request: Any, param: str) -> Any:
        return _native(probe.answer(route, django_host.call_of(request, param, b"")))

    if route.blocking:
        return blocking_operation_of
    return operation_of if route.param else operation


def make() -> Any:
    django_host.configure(INSTALLED_APPS=["ninja"])
    from django.urls import path
    from ninja import NinjaAPI

    api = NinjaAPI(openapi_url=None, docs_url=None)
    for prefix in PREFIXES:
        for route in ROUTES:
            name = "{path:param}" if route.param == "path" else "{param}"
            template = prefix + re.sub(r"\{\w+\}", name, route.template)
            api.api_operation(list(route.methods), template)(_operation(route))
    return django_host.asgi_handler((path("", api.urls),))
