"""Large bodies: a batch of ten against ten direct calls, and how fast their results are written.

JSON is embedded as it is and only read for its validity; what is no JSON becomes base64. The gigabytes a second are
those of the bodies: of the ten results and the answer alone, without the calls before them.
"""

from __future__ import annotations

from collections.abc import Iterator

from batchware import Action, BatchConfig
from batchware.contract.model import Layout, Outcome
from tests.benchmarks import calls
from tests.benchmarks.applications import FIXED, HOSTS, host
from tests.benchmarks.calls import Handler, getting
from tests.benchmarks.rounds import Effort, Timed, effort, now, ratios, seconds, take_turns

ACTIONS = 10

TITLE = "Large bodies: a batch of ten against ten direct calls, and ten results written (1 GB/s wanted for 1 MB)"

BODIES = (
    getting("JSON, 100 KB", "/kb100"),
    getting("JSON, 1 MB", "/mb1"),
    getting("JSON, one string of 1 MB", "/text1"),
    getting("binary, 1 MB", "/binary1"),
)

ON = ("bare-asgi", "starlette", "flask")


def written(handler: Handler) -> Timed:
    """Ten results of the body of `handler`, and the answer that they make."""
    body, kind = FIXED[handler.path]
    dialect, layout = BatchConfig().dialect, Layout()
    outcome = Outcome(200, [("content-type", kind), ("content-length", str(len(body)))], body, None, 0.0)
    actions = [Action(index, handler.method, handler.path) for index in range(ACTIONS)]

    def timed() -> float:
        start = now()
        results = [dialect.result(action, outcome, layout) for action in actions]
        answer = dialect.write(results, layout)
        taken = now() - start
        assert len(answer) > ACTIONS * len(body)
        return taken

    return timed


def _row(name: str, handler: Handler, effort: Effort) -> list[str]:
    chosen = host(name)
    app, size = chosen.make(), len(FIXED[handler.path][0])
    with calls.door_of(chosen) as door, calls.batching(chosen, app, {**calls.everything(), **calls.ROOMY}) as full:
        sides = [
            calls.direct_side(door, app, handler, ACTIONS),
            calls.batch_side(door, full, handler, ACTIONS),
            written(handler),
        ]
        rounds = take_turns(sides, effort)
    direct, batch, writing = (seconds(rounds, side) for side in range(3))
    return [
        chosen.label, handler.label, f"{direct * 1e3:.2f}", f"{batch * 1e3:.2f}", *ratios(rounds, 1).cells(".1f"),
        f"{(batch - direct) / ACTIONS * 1e6:.0f}", f"{ACTIONS * size / writing / 1e9:.2f}",
    ]  # fmt: skip


def rows(quick: bool) -> Iterator[list[str]]:
    yield ["application", "body", "direct, ms", "batch, ms", "ratio", "p10", "p90", "per action, µs", "written, GB/s"]
    for name in ON[:1] if quick else ON:
        if name in [host.id for host in HOSTS if host.here]:
            for handler in BODIES:
                yield _row(name, handler, effort(quick))
