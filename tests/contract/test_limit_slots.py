"""C35, C38, C39: how many actions are in flight, and when the place of one is free."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Sequence

import pytest

from batchware import Concurrency, Quota, Slot
from batchware.limiters.memory import MemoryLimiter
from tests.contract.batching import BARE, action, apost_batch, bare_door
from tests.contract.limited import GATED, REFUSED, Limited, held, limited_host, until
from tests.hosts import Host, probe
from tests.hosts.clients import asend
from tests.hosts.gates import DEADLINE

ASGI, WSGI = BARE


@bare_door
def test_c35_a_batch_of_n_counts_as_n_in_flight(host: Host) -> None:
    limited = Limited(host, [Concurrency("slots", 4)])
    gates = [action("/gate/all", data={"n": 4})] * 3
    with held(limited, [GATED]):
        assert limited.batch([action()] * 4).status == 429
        thread = threading.Thread(target=lambda: limited.batch(gates))
        thread.start()
        until(lambda: probe.gates.waiting("all") == 3)
        refused = limited.direct()
        assert (refused.status, refused.header("retry-after")) == (429, "1")
        probe.gates.arrive("all", 4)
        thread.join()
        assert limited.direct().status == 200
        assert limited.batch(3).status == 200
        assert limited.batch(4).status == 429
    assert limited.batch(4).status == 200


@limited_host
def test_c38_a_refused_action_is_counted(host: Host) -> None:
    limited = Limited(host, [Quota("minute", 10)])
    assert limited.batch([REFUSED, action(), action("/scim/v2/Users"), {"method": 1}]).statuses == [400, 200, 400, 400]
    assert limited.passing() == 6


@bare_door
def test_c38_what_has_no_method_or_path_falls_under_what_matches_everything(host: Host) -> None:
    limits = [
        Quota("all", 9),
        Quota("gets", 9, methods=["GET"]),
        Quota("tasks", 9, paths=["/**"]),
        Concurrency("slots", 9),
    ]
    limited = Limited(host, limits, ratelimit_headers=True)
    answer = limited.batch([{"method": "brew", "relative_path": "//"}, {"method": "get"}, 7, action()])
    left = [field.split(";")[:2] for field in str(answer.header("ratelimit")).split(", ")]
    assert left[0] == ['"all"', "r=5"]
    assert left[1][0] == '"gets"'
    assert left[2:] == [['"tasks"', "r=8"], ['"slots"', "r=8"]]


@bare_door
def test_c38_a_batch_of_refused_actions_is_counted_too(host: Host) -> None:
    limited = Limited(host, [Quota("ten", 10), Concurrency("slots", 2)])
    assert limited.batch([REFUSED] * 2).statuses == [400, 400]
    assert limited.batch([REFUSED] * 3).status == 429
    assert limited.passing() == 8


@bare_door
def test_c38_a_refused_action_holds_no_slot(host: Host) -> None:
    limited = Limited(host, [Concurrency("slots", 3)])
    assert limited.batch([GATED, *[REFUSED] * 3]).status == 429, "at admission it counts"
    with held(limited, [REFUSED, GATED, REFUSED]):
        assert limited.batch(2).status == 200
        assert limited.batch(3).status == 429


@limited_host
def test_c39_a_slot_is_free_as_soon_as_its_action_is_complete(host: Host) -> None:
    limited = Limited(host, [Concurrency("slots", 3)])
    with held(limited, [action(), GATED, action()]):
        until(lambda: limited.batch(2).status == 200)
        assert limited.batch(3).status == 429
    assert limited.batch(3).status == 200


@limited_host
@pytest.mark.parametrize("path", ["/raise", "/nothing", "/half"])
def test_c39_an_action_that_fails_frees_its_slot(host: Host, path: str) -> None:
    limited = Limited(host, [Concurrency("slots", 2)])
    for _ in range(3):
        assert limited.batch([action(path)] * 2).statuses == [500, 500]
        until(lambda: limited.batch(2).status == 200)


def test_c39_background_work_holds_no_slot() -> None:
    limited = Limited(ASGI, [Concurrency("slots", 1)], max_actions=1)

    async def run() -> None:
        sent = asyncio.Event()
        batch = asyncio.create_task(apost_batch(limited.app, [action("/background")], on_complete=sent.set))
        await sent.wait()
        assert not batch.done()
        assert (await asend(limited.app, "GET", "/tasks/1")).status == 200
        probe.let_go.set()
        assert (await batch).statuses == [200]

    asyncio.run(run())


def test_c39_an_action_past_its_time_holds_its_slot_until_its_thread_ends() -> None:
    limited = Limited(WSGI, [Concurrency("slots", 1)], action_timeout=0.05)
    try:
        assert limited.batch([GATED]).statuses == [504]
        assert limited.batch(1).status == 429
    finally:
        until(lambda: probe.gates.waiting("held") == 1)
        probe.gates.arrive("held", 2)
    until(lambda: limited.batch(1).status == 200)


def test_c39_a_batch_that_is_cancelled_frees_its_slots() -> None:
    limited = Limited(ASGI, [Concurrency("slots", 4)])

    async def run() -> None:
        batch = asyncio.create_task(apost_batch(limited.app, [GATED] * 1 + [action("/gate/never", data={"n": 9})] * 3))
        while probe.gates.waiting("never") < 3:
            await asyncio.sleep(0)
        assert (await apost_batch(limited.app, [action()])).status == 429
        batch.cancel()
        with pytest.raises(asyncio.CancelledError):
            await batch
        assert (await apost_batch(limited.app, [action()] * 4)).status == 200

    asyncio.run(run())


def test_c39_the_answer_waits_for_a_slot_that_another_thread_is_giving_back() -> None:
    """Else a client that sends one batch after the other would find its own slots taken."""
    entered, leave = threading.Semaphore(0), threading.Semaphore(0)

    class Slow(MemoryLimiter):
        def release(self, slots: Sequence[Slot]) -> None:
            entered.release()
            leave.acquire(timeout=DEADLINE)
            super().release(slots)

    limited = Limited(WSGI, [Concurrency("slots", 2)], limiter=Slow(), action_timeout=60.0)
    thread = threading.Thread(target=limited.batch, args=(2,))
    thread.start()
    assert all(entered.acquire(timeout=DEADLINE) for _ in range(2))
    for _ in range(2):
        thread.join(0.2)
        assert thread.is_alive()
        leave.release()
    thread.join(DEADLINE)
    assert not thread.is_alive()
    leave.release(2)
    assert limited.batch(2).status == 200
