"""What this process holds for requests in flight: places (C42), and slots of concurrency limits (C39).

One ledger a middleware. It knows every slot that is held, so that each is given back once and its lease is renewed in
time: a worker that lives keeps its slots, one that died loses them when their lease ends. The doors differ only in how
they wait: `AwaitingLedger` is for ASGI, `CallingLedger` for WSGI.
"""

from __future__ import annotations

import asyncio
import os
import threading
import time
from collections.abc import Awaitable, Iterable, Sequence
from inspect import isawaitable

from ..contract.charges import HostLimits, slots_of
from ..contract.effects import Admit
from ..contract.errors import LimitsUnavailable
from ..contract.limiter import AsyncLimiter, Decision, Limiter, LimiterUnavailable, Slot
from ..contract.limits import Concurrency, Limit
from ..contract.logger import log
from .places import Places

RENEWALS = 3  # a lease is renewed so often before it would end; one lost call costs nothing (C39)
IDLE = 0.5  # seconds until a keeper thread without a slot to keep ends


class _Ledger:
    def __init__(self, places: Places, limits: Sequence[Limit | HostLimits]) -> None:
        self.places = places
        self._lock = threading.Lock()
        self._held: dict[tuple[str, str, str], Slot] = {}
        self._process = os.getpid()
        leases = [rule.lease for rule in limits if isinstance(rule, Concurrency)]
        self._interval = min(leases) / RENEWALS if leases else 0.0

    @property
    def held(self) -> list[Slot]:
        """The slots that are held now."""
        with self._lock:
            return list(self._held.values())

    def _take_up(self, effect: Admit) -> None:
        if not self._interval:
            return  # no limit on requests in flight, so nothing is held
        slots = [slot for slots in slots_of(effect.charges, effect.permit).values() for slot in slots]
        with self._lock:
            if self._process != os.getpid():  # forked: what was held then is the parent's to keep and to give back
                self._process = os.getpid()
                self._held.clear()
            self._held.update({_key(slot): slot for slot in slots})

    def _holds(self, effect: Admit, decision: Decision) -> bool:
        """Hold what was admitted, or give the places of a refused batch back."""
        if decision.admitted:
            self._take_up(effect)
        else:
            self.places.free(effect.places)
        return decision.admitted

    def _put_down(self, slots: Iterable[Slot]) -> list[Slot]:
        """Those of `slots` that were held until now."""
        with self._lock:
            return [slot for slot in slots if self._held.pop(_key(slot), None) is not None]

    def _lost(self, slots: Iterable[Slot]) -> None:
        for slot in self._put_down(slots):
            log.warning("a slot of the limit %s was lost before its request had ended", slot.rule.name)


def _key(slot: Slot) -> tuple[str, str, str]:
    return slot.rule.name, slot.subject, slot.holder


def _unavailable(effect: Admit, error: LimiterUnavailable) -> None:
    """The store is away: log it, and go on without it or refuse, as the host has chosen (C41)."""
    what = "let through" if effect.pass_if_down else "refused"
    log.error("the limits can't be checked, a request was %s: %s", what, error)
    if not effect.pass_if_down:
        raise LimitsUnavailable from None


