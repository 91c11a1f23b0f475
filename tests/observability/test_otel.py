"""OpenTelemetry: batch, actions and handlers form a tree, with the standard instrumentations of FastAPI and Flask."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from batchware import asgi, wsgi
from batchware.check import survey
from batchware.check.findings import findings
from tests.contract.batching import action, bare_door, host_named, post_batch, wrap
from tests.contract.small_apps import door, eventually
from tests.hosts import Host, probe
from tests.hosts.clients import send
from tests.observability.needs import needed

needed("opentelemetry.sdk")
needed("opentelemetry.instrumentation.fastapi")
needed("opentelemetry.instrumentation.flask")

from opentelemetry import trace  # noqa: E402  # after importorskip or settings
from opentelemetry.instrumentation.fastapi import FastAPIInstrumentor  # noqa: E402  # after importorskip or settings
from opentelemetry.instrumentation.flask import FlaskInstrumentor  # noqa: E402  # after importorskip or settings
from opentelemetry.trace import SpanKind, StatusCode  # noqa: E402  # after importorskip or settings

from tests.observability.spans import Recorded  # noqa: E402  # after importorskip or settings

PARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


@pytest.fixture
def recorded() -> Recorded:
    return Recorded()


def _fastapi(recorded: Recorded, **options: Any) -> Host:
    from fastapi import FastAPI

    app = FastAPI()
    tracer = trace.get_tracer("application", tracer_provider=recorded.tracers)

    @app.get("/tasks/{id}")
    def read(id: str) -> dict[str, str]:  # in the thread pool
        with tracer.start_as_current_span(f"work {id}"):
            return {"id": id}

    @app.post("/tasks")
    async def add() -> dict[str, int]:
        with tracer.start_as_current_span("work of add"):
            return {"met": await probe.gates.arrive_async("otel", 2)}

    @app.put("/tasks")
    async def put() -> dict[str, int]:
        return {"met": await probe.gates.arrive_async("otel", 2)}

    FastAPIInstrumentor.instrument_app(
        app, tracer_provider=recorded.tracers, meter_provider=recorded.meters, exclude_spans=["receive", "send"]
    )
    return door("asgi", asgi.BatchMiddleware(app, hooks=recorded.hooks, **options))


def _flask(recorded: Recorded, **options: Any) -> Host:
    from flask import Flask

    app = Flask("traced")
    tracer = trace.get_tracer("application", tracer_provider=recorded.tracers)

    @app.get("/tasks/<id>")
    def read(id: str) -> dict[str, str]:
        with tracer.start_as_current_span(f"work {id}"):
            return {"id": id}

    @app.post("/tasks")
    def add() -> dict[str, int]:
        with tracer.start_as_current_span("work of add"):
            return {"met": probe.gates.arrive("otel", 2)}

    @app.put("/tasks")
    def put() -> dict[str, int]:
        return {"met": probe.gates.arrive("otel", 2)}

    FlaskInstrumentor().instrument_app(app, tracer_provider=recorded.tracers, meter_provider=recorded.meters)
    return door("wsgi", wsgi.BatchMiddleware(app.wsgi_app, hooks=recorded.hooks, **options))


BOTH = pytest.mark.parametrize(
    ("make", "item"),
    [pytest.param(_fastapi, "/tasks/{id}", id="fastapi"), pytest.param(_flask, "/tasks/<id>", id="flask")],
)
THREE = [action("/tasks/7"), action("/tasks", "post", data={}), action("/tasks", "put", data={})]


@BOTH
def test_batch_action_and_handler_form_a_tree(recorded: Recorded, make: Any, item: str) -> None:
    host = make(recorded)
    answer = post_batch(host.make(), host, THREE)
    assert [result["body"] for result in answer.results] == [{"id": "7"}, {"met": 2}, {"met": 2}], "two of them at once"
    assert eventually(lambda: len(recorded.spans) == 9)
    assert recorded.tree() == {
        "POST /batch": {
            "action GET #0": {f"GET {item}": {"work 7": {}}},
            "action POST #1": {"POST /tasks": {"work of add": {}}},
            "action PUT #2": {"PUT /tasks": {}},
        }
    }
    assert len({span.context.trace_id for span in recorded.spans}) == 1


@BOTH
def test_spans_follow_the_conventions_for_http(recorded: Recorded, make: Any, item: str) -> None:
    host = make(recorded)
    sent = [action("/tasks/7", data={"q": "hush"}), action("/nowhere")]
    post_batch(host.make(), host, sent, headers={"User-Agent": "tests/1", "Authorization": "Bearer hush"})
    (batch,) = recorded.named("POST /batch")
    assert batch.kind is SpanKind.SERVER
    client = (batch.attributes or {})["client.address"]
    assert dict(batch.attributes or {}) == {
        "http.request.method": "POST", "http.route": "/batch", "url.path": "/batch", "url.scheme": "http",
        "client.address": client, "user_agent.original": "tests/1", "http.response.status_code": 200,
        "batchware.actions": 2,
    }  # fmt: skip
    missing, read = sorted(recorded.named("action GET"), key=lambda span: str((span.attributes or {})["url.path"]))
    assert read.kind is SpanKind.INTERNAL
    assert dict(read.attributes or {}) == {
        "batchware.action.index": 0, "http.request.method": "GET", "url.path": "/tasks/7", "url.scheme": "http",
        "http.response.status_code": 200,
    }  # fmt: skip
    assert (missing.attributes or {})["http.response.status_code"] == 404
    assert {span.status.status_code for span in (batch, read, missing)} == {StatusCode.UNSET}
    assert "hush" not in repr([(span.name, dict(span.attributes or {})) for span in (batch, read, missing)])


def test_check_warns_of_an_instrumentation_that_actions_do_not_pass_through(recorded: Recorded) -> None:
    from fastapi import FastAPI

    app = FastAPI()
    app.add_middleware(asgi.BatchMiddleware, hooks=recorded.hooks)
    FastAPIInstrumentor.instrument_app(app, tracer_provider=recorded.tracers)
    (finding,) = [one for one in findings(*survey(app)) if one.name == "skipped-middleware"]
    assert "FastAPIInstrumentor" in finding.message


@bare_door
def test_the_batch_is_a_child_of_the_clients_span(host: Host, recorded: Recorded) -> None:
    post_batch(wrap(host, hooks=recorded.hooks), host, [action()], headers={"Traceparent": PARENT})
    (batch,) = recorded.named("POST /batch")
    assert batch.parent is not None
    assert (f"{batch.parent.trace_id:032x}", f"{batch.parent.span_id:016x}") == (PARENT[3:35], PARENT[36:52])
    assert list(recorded.tree()["POST /batch"]) == ["action GET #0"]


@bare_door
def test_below_a_span_that_stands_outside_the_batch_is_an_internal_one(host: Host, recorded: Recorded) -> None:
    app = wrap(host, hooks=recorded.hooks)
    with trace.get_tracer("server", tracer_provider=recorded.tracers).start_as_current_span("POST"):
        post_batch(app, host, [action()])
    assert recorded.tree() == {"POST": {"POST /batch": {"action GET #0": {}}}}
    assert recorded.named("POST /batch")[0].kind is SpanKind.INTERNAL


@bare_door
def test_failed_and_refused_actions_have_spans_that_say_so(host: Host, recorded: Recorded) -> None:
    sent = [action("/raise"), action("/scim/v2"), "no action"]
    assert post_batch(wrap(host, hooks=recorded.hooks), host, sent).statuses == [500, 400, 400]
    assert recorded.tree() == {"POST /batch": {"action GET #0": {}, "action GET #1": {}, "action #2": {}}}
    failed, refused = recorded.named("action GET")
    assert failed.status.status_code is StatusCode.ERROR
    assert (failed.attributes or {})["error.type"] == "HandlerFailed"
    assert refused.status.status_code is StatusCode.UNSET
    assert (refused.attributes or {})["error.type"] == "Refused"
    assert recorded.points("batchware.refusals") == [({"batchware.refused": "action", "error.type": "Refused"}, 2)]
    assert recorded.points("batchware.action.duration") == [
        ({"http.request.method": "GET", "http.response.status_code": 500, "error.type": "HandlerFailed"}, 1)
    ]


@bare_door
def test_a_batch_that_is_refused_has_a_span_and_is_counted(host: Host, recorded: Recorded) -> None:
    app = wrap(host, hooks=recorded.hooks)
    assert post_batch(app, host, []).status == 400
    assert post_batch(app, host, [action()], content_type="text/plain").status == 415
    assert [(span.attributes or {})["error.type"] for span in recorded.named("POST /batch")] == [
        "BatchError", "UnsupportedMediaType",
    ]  # fmt: skip
    assert sorted(labels["error.type"] for labels, _ in recorded.points("batchware.refusals")) == [
        "BatchError", "UnsupportedMediaType",
    ]  # fmt: skip
    assert [labels["http.response.status_code"] for labels, _ in recorded.points("batchware.batch.duration")] == [
        400, 415,
    ]  # fmt: skip


def test_a_method_that_nobody_knows_makes_no_new_name(recorded: Recorded) -> None:
    host = host_named("asgi")
    send(wrap(host, hooks=recorded.hooks), host.door, "BREW", "/batch")
    (span,) = recorded.spans
    assert span.name == "HTTP"
    assert (span.attributes or {})["http.request.method"] == "_OTHER"
    assert [labels["http.request.method"] for labels, _ in recorded.points("batchware.batch.duration")] == ["_OTHER"]


@bare_door
def test_nothing_of_a_batch_stays_current(host: Host, recorded: Recorded) -> None:
    app = wrap(host, hooks=recorded.hooks)
    for _ in range(2):
        post_batch(app, host, [action()] * 3)
        assert not trace.get_current_span().get_span_context().is_valid
    assert [span.parent for span in recorded.named("POST /batch")] == [None, None]


@pytest.fixture(autouse=True)
def _uninstrumented() -> Iterator[None]:
    """FastAPI's instrumentation replaces a method of Starlette's background tasks, for the process."""
    from starlette.background import BackgroundTask

    before = BackgroundTask.__dict__.get("__call__")
    yield
    BackgroundTask.__call__ = before
    if hasattr(BackgroundTask, "_otel_original_call"):
        del BackgroundTask._otel_original_call
