"""The host `pyramid`.

Pyramid has no last resort: what a view raises leaves the application with nothing sent, and so does
`/nothing`, where a view that returns None is a `ValueError`. `/half` leaves the iterator. The background work
is done by the iterable's `close()`. HEAD is answered wherever GET is; WebOb drops the body itself.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from pyramid.config import Configurator
from pyramid.request import Request
from pyramid.response import Response

from tests.hosts import probe
from tests.hosts.routes import PREFIXES, ROUTES, Route


class _Closing:
    def __init__(self, content: dict[str, Any]) -> None:
        self._chunks = iter([json.dumps(content).encode()])
        self.close = probe.finish_background

    def __iter__(self) -> Iterator[bytes]:
        return self._chunks


def _call(request: Request, body: bytes) -> probe.Call:
    return probe.Call(
        method=request.method,
        param=next(iter(request.matchdict.values()), None),
        query=list(request.GET.items()),
        frame=request.environ,
        store=request,
        path=request.path_info,
        headers=dict(request.headers.items()),
        body=body,
        client=request.remote_addr,
        scheme=request.scheme,
        url=request.url,
        cookies=dict(request.cookies),
    )


def _response(answer: probe.Answer) -> Response:
    if answer.json is not None:
        if answer.background:
            return Response(app_iter=_Closing(answer.json), content_type="application/json")
        return Response(json_body=answer.json, status=answer.status)
    if answer.chunks is not None:
        response = Response(app_iter=answer.chunks, status=answer.status)
    else:
        response = Response(body=answer.body, status=answer.status)
    # WebOb names text/html where the view names nothing.
    response.headers.pop("Content-Type", None)
    for name, value in answer.headers:
        response.headers.add(name, value)
    return response


def _view(route: Route) -> Any:
    def view(request: Request) -> Any:
        answer = probe.answer(route, _call(request, request.body if route.reads_body else b""))
        return None if answer is None else _response(answer)

    return view


def make() -> Any:
    with Configurator() as config:
        for prefix in PREFIXES:
            for route in ROUTES:
                name = prefix + route.template
                config.add_route(name, name.replace("{path}", "{path:.*}"))
                config.add_view(_view(route), route_name=name, request_method=route.methods)
        return config.make_wsgi_app()
