"""The recipes for other tools' hooks, run with the tools themselves on both doors."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.contract.batching import action, bare_door, post_batch, wrap
from tests.contract.small_apps import asgi_app, door, reply, started, wsgi_app
from tests.hosts import Host, probe
from tests.observability.needs import needed


def _host(host: Host, work: Any) -> Host:
    """A host whose `/a` and `/b` do `work` with their path, both at once."""

    async def asgi(scope: Any, receive: Any, send: Any) -> None:
        await probe.gates.arrive_async("recipe", 2)
        work(scope["path"])
        await reply(send)

    def wsgi(environ: Any, start_response: Any) -> Any:
        probe.gates.arrive("recipe", 2)
        work(environ["PATH_INFO"])
        return started(start_response)

    app = asgi_app({"/a": asgi, "/b": asgi}) if host.door == "asgi" else wsgi_app({"/a": wsgi, "/b": wsgi})
    return door(host.door, app)


@bare_door
def test_prometheus_counts_actions_and_refusals(host: Host) -> None:
    client = needed("prometheus_client")
    from tests.recipes.prometheus_recipe import Prometheus

    def value(name: str, **labels: str) -> float:
        return client.REGISTRY.get_sample_value(name, labels) or 0.0

    def values() -> list[float]:
        return [
            value("batch_action_seconds_count", method="GET", status="200"),
            value("batch_action_seconds_count", method="POST", status="400"),
            value("batch_refused_total", status="400"),
        ]

    before = values()
    app = wrap(host, hooks=[Prometheus()])
    post_batch(app, host, [action(), action(), action("/scim", "post")])
    post_batch(app, host, [])
    assert [after - then for after, then in zip(values(), before, strict=True)] == [2, 1, 1]
    assert b"/tasks" not in client.generate_latest(), "no path is a label"


@pytest.fixture
def sentry() -> Iterator[list[dict[str, Any]]]:
    """The events of a client that sends nothing."""
    sdk = needed("sentry_sdk")
    events: list[dict[str, Any]] = []

    def keep(event: dict[str, Any], hint: Any) -> None:
        events.append(event)

    sdk.init(
        dsn="http://key@127.0.0.1:9/1",
        before_send=keep,
        before_send_transaction=keep,
        traces_sample_rate=1.0,
        default_integrations=False,
        auto_enabling_integrations=False,
        shutdown_timeout=0,
    )
    yield events
    sdk.get_client().close(timeout=0)
    sdk.get_global_scope().set_client(None)


@bare_door
def test_sentry_keeps_what_belongs_to_one_action_from_another(host: Host, sentry: list[dict[str, Any]]) -> None:
    import sentry_sdk

    from tests.recipes.sentry_recipe import Sentry

    def work(path: str) -> None:
        sentry_sdk.set_tag("of", path)
        sentry_sdk.add_breadcrumb(message=path)
        sentry_sdk.capture_message(f"in {path}")

    small = _host(host, work)
    app = wrap(small, hooks=[Sentry()])
    with sentry_sdk.isolation_scope(), sentry_sdk.start_transaction(name="POST /batch", op="http.server"):
        post_batch(app, small, [action("/a"), action("/b")])
    events = {event["message"]: event for event in sentry if "message" in event}
    for index, path in enumerate(("/a", "/b")):
        event = events[f"in {path}"]
        assert event["tags"] == {"of": path, "batch.action": index}
        assert [crumb["message"] for crumb in event["breadcrumbs"]["values"]] == [path]
    (transaction,) = [event for event in sentry if event.get("type") == "transaction"]
    spans = [(span["op"], span["description"]) for span in transaction["spans"]]
    assert spans == [("batch.action", "action GET")] * 2
    assert "tags" not in transaction or "of" not in transaction["tags"]


@bare_door
def test_structlog_lines_have_the_id_of_their_action(host: Host) -> None:
    structlog = needed("structlog")
    from structlog.testing import CapturingLogger

    from tests.recipes.structlog_recipe import Structlog

    kept = CapturingLogger()
    structlog.configure(
        processors=[structlog.contextvars.merge_contextvars],
        logger_factory=lambda *_: kept,
        cache_logger_on_first_use=False,
    )
    try:
        small = _host(host, lambda path: structlog.get_logger().info("worked", on=path))
        post_batch(
            wrap(small, hooks=[Structlog()]), small, [action("/a"), action("/b")], headers={"X-Request-ID": "7f3c"}
        )
        assert structlog.contextvars.get_contextvars() == {}
    finally:
        structlog.reset_defaults()
    lines = [call.kwargs for call in kept.calls]
    worked = {line["on"]: line["request_id"] for line in lines if line["event"] == "worked"}
    assert worked == {"/a": "7f3c.0", "/b": "7f3c.1"}
    ended = {line["path"]: (line["request_id"], line["method"], line["status"]) for line in lines if "status" in line}
    assert ended == {"/a": ("7f3c.0", "GET", 200), "/b": ("7f3c.1", "GET", 200)}
