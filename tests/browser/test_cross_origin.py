"""C24 as a page of another origin sees it: what its script may send, and what it may read, through each CORS layer."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any, Literal

import pytest

from batchware import NotAuthorized, Parent, Quota, asgi, by_header, wsgi
from tests.browser.conftest import Serve
from tests.contract.batching import host_named

FETCH = """
async ([url, body, headers, credentials]) => {
    const answer = await fetch(url, {method: "POST", credentials, headers, body})
    const names = ["x-request-id", "retry-after", "content-type"]
    const seen = Object.fromEntries(names.map(name => [name, answer.headers.get(name)]))
    return {status: answer.status, json: await answer.json(), headers: seen}
}
"""
JSON = {"Content-Type": "application/json"}


def _authorize(parent: Parent) -> str:
    if parent.header("x-client") == "nobody":
        raise NotAuthorized("Log in.", headers={"WWW-Authenticate": "Bearer"})
    return "somebody"


def _options() -> dict[str, Any]:
    limits = [Quota("all", 10, key=by_header("x-client"))]
    return {"authorize": _authorize, "limits": limits, "max_body_bytes": 2000}


POLICY: dict[str, Any] = {
    "allow_credentials": True,
    "allow_methods": ["POST"],
    "allow_headers": ["content-type", "x-client"],
    "expose_headers": ["Retry-After"],
}


def _starlette(origin: str, where: Literal["inside", "outside"]) -> Any:
    from starlette.middleware import Middleware
    from starlette.middleware.cors import CORSMiddleware

    from tests.hosts import starlette_host

    cors = Middleware(CORSMiddleware, allow_origins=[origin], **POLICY)
    batch = Middleware(asgi.BatchMiddleware, **_options())
    app = starlette_host.make()
    app.user_middleware[:0] = [batch, cors] if where == "inside" else [cors, batch]
    return app


def _flask(origin: str) -> Any:
    from flask_cors import CORS

    app = host_named("flask").make()
    CORS(
        app,
        origins=[origin],
        supports_credentials=True,
        methods=POLICY["allow_methods"],
        allow_headers=POLICY["allow_headers"],
        expose_headers=POLICY["expose_headers"],
    )
    return wsgi.BatchMiddleware(app, **_options())


def _django(origin: str, door: Literal["asgi", "wsgi"], stack: ExitStack) -> Any:
    django = host_named(f"django-{door}")
    django.shared()  # so that there are settings
    from django.test import override_settings

    stack.enter_context(
        override_settings(
            MIDDLEWARE=["corsheaders.middleware.CorsMiddleware"],
            CORS_ALLOWED_ORIGINS=[origin],
            CORS_ALLOW_CREDENTIALS=True,
            CORS_ALLOW_METHODS=POLICY["allow_methods"],
            CORS_ALLOW_HEADERS=POLICY["allow_headers"],
            CORS_EXPOSE_HEADERS=POLICY["expose_headers"],
        )
    )
    middleware = asgi.BatchMiddleware if door == "asgi" else wsgi.BatchMiddleware
    return middleware(django.make(), **_options())


LAYERS = [
    "Starlette's CORSMiddleware inside",
    "Starlette's CORSMiddleware outside",
    "Flask-CORS inside",
    "django-cors-headers inside, on ASGI",
    "django-cors-headers inside, on WSGI",
]


async def _page(scope: Any, receive: Any, send: Any) -> None:
    """Another origin."""
    assert scope["type"] == "http" or await receive()
    headers = [(b"content-type", b"text/html"), (b"content-length", b"14")]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": b"<title>.</title>"[:14]})


@dataclass
class Site:
    """A page, and a batch route of another origin that lets it in."""

    page: Any
    api: str

    def post(
        self, client: str, body: Any, headers: dict[str, str] | None = None, credentials: str = "include"
    ) -> dict[str, Any]:
        written = body if isinstance(body, str) else json.dumps({"data": {"actions": body}})
        sent = JSON | {"X-Client": client} if headers is None else headers
        answer: dict[str, Any] = self.page.evaluate(FETCH, [f"{self.api}/batch", written, sent, credentials])
        return answer


@pytest.fixture(params=LAYERS)
def site(request: pytest.FixtureRequest, page: Any, serve: Serve) -> Iterator[Site]:
    layer: str = request.param
    with ExitStack() as stack:
        friend = stack.enter_context(serve(_page, "asgi"))
        if layer.startswith("Starlette"):
            app, door = _starlette(friend, "inside" if layer.endswith("inside") else "outside"), "asgi"
        elif layer.startswith("Flask"):
            app, door = _flask(friend), "wsgi"
        else:
            door = "asgi" if layer.endswith("ASGI") else "wsgi"
            app = _django(friend, "asgi" if door == "asgi" else "wsgi", stack)
        api = stack.enter_context(serve(app, door))
        page.goto(friend)
        yield Site(page, api)


GET = {"method": "get", "relative_path": "/tasks/1"}


def test_c24_a_page_sends_batches_and_reads_every_kind_of_answer(site: Site) -> None:
    answer = site.post("ann", [GET, {"method": "get", "relative_path": "/none"}])
    assert answer["status"] == 200
    assert [result["status_code"] for result in answer["json"]["data"]] == [200, 404]
    assert site.page.console == []
    refused = {
        400: ("bob", "{"),
        401: ("nobody", [GET]),
        413: ("bob", " " * 3000),
        429: ("ann", [GET] * 9),
    }
    for status, (client, body) in refused.items():
        answer = site.post(client, body)
        assert answer["status"] == status
        assert answer["json"]["errors"][0]["message"]
    assert int(answer["headers"]["retry-after"]) > 0
    form = site.post("", "{}", {"Content-Type": "text/plain"})  # which needs no preflight
    assert form["status"] == 415
    assert not [line for line in site.page.console if "CORS" in line]


def test_c24_cookies_go_both_ways_where_the_page_asks_for_it(site: Site) -> None:
    spec = {"status": 200, "headers": [["set-cookie", "session=ann; HttpOnly; Path=/"]], "body": ""}
    begin = {"method": "post", "relative_path": "/respond", "data": spec}
    who = {"method": "get", "relative_path": "/echo"}
    assert site.post("c", [begin])["json"]["data"][0]["status_code"] == 200
    assert [cookie["name"] for cookie in site.page.context.cookies(site.api)] == ["session"]
    assert site.page.evaluate("document.cookie") == ""

    def cookies(credentials: str) -> Any:
        return site.post("c", [who], credentials=credentials)["json"]["data"][0]["body"]["cookies"]

    assert cookies("include") == {"session": "ann"}
    assert cookies("omit") == {}


def test_c24_a_page_that_the_host_does_not_know_reads_nothing(site: Site, serve: Serve) -> None:
    from playwright.sync_api import Error

    with serve(_page, "asgi") as stranger:
        site.page.goto(stranger)
        with pytest.raises(Error, match="Failed to fetch"):
            site.post("ann", [GET])
        with pytest.raises(Error, match="Failed to fetch"):
            site.post("", "{}", {"Content-Type": "text/plain"})
    assert any("CORS" in line for line in site.page.console)
