"""C34: what `not_batchable` makes of a function, an object and a class, and where it looks for the mark."""

from __future__ import annotations

import asyncio
import copy
import functools
import inspect
import threading
from contextlib import suppress
from typing import Any

import pytest
from django.views import View
from flask.views import MethodView
from starlette.endpoints import HTTPEndpoint

from batchware import not_batchable
from batchware.contract.guard import NotBatchable, refuse
from batchware.contract.nesting import Mark, current
from tests.contract.batching import action, post_batch, wrap
from tests.contract.small_apps import asgi_app, door, reply, started, wsgi_app


def _sync(a: int, /, b: str = "x", *, c: bool = False) -> tuple[int, str, bool]:
    """Says what it got."""
    return a, b, c


async def _async(a: int, /, b: str = "x", *, c: bool = False) -> tuple[int, str, bool]:
    """Says what it got."""
    return a, b, c


class _Called:
    """Says what it got."""

    kind = "object"

    def __call__(self, a: int, /, b: str = "x", *, c: bool = False) -> tuple[int, str, bool]:
        return a, b, c


class _Awaited(_Called):
    async def __call__(self, a: int, /, b: str = "x", *, c: bool = False) -> tuple[int, str, bool]:  # type: ignore[override]
        return a, b, c


ENDPOINTS = {
    "function": _sync,
    "coroutine": _async,
    "method": _Called().__call__,
    "partial": functools.partial(_sync, b="y"),
    "partial of a coroutine": functools.partial(_async, b="y"),
    "object": _Called(),
    "object that is awaited": _Awaited(),
    "partial of an object": functools.partial(_Called(), b="y"),
}
every_endpoint = pytest.mark.parametrize("endpoint", [pytest.param(e, id=id) for id, e in ENDPOINTS.items()])


@pytest.fixture
def in_an_action() -> Any:
    mark = Mark()
    token = current.set(mark)
    yield mark
    current.reset(token)


@every_endpoint
def test_c34_a_guarded_endpoint_looks_and_answers_as_before(endpoint: Any) -> None:
    guarded = not_batchable(endpoint)
    assert inspect.signature(guarded) == inspect.signature(endpoint)
    assert guarded.__doc__ == endpoint.__doc__
    for asked in (inspect.isroutine, inspect.iscoroutinefunction):
        if not isinstance(endpoint, functools.partial):
            assert asked(guarded) == asked(endpoint), asked
    assert getattr(guarded, "__name__", guarded.__class__.__name__) == getattr(
        endpoint, "__name__", type(endpoint).__name__
    )
    awaits = inspect.iscoroutinefunction(endpoint) or inspect.iscoroutinefunction(type(endpoint).__call__)
    answer, usual = guarded(1, c=True), endpoint(1, c=True)
    if awaits:
        assert inspect.iscoroutinefunction(guarded) or inspect.iscoroutinefunction(guarded.__call__)
        answer, usual = asyncio.run(answer), asyncio.run(usual)
    assert answer == usual


@every_endpoint
def test_c34_a_guarded_endpoint_is_refused_in_an_action(endpoint: Any, in_an_action: Mark) -> None:
    async def call() -> Any:
        answer = not_batchable(endpoint)(1)
        return await answer if inspect.isawaitable(answer) else answer

    with pytest.raises(NotBatchable):
        asyncio.run(call())
    assert in_an_action.refused


def test_c34_an_object_stays_what_it_is() -> None:
    called = _Called()
    guarded = not_batchable(called)
    assert isinstance(guarded, _Called)
    assert guarded.kind == "object"
    assert copy.copy(guarded)(1) == (1, "x", False)
    assert "_Called" in repr(guarded)


def test_c34_static_methods_and_class_methods_stay_such() -> None:
    class Views:
        @not_batchable
        @staticmethod
        def one(a: int) -> int:
            return a

        @not_batchable  # type: ignore[arg-type]
        @classmethod
        def two(cls, a: int) -> tuple[Any, int]:
            return cls, a

    assert Views.one(1) == Views().one(1) == 1
    assert Views().two(1) == (Views, 1)
    assert isinstance(vars(Views)["one"], staticmethod)


@pytest.mark.parametrize("base", [View, MethodView, HTTPEndpoint], ids=lambda base: base.__module__)
def test_c34_a_guarded_class_is_the_same_class(base: type) -> None:
    class Views(base):  # type: ignore[misc,valid-type]
        def get(self, *args: Any) -> Any: ...

    before = dict(vars(base))
    assert not_batchable(Views) is Views
    assert dict(vars(base)) == before, "the framework's own class is untouched"


@pytest.mark.parametrize("verb", ["get", "trace", "on_get", "on_options"])
def test_c34_a_class_without_a_dispatch_is_guarded_method_by_method(verb: str, in_an_action: Mark) -> None:
    def method(self: Any, request: Any) -> str:
        return "ran"

    resource = not_batchable(type("Resource", (), {verb: method, "put": "no method", "other": method}))()
    assert (resource.put, resource.other(None)) == ("no method", "ran")
    with pytest.raises(NotBatchable, match=r"^this endpoint cannot be batched$"):
        getattr(resource, verb)(None)
    assert in_an_action.refused
    in_an_action.live = False
    assert getattr(resource, verb)(None) == "ran"


