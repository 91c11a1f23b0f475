"""C18: the actions of a batch run at once, `parallel` caps how many, and none can use another's output.

Handlers that wait for each other prove it: a batch that ran them one after the other would answer 599 in the end.
"""

from __future__ import annotations

import base64
import json
import threading
from collections.abc import Iterable
from typing import Any

import pytest

from batchware.contract.errors import BatchError, HandlerFailed
from batchware.contract.flight import Flight, Record
from batchware.contract.model import Action, Outcome, Parent
from tests.contract.batching import action, bare_door, every_host, post_batch, wrap
from tests.contract.small_apps import asgi_app, door, reply, started, wsgi_app
from tests.hosts import Host
from tests.hosts.gates import Gates


def _gates(count: int, route: str = "/gate/all") -> list[dict[str, Any]]:
    return [action(route, data={"n": count}) for _ in range(count)]


@every_host
def test_c18_all_actions_run_at_once(host: Host) -> None:
    assert post_batch(wrap(host), host, _gates(10)).statuses == [200] * 10


@every_host
def test_c18_plain_functions_run_at_once(host: Host) -> None:
    # asyncio's own thread pool, where some frameworks run them, has four threads on the smallest machine.
    assert post_batch(wrap(host), host, _gates(4, "/gate-sync/all")).statuses == [200] * 4


@bare_door
@pytest.mark.parametrize("timeout", [None, 60.0], ids=["no time-out", "a time-out"])
def test_c18_all_actions_run_at_once_with_and_without_a_time_out(host: Host, timeout: float | None) -> None:
    app = wrap(host, action_timeout=timeout, max_actions=20)
    assert post_batch(app, host, _gates(20)).statuses == [200] * 20


class _Crowd:
    """Handlers that meet at a gate, and how many of them were ever in at once."""

    def __init__(self, meet: int) -> None:
        self.most = 0
        self._meet = meet
        self._now = 0
        self._lock = threading.Lock()
        self._gates = Gates()

    def _enter(self, step: int) -> None:
        with self._lock:
            self._now += step
            self.most = max(self.most, self._now)

    async def asgi(self, scope: Any, receive: Any, send: Any) -> None:
        self._enter(1)
        met = await self._gates.arrive_async("here", self._meet)
        self._enter(-1)
        await reply(send, str(met).encode())

    def wsgi(self, environ: Any, start_response: Any) -> Iterable[bytes]:
        self._enter(1)
        met = self._gates.arrive("here", self._meet)
        self._enter(-1)
        return started(start_response, str(met).encode())

    def host(self, host: Host) -> Host:
        paths = {"/x": self.asgi} if host.door == "asgi" else {"/x": self.wsgi}
        return door(host.door, asgi_app(paths) if host.door == "asgi" else wsgi_app(paths))


@bare_door
@pytest.mark.parametrize("parallel", [1, 3])
@pytest.mark.parametrize("timeout", [None, 60.0], ids=["no time-out", "a time-out"])
def test_c18_parallel_caps_how_many_run_at_once(host: Host, parallel: int, timeout: float | None) -> None:
    crowd = _Crowd(meet=parallel)
    small = crowd.host(host)
    answer = post_batch(wrap(small, parallel=parallel, action_timeout=timeout), small, [action("/x")] * 9)
    assert [result["body"] for result in answer.results] == [parallel] * 9
    assert crowd.most == parallel


@bare_door
def test_c18_parallel_caps_each_batch_and_not_the_process(host: Host) -> None:
    app = wrap(host, parallel=1)
    answers: list[list[int]] = []

    def post() -> None:
        answers.append(post_batch(app, host, [action("/gate/two", data={"n": 2})]).statuses)

    threads = [threading.Thread(target=post) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers == [[200], [200]]


@bare_door
def test_c18_a_waiting_action_starts_as_soon_as_another_has_ended(host: Host) -> None:
    # The first waits for the third, which can only start in the place of the second.
    meet = action("/gate/meet", data={"n": 2})
    assert post_batch(wrap(host, parallel=2), host, [meet, action(), meet]).statuses == [200] * 3


@bare_door
@pytest.mark.parametrize("reference", ["{result=0:$.id}", "$0.body.id", "{{actions[0].id}}", "@{0.id}"])
def test_c18_no_action_can_use_the_output_of_another(host: Host, reference: str) -> None:
    answer = post_batch(wrap(host), host, [action(), action("/echo", "post", data={"task": reference})])
    assert json.loads(base64.b64decode(answer.results[1]["body"]["body"])) == {"data": {"task": reference}}


# --- the flight alone


def _flight(count: int, parallel: int | None) -> Flight:
    def failure(error: BatchError) -> Outcome:
        return Outcome(error.status, (), b"", error)

    records = [Record(Action(index, "GET", "/x")) for index in range(count)]
    parent = Parent("POST", "/batch", "", "http", (), None, {})
    return Flight(
        records,
        parent,
        parallel=parallel,
        timeout=None,
        max_result_bytes=100,
        max_answer_bytes=1000,
        write=lambda action, outcome: (b"%d" % outcome.status,),
        failure=failure,
    )


@pytest.mark.parametrize(
    ("parallel", "first", "later"),
    [
        pytest.param(None, 5, 0, id="no cap"),
        pytest.param(1, 1, 1, id="one by one"),
        pytest.param(2, 2, 1, id="two at once"),
        pytest.param(9, 5, 0, id="more than there are"),
    ],
)
def test_c18_a_flight_gives_no_more_than_parallel(parallel: int | None, first: int, later: int) -> None:
    flight = _flight(5, parallel)
    started = flight.ready(0.0)
    assert len(started) == first
    assert flight.ready(0.0) == []
    flight.land(started[0], Outcome(200, (), b""))
    assert len(flight.ready(0.0)) == later


@pytest.mark.parametrize("how", ["land", "fail"])
def test_c18_what_failed_makes_room_like_what_landed(how: str) -> None:
    flight = _flight(3, 1)
    for index in range(3):
        (record,) = flight.ready(0.0)
        assert record.action.index == index
        if how == "land":
            flight.land(record, Outcome(200, (), b""))
        else:
            flight.fail(record, HandlerFailed(), 1.0)
    assert flight.done
