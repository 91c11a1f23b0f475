"""What handlers do wrong stays their own result, on every server, and nothing is left behind (C26, C42)."""

from __future__ import annotations

from typing import Any

import pytest

from tests.hosts.deviations import EXIT_LEAVES_LOOP, FAULTS
from tests.servers.conftest import Serve
from tests.servers.kinds import GUNICORN, SERVERS, UVICORN, WAITRESS, Server
from tests.servers.running import get

# Seconds that an action has: the good ones take none, the slow one has no end of its own.
TIMEOUT = 1.0
OPTIONS = {"action_timeout": TIMEOUT, "max_result_bytes": 1 << 20}

HOSTS = [
    *((server, server.door) for server in SERVERS),
    *((UVICORN, host) for host in ("starlette", "fastapi", "django-asgi")),
    *((server, host) for server in (WAITRESS, GUNICORN) for host in ("flask", "django-wsgi")),
]
PARAMS = [pytest.param(server, host, id=f"{server.id}-{host}") for server, host in HOSTS]

GOOD = [get("/tasks"), get("/echo"), get("/batches"), get("/my-attachments-notes"), get("/state")]


def _bad(host: str) -> tuple[list[dict[str, Any]], list[int]]:
    """Four actions that end by their own fault, and their statuses."""
    paths = ["/raise", "/exit", "/nothing", "/forever"]
    if host in EXIT_LEAVES_LOOP:
        paths[1] = "/no-such-route"
    statuses = [404 if path.startswith("/no") and path != "/nothing" else 502 for path in paths]
    for at, path in enumerate(paths):
        if path in FAULTS[host]:
            statuses[at] = FAULTS[host][path].status
    return [get(path) for path in paths], statuses


@pytest.mark.parametrize(("server", "host"), PARAMS)
def test_c26_five_faults_leave_five_good_results_and_nothing_behind(pool: Serve, server: Server, host: str) -> None:
    running = pool(server, host, OPTIONS)
    bad, statuses = _bad(host)
    warm = running.batch(*bad, *GOOD)  # whatever is made at the first request is made now
    assert [result["status_code"] for result in warm.json["data"]] == [*statuses, *[200] * 5], warm.json
    before = running.at_rest()

    # In the framework's own hands: a task that can be cancelled, and a thread that can't be stopped.
    slow = get("/sleep/60000") if server.door == "asgi" else {**get("/gate/slow"), "data": {"n": 2}}
    answer = running.batch(bad[0], GOOD[0], bad[1], GOOD[1], slow, GOOD[2], bad[2], GOOD[3], bad[3], GOOD[4])
    assert answer.status == 200
    results = answer.json["data"]
    expected = [statuses[0], 200, statuses[1], 200, 504, 200, statuses[2], 200, statuses[3], 200]
    assert [result["status_code"] for result in results] == expected
    good = [results[at]["body"] for at in (1, 3, 5, 7, 9)]
    assert good[0] == {"handler": "/tasks", "method": "GET", "id": None}
    assert good[1]["path"].endswith("/echo")
    assert [body["handler"] for body in good[2:4]] == ["/batches", "/my-attachments-notes"]
    assert (good[4]["context"], good[4]["request"], good[4]["frame"]) == (None, None, None)
    for at in (4, 8):
        assert list(results[at]["body"]) == ["errors"]

    if server.door == "wsgi":  # its place stays taken until the thread has really ended
        assert running.census()["places"] == 1
        assert running.request("GET", "/gate/slow?n=2").json["arrived"] == 2
    assert running.at_rest(but=before)["pid"] == before["pid"]
    assert running.request("GET", "/tasks").status == 200
