"""The hosts, called directly: each route works on each, and where they differ, `deviations` says so."""

from __future__ import annotations

import asyncio
import base64
import json
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from tests.hosts import ASGI_HOSTS, HOSTS, Host, deviations, params, probe
from tests.hosts.clients import Response, asend, send
from tests.hosts.routes import METHODS, PREFIXES, ROUTES

every_host = pytest.mark.parametrize("host", params(*HOSTS))


@pytest.fixture(autouse=True)
def _fresh_probe() -> Iterator[None]:
    probe.reset()
    yield
    probe.reset()


def _get(host: Host, target: str, method: str = "GET", **options: Any) -> Response:
    return send(host.shared(), host.door, method, target, **options)


def test_importing_the_hosts_imports_no_framework() -> None:
    frameworks = "bottle django falcon fastapi flask litestar pyramid quart starlette werkzeug"
    code = f"import sys, tests.hosts.clients; print(sorted(set({frameworks!r}.split()) & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@every_host
@pytest.mark.parametrize("prefix", PREFIXES)
def test_every_corpus_route_reaches_its_handler(host: Host, prefix: str) -> None:
    app = host.shared()
    values = {"id": ("a%20%C3%A9", "a é"), "path": ("x/batch", "x/batch"), None: ("", None)}
    for route in ROUTES:
        if route.kind != "corpus":
            continue
        quoted, value = values[route.param]
        for method in METHODS:
            probe.seen.clear()
            response = send(app, host.door, method, prefix + route.template.replace(f"{{{route.param}}}", quoted))
            assert response.status == 200, (method, route, response)
            assert response.json() == {"handler": route.template, "method": method, "id": value}
            assert probe.seen == [(route.template, method, value)]


@every_host
def test_what_is_not_there(host: Host) -> None:
    app = host.shared()
    assert send(app, host.door, "GET", "/nowhere").status == 404
    assert send(app, host.door, "HEAD", "/tasks/1").status == (405 if host.id in deviations.NO_HEAD else 200)
    assert send(app, host.door, "OPTIONS", "/batch").status == deviations.OPTIONS.get(host.id, 405)
    slashes = tuple(send(app, host.door, "GET", target).status for target in ("/teams", "/tasks/"))
    assert slashes == deviations.SLASHES.get(host.id, (404, 404))


@every_host
@pytest.mark.parametrize("method", [*METHODS, "HEAD"])
def test_echo_shows_what_was_sent(host: Host, method: str) -> None:
    body = b"\x00\xff{" if method in {"POST", "PUT", "PATCH"} else b""
    headers = [("X-One", "1"), ("X-Two", "a"), ("X-Two", "b"), ("Cookie", "a=1; b=2")]
    response = _get(host, "/echo/a/b?x=1&y=2&x=&z=%C3%A9%2C+", method, headers=headers, body=body)
    assert response.status == 200
    # An application may leave the body of a HEAD to the server to drop.
    content = response.dropped if method == "HEAD" else response.body
    if not content:
        return
    shown = json.loads(content)
    assert shown["method"] == method
    assert shown["path"] == "/echo/a/b"
    assert shown["query"] == [["x", "1"], ["y", "2"], ["x", ""], ["z", "é, "]]
    sent = {"host": "testserver", "x-one": "1", "cookie": "a=1; b=2"}
    assert sent.items() <= shown["headers"].items()
    assert shown["headers"]["x-two"].replace(", ", ",") == "a,b"
    assert base64.b64decode(shown["body"]) == body
    assert shown["headers"].get("content-length", "0") == str(len(body))
    assert (shown["client"], shown["scheme"]) == ("127.0.0.1", "http")
    assert shown["cookies"] == {"a": "1", "b": "2"}


@every_host
@pytest.mark.parametrize(
    ("target", "path"),
    [
        pytest.param("/echo/a%20b", "/echo/a b", id="space"),
        pytest.param("/echo/%E6%97%A5/x", "/echo/日/x", id="unicode"),
        pytest.param("/echo/a%2Bb+c;d=e", "/echo/a+b+c;d=e", id="punctuation"),
        pytest.param("/echo/a%2525", "/echo/a%25", id="decoded once"),
        pytest.param("/api/1.0/echo", "/api/1.0/echo", id="below the prefix"),
    ],
)
def test_echo_shows_the_decoded_path(host: Host, target: str, path: str) -> None:
    assert _get(host, target).json()["path"] == path


@every_host
def test_echo_below_a_mount_point(host: Host) -> None:
    response = _get(host, "/api/1.0/echo/q", root_path="/mnt", scheme="https", server=("h.example", 8443))
    if host.id in deviations.KEEPS_ROOT_PATH:
        assert response.status == 404
    else:
        assert response.json()["url"] == "https://h.example:8443/mnt/api/1.0/echo/q"
        assert response.json()["scheme"] == "https"


