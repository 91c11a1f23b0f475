"""Two doors for a test of the fuzzers, silent, and closed after it."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator

import pytest

from tests.fuzz.checks import Doors


@pytest.fixture
def make_doors() -> Iterator[Callable[[], Doors]]:
    """Makes doors after the test has broken something, or not."""
    made: list[Doors] = []

    def make() -> Doors:
        made.append(Doors())
        return made[-1]

    logging.disable(logging.CRITICAL)
    yield make
    logging.disable(logging.NOTSET)
    for doors in made:
        doors.close()
