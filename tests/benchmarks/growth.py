"""How the cost grows with the number of actions: one batch of each size in every round.

The figures are of the whole batch, with the application's own work, for one action; `to ten` compares them, round by
round, with those of the batch of ten.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from tests.benchmarks import calls
from tests.benchmarks.applications import HOSTS, Host, host
from tests.benchmarks.calls import ECHO, SMALL, Door, Handler
from tests.benchmarks.rounds import Effort, Spread, Timed, effort, seconds, take_turns

SIZES = (1, 2, 5, 10, 20, 100, 1000)
TEN = SIZES.index(10)
LIKE = 200
"""Actions that the smaller sizes make in a round, in as many batches as that takes."""

TITLE = "Growth: one batch of many sizes, the cost of one action (at 1,000 within 15% of that at 10 wanted)"

ON = ("bare-asgi", "starlette", "fastapi", "bare-wsgi", "flask")


def _repeated(side: Timed, times: int) -> Timed:
    return lambda: sum(side() for _ in range(times)) / times


def _sides(door: Door, app: Any, middleware: Any, handler: Handler) -> list[Timed]:
    direct = calls.direct_side(door, app, handler, LIKE)
    batches = [_repeated(calls.batch_side(door, middleware, handler, size), max(1, LIKE // size)) for size in SIZES]
    return [*batches, direct]


def _rows(chosen: Host, handler: Handler, effort: Effort) -> Iterator[list[str]]:
    app = chosen.make()
    with calls.door_of(chosen) as door, calls.batching(chosen, app, {**calls.everything(), **calls.ROOMY}) as full:
        rounds = take_turns(_sides(door, app, full, handler), effort)
    for at, size in enumerate(SIZES):
        one = seconds(rounds, at) / size
        direct = seconds(rounds, len(SIZES)) / LIKE
        to_ten = Spread.of([taken[at] / size / (taken[TEN] / 10) for taken in rounds])
        ratio = Spread.of([taken[at] / size / (taken[-1] / LIKE) for taken in rounds])
        yield [
            chosen.label, handler.label, str(size), f"{direct * 1e6:.1f}", f"{one * 1e6:.1f}", f"{ratio.middle:.2f}",
            *to_ten.cells(".2f"),
        ]  # fmt: skip


def rows(quick: bool) -> Iterator[list[str]]:
    yield ["application", "handler", "actions", "direct, µs", "batch, µs", "ratio", "to ten", "p10", "p90"]
    here = [host.id for host in HOSTS if host.here]
    for name in ON[:2] if quick else ON:
        if name in here:
            for handler in (SMALL,) if quick else (SMALL, ECHO):
                yield from _rows(host(name), handler, effort(quick, Effort(8.0, 5)))