@every_host
@pytest.mark.parametrize("chunks", [None, 3], ids=["whole", "streamed"])
@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize("status", [200, 201, 204, 301, 304, 404, 418, 500, 599])
def test_respond_is_exact(host: Host, status: int, method: str, chunks: int | None) -> None:
    body = b"" if status in {204, 304} else bytes(range(256))
    headers = [] if status == 204 else [["content-type", "application/x-thing"]]
    spec = {
        "status": status,
        "headers": [*headers, ["x-thing", "1"], ["set-cookie", "a=1; Path=/; HttpOnly"], ["x-thing", "2"]],
        "body": base64.b64encode(body).decode(),
    }
    spec["headers"] += [["set-cookie", "b=2"]]
    response = _respond(host, method, spec if chunks is None else spec | {"chunks": chunks})
    assert (response.status, response.body, response.dropped) == (status, body, b"")
    assert (response.complete, response.synthetic, response.raised) == (True, False, None)
    things = ["1, 2"] if host.id in deviations.JOINS_HEADERS else ["1", "2"]
    assert response.all("x-thing") == things
    attributes = "HttpOnly; Path=/" if host.id in deviations.REWRITES_COOKIES else "Path=/; HttpOnly"
    assert [value.strip() for value in response.all("set-cookie")] == [f"a=1; {attributes}", "b=2"]
    kept = headers and not (status == 304 and host.id in deviations.STRIPS_304)
    assert response.all("content-type") == (["application/x-thing"] if kept else [])


def _respond(host: Host, method: str, spec: dict[str, Any]) -> Response:
    if method == "GET":
        return _get(host, f"/respond?spec={probe.encode_spec(spec)}")
    body = json.dumps({"data": spec}).encode()
    return _get(host, "/respond", method, headers={"content-type": "application/json"}, body=body)


@every_host
def test_respond_names_no_content_type_of_its_own(host: Host) -> None:
    named = deviations.NAMES_CONTENT_TYPE.get(host.id)
    assert _respond(host, "GET", {"body": "AAEC"}).header("content-type") == named


@every_host
@pytest.mark.parametrize("target", ["/raise", "/nothing", "/half", "/exit"])
def test_faults_end_as_recorded(host: Host, target: str) -> None:
    response = _get(host, target)
    raised = response.raised
    # Quart 0.23 runs a request in a task group.
    if isinstance(raised, BaseExceptionGroup):
        (raised,) = raised.exceptions
    name = type(raised).__name__ if raised else None
    assert (response.status, name, response.complete) == deviations.FAULTS[host.id][target]
    assert probe.SECRET.encode() not in response.body
    if target == "/half":
        assert response.body == b"first;second;"


@pytest.mark.parametrize("host", params(*ASGI_HOSTS))
def test_exit_leaves_the_loop_only_from_a_task_of_the_host(host: Host) -> None:
    raised: BaseException | None
    try:
        raised = asyncio.run(asend(host.shared(), "GET", "/exit")).raised
    except SystemExit as error:
        raised = error
        assert host.id in deviations.EXIT_LEAVES_LOOP
    assert isinstance(raised, SystemExit)


@pytest.mark.parametrize("host", params(*(host for host in HOSTS if host.id in {"asgi", "starlette", "wsgi"})))
def test_late_fails_after_a_complete_response(host: Host) -> None:
    response = _get(host, "/late")
    assert response.json() == {"late": True}
    assert response.complete
    assert isinstance(response.raised, RuntimeError)


@every_host
def test_forever_goes_on_until_the_client_goes(host: Host) -> None:
    response = _get(host, "/forever", disconnect_after=3)
    assert response.body == probe.BLOCK * 3
    assert not response.complete


@every_host
@pytest.mark.parametrize("target", ["/sleep/1", "/sleep-sync/1"])
def test_sleep_answers(host: Host, target: str) -> None:
    assert _get(host, target).json() == {"slept": 1}


@every_host
@pytest.mark.parametrize("name", ["gate", "gate-sync"])
def test_gates_let_handlers_meet(host: Host, name: str) -> None:
    app = host.shared()
    target = f"/{name}/here?n=3"

    async def together() -> list[Response]:
        return await asyncio.gather(*(asend(app, "GET", target) for _ in range(3)))

    if host.door == "asgi" and not (name == "gate-sync" and host.id == "django-asgi"):
        responses = asyncio.run(together())
    else:
        with ThreadPoolExecutor(3) as threads:
            responses = list(threads.map(lambda _: send(app, host.door, "GET", target), range(3)))
    assert [response.status for response in responses] == [200] * 3
    assert responses[0].json() == {"gate": "here", "arrived": 3, "expected": 3}
    assert probe.gates.waiting("here") == 0


@every_host
def test_background_work_comes_after_the_response(host: Host) -> None:
    async def wait_for_both() -> Response:
        response = await asend(host.shared(), "GET", "/background", on_complete=probe.let_go.set)
        await probe.background.wait_async()
        return response

    if host.door == "asgi":
        response = asyncio.run(wait_for_both())
    else:
        response = _get(host, "/background", on_complete=probe.let_go.set)
    assert response.json() == {"background": True}
    assert probe.background.is_set()


@every_host
def test_state_ends_with_the_request(host: Host) -> None:
    app = host.shared()
    for _ in range(2):
        shown = send(app, host.door, "GET", "/state").json()
        assert (shown["context"], shown["request"], shown["frame"]) == (None, None, None)
        assert set(shown["types"]) == set(shown["keys"])
        assert "leaked" not in shown["keys"]


@every_host
def test_hosts_keep_to_their_specification(host: Host) -> None:
    assert bool(_get(host, "/echo").notes) == (host.id in deviations.CAPITAL_HEADERS)
