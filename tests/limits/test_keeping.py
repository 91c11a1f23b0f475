"""C39: slots that are held are renewed for as long as they are, by whoever holds them, and given back once."""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

import pytest

from batchware import Action, Charge, Concurrency, Decision, LimiterUnavailable, Parent, Slot
from batchware.contract.charges import charges_for
from batchware.contract.effects import Admit
from batchware.contract.nesting import Mark
from batchware.limiters.memory import MemoryLimiter
from batchware.replay.ledger import AwaitingLedger, CallingLedger
from batchware.replay.places import Places
from tests.contract.batching import BARE, action, apost_batch, wrap
from tests.contract.limited import GATED, Awaited, Limited, held, until
from tests.contract.small_apps import others_have_ended
from tests.hosts import Host
from tests.hosts.gates import DEADLINE

ASGI, WSGI = BARE
RULE = Concurrency("flying", 4, lease=0.03)
MANY = Concurrency("many", 9, lease=60)


class Renewing(MemoryLimiter):
    """Never lets a lease end, and keeps what it is asked to renew; `fail` is raised by a renewal, or its answer."""

    def __init__(self, fail: Any = ()) -> None:
        super().__init__(clock=lambda: 1_000_020.0)
        self.renewed: list[list[str]] = []
        self.released: list[str] = []
        self.fail = fail

    def renew(self, slots: Sequence[Slot]) -> Sequence[Slot]:
        self.renewed.append([slot.rule.name for slot in slots])
        if isinstance(self.fail, Exception):
            raise self.fail
        return list(slots)[:1] if self.fail == "lost" and len(self.renewed) == 1 else ()

    def release(self, slots: Sequence[Slot]) -> None:
        self.released += [slot.rule.name for slot in slots]
        super().release(slots)


class _Later(Awaited):
    def __init__(self, limiter: Renewing) -> None:
        super().__init__(limiter)
        self.renewing = limiter

    async def _renew(self, slots: Sequence[Slot]) -> Sequence[Slot]:
        return self.renewing.renew(slots)

    def renew(self, slots: Sequence[Slot]) -> Any:
        return self._renew(slots)


def _keepers() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name == "batchware-keeper"]


@pytest.fixture(autouse=True)
def _no_keeper_of_another_test() -> None:
    until(lambda: not _keepers())  # each ends by itself


each_way = pytest.mark.parametrize(
    ("host", "later"),
    [
        pytest.param(ASGI, False, id="called on asgi"),
        pytest.param(ASGI, True, id="awaited on asgi"),
        pytest.param(WSGI, False, id="called on wsgi"),
    ],
)


def _limited(host: Host, limiter: Renewing, later: bool) -> Limited:
    return Limited(host, [RULE, MANY], limiter=_Later(limiter) if later else limiter, max_actions=4)


@each_way
def test_c39_what_is_held_is_renewed_again_and_again(host: Host, later: bool) -> None:
    limiter = Renewing()
    limited = _limited(host, limiter, later)
    for _ in range(2):  # and so it is after a time in which nothing was held
        limiter.renewed.clear()
        limiter.released.clear()
        with held(limited, [GATED]):
            until(lambda: len(limiter.renewed) >= 3)
            assert all(thread.daemon for thread in _keepers())
            assert len(_keepers()) == (host is WSGI)
        assert all(sorted(names) == ["flying", "many"] for names in limiter.renewed)
        assert sorted(limiter.released) == ["flying", "many"]
        until(lambda: not _keepers())
        seen = len(limiter.renewed)
        limited.batch(1)
        assert len(limiter.renewed) == seen


@each_way
def test_c39_a_slot_that_was_lost_is_told_and_not_given_back(
    host: Host, later: bool, caplog: pytest.LogCaptureFixture
) -> None:
    limiter = Renewing("lost")
    with held(_limited(host, limiter, later), [GATED]):
        until(lambda: len(limiter.renewed) >= 2)
    lost = limiter.renewed[0][0]
    assert f"a slot of the limit {lost} was lost before its request had ended" in caplog.messages
    assert len(limiter.renewed[1]) == 1
    assert limiter.released == limiter.renewed[1]


@each_way
@pytest.mark.parametrize("error", [LimiterUnavailable("it is away"), KeyError("a bug")], ids=["away", "a bug"])
def test_c39_a_renewal_that_fails_is_logged_and_the_next_one_comes(
    host: Host, later: bool, error: Exception, caplog: pytest.LogCaptureFixture
) -> None:
    limiter = Renewing(error)
    with held(_limited(host, limiter, later), [GATED]):
        until(lambda: len(limiter.renewed) >= 3)
    records = [record for record in caplog.records if "leases could not be renewed" in record.getMessage()]
    assert records
    for record in records:
        assert (record.levelno, record.getMessage()) == (logging.WARNING, f"leases could not be renewed: {error}")
        assert bool(record.exc_info) == isinstance(error, KeyError)


class _Slow(Awaited):
    """Charges, and never gets to say so."""

    def __init__(self, limiter: Renewing) -> None:
        super().__init__(limiter)
        self.asked = asyncio.Event()

    async def acquire(self, charges: Sequence[Charge], *, permit: str) -> Decision:
        await super().acquire(charges, permit=permit)
        self.asked.set()
        await asyncio.Event().wait()
        raise AssertionError


