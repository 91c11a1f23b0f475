"""The batch route is found wherever it stands, and what is outside of it and inside of it with it."""

from __future__ import annotations

import functools
from typing import Any

import pytest

from batchware.check import Survey, survey
from tests.check import apps


def only(app: Any) -> Survey:
    ((found,), wrong) = survey(app)
    assert wrong == []
    return found


def test_added_to_starlette_it_is_found_before_the_stack_is_built() -> None:
    app = apps.starlette()
    found = only(app)
    assert app.middleware_stack is None, "and looking does not build it"
    assert [layer.name for layer in found.outside] == ["GZipMiddleware"]
    assert found.inside == ("CORSMiddleware",)
    assert (found.door, found.frameworks, found.areas) == ("ASGI", ("Starlette",), {"/admin": 1, "/tasks": 1})


def test_below_a_mount_it_is_found_with_its_prefix() -> None:
    found = only(apps.mounted())
    assert (found.mount, found.config.path) == ("/v1", "/batch")
    assert [layer.name for layer in found.outside] == ["partial", "GZipMiddleware"]
    assert {verdict.relative for verdict in found.batched} == {"/tasks/{id}", "/admin/users"}


def test_in_flasks_wsgi_app_it_is_found_among_classes_and_closures() -> None:
    found = only(apps.wrapped_flask())
    assert [layer.name for layer in found.outside] == ["SessionMiddleware"]
    assert found.inside == ("ProxyFix", "timed.around")
    assert (found.door, found.frameworks) == ("WSGI", ("Flask",))
    assert [verdict.relative for verdict in found.batched] == ["/tasks/{id}"]
    assert [(verdict.endpoint.path, verdict.why) for verdict in found.refused] == [("/health", "not below /api")]


def test_around_a_dispatcher_it_has_the_endpoints_of_all_branches() -> None:
    found = only(apps.dispatched())
    assert {verdict.relative for verdict in found.batched} == {
        "/api/tasks/{id}", "/health", "/v2/api/tasks/{id}", "/v2/health",
    }  # fmt: skip


def test_wrapped_from_outside_it_is_outermost() -> None:
    found = only(apps.litestar())
    assert (found.outside, found.inside, found.frameworks) == ((), (), ("Litestar",))


def test_an_endpoint_that_is_not_batchable_is_known() -> None:
    why = {(verdict.relative, verdict.methods): verdict.why for verdict in only(apps.fastapi()).verdicts or ()}
    assert why == {
        ("/tasks/{id}", ("GET",)): None,
        ("/tasks/{id}/picture", ("POST",)): None,
        ("/tasks/{id}", ("DELETE",)): "its handler is not_batchable",
    }


def test_an_instrumented_application_is_known_by_what_replaced_its_stack() -> None:
    app = apps.fastapi()
    original = app.build_middleware_stack

    @functools.wraps(original)
    def build_instrumented() -> Any:
        return original()

    app.build_middleware_stack = build_instrumented
    assert only(app).outside[0].name.endswith("build_instrumented")


@pytest.mark.parametrize("app", [apps.bare(), apps.flask_app, print], ids=["flask", "a function", "a builtin"])
def test_where_there_is_none_none_is_found(app: Any) -> None:
    assert survey(app) == ([], [])


def test_a_circle_of_layers_ends() -> None:
    first, second = apps.SessionMiddleware(None), apps.SessionMiddleware(None)
    first.app, second.app = second, first
    assert survey(first) == ([], [])


def test_options_that_are_wrong_are_told_instead_of_raised() -> None:
    found, (layer,) = survey(apps.wrong())
    assert found == []
    assert layer.wrong is not None
    assert "max_actions" in layer.wrong
