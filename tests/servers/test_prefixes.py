"""Below a prefix, whoever took it off, the route, the children and their URLs are as for direct requests (C1, C12)."""

from __future__ import annotations

from typing import Any

import pytest

from tests.servers.conftest import require
from tests.servers.kinds import GUNICORN, GUNICORN_SYNC, UVICORN, UVICORN_H11, WAITRESS, Server
from tests.servers.running import JSON, Running, envelope, get, running

PREFIX = "/outer"
SCRIPT_NAME = {"environment": {"SCRIPT_NAME": PREFIX}}
ROOT_PATH = {"more": ("--root-path", PREFIX)}
MOUNT = {"mount": PREFIX}

CASES = [
    pytest.param(UVICORN, "asgi", ROOT_PATH, id="uvicorn --root-path"),
    pytest.param(UVICORN_H11, "fastapi", ROOT_PATH, id="uvicorn --root-path, FastAPI"),
    pytest.param(UVICORN, "django-asgi", ROOT_PATH, id="uvicorn --root-path, Django"),
    pytest.param(UVICORN, "starlette", MOUNT, id="Starlette Mount"),
    pytest.param(GUNICORN, "wsgi", SCRIPT_NAME, id="SCRIPT_NAME of gunicorn gthread"),
    pytest.param(GUNICORN_SYNC, "flask", SCRIPT_NAME, id="SCRIPT_NAME of gunicorn sync, Flask"),
    pytest.param(WAITRESS, "django-wsgi", MOUNT, id="DispatcherMiddleware, Django"),
    pytest.param(WAITRESS, "flask", MOUNT, id="DispatcherMiddleware, Flask"),
]

# What differs between a batch and a request without a body.
OWN = {"content-type", "content-length", "accept-encoding", "connection"}


def _shown(body: dict[str, Any]) -> dict[str, Any]:
    headers = {name: value for name, value in body["headers"].items() if name not in OWN}
    return {**body, "headers": headers}


@pytest.mark.parametrize(("server", "host", "how"), CASES)
def test_c12_below_a_prefix_a_batched_action_is_the_direct_request(
    server: Server, host: str, how: dict[str, Any]
) -> None:
    require(server)
    with running(server, host, {"path": "/api/1.0/batch"}, **how) as served:
        _as_direct(served)


def _as_direct(served: Running) -> None:
    path = "/echo/caf%C3%A9%20(1)"
    direct = served.request("GET", "/api/1.0" + path).json
    body = envelope(get(path), get("/tasks"))
    answer = served.request("POST", "/api/1.0/batch", body, **JSON)
    assert answer.status == 200
    echoed, found = answer.json["data"]
    assert _shown(echoed["body"]) == _shown(direct)
    assert f"{PREFIX}/api/1.0/echo/" in direct["url"]
    assert found["body"] == {"handler": "/tasks", "method": "GET", "id": None}
    # A path that only looks like the route is the host's.
    for other in ("/batch", "/api/1.0/batch/", f"{PREFIX}/api/1.0/batch"):
        assert b"status_code" not in served.request("POST", other, body, **JSON).body, other
