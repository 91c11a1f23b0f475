"""structlog: every line that a handler writes has the id of its action, and each action has a line of its own."""

from contextlib import contextmanager

import structlog

from batchware import BatchHooks
from batchware.access_log import action_id

log = structlog.get_logger("batch")


class Structlog(BatchHooks):
    @contextmanager
    def around_action(self, action, parent):
        structlog.contextvars.bind_contextvars(request_id=action_id(action, parent))
        yield lambda outcome: log.info(
            "action", method=action.method, path=action.path, status=outcome.status, seconds=outcome.seconds
        )
