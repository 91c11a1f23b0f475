"""Spans and metrics in memory, and the tree that spans form."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from batchware.integrations.otel import OpenTelemetry

Tree = dict[str, Any]
"""Name of a span to the trees of its children; children of one name are told apart by their path or index."""


class Recorded:
    """A tracer and a meter of this test alone, and hooks that use them."""

    def __init__(self) -> None:
        self._spans = InMemorySpanExporter()
        self._metrics = InMemoryMetricReader()
        self.tracers = TracerProvider()
        self.tracers.add_span_processor(SimpleSpanProcessor(self._spans))
        self.meters = MeterProvider(metric_readers=[self._metrics])
        self.hooks = [OpenTelemetry(tracer_provider=self.tracers, meter_provider=self.meters)]

    @property
    def spans(self) -> list[ReadableSpan]:
        """In the order of their start."""
        return sorted(self._spans.get_finished_spans(), key=lambda span: span.start_time or 0)

    def named(self, name: str) -> list[ReadableSpan]:
        return [span for span in self.spans if span.name == name]

    def tree(self, names: Mapping[str, str] | None = None) -> Tree:
        """All spans as a tree from those without a parent, or with one in another process."""
        known = {span.context.span_id for span in self.spans}
        roots = [span for span in self.spans if span.parent is None or span.parent.span_id not in known]
        return {self._label(span): self._below(span) for span in roots}

    def _below(self, above: ReadableSpan) -> Tree:
        children = [span for span in self.spans if span.parent and span.parent.span_id == above.context.span_id]
        below = {self._label(span): self._below(span) for span in children}
        assert len(below) == len(children), "two spans of one label"
        return below

    @staticmethod
    def _label(span: ReadableSpan) -> str:
        index = (span.attributes or {}).get("batchware.action.index")
        return span.name if index is None else f"{span.name} #{index}"

    def points(self, metric: str) -> list[tuple[dict[str, Any], Any]]:
        """Attributes and count or value of each point of a metric."""
        data = self._metrics.get_metrics_data()
        found = [
            point
            for resource in (data.resource_metrics if data else ())
            for scope in resource.scope_metrics
            for one in scope.metrics
            if one.name == metric
            for point in one.data.data_points
        ]
        return [
            (dict(point.attributes or {}), getattr(point, "count", getattr(point, "value", None))) for point in found
        ]