@pytest.mark.parametrize("awaited", [False, True], ids=["plain", "async"])
def test_c34_a_guarded_class_hands_on_what_its_own_method_inherits(awaited: bool, in_an_action: Mark) -> None:
    class Base:
        def dispatch(self, request: Any, *, kind: str) -> tuple[Any, ...]:
            """Says what it got."""
            return self, request, kind

    class Awaited:
        async def dispatch(self, request: Any, *, kind: str) -> tuple[Any, ...]:
            """Says what it got."""
            return self, request, kind

    base: Any = Awaited if awaited else Base
    guarded: Any = not_batchable(type("Guarded", (base,), {}))
    assert inspect.iscoroutinefunction(guarded.dispatch) == awaited
    assert (guarded.dispatch.__name__, guarded.dispatch.__doc__) == ("dispatch", "Says what it got.")

    async def call(view: Any) -> Any:
        answer = view.dispatch(1, kind="k")
        return await answer if awaited else answer

    view = guarded()
    with pytest.raises(NotBatchable):
        asyncio.run(call(view))
    in_an_action.live = False
    assert asyncio.run(call(view)) == (view, 1, "k")


@pytest.mark.parametrize("name", ["scope", "environ", "env"])
def test_c34_the_mark_is_found_in_whatever_request_objects_call_it(name: str) -> None:
    request = type("Request", (), {name: {"batchware": Mark()}})()
    with pytest.raises(NotBatchable):
        not_batchable(lambda request: "ran")(request)


def test_c34_a_guarded_class_keeps_its_place_in_the_line_of_classes(in_an_action: Mark) -> None:
    """A class that is put in between by a subclass is still asked, before or after the guard."""
    asked: list[str] = []

    class Base:
        def dispatch(self, request: Any) -> str:
            asked.append("base")
            return "ran"

    @not_batchable
    class Guarded(Base):
        pass

    class LoginRequired(Base):
        def dispatch(self, request: Any) -> str:
            asked.append("login")
            return super().dispatch(request)

    class Both(Guarded, LoginRequired):
        pass

    with pytest.raises(NotBatchable):
        Both().dispatch(None)
    assert asked == []
    in_an_action.live = False
    assert Both().dispatch(None) == "ran"
    assert asked == ["login", "base"]


@pytest.mark.parametrize(
    "wrong", [type("Plain", (), {}), functools.partial(type("Plain", (), {})), 7, "view", None], ids=repr
)
def test_c34_what_cannot_be_guarded_is_an_error_at_once(wrong: Any) -> None:
    with pytest.raises(TypeError, match="not_batchable"):
        not_batchable(wrong)


def test_c34_a_class_that_answers_no_requests_is_told_what_would() -> None:
    with pytest.raises(TypeError) as raised:
        not_batchable(type("Plain", (), {}))
    assert str(raised.value) == (
        "not_batchable finds no method in Plain that answers requests (dispatch_request, dispatch, get, post, on_get, "
        "...); guard its methods one by one"
    )


@pytest.mark.parametrize("how", ["positional", "by name", "in an object", "a method of an object"])
@pytest.mark.parametrize("kind", ["asgi", "wsgi"])
def test_c34_the_mark_is_found_in_the_request_where_a_thread_has_no_context(kind: Any, how: str) -> None:
    ran: list[str] = []

    @not_batchable
    def secret(request: Any) -> None:
        ran.append("secret")

    class View:
        @not_batchable
        def secret(self, request: Any) -> None:
            ran.append("secret")

    class Request:
        def __init__(self, frame: Any) -> None:
            setattr(self, "scope" if kind == "asgi" else "environ", frame)

    calls: dict[str, Any] = {
        "positional": secret,
        "by name": lambda frame: secret(request=frame),
        "in an object": lambda frame: secret(Request(frame)),
        "a method of an object": lambda frame: View().secret(Request(frame)),
    }

    def elsewhere(frame: Any) -> None:
        def run() -> None:
            with suppress(NotBatchable):  # it leaves the thread of a pool as a future's exception, or not at all
                calls[how](frame)

        thread = threading.Thread(target=run)
        thread.start()
        thread.join()

    async def asgi(scope: Any, receive: Any, send: Any) -> None:
        elsewhere(scope)
        await reply(send)

    def wsgi(environ: Any, start_response: Any) -> Any:
        elsewhere(environ)
        return started(start_response)

    host = door(kind, asgi_app({"/secret": asgi}) if kind == "asgi" else wsgi_app({"/secret": wsgi}))
    assert post_batch(wrap(host), host, [action("/secret")]).statuses == [400]
    assert ran == []


def test_c34_a_void_mark_in_the_context_hides_no_live_one_in_the_request(in_an_action: Mark) -> None:
    in_an_action.live = False
    assert not_batchable(lambda request: "ran")({}) == "ran"
    with pytest.raises(NotBatchable):
        not_batchable(lambda request: "ran")({"batchware": Mark()})
    assert refuse({"batchware": Mark()})
    assert refuse({}) is None
