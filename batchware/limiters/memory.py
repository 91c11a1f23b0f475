"""MemoryLimiter: the counters of one process, safe under threads and tasks, bounded in memory."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Sequence
from math import inf

from ..contract.limiter import Charge, Decision, Level, Slot
from ..contract.limits import Concurrency, Quota

PERMIT_SECONDS = 60.0  # how long a permit is remembered (the laws of a limiter)


class _Window:
    """The two counters of one quota and subject."""

    __slots__ = ("before", "current", "number")

    def __init__(self, number: int) -> None:
        self.number, self.current, self.before = number, 0, 0


class MemoryLimiter:
    """Counts in this process: for one worker, and for tests. Serves both doors; it never waits.

    At most `max_subjects` pairs of limit and subject are kept, and as many permits; beyond that the ones that were
    used longest ago are forgotten first. `clock` is a monotonic time in seconds.
    """

    blocking = False

    def __init__(self, *, max_subjects: int = 100_000, clock: Callable[[], float] = time.monotonic) -> None:
        self._most = max_subjects
        self._clock = clock
        self._lock = threading.Lock()
        self._windows: OrderedDict[tuple[str, str], _Window] = OrderedDict()
        self._held: OrderedDict[tuple[str, str], dict[str, float]] = OrderedDict()  # holder: end of its lease
        self._permits: OrderedDict[str, tuple[float, Decision]] = OrderedDict()

    def acquire(self, charges: Sequence[Charge], *, permit: str) -> Decision:
        """All charges or none; see `Limiter`."""
        with self._lock:
            now = self._clock()
            self._forget(now)
            if permit in self._permits:
                return self._permits[permit][1]
            admitted, wait, spent = not any(self._wait(charge, now) for charge in charges), 0.0, charges
            if not admitted:
                spent = [charge for charge in charges if isinstance(charge.rule, Quota) and charge.rule.charge_refused]
            for charge in spent:
                self._spend(charge.rule, charge, now)
            if not admitted:  # what was spent now has made the time to wait another
                wait = max([self._wait(charge, now) for charge in charges])
            levels = tuple([self._level(charge, now) for charge in charges])
            decision = Decision(admitted, None if wait == inf else wait, levels)
            if spent:
                self._permits[permit] = (now + PERMIT_SECONDS, decision)
            return decision

    def release(self, slots: Sequence[Slot]) -> None:
        """Free slots; see `Limiter`."""
        with self._lock:
            for slot in slots:
                key = (slot.rule.name, slot.subject)
                held = self._held.get(key)
                if held is not None:
                    held.pop(slot.holder, None)
                    if not held:
                        del self._held[key]

    def renew(self, slots: Sequence[Slot]) -> Sequence[Slot]:
        """Extend leases; see `Limiter`."""
        lost: list[Slot] = []
        with self._lock:
            now = self._clock()
            for slot in slots:
                held = self._held.get((slot.rule.name, slot.subject), {})
                if held.get(slot.holder, 0.0) > now:
                    held[slot.holder] = now + slot.rule.lease
                else:
                    lost.append(slot)
        return lost

    def _wait(self, charge: Charge, now: float) -> float:
        """Seconds until `charge` alone would pass; 0 if it does."""
        rule = charge.rule
        if charge.cost > rule.limit:
            return inf
        if isinstance(rule, Concurrency):
            return 0.0 if self._in_flight(charge, now) + charge.cost <= rule.limit else 1.0
        window, elapsed = self._window(rule, charge.subject, now)
        return 0.0 if window is None else quota_wait(rule, window.current, window.before, elapsed, charge.cost)

    def _window(self, rule: Quota, subject: str, now: float) -> tuple[_Window | None, float]:
        """The counters as they stand now, if there are any, and the seconds since the period began."""
        number, elapsed = divmod(now, rule.per)
        window = self._windows.get((rule.name, subject))
        if window is not None and window.number != number:
            window.before = window.current if window.number == number - 1 else 0
            window.number, window.current = int(number), 0
        return window, elapsed

    def _in_flight(self, charge: Charge, now: float) -> int:
        held = self._held.get((charge.rule.name, charge.subject))
        if not held:
            return 0
        for holder in [holder for holder, end in held.items() if end <= now]:
            del held[holder]
        return len(held)

    def _spend(self, rule: Quota | Concurrency, charge: Charge, now: float) -> None:
        key = (rule.name, charge.subject)
        if isinstance(rule, Concurrency):
            if charge.holders:
                held = self._held.setdefault(key, {})
                self._held.move_to_end(key)
                for holder in charge.holders:
                    held[holder] = now + rule.lease
            return
        window, _ = self._window(rule, charge.subject, now)
        if window is None:
            window = self._windows[key] = _Window(int(now // rule.per))
        else:
            self._windows.move_to_end(key)
        window.current = min(window.current + charge.cost, rule.limit)

    def _level(self, charge: Charge, now: float) -> Level:
        rule = charge.rule
        if isinstance(rule, Concurrency):
            return Level(rule, max(0, rule.limit - self._in_flight(charge, now)), 0.0)
        window, elapsed = self._window(rule, charge.subject, now)
        if window is None or not (window.current or window.before):
            return Level(rule, rule.limit, 0.0)
        used = window.current + window.before * (rule.per - elapsed) / rule.per
        return Level(rule, max(0, int(rule.limit - used)), rule.per - elapsed)

    def _forget(self, now: float) -> None:
        """Let go what is over, a little at each call, and the oldest of what is too much."""
        while self._permits:
            permit, (end, _) = next(iter(self._permits.items()))
            if end > now and len(self._permits) < self._most:
                break
            del self._permits[permit]
        while len(self._windows) >= self._most:
            self._windows.popitem(last=False)
        while len(self._held) >= self._most:
            self._held.popitem(last=False)


def quota_wait(rule: Quota, current: int, before: int, elapsed: float, cost: int) -> float:
    """Seconds after which `cost` fits if nothing else comes; 0 if it does now.

    `current` and `before` are the two counters, `elapsed` the seconds since the current period began. The period before
    counts for the part of it that a window of `per` seconds still sees.
    """
    left, rest = rule.limit - cost - current, rule.per - elapsed
    if left < 0:  # not in this period; in the next one `current` is what was spent before
        return rest + rule.per * (1 - (rule.limit - cost) / current) + _LEAST
    if before * rest <= left * rule.per:
        return 0.0
    return rest - rule.per * left / before + _LEAST


_LEAST = 1e-6  # seconds: what rounding may take away
