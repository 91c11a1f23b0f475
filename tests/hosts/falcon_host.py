"""The hosts `falcon-asgi` and `falcon-wsgi`, one set of resources each.

`/raise` is Falcon's JSON 500, `/nothing` a responder that sets nothing, so 200 and an empty body. `/exit`
leaves the application before a response, `/half` in the middle. Falcon's ASGI responders are always
coroutines, the `-sync` ones too. The background work is `Response.schedule` on ASGI and the stream's
`close()` on WSGI. The corpus resources have no `on_head`, so HEAD is 405 there. Falcon joins a header that is
appended twice, but for `set-cookie`.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qsl

import falcon
import falcon.asgi

from tests.hosts import probe
from tests.hosts.routes import PREFIXES, ROUTES, Route


def _call(req: Any, frame: Any, params: dict[str, str], body: bytes) -> probe.Call:
    return probe.Call(
        method=req.method,
        param=next(iter(params.values()), None),
        # `req.params` groups a name that occurs twice, and so loses the order.
        query=parse_qsl(req.query_string, keep_blank_values=True),
        frame=frame,
        store=req.context,
        path=req.path,
        headers=req.headers,
        body=body,
        client=req.remote_addr,
        scheme=req.scheme,
        url=req.uri,
        cookies=req.cookies,
    )


def _fill(resp: Any, answer: probe.Answer) -> None:
    resp.status = answer.status
    if answer.json is not None:
        resp.content_type = falcon.MEDIA_JSON
        resp.media = answer.json
        return
    if answer.chunks is None:
        resp.data = answer.body
    for name, value in answer.headers:
        resp.append_header(name, value)


class _Closing:
    """A stream of one chunk whose `close()`, which the server calls, does the background work."""

    def __init__(self, content: dict[str, Any]) -> None:
        self._chunks = iter([json.dumps(content).encode()])
        self.close = probe.finish_background

    def __iter__(self) -> Iterator[bytes]:
        return self._chunks


class _Resource:
    def __init__(self, route: Route) -> None:
        self._route = route

    def on_get(self, req: falcon.Request, resp: falcon.Response, **params: str) -> None:
        body = req.bounded_stream.read() if self._route.reads_body else b""
        answer = probe.answer(self._route, _call(req, req.env, params, body))
        if answer is None:
            return
        if answer.background and answer.json is not None:
            resp.content_type = falcon.MEDIA_JSON
            resp.stream = _Closing(answer.json)
            return
        _fill(resp, answer)
        if answer.chunks is not None:
            resp.stream = answer.chunks

    on_post = on_put = on_patch = on_delete = on_get


class _HeadResource(_Resource):
    on_head = _Resource.on_get


class _AsyncResource:
    def __init__(self, route: Route) -> None:
        self._route = route

    async def on_get(self, req: falcon.asgi.Request, resp: falcon.asgi.Response, **params: str) -> None:
        body = await req.stream.readall() if self._route.reads_body else b""
        answer = await probe.answer_async(self._route, _call(req, req.scope, params, body))
        if answer is None:
            return
        _fill(resp, answer)
        if answer.chunks is not None:
            resp.stream = probe.stream(answer.chunks)
        if answer.background:
            resp.schedule(probe.finish_background_async)

    on_post = on_put = on_patch = on_delete = on_get


class _AsyncHeadResource(_AsyncResource):
    on_head = _AsyncResource.on_get


def _serve(app: Any, plain: Any, with_head: Any) -> Any:
    # Falcon names application/json where the responder names nothing.
    app.resp_options.default_media_type = None
    for prefix in PREFIXES:
        for route in ROUTES:
            resource = with_head if "HEAD" in route.methods else plain
            app.add_route(prefix + route.template.replace("{path}", "{path:path}"), resource(route))
    return app


def make_wsgi() -> Any:
    return _serve(falcon.App(), _Resource, _HeadResource)


def make_asgi() -> Any:
    return _serve(falcon.asgi.App(), _AsyncResource, _AsyncHeadResource)
