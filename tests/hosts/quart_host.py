"""The host `quart`.

Views are async, the `-sync` ones plain functions that Quart runs in a thread. `/raise` is Quart's own 500
page, `/nothing` a view that returns None (`TypeError`, so the same 500). Quart runs a request in a task of
its own, so the `SystemExit` of `/exit` leaves the event loop. The background work is a task of the
application.
"""

from __future__ import annotations

from typing import Any, cast
from urllib.parse import parse_qsl

from quart import Quart, Response, current_app, g, jsonify, request

from tests.hosts import probe
from tests.hosts.routes import PREFIXES, ROUTES, Route


def _call(param: str | None, body: bytes) -> probe.Call:
    # Quart puts the client's address among the headers, which no client sent.
    names = {name for name, _ in request.headers if name.lower() != "remote-addr"}
    headers = {name: ", ".join(request.headers.getlist(name)) for name in names}
    return probe.Call(
        method=request.method,
        param=param,
        # `request.args` groups a name that occurs twice, and so loses the order.
        query=parse_qsl(request.query_string.decode("latin-1"), keep_blank_values=True),
        frame=cast(dict[str, Any], request.scope),
        store=g,
        path=request.path,
        headers=headers,
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
            current_app.add_background_task(probe.finish_background_async)
        return response
    if answer.chunks is not None:
        response = Response(probe.stream(answer.chunks), answer.status)
    else:
        response = Response(answer.body, answer.status)
    # Quart names text/html where the view names nothing.
    response.headers.pop("Content-Type", None)
    for name, value in answer.headers:
        response.headers.add(name, value)
    return response


def _view(route: Route) -> Any:
    async def view(**params: str) -> Any:
        body = cast(bytes, await request.get_data()) if route.reads_body else b""
        answer = await probe.answer_async(route, _call(next(iter(params.values()), None), body))
        return None if answer is None else _response(answer)

    def blocking_view(**params: str) -> Any:
        answer = probe.answer(route, _call(next(iter(params.values()), None), b""))
        return None if answer is None else _response(answer)

    return blocking_view if route.blocking else view


def make() -> Any:
    app = Quart("tests.hosts.quart_host", static_folder=None)
    for prefix in PREFIXES:
        for route in ROUTES:
            rule = route.template.replace("{path}", "<path:path>").replace("{", "<").replace("}", ">")
            app.add_url_rule(prefix + rule, endpoint=prefix + rule, view_func=_view(route), methods=list(route.methods))
    return app
