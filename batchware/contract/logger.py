"""The log of what runs in tasks and threads: whatever a host's own filters do, an action is settled (C26).

A handler that fails is asked by `logging` to report it on standard error; a filter, or a record factory, that raises is
not, and would end the task or thread in the middle of its work. So it is reported the same way here.
"""

from __future__ import annotations

import logging
import traceback
from typing import Any

__all__ = ["log"]


class _Unbreakable(logging.LoggerAdapter[logging.Logger]):
    def log(self, level: int, msg: object, *args: object, **kwargs: Any) -> None:
        kwargs.setdefault("stacklevel", 2)  # the line that calls this one
        try:
            super().log(level, msg, *args, **kwargs)
        except Exception:  # noqa: BLE001  # a filter's, and reported
            if logging.raiseExceptions:
                traceback.print_exc()


log = _Unbreakable(logging.getLogger("batchware"), {})
