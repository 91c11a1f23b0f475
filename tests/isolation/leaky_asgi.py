"""ASGI applications whose one handler, at `/leak`, tries every channel that its framework has."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import parse_qsl

from tests.contract.small_apps import reply
from tests.isolation.channels import Channel, anywhere, attempt_async, attribute, item, of_scope

SECRET = "for tests only, and as long as some want it"


def _query(scope: Any) -> dict[str, str]:
    return dict(parse_qsl(scope["query_string"].decode()))


def bare() -> Any:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        query = _query(scope)
        await reply(send, json.dumps(await attempt_async([*anywhere(), *of_scope(scope)], query)).encode())

    return app


def starlette() -> Any:
    from starlette.applications import Starlette
    from starlette.middleware import Middleware
    from starlette.middleware.sessions import SessionMiddleware
    from starlette.responses import JSONResponse
    from starlette.routing import Route

    async def leak(request: Any) -> Any:
        return JSONResponse(await attempt_async(_of_starlette(request), _query(request.scope)))

    return Starlette(routes=[Route("/leak", leak)], middleware=[Middleware(SessionMiddleware, secret_key=SECRET)])


def _of_starlette(request: Any) -> list[Channel]:
    return [
        *anywhere(),
        *of_scope(request.scope, routed=True),
        item("path_params", request.path_params),
        attribute("the state of the request", request.state),
        attribute("the request", request),
        item("the session", request.session),
        item("the cookies", request.cookies),
    ]


def fastapi() -> Any:
    from fastapi import Depends, FastAPI
    from starlette.middleware.sessions import SessionMiddleware
    from starlette.requests import Request

    app = FastAPI(openapi_url=None)
    app.add_middleware(SessionMiddleware, secret_key=SECRET)

    class Held:
        """What a dependency makes for one request, and holds open until its end."""

    async def held() -> Any:
        yield Held()

    async def leak(request: Any, one: Any = Depends(held)) -> Any:  # noqa: B008  # FastAPI's own way
        channels = [*_of_starlette(request), attribute("a dependency", one)]
        return await attempt_async(channels, _query(request.scope))

    leak.__annotations__.update(request=Request, one=Held)
    app.get("/leak")(leak)
    return app


def litestar() -> Any:
    from litestar import Litestar, Request, get
    from litestar.middleware.session.client_side import CookieBackendConfig

    async def leak(request: Any) -> Any:
        channels = [
            *anywhere(),
            *of_scope(request.scope, routed=True),
            attribute("the state of the request", request.state),
            attribute("what Litestar keeps of the connection", request.scope["state"].setdefault("kept", _Kept())),
            item("the session", request.session),
            item("the cookies", request.cookies),
        ]
        return await attempt_async(channels, _query(request.scope))

    leak.__annotations__.update(request=Request, **{"return": dict[str, Any]})
    session = CookieBackendConfig(secret=SECRET.encode()[:32])
    return Litestar([get("/leak")(leak)], openapi_config=None, middleware=[session.middleware])


class _Kept:
    """Anything that has attributes."""


def quart() -> Any:
    from quart import Quart, g, request, session

    app = Quart("leaky", static_folder=None)
    app.secret_key = SECRET

    def flashes() -> str | None:
        left = session.get("_flashes")
        return left[-1][1] if left else None

    @app.get("/leak")
    async def leak() -> Any:
        channels = [
            *anywhere(),
            *of_scope(request.scope),
            item("g", g.__dict__),
            item("the session", session),
            attribute("the request", request._get_current_object()),
            Channel("flashes", flashes, lambda name: session.update(_flashes=[("message", name)])),
        ]
        return await attempt_async(channels, _query(request.scope))

    return app


def falcon() -> Any:
    import falcon
    import falcon.asgi

    class Leak:
        async def on_get(self, req: Any, resp: Any) -> None:
            channels = [
                *anywhere(),
                *of_scope(req.scope),
                attribute("the context of the request", req.context),
                attribute("the context of the response", resp.context),
                Channel(
                    "a header of the response",
                    lambda: resp.get_header("x-l"),
                    lambda name: resp.set_header("x-l", name),
                ),
            ]
            resp.media = await attempt_async(channels, _query(req.scope))

    app = falcon.asgi.App()
    app.add_route("/leak", Leak())
    return app


def django() -> Any:
    from tests.isolation.leaky_django import make_asgi

    return make_asgi()
