"""Ten handlers that wait 50 ms each, as one batch in process: what is above 50 ms is the price.

The clock is always the wall's. `one` is a direct call in the same round, since a loaded machine wakes nobody in time.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

from tests.benchmarks import calls
from tests.benchmarks.applications import HOSTS, WAIT, Host
from tests.benchmarks.calls import Handler, getting
from tests.benchmarks.rounds import Effort, Spread, Timed, effort, seconds, take_turns

ACTIONS = 10

ASYNC, SYNC = getting("async, waits 50 ms", "/wait"), getting("sync, waits 50 ms", "/wait-sync")

QUICKLY = ("starlette", "django-asgi", "flask")
"""The hosts of a quick run."""

TITLE = f"Ten handlers that wait {WAIT * 1000:.0f} ms each, one batch (wanted: ASGI 55, Django 80, WSGI 62 ms)"


def _by_the_wall(side: Timed) -> Timed:
    def timed() -> float:
        start = time.perf_counter()
        side()
        return time.perf_counter() - start

    return timed


def _row(chosen: Host, handler: Handler, options: dict[str, Any], effort: Effort) -> list[str]:
    app = chosen.make()
    with calls.door_of(chosen) as door, calls.batching(chosen, app, options) as full:
        sides = [
            _by_the_wall(calls.direct_side(door, app, handler, 1)),
            _by_the_wall(calls.batch_side(door, full, handler, ACTIONS)),
        ]
        rounds = take_turns(sides, effort)
    batch = Spread.of([taken[1] * 1e3 for taken in rounds])
    fastest = min(taken[1] for taken in rounds) * 1e3
    return [chosen.label, handler.label, f"{seconds(rounds, 0) * 1e3:.1f}", *batch.cells(".1f"), f"{fastest:.1f}"]


def rows(quick: bool) -> Iterator[list[str]]:
    yield ["application", "handler", "one, ms", "batch, ms", "p10", "p90", "fastest"]
    for chosen in HOSTS:
        if chosen.here and not (quick and chosen.id not in QUICKLY):
            for handler in (ASYNC, SYNC) if chosen.door == "asgi" else (SYNC,):
                yield _row(chosen, handler, calls.everything(), effort(quick, Effort(3.0, 20)))
