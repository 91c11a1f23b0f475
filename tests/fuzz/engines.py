"""The two engines, each a loop over inputs with one judge: what they share is here, and the grammar's engine.

`Run` counts, prints a line for each 100,000 inputs, and keeps what it finds. The coverage-guided engine is in
`coverage_guided`, which must be started before batchware is imported.
"""

from __future__ import annotations

import hashlib
import sys
import time
import traceback
from collections import Counter
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from random import Random
from typing import Any

from tests.fuzz.cases import Case, decode

EVERY = 100_000
NEIGHBOURS = 40
"""How many neighbours of each case of the grammar are tried too: to write one takes longer than to try ten."""


def say(line: str) -> None:
    """A line for whoever waits for a run."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


class Enough(BaseException):
    """The inputs or the time are spent, or something was found."""


@dataclass
class Run:
    """One run of an engine: how far it is, and what it found."""

    engine: str
    inputs: int
    seconds: float
    seed: int
    folder: Path
    check: Any
    """`Doors.check`; imported late, so that an engine can watch the import."""
    keep_going: bool = False
    done: int = 0
    came_to: Counter[str] = field(default_factory=Counter)
    found: dict[str, Path] = field(default_factory=dict)
    started: float = field(default_factory=time.monotonic)

    @property
    def is_over(self) -> bool:
        return self.done >= self.inputs or time.monotonic() - self.started >= self.seconds

    def one(self, data: bytes) -> bool:
        """Tries one input, and says whether it was a valid batch. Raises `Enough` when the run is over."""
        valid = False
        try:
            verdict = self.check(decode(data))
        except Exception as error:  # noqa: BLE001 - an oracle that fails is as good a finding as a rule that does
            self._keep(data, error)
        else:
            valid = not verdict.errors
            self.came_to["batches refused as a whole" if verdict.errors else "batches answered"] += 1
            for one in verdict.expected:
                self.came_to["actions refused" if one.refused else "actions open" if one.unsure else "actions run"] += 1
        self.done += 1
        if self.done % EVERY == 0:
            self._say(f"{self.done:,} inputs")
        if self.is_over or (self.found and not self.keep_going):
            raise Enough
        return valid

    def _keep(self, data: bytes, error: Exception) -> None:
        what = f"{type(error).__name__}: {error}"
        kind = what[:80]
        if kind in self.found:
            return
        self.folder.mkdir(parents=True, exist_ok=True)
        path = self.folder / f"finding-{hashlib.sha256(data).hexdigest()[:12]}"
        path.write_bytes(data)
        self.found[kind] = path
        self._say(f"finding in input {self.done + 1:,}: {what[:1000]}")
        if type(error).__name__ != "Finding":
            traceback.print_exception(error)
        say(f"  saved: {path}; again: python -m tests.fuzz --replay {path}")

    def _say(self, what: str) -> None:
        say(f"[{self.engine} {time.monotonic() - self.started:7.0f} s] {what}")

    def summary(self) -> int:
        """Prints what there was, and returns the exit status."""
        seconds = time.monotonic() - self.started
        each = seconds / max(1, self.done) * 1e6
        self._say(f"{self.done:,} inputs, seed {self.seed}, {each:.0f} µs each, findings: {len(self.found)}")
        say("  " + ", ".join(f"{count:,} {name}" for name, count in sorted(self.came_to.items())))
        return 1 if self.found else 0


def grammar_guided(run: Run) -> None:
    """Cases of the grammar, and for each its neighbours, until the run is over."""
    from hypothesis import HealthCheck, Phase, Verbosity, given, seed, settings

    from tests.fuzz.grammar import cases
    from tests.fuzz.neighbours import neighbour
    from tests.fuzz.seeds import seeds

    earlier = list(seeds())
    random = Random()

    def examples(case: Case) -> None:
        data = first = case.encode()
        promising = run.one(first)
        for _ in range(NEIGHBOURS if promising else NEIGHBOURS // 8):
            data = neighbour(data if random.random() < 0.3 else first, random.choice(earlier), random)
            run.one(data)
        earlier.append(first)
        del earlier[:-1000]

    quiet = settings(max_examples=1000, database=None, deadline=None, phases=[Phase.generate],
                     verbosity=Verbosity.quiet, suppress_health_check=list(HealthCheck))  # fmt: skip
    for round_ in count():  # Hypothesis keeps what it has tried, so no round is long
        random.seed(f"{run.seed}/{round_}")
        try:
            seed(run.seed * 1_000_003 + round_)(quiet(given(case=cases())(examples)))()
        except Enough:
            return
