"""A Redis for all tests that leave it as it was, and one of its own for each that does not."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.limits.servers import Server, cluster, serving


@pytest.fixture(scope="session")
def redis_server() -> Iterator[Server]:
    with serving() as server:
        yield server


@pytest.fixture
def own_redis() -> Iterator[Server]:
    with serving() as server:
        yield server


@pytest.fixture(scope="session")
def redis_cluster() -> Iterator[list[Server]]:
    with cluster() as servers:
        yield servers
