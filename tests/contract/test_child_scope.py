"""C17: what else a child request is made of: the parent's connection, a fixed set of keys, and nothing shared."""

from __future__ import annotations

import asyncio
import io
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.responses import JSONResponse
from starlette.routing import Mount, Route

from batchware import BatchConfig, Parent, asgi
from tests.contract.batching import action, bare_door, every_host, host_named, post_batch, wrap
from tests.contract.children import child, children
from tests.contract.spies import Spy
from tests.hosts import Host
from tests.hosts.clients import send

ASGI = host_named("asgi")
WSGI = host_named("wsgi")

ALLOWED = {
    "asgi": {
        "type", "asgi", "http_version", "method", "scheme", "path", "raw_path", "query_string", "root_path", "headers",
        "client", "server", "batchware", "app", "router", "app_root_path", "path_params", "state", "extensions",
    },
    "wsgi": {
        "REQUEST_METHOD", "SCRIPT_NAME", "PATH_INFO", "QUERY_STRING", "CONTENT_TYPE", "CONTENT_LENGTH", "SERVER_NAME",
        "SERVER_PORT", "SERVER_PROTOCOL", "REMOTE_ADDR", "REMOTE_PORT", "REMOTE_HOST", "REMOTE_USER", "AUTH_TYPE",
        "HTTPS", "SSL_CLIENT_CERT", "HTTP_HOST", "HTTP_ACCEPT_ENCODING", "batchware.action", "wsgi.version",
        "wsgi.url_scheme", "wsgi.input", "wsgi.errors", "wsgi.multithread", "wsgi.multiprocess", "wsgi.run_once",
    },
}  # fmt: skip

# What servers, outer middleware and frameworks leave in a scope or an environ.
STRANGE: dict[str, dict[str, Any]] = {
    "asgi": {
        "user": object(), "session": {"a": 1}, "auth": [], "aws.event": {}, "aws.context": {}, "endpoint": object(),
        "_body": b"old", "_form": {}, "_headers": {}, "_cookies": {}, "_query_params": {}, "litestar_app": object(),
        "route_handler": object(), "fastapi_inner_astack": object(), "starlette.exception_handlers": (),
    },
    "wsgi": {
        "RAW_URI": "/batch", "REQUEST_URI": "/batch", "PATH_TRANSLATED": "/srv/batch", "GATEWAY_INTERFACE": "CGI/1.1",
        "SERVER_SOFTWARE": "x", "gunicorn.socket": object(), "mod_wsgi.process_group": "x", "wsgi.file_wrapper": 0,
        "wsgi.input_terminated": True, "wsgi.early_hints": object(), "bottle.request.json": {"old": 1},
        "bottle.request.body": io.BytesIO(b"old"), "werkzeug.request": object(), "werkzeug.proxy_fix.orig": {},
        "webob.adhoc_attrs": {}, "webob._parsed_query_vars": ({}, ""), "beaker.session": object(), "x.user": "me",
    },
}  # fmt: skip


def _extra(host: Host, values: dict[str, Any]) -> dict[str, Any]:
    return {"scope_extra" if host.door == "asgi" else "environ_extra": values}


# --- the connection


@every_host
@pytest.mark.parametrize("method", ["get", "post"])
def test_c17_client_server_and_scheme_are_the_parents(host: Host, method: str) -> None:
    sent = {"client": ("192.0.2.7", 4711), "scheme": "https", "server": ("api.example", 8443)}
    direct = send(host.shared(), host.door, method.upper(), "/echo/x", **sent).json()
    shown = post_batch(wrap(host), host, [action("/echo/x", method)], **sent).result["body"]
    for key in ("client", "scheme", "url"):
        assert shown[key] == direct[key]
    assert (shown["client"], shown["scheme"]) == ("192.0.2.7", "https")
    assert shown["url"] == "https://api.example:8443/echo/x"


@bare_door
def test_c17_a_parent_without_a_client_has_children_without_one(host: Host) -> None:
    frame = child(host, action("/x"), client=None).frame
    assert not frame.get("client")
    assert "REMOTE_ADDR" not in frame


