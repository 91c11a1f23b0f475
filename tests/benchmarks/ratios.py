"""A batch of ten against ten direct calls of the same application, in process: on every host, bare and with all on."""

from __future__ import annotations

from collections.abc import Iterator

from tests.benchmarks import calls
from tests.benchmarks.applications import HOSTS, Host
from tests.benchmarks.calls import ECHO, SMALL, Handler
from tests.benchmarks.rounds import Effort, effort, ratios, seconds, take_turns, undisturbed

ACTIONS = 10

TITLE = f"In process: a batch of {ACTIONS} against {ACTIONS} direct calls (1.00 would be free)"

HEAD = [
    "application", "handler", "direct, µs", "all on: µs", "ratio", "p10", "p90", "fastest", "per action, µs",
    "bare: µs", "ratio", "p10", "p90", "fastest",
]  # fmt: skip


def _row(host: Host, handler: Handler, effort: Effort) -> list[str]:
    app = host.make()
    with (
        calls.door_of(host) as door,
        calls.batching(host, app, calls.everything()) as full,
        calls.batching(host, app, calls.bare()) as bare,
    ):
        sides = [
            calls.direct_side(door, app, handler, ACTIONS),
            calls.batch_side(door, full, handler, ACTIONS),
            calls.batch_side(door, bare, handler, ACTIONS),
        ]
        rounds = take_turns(sides, effort)
    cells = [host.label, handler.label, f"{seconds(rounds, 0) * 1e6:.0f}"]
    for side in (1, 2):
        cells += [f"{seconds(rounds, side) * 1e6:.0f}", *ratios(rounds, side).cells(".2f")]
        cells.append(f"{undisturbed(rounds, side):.2f}")
        if side == 1:
            cells.append(f"{(seconds(rounds, 1) - seconds(rounds, 0)) / ACTIONS * 1e6:.1f}")
    return cells


def rows(quick: bool) -> Iterator[list[str]]:
    yield HEAD
    for host in HOSTS:
        if host.here:
            for handler in (SMALL, ECHO):
                yield _row(host, handler, effort(quick))
