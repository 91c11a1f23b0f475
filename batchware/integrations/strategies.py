"""Limits that are kept by the `limits` library (Flask-Limiter and slowapi are built on it): the `Gate` and its notes.

Both hosts keep a strategy object and ask it, `hit(item, *identifiers, cost=...)`, for each limit of a request. A gate
takes the place of that object, once and for all. What it answers depends on who asks:

- While a request is being resolved for admission it takes notes and says yes, and touches no store.
- In an action of a batch it says yes to what admission has charged, and passes on what it has not.
- For every other request it passes the question on. Direct requests are counted as ever.

So the host's library resolves its limits by itself, with its own keys, scopes, costs and exemptions, and nothing of
that is written a second time here.
"""

from __future__ import annotations

import time
from collections.abc import Generator, Iterable, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from math import inf
from typing import Any, Literal, TypeAlias, cast

from limits import RateLimitItem, WindowStats
from limits.storage.base import SlidingWindowCounterSupport
from limits.strategies import (
    FixedWindowRateLimiter,
    MovingWindowRateLimiter,
    RateLimiter,
    SlidingWindowCounterRateLimiter,
)
from msgspec import Struct

from ..contract.limiter import Charge
from ..contract.nesting import Mark
from ..limiters.memory import quota_wait
from .admission import Bill, Debt, host_quota, unpaid

Kind: TypeAlias = Literal["hit", "test"]


class Note(Struct):
    """One question that the host asked its strategy."""

    gate: Gate
    kind: Kind
    item: RateLimitItem
    identifiers: tuple[str, ...]
    cost: int
    later: bool = False
    """A test of what the host may charge when it knows the response: to be fitted, not to be paid."""

    @property
    def key(self) -> tuple[int, Kind, str]:
        return id(self.gate), self.kind, self.item.key_for(*self.identifiers)


class _Notes:
    def __init__(self, failure: Exception | None) -> None:
        self.taken: list[Note] = []
        self.failure = failure


_notes: ContextVar[_Notes | None] = ContextVar("batchware_notes", default=None)


@contextmanager
def noting(failure: Exception | None = None) -> Generator[list[Note], None, None]:
    """Within it gates take notes. With `failure` the gate whose store raised it raises it again, so that the host's
    library meets it where it expects it, and goes over to its fallback store if it has one."""
    notes = _Notes(failure)
    token = _notes.set(notes)
    try:
        yield notes.taken
    finally:
        _notes.reset(token)


class Gate(RateLimiter):
    """Stands before a strategy."""

    def __init__(self, strategy: RateLimiter) -> None:
        super().__init__(strategy.storage)
        self.strategy = strategy
        self.failed: Exception | None = None

    def hit(self, item: RateLimitItem, *identifiers: str, cost: int = 1) -> bool:
        """Charge, unless this is being noted or has been paid."""
        left = self._left("hit", item, identifiers, cost)
        return left is None or self.strategy.hit(item, *identifiers, cost=left)

    def test(self, item: RateLimitItem, *identifiers: str, cost: int = 1) -> bool:
        """Ask, unless this is being noted or has been asked at admission."""
        left = self._left("test", item, identifiers, cost)
        return left is None or self.strategy.test(item, *identifiers, cost=left)

    def _left(self, kind: Kind, item: RateLimitItem, identifiers: tuple[str, ...], cost: int) -> int | None:
        notes = _notes.get()
        note = Note(self, kind, item, identifiers, cost)
        if notes is None:
            left = unpaid(note.key, cost)
            return left if left or not cost else None
        if notes.failure is not None and notes.failure is self.failed:
            raise notes.failure
        notes.taken.append(note)
        return None

    def get_window_stats(self, item: RateLimitItem, *identifiers: str) -> WindowStats:
        """As the strategy says."""
        return self.strategy.get_window_stats(item, *identifiers)

    def clear(self, item: RateLimitItem, *identifiers: str) -> None:
        """As the strategy does."""
        self.strategy.clear(item, *identifiers)


def install(limiter: Any, library: str) -> None:
    """Put gates before the strategies of `limiter`. Raises `RuntimeError` where they are not where they should be."""
    for name in ("_limiter", "_fallback_limiter"):
        try:
            strategy = getattr(limiter, name)
        except AttributeError:
            raise RuntimeError(
                f"this version of {library} does not keep its strategy in Limiter.{name}; batchware can't ask it"
            ) from None
        if strategy is not None and not isinstance(strategy, Gate):
            setattr(limiter, name, Gate(strategy))


class _Owed:
    """One limit and subject: the `Debt` of a batch."""

    def __init__(self, note: Note) -> None:
        self._note = note
        self._gate = note.gate
        self._strategy = note.gate.strategy
        self._spend = 0
        self._cost = 0

    def add(self, note: Note) -> None:
        if note.kind == "hit" or note.later:
            self._cost += note.cost
            self._spend += note.cost if note.kind == "hit" else 0
        else:  # n requests that only look find the same: it does not add up
            self._cost = max(self._cost, note.cost)

    @property
    def charge(self) -> Charge:
        item, identifiers = self._note.item, self._note.identifiers
        rule = host_quota(f"{identifiers[-1]}-{item}", item.amount, item.get_expiry())
        return Charge(rule, "/".join(identifiers), self._cost)

    def fits(self) -> bool:
        return self._called(self._strategy.test, self._cost)

    def pay(self) -> bool:
        return not self._spend or self._called(self._strategy.hit, self._spend)

    def _called(self, method: Any, cost: int) -> bool:
        try:
            answer: bool = method(self._note.item, *self._note.identifiers, cost=cost)
        except Exception as error:
            self._gate.failed = error
            raise
        return answer

    def standing(self) -> tuple[int, float]:
        item, identifiers = self._note.item, self._note.identifiers
        reset, left = self._strategy.get_window_stats(item, *identifiers)
        return left, inf if self._cost > item.amount else self._wait(left, max(0.0, reset - time.time()))

    def _wait(self, left: int, reset: float) -> float:
        item, expiry = self._note.item, self._note.item.get_expiry()
        if isinstance(self._strategy, FixedWindowRateLimiter):
            return reset
        if isinstance(self._strategy, MovingWindowRateLimiter):  # when the oldest is over; the others can't be seen
            return reset if self._cost <= left + 1 else float(expiry)
        if isinstance(self._strategy, SlidingWindowCounterRateLimiter):
            storage = cast("SlidingWindowCounterSupport", self._strategy.storage)
            key = item.key_for(*self._note.identifiers)
            before, before_left, current, current_left = storage.get_sliding_window(key, expiry)
            elapsed = expiry - before_left if before else 2 * expiry - current_left
            return quota_wait(self.charge.rule, current, before, min(max(elapsed, 0.0), expiry), self._cost)  # type: ignore[arg-type]  # `host_quota` makes Quotas
        return float(expiry)


def bill_of(noted: Iterable[tuple[Mark | None, Sequence[Note]]]) -> Bill:
    """The bill of a batch, from the notes of its actions."""
    owed: dict[Any, _Owed] = {}
    paid: list[tuple[Mark, dict[Any, int]]] = []
    for mark, notes in noted:
        amounts: dict[Any, int] = {}
        for note in notes:
            key = note.key
            amounts[key] = amounts.get(key, 0) + note.cost
            # What is hit and what may be hit later draw on the same room; what is only looked at does not.
            room = (key[0], "hit" if note.kind == "hit" or note.later else "test", key[2])
            owed.setdefault(room, _Owed(note)).add(note)
        if mark is not None:
            paid.append((mark, amounts))
    debts: list[Debt] = list(owed.values())
    return Bill(debts, paid)
