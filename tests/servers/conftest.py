"""One server of each kind for all tests that can share it; a test that fails shows its server's log."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, closing
from http.client import HTTPConnection
from typing import Any

import pytest

from tests.servers.kinds import SERVERS, Server, require
from tests.servers.reporting import pytest_runtest_makereport  # noqa: F401  # a hook of this folder
from tests.servers.running import Running, running

Serve = Callable[..., Running]

MOST = len(SERVERS)
"""Servers that are kept alive at once: all, so that a test of each does not end the one that the next test needs."""


@pytest.fixture(scope="session")
def pool() -> Iterator[Serve]:
    alive: dict[str, tuple[Running, ExitStack]] = {}

    def serve(server: Server, host: str | None = None, options: Mapping[str, Any] | None = None) -> Running:
        require(server)
        key = f"{server.id} {host or server.door} {options}"
        if key not in alive:
            if len(alive) == MOST:
                alive.pop(next(iter(alive)))[1].close()
            stack = ExitStack()
            alive[key] = stack.enter_context(running(server, host, options)), stack
        return alive[key][0]

    yield serve
    for _, stack in alive.values():
        stack.close()


@pytest.fixture
def served(request: pytest.FixtureRequest, pool: Serve, server: Server) -> Running:
    """The bare host on the `server` of the test, with all options as they are by default."""
    served = pool(server)
    served.release()
    return served


@pytest.fixture
def connection(served: Running) -> Iterator[HTTPConnection]:
    """A connection to `served` that is kept alive as long as the server wants."""
    with closing(served.connect()) as connection:
        yield connection
