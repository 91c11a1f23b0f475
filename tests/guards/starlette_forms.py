"""Forms of endpoints in Starlette and FastAPI."""

import functools
from collections.abc import AsyncIterator, Iterator
from typing import Annotated, Any

from fastapi import APIRouter, Depends, FastAPI
from fastapi.responses import PlainTextResponse, StreamingResponse
from starlette.applications import Starlette
from starlette.endpoints import HTTPEndpoint
from starlette.requests import Request
from starlette.routing import Route

from batchware.integrations.fastapi import not_in_batch
from tests.guards.forms import Form, guard, tell


def _open(request: Request) -> PlainTextResponse:
    return PlainTextResponse(tell("open"))


def _function() -> Any:
    def secret(request: Request) -> PlainTextResponse:
        return PlainTextResponse(tell("secret"))

    return secret


def _coroutine() -> Any:
    async def secret(request: Request) -> PlainTextResponse:
        return PlainTextResponse(tell("secret"))

    return secret


def _partial() -> Any:
    async def secret(request: Request, name: str) -> PlainTextResponse:
        return PlainTextResponse(tell(name))

    return functools.partial(secret, name="secret")


def _partial_function() -> Any:
    def secret(name: str, request: Request) -> PlainTextResponse:
        return PlainTextResponse(tell(name))

    return functools.partial(functools.partial(secret), "secret")


def _method() -> Any:
    class Views:
        async def secret(self, request: Request) -> PlainTextResponse:
            return PlainTextResponse(tell("secret"))

    return Views().secret


def _class() -> Any:
    class Secret(HTTPEndpoint):
        async def get(self, request: Request) -> PlainTextResponse:
            return PlainTextResponse(tell("secret"))

        def post(self, request: Request) -> PlainTextResponse:
            return PlainTextResponse(tell("secret"))

    return Secret


def _object() -> Any:
    class Secret:
        async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
            await PlainTextResponse(tell("secret"))(scope, receive, send)

    return Secret()


def _starlette(id: str, endpoint: Any) -> Form:
    def make(guarded: bool) -> Any:
        secret, methods = guard(guarded)(endpoint()), ["GET", "POST"]
        own = {} if endpoint in (_class, _object) else {"methods": methods}
        return Starlette(routes=[Route("/open", _open), Route("/secret", secret, **own)])

    return Form(f"starlette-{id}", "asgi", make)


def _fastapi_object() -> Any:
    class Secret:
        def __call__(self, name: str = "secret") -> PlainTextResponse:
            return PlainTextResponse(tell(name))

    return Secret()


def _fastapi_async_object() -> Any:
    class Secret:
        async def __call__(self, name: str = "secret") -> PlainTextResponse:
            return PlainTextResponse(tell(name))

    return Secret()


def _with_parameters() -> Any:
    async def secret(request: Request, name: Annotated[str, Depends(lambda: "secret")], times: int = 1) -> Any:
        return PlainTextResponse(tell(name) * times)

    return secret


def _generator() -> Any:
    def secret() -> Iterator[str]:
        yield tell("secret")

    return secret


def _async_generator() -> Any:
    async def secret() -> AsyncIterator[str]:
        yield tell("secret")

    return secret


def _fastapi(id: str, endpoint: Any, **options: Any) -> Form:
    def make(guarded: bool) -> Any:
        app = FastAPI()
        app.add_api_route("/open", _open, response_model=None)
        secret = guard(guarded)(endpoint())
        for method in ("GET", "POST"):
            app.add_api_route("/secret", secret, methods=[method], **{"response_model": None, **options})
        return app

    return Form(f"fastapi-{id}", "asgi", make)


async def _read_secret() -> PlainTextResponse:
    return PlainTextResponse(tell("secret"))


def _depending(place: str) -> Form:
    def make(guarded: bool) -> Any:
        depends = [Depends(not_in_batch)] if guarded else []
        app = FastAPI(dependencies=depends if place == "app" else [])
        router = APIRouter(dependencies=depends if place == "router" else [])
        own = depends if place == "route" else []
        for method in ("GET", "POST"):
            router.add_api_route("/secret", _read_secret, methods=[method], dependencies=own)
        app.include_router(router)
        app.add_route("/open", _open)  # what is no path operation has no dependencies
        return app

    return Form(f"fastapi-dependency-of-the-{place}", "asgi", make)


FORMS = (
    _starlette("function", _function),
    _starlette("coroutine", _coroutine),
    _starlette("partial", _partial),
    _starlette("partial-function", _partial_function),
    _starlette("method", _method),
    _starlette("class", _class),
    _starlette("object", _object),
    _fastapi("function", _function),
    _fastapi("coroutine", _coroutine),
    _fastapi("partial", _partial),
    _fastapi("method", _method),
    _fastapi("object", _fastapi_object),
    _fastapi("async-object", _fastapi_async_object),
    _fastapi("parameters", _with_parameters),
    _fastapi("generator", _generator, response_class=StreamingResponse),
    _fastapi("async-generator", _async_generator, response_class=StreamingResponse),
    _depending("route"),
    _depending("router"),
    _depending("app"),
)
