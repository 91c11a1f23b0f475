"""`batchFetch` in a page: under a strict content security policy, from another origin, with cookies and CSRF tokens."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from importlib.resources import files
from pathlib import Path
from typing import Any, Literal

import pytest

from batchware import Quota, asgi, wsgi
from examples.taskboard import starlette_app
from tests.browser.conftest import Serve
from tests.contract.batching import host_named
from tests.examples.boards import filled
from tests.hosts.probe import encode_spec

MODULE = (files("batchware") / "client/batch.js").read_text("utf-8")
# No inline script, no `eval`, no other origin but where a test allows it.
POLICY = "default-src 'none'; script-src 'self'; connect-src 'self' {api}"
HTML = '<!doctype html><title>A page</title><script type="module" src="page.js"></script>'
# Set where all is there; a predicate would be `eval`, which the policy forbids.
READY = 'document.documentElement.dataset.ready = "";'
IMPORT = 'import * as batching from "./batch.js"; window.batching = batching; ' + READY

SEEN = """
async function seen(response) {
    const {status, url, type, redirected} = await response
    const left = ["connection", "content-length", "date", "server", "transfer-encoding"] // of the connection
    const headers = [...(await response).headers].filter(([name]) => !left.includes(name))
    return {status, url, type, redirected, headers, bytes: [...new Uint8Array(await (await response).arrayBuffer())]}
}
"""


@dataclass
class Site:
    """A page that has the module, and what its scripts have asked for: method and path of each request."""

    page: Any
    api: str
    asked: list[str] = field(default_factory=list)

    def run(self, body: str, argument: Any = None) -> Any:
        """What the asynchronous function with this `body` returns, called with `argument`."""
        self.asked.clear()
        return self.page.evaluate(f"async (given) => {{ {SEEN} {body} }}", argument)


@dataclass
class Files:
    """What a server has below `/site/`: the module, a page with the policy of the test, and its `script`."""

    api: str = ""
    script: str = IMPORT

    def answer(self, path: str) -> tuple[list[tuple[str, str]], bytes]:
        if path.endswith(".html"):
            policy = POLICY.format(api=self.api)
            return [("Content-Type", "text/html"), ("Content-Security-Policy", policy)], HTML.encode()
        content = MODULE if path.endswith("/batch.js") else self.script
        return [("Content-Type", "text/javascript; charset=utf-8")], content.encode()

    def beside(self, app: Any, door: str = "asgi") -> Any:
        """`app`, but for `/site/`."""

        async def on_asgi(scope: Any, receive: Any, send: Any) -> None:
            if scope["type"] != "http" or not scope["path"].startswith("/site/"):
                return await app(scope, receive, send)
            headers, body = self.answer(scope["path"])
            raw = [(name.lower().encode(), value.encode()) for name, value in headers]
            await send({"type": "http.response.start", "status": 200, "headers": raw})
            return await send({"type": "http.response.body", "body": body})

        def on_wsgi(environ: Any, start_response: Any) -> Any:
            if not environ["PATH_INFO"].startswith("/site/"):
                return app(environ, start_response)
            headers, body = self.answer(environ["PATH_INFO"])
            start_response("200 OK", headers)
            return [body]

        return on_asgi if door == "asgi" else on_wsgi


def opened(page: Any, origin: str, api: str | None = None) -> Site:
    """The page below `/site/` of `origin`, ready, and with it the API that its scripts ask."""
    page.goto(f"{origin}/site/page.html")
    page.wait_for_selector("html[data-ready]", state="attached")
    made = Site(page, api or origin)
    page.on("request", lambda request: made.asked.append(f"{request.method} {request.url.removeprefix(made.api)}"))
    return made


def responding(status: int = 200, headers: Any = (), body: bytes = b"") -> str:
    spec = {"status": status, "headers": list(headers), "body": base64.b64encode(body).decode()}
    return f"/respond?spec={encode_spec(spec)}"


PATHS = [
    "/tasks/1?opt_fields=name#part",
    "/nothing/here",
    responding(201, [("content-type", "text/plain; charset=utf-8"), ("x-seen", "1")], "é\u2028".encode()),
    responding(200, [("content-type", "image/png")], bytes(range(256))),
    responding(200, [("content-type", "application/json")], b'{"n": 12345678901234567890}\n'),
    responding(204),
    responding(500, [("content-type", "text/html")], b"<p>"),
    responding(302, [("location", "/tasks/2")]),
]


@pytest.mark.parametrize("door", ["asgi", "wsgi"])
def test_c0_a_page_sees_what_fetch_would_show_it(page: Any, serve: Serve, door: Literal["asgi", "wsgi"]) -> None:
    middleware = asgi.BatchMiddleware if door == "asgi" else wsgi.BatchMiddleware
    with serve(Files().beside(middleware(host_named(door).make()), door), door) as origin:
        here = opened(page, origin)
        batched = here.run("return Promise.all(given.map(path => seen(batching.batchFetch(path))))", PATHS)
        asked = list(here.asked)
        direct = here.run("return Promise.all(given.map(path => seen(fetch(path))))", PATHS)
        assert batched == direct
        assert [one["redirected"] for one in batched] == [False] * 7 + [True]
        assert asked == ["POST /batch", f"GET {PATHS[-1]}", "GET /tasks/2"]
        assert [
            line for line in page.console if "Failed to load resource" not in line
        ] == []  # that is how it logs a 404


def test_a_batch_in_flight_is_aborted_with_its_last_caller(page: Any, serve: Serve) -> None:
    with serve(Files().beside(asgi.BatchMiddleware(host_named("asgi").make())), "asgi") as origin:
        here = opened(page, origin)
        with page.expect_event("requestfailed", lambda request: request.url == f"{origin}/batch"):
            with page.expect_request(f"{origin}/batch"):
                here.run("""
                    window.controllers = [1, 2].map(() => new AbortController())
                    window.ends = controllers.map(({signal}) =>
                        batching.batchFetch("/gate/three?n=3", {signal}).catch(error => error.name))
                """)
            assert here.run("controllers[0].abort(); return ends[0]") == "AbortError"
            assert here.run("controllers[1].abort(); return ends[1]") == "AbortError"
        assert here.run("return (await fetch('/gate/three?n=3')).status") == 200  # and lets the two go


ORIGINS = {"allow_credentials": True, "allow_methods": ["*"], "allow_headers": ["content-type"]}


def _of_another_origin(friend: str) -> Any:
    from starlette.middleware import Middleware
    from starlette.middleware.cors import CORSMiddleware

    from tests.hosts import starlette_host

    app = starlette_host.make()
    app.user_middleware[:0] = [
        Middleware(asgi.BatchMiddleware, limits=[Quota("all", 10, per=1, methods=["GET"])]),
        Middleware(CORSMiddleware, allow_origins=[friend], expose_headers=["Retry-After"], **ORIGINS),
    ]
    return app


async def _nothing(scope: Any, receive: Any, send: Any) -> None:
    """Beside the files of a page there is nothing, not even a lifespan."""
    raise RuntimeError(scope["type"])


@pytest.fixture
def neighbours(page: Any, serve: Serve) -> Iterator[Site]:
    """A page, and an API of another origin that lets it in."""
    here = Files()
    with serve(here.beside(_nothing), "asgi") as friend, serve(_of_another_origin(friend), "asgi") as api:
        here.api = api
        yield opened(page, friend, api)


def test_c24_a_page_of_another_origin_has_its_cookies(neighbours: Site) -> None:
    here = neighbours
    here.run("window.ask = batching.createBatchFetch({url: `${given}/batch`})", here.api)
    begin = """
        const init = {method: "POST", credentials: "include", headers: {"Content-Type": "application/json"},
            body: JSON.stringify({data: {status: 200, headers: [["set-cookie", "session=ann; HttpOnly; Path=/"]]}})}
        const answers = await Promise.all([1, 2].map(() => ask(`${given}/respond`, init)))
        return answers.map(({status, type, headers}) => [status, type, headers.get("set-cookie")])
    """
    assert here.run(begin, here.api) == [[200, "cors", None]] * 2
    cookies = """
        const answers = await Promise.all([1, 2].map(() => ask(`${given[0]}/echo`, {credentials: given[1]})))
        return Promise.all(answers.map(async answer => (await answer.json()).cookies))
    """
    assert here.run(cookies, [here.api, "include"]) == [{"session": "ann"}] * 2
    assert here.run(cookies, [here.api, "omit"]) == [{}] * 2


def test_c40_a_page_of_another_origin_waits_until_the_limit_has_room(neighbours: Site) -> None:
    here = neighbours
    statuses = here.run(
        """
        const ask = batching.createBatchFetch({url: `${given}/batch`})
        const calls = Array.from({length: 12}, (_, id) => ask(`${given}/tasks/${id}`))
        return (await Promise.all(calls)).map(({status}) => status)
    """,
        here.api,
    )
    assert statuses == [200] * 12  # of which the limit lets ten through at once
    assert [line for line in here.asked if line.startswith("POST")] == ["POST /batch"] * 3


@pytest.fixture
def django_site(page: Any, serve: Serve) -> Iterator[Site]:
    """Django that wants its CSRF token of every unsafe request, and a page of its own origin."""
    django = host_named("django-asgi")
    django.shared()  # so that there are settings
    from django.test import override_settings

    with ExitStack() as stack:
        stack.enter_context(override_settings(MIDDLEWARE=["django.middleware.csrf.CsrfViewMiddleware"]))
        origin = stack.enter_context(serve(Files().beside(asgi.BatchMiddleware(django.make())), "asgi"))
        yield opened(page, origin)


def test_djangos_csrf_token_goes_with_what_is_unsafe_batched_or_not(django_site: Site) -> None:
    here = django_site
    here.page.context.add_cookies([{"name": "csrftoken", "value": "a" * 32, "url": here.api}])
    write = """
        const ask = batching.createBatchFetch(given)
        const init = {method: "PUT", headers: {"Content-Type": "application/json"}, body: '{"data":{}}'}
        const calls = [ask("/tasks/1", init), ask("/tasks/2"), ask("/tasks/3", {method: "DELETE"})]
        const together = await Promise.all(calls)
        const alone = [await ask("/tasks/4", init), await ask("/tasks/5", {method: "POST", body: new FormData()})]
        return [...together, ...alone].map(({status}) => status)
    """
    assert here.run(write, {}) == [403, 200, 403, 403, 403]
    assert here.run(write, {"csrf": {"cookie": "csrftoken", "header": "X-CSRFToken"}}) == [200] * 5
    assert here.asked == ["POST /batch", "PUT /tasks/4", "POST /tasks/5"]
    own = {"headers": {"X-CSRFToken": "another's"}, "csrf": {"cookie": "csrftoken", "header": "X-CSRFToken"}}
    assert here.run(write, own) == [403, 200, 403, 403, 403]
    assert here.run(write, {"csrf": {"cookie": "another", "header": "X-CSRFToken"}}) == [403, 200, 403, 403, 403]


def test_a_csrf_token_goes_to_no_other_origin(neighbours: Site) -> None:
    here, page = neighbours, neighbours.page
    page.context.add_cookies([{"name": "csrftoken", "value": "secret", "url": page.url}])
    sent: list[Any] = []
    page.on("request", lambda request: sent.append(request.headers))
    statuses = here.run(
        """
        const csrf = {cookie: "csrftoken", header: "X-CSRFToken"}
        const ask = batching.createBatchFetch({url: `${given}/batch`, csrf})
        const answers = await Promise.all([1, 2].map(id => ask(`${given}/tasks/${id}`, {method: "PATCH"})))
        return [document.cookie, ...answers.map(({status}) => status)]
    """,
        here.api,
    )
    assert statuses == ["csrftoken=secret", 200, 200]
    assert len(sent) == 1
    assert "x-csrftoken" not in sent[0]


README = (Path(__file__).parents[2] / "README.md").read_text("utf-8")


def test_the_lines_of_the_readme_load_a_page_in_one_request(page: Any, serve: Serve) -> None:
    (code,) = re.findall(r"^```js\n(.*?)^```$", README, re.M | re.S)
    with filled() as (board, sample):
        here = Files(script=code.replace("/static/", "/site/").replace("${token}", sample.token) + READY)
        app = here.beside(starlette_app.create_app(board))
        with serve(app, "asgi") as origin:
            asked: list[str] = []
            page.on("request", lambda request: asked.append(request.url.removeprefix(origin)))
            opened(page, origin)
            assert asked == ["/site/page.html", "/site/page.js", "/site/batch.js", "/api/1.0/batch"]
            assert page.title() == "2 answers"
            assert page.console == []
