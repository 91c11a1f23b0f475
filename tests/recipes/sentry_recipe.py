"""Sentry: a scope for each action, or the tags and breadcrumbs of one would stand in the events of another."""

from contextlib import contextmanager

import sentry_sdk

from batchware import BatchHooks


class Sentry(BatchHooks):
    @contextmanager
    def around_action(self, action, parent):
        name = f"action {action.method}"
        with sentry_sdk.isolation_scope() as scope, sentry_sdk.start_span(op="batch.action", name=name) as span:
            scope.set_tag("batch.action", action.index)
            yield lambda outcome: span.set_http_status(outcome.status)
