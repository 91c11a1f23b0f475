"""C34: a guard in the endpoint, in every form that hosts know: no action runs it, and direct requests don't see it."""

from __future__ import annotations

from functools import cache
from typing import Any

import pytest

from batchware.asgi import BatchMiddleware
from batchware.testing import assert_not_batchable
from tests.contract.batching import action, post_batch, wrap
from tests.guards import django_forms, flask_forms, litestar_forms, starlette_forms
from tests.guards.forms import Form, ran
from tests.hosts import Host
from tests.hosts.clients import send

FORMS = (*starlette_forms.FORMS, *flask_forms.FORMS, *litestar_forms.FORMS, *django_forms.FORMS)
every_form = pytest.mark.parametrize("form", [pytest.param(form, id=form.id) for form in FORMS])
REFUSAL = "actions[0].relative_path: this endpoint cannot be batched"


@cache
def _made(form: Form, guarded: bool) -> tuple[Host, Any, Any]:
    app = form.make(guarded)
    host = Host(form.id, form.door, lambda: app)
    return host, app, wrap(host, app)


@every_form
def test_c34_a_guarded_endpoint_does_not_run_in_a_batch_and_its_neighbour_does(form: Form) -> None:
    host, _, batched = _made(form, True)
    answer = post_batch(batched, host, [action("/secret"), action("/open"), action("/secret", "post", data={})])
    assert answer.statuses == [400, 200, 400]
    assert answer.refusal() == REFUSAL
    assert answer.results[1]["body"] == "open"
    assert ran == ["open"]


@every_form
def test_c34_a_guarded_endpoint_answers_direct_requests_as_without_a_guard(form: Form) -> None:
    for method in ("GET", "POST"):
        answers = []
        for guarded in (True, False):
            host, _, batched = _made(form, guarded)
            answer = send(batched, host.door, method, "/secret")
            answers.append((answer.status, answer.headers, answer.body, answer.raised))
        assert answers[0] == answers[1]
        assert answers[0][0] == 200
    assert ran == ["secret"] * 4


@every_form
def test_c34_without_a_guard_the_same_endpoint_runs_in_a_batch(form: Form) -> None:
    host, _, batched = _made(form, False)
    answer = post_batch(batched, host, [action("/secret"), action("/secret", "post", data={})])
    assert answer.statuses == [200, 200]
    assert ran == ["secret", "secret"]


@every_form
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_c34_no_spelling_gets_past_a_guard(form: Form, method: str) -> None:
    _, app, _ = _made(form, True)
    assert_not_batchable(_wrapped(form, app), method, "/secret")
    assert "secret" not in ran[1:], "but for the one direct request"


@every_form
def test_c34_the_assertion_fails_without_a_guard(form: Form) -> None:
    _, app, _ = _made(form, False)
    with pytest.raises(AssertionError, match="GET /secret can be batched: as it is, 200"):
        assert_not_batchable(_wrapped(form, app), "GET", "/secret")


def _wrapped(form: Form, app: Any) -> Any:
    return wrap(Host(form.id, form.door, lambda: app), app)


@pytest.mark.parametrize("form", [pytest.param(f, id=f.id) for f in FORMS if f.id.startswith("fastapi")])
def test_c34_the_schema_of_an_application_does_not_show_its_guards(form: Form) -> None:
    assert _made(form, True)[1].openapi() == _made(form, False)[1].openapi()


def test_c34_the_guard_is_found_in_a_stack_of_middleware() -> None:
    app = starlette_forms.FORMS[0].make(True)
    app.add_middleware(BatchMiddleware)
    assert_not_batchable(app, "GET", "/secret")
