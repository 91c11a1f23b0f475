"""Forms of views in Flask, Quart and Falcon."""

from __future__ import annotations

from typing import Any

import falcon
import falcon.asgi
from flask import Flask
from flask.views import MethodView, View
from quart import Quart

from tests.guards.forms import Form, guard, tell


def _function() -> Any:
    def secret() -> str:
        return tell("secret")

    return secret


def _coroutine() -> Any:
    async def secret() -> str:
        return tell("secret")

    return secret


def _generator() -> Any:
    def secret() -> Any:
        yield tell("secret")

    return secret


def _async_generator() -> Any:
    async def secret() -> Any:
        yield tell("secret").encode()

    return secret


def _view(guarded: bool) -> Any:
    class Secret(View):
        methods = ("GET", "POST")

        def dispatch_request(self) -> str:
            return tell("secret")

    return guard(guarded)(Secret).as_view("secret")


def _method_view(guarded: bool) -> Any:
    class Secret(MethodView):
        def get(self) -> str:
            return tell("secret")

        def post(self) -> str:
            return tell("secret")

    return guard(guarded)(Secret).as_view("secret")


def _method_of_a_view(guarded: bool) -> Any:
    class Secret(MethodView):
        @guard(guarded)
        def get(self) -> str:
            return tell("secret")

        @guard(guarded)
        def post(self) -> str:
            return tell("secret")

    return Secret.as_view("secret")


def _decorated_view(guarded: bool) -> Any:
    class Secret(MethodView):
        decorators = (guard(guarded),)

        def get(self) -> str:
            return tell("secret")

        def post(self) -> str:
            return tell("secret")

    return Secret.as_view("secret")


def _subclass(guarded: bool) -> Any:
    class Base(MethodView):
        init_every_request = False

    class Secret(guard(guarded)(Base)):
        def get(self) -> str:
            return tell("secret")

        def post(self) -> str:
            return tell("secret")

    return Secret.as_view("secret")


def _flask(id: str, view: Any, kind: Any = Flask) -> Form:
    def make(guarded: bool) -> Any:
        app = kind("guards")
        app.add_url_rule("/open", "open", lambda: tell("open"))
        own = view(guarded) if view.__code__.co_argcount else guard(guarded)(view())
        app.add_url_rule("/secret", "secret", own, methods=["GET", "POST"])
        return app

    return Form(f"{kind.__name__.lower()}-{id}", "asgi" if kind is Quart else "wsgi", make)


def _falcon(asynchronous: bool) -> Form:
    def make(guarded: bool) -> Any:
        class Open:
            def on_get(self, req: Any, resp: Any) -> None:
                resp.text = tell("open")

        class OpenAsync:
            async def on_get(self, req: Any, resp: Any) -> None:
                resp.text = tell("open")

        class Secret:
            def on_get(self, req: Any, resp: Any) -> None:
                resp.text = tell("secret")

            def on_post(self, req: Any, resp: Any) -> None:
                resp.text = tell("secret")

        class SecretAsync:
            async def on_get(self, req: Any, resp: Any) -> None:
                resp.text = tell("secret")

            async def on_post(self, req: Any, resp: Any) -> None:
                resp.text = tell("secret")

        app = falcon.asgi.App() if asynchronous else falcon.App()
        app.add_route("/open", OpenAsync() if asynchronous else Open())
        app.add_route("/secret", guard(guarded)(SecretAsync if asynchronous else Secret)())
        return app

    return Form(f"falcon-{'asgi' if asynchronous else 'wsgi'}-class", "asgi" if asynchronous else "wsgi", make)


FORMS = (
    _flask("function", _function),
    _flask("generator", _generator),
    _flask("view", _view),
    _flask("method-view", _method_view),
    _flask("method-of-a-view", _method_of_a_view),
    _flask("decorators-of-a-view", _decorated_view),
    _flask("subclass", _subclass),
    _flask("function", _function, Quart),
    _flask("coroutine", _coroutine, Quart),
    _flask("generator", _generator, Quart),
    _flask("async-generator", _async_generator, Quart),
    _falcon(False),
    _falcon(True),
)
