"""A worker that is killed in the middle of a batch: `python -m tests.limits.victim URL LEASE`.

Its only action says that it runs, and runs until the process ends.
"""

from __future__ import annotations

import sys
import threading
from typing import Any

from batchware import Concurrency, wsgi
from batchware.limiters.redis import RedisLimiter
from tests.contract.batching import action, batch_body
from tests.hosts.clients import send


def application(environ: Any, start_response: Any) -> list[bytes]:
    print("running", flush=True)  # noqa: T201  # it is what the test waits for
    threading.Event().wait()
    return []


def main(url: str, lease: str) -> None:
    rule = Concurrency("slots", 1, lease=float(lease))
    app = wsgi.BatchMiddleware(application, limits=[rule], limiter=RedisLimiter(url), max_actions=1)
    headers = {"Content-Type": "application/json"}
    send(app, "wsgi", "POST", "/batch", headers=headers, body=batch_body([action()]))


if __name__ == "__main__":
    main(*sys.argv[1:])
