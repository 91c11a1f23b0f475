"""Below a prefix, whoever took it off, the route, the actions and their URLs are as for direct requests (C1, C12)."""

from __future__ import annotations

from typing import Any

import pytest

from tests.matrix.placements import PLACEMENTS, Placement
from tests.matrix.servers import PREFIX
from tests.servers.running import JSON, Running, envelope, get

# What differs between a batch and a request without a body.
OWN = {"content-type", "content-length", "accept-encoding", "connection"}


def _shown(body: dict[str, Any]) -> dict[str, Any]:
    headers = {name: value for name, value in body["headers"].items() if name not in OWN}
    return {**body, "headers": headers}


def _batched(placed: Running, path: str, body: bytes) -> bool:
    try:
        return placed.request("POST", path, body, **JSON).body.startswith(b'{"data":')
    except ConnectionResetError:  # uWSGI closes after a 404 with the body unread; now and then the answer is lost
        return False


@pytest.mark.parametrize(
    "placement", [pytest.param(placement, id=placement.id) for placement in PLACEMENTS], scope="session"
)
def test_c12_below_a_prefix_a_batched_action_is_the_direct_request(placement: Placement, placed: Running) -> None:
    path = "/echo/caf%C3%A9%20(1)"
    direct = placed.request("GET", "/api/1.0" + path)
    assert direct.status == 200, direct.body
    body = envelope(get(path), get("/tasks"))
    answer = placed.request("POST", "/api/1.0/batch", body, **JSON)
    assert answer.status == 200, answer.body
    echoed, found = answer.json["data"]
    assert _shown(echoed["body"]) == _shown(direct.json)
    assert (f"{PREFIX}/api/1.0/echo/" in direct.json["url"]) == placement.shown
    assert found["body"] == {"handler": "/tasks", "method": "GET", "id": None}
    # A path that only looks like the route is the host's; where the prefix is only named, it may stand there or not.
    for other in ("/batch", "/api/1.0/batch/", *([f"{PREFIX}/api/1.0/batch"] if placement.shown else [])):
        assert not _batched(placed, other, body), other
