"""The soak for a moment: that what it does can be served and what it measures can fail."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest

from tests.servers.kinds import GUNICORN, UVICORN, Server, params, require
from tests.soak.__main__ import HEAD, soak
from tests.soak.plays import Wrong, play
from tests.soak.watch import Sample, Watch


@pytest.mark.parametrize("server", params(UVICORN, GUNICORN))
def test_c0_every_answer_of_a_short_soak_is_right(server: Server) -> None:
    require(server)
    (row,) = soak([server], seconds=3.0, rate=40.0, seed=3)
    assert len(row) == len(HEAD) + 1
    assert int(row[1]) > 50
    assert row[3] == "0", row[-1]


def test_a_play_takes_no_other_answer() -> None:
    for seed in range(200):
        turn = play(random.Random(seed))
        with pytest.raises((Wrong, ValueError, KeyError, TypeError)):
            turn.check(200, {}, b'{"data": [], "errors": [{"message": ""}], "id": "none"}')


def test_growth_is_seen() -> None:
    idle = Sample(0.0, 100, threads=9, descriptors=9, tasks=3, connections=0, places=0)
    watch = Watch.__new__(Watch)
    watch.samples = [replace(idle, at=at, memory=memory) for at, memory in ((0.0, 100), (300.0, 100), (600.0, 106))]
    assert [line.split(":")[0] for line in watch.not_flat(idle, replace(idle, tasks=4, connections=1))] == [
        "tasks",
        "connections",
        "memory",
    ]
    watch.samples[-1] = replace(idle, at=600.0)
    assert watch.not_flat(idle, idle) == []
