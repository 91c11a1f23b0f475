"""C24, its second half: what a page of another origin may read is what the host's own CORS layer says."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.contract.batching import BatchAnswer, action, bare_door, every_host, host_named, post_batch, wrap
from tests.contract.small_apps import Handler, asgi_app, door, reply, started, wsgi_app
from tests.hosts import Host, probe
from tests.hosts.clients import Response, send

FRIEND, STRANGER = "https://app.example", "https://evil.example"
EXPOSED = ["X-Request-Id"]


def _starlette() -> Any:
    from starlette.middleware.cors import CORSMiddleware

    return CORSMiddleware(
        host_named("starlette").make(),
        allow_origins=[FRIEND],
        allow_credentials=True,
        allow_methods=["*"],
        expose_headers=EXPOSED,
    )


def _flask() -> Any:
    from flask_cors import CORS

    app = host_named("flask").make()
    CORS(app, origins=[FRIEND], supports_credentials=True, expose_headers=EXPOSED)
    return app


LAYERS = [
    pytest.param(("asgi", _starlette), id="Starlette's CORSMiddleware"),
    pytest.param(("wsgi", _flask), id="Flask-CORS"),
    pytest.param(("asgi", None), id="django-cors-headers on ASGI"),
    pytest.param(("wsgi", None), id="django-cors-headers on WSGI"),
]


@pytest.fixture(params=LAYERS)
def layered(request: pytest.FixtureRequest) -> Iterator[Host]:
    """A host with a real CORS layer below batchware, which lets `FRIEND` in."""
    kind, make = request.param
    if make is not None:
        yield door(kind, make())
        return
    django = host_named(f"django-{kind}")
    django.shared()  # so that there are settings
    from django.test import override_settings

    with override_settings(
        MIDDLEWARE=["corsheaders.middleware.CorsMiddleware"],
        CORS_ALLOWED_ORIGINS=[FRIEND],
        CORS_ALLOW_CREDENTIALS=True,
        CORS_EXPOSE_HEADERS=EXPOSED,
    ):
        yield door(kind, django.make())


def _shared(host: Host) -> dict[str, str]:
    """The `access-control-*` headers of a direct request from `FRIEND`."""
    response = send(host.shared(), host.door, "GET", "/tasks/1", headers={"Origin": FRIEND})
    shared = _access_control(response)
    assert shared["access-control-allow-origin"] == FRIEND
    assert shared["access-control-allow-credentials"] == "true"
    assert shared["access-control-expose-headers"] == "X-Request-Id"
    return shared


def _access_control(answer: Response | BatchAnswer) -> dict[str, str]:
    found = [(name, value) for name, value in answer.headers if name.startswith("access-control-")]
    assert len(dict(found)) == len(found), "a browser refuses a header that comes twice"
    return dict(found)


def _from(origin: str) -> dict[str, str]:
    return {"Origin": origin}


def test_c24_a_cross_origin_answer_says_what_the_host_says(layered: Host) -> None:
    answer = post_batch(wrap(layered), layered, [action(), action("/echo")], headers=_from(FRIEND))
    assert answer.statuses == [200, 200]
    assert _access_control(answer) == _shared(layered)


@pytest.mark.parametrize(
    ("status", "body", "content_type"),
    [
        pytest.param(415, b"{}", "text/plain", id="media type"),
        pytest.param(400, b"{", "application/json", id="no JSON"),
        pytest.param(400, b"{}", "application/json", id="no batch"),
        pytest.param(413, b" " * 200, "application/json", id="too large"),
    ],
)
def test_c24_whole_batch_errors_can_be_read_too(layered: Host, status: int, body: bytes, content_type: str) -> None:
    app = wrap(layered, max_body_bytes=100)
    answer = post_batch(app, layered, body=body, content_type=content_type, headers=_from(FRIEND))
    assert answer.status == status
    assert _access_control(answer) == _shared(layered)


def test_c24_a_strangers_origin_gets_nothing(layered: Host) -> None:
    direct = send(layered.shared(), layered.door, "GET", "/tasks/1", headers=_from(STRANGER))
    for actions in ([action()], []):
        answer = post_batch(wrap(layered), layered, actions, headers=_from(STRANGER))
        assert "access-control-allow-origin" not in _access_control(answer)
        assert _access_control(answer).keys() <= _access_control(direct).keys()


def test_c24_a_preflight_is_answered_by_the_hosts_layer(layered: Host) -> None:
    asked = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "content-type"}
    app = wrap(layered)
    answer = send(app, layered.door, "OPTIONS", "/batch", headers=_from(FRIEND) | asked)
    direct = send(layered.shared(), layered.door, "OPTIONS", "/batch", headers=_from(FRIEND) | asked)
    assert answer.status in {200, 204}
    assert _access_control(answer) == _access_control(direct)
    assert answer.header("access-control-allow-origin") == FRIEND
    assert "POST" in str(answer.header("access-control-allow-methods"))
    refused = send(app, layered.door, "OPTIONS", "/batch", headers=_from(STRANGER) | asked)
    assert refused.header("access-control-allow-origin") is None


def test_c24_cors_off_says_nothing(layered: Host) -> None:
    answer = post_batch(wrap(layered, cors="off"), layered, [action()], headers=_from(FRIEND))
    assert answer.statuses == [200]
    assert _access_control(answer) == {}


def test_c24_no_result_says_anything_of_it(layered: Host) -> None:
    answer = post_batch(wrap(layered), layered, [action()], headers=_from(FRIEND))
    assert not [name for name in answer.result["headers"] if name.startswith("access-control")]


# --- which request the host is asked with, and when


class _Policy:
    """A host that keeps what it is asked, and answers each request with headers that name its path."""

    def __init__(self, kind: Any) -> None:
        self.asked: list[tuple[str, str, str | None, bytes]] = []
        app: Handler = self._asgi if kind == "asgi" else self._wsgi
        self.host = door(kind, app)

    def _headers(self, path: str) -> list[tuple[str, str]]:
        return [("Access-Control-Allow-Origin", path), ("Access-Control-New", "1"), ("X-Other", "1")]

    async def _asgi(self, scope: Any, receive: Any, send: Any) -> None:
        origin = dict(scope["headers"]).get(b"origin")
        body = (await receive())["body"]
        self.asked.append((scope["method"], scope["path"], origin and origin.decode(), body))
        await reply(send, b"{}", self._headers(scope["path"]))

    def _wsgi(self, environ: Any, start_response: Any) -> Any:
        body = environ["wsgi.input"].read(int(environ["CONTENT_LENGTH"]))
        self.asked.append((environ["REQUEST_METHOD"], environ["PATH_INFO"], environ.get("HTTP_ORIGIN"), body))
        return started(start_response, b"{}", self._headers(environ["PATH_INFO"]))


@bare_door
@pytest.mark.parametrize("route", ["/batch", "/api/1.0/batch"])
def test_c24_the_host_is_asked_by_one_get_of_the_batch_route(host: Host, route: str) -> None:
    policy = _Policy(host.door)
    app = wrap(policy.host, path=route)
    answer = post_batch(
        app, policy.host, [action("/a"), action("/b", "post", data={})], path=route, headers=_from("null")
    )
    assert policy.asked[2:] == [("GET", route, "null", b"")]
    assert _access_control(answer) == {"access-control-allow-origin": route, "access-control-new": "1"}
    assert answer.header("x-other") is None


@bare_door
@pytest.mark.parametrize(
    ("origin", "host_header", "crosses"),
    [
        pytest.param(None, "api.example", False, id="no origin"),
        pytest.param("http://evil.example://api.example", "api.example", True, id="an origin behind another"),
        pytest.param("http://api.example", "api.example", False, id="its own"),
        pytest.param("https://api.example", "api.example", False, id="its own behind a proxy that ends TLS"),
        pytest.param("HTTP://API.example", "api.Example", False, id="its own in other letters"),
        pytest.param("http://api.example", "api.example:80", False, id="its own with the usual port"),
        pytest.param("https://api.example", "api.example:443", False, id="its own with the usual port of TLS"),
        pytest.param("https://api.example", "api.example:80", True, id="the usual port of another scheme"),
        pytest.param("http://api.example:8080", "api.example:8080", False, id="its own with a port"),
        pytest.param("http://[::1]:81", "[::1]:81", False, id="its own as an address"),
        pytest.param("http://api.example:8080", "api.example", True, id="another port"),
        pytest.param("http://app.example", "api.example", True, id="another host"),
        pytest.param("http://api.example.evil", "api.example", True, id="a host that begins the same"),
        pytest.param("null", "api.example", True, id="null"),
    ],
)
def test_c24_only_cross_origin_batches_ask(host: Host, origin: str | None, host_header: str, crosses: bool) -> None:
    policy = _Policy(host.door)
    headers = {"Host": host_header} | ({} if origin is None else _from(origin))
    answer = post_batch(wrap(policy.host), policy.host, [action("/a")], headers=headers)
    assert len(policy.asked) == (2 if crosses else 1)
    assert bool(_access_control(answer)) == crosses


@bare_door
def test_c24_a_batch_that_is_refused_before_it_is_read_asks_too(host: Host) -> None:
    policy = _Policy(host.door)
    answer = send(wrap(policy.host), host.door, "GET", "/batch", headers=_from(STRANGER))
    assert answer.status == 405
    assert _access_control(answer)["access-control-allow-origin"] == "/batch"
    assert policy.asked == [("GET", "/batch", STRANGER, b"")]


def _failing(kind: Any) -> Host:
    async def asgi(scope: Any, receive: Any, send: Any) -> None:
        raise RuntimeError(probe.SECRET)

    def wsgi(environ: Any, start_response: Any) -> Any:
        raise RuntimeError(probe.SECRET)

    return door(kind, asgi_app({"/batch": asgi}) if kind == "asgi" else wsgi_app({"/batch": wsgi}))


@bare_door
def test_c24_a_host_that_fails_on_its_batch_route_harms_no_answer(host: Host) -> None:
    small = _failing(host.door)
    answer = post_batch(wrap(small), small, [action("/x")], headers=_from(STRANGER))
    assert answer.statuses == [404]
    assert _access_control(answer) == {}


@every_host
def test_c24_a_host_without_a_policy_says_nothing(host: Host) -> None:
    answer = post_batch(wrap(host), host, [action()], headers=_from(STRANGER))
    assert answer.statuses == [200]
    assert _access_control(answer) == {}
