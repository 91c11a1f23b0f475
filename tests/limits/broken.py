"""Limiters that are wrong in one way each; `law` is the one that has to find it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import msgspec

from batchware import Charge, Concurrency, Decision, Level, Quota, Slot
from batchware.contract.charges import new_permit
from batchware.limiters.memory import MemoryLimiter, _SlotsLook

_change = msgspec.structs.replace


class SpendsWhatFits(MemoryLimiter):
    """Of a batch that is refused, what would have fitted."""

    law = "test_a_batch_is_admitted_as_a_whole_or_not_at_all"

    def acquire(self, charges: Sequence[Charge], *, permit: str) -> Decision:
        decision = super().acquire(charges, permit=permit)
        if not decision.admitted and len(charges) > 1:
            for charge in charges:
                if not getattr(charge.rule, "charge_refused", False):
                    super().acquire([charge], permit=new_permit())
        return decision


class AsksTheFirstOnly(MemoryLimiter):
    """How long to wait, of the first limit that refuses."""

    law = "test_the_order_of_charges_does_not_matter"

    def acquire(self, charges: Sequence[Charge], *, permit: str) -> Decision:
        decision = super().acquire(charges, permit=permit)
        waits = [self._look(charge, self._clock()).wait() for charge in charges]
        first = next((wait for wait in waits if wait), 0.0)
        if decision.admitted or decision.retry_after is None:
            return decision
        return _change(decision, retry_after=first)


class SortsItsLevels(MemoryLimiter):
    law = "test_the_order_of_charges_does_not_matter"

    def acquire(self, charges: Sequence[Charge], *, permit: str) -> Decision:
        decision = super().acquire(charges, permit=permit)
        if len(charges) == 3 and not decision.admitted and decision.retry_after is not None:
            return _change(decision, levels=tuple(sorted(decision.levels, key=lambda level: level.rule.name)))
        return decision


class ForgetsTheWindowBefore(MemoryLimiter):
    """And has windows of a third of the period."""

    law = "test_no_window_admits_more_than_the_sliding_counter_allows"

    def acquire(self, charges: Sequence[Charge], *, permit: str) -> Decision:
        return super().acquire([self._hasty(charge) for charge in charges], permit=permit)

    def _hasty(self, charge: Charge) -> Charge:
        rule = charge.rule
        return _change(charge, rule=replace(rule, per=rule.per / 3)) if _is_small(rule) else charge


def _is_small(rule: Any) -> bool:
    return isinstance(rule, Quota) and rule.limit == 4  # so that nothing but the greedy client meets it


class AdmitsLessThanItsLimit(MemoryLimiter):
    law = "test_no_window_admits_more_than_the_sliding_counter_allows"

    def acquire(self, charges: Sequence[Charge], *, permit: str) -> Decision:
        slow = [_change(c, rule=replace(c.rule, per=c.rule.per * 9)) if _is_small(c.rule) else c for c in charges]
        return super().acquire(slow, permit=permit)


class ChargesRefusals(MemoryLimiter):
    law = "test_a_refusal_spends_nothing"

    def acquire(self, charges: Sequence[Charge], *, permit: str) -> Decision:
        decision = super().acquire(charges, permit=permit)
        if not decision.admitted and charges[0].rule.limit == 3 and decision.retry_after:
            charge = charges[0]
            super().acquire([_change(charge, cost=1, holders=charge.holders[:1])], permit=new_permit())
        return decision


class ForgivesRefusals(MemoryLimiter):
    law = "test_a_refusal_spends_where_the_limit_says_so"

    def acquire(self, charges: Sequence[Charge], *, permit: str) -> Decision:
        return super().acquire([self._mild(charge) for charge in charges], permit=permit)

    def _mild(self, charge: Charge) -> Charge:
        if not getattr(charge.rule, "charge_refused", False):
            return charge
        return _change(charge, rule=replace(charge.rule, charge_refused=False))


class ReleasesTheNextToo(MemoryLimiter):
    """A second release frees the slot of somebody else."""

    law = "test_a_release_frees_its_slots_once_and_nothing_else"

    def release(self, slots: Sequence[Slot]) -> None:
        for slot in slots:
            held = self._held.get((slot.rule.name, slot.subject), {})
            if slot.holder not in held and held:
                held.popitem()
        super().release(slots)


class ReleasesQuotas(MemoryLimiter):
    law = "test_a_release_frees_its_slots_once_and_nothing_else"

    def release(self, slots: Sequence[Slot]) -> None:
        super().release(slots)
        self._windows.clear()


class RaisesOnASecondRelease(MemoryLimiter):
    law = "test_a_release_frees_its_slots_once_and_nothing_else"

    def release(self, slots: Sequence[Slot]) -> None:
        for slot in slots:
            del self._held[slot.rule.name, slot.subject][slot.holder]


class KeepsSlotsForEver(MemoryLimiter):
    """Of those that were never renewed."""

    law = "test_a_slot_is_free_when_its_lease_ends_and_not_before"

    def _spend(self, look: Any, now: float) -> None:
        if isinstance(look.rule, Concurrency):
            look.rule = replace(look.rule, lease=1e9)
        super()._spend(look, now)


class _Hasty(dict[str, float]):
    """Holders of which some are not counted any more."""

    def __init__(self, held: dict[str, float], now: float) -> None:
        super().__init__(held)
        self.real, self.now = held, now

    def __len__(self) -> int:
        return sum(end > self.now for end in self.values())

    def update(self, more: Any) -> None:
        super().update(more)
        self.real.update(more)


class EndsLeasesEarly(MemoryLimiter):
    law = "test_a_slot_is_free_when_its_lease_ends_and_not_before"

    def _look(self, charge: Charge, now: float) -> Any:
        look = super()._look(charge, now)
        if not isinstance(look, _SlotsLook):
            return look
        return _SlotsLook(look.rule, charge, look.key, _Hasty(look.held, now + 0.45 * 60))


class RenewsNothing(MemoryLimiter):
    law = "test_renewal_extends_what_lives_and_names_what_was_lost"

    def renew(self, slots: Sequence[Slot]) -> Sequence[Slot]:
        return []


class RevivesWhatWasLost(MemoryLimiter):
    law = "test_renewal_extends_what_lives_and_names_what_was_lost"

    def renew(self, slots: Sequence[Slot]) -> Sequence[Slot]:
        for slot in slots:
            self._held.setdefault((slot.rule.name, slot.subject), {})[slot.holder] = self._clock() + slot.rule.lease
        return []


class TellsHalfTheWait(MemoryLimiter):
    law = "test_after_the_wait_that_was_told_the_same_charges_pass"

    def acquire(self, charges: Sequence[Charge], *, permit: str) -> Decision:
        decision = super().acquire(charges, permit=permit)
        if decision.retry_after is None or len(charges) > 1:
            return decision
        return _change(decision, retry_after=decision.retry_after / 2)


class PromisesTheImpossible(MemoryLimiter):
    law = "test_what_can_never_fit_is_refused_for_ever_and_says_so"

    def acquire(self, charges: Sequence[Charge], *, permit: str) -> Decision:
        decision = super().acquire(charges, permit=permit)
        return _change(decision, retry_after=1.0) if decision.retry_after is None else decision


class CountsABatchAsOne(MemoryLimiter):
    law = "test_n_at_once_count_as_n_one_by_one"

    def _spend(self, look: Any, now: float) -> None:
        if look.charge.cost == 3 and look.rule.limit == 6:
            look.charge = _change(look.charge, cost=1, holders=look.charge.holders[:1])
        super()._spend(look, now)


class ForgetsPermits(MemoryLimiter):
    law = "test_the_same_permit_charges_once"

    def acquire(self, charges: Sequence[Charge], *, permit: str) -> Decision:
        self._permits.clear()
        return super().acquire(charges, permit=permit)


class AnswersAPermitWithNothing(MemoryLimiter):
    law = "test_the_same_permit_charges_once"

    def acquire(self, charges: Sequence[Charge], *, permit: str) -> Decision:
        if permit in self._permits:
            return Decision(True, 0.0, tuple(Level(charge.rule, 0, 0.0) for charge in charges))
        return super().acquire(charges, permit=permit)


BROKEN: list[Any] = [
    kind
    for kind in list(globals().values())
    if isinstance(kind, type) and issubclass(kind, MemoryLimiter) and hasattr(kind, "law")
]
