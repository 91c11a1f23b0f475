"""Child scopes against the scopes of real servers: the same request, once as an action and once over the wire.

Both go over one connection, so even the client's port is the same. A key of the server's scope that a child lacks, or
one that has another type or another value, would be a difference that a host can see (C0, C12 to C17).
"""

from __future__ import annotations

import http.client
import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from batchware.asgi import BatchMiddleware
from tests.oracles.servers import SERVERS

Scope = dict[str, Any]


class Dump:
    """An application that keeps the scopes and the bodies of its requests."""

    def __init__(self) -> None:
        self.seen: list[tuple[Scope, bytes]] = []

    async def __call__(self, scope: Scope, receive: Any, send: Any) -> None:
        if scope["type"] == "lifespan":
            while True:
                message = await receive()
                await send({"type": message["type"] + ".complete"})
                if message["type"] == "lifespan.shutdown":
                    return
        body, more = b"", True
        while more:
            message = await receive()
            body += message.get("body", b"")
            more = message.get("more_body", False)
        self.seen.append((dict(scope), body))
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"0")]})
        await send({"type": "http.response.body", "body": b""})


HEADERS = {"X-Thing": "caf\xe9", "Cookie": "a=1; b=2", "Authorization": "Bearer t", "Accept-Encoding": "identity"}
CASES: list[tuple[str, str, dict[str, Any] | None, dict[str, str]]] = [
    ("GET", "/tasks/1", None, {}),
    ("GET", "/%C3%A9/%F0%9F%98%80/a%20b/%25/~x", None, {}),
    ("GET", "/tasks/;a=b/(c)/d@e:f", None, {}),
    ("DELETE", "/tasks", {"a": "x y", "é": 1, "l": [1, 2]}, {}),
    ("HEAD", "/", None, {}),
    ("POST", "/tasks", {"name": "é", "n": 2**70}, {"Idempotency-Key": '"k"'}),
    ("PATCH", "/tasks", None, {}),
]
_QUERY = "a=x%20y&%C3%A9=1&l=1%2C2"


@contextmanager
def connected(name: str, app: Any, root_path: str) -> Iterator[http.client.HTTPConnection]:
    with SERVERS[name](app, root_path) as port:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
        try:
            yield connection
        finally:
            connection.close()


def ask(connection: http.client.HTTPConnection, method: str, target: str, headers: Any, body: Any = None) -> bytes:
    connection.request(method, target, body=body, headers=headers)
    response = connection.getresponse()
    content = response.read()
    assert response.status == 200, content
    return content


@pytest.mark.parametrize("root_path", ["", "/mnt"])
@pytest.mark.parametrize("server", list(SERVERS))
def test_c12_to_c17_scope_is_the_one_that_a_server_sends(server: str, root_path: str) -> None:
    dump = Dump()
    with connected(server, BatchMiddleware(dump, path="/api/batch"), root_path) as connection:
        for case in CASES:
            check(connection, dump, server, root_path, *case)


def check(
    connection: http.client.HTTPConnection,
    dump: Dump,
    server: str,
    root_path: str,
    method: str,
    path: str,
    data: dict[str, Any] | None,
    more: dict[str, str],
) -> None:
    below = root_path if server == "hypercorn" else ""  # hypercorn wants the prefix in the request, uvicorn adds it
    headers = {**HEADERS, **more}
    entry = {"method": method, "relative_path": path} | ({} if data is None else {"data": data})
    batch = json.dumps({"data": {"actions": [entry]}}).encode()
    dump.seen.clear()
    ask(connection, "POST", below + "/api/batch", {**headers, "Content-Type": "application/json"}, batch)
    target, body, sent = "/api" + path, None, dict(headers)
    if "Idempotency-Key" in sent:
        sent["Idempotency-Key"] = '"k:0"'
    if method in ("POST", "PATCH"):
        sent["Content-Length"] = "0"
        if data is not None:
            body = b'{"data":' + json.dumps(data).encode() + b"}"
            sent |= {"Content-Type": "application/json", "Content-Length": str(len(body))}
    elif data is not None:
        target += "?" + _QUERY
    ask(connection, method, below + target, sent, body)
    (child, child_body), (direct, direct_body) = dump.seen
    assert child_body == direct_body
    compare(child, direct)


def compare(child: Scope, direct: Scope) -> None:
    assert child.keys() - direct.keys() == {"batchware"}
    # A server may offer extensions of `send`; in a batch there are none (C17).
    assert direct.keys() - child.keys() <= {"extensions"}
    for key in child.keys() & direct.keys() - {"headers", "asgi"}:
        assert type(child[key]) is type(direct[key]), key
        assert child[key] == direct[key], key
    assert child["asgi"] == direct["asgi"]
    # Order matters among fields of one name only.
    assert sorted(child["headers"]) == sorted(direct["headers"])
    assert {type(part) for field in child["headers"] for part in field} == {bytes}
