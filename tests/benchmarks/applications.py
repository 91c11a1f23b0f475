"""The smallest application of each framework, with the same handlers in all of them.

`GET` of a path in `FIXED` answers those bytes, `POST /echo` the body of the request, `GET /wait` and `/wait-sync`
answer after 50 ms. On ASGI `/wait-sync` is the only handler that is no coroutine function. No middleware, so that a
ratio shows batchware and not the host's own work; Django has a second application with those that `startproject` writes
down, since nobody serves it without.
"""

import asyncio
import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Any, Literal

JSON = "application/json"
WAIT = 0.05

SMALL = b'{"data": "' + b"x" * 88 + b'"}'


def _records(size: int) -> bytes:
    """Some `size` bytes of JSON as APIs answer it: a list of objects, with text beyond ASCII here and there."""
    one = {
        "gid": "1201",
        "name": "Write the report, naïvely",
        "completed": False,
        "votes": 3,
        "ratio": 0.25,
        "due": None,
    }
    count = size // len(json.dumps(one, ensure_ascii=False).encode())
    return json.dumps({"data": [one] * count}, ensure_ascii=False).encode()


FIXED: dict[str, tuple[bytes, str]] = {
    "/small": (SMALL, JSON),
    "/kb100": (_records(100_000), JSON),
    "/mb1": (_records(1_000_000), JSON),
    "/text1": (b'"' + b"x" * 1_000_000 + b'"', JSON),
    "/binary1": (bytes(range(256)) * 3906, "application/octet-stream"),
}


def bare_asgi() -> Any:
    async def application(scope: Any, receive: Any, send: Any) -> None:
        path = scope["path"]
        body, kind = FIXED.get(path, (SMALL, JSON))
        if path == "/echo":
            body = (await receive())["body"]
        elif path == "/wait":
            await asyncio.sleep(WAIT)
        elif path == "/wait-sync":
            await asyncio.to_thread(time.sleep, WAIT)
        headers = [(b"content-type", kind.encode()), (b"content-length", b"%d" % len(body))]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    return application


def bare_wsgi() -> Any:
    def application(environ: Any, start_response: Any) -> list[bytes]:
        path = environ["PATH_INFO"]
        body, kind = FIXED.get(path, (SMALL, JSON))
        if path == "/echo":
            body = environ["wsgi.input"].read(int(environ["CONTENT_LENGTH"]))
        elif path == "/wait-sync":
            time.sleep(WAIT)
        start_response("200 OK", [("Content-Type", kind), ("Content-Length", str(len(body)))])
        return [body]

    return application


def starlette() -> Any:
    from starlette.applications import Starlette
    from starlette.requests import Request
    from starlette.responses import Response
    from starlette.routing import Route

    def fixed(body: bytes, kind: str) -> Any:
        async def handler(request: Request) -> Response:
            return Response(body, media_type=kind)

        return handler

    async def echo(request: Request) -> Response:
        return Response(await request.body(), media_type=JSON)

    async def wait(request: Request) -> Response:
        await asyncio.sleep(WAIT)
        return Response(SMALL, media_type=JSON)

    def wait_sync(request: Request) -> Response:
        time.sleep(WAIT)
        return Response(SMALL, media_type=JSON)

    return Starlette(
        routes=[
            Route("/small", fixed(*FIXED["/small"])),
            Route("/echo", echo, methods=["POST"]),
            Route("/wait", wait),
            Route("/wait-sync", wait_sync),
            *(Route(path, fixed(*answer)) for path, answer in FIXED.items() if path != "/small"),
        ]
    )


