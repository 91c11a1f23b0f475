"""The laws of a limiter, as a test class that holds any limiter to them.

    class TestMyLimiter(LimiterContract):
        def make_limiter(self):
            return MyLimiter()

Run it with pytest, or call the methods; they only assert. Synchronous and asynchronous limiters are both taken. Each
law is one test. Laws about time wait for `self.short` seconds and little more, by `advance`: for a limiter with a clock
of your own override `advance` and `now`, and no test waits.
"""

from __future__ import annotations

import asyncio
import itertools
import time
from collections.abc import Callable
from inspect import isawaitable
from typing import Any

from ..contract.charges import new_permit
from ..contract.limiter import AsyncLimiter, Charge, Decision, Limiter, Slot
from ..contract.limits import Concurrency, Limit, Quota

__all__ = ["LimiterContract"]


class LimiterContract:
    """Subclass it, and say in `make_limiter` what is to be tested. Every test gets a limiter and subjects of its own.

    `short` is the period of a quota and the lease of a slot in the laws that wait for their end, in seconds; make it
    long enough for a few calls of your limiter, on a slow machine too.
    """

    short: float = 1.0
    subject = ""
    _limiter: Limiter | AsyncLimiter | None = None
    _runner: asyncio.Runner | None = None

    # --- what a subclass says

    def make_limiter(self) -> Limiter | AsyncLimiter:
        """A limiter; called once a test, for an asynchronous one inside of the event loop that it is used in."""
        raise NotImplementedError

    def drop_limiter(self, limiter: Any) -> Any:
        """After each test: whatever has to be closed. What it returns is awaited, if it can be."""

    def advance(self, seconds: float) -> None:
        """Let so many seconds pass."""
        time.sleep(seconds)

    def now(self) -> float:
        """Seconds, by the clock that `advance` moves."""
        return time.monotonic()

    # --- the laws

    def test_a_batch_is_admitted_as_a_whole_or_not_at_all(self) -> None:
        """All or nothing over all charges: one that does not fit keeps all others from being spent (C36)."""
        roomy, narrow, slots = Quota("roomy", 5), Quota("narrow", 2), Concurrency("slots", 2)
        fits: list[tuple[Limit, int]] = [(roomy, 1), (narrow, 1), (slots, 1)]
        for violated in (narrow, slots):
            charges = [(rule, 3 if rule is violated else cost) for rule, cost in fits]
            assert not self._acquire(*charges).admitted
            assert [self._left(rule) for rule, _ in fits] == [5, 2, 2]
        assert self._acquire(*fits).admitted
        assert [self._left(rule) for rule, _ in fits] == [4, 1, 1]

    def test_the_order_of_charges_does_not_matter(self) -> None:
        """The decision is the same for every order, and its levels come in the order of the charges."""
        quick, slow, slots = Quota("quick", 1, per=60), Quota("slow", 3, per=3600), Concurrency("slots", 1)
        for rule, cost in ((quick, 1), (slow, 3), (slots, 1)):
            assert self._acquire((rule, cost)).admitted
        costs: list[tuple[Limit, int]] = [(quick, 1), (slow, 2), (slots, 1)]
        for order in itertools.permutations(costs):
            decision = self._acquire(*order)
            assert not decision.admitted
            assert decision.retry_after is not None
            assert decision.retry_after > 60, "the longest wait counts"
            assert [level.rule for level in decision.levels] == [rule for rule, _ in order]

    def test_no_window_admits_more_than_the_sliding_counter_allows(self) -> None:
        """A client that takes all it can get: at most twice the limit in any window, on average the limit."""
        rule, got = Quota("quota", 4, per=self.short), list[float]()
        begin = self.now()
        while self.now() < begin + 4 * self.short:
            while self._acquire((rule, 1)).admitted:
                got.append(self.now())
            self.advance(self.short / 20)
        periods = (self.now() - begin) / self.short
        for first in got:
            assert sum(first <= moment < first + 0.9 * self.short for moment in got) <= 2 * rule.limit
        assert (periods - 2) * rule.limit <= len(got) <= (periods + 2) * rule.limit

    def test_a_refusal_spends_nothing(self) -> None:
        """A refusal changes nothing, however often it comes (C36)."""
        quota, slots = Quota("quota", 3), Concurrency("slots", 3)
        for rule in (quota, slots):
            assert self._acquire((rule, 2)).admitted
            for _ in range(3):
                assert not self._acquire((rule, 2)).admitted
            assert self._left(rule) == 1
            assert self._acquire((rule, 1)).admitted

    def test_a_refusal_spends_where_the_limit_says_so(self) -> None:
        """`charge_refused` makes a refused batch spend, in that limit only (C36)."""
        strict, mild = Quota("strict", 5, charge_refused=True), Quota("mild", 1)
        assert not self._acquire((strict, 1), (mild, 2)).admitted
        assert [self._left(strict), self._left(mild)] == [4, 1]

    def test_a_release_frees_its_slots_once_and_nothing_else(self) -> None:
        """Release is idempotent, and touches slots only."""
        quota, slots = Quota("quota", 5), Concurrency("slots", 3)
        first, second = new_permit(), new_permit()
        assert self._acquire((quota, 1), (slots, 1), permit=first).admitted
        assert self._acquire((quota, 1), (slots, 1), permit=second).admitted
        for _ in range(3):
            self._call(lambda limiter: limiter.release(self._slots(slots, first, 1)))
            assert [self._left(quota), self._left(slots)] == [3, 2]
        self._call(lambda limiter: limiter.release(self._slots(slots, second, 1)))
        assert [self._left(quota), self._left(slots)] == [3, 3]

    def test_a_slot_is_free_when_its_lease_ends_and_not_before(self) -> None:
        """Whoever died holding a slot loses it (C39)."""
        slots = Concurrency("slots", 1, lease=self.short)
        assert self._acquire((slots, 1)).admitted
        self.advance(self.short * 0.6)
        assert not self._acquire((slots, 1)).admitted
        self.advance(self.short * 0.5)
        assert self._acquire((slots, 1)).admitted

    def test_renewal_extends_what_lives_and_names_what_was_lost(self) -> None:
        """A slot that is renewed lives a whole lease from then; one that was lost stays lost (C39)."""
        slots, permit = Concurrency("slots", 1, lease=self.short), new_permit()
        held = self._slots(slots, permit, 1)
        assert self._acquire((slots, 1), permit=permit).admitted
        for _ in range(3):
            self.advance(self.short * 0.6)
            assert list(self._call(lambda limiter: limiter.renew(held))) == []
        assert not self._acquire((slots, 1)).admitted
        self.advance(self.short * 1.1)
        assert list(self._call(lambda limiter: limiter.renew(held))) == held
        assert self._acquire((slots, 1)).admitted

    def test_after_the_wait_that_was_told_the_same_charges_pass(self) -> None:
        """`retry_after` of a quota is enough, and not far too much (C40)."""
        rule = Quota("quota", 10, per=self.short)
        for _ in range(9):
            assert self._acquire((rule, 1)).admitted
        refused = self._acquire((rule, 4))
        assert refused.retry_after is not None
        assert 0 < refused.retry_after <= 2 * self.short
        self.advance(refused.retry_after)
        assert self._acquire((rule, 4)).admitted

    def test_what_can_never_fit_is_refused_for_ever_and_says_so(self) -> None:
        """A cost above the limit has no `retry_after` (C40)."""
        for rule in (Quota("quota", 2), Concurrency("slots", 2)):
            decision = self._acquire((rule, 3))
            assert not decision.admitted
            assert decision.retry_after is None

    def test_n_at_once_count_as_n_one_by_one(self) -> None:
        """A batch of n counts n, in quotas and in flight (C35)."""
        for rule in (Quota("quota", 6), Concurrency("slots", 6)):
            assert self._acquire((rule, 3)).admitted
            assert self._left(rule) == 3
            for left in (2, 1, 0):
                assert self._acquire((rule, 1)).admitted
                assert self._left(rule) == left
            assert not self._acquire((rule, 1)).admitted

    def test_the_same_permit_charges_once(self) -> None:
        """A call that is made again, since nobody knew what became of it, gets the first answer and spends nothing."""
        quota, slots, permit = Quota("quota", 5), Concurrency("slots", 5), new_permit()
        for _ in range(3):
            decision = self._acquire((quota, 1), (slots, 1), permit=permit)
            assert decision.admitted
            assert [level.remaining for level in decision.levels] == [4, 4]
        assert [self._left(quota), self._left(slots)] == [4, 4]

    # --- how they ask

    def setup_method(self) -> None:
        """Called by pytest before each test: a limiter, and a subject that nobody else has."""
        self.subject = f"subject-{new_permit()}"
        self._limiter = None

    def teardown_method(self) -> None:
        """Called by pytest after each test."""
        limiter, self._limiter = self._limiter, None
        if limiter is not None:
            self._wait_for(lambda: self.drop_limiter(limiter))
        if self._runner is not None:
            self._runner.close()
            self._runner = None

    def _acquire(self, *costs: tuple[Limit, int], permit: str | None = None) -> Decision:
        permit = permit or new_permit()
        charges = [Charge(rule, self.subject, cost, self._holders(rule, permit, cost)) for rule, cost in costs]
        decision: Decision = self._call(lambda limiter: limiter.acquire(charges, permit=permit))
        return decision

    def _left(self, rule: Limit) -> int:
        """What is left, told by a charge that costs nothing."""
        return self._acquire((rule, 0)).levels[0].remaining

    @staticmethod
    def _holders(rule: Limit, permit: str, count: int) -> tuple[str, ...]:
        return tuple(f"{permit}:{index}" for index in range(count)) if isinstance(rule, Concurrency) else ()

    def _slots(self, rule: Concurrency, permit: str, count: int) -> list[Slot]:
        return [Slot(rule, self.subject, holder) for holder in self._holders(rule, permit, count)]

    def _call(self, ask: Callable[[Any], Any]) -> Any:
        def call() -> Any:
            if self._limiter is None:
                self._limiter = self.make_limiter()
            return ask(self._limiter)

        return self._wait_for(call)

    def _wait_for(self, call: Callable[[], Any]) -> Any:
        async def inside() -> Any:
            answer = call()
            return await answer if isawaitable(answer) else answer

        if self._runner is None:
            self._runner = asyncio.Runner()
        return self._runner.run(inside())
