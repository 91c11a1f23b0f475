"""The smallest application of each framework: `GET /small` answers 100 bytes, `POST /echo` the body of the request.

Each is served without middleware, so that a ratio shows batchware and not the host's own work.
"""

from typing import Any

SMALL = b'{"data": "' + b"x" * 88 + b'"}'
JSON = "application/json"


def bare_asgi() -> Any:
    async def application(scope: Any, receive: Any, send: Any) -> None:
        body = SMALL if scope["path"] == "/small" else (await receive())["body"]
        headers = [(b"content-type", JSON.encode()), (b"content-length", b"%d" % len(body))]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    return application


def bare_wsgi() -> Any:
    def application(environ: Any, start_response: Any) -> list[bytes]:
        small = environ["PATH_INFO"] == "/small"
        body = SMALL if small else environ["wsgi.input"].read(int(environ["CONTENT_LENGTH"]))
        start_response("200 OK", [("Content-Type", JSON), ("Content-Length", str(len(body)))])
        return [body]

    return application


def starlette() -> Any:
    from starlette.applications import Starlette
    from starlette.requests import Request
    from starlette.responses import Response
    from starlette.routing import Route

    async def small(request: Request) -> Response:
        return Response(SMALL, media_type=JSON)

    async def echo(request: Request) -> Response:
        return Response(await request.body(), media_type=JSON)

    return Starlette(routes=[Route("/small", small), Route("/echo", echo, methods=["POST"])])


def fastapi() -> Any:
    from fastapi import FastAPI, Request, Response

    app = FastAPI(openapi_url=None)

    @app.get("/small")
    async def small() -> Response:
        return Response(SMALL, media_type=JSON)

    @app.post("/echo")
    async def echo(request: Request) -> Response:
        return Response(await request.body(), media_type=JSON)

    return app


def flask() -> Any:
    from flask import Flask, Response, request

    app = Flask("benchmark", static_folder=None)

    @app.get("/small")
    def small() -> Response:
        return Response(SMALL, mimetype=JSON)

    @app.post("/echo")
    def echo() -> Response:
        return Response(request.get_data(), mimetype=JSON)

    return app


def _django(is_async: bool) -> None:
    """One process has one set of URLs, so the views of the door that asks are put in."""
    import django
    from django.conf import settings
    from django.http import HttpRequest, HttpResponse
    from django.urls import clear_url_caches, path

    def small(request: HttpRequest) -> HttpResponse:
        return HttpResponse(SMALL, content_type=JSON)

    def echo(request: HttpRequest) -> HttpResponse:
        return HttpResponse(request.body, content_type=JSON)

    async def async_small(request: HttpRequest) -> HttpResponse:
        return small(request)

    async def async_echo(request: HttpRequest) -> HttpResponse:
        return echo(request)

    if not settings.configured:
        settings.configure(ALLOWED_HOSTS=["*"], LOGGING_CONFIG=None, MIDDLEWARE=[], SECRET_KEY="none", ROOT_URLCONF=())
        django.setup(set_prefix=False)
    views = (async_small, async_echo) if is_async else (small, echo)
    settings.ROOT_URLCONF = tuple(path(name, view) for name, view in zip(("small", "echo"), views, strict=True))
    clear_url_caches()


def django_asgi() -> Any:
    from django.core.handlers.asgi import ASGIHandler

    _django(is_async=True)
    return ASGIHandler()


def django_wsgi() -> Any:
    from django.core.handlers.wsgi import WSGIHandler

    _django(is_async=False)
    return WSGIHandler()
