"""The taskboard on its three faces, on real servers in this process."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from examples.taskboard.api import BATCH
from examples.taskboard.hosts import LOOPBACK, listen, serving
from examples.taskboard.sample import Sample
from tests.examples.boards import FACES, filled, settings_of


@dataclass(frozen=True)
class Served:
    """A taskboard that answers at `url`, to whoever has the `headers`."""

    url: str
    headers: dict[str, str]
    sample: Sample


@pytest.fixture(scope="module", params=FACES)
def served(request: pytest.FixtureRequest) -> Iterator[Served]:
    """The taskboard on each of its faces."""
    with settings_of(request.param), filled() as (board, sample):
        listener = listen(0)
        port = listener.getsockname()[1]
        with serving(request.param, board, listener):
            headers = {"Authorization": f"Bearer {sample.token}"}
            yield Served(f"http://{LOOPBACK}:{port}{BATCH}", headers, sample)
