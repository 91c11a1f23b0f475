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
WINDOW = 30.0  # seconds around a moment that its memory is the median of


@dataclass
class Sample:
    at: float
    memory: int
    """Resident bytes of the process that serves."""
    threads: int
    descriptors: int
    tasks: int
    connections: int
    places: int


@dataclass
class Watch:
    """The samples of one server, from its first one on."""

    running: Running
    samples: list[Sample] = field(default_factory=list)
    _began: float = field(default_factory=time.monotonic)

    def look(self) -> Sample:
        census: dict[str, Any] = self.running.census()
        status = Path(f"/proc/{census['pid']}/status").read_text()
        fields = dict(line.split(":", 1) for line in status.splitlines())
        sample = Sample(
            time.monotonic() - self._began,
            int(fields["VmRSS"].split()[0]) * 1024,
            int(fields["Threads"]),
            census["descriptors"],
            census["tasks"],
            census["connections"],
            census["places"],
        )
        self.samples.append(sample)
        return sample

    def memory_at(self, moment: float) -> float:
        near = [sample.memory for sample in self.samples if abs(sample.at - moment) <= WINDOW / 2]
        return statistics.median(near or [min(self.samples, key=lambda sample: abs(sample.at - moment)).memory])

    @property
    def before(self) -> float:
        """Memory after the warm-up; of a short run, at its half."""
        return self.memory_at(min(WARM_UP, self.samples[-1].at / 2))

    @property
    def after(self) -> float:
        return self.memory_at(self.samples[-1].at)

    @property
    def peak(self) -> int:
        return max(sample.memory for sample in self.samples)

    def not_flat(self, idle: Sample, end: Sample) -> list[str]:
        """What the process holds at the `end`, with nobody there, that it did not hold when it was `idle` and warm."""
        found = [
            f"{name}: {getattr(idle, name)} -> {getattr(end, name)}"
            for name, spare in (("tasks", 0), ("connections", 0), ("places", 0), ("descriptors", 4), ("threads", 8))
            if getattr(end, name) > getattr(idle, name) + spare
        ]
        if self.after > self.before * (1 + GROWTH):
            found.append(f"memory: {self.before / 2**20:.1f} -> {self.after / 2**20:.1f} MiB")
        return found
