"""Property tests are silent: their handlers fail on purpose, hundreds of times, and each failure has a traceback."""

from __future__ import annotations

import logging
from collections.abc import Iterator

import pytest

from tests.hosts import probe


@pytest.fixture(autouse=True)
def _silence() -> Iterator[None]:
    logging.disable(logging.CRITICAL)
    probe.reset()
    yield
    probe.reset()
    logging.disable(logging.NOTSET)
