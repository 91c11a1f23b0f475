"""Prometheus: the duration of actions by method and status, and what was refused."""

from contextlib import contextmanager

from prometheus_client import Counter, Histogram

from batchware import BatchHooks

ACTIONS = Histogram("batch_action_seconds", "Actions of batches", ["method", "status"])
REFUSED = Counter("batch_refused", "Batches that were refused as a whole", ["status"])


class Prometheus(BatchHooks):
    @contextmanager
    def around_batch(self, parent):
        yield lambda reply: reply.error and REFUSED.labels(reply.status).inc()

    def on_batch(self, parent, actions, outcomes, seconds):
        for action, outcome in zip(actions, outcomes, strict=True):
            ACTIONS.labels(action.method, outcome.status).observe(outcome.seconds)
