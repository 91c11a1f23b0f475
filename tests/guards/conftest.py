"""Every test of the guards starts with hosts that have seen nothing, and with endpoints that have not run."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from batchware.contract.nesting import Mark, current
from tests.guards.forms import ran
from tests.hosts import probe


@pytest.fixture(autouse=True)
def nothing_ran() -> Iterator[None]:
    ran.clear()
    probe.reset()
    yield
    ran.clear()
    probe.reset()


@pytest.fixture
def in_an_action() -> Iterator[Mark]:
    """The test's own context is an action's, by this mark."""
    mark = Mark()
    token = current.set(mark)
    yield mark
    current.reset(token)