def fastapi() -> Any:
    from fastapi import FastAPI, Request, Response

    app = FastAPI(openapi_url=None)

    def fixed(body: bytes, kind: str) -> Any:
        async def handler() -> Response:
            return Response(body, media_type=kind)

        return handler

    app.get("/small")(fixed(*FIXED["/small"]))

    @app.post("/echo")
    async def echo(request: Request) -> Response:
        return Response(await request.body(), media_type=JSON)

    @app.get("/wait")
    async def wait() -> Response:
        await asyncio.sleep(WAIT)
        return Response(SMALL, media_type=JSON)

    @app.get("/wait-sync")
    def wait_sync() -> Response:
        time.sleep(WAIT)
        return Response(SMALL, media_type=JSON)

    for path, answer in FIXED.items():
        if path != "/small":
            app.get(path)(fixed(*answer))
    return app


def litestar() -> Any:
    from litestar import Litestar, Request, Response, get, post

    def fixed(path: str, body: bytes, kind: str) -> Any:
        @get(path)
        async def handler() -> Response[bytes]:
            return Response(body, media_type=kind)

        return handler

    @post("/echo", status_code=200)
    async def echo(request: Request[Any, Any, Any]) -> Response[bytes]:
        return Response(await request.body(), media_type=JSON)

    @get("/wait")
    async def wait() -> Response[bytes]:
        await asyncio.sleep(WAIT)
        return Response(SMALL, media_type=JSON)

    @get("/wait-sync", sync_to_thread=True)
    def wait_sync() -> Response[bytes]:
        time.sleep(WAIT)
        return Response(SMALL, media_type=JSON)

    handlers = [fixed(path, *answer) for path, answer in FIXED.items()]
    return Litestar([*handlers, echo, wait, wait_sync], openapi_config=None, logging_config=None)


def flask() -> Any:
    from flask import Flask, Response, request

    app = Flask("benchmark", static_folder=None)

    def fixed(body: bytes, kind: str) -> Any:
        return lambda: Response(body, mimetype=kind)

    for path, answer in FIXED.items():
        app.add_url_rule(path, path, fixed(*answer))

    @app.post("/echo")
    def echo() -> Response:
        return Response(request.get_data(), mimetype=JSON)

    @app.get("/wait-sync")
    def wait_sync() -> Response:
        time.sleep(WAIT)
        return Response(SMALL, mimetype=JSON)

    return app


def django_asgi() -> Any:
    from tests.benchmarks import django_views

    return django_views.asgi(usual_middleware=False)


def django_asgi_usual() -> Any:
    from tests.benchmarks import django_views

    return django_views.asgi(usual_middleware=True)


def django_wsgi() -> Any:
    from tests.benchmarks import django_views

    return django_views.wsgi(usual_middleware=False)


def django_wsgi_usual() -> Any:
    from tests.benchmarks import django_views

    return django_views.wsgi(usual_middleware=True)


@dataclass(frozen=True)
class Host:
    id: str
    label: str
    door: Literal["asgi", "wsgi"]
    make: Callable[[], Any]
    needs: str = ""
    """A module without which it can't be made."""

    @property
    def here(self) -> bool:
        return not self.needs or find_spec(self.needs) is not None


HOSTS = (
    Host("bare-asgi", "bare ASGI", "asgi", bare_asgi),
    Host("starlette", "Starlette", "asgi", starlette, "starlette"),
    Host("fastapi", "FastAPI", "asgi", fastapi, "fastapi"),
    Host("litestar", "Litestar", "asgi", litestar, "litestar"),
    Host("django-asgi", "Django, ASGI", "asgi", django_asgi, "django"),
    Host("django-asgi-usual", "Django, ASGI, middleware", "asgi", django_asgi_usual, "django"),
    Host("bare-wsgi", "bare WSGI", "wsgi", bare_wsgi),
    Host("flask", "Flask", "wsgi", flask, "flask"),
    Host("django-wsgi", "Django, WSGI", "wsgi", django_wsgi, "django"),
    Host("django-wsgi-usual", "Django, WSGI, middleware", "wsgi", django_wsgi_usual, "django"),
)
"""Django is one application a process: making one of its four ends the one that was made before."""


def host(name: str) -> Host:
    return next(host for host in HOSTS if host.id == name)
