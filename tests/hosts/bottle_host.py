"""The host `bottle`.

`/raise` is Bottle's own 500 page, `/nothing` a callback that returns None, so 200 and an empty body. `/exit`
leaves the application before `start_response`, `/half` leaves the iterator. The background work is done by
the iterable's `close()`. HEAD falls back to GET; Bottle drops the body itself. Where the callback names no
content type, Bottle says text/html.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qsl

from bottle import Bottle, HTTPResponse, request

from tests.hosts import probe
from tests.hosts.routes import PREFIXES, ROUTES, Route


class _Closing:
    def __init__(self, content: dict[str, Any]) -> None:
        self._chunks = iter([json.dumps(content).encode()])
        self.close = probe.finish_background

    def __iter__(self) -> Iterator[bytes]:
        return self._chunks


def _call(param: str | None, body: bytes) -> probe.Call:
    return probe.Call(
        method=request.method,
        param=param,
        # `request.query` groups a name that occurs twice, and so loses the order.
        query=parse_qsl(request.query_string, keep_blank_values=True),
        frame=request.environ,
        store=request,
        path=request.path,
        headers=dict(request.headers.items()),
        body=body,
        client=request.remote_addr,
        scheme=request.urlparts.scheme,
        url=request.url,
        cookies=dict(request.cookies),
    )


def _response(answer: probe.Answer) -> Any:
    if answer.json is not None:
        if answer.background:
            return HTTPResponse(_Closing(answer.json), 200, {"Content-Type": "application/json"})
        if answer.status == 200:
            return answer.json
        return HTTPResponse(json.dumps(answer.json), answer.status, {"Content-Type": "application/json"})
    response = HTTPResponse(answer.chunks if answer.chunks is not None else answer.body, answer.status)
    for name, value in answer.headers:
        response.add_header(name, value)
    return response


def _callback(route: Route) -> Any:
    def callback(**params: str) -> Any:
        body = request.body.read() if route.reads_body else b""
        answer = probe.answer(route, _call(next(iter(params.values()), None), body))
        return None if answer is None else _response(answer)

    return callback


def make() -> Any:
    app = Bottle()
    for prefix in PREFIXES:
        for route in ROUTES:
            rule = route.template.replace("{path}", "<path:path>").replace("{", "<").replace("}", ">")
            app.route(prefix + rule, list(route.methods), _callback(route))
    return app
