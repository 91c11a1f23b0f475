"""What `import batchware.asgi` costs a process that starts, against one that imports nothing.

Each is a process of its own, in turns, by the clock and by what it took of the processor. Much of it is asyncio, which
a server of ASGI has loaded anyhow: `without asyncio` is against a process that imports that alone.
"""

from __future__ import annotations

import resource
import subprocess
import sys
import time
from collections.abc import Iterator

from tests.benchmarks.rounds import Effort, Spread, Timed, differences, effort, take_turns

TITLE = "Start: the time that importing takes (40 ms wanted for batchware.asgi)"

MODULES = ("batchware", "batchware.asgi", "batchware.wsgi")


def _starting(code: str, spent: list[float]) -> Timed:
    def timed() -> float:
        start, before = time.perf_counter(), _of_children()
        subprocess.run([sys.executable, "-c", code], check=True)
        taken = time.perf_counter() - start
        spent.append(_of_children() - before)
        return taken

    return timed


def _of_children() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def rows(quick: bool) -> Iterator[list[str]]:
    yield ["module", "by the clock, ms", "p10", "p90", "without asyncio", "CPU, ms", "p10", "p90", "without asyncio"]
    codes = ("pass", "import asyncio", *(f"import {module}" for module in MODULES))
    spent: list[list[float]] = [[] for _ in codes]
    sides = [_starting(code, times) for code, times in zip(codes, spent, strict=True)]
    rounds = take_turns(sides, effort(quick, Effort(20.0, 20)))
    processor = list(zip(*(times[-len(rounds) :] for times in spent), strict=True))
    for at, module in enumerate(MODULES, 2):
        cells = [module]
        for taken in (rounds, processor):
            cells += Spread.of([(one[at] - one[0]) * 1e3 for one in taken]).cells(".1f")
            cells.append(f"{differences(taken, at, 1).middle * 1e3:.1f}" if at > 2 else "-")
        yield cells
