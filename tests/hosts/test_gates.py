"""The meeting points themselves, across threads and event loops."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor

from tests.hosts.gates import Gates, Signal


def test_a_thread_and_coroutines_meet_at_one_gate() -> None:
    gates = Gates()

    async def coroutines() -> list[int]:
        return await asyncio.gather(*(gates.arrive_async("g", 3) for _ in range(2)))

    with ThreadPoolExecutor(1) as threads:
        thread = threads.submit(gates.arrive, "g", 3)
        assert [*asyncio.run(coroutines()), thread.result()] == [3, 3, 3]


def test_who_waits_in_vain_is_told_how_many_came_and_makes_room() -> None:
    gates = Gates(deadline=0.001)
    assert gates.arrive("g", 2) == 1
    assert asyncio.run(gates.arrive_async("g", 2)) == 1
    assert gates.waiting("g") == 0


def test_a_gate_closes_again() -> None:
    gates = Gates(deadline=0.001)
    assert gates.arrive("g", 1) == 1
    assert gates.arrive("g", 2) == 1


def test_a_cancelled_waiter_makes_room() -> None:
    gates = Gates()

    async def cancelled() -> None:
        waiter = asyncio.create_task(gates.arrive_async("g", 2))
        await asyncio.sleep(0)
        assert gates.waiting("g") == 1
        waiter.cancel()
        await asyncio.wait([waiter])

    asyncio.run(cancelled())
    assert gates.waiting("g") == 0


def test_a_signal_wakes_waiters_of_every_loop() -> None:
    signal = Signal()

    def in_a_loop_of_its_own() -> bool:
        return asyncio.run(signal.wait_async())

    with ThreadPoolExecutor(3) as threads:
        waiting = [threads.submit(in_a_loop_of_its_own), threads.submit(signal.wait)]
        threads.submit(signal.set)
        assert [waiter.result() for waiter in waiting] == [True, True]
    assert asyncio.run(signal.wait_async())
