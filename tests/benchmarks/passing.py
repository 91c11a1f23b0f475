"""What batchware costs where hardly anything is batched: a request that passes through, and a batch of one.

Differences to a direct call of the same application, round by round.
"""

from __future__ import annotations

from collections.abc import Iterator

from batchware import Quota
from tests.benchmarks import calls
from tests.benchmarks.applications import HOSTS, Host, host
from tests.benchmarks.calls import SMALL
from tests.benchmarks.rounds import Effort, Spread, Timed, effort, seconds, take_turns

MANY = 100
"""Requests a round and side: one takes not much more than reading the clock."""

TITLE = "Passing through, and a batch of one (wanted: 1 µs without limits, 12 µs with a quota, 50 µs on Starlette)"

ON = ("bare-asgi", "starlette", "bare-wsgi", "flask")


def _one(side: Timed, times: int) -> Timed:
    return lambda: side() / times


def _rows(chosen: Host, effort: Effort) -> Iterator[list[str]]:
    app = chosen.make()
    quota = {"limits": [Quota("requests", 10**9)]}
    with (
        calls.door_of(chosen) as door,
        calls.batching(chosen, app, calls.bare()) as bare,
        calls.batching(chosen, app, quota) as limited,
        calls.batching(chosen, app, calls.everything()) as full,
    ):
        cases = {
            "direct request, no limits": _one(calls.direct_side(door, bare, SMALL, MANY), MANY),
            "direct request, one quota": _one(calls.direct_side(door, limited, SMALL, MANY), MANY),
            "direct request, all on": _one(calls.direct_side(door, full, SMALL, MANY), MANY),
            "batch of one, bare": calls.batch_side(door, bare, SMALL, 1),
            "batch of one, all on": calls.batch_side(door, full, SMALL, 1),
        }
        sides = [_one(calls.direct_side(door, app, SMALL, MANY), MANY), *cases.values()]
        rounds = take_turns(sides, effort)
    for at, case in enumerate(cases, 1):
        more = Spread.of([(taken[at] - taken[0]) * 1e6 for taken in rounds])
        yield [chosen.label, case, f"{seconds(rounds, 0) * 1e6:.2f}", *more.cells(".2f")]


def rows(quick: bool) -> Iterator[list[str]]:
    yield ["application", "request", "direct, µs", "more, µs", "p10", "p90"]
    here = [host.id for host in HOSTS if host.here]
    for name in ON:
        if name in here:
            yield from _rows(host(name), effort(quick).times(2))
