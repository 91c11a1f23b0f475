"""Every test of the contract starts with hosts that have seen nothing."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.hosts import probe


@pytest.fixture(autouse=True)
def fresh_probe() -> Iterator[None]:
    probe.reset()
    yield
    probe.reset()
