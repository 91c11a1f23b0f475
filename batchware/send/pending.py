"""What is to be sent, and when: lines that were just read, lines that were put off, batches that wait their time.

Decides the order (what has waited longest for its time first, new lines last), when a batch leaves that is not full,
and that batches which wait take the places of new ones: a limit that is used up is not asked by ever more of them.
"""

from __future__ import annotations

import heapq
from collections import deque
from collections.abc import Callable

from .actions import AROUND, Batch, Entry

LINGER = 0.05  # seconds that a batch which is not full waits for more of a slow input


class Pending:
    """Makes batches out of lines. Times are in seconds of a clock that its user reads."""

    def __init__(
        self, parallel: int, max_actions: int, max_body_bytes: int, *, key: Callable[[int], str], last: int
    ) -> None:
        self._parallel, self.max_actions, self._max_bytes = parallel, max_actions, max_body_bytes
        self._most = 4 * parallel * max_actions
        self._key, self._last = key, last
        self._fresh: deque[Entry] = deque()
        self._fresh_since = 0.0
        self._again: deque[Entry] = deque()
        self._again_due = 0.0
        self._waiting: list[tuple[float, int, Batch]] = []
        self.ended = False
        """Whether nothing fresh will come any more."""

    def __bool__(self) -> bool:
        return bool(self._fresh or self._again or self._waiting)

    @property
    def owing(self) -> bool:
        """Whether there is anything but fresh lines."""
        return bool(self._again or self._waiting)

    def fresh(self, entry: Entry, now: float) -> None:
        """A line that was just read."""
        if not self._fresh:
            self._fresh_since = now
        self._fresh.append(entry)

    def again(self, entries: list[Entry], due: float) -> None:
        """Lines that were in a batch before, and certainly may be in another."""
        if entries:
            self._again.extend(entries)
            self._again_due = max(self._again_due, due)

    def whole(self, batch: Batch, due: float) -> None:
        """A batch that goes as it is."""
        heapq.heappush(self._waiting, (due, batch.number, batch))

    def halves(self, batch: Batch, due: float) -> None:
        """Two batches instead of one that was too much."""
        half = len(batch.entries) // 2
        for entries in (batch.entries[:half], batch.entries[half:]):
            self.whole(self._batch(entries), due)

    def next(self, now: float, flying: int, taken: Callable[[], object]) -> Batch | None:
        """A batch that is due, or None. `flying` others are under way; `taken` is called for each fresh line in it."""
        if self._waiting and self._waiting[0][0] <= now:
            return heapq.heappop(self._waiting)[2]
        if not self._may_be_new(flying):
            return None
        if self._again and self._again_due <= now:
            return self._batch(self._take(self._again, bool))
        # Where very much was put off, the input waits.
        if self._fresh and len(self._again) < self._most and self._fresh_due() <= now:
            batch = self._batch(self._take(self._fresh, taken))
            self._fresh_since = now
            return batch
        return None

    def due(self, flying: int) -> float | None:
        """When there may be a batch, or None as long as that depends on others."""
        times = [self._waiting[0][0]] if self._waiting else []
        if self._may_be_new(flying):
            times += [self._again_due] if self._again else []
            times += [self._fresh_due()] if self._fresh and len(self._again) < self._most else []
        return min(times, default=None)

    def _may_be_new(self, flying: int) -> bool:
        return flying + len(self._waiting) < self._parallel

    def _fresh_due(self) -> float:
        full = self.ended or len(self._fresh) >= self.max_actions
        return self._fresh_since + (0.0 if full else LINGER)

    def _take(self, waiting: deque[Entry], each: Callable[[], object]) -> list[Entry]:
        found: list[Entry] = []
        size = AROUND - 1  # one comma fewer than actions
        while waiting and len(found) < self.max_actions:
            size += len(waiting[0].text) + 1
            if found and size > self._max_bytes:
                break
            found.append(waiting.popleft())
            each()
        return found

    def _batch(self, entries: list[Entry]) -> Batch:
        self._last += 1
        return Batch(self._last, self._key(self._last), entries, {entry.line for entry in entries})
