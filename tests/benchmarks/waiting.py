"""Ten actions that wait 50 ms each, as one batch over HTTP on real servers: how near does it come to 50 ms?

The connection is kept alive, so a round is one request. `one` is a direct request to the same handler in the same
rounds: what is above it is the price of the batch.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from http.client import HTTPConnection
from statistics import median, quantiles

from tests.servers.kinds import GUNICORN, UVICORN, WAITRESS, Server
from tests.servers.running import JSON, envelope, get, read, running

ACTIONS = 10
WAIT = 50
TARGET = 75

TITLE = f"Ten actions that wait {WAIT} ms each, one batch over HTTP (median under {TARGET} ms wanted)"

ASYNC, SYNC = f"/sleep/{WAIT}", f"/sleep-sync/{WAIT}"
CASES: tuple[tuple[str, Server, str, str], ...] = (
    ("Starlette, async handler", UVICORN, "starlette", ASYNC),
    ("Starlette, def handler", UVICORN, "starlette", SYNC),
    ("FastAPI, async handler", UVICORN, "fastapi", ASYNC),
    ("FastAPI, def handler", UVICORN, "fastapi", SYNC),
    ("Django, async view", UVICORN, "django-asgi", ASYNC),
    ("Django, sync view", UVICORN, "django-asgi", SYNC),
    ("Django, sync view", WAITRESS, "django-wsgi", SYNC),
    ("Django, sync view", GUNICORN, "django-wsgi", SYNC),
    ("Flask", WAITRESS, "flask", SYNC),
    ("Flask", GUNICORN, "flask", SYNC),
)


def _timed(connection: HTTPConnection, method: str, path: str, body: bytes | None) -> tuple[float, bytes]:
    """Milliseconds, and the body of the answer."""
    start = time.perf_counter()
    connection.request(method, path, body, JSON if body else {})
    response = read(connection)
    taken = (time.perf_counter() - start) * 1000
    assert response.status == 200, response
    return taken, response.body


def _measure(connection: HTTPConnection, path: str, rounds: int) -> tuple[list[float], list[float]]:
    body = envelope(*[get(path)] * ACTIONS)
    singles: list[float] = []
    batches: list[float] = []
    for number in range(rounds + 1):
        single, _ = _timed(connection, "GET", path, None)
        batch, answer = _timed(connection, "POST", "/batch", body)
        assert answer.count(b'"status_code":200') == ACTIONS, answer
        if number:  # the first makes what is made once
            singles.append(single)
            batches.append(batch)
    return singles, batches


def rows(quick: bool) -> Iterator[list[str]]:
    yield ["application", "server", "one, ms", "batch, ms", "p90, ms", "max, ms", "target"]
    rounds = 10 if quick else 60
    for label, server, host, path in CASES:
        with running(server, host) as served:
            connection = served.connect()
            singles, batches = _measure(connection, path, rounds)
            connection.close()
        middle = median(batches)
        figures = [median(singles), middle, quantiles(batches, n=10)[8], max(batches)]
        yield [
            label,
            server.module,
            *(f"{figure:.1f}" for figure in figures),
            "met" if middle < TARGET else "MISSED",
        ]
