"""C1: which requests are batches. Everything else reaches the host as it came."""

from __future__ import annotations

import asyncio
from typing import Any
from urllib.parse import quote

import pytest

from batchware import asgi, in_batch, wsgi
from tests.contract.batching import action, bare_door, every_host, host_named, post_batch, wrap
from tests.contract.spies import Spy
from tests.hosts import Host, deviations
from tests.hosts.clients import Response, send
from tests.hosts.probe import seen

ALLOW = ("allow", "POST, OPTIONS")


def _told(response: Response) -> tuple[int, list[tuple[str, str]], bytes]:
    return response.status, [pair for pair in response.headers if pair[0] != "date"], response.body


# --- the route


@every_host
@pytest.mark.parametrize("path", ["/batch", "/api/1.0/batch"], ids=["at the top", "in a folder"])
def test_c1_a_post_on_the_route_is_a_batch(host: Host, path: str) -> None:
    answer = post_batch(wrap(host, path=path), host, [action()], path=path)
    assert [result["body"]["handler"] for result in answer.results] == ["/tasks/{id}"]


@bare_door
@pytest.mark.parametrize(
    "target",
    [
        pytest.param("/batch/", id="a slash more"),
        pytest.param("//batch", id="a slash more in front"),
        pytest.param("/Batch", id="another case"),
        pytest.param("/batches", id="a longer name"),
        pytest.param("/batch/1", id="below"),
        pytest.param("/x/batch", id="in a folder"),
        pytest.param("/batch/batch", id="in a folder of its name"),
        pytest.param("/batch;v=1", id="with parameters"),
        pytest.param("/batch%20", id="with a space"),
        pytest.param("/./batch", id="with a dot segment"),
        pytest.param("/", id="the folder"),
    ],
)
def test_c1_the_route_is_matched_exactly(host: Host, target: str) -> None:
    spy = Spy(host.door)
    response = post_batch(wrap(spy), spy, [action()], path=target)
    assert response.json == {}
    assert [request.method for request in spy.seen] == ["POST"]


@bare_door
def test_c1_the_default_route_is_free_where_another_is_set(host: Host) -> None:
    spy = Spy(host.door)
    post_batch(wrap(spy, path="/api/1.0/batch"), spy, [action()])
    assert [(request.method, request.path) for request in spy.seen] == [("POST", "/batch")]


@bare_door
@pytest.mark.parametrize("path", ["/batch", "/é ü/bätch"], ids=["plain", "not ASCII"])
@pytest.mark.parametrize("mount", ["/mnt", "/a/b"])
def test_c1_the_route_is_below_the_mount_point(host: Host, mount: str, path: str) -> None:
    answer = post_batch(wrap(host, path=path), host, [action("")], path=quote(path), root_path=mount)
    assert answer.statuses == [400]


def test_c1_the_route_is_found_where_the_path_comes_without_its_mount_point() -> None:
    host = host_named("asgi")
    spy = Spy("asgi")
    extra = {"root_path": "/mnt", "path": "/batch", "raw_path": b"/batch"}
    assert post_batch(wrap(spy), host, [action()], scope_extra=extra).statuses == [200]
    # Only a whole segment is a mount point.
    extra = {"root_path": "/bat", "path": "/batch", "raw_path": b"/batch"}
    assert post_batch(wrap(spy), host, [action()], scope_extra=extra).statuses == [200]
    # And here the mount point has the route's name.
    extra = {"root_path": "/batch", "path": "/batch/batch", "raw_path": b"/batch/batch"}
    assert post_batch(wrap(spy), host, [action()], scope_extra=extra).statuses == [200]


# --- its methods


@bare_door
@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "PATCH", "DELETE", "TRACE"])
def test_c1_any_other_method_is_405(host: Host, method: str) -> None:
    spy = Spy(host.door)
    response = send(wrap(spy), host.door, method, "/batch")
    assert response.status == 405
    assert response.all("allow") == ["POST, OPTIONS"]
    assert response.dropped == b""
    assert bool(response.body) == (method != "HEAD")
    assert not spy.seen


@every_host
def test_c1_options_goes_to_the_host(host: Host) -> None:
    direct = send(host.shared(), host.door, "OPTIONS", "/batch", headers={"Origin": "https://page.example"})
    status = deviations.OPTIONS.get(host.id, 405)
    assert direct.status == status
    through = send(wrap(host), host.door, "OPTIONS", "/batch", headers={"Origin": "https://page.example"})
    if status in {404, 405}:
        assert _told(through) == (204, [ALLOW], b"")
    else:
        assert _told(through) == _told(direct)


