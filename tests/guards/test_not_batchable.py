"""C34: what `not_batchable` makes of a function, an object and a class, and where it looks for the mark."""

from __future__ import annotations

import asyncio
import copy
import functools
import inspect
import sys
import threading
from contextlib import suppress
from typing import Any

import pytest

from batchware import not_batchable
from batchware.contract.guard import NotBatchable, refuse
from batchware.contract.nesting import Mark
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
    async def __call__(self, a: int, /, b: str = "x", *, c: bool = False) -> tuple[int, str, bool]:
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

        @not_batchable
        @classmethod
        def two(cls, a: int) -> tuple[Any, int]:
            return cls, a

    assert Views.one(1) == Views().one(1) == 1
    assert Views().two(1) == (Views, 1)
    assert isinstance(vars(Views)["one"], staticmethod)


@pytest.mark.parametrize("name", ["scope", "environ", "env"])
def test_c34_the_mark_is_found_in_whatever_request_objects_call_it(name: str) -> None:
    request = type("Request", (), {name: {"batchware": Mark()}})()
    with pytest.raises(NotBatchable):
        not_batchable(lambda request: "ran")(request)


@pytest.mark.parametrize(
    "wrong", [type("Plain", (), {}), functools.partial(type("Plain", (), {})), 7, "view", None], ids=repr
)
def test_c34_what_cannot_be_guarded_is_an_error_at_once(wrong: Any) -> None:
    with pytest.raises(TypeError, match="not_batchable"):
        not_batchable(wrong)


@pytest.mark.skipif(sys.version_info < (3, 12), reason="inspect.markcoroutinefunction is of Python 3.12")
def test_c34_an_object_that_is_marked_as_awaited_stays_so() -> None:
    async def answer(request: Any) -> str:
        return "ran"

    class View:
        def __call__(self, request: Any) -> Any:
            return answer(request)

    marked = inspect.markcoroutinefunction(View())
    guarded: Any = not_batchable(marked)
    assert inspect.iscoroutinefunction(type(guarded).__call__) or inspect.iscoroutinefunction(guarded.__call__)
    assert asyncio.run(guarded(None)) == "ran"


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
