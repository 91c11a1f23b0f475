"""WSGI applications whose one handler, at `/leak`, tries every channel that its framework has."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import parse_qsl

from tests.isolation.channels import Channel, anywhere, attempt, attribute, item, of_environ

SECRET = "for tests only, and as long as some want it"


def _query(environ: Any) -> dict[str, str]:
    return dict(parse_qsl(environ["QUERY_STRING"]))


def bare() -> Any:
    def app(environ: Any, start_response: Any) -> Any:
        found = attempt([*anywhere(), *of_environ(environ)], _query(environ))
        start_response("200 OK", [("Content-Type", "application/json")])
        return [json.dumps(found).encode()]

    return app


def flask() -> Any:
    from flask import Flask, current_app, flash, g, get_flashed_messages, request, session
    from werkzeug.local import Local

    app = Flask("leaky", static_folder=None)
    app.secret_key = SECRET
    local = Local()

    def flashes() -> str | None:
        left = [*get_flashed_messages(), *session.get("_flashes", ())]
        return left[-1][-1] if left and isinstance(left[-1], tuple | list) else (left[-1] if left else None)

    @app.get("/leak")
    def leak() -> Any:
        assert current_app.name == "leaky"
        query = _query(request.environ)
        channels = [
            *anywhere(),
            *of_environ(request.environ),
            item("g", g.__dict__),
            item("the session", session),
            attribute("the request", request._get_current_object()),
            attribute("a Local of werkzeug", local),
            Channel("the cached JSON", lambda: _cached(request), lambda name: _cache(request, name)),
            Channel("flashes", flashes, flash),
        ]
        return attempt(channels, query)

    return app


def _cached(request: Any) -> str | None:
    value = request._cached_json[1]
    return value if isinstance(value, str) else None


def _cache(request: Any, name: str) -> None:
    request._cached_json = (name, name)


def falcon() -> Any:
    import falcon

    class Leak:
        def on_get(self, req: Any, resp: Any) -> None:
            channels = [
                *anywhere(),
                *of_environ(req.env),
                attribute("the context of the request", req.context),
                attribute("the context of the response", resp.context),
                Channel(
                    "a header of the response",
                    lambda: resp.get_header("x-l"),
                    lambda name: resp.set_header("x-l", name),
                ),
            ]
            resp.media = attempt(channels, _query(req.env))

    app = falcon.App()
    app.add_route("/leak", Leak())
    return app


def django() -> Any:
    from tests.isolation.leaky_django import make_wsgi

    return make_wsgi()


def bottle() -> Any:
    import bottle

    app = bottle.Bottle()

    @app.get("/leak")
    def leak() -> Any:
        request, response = bottle.request, bottle.response
        query = _query(request.environ)
        channels = [
            *anywhere(),
            *of_environ(request.environ),
            attribute("the request", request),
            item("the cached JSON", request.environ, "bottle.request.json"),
            Channel(
                "a header of the response",
                lambda: response.get_header("X-L"),
                lambda name: response.set_header("X-L", name),
            ),
            Channel("the status of the response", lambda: _phrase(response), lambda name: _set_phrase(response, name)),
        ]
        return attempt(channels, query)

    return app


def _phrase(response: Any) -> str | None:
    phrase: str = response.status_line.partition(" ")[2]
    return phrase if phrase.startswith("left") else None


def _set_phrase(response: Any, name: str) -> None:
    response.status = f"200 {name}"


def pyramid() -> Any:
    from pyramid.config import Configurator
    from pyramid.session import SignedCookieSessionFactory
    from pyramid.threadlocal import get_current_request, manager

    def leak(request: Any) -> Any:
        query = _query(request.environ)
        assert get_current_request() is request
        assert len(manager.stack) == 1, "each action begins with nothing on the stack of its thread"
        channels = [
            *anywhere(),
            *of_environ(request.environ),
            attribute("the request", request),
            item("the session", request.session),
            attribute("the request of the thread", get_current_request()),
            item("what the thread holds", manager.get()),
            Channel(
                "a header of the response",
                lambda: request.response.headers.get("X-L"),
                lambda name: request.response.headers.update({"X-L": name}),
            ),
        ]
        return attempt(channels, query)

    with Configurator() as config:
        config.set_session_factory(SignedCookieSessionFactory(SECRET))
        config.add_route("leak", "/leak")
        config.add_view(leak, route_name="leak", renderer="json")
        return config.make_wsgi_app()
