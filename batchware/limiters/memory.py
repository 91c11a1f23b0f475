"""MemoryLimiter: the counters of one process, safe under threads and tasks, bounded in memory."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Sequence
from math import inf

from ..contract.limiter import Charge, Decision, Level, Slot
from ..contract.limits import Concurrency, Quota

PERMIT_SECONDS = 60.0  # how long a permit is remembered at the least (the laws of a limiter)


class _Window:
    """The two counters of one quota and subject."""

    __slots__ = ("before", "current", "number")

    def __init__(self, number: int) -> None:
        self.number, self.current, self.before = number, 0, 0


class _QuotaLook:
    """One charge of a quota, and its counters as they stand now."""

    __slots__ = ("charge", "elapsed", "key", "rule", "window")

    def __init__(self, rule: Quota, charge: Charge, key: tuple[str, str], window: _Window, elapsed: float) -> None:
        self.rule, self.charge, self.key, self.window, self.elapsed = rule, charge, key, window, elapsed

    def wait(self) -> float:
        """Seconds until the charge alone would pass; 0 if it does."""
        if self.charge.cost > self.rule.limit:
            return inf
        return quota_wait(self.rule, self.window.current, self.window.before, self.elapsed, self.charge.cost)

    def level(self) -> Level:
        rule, window = self.rule, self.window
        if not (window.current or window.before):
            return Level(rule, rule.limit, 0.0)
        rest = rule.per - self.elapsed
        used = window.current + window.before * rest / rule.per
        return Level(rule, max(0, int(rule.limit - used)), rest)


class _SlotsLook:
    """One charge of a concurrency limit, and the holders that are alive now."""

    __slots__ = ("charge", "held", "key", "rule")

    def __init__(self, rule: Concurrency, charge: Charge, key: tuple[str, str], held: dict[str, float]) -> None:
        self.rule, self.charge, self.key, self.held = rule, charge, key, held

    def wait(self) -> float:
        """Seconds until the charge alone would pass, as far as anybody can say; 0 if it does."""
        if self.charge.cost > self.rule.limit:
            return inf
        return 0.0 if len(self.held) + self.charge.cost <= self.rule.limit else 1.0

    def level(self) -> Level:
        return Level(self.rule, max(0, self.rule.limit - len(self.held)), 0.0)


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
        # The permits of this minute and of the one before, each let go as a whole: half the memory of an ordered dict
        # that knows when each came, and most of what a charge costs is memory that was never used before.
        self._permits: dict[str, Decision] = {}
        self._permits_before: dict[str, Decision] = {}
        self._turns = -inf

    def acquire(self, charges: Sequence[Charge], *, permit: str) -> Decision:
        """All charges or none; see `Limiter`."""
        with self._lock:
            now = self._clock()
            self._forget(now)
            if known := self._permits.get(permit) or self._permits_before.get(permit):
                return known
            looks = [self._look(charge, now) for charge in charges]
            waits = [look.wait() for look in looks]
            admitted = not any(waits)
            wait, spent = 0.0, looks
            if not admitted:
                spent = [look for look in looks if isinstance(look.rule, Quota) and look.rule.charge_refused]
            for look in spent:
                self._spend(look, now)
            if not admitted:  # what was spent now has made the time to wait another
                wait = max([look.wait() for look in looks])
            decision = Decision(admitted, None if wait == inf else wait, tuple([look.level() for look in looks]))
            if spent:
                self._permits[permit] = decision
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

    def _look(self, charge: Charge, now: float) -> _QuotaLook | _SlotsLook:
        """How one limit stands for one subject, found once for all that is asked of it."""
        rule, key = charge.rule, (charge.rule.name, charge.subject)
        if isinstance(rule, Concurrency):
            held = self._held.get(key)
            if held and min(held.values()) <= now:
                for holder in [holder for holder, end in held.items() if end <= now]:
                    del held[holder]
            return _SlotsLook(rule, charge, key, {} if held is None else held)
        number, elapsed = divmod(now, rule.per)
        if (window := self._windows.get(key)) is None:
            window = _Window(int(number))
        elif window.number != number:
            window.before = window.current if window.number == number - 1 else 0
            window.number, window.current = int(number), 0
        return _QuotaLook(rule, charge, key, window, elapsed)

    def _spend(self, look: _QuotaLook | _SlotsLook, now: float) -> None:
        if isinstance(look, _QuotaLook):
            self._windows[look.key] = look.window
            self._windows.move_to_end(look.key)
            look.window.current = min(look.window.current + look.charge.cost, look.rule.limit)
        elif look.charge.holders:
            self._held[look.key] = look.held
            self._held.move_to_end(look.key)
            look.held.update(dict.fromkeys(look.charge.holders, now + look.rule.lease))

    def _forget(self, now: float) -> None:
        """Let go what is over, and the oldest of what is too much."""
        if now >= self._turns or 2 * len(self._permits) >= self._most:
            # Two turns may be due at once, after a pause.
            self._permits_before = self._permits if now < self._turns + PERMIT_SECONDS else {}
            self._permits, self._turns = {}, now + PERMIT_SECONDS
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
