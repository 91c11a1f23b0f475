"""C34: what `not_batchable` makes of a class: its one method for all requests is guarded, or each that answers some."""

from __future__ import annotations

import asyncio
import inspect
from typing import Any

import pytest
from django.views import View
from flask.views import MethodView
from starlette.endpoints import HTTPEndpoint

from batchware import not_batchable
from batchware.contract.guard import NotBatchable
from batchware.contract.nesting import Mark


@pytest.mark.parametrize("base", [View, MethodView, HTTPEndpoint], ids=lambda base: base.__module__)
def test_c34_a_guarded_class_is_the_same_class(base: type) -> None:
    class Views(base):
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


def test_c34_of_two_methods_that_answer_for_all_the_outer_one_is_guarded() -> None:
    def method(self: Any, request: Any) -> None: ...

    views: Any = not_batchable(type("Views", (), {"dispatch_request": method, "dispatch": method}))
    assert (views.dispatch_request is method, views.dispatch is method) == (False, True)


def test_c34_a_class_that_answers_no_requests_is_told_what_would() -> None:
    with pytest.raises(TypeError) as raised:
        not_batchable(type("Plain", (), {}))
    assert str(raised.value) == (
        "not_batchable finds no method in Plain that answers requests (dispatch_request, dispatch, get, post, on_get, "
        "...); guard its methods one by one"
    )
