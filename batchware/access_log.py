"""AccessLog: one line for each action, as a server writes one for each request, with an id that leads to the batch.

The server's own log has the batch as one request. Here a line has what a direct request's would have, and nothing that
only a careless log has: no query, no header but the request's id, and that only where it is a plain one.
"""

from __future__ import annotations

import logging
import os
import re
from collections.abc import MutableMapping, Sequence
from typing import Any, cast

from .contract.hooks import BatchHooks
from .contract.model import Action, Outcome, Parent
from .contract.paths import quote_path

__all__ = ["AccessLog", "action_id", "request_id"]

_KEY = "batchware.request_id"
_PLAIN = re.compile(r"[A-Za-z0-9._:/+=@-]{1,128}")  # what no log takes for more than one word
_SHOWN = 200  # characters of a path


def request_id(parent: Parent) -> str:
    """The batch's `X-Request-ID`, or one that is made up where it has none, or none that is fit for a log.

    The same for all who ask about this batch. A client can choose what it sends: where that matters, let the proxy in
    front set the header.
    """
    given = parent.header("x-request-id")
    if given is not None and _PLAIN.fullmatch(given):
        return given
    request = cast("MutableMapping[str, Any]", parent.request)
    made: str = request.setdefault(_KEY, os.urandom(8).hex())
    return made


def action_id(action: Action, parent: Parent) -> str:
    """The id of one action: `7f3c.0` is the first one of the batch `7f3c`."""
    return f"{request_id(parent)}.{action.index}"


class AccessLog(BatchHooks):
    """Writes `7f3c.0 192.0.2.1 "GET /tasks/1" 200 512 0.012` to `logger`, one line for each action of a batch.

    That is id, client, method and path, status, bytes of the body and seconds; refused actions too, with `-` for what
    could not be read. Paths are percent-encoded and cut at 200 characters. The lines of a batch are written together
    when its last result is there. Each record has these parts as attributes too (`request_id`, `batch_id`, `client`,
    `method`, `path`, `status`, `size`, `seconds`, `error`), for those who log JSON.
    """

    def __init__(self, logger: logging.Logger | str = "batchware.access", level: int = logging.INFO) -> None:
        self._logger = logging.getLogger(logger) if isinstance(logger, str) else logger
        self._level = level

    def on_batch(self, parent: Parent, actions: Sequence[Action], outcomes: Sequence[Outcome], seconds: float) -> None:
        """Write the lines of one batch."""
        if not self._logger.isEnabledFor(self._level):
            return
        batch, base = request_id(parent), parent.path.rpartition("/")[0]
        for action, outcome in zip(actions, outcomes, strict=True):
            parts: dict[str, Any] = {
                "request_id": f"{batch}.{action.index}",
                "batch_id": batch,
                "client": parent.client or "-",
                "method": action.method or "-",
                "path": quote_path(base + action.path)[:_SHOWN] if action.path else "-",
                "status": outcome.status,
                "size": len(outcome.body),
                "seconds": outcome.seconds,
                "error": type(outcome.error).__name__ if outcome.error else None,
            }
            self._logger.log(self._level, _LINE, parts, extra=parts)


_LINE = '%(request_id)s %(client)s "%(method)s %(path)s" %(status)d %(size)d %(seconds).3f'
