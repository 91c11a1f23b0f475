"""The fixtures of the taskboard's tests."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.examples.boards import FACES, Face, facing


@pytest.fixture(params=FACES)
def face(request: pytest.FixtureRequest) -> Iterator[Face]:
    """Every test that asks for this runs on each of the three faces."""
    with facing(request.param) as made:
        yield made