def test_c39_a_batch_that_is_cancelled_while_it_is_charged_gives_back_what_it_may_hold() -> None:
    limiter = Renewing()

    async def run() -> None:
        slow = _Slow(limiter)
        app = wrap(ASGI, limits=[RULE, MANY], limiter=slow, max_actions=4)
        task = asyncio.create_task(apost_batch(app, [action()] * 2))
        await slow.asked.wait()
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
        assert await others_have_ended()

    asyncio.run(run())
    assert sorted(limiter.released) == ["flying", "flying", "many", "many"]


def test_c39_slots_are_renewed_by_the_loop_that_runs_where_another_has_died() -> None:
    limiter = Renewing()
    ledger = AwaitingLedger(Places(10), [RULE], limiter)
    parent = Parent("GET", "/tasks", "", "http", (), "127.0.0.1", {}, "somebody")

    async def hold(permit: str) -> None:
        charges = charges_for([RULE], parent, [(Action(0, "GET", "/tasks"), Mark())], permit)
        assert await ledger.admit(Admit(0, charges, permit, pass_if_down=False)) is not None

    async def wait() -> None:
        await hold("second")
        end = time.monotonic() + DEADLINE
        while not limiter.renewed:
            assert time.monotonic() < end
            await asyncio.sleep(0.005)
        ledger.free(0, ledger.held)
        await ledger.settled()

    asyncio.run(hold("first"))  # a worker's loop that is closed before the slot is given back
    limiter.renewed.clear()
    asyncio.run(wait())
    assert limiter.renewed[0] == ["flying", "flying"]
    assert not ledger.held


def test_c39_one_timer_renews_for_all_that_a_loop_holds() -> None:
    limiter = Renewing()
    ledger = AwaitingLedger(Places(10), [Concurrency("flying", 9, lease=60)], limiter)
    parent = Parent("GET", "/tasks", "", "http", (), "127.0.0.1", {}, "somebody")

    async def run() -> None:
        loop, timers = asyncio.get_running_loop(), []
        later = loop.call_later
        loop.call_later = lambda delay, *what, **how: timers.append(delay) or later(delay, *what, **how)
        for permit in ("a", "b", "c"):
            rules = [Concurrency("flying", 9, lease=60)]
            charges = charges_for(rules, parent, [(Action(0, "GET", "/tasks"), Mark())], permit)
            await ledger.admit(Admit(0, charges, permit, pass_if_down=False))
        assert timers == [20.0]
        ledger.free(0, ledger.held)
        await ledger.settled()

    asyncio.run(run())
    assert len(limiter.released) == 3


def _admitted(count: int) -> Admit:
    parent = Parent("GET", "/tasks", "", "http", (), "127.0.0.1", {}, "somebody")
    actions = [(Action(index, "GET", "/tasks"), Mark()) for index in range(count)]
    return Admit(count, charges_for([RULE], parent, actions, "permit"), "permit", pass_if_down=False)


def test_c39_what_is_still_held_is_renewed_when_its_neighbour_is_free(caplog: pytest.LogCaptureFixture) -> None:
    limiter = Renewing()
    ledger = AwaitingLedger(Places(10), [RULE], limiter)

    async def run() -> None:
        assert await ledger.admit(_admitted(2)) is not None
        first, second = ledger.held
        ledger.free(1, [first])
        limiter.renewed.clear()
        end = time.monotonic() + DEADLINE
        while len(limiter.renewed) < 2:
            assert time.monotonic() < end
            await asyncio.sleep(0.005)
        assert ledger.held == [second]
        ledger.free(1, [second])
        assert ledger._timer is None, "no timer of nothing keeps a loop awake"

    asyncio.run(run())
    assert (ledger.places.taken, limiter.released) == (0, ["flying", "flying"])
    assert not caplog.records


def test_c39_a_keeper_renews_every_third_of_the_lease(monkeypatch: pytest.MonkeyPatch) -> None:
    class Clock:
        now = 1000.0

        def monotonic(self) -> float:
            return self.now

        def sleep(self, seconds: float) -> None:
            self.now += seconds
            if self.now >= 1050.0:
                ledger.free(0, ledger.held)

    class Noting(Renewing):
        def renew(self, slots: Sequence[Slot]) -> Sequence[Slot]:
            times.append(clock.now)
            return super().renew(slots)

    clock, limiter, times = Clock(), Noting(), []
    ledger = CallingLedger(Places(10), [Concurrency("flying", 9, lease=60)], limiter)
    monkeypatch.setattr(ledger, "_keep", lambda: None)  # this thread is the keeper
    assert ledger.admit(_admitted(2)) is not None
    monkeypatch.setattr("batchware.replay.ledger.time", clock)
    ledger._renew()
    assert (times, limiter.renewed) == ([1020.0, 1040.0], [["flying"] * 2] * 2)


def test_c39_settled_is_what_has_arrived_at_the_limiter() -> None:
    limiter = Renewing()
    ledger = AwaitingLedger(Places(10), [RULE], _Later(limiter))

    async def run() -> None:
        await ledger.settled()
        assert await ledger.admit(_admitted(2)) is not None
        ledger.free(2, ledger.held)
        assert (ledger.held, limiter.released) == ([], [])
        await ledger.settled()
        assert limiter.released == ["flying", "flying"]

    asyncio.run(run())
