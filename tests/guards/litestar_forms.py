"""Forms of handlers in Litestar."""

from typing import Any

from litestar import Controller, Litestar, MediaType, Router, get, post
from litestar.handlers import HTTPRouteHandler

from batchware.integrations.litestar import not_in_batch
from tests.guards.forms import Form, guard, tell


def _handlers(guarded: bool, asynchronous: bool, guards: Any) -> list[HTTPRouteHandler]:
    def secret() -> str:
        return tell("secret")

    async def secret_async() -> str:
        return tell("secret")

    functions = [guard(guarded)(secret_async if asynchronous else secret) for _ in range(2)]
    own: dict[str, Any] = {} if asynchronous else {"sync_to_thread": True}
    own |= {"media_type": MediaType.TEXT, "guards": guards}
    return [get("/secret", **own)(functions[0]), post("/secret", status_code=200, **own)(functions[1])]


@get("/open", media_type=MediaType.TEXT)
async def _open() -> str:
    return tell("open")


def _decorated(asynchronous: bool) -> Form:
    def make(guarded: bool) -> Any:
        return Litestar([_open, *_handlers(guarded, asynchronous, None)])

    return Form(f"litestar-{'coroutine' if asynchronous else 'function'}", "asgi", make)


def _in_controller(guarded: bool) -> Any:
    class Secrets(Controller):
        path = "/secret"

        @get(media_type=MediaType.TEXT)
        @guard(guarded)
        async def read(self) -> str:
            return tell("secret")

        @post(media_type=MediaType.TEXT, status_code=200)
        @guard(guarded)
        async def write(self) -> str:
            return tell("secret")

    return Litestar([_open, Secrets])


def _guarded(place: str) -> Form:
    def make(guarded: bool) -> Any:
        guards = [not_in_batch] if guarded else []
        handlers = _handlers(False, True, guards if place == "handler" else None)
        router = Router("/", route_handlers=handlers, guards=guards if place == "router" else None)
        return Litestar([_open, router])

    return Form(f"litestar-guard-of-the-{place}", "asgi", make)


FORMS = (
    _decorated(False),
    _decorated(True),
    Form("litestar-method-of-a-controller", "asgi", _in_controller),
    _guarded("handler"),
    _guarded("router"),
)
