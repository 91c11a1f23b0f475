"""The host `blacksheep`.

Handlers are coroutines, the `-sync` ones too, since BlackSheep runs plain functions on the event loop. `/raise` is
BlackSheep's own 500, and `/nothing`, a handler that returns None, 204. A response takes its content type from its
content, so one without a body names none. BlackSheep starts with the first request where a server knows no lifespan.
"""

from __future__ import annotations

import json
from functools import partial
from types import SimpleNamespace
from typing import Any
from urllib.parse import parse_qsl

from blacksheep import Application, Content, Request, Response, StreamedContent
from blacksheep.messages import get_request_absolute_url
from blacksheep.server.routing import Router

from tests.hosts import probe
from tests.hosts.routes import PREFIXES, ROUTES, Route


def _call(request: Request, body: bytes) -> probe.Call:
    headers: dict[str, str] = {}
    for name, value in request.headers:
        key = name.decode("latin-1").lower()
        headers[key] = ", ".join(filter(None, (headers.get(key), value.decode("latin-1"))))
    return probe.Call(
        method=request.method,
        param=next(iter((request.route_values or {}).values()), None),
        # `request.query` groups a name that occurs twice, and so loses the order.
        query=parse_qsl(request.scope["query_string"].decode("latin-1"), keep_blank_values=True),
        frame=request.scope,
        store=SimpleNamespace(),
        path=request.path,
        headers=headers,
        body=body,
        client=request.client_ip,
        scheme=request.scheme,
        url=str(get_request_absolute_url(request)),
        cookies=request.cookies,
    )


def _response(answer: probe.Answer) -> Response:
    if answer.json is not None:
        return Response(answer.status, None, Content(b"application/json", json.dumps(answer.json).encode()))
    fields = [(name.encode(), value.encode("latin-1")) for name, value in answer.headers]
    kind = next((value for name, value in fields if name.lower() == b"content-type"), b"")
    others = [(name, value) for name, value in fields if name.lower() != b"content-type"]
    if answer.chunks is not None:
        return Response(answer.status, others, StreamedContent(kind, partial(probe.stream, answer.chunks)))
    return Response(answer.status, others, Content(kind, answer.body) if answer.body else None)


def _handler(route: Route) -> Any:
    async def handler(request: Request) -> Response | None:
        body = (await request.read() or b"") if route.reads_body else b""
        answer = await probe.answer_async(route, _call(request, body))
        return None if answer is None else _response(answer)

    return handler


def make() -> Any:
    router = Router()  # one of its own: BlackSheep's usual one belongs to the process
    for prefix in PREFIXES:
        for route in ROUTES:
            path = prefix + route.template.replace("{path}", "{path:path}")
            for method in route.methods:
                router.add(method, path, _handler(route))
    return Application(router=router)
