"""What the hosts of these tests leave open on purpose is closed when all have run."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.isolation import leaky_django


@pytest.fixture(scope="session", autouse=True)
def connections() -> Iterator[None]:
    """Python 3.13 warns of a database connection that nobody closed, and a thread takes its own with it."""
    yield
    leaky_django.close_all()
