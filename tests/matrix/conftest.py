"""The server of the cell or the placement that a test is about; a test that fails shows its log."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

import pytest

from tests.matrix import nginx
from tests.matrix.cells import FEW, Cell
from tests.matrix.fleet import Fleet
from tests.matrix.hosts import require_framework
from tests.matrix.http2 import Http2Running
from tests.matrix.placements import Placement
from tests.matrix.servers import HTTP2, PREFIX
from tests.servers.kinds import require
from tests.servers.reporting import pytest_runtest_makereport  # noqa: F401  # a hook of this folder
from tests.servers.running import Running, running

T = TypeVar("T")


def _chosen(request: pytest.FixtureRequest, name: str) -> list[Any]:
    """What the tests of this run are about, in the order in which they come."""
    params = [item.callspec.params for item in request.session.items if hasattr(item, "callspec")]
    return list(dict.fromkeys(values[name] for values in params if name in values))


@contextmanager
def _serving_cell(cell: Cell) -> Iterator[Running]:
    require(cell.server)
    require_framework(cell.host.id)
    options = {"limits": [["quota", "few", FEW, {"per": 3600, "paths": ["/users/**"]}]]}
    with running(cell.server, cell.host.id, options) as served:
        yield Http2Running(**vars(served)) if cell.server.id in HTTP2 else served


@contextmanager
def _serving_placement(placement: Placement) -> Iterator[Running]:
    require(placement.server)
    require_framework(placement.host)
    if not placement.forward:
        with running(placement.server, placement.host, {"path": placement.path}, **placement.how) as served:
            served.prefix = placement.sent
            yield served
        return
    nginx.require_nginx()
    with (
        running(placement.server, placement.host, {"path": placement.path}, **placement.how) as served,
        nginx.in_front(served, PREFIX, placement.forward) as reached,
    ):
        yield reached


@pytest.fixture(scope="session")
def fleet_of_cells(request: pytest.FixtureRequest) -> Iterator[Fleet[Cell]]:
    fleet = Fleet(_chosen(request, "cell"), _serving_cell)
    yield fleet
    fleet.close()


@pytest.fixture(scope="session")
def served(fleet_of_cells: Fleet[Cell], cell: Cell) -> Iterator[Running]:
    yield fleet_of_cells.take(cell)
    fleet_of_cells.done(cell)


@pytest.fixture(scope="session")
def fleet_of_placements(request: pytest.FixtureRequest) -> Iterator[Fleet[Placement]]:
    fleet = Fleet(_chosen(request, "placement"), _serving_placement)
    yield fleet
    fleet.close()


@pytest.fixture(scope="session")
def placed(fleet_of_placements: Fleet[Placement], placement: Placement) -> Iterator[Running]:
    yield fleet_of_placements.take(placement)
    fleet_of_placements.done(placement)