def test_c17_the_facts_of_a_scope_are_the_parents() -> None:
    extra = {"http_version": "2", "client": ("::1", 5), "server": ("/run/socket", None), "scheme": "https"}
    frame = child(ASGI, action("/x"), scope_extra=extra).frame
    assert extra.items() <= frame.items()
    assert (frame["type"], frame["asgi"]["version"]) == ("http", "3.0")


def test_c17_the_facts_of_an_environ_are_the_parents() -> None:
    extra = {
        "SERVER_PROTOCOL": "HTTP/2", "REMOTE_USER": "me", "AUTH_TYPE": "Basic", "HTTPS": "on",
        "SSL_CLIENT_CERT": "x", "wsgi.multiprocess": True, "wsgi.run_once": True,
    }  # fmt: skip
    frame = child(WSGI, action("/x"), environ_extra=extra).frame
    assert extra.items() <= frame.items()
    assert frame["wsgi.version"] == (1, 0)


# --- the keys


@bare_door
@pytest.mark.parametrize("method", ["get", "post"])
def test_c17_no_key_beyond_the_fixed_set_reaches_a_child(host: Host, method: str) -> None:
    more = {"SSL_CLIENT_CERT": "x", "HTTPS": "on"} if host.door == "wsgi" else {"extensions": {}}
    entry = action("/x", method, data={"a": 1})
    frame = child(host, entry, **_extra(host, {**STRANGE[host.door], **more})).frame
    assert set(frame) <= ALLOWED[host.door]


@every_host
def test_c17_what_others_left_in_the_parent_reaches_no_handler(host: Host) -> None:
    left = STRANGE[host.door]
    if host.door == "asgi":
        left = {**left, "path_params": {"id": "old"}, "parsed_body": b"old"}
    answer = post_batch(wrap(host), host, [action("/echo/x", "post", data={"new": 1})], **_extra(host, left))
    plain = post_batch(wrap(host), host, [action("/echo/x", "post", data={"new": 1})])
    assert answer.result == plain.result
    assert answer.result["status_code"] == 200


def test_c17_of_the_extensions_only_tls_is_passed_on() -> None:
    tls = {"server_cert": "x"}
    extra = {"extensions": {"tls": tls, "http.response.pathsend": {}, "http.response.trailers": {}}}
    assert child(ASGI, action("/x"), scope_extra=extra).frame["extensions"] == {"tls": tls}
    extra = {"extensions": {"http.response.pathsend": {}, "http.response.debug": {}}}
    assert not child(ASGI, action("/x"), scope_extra=extra).frame.get("extensions")


def test_c17_an_environ_says_how_long_its_input_is_and_that_threads_run() -> None:
    extra = {"wsgi.multithread": False, "wsgi.input_terminated": True, "wsgi.file_wrapper": object()}
    for entry, length in ((action("/x"), "0"), (action("/x", "post", data={}), "11"), (action("/x", "delete"), "0")):
        frame = child(WSGI, entry, environ_extra=extra).frame
        assert frame["CONTENT_LENGTH"] == length
        assert frame["wsgi.multithread"] is True
        assert not {"wsgi.input_terminated", "wsgi.file_wrapper"} & set(frame)


LEFT_OUT = {
    "asgi": ("query_string", "scheme", "root_path", "raw_path", "client", "server", "state"),
    "wsgi": ("QUERY_STRING", "SCRIPT_NAME", "REMOTE_ADDR", "REMOTE_HOST", "REMOTE_PORT"),
}


@bare_door
def test_c17_what_a_server_leaves_out_is_what_that_means(host: Host) -> None:
    parents: list[Parent] = []
    spy = Spy(host.door)
    app = wrap(spy, authorize=lambda parent: parents.append(parent) or "me")

    def leaves_out(frame: Any, *rest: Any) -> Any:
        for key in LEFT_OUT[host.door]:
            del frame[key]
        return app(frame, *rest)

    assert post_batch(leaves_out, spy, [action("/x", data={"a": 1})]).statuses == [200]
    (parent,), (seen,) = parents, spy.seen
    assert (parent.path, parent.query, parent.scheme, parent.client) == ("/batch", "", "http", None)
    assert (seen.path, seen.query, seen.root) == ("/x", "a=1", "")
    assert set(seen.frame) & set(LEFT_OUT[host.door]) == (
        {"query_string", "raw_path"} if host.door == "asgi" else {"QUERY_STRING", "SCRIPT_NAME"}
    )


# --- nothing shared


