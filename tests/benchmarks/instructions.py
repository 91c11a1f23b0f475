"""How many instructions of the processor an action takes, counted by valgrind: on a busy machine as on a quiet one.

Each count is a process of its own, which makes some batches of ten, or the ten direct calls, after it has warmed up.
What a process without them takes is subtracted; two starts differ by some millions, so it takes many batches.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator

from tests.benchmarks import calls
from tests.benchmarks.applications import host
from tests.benchmarks.calls import SMALL
from tests.benchmarks.rounds import LEAST

ACTIONS = 10
WARM = 20
"""Batches, and as often ten direct calls, before those that are counted: the interpreter has specialised by then."""

TITLE = "Instructions of one action, in thousands (no-op handler, everything on)"

ON = ("bare-asgi", "starlette", "fastapi", "bare-wsgi", "flask")

SIDES = ("direct", "batch")


def _instructions(name: str, side: str, batches: int) -> int:
    """Those of a whole process."""
    code = f"from tests.benchmarks.instructions import run; run({name!r}, {side!r}, {batches})"
    command = ["valgrind", "--tool=cachegrind", "--cache-sim=no", "--cachegrind-out-file=/dev/null"]
    said = subprocess.run(
        [*command, sys.executable, "-c", code],
        capture_output=True, text=True, check=True, env={**os.environ, "PYTHONHASHSEED": "0"},
    ).stderr  # fmt: skip
    found = re.search(r"I\s+refs:\s+([0-9,]+)", said)
    assert found, said
    return int(found[1].replace(",", ""))


def run(name: str, side: str, batches: int) -> None:
    """What a counted process does."""
    chosen = host(name)
    app = chosen.make()
    with calls.door_of(chosen) as door, calls.batching(chosen, app, calls.everything()) as full:
        sides = {
            "direct": calls.direct_side(door, app, SMALL, ACTIONS),
            "batch": calls.batch_side(door, full, SMALL, ACTIONS),
        }
        for _ in range(WARM):
            for other in sides.values():
                other()
        for _ in range(batches):
            sides[side]()


def rows(quick: bool) -> Iterator[list[str]]:
    yield ["application", "direct", "batch", "ratio", "more an action"]
    if shutil.which("valgrind") is None:
        yield ["not measured: valgrind is not installed", "-", "-", "-", "-"]
        return
    batches = 10 * LEAST if quick else 300
    for name in ON[:1] if quick else ON:
        if host(name).here:
            before = _instructions(name, "batch", 0)
            direct, batch = ((_instructions(name, side, batches) - before) / batches / ACTIONS / 1000 for side in SIDES)
            yield [host(name).label, f"{direct:.1f}", f"{batch:.1f}", f"{batch / direct:.2f}", f"{batch - direct:.1f}"]
