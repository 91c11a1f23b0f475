"""`assert_not_batchable`: what it finds, what it takes for reached, and how it tells a wrong question."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from batchware import NotAuthorized, Quota, not_batchable
from batchware.asgi import BatchMiddleware
from batchware.contract.paths import read_path
from batchware.testing import assert_not_batchable
from batchware.testing.spellings import respelled
from tests.contract.batching import every_host, host_named, wrap
from tests.contract.obedience import obedient_asgi, obedient_wsgi
from tests.contract.small_apps import asgi_app, door, reply, started, wsgi_app
from tests.hosts import Host

DENIED = [("POST", "/attachments"), ("GET", "/scim/v2/Users"), ("DELETE", "/organization_exports/1")]


@every_host
@pytest.mark.parametrize(("method", "path"), DENIED, ids=" ".join)
@pytest.mark.parametrize("base", ["", "/api/1.0"], ids=["at the top", "below the API base"])
def test_c31_c32_the_default_list_holds(host: Host, method: str, path: str, base: str) -> None:
    # Pyramid tells its routes by the method, so it answers OPTIONS with 404.
    assert_not_batchable(wrap(host, path=base + "/batch"), method, path, probe=None if method == "POST" else "GET")


@every_host
def test_c33_what_is_not_allowed_is_not_reached(host: Host) -> None:
    allowing = wrap(host, allow=["GET /users/{id}", "/tasks/{id}"], deny=())
    assert_not_batchable(allowing, "GET", "/files/a/b")
    assert_not_batchable(allowing, "GET", "/scim/v2/Users")
    with pytest.raises(AssertionError, match="can be batched: as it is, 200"):
        assert_not_batchable(allowing, "GET", "/users/1")


def _app(**routes: Any) -> Starlette:
    return Starlette(routes=[Route(f"/{name}", endpoint, methods=["GET", "POST"]) for name, endpoint in routes.items()])


def _answering(status: int, body: str = "secret") -> Any:
    def secret(request: Request) -> PlainTextResponse:
        return PlainTextResponse(body, status)

    return secret


def _spelled_otherwise(path: str) -> Any:
    """A rule of the host that compares strings, as rules should not."""
    return lambda action, parent: "no" if action.path == path else None


@pytest.mark.parametrize("with_handler", [True, False])
def test_a_rule_that_knows_one_spelling_is_found_wanting(with_handler: bool) -> None:
    secret = _answering(200)

    async def forgiving(scope: Any, receive: Any, send: Any) -> None:
        await _app(secret=secret)(scope | {"path": scope["path"].lower().rstrip("/")}, receive, send)

    app = BatchMiddleware(forgiving, deny=[_spelled_otherwise("/secret")])
    with pytest.raises(AssertionError, match="can be reached in a batch") as failure:
        assert_not_batchable(app, "GET", "/secret", handler=secret if with_handler else None)
    said = str(failure.value)
    assert 'capital letters: {"method": "GET", "relative_path": "/SECRET"} -> 200' in said
    assert "a trailing slash" in said
    assert ("and the handler ran" in said) == with_handler


@pytest.mark.parametrize("kind", ["asgi", "wsgi"])
def test_headers_and_parameters_that_change_the_method_are_tried(kind: Any) -> None:
    async def asgi(scope: Any, receive: Any, send: Any) -> None:
        changed = b"_method=POST" in scope["query_string"]
        await reply(send, b"changed" if changed else b"read")

    def wsgi(environ: Any, start_response: Any) -> Any:
        return started(start_response, b"changed" if "_method=POST" in environ["QUERY_STRING"] else b"read")

    host = door(kind, asgi_app({"/secret": asgi}) if kind == "asgi" else wsgi_app({"/secret": wsgi}))
    with pytest.raises(AssertionError, match="the parameter _method"):
        assert_not_batchable(wrap(host, deny=["POST /secret"]), "POST", "/secret")


@pytest.mark.parametrize("id", ["starlette", "flask"])
def test_c16_headers_that_rewrite_requests_reach_nothing(id: str) -> None:
    host = host_named(id)
    app = (obedient_asgi if host.door == "asgi" else obedient_wsgi)(host.shared())
    assert_not_batchable(wrap(host, app), "POST", "/attachments")


@pytest.mark.parametrize("status", [200, 201, 400, 401, 404, 405, 422, 500])
def test_with_a_handler_whatever_it_answers_counts(status: int) -> None:
    secret = _answering(status)

    async def lower(scope: Any, receive: Any, send: Any) -> None:
        await _app(secret=secret)(scope | {"path": scope["path"].lower()}, receive, send)

    app = BatchMiddleware(lower, deny=[_spelled_otherwise("/secret")])
    with pytest.raises(AssertionError, match=r"capital letters.*the handler ran"):
        assert_not_batchable(app, "POST", "/secret", handler=secret)


@pytest.mark.parametrize("status", [200, 400, 401, 404, 405, 422, 500])
def test_only_a_refusal_will_do_for_the_plain_spelling(status: int) -> None:
    with pytest.raises(AssertionError, match=f"can be batched: as it is, {status}"):
        assert_not_batchable(BatchMiddleware(_app(secret=_answering(status))), "POST", "/secret")


def test_another_endpoint_does_not_count_where_the_handler_is_named() -> None:
    async def others(request: Request) -> PlainTextResponse:
        return PlainTextResponse("other")

    secret = _answering(200)
    app = Starlette(routes=[Route("/a/secret", not_batchable(secret)), Route("/a/{other}", others)])
    assert_not_batchable(BatchMiddleware(app), "GET", "/a/secret", handler=secret)
    with pytest.raises(AssertionError, match="capital letters at the end"):
        assert_not_batchable(BatchMiddleware(app), "GET", "/a/secret")


def test_credentials_and_data_are_sent_and_limits_and_authorize_left_out() -> None:
    asked: list[str | None] = []

    @not_batchable
    async def secret(request: Request) -> PlainTextResponse:
        return PlainTextResponse("secret")

    async def guarded(request: Request) -> PlainTextResponse:
        asked.append(request.headers.get("authorization"))
        if not await request.json():
            raise HTTPException(422)
        if asked[-1] is None:
            raise HTTPException(401)
        return await secret(request)

    def nobody(parent: Any) -> str:
        raise NotAuthorized("nobody")

    app = BatchMiddleware(_app(secret=guarded), authorize=nobody, limits=[Quota("few", 10)])
    with pytest.raises(AssertionError, match="500"):
        assert_not_batchable(app, "POST", "/secret")
    with pytest.raises(AssertionError, match="401; give headers= with credentials"):
        assert_not_batchable(app, "POST", "/secret", data={"a": 1})
    assert_not_batchable(app, "POST", "/secret", data={"a": 1}, headers={"Authorization": "Bearer x"})
    assert asked[-1] == "Bearer x"


# --- a wrong question


@pytest.mark.parametrize("method", ["GET", "POST"])
@every_host
def test_a_path_that_is_not_routed_is_told(host: Host, method: str) -> None:
    app = wrap(host, deny=["/no/such/path"])
    with pytest.raises(AssertionError, match="/no/such/path is 404 as a direct request, so nothing would be tested"):
        assert_not_batchable(app, method, "/no/such/path")
    assert_not_batchable(app, method, "/no/such/path", probe=None)


def test_the_direct_request_runs_no_unsafe_handler() -> None:
    ran: list[str] = []

    def secret(request: Request) -> PlainTextResponse:
        ran.append(request.method)
        return PlainTextResponse()

    assert_not_batchable(BatchMiddleware(_app(secret=secret), deny=["/secret"]), "POST", "/secret")
    assert ran == []
    assert_not_batchable(BatchMiddleware(_app(secret=secret), deny=["/secret"]), "GET", "/secret")
    assert ran == ["GET"]


def test_a_missing_thing_and_a_wrong_method_are_told() -> None:
    missing = BatchMiddleware(_app(secret=_answering(404)), deny=["/secret"])
    with pytest.raises(AssertionError, match="404 as a direct request"):
        assert_not_batchable(missing, "GET", "/secret")
    only_get = BatchMiddleware(Starlette(routes=[Route("/secret", _answering(200))]), deny=["/secret"])
    with pytest.raises(AssertionError, match="405"):
        assert_not_batchable(only_get, "POST", "/secret", probe="POST")


def test_wrong_arguments_are_told() -> None:
    app = BatchMiddleware(_app(secret=_answering(200)))
    with pytest.raises(TypeError, match="no BatchMiddleware"):
        assert_not_batchable(_app(), "GET", "/secret")
    with pytest.raises(ValueError, match="method"):
        assert_not_batchable(app, "BREW", "/secret")
    with pytest.raises(ValueError, match="path"):
        assert_not_batchable(app, "GET", "secret")
    with pytest.raises(TypeError, match="handler"):
        assert_not_batchable(app, "GET", "/secret", handler=len)

    async def inside() -> None:
        assert_not_batchable(app, "GET", "/secret")

    with pytest.raises(RuntimeError, match="plain function"):
        asyncio.run(inside())


def test_it_needs_no_test_runner() -> None:
    code = "import batchware.testing, sys; sys.exit('pytest' in sys.modules or '_pytest' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True, env=os.environ)


# --- the spellings themselves


@pytest.mark.parametrize("path", ["/", "/a", "/batch", "/scim/v2/Users", "/tasks/1/attachments", "/é/x y", "/1/2"])
def test_spellings_are_different_and_the_first_is_the_path(path: str) -> None:
    spelled = respelled(path)
    assert read_path(spelled["as it is"])[0] == path
    assert len(set(spelled.values())) > 35


def test_every_kind_of_spelling_has_one_that_batchware_reads() -> None:
    """Not all stop at the grammar of a path: what is only refused there would leave the rules untested."""
    read = 0
    for written in respelled("/scim/users").values():
        try:
            read_path(written)
        except ValueError:
            continue
        read += 1
    assert read > 25