@bare_door
def test_c17_each_child_has_a_frame_of_its_own(host: Host) -> None:
    seen = children(host, [action(f"/{index}", "post", data={}) for index in range(3)])
    keys = ("headers", "state") if host.door == "asgi" else ("wsgi.input",)
    for key in keys:
        assert len({id(request.frame[key]) for request in seen}) == 3


@every_host
def test_c17_what_a_handler_leaves_in_its_request_reaches_no_other(host: Host) -> None:
    left: dict[str, Any] = {}
    answer = post_batch(wrap(host), host, [action("/state")] * 5, **_extra(host, left))
    for result in answer.results:
        shown = result["body"]
        assert (shown["request"], shown["frame"], shown["context"]) == (None, None, None)


def test_c17_state_is_a_shallow_copy_of_the_parents() -> None:
    pool = object()
    state = {"pool": pool, "n": 1}
    frames: list[dict[str, Any]] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        frames.append(dict(scope["state"]))
        scope["state"]["n"] += 1
        scope["state"]["left"] = True
        await send({"type": "http.response.start", "status": 204, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    post_batch(wrap(ASGI, app), ASGI, [action("/x")] * 3, scope_extra={"state": state})
    assert frames == [{"pool": pool, "n": 1}] * 3
    assert state == {"pool": pool, "n": 1}


def test_c17_state_is_that_of_the_lifespan_where_that_was_seen() -> None:
    seen: list[Any] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "lifespan":
            scope["state"]["pool"] = "ready"
            return
        seen.append(scope["state"])
        await send({"type": "http.response.start", "status": 204, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    middleware = wrap(ASGI, app)
    asyncio.run(middleware({"type": "lifespan", "state": {}}, None, None))
    # What an outer middleware put into the state of one request stays there.
    post_batch(middleware, ASGI, [action("/x")] * 2, scope_extra={"state": {"pool": "other", "user": "me"}})
    assert seen == [{"pool": "ready"}] * 2
    assert seen[0] is not seen[1]


def test_c17_below_a_mount_the_actions_have_its_parameters_and_its_router() -> None:
    async def show(request: Any) -> JSONResponse:
        link = request.url_for("api:show", tenant="other", id=7)
        return JSONResponse({**request.path_params, "path": request.url.path, "link": str(link)})

    below = Starlette(routes=[Route("/things/{id}", show, name="show")])
    batched = [Middleware(asgi.BatchMiddleware)]
    app = Starlette(routes=[Mount("/{tenant}/api", app=below, name="api", middleware=batched)])
    actions = [action("/things/1"), action("/things/2"), action("/nothing")]
    answer = post_batch(app, ASGI, actions, path="/acme/api/batch")
    direct = [send(app, "asgi", "GET", f"/acme/api/things/{id}") for id in (1, 2)]
    assert answer.statuses == [200, 200, 404]
    assert [result["body"] for result in answer.results[:2]] == [response.json() for response in direct]
    assert answer.results[0]["body"] == {
        "tenant": "acme",
        "id": "1",
        "path": "/acme/api/things/1",
        "link": "http://testserver/other/api/things/7",
    }


# --- keep_keys


@bare_door
def test_c17_keep_keys_names_further_ones_that_all_actions_share(host: Host) -> None:
    user, session = object(), {"a": 1}
    extra = {"x.user": user, "x.session": session, "x.other": 1}
    options = {"keep_keys": ["x.user", "x.session", "x.absent"]}
    for request in children(host, [action("/1"), action("/2")], options=options, **_extra(host, extra)):
        assert request.frame["x.user"] is user
        assert request.frame["x.session"] is session
        assert not {"x.other", "x.absent"} & set(request.frame)


@pytest.mark.parametrize(
    "key",
    [
        "type", "method", "path", "raw_path", "query_string", "headers", "batchware",
        "REQUEST_METHOD", "PATH_INFO", "QUERY_STRING", "CONTENT_TYPE", "CONTENT_LENGTH", "wsgi.input",
        "batchware.action",
    ],
)  # fmt: skip
def test_c17_keep_keys_cannot_keep_what_an_action_has_of_its_own(key: str) -> None:
    with pytest.raises(ValueError, match=f"keep_keys: '{key}'"):
        BatchConfig(keep_keys=["x.user", key])
