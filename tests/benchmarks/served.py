"""The application that the benchmark's servers serve: one of `applications`, and beside it the same behind batchware.

Only the batch route leads through the middleware: a direct request is served as if there were none. It is made when a
server's process imports this module, out of `BATCHWARE_SERVES`, as `tests.servers.running` puts it there.
"""

from __future__ import annotations

import json
import logging
import os
from importlib import import_module
from typing import Any

from tests.benchmarks import calls
from tests.benchmarks.applications import host

SERVES: dict[str, Any] = json.loads(os.environ["BATCHWARE_SERVES"])

READY = json.dumps({"token": SERVES["token"]}).encode()


def _asgi(app: Any, batched: Any) -> Any:
    async def application(scope: Any, receive: Any, send: Any) -> None:
        path = scope.get("path")
        if path == "/census":
            headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(READY))]
            await send({"type": "http.response.start", "status": 200, "headers": headers})
            await send({"type": "http.response.body", "body": READY})
        else:
            await (batched if path == "/batch" else app)(scope, receive, send)

    return application


def _wsgi(app: Any, batched: Any) -> Any:
    def application(environ: Any, start_response: Any) -> Any:
        path = environ["PATH_INFO"]
        if path == "/census":
            start_response("200 OK", [("Content-Type", "application/json"), ("Content-Length", str(len(READY)))])
            return [READY]
        return (batched if path == "/batch" else app)(environ, start_response)

    return application


def make() -> Any:
    logging.disable()
    served = host(SERVES["host"])
    app = served.make()
    batched = import_module(f"batchware.{served.door}").BatchMiddleware(app, **calls.everything())
    return (_asgi if served.door == "asgi" else _wsgi)(app, batched)


application = make()
