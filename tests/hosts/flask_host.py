"""The host `flask`.

`/raise` is Flask's own 500 page, `/nothing` a view that returns None (`TypeError`, so the same 500). `/exit`
leaves the application before `start_response`, `/half` leaves the iterator. The background work hangs on
`Response.call_on_close`. HEAD is answered wherever GET is; Werkzeug drops the body itself.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qsl

from flask import Flask, Response, g, jsonify, request

from tests.hosts import probe
from tests.hosts.routes import PREFIXES, ROUTES, Route


def _call(param: str | None, body: bytes) -> probe.Call:
    return probe.Call(
        method=request.method,
        param=param,
        # `request.args` groups a name that occurs twice, and so loses the order.
        query=parse_qsl(request.query_string.decode("latin-1"), keep_blank_values=True),
        frame=request.environ,
        store=g,
        path=request.path,
        headers=dict(request.headers.items()),
        body=body,
        client=request.remote_addr,
        scheme=request.scheme,
        url=request.url,
        cookies=request.cookies,
    )


def _response(answer: probe.Answer) -> Response:
    if answer.json is not None:
        response = jsonify(answer.json)
        response.status_code = answer.status
        if answer.background:
            response.call_on_close(probe.finish_background)
        return response
    response = Response(answer.chunks if answer.chunks is not None else answer.body, answer.status)
    # Flask names text/html where the view names nothing.
    del response.headers["Content-Type"]
    for name, value in answer.headers:
        response.headers.add(name, value)
    return response


def _view(route: Route) -> Any:
    def view(**params: str) -> Any:
        body = request.get_data() if route.reads_body else b""
        answer = probe.answer(route, _call(next(iter(params.values()), None), body))
        return None if answer is None else _response(answer)

    return view


def make() -> Any:
    app = Flask("tests.hosts.flask_host", static_folder=None)
    for prefix in PREFIXES:
        for route in ROUTES:
            # Werkzeug's converter for paths matches no empty one, and `/echo/` is a path too.
            rule = route.template.replace("{path}", "<path:path>").replace("{", "<").replace("}", ">")
            app.add_url_rule(prefix + rule, endpoint=prefix + rule, view_func=_view(route), methods=list(route.methods))
    return app
