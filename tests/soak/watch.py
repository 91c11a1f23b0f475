"""What a server's process holds, sampled while clients are at work, and whether it is flat."""

from __future__ import annotations

import statistics
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.servers.running import Running

WARM_UP = 120.0  # seconds; by then pools are full and caches warm
GROWTH = 0.05  # how much more than after the warm-up the process may hold at its end
KEPT = 0.02  # and how many more of Python's blocks; what is in flight at the moment makes some of it
LATE = 8  # threads by which a pool may still grow after that
WINDOW = 30.0  # seconds around a moment that its memory is the median of


@dataclass
class Sample:
    at: float
    memory: int
    """Resident bytes of the process that serves."""
    threads: int
    """All of the process, those too that hosts and servers keep in pools."""
    own: int
    """Those that are in no such pool."""
    descriptors: int
    tasks: int
    connections: int
    places: int
    pid: int = 0
    blocks: int = 0
    """Blocks of memory that Python has given out: they show whether growth is kept objects or the allocator's."""


@dataclass
class Watch:
    """The samples of one server, from its first one on."""

    running: Running
    samples: list[Sample] = field(default_factory=list)
    _began: float = 0.0

    def look(self) -> Sample:
        if not self.samples:
            self._began = time.monotonic()
        census: dict[str, Any] = self.running.census()
        status = Path(f"/proc/{census['pid']}/status").read_text()
        fields = dict(line.split(":", 1) for line in status.splitlines())
        sample = Sample(
            time.monotonic() - self._began,
            int(fields["VmRSS"].split()[0]) * 1024,
            int(fields["Threads"]),
            len(census["threads"]),
            census["descriptors"],
            census["tasks"],
            census["connections"],
            census["places"],
            census["pid"],
            census["blocks"],
        )
        self.samples.append(sample)
        return sample

    def _until(self, moment: float) -> list[Sample]:
        return [sample for sample in self.samples if sample.at <= moment]

    def _near(self, moment: float) -> list[Sample]:
        nearest = min(self.samples, key=lambda sample: abs(sample.at - moment))
        return [sample for sample in self.samples if abs(sample.at - moment) <= WINDOW / 2] or [nearest]

    def memory_at(self, moment: float) -> float:
        return statistics.median(sample.memory for sample in self._near(moment))

    def _blocks(self, moment: float) -> float:
        return statistics.median(sample.blocks for sample in self._near(moment))

    @property
    def warm(self) -> float:
        """When the warm-up has ended; in a short run, at its half."""
        return min(WARM_UP, self.samples[-1].at / 2)

    @property
    def before(self) -> float:
        return self.memory_at(self.warm)

    @property
    def after(self) -> float:
        return self.memory_at(self.samples[-1].at)

    @property
    def peak(self) -> int:
        return max(sample.memory for sample in self.samples)

    def not_flat(self, idle: Sample, end: Sample) -> list[str]:
        """What the process holds at the `end`, with nobody there, that it did not hold when it was `idle` and warm."""
        spares = (("tasks", 0), ("own", 0), ("connections", 0), ("places", 0), ("descriptors", 4))
        found = [
            f"{name}: {getattr(idle, name)} -> {getattr(end, name)}"
            for name, spare in spares
            if getattr(end, name) > getattr(idle, name) + spare
        ]
        pooled = max(sample.threads for sample in (self.samples[0], *self._until(self.warm)))
        if end.threads > pooled + LATE:
            found.append(f"threads: {pooled} when it was warm, {end.threads} at the end")
        if end.pid != idle.pid:
            found.append(f"the process: {idle.pid} ended, {end.pid} serves")
        if self._blocks(self.samples[-1].at) > self._blocks(self.warm) * (1 + KEPT):
            found.append(f"blocks: {self._blocks(self.warm):.0f} -> {self._blocks(self.samples[-1].at):.0f}")
        if self.after > self.before * (1 + GROWTH):
            found.append(f"memory: {self.before / 2**20:.1f} -> {self.after / 2**20:.1f} MiB")
        return found
