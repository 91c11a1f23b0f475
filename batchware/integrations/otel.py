"""OpenTelemetry: a span for the batch, one for each action, and metrics of both.

    app = BatchMiddleware(app, hooks=[OpenTelemetry()])

The spans follow the semantic conventions for HTTP. The batch's is the server's own (`POST /batch`), with the client's
trace context as its parent, or an internal one where something outside has begun a span already. Each action's
(`action GET`) is its child, and is current while the host runs, so the standard instrumentations put the span of the
handler below it, and whatever the handler does below that. For this the instrumentation has to be inside of batchware:

    FastAPIInstrumentor.instrument_app(app)        FlaskInstrumentor().instrument_app(app)
    app = BatchMiddleware(app, hooks=[...])        app.wsgi_app = BatchMiddleware(app.wsgi_app, hooks=[...])

Actions that were refused have a span too, of no length, and so has a batch that was refused as a whole.

Metrics: `batchware.action.duration` and `batchware.batch.duration` (histograms, seconds) by method and status, and
`batchware.refusals`, by what was refused and why. No name holds a path, a principal or anything that a client sends.

Without these hooks the trace headers of the batch reach every action as they are (C16): the handlers' spans are
children of the client's.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from importlib.metadata import version
from time import monotonic, time_ns
from typing import Any

from opentelemetry import metrics, propagate, trace
from opentelemetry.trace import Span, SpanKind, Status, StatusCode

from ..contract.errors import BatchError
from ..contract.hooks import BatchHooks
from ..contract.model import Action, Outcome, Parent, Reply

__all__ = ["OpenTelemetry"]

_METHODS = frozenset({"CONNECT", "DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT", "QUERY", "TRACE"})
_BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10)
"""Those that the conventions name for the duration of a request."""

_started: ContextVar[set[int] | None] = ContextVar("batchware_otel_started", default=None)
"""The actions of the running batch that have a span of their own; the same object in all their contexts."""


class OpenTelemetry(BatchHooks):
    """Hooks that trace and measure batches; the providers are the global ones unless others are given."""

    def __init__(
        self,
        *,
        tracer_provider: trace.TracerProvider | None = None,
        meter_provider: metrics.MeterProvider | None = None,
    ) -> None:
        release = version("batchware")
        self._tracer = trace.get_tracer("batchware", release, tracer_provider)
        meter = metrics.get_meter("batchware", release, meter_provider)
        self._actions = _durations(meter, "batchware.action.duration", "Duration of the actions of batches.")
        self._batches = _durations(meter, "batchware.batch.duration", "Duration of batch requests.")
        self._refusals = meter.create_counter(
            "batchware.refusals", "{refusal}", "Batches and actions that were refused before anything ran."
        )

    @contextmanager
    def around_batch(self, parent: Parent) -> Generator[Callable[[Reply], None], None, None]:
        """The batch's span."""
        outer = trace.get_current_span().get_span_context().is_valid
        span = self._tracer.start_span(
            f"{_method(parent.method)} {parent.path}" if parent.method in _METHODS else "HTTP",
            context=None if outer else propagate.extract({name: [value] for name, value in parent.headers}),
            kind=SpanKind.INTERNAL if outer else SpanKind.SERVER,
            attributes=_attributes_of(parent),
        )
        begun = monotonic()

        def told(reply: Reply) -> None:
            labels = _end(span, parent.method, reply.status, reply.error)
            self._batches.record(monotonic() - begun, labels)
            if reply.error is not None:
                self._refusals.add(1, {"batchware.refused": "batch", "error.type": type(reply.error).__name__})

        token = _started.set(set())
        try:
            with trace.use_span(span, end_on_exit=True, record_exception=False, set_status_on_exception=False):
                yield told
        finally:
            _started.reset(token)

    @contextmanager
    def around_action(self, action: Action, parent: Parent) -> Generator[Callable[[Outcome], None], None, None]:
        """The action's span: it ends with the result, and stays current for what the host does after that."""
        started = _started.get()
        if started is not None:
            started.add(action.index)
        span = self._tracer.start_span(f"action {action.method}", attributes=_attributes_in(action, parent))

        def told(outcome: Outcome) -> None:
            labels = _end(span, action.method, outcome.status, outcome.error)
            self._actions.record(outcome.seconds, labels)
            span.end()

        with trace.use_span(span, end_on_exit=False, record_exception=False, set_status_on_exception=False):
            yield told

    def on_batch(self, parent: Parent, actions: Sequence[Action], outcomes: Sequence[Outcome], seconds: float) -> None:
        """What was refused, which no `around_action` has heard of."""
        trace.get_current_span().set_attribute("batchware.actions", len(actions))
        started = _started.get() or frozenset[int]()
        for action, outcome in zip(actions, outcomes, strict=True):
            if action.index in started or outcome.error is None:
                continue
            now = time_ns()
            name = f"action {action.method}".rstrip()
            span = self._tracer.start_span(name, attributes=_attributes_in(action, parent), start_time=now)
            _end(span, action.method, outcome.status, outcome.error)
            span.end(now)
            self._refusals.add(1, {"batchware.refused": "action", "error.type": type(outcome.error).__name__})


def _attributes_of(parent: Parent) -> dict[str, str]:
    found = {
        "http.request.method": _method(parent.method),
        "http.request.method_original": parent.method if parent.method not in _METHODS else None,
        "http.route": parent.path,
        "url.path": parent.path,
        "url.scheme": parent.scheme,
        "client.address": parent.client,
        "user_agent.original": parent.header("user-agent"),
    }
    return {name: value for name, value in found.items() if value is not None}


def _attributes_in(action: Action, parent: Parent) -> dict[str, str | int]:
    found: dict[str, str | int] = {"batchware.action.index": action.index, "url.scheme": parent.scheme}
    if action.method:
        found["http.request.method"] = action.method
    if action.path:
        found["url.path"] = parent.path.rpartition("/")[0] + (action.quoted or action.path)
    return found


def _end(span: Span, method: str, status: int, error: BatchError | None) -> dict[str, str | int]:
    """Says on the span how it ended, and returns the attributes of its metrics."""
    labels: dict[str, str | int] = {"http.response.status_code": status}
    if error is not None or status >= 500:
        labels["error.type"] = type(error).__name__ if error is not None else str(status)
    span.set_attributes(labels)
    if status >= 500:  # the conventions leave 4xx unset on the side of the server
        span.set_status(Status(StatusCode.ERROR))
    if method:
        labels["http.request.method"] = _method(method)
    return labels


def _method(method: str) -> str:
    return method if method in _METHODS else "_OTHER"


def _durations(meter: metrics.Meter, name: str, description: str) -> Any:
    return meter.create_histogram(name, "s", description, explicit_bucket_boundaries_advisory=_BUCKETS)
