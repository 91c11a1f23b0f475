"""`HostLimiter` and `AsyncHostLimiter`: an admission by the host's own limits, by calling and by awaiting.

Each is a `HostLimits` (for `limits=`) and a limiter (for `limiter=`) in one: what batches owe to the host's limits it
settles with the host's library, all other charges go to a limiter of ours. `options` is what a middleware is given.
"""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable, Collection, Coroutine, Mapping, Sequence
from typing import Any, TypeAlias

from ..config import BatchOptions
from ..contract.limiter import AsyncLimiter, Charge, Decision, Limiter, Slot
from ..contract.limits import Limit, Quota
from ..contract.model import Parent
from ..limiters.memory import MemoryLimiter
from .admission import Ask, Asked, Bill, ChargeOwn, Counted, GiveBack, MakeBill, Pay, Step, admission, ask, pay

MakesBill: TypeAlias = Callable[[Parent, Sequence[Counted], Exception | None], Bill]
"""Makes the bill of a batch. With an error, the one that the store of the first bill has raised, it finds another way
(a fallback store) or raises that error again."""
AwaitsBill: TypeAlias = Callable[[Parent, Sequence[Counted], Exception | None], Awaitable[Bill]]


class _HostLimits:
    def __init__(self, name: str) -> None:
        self.name = name
        self._stand_in = Quota(name, 1)

    def charges(self, parent: Parent, actions: Sequence[Counted], permit: str) -> Sequence[Charge]:
        """One charge, which stands for whatever the host's library will say at admission."""
        return [Asked(self._stand_in, "", len(actions), parent=parent, actions=actions)]


def _asked_in(charges: Sequence[Charge]) -> Asked:
    return next(charge for charge in charges if isinstance(charge, Asked))


class HostLimiter(_HostLimits):
    """For WSGI, a `Limiter`. For the same permit the host is charged again: the doors ask once."""

    blocking = True

    def __init__(self, name: str, make_bill: MakesBill, own: Limiter | AsyncLimiter | None) -> None:
        super().__init__(name)
        limiter: Any = own or MemoryLimiter()
        if inspect.iscoroutinefunction(limiter.acquire):
            raise TypeError(f"limiter: {type(limiter).__name__} has to be awaited; on WSGI use any Limiter")
        self._make_bill = make_bill
        self._own: Limiter = limiter

    def acquire(self, charges: Sequence[Charge], *, permit: str) -> Decision:
        """All charges or none, but for races (`admission`)."""
        steps = admission(charges, permit)
        try:
            step = next(steps)
            while True:
                try:
                    answer = self._take(step, charges, permit)
                except Exception as error:  # noqa: BLE001  # the admission judges it
                    step = steps.throw(error)
                else:
                    step = steps.send(answer)
        except StopIteration as stop:
            decision: Decision = stop.value
            return decision

    def _take(self, step: Step, charges: Sequence[Charge], permit: str) -> Any:
        match step:
            case MakeBill(failure):
                asked = _asked_in(charges)
                return self._make_bill(asked.parent, asked.actions, failure)
            case Ask(debts):
                return ask(debts)
            case Pay(debts):
                return pay(debts)
            case ChargeOwn(own):
                return self._own.acquire(own, permit=permit)
            case GiveBack(slots):
                return self._own.release(slots) if slots else None

    def release(self, slots: Sequence[Slot]) -> None:
        """Free slots of our own limits."""
        self._own.release(slots)

    def renew(self, slots: Sequence[Slot]) -> Sequence[Slot]:
        """Extend leases of our own limits."""
        return self._own.renew(slots)


class AsyncHostLimiter(_HostLimits):
    """For ASGI, an `AsyncLimiter`. `run` calls a function that talks to the host's store, in a thread if it waits."""

    blocking = False

    def __init__(
        self,
        name: str,
        make_bill: AwaitsBill,
        run: Callable[[Callable[[], Any]], Coroutine[Any, Any, Any]],
        own: Limiter | AsyncLimiter | None,
    ) -> None:
        super().__init__(name)
        limiter = own or MemoryLimiter()
        if limiter.blocking and not inspect.iscoroutinefunction(limiter.acquire):
            raise TypeError(f"limiter: {type(limiter).__name__} blocks the event loop; on ASGI use any AsyncLimiter")
        self._make_bill = make_bill
        self._run = run
        self._own = limiter

    async def acquire(self, charges: Sequence[Charge], *, permit: str) -> Decision:
        """All charges or none, but for races (`admission`)."""
        steps = admission(charges, permit)
        try:
            step = next(steps)
            while True:
                try:
                    answer = await self._take(step, charges, permit)
                except Exception as error:  # noqa: BLE001  # the admission judges it
                    step = steps.throw(error)
                else:
                    step = steps.send(answer)
        except StopIteration as stop:
            decision: Decision = stop.value
            return decision

    async def _take(self, step: Step, charges: Sequence[Charge], permit: str) -> Any:
        match step:
            case MakeBill(failure):
                asked = _asked_in(charges)
                return await self._make_bill(asked.parent, asked.actions, failure)
            case Ask(debts):
                return await self._run(lambda: ask(debts)) if debts else None
            case Pay(debts):
                return await self._run(lambda: pay(debts)) if debts else None
            case ChargeOwn(own):
                answer = self._own.acquire(own, permit=permit)
                return await answer if inspect.isawaitable(answer) else answer
            case GiveBack(slots):
                return await self.release(slots) if slots else None

    async def release(self, slots: Sequence[Slot]) -> None:
        """Free slots of our own limits."""
        answer = self._own.release(slots)
        if inspect.isawaitable(answer):
            await answer

    async def renew(self, slots: Sequence[Slot]) -> Sequence[Slot]:
        """Extend leases of our own limits."""
        answer = self._own.renew(slots)
        return await answer if inspect.isawaitable(answer) else answer


def check_together(*given: Mapping[str, Any]) -> None:
    """Raises `ValueError` where one of several mappings of options has a host's limits, and another one limits too, so
    that one would replace the other's."""
    having = [options["limits"] for options in given if "limits" in options]
    hosts = [limits for limits in having if any(isinstance(rule, _HostLimits) for rule in limits)]
    if hosts and len(having) > 1:
        raise ValueError("limits: give your own to the function that names the host's limits, as limits=[...]")


def options(
    host: HostLimiter | AsyncHostLimiter, limits: Sequence[Limit], keep_keys: Collection[str] = ()
) -> BatchOptions:
    """The options of a middleware: the host's limits beside `limits`, our own. Direct requests are charged to those
    only; the host's library counts them itself (C37)."""
    given: BatchOptions = {"limits": [*limits, host], "limiter": host, "count_direct": bool(limits)}
    if keep_keys:
        given["keep_keys"] = keep_keys
    return given
