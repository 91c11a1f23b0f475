"""C42: at most `max_pending` actions are in flight in one process; a batch that would exceed it is 503."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Sequence
from typing import Any

import pytest

from batchware import Charge, Decision, LimiterUnavailable, Quota
from batchware.contract.errors import BatchError, Overloaded
from batchware.contract.flight import Flight, Record
from batchware.contract.model import Action, Outcome, Parent
from batchware.limiters.memory import MemoryLimiter
from batchware.replay.places import Places
from tests.contract.batching import (
    BARE,
    BatchAnswer,
    action,
    apost_batch,
    bare_door,
    every_host,
    host_named,
    post_batch,
    wrap,
)
from tests.contract.small_apps import eventually
from tests.hosts import Host, probe
from tests.hosts.clients import Response, asend, send


def _while_in_flight(
    app: Any, host: Host, count: int, meanwhile: Callable[[Callable[..., Any]], Any], *more: Any
) -> BatchAnswer:
    """Posts `count` actions that wait at a gate, calls `meanwhile` with a way to post, and lets them go."""
    gates = [action("/gate/held", data={"n": count + 1}) for _ in range(count)]
    held: list[BatchAnswer] = []
    thread = threading.Thread(target=lambda: held.append(post_batch(app, host, [*gates, *more])))
    thread.start()
    try:
        assert eventually(lambda: probe.gates.waiting("held") == count)
        meanwhile(lambda *actions: post_batch(app, host, list(actions)))
    finally:
        probe.gates.arrive("held", count + 1)
        thread.join()
    return held[0]


def _refused(answer: BatchAnswer) -> bool:
    assert answer.status == 503
    assert answer.header("retry-after") == "1"
    assert "in flight" in answer.message
    return True


@every_host
def test_c42_a_batch_that_would_exceed_max_pending_is_503(host: Host) -> None:
    app = wrap(host, max_actions=4, max_pending=4)

    def meanwhile(post: Callable[..., BatchAnswer]) -> None:
        probe.seen.clear()
        assert _refused(post(action(), action()))
        assert probe.seen == [], "nothing of it ran"
        assert post(action()).statuses == [200], "there is one place left"

    assert _while_in_flight(app, host, 3, meanwhile).statuses == [200] * 3
    assert post_batch(app, host, [action()] * 4).statuses == [200] * 4, "all places are free again"


@bare_door
def test_c42_direct_requests_are_never_refused(host: Host) -> None:
    app = wrap(host, max_actions=2, max_pending=2)
    direct: list[Response] = []

    def meanwhile(post: Callable[..., BatchAnswer]) -> None:
        assert _refused(post(action()))
        direct.append(send(app, host.door, "GET", "/tasks/1"))

    _while_in_flight(app, host, 2, meanwhile)
    assert [response.status for response in direct] == [200]


@bare_door
def test_c42_refused_actions_take_no_place(host: Host) -> None:
    app = wrap(host, max_actions=4, max_pending=4)

    def meanwhile(post: Callable[..., BatchAnswer]) -> None:
        assert post(None, action("x"), action("/scim"), action()).statuses == [400, 400, 400, 200]
        assert _refused(post(None, action(), action()))
        assert post(None, None).statuses == [400, 400]

    assert _while_in_flight(app, host, 3, meanwhile, None).statuses == [200, 200, 200, 400]


@bare_door
def test_c42_an_action_gives_its_place_back_as_soon_as_it_is_complete(host: Host) -> None:
    app = wrap(host, max_actions=4, max_pending=4)

    def meanwhile(post: Callable[..., BatchAnswer]) -> None:
        # Three of four are complete, though their batch is not.
        assert eventually(lambda: post(action(), action(), action()).status == 200)
        assert _refused(post(*[action()] * 4))

    assert _while_in_flight(app, host, 1, meanwhile, *[action()] * 3).statuses == [200] * 4


@bare_door
def test_c42_waiting_actions_count(host: Host) -> None:
    app = wrap(host, parallel=1, max_actions=3, max_pending=3)

    def meanwhile(post: Callable[..., BatchAnswer]) -> None:
        assert _refused(post(action()))

    assert _while_in_flight(app, host, 1, meanwhile, action(), action()).statuses == [200] * 3


@bare_door
def test_c42_a_batch_that_is_refused_for_another_reason_takes_no_place(host: Host) -> None:
    app = wrap(host, max_actions=2, max_pending=2)
    for _ in range(3):
        assert post_batch(app, host, [action()] * 3).status == 400
        assert post_batch(app, host, body=b"{").status == 400
        assert send(app, host.door, "GET", "/batch").status == 405
    assert post_batch(app, host, [action()] * 2).statuses == [200] * 2


class _Away(MemoryLimiter):
    """A store that can't be reached, or breaks."""

    def __init__(self, error: Exception) -> None:
        super().__init__()
        self.error: Exception | None = error

    def acquire(self, charges: Sequence[Charge], *, permit: str) -> Decision:
        if self.error is not None:
            raise self.error
        return super().acquire(charges, permit=permit)


