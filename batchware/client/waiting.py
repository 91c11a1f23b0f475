"""The actions that wait to be sent, and how they become batches.

Decides what goes into a batch: as many actions as the server takes, in the order in which they came, and what was sent
before goes first. A batch that may have run under its key stays as it is; all others are put together anew.
"""

from __future__ import annotations

import heapq
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from .actions import Action, Result, write_batch
from .bounds import Bounds

_OVERHEAD = len(write_batch([])) - 1  # one comma fewer than actions


@dataclass(eq=False, slots=True)
class Entry:
    """An action on its way."""

    index: int
    action: Action
    text: bytes
    attempts: int = 0
    waited: float = 0.0
    """Seconds for which its own results told it to wait."""
    uncertain: bool = False
    """Whether it was sent, and may have run."""
    last: Result | None = None
    """A result that told it to come later."""


@dataclass(eq=False, slots=True)
class Sending:
    """A batch to send: `body`, with `headers`."""

    entries: Sequence[Entry]
    key: str | None
    """Of which the server makes a key for each write; None where there is no write, or no key is to be sent."""
    body: bytes
    lost: bool = False
    """Whether an answer to it got lost."""

    @property
    def actions(self) -> list[Action]:
        """Its actions, in their order."""
        return [entry.action for entry in self.entries]

    @property
    def indexes(self) -> list[int]:
        """What `Course.add` gave for each of them."""
        return [entry.index for entry in self.entries]

    @property
    def headers(self) -> dict[str, str]:
        """The headers that it needs beside those of the user."""
        headers = {"Content-Type": "application/json", "Accept": "application/json"}
        if self.key is not None:
            headers["Idempotency-Key"] = f'"{self.key}"'
        return headers

    @property
    def attempts(self) -> int:
        """How often the one of its actions was sent that was sent most often."""
        return max(entry.attempts for entry in self.entries)

    @property
    def bound(self) -> bool:
        """Whether it must stay as it is: its actions may have run under their keys."""
        return self.lost and self.key is not None

    @property
    def reads(self) -> list[Entry]:
        """Those that change nothing."""
        return [entry for entry in self.entries if entry.action.reads]

    @property
    def writes(self) -> list[Entry]:
        """The others."""
        return [entry for entry in self.entries if not entry.action.reads]


class Waiting:
    """What waits. `max_actions` and `max_bytes` shrink to what the server takes; `serials` number the keys."""

    def __init__(self, bounds: Bounds, serials: Iterator[int]) -> None:
        self.max_actions, self.max_bytes = bounds.max_actions, bounds.max_bytes
        self._bounds, self._serials = bounds, serials
        self._fresh: deque[Entry] = deque()
        self._again: deque[Sending] = deque()
        self._later: list[tuple[float, int, Entry]] = []

    def __len__(self) -> int:
        return len(self._fresh) + len(self._later) + sum(len(sending.entries) for sending in self._again)

    def append(self, entry: Entry) -> None:
        """An action that goes last."""
        self._fresh.append(entry)

    def put_back(self, entries: Sequence[Entry]) -> None:
        """Actions that go first, in whatever batches."""
        self._fresh.extendleft(reversed(entries))

    def again(self, sending: Sending) -> None:
        """A batch that goes as it is, before all that isn't one yet."""
        self._again.append(sending)

    def halve(self, sending: Sending) -> None:
        """A batch that goes in two, one after the other."""
        middle = len(sending.entries) // 2
        for entries in (sending.entries[:middle], sending.entries[middle:]):
            self._again.append(self.batch(entries, self._key_for(entries)))

    def later(self, entry: Entry, due: float) -> None:
        """An action that goes as soon as it is `due`."""
        heapq.heappush(self._later, (due, entry.index, entry))

    def take(self, now: float) -> Sending | None:
        """The batch that goes next."""
        while self._later and self._later[0][0] <= now:
            self._fresh.appendleft(heapq.heappop(self._later)[2])
        if self._again:
            return self._again.popleft()
        entries: list[Entry] = []
        size = _OVERHEAD
        while self._fresh and len(entries) < self.max_actions:
            size += len(self._fresh[0].text) + 1
            if entries and size > self.max_bytes:
                break
            entries.append(self._fresh.popleft())
        return self.batch(entries, self._key_for(entries)) if entries else None

    def due(self, now: float) -> float | None:
        """When there is a batch to take; None where nothing waits."""
        if self._again or self._fresh:
            return now
        return self._later[0][0] if self._later else None

    def clear(self) -> list[Entry]:
        """All that waited, in the order in which it came."""
        entries = [*self._fresh, *(entry for _, _, entry in self._later)]
        entries += [entry for sending in self._again for entry in sending.entries]
        for queue in (self._fresh, self._again, self._later):
            queue.clear()
        return sorted(entries, key=lambda entry: entry.index)

    def batch(self, entries: Sequence[Entry], key: str | None) -> Sending:
        """A batch of these."""
        return Sending(entries, key, write_batch([entry.text for entry in entries], self._bounds.style))

    def _key_for(self, entries: Sequence[Entry]) -> str | None:
        prefix = self._bounds.idempotency_key
        if prefix is None or all(entry.action.reads for entry in entries):
            return None
        return f"{prefix}-{next(self._serials)}"