def _cors(host: Host, status: int, asked: list[Any]) -> Host:
    """A host whose CORS layer answers `OPTIONS` with this status."""
    headers = [
        ("access-control-allow-origin", "https://page.example"),
        ("access-control-allow-headers", "content-type"),
        ("access-control-max-age", "600"),
        ("allow", "GET"),
        ("x-other", "1"),
        ("content-type", "text/plain"),
    ]

    async def app_asgi(scope: Any, receive: Any, send: Any) -> None:
        asked.append((scope["method"], scope["path"], dict(scope["headers"])[b"origin"].decode(), in_batch(scope)))
        raw = [(name.encode(), value.encode()) for name, value in headers]
        await send({"type": "http.response.start", "status": status, "headers": raw})
        await send({"type": "http.response.body", "body": b"preflight"})

    def app_wsgi(environ: Any, start_response: Any) -> Any:
        asked.append((environ["REQUEST_METHOD"], environ["PATH_INFO"], environ["HTTP_ORIGIN"], in_batch(environ)))
        start_response(f"{status} Status", list(headers))
        return [b"preflight"]

    return Host(f"cors-{host.id}", host.door, lambda: app_asgi if host.door == "asgi" else app_wsgi)


@bare_door
@pytest.mark.parametrize("status", [404, 405])
def test_c1_a_preflight_keeps_the_cors_headers_of_a_host_without_the_route(host: Host, status: int) -> None:
    asked: list[Any] = []
    cors = _cors(host, status, asked)
    response = send(wrap(cors), host.door, "OPTIONS", "/batch", headers={"Origin": "https://page.example"})
    assert (response.status, response.body, response.notes) == (204, b"", [])
    assert sorted(response.headers) == [
        ("access-control-allow-headers", "content-type"),
        ("access-control-allow-origin", "https://page.example"),
        ("access-control-max-age", "600"),
        ALLOW,
    ]
    # The client's own request reached it, which is no action.
    assert asked == [("OPTIONS", "/batch", "https://page.example", False)]


@bare_door
@pytest.mark.parametrize("status", [200, 204, 400, 403, 500])
def test_c1_a_preflight_that_the_host_answers_is_its_answer(host: Host, status: int) -> None:
    cors = _cors(host, status, [])
    direct = send(cors.shared(), host.door, "OPTIONS", "/batch", headers={"Origin": "https://page.example"})
    through = send(wrap(cors), host.door, "OPTIONS", "/batch", headers={"Origin": "https://page.example"})
    assert _told(through) == _told(direct)


@bare_door
def test_c1_a_preflight_reaches_the_host_as_it_was_sent(host: Host) -> None:
    """It is the client's own request and no action, so the host gets what no action inherits (C16)."""
    spy = Spy(host.door)
    headers = {
        "Origin": "https://page.example",
        "If-Match": '"1"',
        "Content-Type": "text/plain",
        "Accept-Encoding": "br",
    }
    assert send(wrap(spy), host.door, "OPTIONS", "/batch", headers=headers).status == 200
    (seen,) = spy.seen
    assert {name: seen.header(name.lower()) for name in headers} == headers


# --- everything else


@every_host
@pytest.mark.parametrize(
    ("method", "target"),
    [
        ("GET", "/tasks/1?x=1"),
        ("POST", "/echo/a%20b?x=1"),
        ("POST", "/batches"),
        ("GET", "/nowhere"),
        ("OPTIONS", "/tasks"),
        ("DELETE", "/api/1.0/tasks/1"),
    ],
)
def test_c1_every_other_request_passes_through(host: Host, method: str, target: str) -> None:
    body = b"\x00\xff" if method == "POST" else b""
    sent: dict[str, Any] = {"headers": {"X-One": "1", "Accept-Encoding": "gzip"}, "body": body}
    direct = send(host.shared(), host.door, method, target, **sent)
    asked = list(seen)
    seen.clear()
    through = send(wrap(host), host.door, method, target, **sent)
    assert _told(through) == _told(direct)
    assert seen == asked


@pytest.mark.parametrize(
    "scope",
    [
        pytest.param({"type": "http", "method": "POST", "path": "/batches", "headers": []}, id="a request"),
        pytest.param({"type": "websocket", "path": "/batch", "headers": []}, id="a websocket on the route"),
        pytest.param({"type": "lifespan", "state": {}}, id="the lifespan"),
        pytest.param({"type": "unheard-of"}, id="a protocol to come"),
    ],
)
def test_c1_what_passes_through_is_untouched_on_asgi(scope: dict[str, Any]) -> None:
    got: list[Any] = []
    before = dict(scope)

    async def app(*given: Any) -> None:
        got.extend(given)

    async def receive() -> None: ...
    async def send(message: Any) -> None: ...

    asyncio.run(asgi.BatchMiddleware(app)(scope, receive, send))
    assert [id(thing) for thing in got] == [id(scope), id(receive), id(send)]
    assert scope == before


def test_c1_what_passes_through_is_untouched_on_wsgi() -> None:
    got: list[Any] = []
    iterable = [b"x"]

    def app(*given: Any) -> Any:
        got.extend(given)
        return iterable

    def start_response(*given: Any) -> None: ...

    environ = {"REQUEST_METHOD": "POST", "PATH_INFO": "/batches"}
    before = dict(environ)
    assert wsgi.BatchMiddleware(app)(environ, start_response) is iterable
    assert [id(thing) for thing in got] == [id(environ), id(start_response)]
    assert environ == before
