"""Applications with something about them that `batchware check` has to find."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from batchware import Concurrency, NotAuthorized, Parent, Quota, asgi, not_batchable, require_header, wsgi


def somebody(parent: Parent) -> str:
    raise NotAuthorized


class SessionMiddleware:
    """By its name something that actions should not miss; it keeps what it wraps as many do."""

    def __init__(self, app: Any) -> None:
        self.app = app

    def __call__(self, *arguments: Any) -> Any:
        return self.app(*arguments)


def timed(app: Any) -> Any:
    """A middleware that is a function in a function."""

    def around(environ: Any, start_response: Any) -> Any:
        return app(environ, start_response)

    return around


def flask_app(name: str = "host") -> Any:
    from flask import Flask

    app = Flask(name, static_folder=None)
    app.add_url_rule("/api/tasks/<int:id>", view_func=lambda id: {}, endpoint="task")
    app.add_url_rule("/health", view_func=dict, endpoint="health")
    return app


def flask(**options: Any) -> Any:
    app = flask_app()
    app.wsgi_app = wsgi.BatchMiddleware(app.wsgi_app, path="/api/batch", **{"authorize": somebody, **options})
    return app


def wrapped_flask() -> Any:
    from werkzeug.middleware.proxy_fix import ProxyFix

    app = flask_app()
    app.wsgi_app = ProxyFix(timed(app.wsgi_app))
    app.wsgi_app = SessionMiddleware(wsgi.BatchMiddleware(app.wsgi_app, path="/api/batch", authorize=somebody))
    return app


def dispatched() -> Any:
    from werkzeug.middleware.dispatcher import DispatcherMiddleware

    below = DispatcherMiddleware(flask_app("top"), {"/v2": flask_app("below")})
    return wsgi.BatchMiddleware(below, path="/batch", authorize=somebody)


def starlette(**options: Any) -> Any:
    from starlette.applications import Starlette
    from starlette.middleware.cors import CORSMiddleware
    from starlette.middleware.gzip import GZipMiddleware
    from starlette.routing import Mount, Route

    def endpoint(request: Any) -> Any:
        raise AssertionError("never called")

    routes = [Route("/tasks/{id}", endpoint), Mount("/admin", routes=[Route("/users", endpoint)])]
    app = Starlette(routes=routes)
    app.add_middleware(CORSMiddleware)
    app.add_middleware(asgi.BatchMiddleware, **{"authorize": somebody, **options})
    app.add_middleware(GZipMiddleware)
    return app


def mounted() -> Any:
    from starlette.applications import Starlette
    from starlette.routing import Mount

    return Starlette(routes=[Mount("/v1", app=partial_of(starlette()))])


def partial_of(app: Any) -> Any:
    async def call(inner: Any, scope: Any, receive: Any, send: Any) -> None:
        await inner(scope, receive, send)

    return partial(call, app)


def fastapi(**options: Any) -> Any:
    from fastapi import APIRouter, FastAPI, UploadFile

    app = FastAPI(openapi_url=None)
    router = APIRouter(prefix="/tasks")

    @router.get("/{id}")
    def read(id: int) -> dict[str, int]:
        return {"id": id}

    @router.post("/{id}/picture")
    async def picture(id: int, picture: UploadFile) -> None: ...

    @router.delete("/{id}")
    @not_batchable
    def delete(id: int) -> None: ...

    app.include_router(router)
    app.add_middleware(asgi.BatchMiddleware, **{"authorize": somebody, **options})
    return app


def litestar() -> Any:
    from litestar import Litestar, get

    @get("/slow", sync_to_thread=False)
    def slow() -> dict[str, int]:
        return {}

    return asgi.BatchMiddleware(Litestar([slow], openapi_config=None), authorize=somebody)


def taken() -> Any:
    app = flask_app()
    app.add_url_rule("/api/<name>", view_func=lambda name: {}, endpoint="any", methods=["POST"])
    app.wsgi_app = wsgi.BatchMiddleware(app.wsgi_app, path="/api/batch", authorize=somebody)
    return app


def bare() -> Any:
    return flask_app()


def wrong() -> Any:
    return starlette(max_actions=0)


def factory(make: Callable[..., Any], **options: Any) -> Callable[[], Any]:
    return lambda: make(**options)


limited = factory(
    flask,
    limits=[Quota("few", 3), Concurrency("reads", 50, methods=["GET"])],
    authorize=require_header("authorization"),
)
anybody = factory(flask, authorize=None)
one_by_one = factory(flask, threads=0)
elsewhere = factory(starlette, path="/api/batch")
forgotten = factory(fastapi, deny=["POST /task/{id}/picture"], allow=["/tasks/{id}", "/projects/**"])
