"""A client that goes away while its batch runs (C28)."""

from __future__ import annotations

from http.client import HTTPConnection

import pytest

from tests.servers.kinds import SERVERS, params
from tests.servers.running import JSON, Running, envelope, get, wait_for

ASGI = [server for server in SERVERS if server.door == "asgi"]
WSGI = [server for server in SERVERS if server.door == "wsgi"]


def _send_and_go(served: Running, connection: HTTPConnection, *paths: str) -> None:
    """A batch whose client goes away as soon as its actions have their places."""
    connection.request("POST", "/batch", envelope(*map(get, paths)), JSON)
    served.settled(places=len(paths))
    connection.close()


@pytest.mark.parametrize("server", params(*ASGI))
def test_c28_children_see_the_disconnect_and_writes_go_on(served: Running, connection: HTTPConnection) -> None:
    before = served.settled(places=0)
    served.hold()
    _send_and_go(served, connection, "/until-gone", "/held", "/until-gone")
    served.settled(gone=before["gone"] + 2, finished=before["finished"])
    served.release()
    served.settled(finished=before["finished"] + 1, places=0)
    wait_for("tasks as before", lambda: served.census()["tasks"] <= before["tasks"])
    assert served.request("GET", "/tasks").status == 200


@pytest.mark.parametrize("server", params(*(server for server in WSGI if not server.single)))
def test_c28_on_wsgi_the_actions_end_and_free_their_places(served: Running, connection: HTTPConnection) -> None:
    before = served.settled(places=0)
    served.hold()
    _send_and_go(served, connection, "/held", "/held")
    served.release()
    served.settled(finished=before["finished"] + 2, places=0)
    assert served.request("GET", "/tasks").status == 200
