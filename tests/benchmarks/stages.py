"""Where the time of a batch goes: parse, check, admit, build, run, encode, and the application itself.

From samples of a running benchmark: the process is interrupted two thousand times a second, and the innermost frame
that belongs to batchware or to the application says which stage it was in. Counting calls, as a tracing
profiler does, would make small functions look expensive. On WSGI all actions run on the calling thread here.
"""

from __future__ import annotations

import signal
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from types import FrameType

import batchware
from tests.benchmarks import calls
from tests.benchmarks.applications import HOSTS, Host, host
from tests.benchmarks.calls import ECHO, SMALL, Handler
from tests.benchmarks.rounds import Effort, effort, seconds, take_turns

ACTIONS = 10
INTERVAL = 0.0005

TITLE = f"By stage: the time of one action in a batch of {ACTIONS} with everything on, µs"

STAGES = ("parse", "check", "admit", "build", "run", "encode", "drive", "application", "event loop", "benchmark")
"""`run` is what is around the call of the application (tasks, threads, `send`, hooks), `drive` the flow and doors."""

OF_STAGE = {
    "parse": ("wire/asana", "wire/query"),
    "check": ("authorization", "contract/deny", "contract/guard", "contract/paths", "contract/patterns"),
    "admit": (
        *("contract/charges", "contract/limiter", "contract/limits", "contract/standing"),
        *("limiters/memory", "replay/ledger", "replay/places"),
    ),
    "build": ("replay/environ", "replay/scope"),
    "run": (
        *("contract/flight", "contract/hooks", "contract/nesting"),
        *("replay/around", "replay/calls", "replay/child", "replay/responses", "replay/tasks", "replay/threads"),
    ),
    "encode": ("wire/results",),
    "drive": ("asgi", "wsgi", "contract/effects", "contract/flow", "contract/timing"),
}
"""The modules of each stage. Where a module isn't here (`contract/headers`), whoever called it says."""

MODULES = {module: stage for stage, modules in OF_STAGE.items() for module in modules}

FUNCTIONS = {
    ("wire/asana", "result"): "encode",
    ("wire/asana", "write"): "encode",
    ("contract/flight", "results"): "encode",
    ("contract/flight", "_write_settled"): "encode",
    ("contract/flow", "_record"): "check",
    ("contract/flow", "_check_media_type"): "check",
    ("contract/flow", "_admit"): "admit",
}

ON = ("bare-asgi", "starlette", "fastapi", "django-asgi", "bare-wsgi", "flask", "django-wsgi")

_PACKAGE = f"{Path(batchware.__file__).parent}/"
_BENCHMARK = f"{Path(__file__).parent}/"
_CALLED = ("around_action", "on_batch", "__enter__", "__exit__", "_authorize", "send", "receive")
"""Functions of the benchmark that a batch calls; all others are around it."""
_HANDLERS = (f"{_BENCHMARK}applications.py", f"{_BENCHMARK}django_views.py")


def stage_of(frame: FrameType | None) -> str:
    """The stage that the innermost frame with one is in."""
    while frame is not None:
        name, function = frame.f_code.co_filename, frame.f_code.co_name
        if name.startswith(_PACKAGE):
            module = name[len(_PACKAGE) : -len(".py")]
            stage = FUNCTIONS.get((module, function)) or MODULES.get(module, "")
            if stage:
                return stage
        elif "site-packages" in name or name.startswith(_HANDLERS):
            return "application"
        elif name.startswith(_BENCHMARK):
            if function not in _CALLED:
                return "benchmark"
        elif function == "_run_once":
            return "event loop"
        frame = frame.f_back
    return "benchmark"


def _sampled(chosen: Host, handler: Handler, effort: Effort) -> tuple[Counter[str], float]:
    """How often each stage was met, and the seconds of a batch without anybody looking."""
    counts: Counter[str] = Counter()

    def look(number: int, frame: FrameType | None) -> None:
        counts[stage_of(frame)] += 1

    options = {**calls.everything(), **({"threads": 0} if chosen.door == "wsgi" else {})}
    with calls.door_of(chosen) as door, calls.batching(chosen, chosen.make(), options) as full:
        side = calls.batch_side(door, full, handler, ACTIONS)
        taken = seconds(take_turns([side], effort), 0)
        before = signal.signal(signal.SIGALRM, look)
        signal.setitimer(signal.ITIMER_REAL, INTERVAL, INTERVAL)
        try:
            end = time.perf_counter() + 2 * effort.seconds
            while time.perf_counter() < end or not counts:
                side()
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0.0)
            signal.signal(signal.SIGALRM, before)
    return counts, taken


def rows(quick: bool) -> Iterator[list[str]]:
    yield ["application", "handler", *STAGES[:-2], "all", "samples"]
    for name in ON[:2] if quick else ON:
        if not host(name).here:
            continue
        for handler in (SMALL,) if quick else (SMALL, ECHO):
            counts, taken = _sampled(host(name), handler, effort(quick))
            shown = {stage: counts[stage] for stage in STAGES[:-2]}
            # What the loop does is done for the tasks; what the benchmark does around a batch isn't in its time.
            shown["run"] += counts["event loop"]
            total = sum(shown.values()) or 1
            one = taken / ACTIONS * 1e6
            cells = [f"{count / total * one:.1f}" for count in shown.values()]
            yield [host(name).label, handler.label, *cells, f"{one:.1f}", str(total)]


assert {host.id for host in HOSTS} >= set(ON)
