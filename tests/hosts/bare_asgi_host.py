"""The host `asgi`: the specification and nothing else.

Its faults are the purest: `/nothing` returns without a message, `/raise` and `/exit` leave the application
before a message, `/half` in the middle, `/late` after the end. Every handler is async, `/sleep-sync` and
`/gate-sync` too. The background work runs after the last message, before the application returns. HEAD is
answered with the body of GET, which a server drops.
"""

from __future__ import annotations

import json
from http.cookies import SimpleCookie
from types import SimpleNamespace
from typing import Any
from urllib.parse import parse_qsl

from tests.hosts import probe
from tests.hosts.bare_router import find


async def _read(receive: Any) -> bytes:
    body = bytearray()
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ConnectionError("the client has gone")
        body += message.get("body", b"")
        if not message.get("more_body", False):
            return bytes(body)


def _joined(scope: dict[str, Any]) -> dict[str, str]:
    headers: dict[str, str] = {}
    for raw_name, raw_value in scope["headers"]:
        name, value = raw_name.decode("latin-1"), raw_value.decode("latin-1")
        headers[name] = f"{headers[name]}, {value}" if name in headers else value
    return headers


def _call(scope: dict[str, Any], param: str | None, body: bytes) -> probe.Call:
    headers = _joined(scope)
    query = scope["query_string"].decode("latin-1")
    path = scope["raw_path"].decode("latin-1")
    return probe.Call(
        method=scope["method"],
        param=param,
        query=parse_qsl(query, keep_blank_values=True),
        frame=scope,
        # Nothing but the scope lives as long as a request here, so state in it is request state.
        store=scope.setdefault("state", {}).setdefault("store", SimpleNamespace()),
        path=scope["path"],
        headers=headers,
        body=body,
        client=scope["client"][0] if scope["client"] else None,
        scheme=scope["scheme"],
        url=f"{scope['scheme']}://{headers['host']}{path}{'?' + query if query else ''}",
        cookies={key: morsel.value for key, morsel in SimpleCookie(headers.get("cookie", "")).items()},
    )


async def _start(send: Any, status: int, headers: list[tuple[str, str]]) -> None:
    raw = [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in headers]
    await send({"type": "http.response.start", "status": status, "headers": raw})


async def _say(send: Any, status: int, content: dict[str, Any], *headers: tuple[str, str]) -> None:
    body = json.dumps(content).encode()
    named = [("content-type", "application/json"), ("content-length", str(len(body))), *headers]
    await _start(send, status, named)
    await send({"type": "http.response.body", "body": body})


async def application(scope: dict[str, Any], receive: Any, send: Any) -> None:
    if scope["type"] == "lifespan":
        while (message := await receive())["type"] != "lifespan.shutdown":
            await send({"type": f"{message['type']}.complete"})
        await send({"type": "lifespan.shutdown.complete"})
        return
    root, path = scope.get("root_path", ""), scope["path"]
    found = find(path[len(root) :] if path.startswith(root + "/") else path)
    if not found:
        await _say(send, 404, {"detail": "no such route"})
        return
    route, param = found
    if scope["method"] not in {*route.methods, "HEAD"}:
        await _say(send, 405, {"detail": "no such method"}, ("allow", ", ".join(route.methods)))
        return
    call = _call(scope, param, await _read(receive) if route.reads_body else b"")
    answer = await probe.answer_async(route, call)
    if answer is None:
        return
    if answer.json is not None:
        await _say(send, answer.status, answer.json)
    else:
        await _start(send, answer.status, list(answer.headers))
        if answer.chunks is not None:
            async for chunk in probe.stream(answer.chunks):
                await send({"type": "http.response.body", "body": chunk, "more_body": True})
        await send({"type": "http.response.body", "body": answer.body})
    if answer.background:
        await probe.finish_background_async()
    if route.kind == "late":
        raise RuntimeError(probe.SECRET)


def make() -> Any:
    return application
