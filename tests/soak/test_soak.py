"""The soak for a moment: that what it does can be served and what it measures can fail."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest

from tests.servers.kinds import GUNICORN, UVICORN, Server, params, require
from tests.soak.__main__ import HEAD, PAIRS, soak
from tests.soak.actions import Wrong
from tests.soak.plays import play
from tests.soak.watch import Sample, Watch


@pytest.mark.parametrize("server", params(UVICORN, GUNICORN))
def test_c0_every_answer_of_a_short_soak_is_right(server: Server) -> None:
    require(server)
    (row,) = soak([server], seconds=1.0, rate=100.0, seed=3, at_least=200)
    assert len(row) == len(HEAD + PAIRS) + 1
    assert row[3] == "0", row[-1]


def test_a_play_takes_no_other_answer() -> None:
    for seed in range(200):
        turn = play(random.Random(seed))
        with pytest.raises((Wrong, ValueError, KeyError, TypeError)):
            turn.check(200, {}, b'{"data": [], "errors": [{"message": ""}], "id": "none"}')


def test_growth_is_seen() -> None:
    idle = Sample(0.0, 100, threads=9, own=1, descriptors=9, tasks=3, connections=0, places=0)
    watch = Watch.__new__(Watch)
    watch.samples = [replace(idle, at=at, memory=memory) for at, memory in ((0.0, 100), (100.0, 100), (600.0, 106))]
    assert [
        line.split(":")[0] for line in watch.not_flat(idle, replace(idle, tasks=4, own=2, connections=1, threads=18))
    ] == [
        "tasks",
        "own",
        "connections",
        "threads",
        "memory",
    ]
    watch.samples[-1] = replace(idle, at=600.0)
    assert watch.not_flat(idle, idle) == []
    watch.samples = [
        replace(sample, blocks=blocks) for sample, blocks in zip(watch.samples, (10, 200, 205), strict=True)
    ]
    assert watch.not_flat(idle, idle) == ["blocks: 200 -> 205"]
