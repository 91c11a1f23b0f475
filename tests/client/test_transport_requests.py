"""Which requests go in a batch, and which on their own: two of a kind at once are one request, or two."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from tests.client.in_process import BASE, ROUTE, URL, InProcess, batched, client_of, every_library, library_named
from tests.client.sets import Asked
from tests.contract.batching import host_named

JSON = [("content-type", "application/json")]
DEEPEST = b'{"data":{"a":' + b"[" * 59 + b"]" * 59 + b"}}"
TOO_DEEP = b'{"data":{"a":' + b"[" * 60 + b"]" * 60 + b"}}"

TOGETHER = {
    "a path": Asked("GET", "/tasks/1"),
    "the folder itself": Asked("GET", "/"),
    "a trailing slash": Asked("GET", "/teams/"),
    "escapes as the server spells them": Asked("GET", "/echo/a%20%E2%82%AC;v=1,2"),
    "a query as the server spells it": Asked("GET", "/echo?a=b%2Cc&d=%C3%A9&e="),
    "HEAD": Asked("HEAD", "/tasks/1"),
    "DELETE": Asked("DELETE", "/tasks/1"),
    "an empty POST": Asked("POST", "/tasks/1"),
    "the body that the server makes": Asked("POST", "/echo", JSON, b'{"data":{"a": "\xc3\xa9", "b":1e999}}'),
    "options of a write": Asked("PUT", "/echo?opt_fields=name%2Cid&limit=3", JSON, b'{"data":{}}'),
    "as deep as a batch may be": Asked("PATCH", "/echo", JSON, DEEPEST),
    "a type that speaks of no body": Asked("GET", "/tasks/1", JSON),
    "a host's own header": Asked("GET", "/tasks/1", [("x-thing", "1"), ("authorization", "Bearer x")]),
    "not compressed, if need be": Asked("GET", "/tasks/1", [("accept-encoding", "gzip;q=1.0, identity;q=0.5, *;q=0")]),
}

ALONE = {
    "another method": Asked("OPTIONS", "/tasks/1"),
    "an encoded slash": Asked("GET", "/echo/a%2Fb"),
    "an encoded backslash": Asked("GET", "/echo/a%5Cb"),
    "an escape in lower case": Asked("GET", "/echo/%e2%82%ac"),
    "an escape without need": Asked("GET", "/echo/%61"),
    "a letter that should be escaped": Asked("GET", "/echo/a[b]"),
    "no UTF-8": Asked("GET", "/echo/%C3"),
    "an empty segment": Asked("GET", "/echo//a"),
    "a dot segment": Asked("GET", "/echo/%2E%2E"),
    "a control character": Asked("GET", "/echo/a%00b"),
    "a path past the limit": Asked("GET", "/echo/" + "a" * 2048),
    "a repeated key": Asked("GET", "/echo?a=1&a=2"),
    "a space as plus": Asked("GET", "/echo?a=b+c"),
    "a comma in the query": Asked("GET", "/echo?a=b,c"),
    "a key without a value": Asked("GET", "/echo?a"),
    "an empty query": Asked("GET", "/echo?"),
    "a query that is no UTF-8": Asked("GET", "/echo?a=%FF"),
    "a query of a delete": Asked("DELETE", "/echo?a=1"),
    "a query of a write": Asked("POST", "/echo?a=1", JSON, b'{"data":{}}'),
    "a body with a space too many": Asked("POST", "/echo", JSON, b'{"data": {"a":1}}'),
    "a line behind the body": Asked("POST", "/echo", JSON, b'{"data":{"a":1}}\n'),
    "another member": Asked("POST", "/echo", JSON, b'{"data":{"a":1},"b":{}}'),
    "a body that is no object": Asked("POST", "/echo", JSON, b'{"data":[1]}'),
    "data that is null": Asked("POST", "/echo", JSON, b'{"data":null}'),
    "a bare body": Asked("POST", "/echo", JSON, b'{"a":1}'),
    "no JSON": Asked("POST", "/echo", JSON, b'{"data":{"a":NaN}}'),
    "a lone surrogate": Asked("POST", "/echo", JSON, b'{"data":{"a":"\\ud800"}}'),
    "JSON that is no UTF-8": Asked("POST", "/echo", JSON, b'{"data":{"a":"\xff"}}'),
    "deeper than a batch may be": Asked("POST", "/echo", JSON, TOO_DEEP),
    "JSON with a charset": Asked("POST", "/echo", [("content-type", "application/json;charset=utf-8")], b"{}"),
    "a form": Asked("POST", "/echo", [("content-type", "application/x-www-form-urlencoded")], b"a=1"),
    "a type without a body, of a write": Asked("POST", "/echo", JSON),
    "a stream": Asked("POST", "/echo", JSON, pieces=(b'{"data":', b"{}}")),
    "a body of a read": Asked("GET", "/echo", JSON, b'{"data":{}}'),
    "a body of a delete": Asked("DELETE", "/echo", JSON, b'{"data":{}}'),
    "an upload": Asked("POST", "/tasks/1/attachments"),
    "SCIM": Asked("GET", "/scim/v2/Users"),
    "compressed, or nothing": Asked("GET", "/tasks/1", [("accept-encoding", "br, identity;q=0")]),
    "compressed, or nothing, by a star": Asked("GET", "/tasks/1", [("accept-encoding", "br, *;q=0.0")]),
    "a stream of events": Asked("GET", "/tasks/1", [("accept", "text/event-stream")]),
    "a connection to be closed": Asked("GET", "/tasks/1", [("connection", "close")]),
    **{
        name: Asked("GET", "/tasks/1", [(name, "bytes=0-1")])
        for name in (
            "range", "if-none-match", "If-Modified-Since", "te", "upgrade", "content-language", "expect", "signature",
            "signature-input", "digest", "proxy-authorization", "x-http-method-override", "x-original-url",
            "idempotency-key", "x_http_method", "sec-websocket-key",
        )
    },
}  # fmt: skip


async def twice(library: Any, asked: Asked, **options: Any) -> tuple[InProcess, list[Any]]:
    inner = InProcess(library, batched(host_named("starlette"), style=options.get("style", "asana")))
    async with client_of(library, inner, **options) as client:
        requests = [asked.build(client), asked.build(client)]
        return inner, await asyncio.gather(*map(client.send, requests))


def together(library: str, asked: Asked, **options: Any) -> bool:
    inner, answers = asyncio.run(twice(library_named(library), asked, **options))
    batches = inner.sent.count(("POST", ROUTE))
    assert [answer.status_code for answer in answers] == [answers[0].status_code] * 2
    assert batches == ("batch" in answers[0].extensions)
    assert len(inner.sent) == (1 if batches else 2)
    return batches == 1


@every_library
@pytest.mark.parametrize("asked", TOGETHER.values(), ids=TOGETHER)
def test_what_the_server_rebuilds_to_the_byte_goes_in_a_batch(library: str, asked: Asked) -> None:
    assert together(library, asked)


@every_library
@pytest.mark.parametrize("asked", ALONE.values(), ids=ALONE)
def test_what_it_would_change_goes_on_its_own(library: str, asked: Asked) -> None:
    assert not together(library, asked)


@pytest.mark.parametrize(
    ("asked", "carried"),
    [
        (Asked("POST", "/echo", JSON, b'{"a": [1, 2]}'), True),
        (Asked("POST", "/echo", JSON, b"null"), True),
        (Asked("PUT", "/echo", JSON, b'"text"'), True),
        (Asked("GET", "/scim/v2/Users"), True),
        (Asked("PUT", "/echo", JSON, b"[1] "), False),
        (Asked("POST", "/echo?limit=3", JSON, b"{}"), False),
    ],
)
def test_the_plain_style_carries_any_json(asked: Asked, carried: bool) -> None:
    assert together("httpx2", asked, style="plain") is carried


@every_library
@pytest.mark.parametrize(
    "url", ["http://other/api/1.0/tasks/1", f"https://testserver{BASE}/tasks/1", f"{URL}:81{BASE}/tasks/1",
            f"{URL}/tasks/1", f"{URL}{BASE}", f"{URL}/api/1.00/tasks/1"]
)  # fmt: skip
def test_other_hosts_and_paths_outside_of_the_api_go_on_their_own(library: str, url: str) -> None:
    async def run() -> list[tuple[str, str]]:
        module = library_named(library)
        inner = InProcess(module, host_named("asgi").shared())
        async with client_of(module, inner) as client:
            await asyncio.gather(client.get(url), client.get(url))
        return inner.sent

    assert [method for method, _ in asyncio.run(run())] == ["GET", "GET"]


def test_a_request_with_extensions_goes_on_its_own() -> None:
    async def run() -> list[tuple[str, str]]:
        module = library_named("httpx2")
        inner = InProcess(module, host_named("asgi").shared())
        async with client_of(module, inner) as client:
            asked = [client.get("/tasks/1", extensions={"sni_hostname": "x"}) for _ in range(2)]
            await asyncio.gather(*asked)
        return inner.sent

    assert len(asyncio.run(run())) == 2


@pytest.mark.parametrize(
    ("direct", "asked", "carried"),
    [
        (["/tasks/{id}"], Asked("GET", "/tasks/1"), False),
        (["/tasks/{id}"], Asked("GET", "/tasks/1/"), False),
        (["/tasks/{id}"], Asked("GET", "/tasks"), True),
        (["POST,PUT /tasks/{id}"], Asked("GET", "/tasks/1"), True),
        (["post,put /tasks/{id}"], Asked("PUT", "/tasks/1"), False),
        (["/echo/**"], Asked("GET", "/echo/a/b"), False),
        (["/echo/**"], Asked("GET", "/echo"), False),
        (["/echo/€"], Asked("GET", "/echo/%E2%82%AC"), False),
        (["/echo/**"], Asked("GET", "/tasks/echo"), True),
        (["/**"], Asked("GET", "/"), False),
    ],
)
def test_endpoints_that_the_program_names_go_on_their_own(direct: list[str], asked: Asked, carried: bool) -> None:
    assert together("httpx2", asked, direct=direct) is carried


@pytest.mark.parametrize(
    ("options", "name"),
    [
        ({"max_actions": 0}, "max_actions"), ({"max_bytes": 0}, "max_bytes"), ({"parallel": 0}, "parallel"),
        ({"window": -1}, "window"), ({"window": float("nan")}, "window"), ({"style": "Plain"}, "style"),
        ({"direct": ["tasks"]}, "direct"), ({"direct": ["GET"]}, "direct"), ({"direct": ["/a/**/b"]}, "direct"),
        ({"url": "/batch"}, "url"), ({"url": "ftp://host/batch"}, "url"), ({"url": "http://host"}, "url"),
        ({"url": "http://host/"}, "url"), ({"url": "http://host/batch?a=1"}, "url"),
        ({"url": "http://host/a//b"}, "url"), ({"url": "http://host/%62atch"}, "url"),
    ],
)  # fmt: skip
def test_an_option_that_cannot_work_is_named(options: dict[str, Any], name: str) -> None:
    from batchware.client.transport import BatchTransport

    with pytest.raises(ValueError, match=f"^{name}: "):
        BatchTransport(None, **{"url": URL + ROUTE, **options})