class AwaitingLedger(_Ledger):
    """For the event loop: a limiter may be awaited, slots are given back by tasks, leases renewed by a timer."""

    def __init__(
        self, places: Places, limits: Sequence[Limit | HostLimits], limiter: Limiter | AsyncLimiter | None
    ) -> None:
        super().__init__(places, limits)
        self._limiter = limiter
        self._timer: asyncio.TimerHandle | None = None
        self._clock: asyncio.AbstractEventLoop | None = None  # the loop of the timer
        self._tasks: set[asyncio.Task[None]] = set()

    async def admit(self, effect: Admit) -> Decision | None:
        """Take places and charge limits; None where there was nothing to charge, or the store is away."""
        if effect.places:
            self.places.take(effect.places)
        try:
            decision = await self._acquire(effect) if effect.charges else None
        except BaseException:
            self.places.free(effect.places)
            raise
        if decision is not None and self._holds(effect, decision) and self._interval:
            self._keep()
        return decision

    async def _acquire(self, effect: Admit) -> Decision | None:
        assert self._limiter is not None, "there are charges only where there is a limiter"
        try:
            answer = self._limiter.acquire(effect.charges, permit=effect.permit)
            return answer if isinstance(answer, Decision) else await answer
        except LimiterUnavailable as error:
            _unavailable(effect, error)
        except asyncio.CancelledError:  # charged or not: give back what would be held
            slots = [slot for slots in slots_of(effect.charges, effect.permit).values() for slot in slots]
            self._start(self._release(slots))
            raise
        return None

    def free(self, places: int, slots: Sequence[Slot]) -> None:
        """Give back; nobody waits for it."""
        if places:
            self.places.free(places)
        if slots and (slots := self._put_down(slots)):
            self._start(self._release(slots))
            if not self._held and self._timer is not None:
                self._timer.cancel()
                self._timer = None

    async def settled(self) -> None:
        """Wait until all that was given back in this event loop has arrived."""
        if not self._tasks:
            return
        loop = asyncio.get_running_loop()
        if tasks := [task for task in self._tasks.copy() if task.get_loop() is loop]:
            await asyncio.wait(tasks)

    def _start(self, giving_back: Awaitable[None] | None) -> None:
        if giving_back is not None:
            task = asyncio.ensure_future(giving_back)
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    def _release(self, slots: Sequence[Slot]) -> Awaitable[None] | None:
        assert self._limiter is not None
        try:
            answer = self._limiter.release(slots)
        except Exception as error:  # noqa: BLE001  # a response that frees a slot must not suffer from it (C26)
            _not_given_back(error)
            return None
        return _logged(answer) if isawaitable(answer) else None

    def _keep(self) -> None:
        loop = asyncio.get_running_loop()
        if self._held and (self._timer is None or self._clock is None or self._clock.is_closed()):
            self._timer, self._clock = loop.call_later(self._interval, self._renew), loop

    def _renew(self) -> None:
        assert self._limiter is not None
        self._timer = None
        if slots := self.held:
            self._start(self._renewed(slots))
            self._keep()

    async def _renewed(self, slots: Sequence[Slot]) -> None:
        assert self._limiter is not None
        try:
            answer = self._limiter.renew(slots)
            self._lost(await answer if isawaitable(answer) else answer)
        except Exception as error:  # noqa: BLE001  # the next renewal has to come
            _not_renewed(error)


async def _logged(giving_back: Awaitable[None]) -> None:
    try:
        await giving_back
    except Exception as error:  # noqa: BLE001  # as above
        _not_given_back(error)


def _not_given_back(error: Exception) -> None:
    known = isinstance(error, LimiterUnavailable)
    log.warning(
        "slots could not be given back, they are free when their lease ends: %s", error, exc_info=not known and error
    )


def _not_renewed(error: Exception) -> None:
    known = isinstance(error, LimiterUnavailable)
    log.warning("leases could not be renewed: %s", error, exc_info=not known and error)


class CallingLedger(_Ledger):
    """For threads: a limiter is called, and one keeper thread a process renews the leases."""

    def __init__(self, places: Places, limits: Sequence[Limit | HostLimits], limiter: Limiter | None) -> None:
        super().__init__(places, limits)
        self._limiter = limiter
        self._keeper: tuple[int, threading.Thread] | None = None

    def admit(self, effect: Admit) -> Decision | None:
        """Take places and charge limits; None where there was nothing to charge, or the store is away."""
        if effect.places:
            self.places.take(effect.places)
        try:
            decision = self._acquire(effect) if effect.charges else None
        except BaseException:
            self.places.free(effect.places)
            raise
        if decision is not None and self._holds(effect, decision) and self._interval:
            self._keep()
        return decision

    def _acquire(self, effect: Admit) -> Decision | None:
        assert self._limiter is not None, "there are charges only where there is a limiter"
        try:
            return self._limiter.acquire(effect.charges, permit=effect.permit)
        except LimiterUnavailable as error:
            _unavailable(effect, error)
        return None

    def free(self, places: int, slots: Sequence[Slot]) -> None:
        """Give back, in the calling thread."""
        if places:
            self.places.free(places)
        if slots and (slots := self._put_down(slots)):
            assert self._limiter is not None
            try:
                self._limiter.release(slots)
            except Exception as error:  # noqa: BLE001  # as above
                _not_given_back(error)

    def _keep(self) -> None:
        with self._lock:
            if not self._held or (self._keeper is not None and self._keeper[0] == os.getpid()):
                return
            thread = threading.Thread(target=self._renew, name="batchware-keeper", daemon=True)
            self._keeper = (os.getpid(), thread)
        thread.start()

    def _renew(self) -> None:
        assert self._limiter is not None
        due = time.monotonic() + self._interval
        while True:
            time.sleep(min(self._interval, IDLE))
            with self._lock:
                if not self._held:
                    self._keeper = None
                    return
            if time.monotonic() >= due:
                due = time.monotonic() + self._interval
                try:
                    self._lost(self._limiter.renew(self.held))
                except Exception as error:  # noqa: BLE001  # the one keeper of this process has to go on
                    _not_renewed(error)
