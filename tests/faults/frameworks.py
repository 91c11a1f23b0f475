"""Starlette, FastAPI, Flask and Django, each with one `/fault` that raises what it is told to, when it is told to.

`when` is `before` the response, `between` two pieces of a streamed one, or `after` it, where the framework has a place
for that: background tasks, and what hangs on the closing of a response.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

OK = {"ok": True}

Fail = Callable[[], None]


def starlette(when: str, fail: Fail) -> Any:
    from starlette.applications import Starlette
    from starlette.background import BackgroundTask
    from starlette.responses import JSONResponse, StreamingResponse
    from starlette.routing import Route

    async def pieces() -> Any:
        yield b"one"
        fail()

    async def later() -> None:
        fail()

    async def fault(request: Any) -> Any:
        if when == "before":
            fail()
        if when == "between":
            return StreamingResponse(pieces(), media_type="text/plain")
        return JSONResponse(OK, background=BackgroundTask(later))

    async def ok(request: Any) -> Any:
        return JSONResponse(OK)

    return Starlette(routes=[Route("/fault", fault), Route("/ok", ok)])


def fastapi(when: str, fail: Fail) -> Any:
    from fastapi import BackgroundTasks, Depends, FastAPI
    from fastapi.responses import StreamingResponse

    app = FastAPI(openapi_url=None)

    async def held() -> Any:
        yield None
        if when == "after":
            fail()

    async def pieces() -> Any:
        yield b"one"
        fail()

    async def fault(tasks: Any, one: Any = Depends(held)) -> Any:  # noqa: B008  # FastAPI's own way
        if when == "before":
            fail()
        if when == "between":
            return StreamingResponse(pieces(), media_type="text/plain")
        if when == "after":
            tasks.add_task(fail)
        return OK

    fault.__annotations__.update(tasks=BackgroundTasks)
    app.get("/fault")(fault)

    @app.get("/ok")
    async def ok() -> Any:
        return OK

    return app


def flask(when: str, fail: Fail) -> Any:
    from flask import Flask, Response, jsonify

    app = Flask("faulty", static_folder=None)

    def pieces() -> Any:
        yield b"one"
        fail()

    @app.get("/fault")
    def fault() -> Any:
        if when == "before":
            fail()
        if when == "between":
            return Response(pieces(), mimetype="text/plain")
        response = jsonify(OK)
        response.call_on_close(fail)
        return response

    @app.get("/ok")
    def ok() -> Any:
        return OK

    return app


def _django(when: str, fail: Fail) -> tuple[Any, Any]:
    """The routes for either door."""
    from django.http import JsonResponse, StreamingHttpResponse
    from django.urls import path

    class Closing(JsonResponse):
        def close(self) -> None:
            super().close()
            fail()

    def pieces() -> Any:
        yield b"one"
        fail()

    async def async_pieces() -> Any:
        yield b"one"
        fail()

    def answer(streamed: Any) -> Any:
        if when == "before":
            fail()
        if when == "between":
            return StreamingHttpResponse(streamed(), content_type="text/plain")
        return Closing(OK)

    async def async_fault(request: Any) -> Any:
        return answer(async_pieces)

    async def async_ok(request: Any) -> Any:
        return JsonResponse(OK)

    return (
        (path("fault", lambda request: answer(pieces)), path("ok", lambda request: JsonResponse(OK))),
        (path("fault", async_fault), path("ok", async_ok)),
    )


def django_wsgi(when: str, fail: Fail) -> Any:
    return _handler("wsgi", when, fail)


def django_asgi(when: str, fail: Fail) -> Any:
    return _handler("asgi", when, fail)


def _handler(door: str, when: str, fail: Fail) -> Any:
    from django.core.handlers.asgi import ASGIHandler
    from django.core.handlers.wsgi import WSGIHandler

    from tests.hosts import django_host

    django_host.make_wsgi()  # the one configuration of this process
    routes = _django(when, fail)[door == "asgi"]
    base: Any = ASGIHandler if door == "asgi" else WSGIHandler

    class Handler(base):
        def resolve_request(self, request: Any) -> Any:
            request.urlconf = routes
            return super().resolve_request(request)

    return Handler()