@bare_door
def test_c36_c42_a_batch_that_a_limit_refuses_gives_its_places_back(host: Host) -> None:
    limits = [Quota("writes", 1, methods=["POST"])]
    app = wrap(host, max_actions=2, max_pending=2, limits=limits)
    for _ in range(3):
        assert post_batch(app, host, [action(method="post")] * 2).status == 429
    assert post_batch(app, host, [action()] * 2).statuses == [200] * 2


@bare_door
def test_c41_c42_a_batch_that_is_refused_without_its_store_gives_its_places_back(host: Host) -> None:
    limiter = _Away(LimiterUnavailable("away"))
    app = wrap(host, max_actions=2, max_pending=2, limits=[Quota("all", 100)], limiter=limiter)
    for _ in range(3):
        assert post_batch(app, host, [action()] * 2).status == 503
    limiter.error = None
    assert post_batch(app, host, [action()] * 2).statuses == [200] * 2


@bare_door
def test_c42_asking_the_host_for_its_policy_takes_no_place(host: Host) -> None:
    app = wrap(host, max_actions=1, max_pending=1)
    for _ in range(3):
        assert post_batch(app, host, [action()], headers={"Origin": "https://app.example"}).statuses == [200]
        assert send(app, host.door, "OPTIONS", "/batch").status == 204


def test_c42_many_batches_in_one_loop_keep_to_it() -> None:
    app = wrap(host_named("asgi"), max_actions=3, max_pending=7)

    async def test() -> None:
        gates = [action("/gate/all", data={"n": 6})] * 3
        answers = await asyncio.gather(*(apost_batch(app, gates) for _ in range(5)))
        assert sorted(answer.status for answer in answers) == [200, 200, 503, 503, 503]
        assert (await asend(app, "GET", "/tasks/1")).status == 200
        assert (await apost_batch(app, [action()] * 3)).statuses == [200] * 3

    asyncio.run(test())


def test_c42_a_batch_that_is_cancelled_gives_back_the_places_that_it_had() -> None:
    app = wrap(BARE[0], max_actions=4, max_pending=4, parallel=1)

    async def test() -> None:
        batch = asyncio.create_task(apost_batch(app, [action("/gate/never", data={"n": 9}), *[action()] * 3]))
        while not probe.gates.waiting("never"):
            await asyncio.sleep(0)
        batch.cancel()
        with pytest.raises(asyncio.CancelledError):
            await batch
        batch = asyncio.create_task(apost_batch(app, [action("/gate/held", data={"n": 2}), *[action()] * 3]))
        while not probe.gates.waiting("held"):
            await asyncio.sleep(0)
        assert (await apost_batch(app, [action()])).status == 503
        probe.gates.arrive("held", 2)
        assert (await batch).statuses == [200] * 4

    asyncio.run(test())


def test_c42_places_are_taken_all_or_none() -> None:
    places = Places(5)
    places.take(3)
    with pytest.raises(Overloaded):
        places.take(3)
    assert places.taken == 3
    places.take(2)
    places.free(4)
    assert places.taken == 1
    places.free()
    assert places.taken == 0


def _failure(error: BatchError) -> Outcome:
    return Outcome(error.status, (), b"", error)


def test_c42_a_place_is_given_back_once() -> None:
    (record,) = records = [Record(Action(0, "GET", "/x"))]
    parent = Parent("POST", "/batch", "", "http", (), None, {})
    flight = Flight(
        records,
        parent,
        parallel=None,
        timeout=1.0,
        max_result_bytes=10,
        max_answer_bytes=100,
        write=lambda action, outcome: (),
        failure=_failure,
    )
    flight.ready(0.0)
    assert flight.overdue(0.5) == []
    assert flight.overdue(1.0) == [record]
    assert flight.done
    assert flight.land(record, Outcome(200, (), b"")) is False, "too late"
    assert flight.ended(record) is True, "counted until its task or thread has ended (C26)"
    assert flight.ended(record) is False
