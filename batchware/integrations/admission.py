"""How a batch is admitted by limits that the host keeps with a library of its own (C35, C36, C38).

Such a library counts direct requests itself, and goes on doing so. For a batch it says what each action would be
charged (`Bill`), all limits are asked, and only if all have room are all charged; the replay then finds paid what was
paid (`unpaid`), and is not counted twice. What the library could not foresee (a limit that a view asks for while it
runs) is counted when it comes, as for a direct request.

No such library can be asked and charged in one step, so between the two another request may take the room:

- The batch is then refused all the same (429) and nothing runs, so what runs is never more than the host's store says
  there is room for. Of two batches that want the last room at once one is refused, and with several limits both may be.
- What it was charged until then stays charged: the limits before the one that had no room any more, and that one too
  if its strategy counts refused requests (a fixed window of `limits` does). So a batch that loses such a race may
  spend as much as one that runs. Without a race a refused batch spends nothing.

Own `Quota`s and `Concurrency`s can be kept beside the host's limits, by a limiter of ours. The order is: the host's
limits are asked, ours are charged in one step, the host's are charged. If the host refuses, ours are not touched; if
ours refuse, the host's are not; and only in the race above ours were charged too (slots are given back at once).

C40 and C41 hold but for this: where the host refuses, `Retry-After` is about the host's limits only, and how long a
store that can't be reached is waited for is set by the host's library (its socket time-outs), not 100 ms.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Generator, Sequence
from math import inf
from typing import Any, Protocol, TypeAlias

from msgspec import Struct
from msgspec.structs import replace

from ..contract.charges import slots_of
from ..contract.limiter import Charge, Decision, Level, LimiterUnavailable, Slot
from ..contract.limits import Quota
from ..contract.model import Action, Parent
from ..contract.nesting import FREE, Mark, mark_of

log = logging.getLogger("batchware")

Counted: TypeAlias = tuple[Action, Mark | None]
"""An action, and the mark of its child request; None for one that was refused."""


class Debt(Protocol):
    """What one batch owes to one of the host's limits for one subject, all its actions together."""

    @property
    def charge(self) -> Charge:
        """For messages: the limit as a `Quota`, and what would be charged."""
        ...

    def fits(self) -> bool:
        """Ask."""
        ...

    def pay(self) -> bool:
        """Charge; False if there is no room any more."""
        ...

    def standing(self) -> tuple[int, float]:
        """What is left, and the seconds after which the charge would fit if nothing else came."""
        ...


class Bill(Struct):
    """What a batch owes to the host's limits."""

    debts: Sequence[Debt] = ()
    paid: Sequence[tuple[Mark, dict[Any, int]]] = ()
    """What each action will find paid, once all is: amounts, by what the library asks for."""


class Asked(Charge, frozen=True, kw_only=True):
    """Stands for all that a batch owes to the host's limits, which are resolved at admission only: that may take as
    long as the host's own code, and comes after the check for overload (C2)."""

    parent: Parent
    actions: Sequence[Counted]


def host_quota(name: str, limit: int, seconds: float) -> Quota:
    """A limit of the host, as it stands in messages and logs."""
    return Quota(re.sub(r"[^A-Za-z0-9_.-]+", "-", name).strip("-")[-80:] or "limit", max(1, limit), per=seconds)


def unpaid(key: Any, cost: int) -> int:
    """What is left to charge of `cost`; in an action of a batch less than that, if admission has charged it."""
    mark = mark_of(None)
    if mark is None or mark.paid is None:
        return cost
    if mark.paid is FREE:
        return 0
    part = min(mark.paid.get(key, 0), cost)
    if part:
        mark.paid[key] -= part
    return cost - part


class MakeBill(Struct):
    """Answered with the `Bill`; `failure` is what the store of an earlier one has raised."""

    failure: Exception | None = None


class Ask(Struct):
    """Answered with a refusal or None, by `ask`."""

    debts: Sequence[Debt]


class Pay(Struct):
    """Answered with a refusal or None, by `pay`."""

    debts: Sequence[Debt]


class ChargeOwn(Struct):
    """Answered with the decision of the limiter that keeps our own limits."""

    charges: Sequence[Charge]


class GiveBack(Struct):
    """Free the slots of our own limits."""

    slots: Sequence[Slot]


Step: TypeAlias = MakeBill | Ask | Pay | ChargeOwn | GiveBack


def admission(charges: Sequence[Charge], permit: str) -> Generator[Step, Any, Decision]:
    """The order of an admission; the limiter's class takes the steps, by calling or by awaiting."""
    own = [charge for charge in charges if not isinstance(charge, Asked)]
    actions = [pair for charge in charges if isinstance(charge, Asked) for pair in charge.actions]
    try:
        bill: Bill = (yield MakeBill()) if actions else Bill()
        refused: Decision | None
        try:
            refused = yield Ask(bill.debts)
        except Exception as error:  # noqa: BLE001  # whatever a store raises; the library may have a second one
            bill = yield MakeBill(error)
            refused = yield Ask(bill.debts)
        if refused is not None:
            return refused
        decision: Decision = (yield ChargeOwn(own)) if own else Decision(True, None, ())
        if decision.admitted:
            refused = yield Pay(bill.debts)
            if refused is not None:
                yield GiveBack([slot for slots in slots_of(own, permit).values() for slot in slots])
                return refused
    except Exception as error:
        _let_pass(actions)  # they run only if the host has chosen so (C41), and then uncounted
        if isinstance(error, LimiterUnavailable):
            raise
        raise LimiterUnavailable(f"{type(error).__name__} in the host's limits") from error
    for mark, paid in bill.paid:
        mark.paid = {**(mark.paid or {}), **paid}
    return replace(decision, charges=tuple(own))


def _let_pass(actions: Sequence[Counted]) -> None:
    for _, mark in actions:
        if mark is not None:
            mark.paid = FREE


def ask(debts: Sequence[Debt]) -> Decision | None:
    """A refusal, if any of the limits has no room."""
    return None if all(debt.fits() for debt in debts) else _refusal(debts)


def pay(debts: Sequence[Debt]) -> Decision | None:
    """Charge all; a refusal, if one has no room any more."""
    for debt in debts:
        if not debt.pay():
            log.info("a limit of the host was used up while a batch was admitted")
            return _refusal([debt])
    return None


def _refusal(debts: Sequence[Debt]) -> Decision:
    charges = tuple([debt.charge for debt in debts])
    standings = [debt.standing() for debt in debts]
    levels = tuple([Level(c.rule, max(0, left), wait) for c, (left, wait) in zip(charges, standings, strict=True)])
    waits = [wait for charge, (left, wait) in zip(charges, standings, strict=True) if charge.cost > left]
    wait = max(waits, default=1.0)
    return Decision(False, None if wait == inf else wait, levels, charges)
