"""Hypothesis against the limiters: memory against a model that keeps the whole history, Redis against memory.

The model is the definition, computed from scratch each time. Redis has its own clock, so there the windows are long and
nothing passes; what its script makes of every state of a window is compared with `quota_wait`.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, precondition, rule, run_state_machine_as_test

from batchware import Charge, Concurrency, Quota, Slot
from batchware.contract.charges import new_permit
from batchware.contract.limits import Limit
from batchware.limiters.memory import MemoryLimiter, quota_wait
from batchware.limiters.redis import RedisLimiter
from batchware.limiters.scripts import Keys
from tests.limits.servers import Server

SUBJECTS = ("ann", "bob")
QUICK = (Quota("quick", 5, per=10), Quota("strict", 7, per=30, charge_refused=True), Concurrency("slots", 4, lease=8))
SLOW = (
    Quota("quick", 9, per=40_000),
    Quota("strict", 15, per=50_000, charge_refused=True),
    Concurrency("slots", 4, lease=9_000),
)


def charges_of(rules: tuple[Limit, ...]) -> Any:
    """Charges for some of the rules in any order, each for one subject at most once."""
    keys = st.tuples(st.sampled_from(rules), st.sampled_from(SUBJECTS))
    return st.lists(st.tuples(keys, st.integers(1, 5)), min_size=1, max_size=4, unique_by=lambda entry: entry[0])


def charged(drawn: Any, permit: str) -> list[Charge]:
    return [
        Charge(rule, subject, cost, _holders(rule, permit, subject, cost) if isinstance(rule, Concurrency) else ())
        for (rule, subject), cost in drawn
    ]


def _holders(rule: Limit, permit: str, subject: str, cost: int) -> tuple[str, ...]:
    return tuple(f"{permit}:{subject}:{index}" for index in range(cost))


def slots_in(charges: list[Charge]) -> list[Slot]:
    return [Slot(c.rule, c.subject, h) for c in charges if isinstance(c.rule, Concurrency) for h in c.holders]


class Model:
    """Every charge that was ever spent, and every slot that was ever taken."""

    def __init__(self) -> None:
        self.now = 1003.0
        self.spent: list[tuple[str, str, float, int]] = []
        self.ends: dict[tuple[str, str, str], float] = {}

    def used(self, charge: Charge) -> tuple[int, int]:
        """The counters: what was spent in this period and in the one before. Neither counts more than the limit."""
        rule = charge.rule
        assert isinstance(rule, Quota)
        sums = {0: 0, 1: 0}
        for name, subject, moment, cost in self.spent:
            ago = self.now // rule.per - moment // rule.per
            if (name, subject) == (rule.name, charge.subject) and ago in sums:
                sums[int(ago)] = min(sums[int(ago)] + cost, rule.limit)
        return sums[0], sums[1]

    def in_flight(self, charge: Charge) -> int:
        mine = [end for (name, subject, _), end in self.ends.items() if (name, subject) == _key(charge)]
        return sum(end > self.now for end in mine)

    def left(self, charge: Charge) -> float:
        rule = charge.rule
        if isinstance(rule, Concurrency):
            return rule.limit - self.in_flight(charge)
        current, before = self.used(charge)
        return rule.limit - current - before * (rule.per - self.now % rule.per) / rule.per

    def acquire(self, charges: list[Charge]) -> bool:
        admitted = all(charge.cost <= self.left(charge) for charge in charges)
        for charge in charges:
            if isinstance(charge.rule, Quota) and (admitted or charge.rule.charge_refused):
                self.spent.append((*_key(charge), self.now, charge.cost))
            elif isinstance(charge.rule, Concurrency) and admitted:
                self.ends.update({(*_key(charge), holder): self.now + charge.rule.lease for holder in charge.holders})
        return admitted


def _key(charge: Charge) -> tuple[str, str]:
    return charge.rule.name, charge.subject


class MemoryAgainstTheModel(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.model = Model()
        self.limiter = MemoryLimiter(clock=lambda: self.model.now)
        self.taken: list[list[Slot]] = []

    @rule(drawn=charges_of(QUICK))
    def acquire(self, drawn: Any) -> None:
        permit = new_permit()
        charges = charged(drawn, permit)
        decision = self.limiter.acquire(charges, permit=permit)
        assert decision.admitted == self.model.acquire(charges)
        assert [level.remaining for level in decision.levels] == [max(0, int(self.model.left(c))) for c in charges]
        if decision.admitted:
            self.taken.append(slots_in(charges))
        elif decision.retry_after is None:
            assert any(charge.cost > charge.rule.limit for charge in charges)
        else:
            self._passes_after(decision.retry_after, charges)

    def _passes_after(self, seconds: float, charges: list[Charge]) -> None:
        """`retry_after` is enough, and for a quota no second too much."""
        model, now = self.model, self.model.now
        quotas = [charge for charge in charges if isinstance(charge.rule, Quota)]
        model.now = now + seconds
        assert all(charge.cost <= model.left(charge) for charge in quotas)
        model.now = now + seconds - 0.001
        if seconds != 1.0:
            assert not all(charge.cost <= model.left(charge) for charge in quotas)
        model.now = now

    @precondition(lambda self: self.taken)
    @rule(data=st.data())
    def release(self, data: Any) -> None:
        slots = data.draw(st.sampled_from(self.taken))
        self.limiter.release(slots)
        for slot in slots:
            self.model.ends.pop((slot.rule.name, slot.subject, slot.holder), None)

    @precondition(lambda self: self.taken)
    @rule(data=st.data())
    def renew(self, data: Any) -> None:
        slots = data.draw(st.sampled_from(self.taken))
        lost = []
        for slot in slots:
            key = (slot.rule.name, slot.subject, slot.holder)
            if self.model.ends.get(key, 0.0) > self.model.now:
                self.model.ends[key] = self.model.now + slot.rule.lease
            else:
                lost.append(slot)
        assert list(self.limiter.renew(slots)) == lost

    @rule(seconds=st.integers(1, 240).map(lambda quarters: quarters / 4))
    def wait(self, seconds: float) -> None:
        self.model.now += seconds


def test_c36_memory_is_what_the_whole_history_says() -> None:
    run_state_machine_as_test(MemoryAgainstTheModel)


# --- Redis


@contextmanager
def _limiter(server: Server) -> Iterator[RedisLimiter]:
    limiter = RedisLimiter(server.url, prefix=new_permit(), timeout=10.0)
    try:
        yield limiter
    finally:
        limiter.close()


def test_c36_redis_decides_as_memory_does(redis_server: Server) -> None:
    class RedisAgainstMemory(RuleBasedStateMachine):
        def __init__(self) -> None:
            super().__init__()
            self.redis = RedisLimiter(redis_server.url, prefix=new_permit(), timeout=10.0)
            self.memory = MemoryLimiter(clock=time.time)
            self.taken: list[list[Slot]] = []
            self.permits: list[tuple[str, list[Charge]]] = []

        def teardown(self) -> None:
            self.redis.close()

        def _same(self, charges: list[Charge], permit: str) -> bool:
            theirs = self.redis.acquire(charges, permit=permit)
            ours = self.memory.acquire(charges, permit=permit)
            assert theirs.admitted == ours.admitted
            assert theirs.retry_after == pytest.approx(ours.retry_after, abs=30.0)
            for their, our in zip(theirs.levels, ours.levels, strict=True):
                assert (their.rule, their.remaining) == (our.rule, our.remaining)
                assert their.reset == pytest.approx(our.reset, abs=30.0)
            return theirs.admitted

        @rule(drawn=charges_of(SLOW))
        def acquire(self, drawn: Any) -> None:
            permit = new_permit()
            charges = charged(drawn, permit)
            if self._same(charges, permit):
                self.taken.append(slots_in(charges))
            self.permits.append((permit, charges))

        @precondition(lambda self: self.permits)
        @rule(data=st.data())
        def acquire_again(self, data: Any) -> None:
            permit, charges = data.draw(st.sampled_from(self.permits))
            if self._same(charges, permit):
                self.taken.append(slots_in(charges))

        @precondition(lambda self: self.taken)
        @rule(data=st.data())
        def release(self, data: Any) -> None:
            slots = data.draw(st.sampled_from(self.taken))
            self.redis.release(slots)
            self.memory.release(slots)

        @precondition(lambda self: self.taken)
        @rule(data=st.data())
        def renew(self, data: Any) -> None:
            slots = data.draw(st.sampled_from(self.taken))
            by_holder = {slot.holder for slot in self.memory.renew(slots)}
            assert {slot.holder for slot in self.redis.renew(slots)} == by_holder

    run_state_machine_as_test(RedisAgainstMemory)


@given(
    limit=st.integers(1, 30),
    period=st.integers(-3, 2),
    current=st.integers(0, 30),
    before=st.integers(0, 30),
    cost=st.integers(1, 30),
)
def test_c36_the_script_reads_every_state_of_a_window_as_memory_does(
    redis_server: Server, limit: int, period: int, current: int, before: int, cost: int
) -> None:
    per = 40_000.0
    quota, current, before = Quota("quota", limit, per=per), min(current, limit), min(before, limit)
    with _limiter(redis_server) as limiter, redis_server.admin() as admin:
        seconds, _ = admin.time()
        number, elapsed = divmod(seconds, per)
        key = Keys(limiter._keys._prefix[1:-2]).counters(quota, "ann")
        admin.hset(key, mapping={"period": int(number) + period, "current": current, "before": before})
        if period == -1:
            current, before = 0, current
        elif period == 1:  # the clock was set back a little: what was spent stays spent
            elapsed = 0.0
        elif period:
            current, before = 0, 0
        wait = None if cost > limit else quota_wait(quota, current, before, elapsed, cost)
        decision = limiter.acquire([Charge(quota, "ann", cost)], permit=new_permit())
        if wait is not None and 0 < wait < 10:
            return  # too near to tell, with a clock that goes on
        assert decision.admitted == (wait == 0.0)
        assert decision.retry_after == (None if wait is None else pytest.approx(wait, abs=30.0))
        assert admin.ttl(key) <= 2 * per
