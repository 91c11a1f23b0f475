"""C26, C39, C42: what a batch held is given back to the last place and slot, and no more, however its actions ended."""

from __future__ import annotations

import asyncio
import threading
from typing import Any

import pytest

from batchware import Concurrency, in_batch
from batchware.replay import threads
from tests.contract.batching import BARE, action, bare_door, batch_body, post_batch, wrap
from tests.contract.small_apps import Closing, asgi_app, door, eventually, reply, started, wsgi_app
from tests.hosts import Host, probe
from tests.hosts.asgi_client import build_scope
from tests.hosts.gates import DEADLINE, Signal
from tests.hosts.response import prepare

WSGI = BARE[1]


@bare_door
@pytest.mark.parametrize("path", ["/tasks/1", "/raise", "/nothing", "/half", "/exit"])
def test_c42_every_place_and_slot_is_given_back_once(host: Host, path: str) -> None:
    app = wrap(host, limits=[Concurrency("slots", 9)])
    post_batch(app, host, [action(path), action(), action(path)])
    assert eventually(lambda: (app._ledger.places.taken, app._ledger.held) == (0, []))


@bare_door
def test_c26_an_action_that_is_too_slow_gives_its_place_back_once(host: Host) -> None:
    app = wrap(host, limits=[Concurrency("slots", 9)], action_timeout=0.05)
    assert post_batch(app, host, [action("/gate/held", data={"n": 3})] * 2).statuses == [504] * 2
    if host.door == "wsgi":  # a thread goes on until it ends; a task has been cancelled
        probe.gates.arrive("held", 3)
    assert eventually(lambda: (app._ledger.places.taken, app._ledger.held) == (0, []))


def test_c26_a_task_that_was_cancelled_before_it_began_gives_its_place_back_once() -> None:
    async def cancels(scope: Any, receive: Any, send: Any) -> None:
        for task in asyncio.all_tasks() - {asyncio.current_task()}:
            if getattr(task.get_coro(), "__qualname__", "") == "Child.run":
                task.cancel()
        await reply(send)

    async def answers(scope: Any, receive: Any, send: Any) -> None:
        await reply(send)  # where a task begins at once (Python 3.12 and later)

    host = door("asgi", asgi_app({"/cancels": cancels, "/x": answers}))
    app = wrap(host, limits=[Concurrency("slots", 9)])
    assert post_batch(app, host, [action("/cancels"), action("/x"), action("/x")]).statuses[0] == 200
    assert (app._ledger.places.taken, app._ledger.held) == (0, [])


def test_c26_what_never_came_to_a_thread_holds_nothing() -> None:
    app = wrap(WSGI, limits=[Concurrency("slots", 9)], threads=1, action_timeout=0.05)
    try:
        answer = post_batch(app, WSGI, [action("/gate/held", data={"n": 2})] * 3)
        assert answer.statuses == [504] * 3
        assert eventually(lambda: (app._ledger.places.taken, len(app._ledger.held)) == (1, 1))
    finally:
        probe.gates.arrive("held", 2)
    assert eventually(lambda: (app._ledger.places.taken, app._ledger.held) == (0, []))


@pytest.mark.parametrize("closes", [True, False], ids=["with close()", "without close()"])
@pytest.mark.parametrize("threads", [0, 1])
def test_c34_an_action_is_in_a_batch_until_the_batch_has_ended(threads: int, closes: bool) -> None:
    """Also the last one, which may begin when all others have ended."""
    asked: list[bool] = []
    environs: list[Any] = []

    def handler(environ: Any, start_response: Any) -> Any:
        asked.append(in_batch(environ))
        environs.append(environ)
        body = started(start_response)
        return Closing(body, lambda: asked.append(in_batch(environ))) if closes else iter(body)

    host = door("wsgi", wsgi_app({"/x": handler}))
    app = wrap(host, threads=threads)
    assert post_batch(app, host, [action("/x")] * 3).statuses == [200] * 3
    assert eventually(lambda: not any(map(in_batch, environs)))
    assert asked == [True] * (6 if closes else 3)


def test_c34_the_calling_thread_closes_its_actions_within_their_batch_though_a_helper_ends_meanwhile(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(threads, "IDLE", 0.01)
    asked: list[bool] = []
    caller, begun = threading.get_ident(), Signal()

    def handler(environ: Any, start_response: Any) -> Any:
        probe.gates.arrive("both", 2)

        def close() -> None:
            if threading.get_ident() != caller:
                assert begun.wait()
            else:
                begun.set()
                assert eventually(lambda: app._helpers.count == 0)
                asked.append(in_batch(environ))

        return Closing(started(start_response), close)

    host = door("wsgi", wsgi_app({"/x": handler}))
    app = wrap(host, threads=1)
    assert post_batch(app, host, [action("/x")] * 2).statuses == [200] * 2
    assert asked == [True]


def test_c34_no_action_is_in_a_batch_that_has_ended_though_others_began_after_it() -> None:
    scopes: list[Any] = []

    async def keeps(scope: Any, receive: Any, send: Any) -> None:
        scopes.append(scope)
        await reply(send)

    host = door("asgi", asgi_app({"/x": keeps}))
    assert post_batch(wrap(host, parallel=1), host, [action("/x")] * 3).statuses == [200] * 3
    assert [in_batch(scope) for scope in scopes] == [False] * 3


def test_c39_a_batch_that_is_cancelled_gives_back_what_never_began() -> None:
    async def run() -> None:
        began = asyncio.Event()

        async def waits(scope: Any, receive: Any, send: Any) -> None:
            began.set()
            await asyncio.Event().wait()

        app = wrap(door("asgi", asgi_app({"/x": waits})), limits=[Concurrency("slots", 9)], parallel=1)
        messages = [{"type": "http.request", "body": batch_body([action("/x")] * 3), "more_body": False}]

        async def receive() -> Any:
            return messages.pop()

        headers = {"Content-Type": "application/json"}
        scope = build_scope(prepare("POST", "/batch", headers, b"", ("testserver", 80), "http"))
        batch = asyncio.create_task(app(scope, receive, receive))
        await asyncio.wait_for(began.wait(), DEADLINE)
        assert (app._ledger.places.taken, len(app._ledger.held)) == (3, 3)
        batch.cancel()
        await asyncio.wait([batch])
        assert batch.cancelled(), "it ends as what it was told to be"
        assert (app._ledger.places.taken, app._ledger.held) == (0, [])

    asyncio.run(run())


def test_c26_a_caller_that_waits_looks_again_when_an_action_is_due(monkeypatch: pytest.MonkeyPatch) -> None:
    waited: list[float] = []

    class Event(threading.Event):
        def wait(self, timeout: float | None = None) -> bool:
            if timeout is not None and timeout < DEADLINE / 4:
                waited.append(timeout)
            return super().wait(timeout)

    def has_waited() -> bool:
        """Not where the machine is so busy that its time was up before."""
        try:
            answer = post_batch(wrap(WSGI, action_timeout=0.05), WSGI, [action("/gate/held", data={"n": 2})])
        finally:
            probe.gates.arrive("held", 2)
        assert answer.statuses == [504]
        return bool(waited)

    monkeypatch.setattr(threading, "Event", Event)
    assert eventually(has_waited)
    assert all(0.0 <= seconds <= 0.05 for seconds in waited)
