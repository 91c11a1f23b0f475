"""C27: a result is complete when its body is; what the host does after that goes on, and holds nothing up."""

from __future__ import annotations

import asyncio
import threading
from contextvars import ContextVar
from typing import Any

import pytest

from tests.contract.batching import action, apost_batch, batch_body, every_host, host_named, post_batch, wrap
from tests.contract.small_apps import Closing, asgi_app, door, eventually, others_have_ended, reply, started
from tests.hosts import WSGI_HOSTS, Host, params, probe
from tests.hosts.clients import asend
from tests.hosts.gates import Gates

BACKGROUND = action("/background")


@every_host
@pytest.mark.parametrize("actions", [[BACKGROUND], [action(), BACKGROUND, action()]], ids=["alone", "among others"])
def test_c27_background_work_does_not_delay_the_answer(host: Host, actions: list[Any]) -> None:
    # The work waits until the client has the answer: were the answer to wait for the work, neither would ever come.
    app = wrap(host)

    async def in_a_loop() -> Any:
        answer = await apost_batch(app, actions, on_complete=probe.let_go.set)
        assert await probe.background.wait_async()
        return answer

    if host.door == "asgi":
        answer = asyncio.run(in_a_loop())
    else:
        answer = post_batch(app, host, actions, on_complete=probe.let_go.set)
        assert probe.background.wait()
    assert answer.statuses == [200] * len(actions)
    assert {"background": True} in [result["body"] for result in answer.results]


@every_host
def test_c27_background_work_holds_no_place(host: Host) -> None:
    app = wrap(host, max_actions=1, max_pending=1)
    during: list[int] = []

    async def in_a_loop() -> None:
        answered = asyncio.Event()
        first = asyncio.create_task(apost_batch(app, [BACKGROUND], on_complete=answered.set))
        await asyncio.wait_for(answered.wait(), 10)
        during.append((await apost_batch(app, [action()])).status)
        probe.let_go.set()
        await first
        assert await probe.background.wait_async()

    def in_this_thread() -> None:
        during.append(post_batch(app, host, [action()]).status)
        probe.let_go.set()

    if host.door == "asgi":
        asyncio.run(in_a_loop())
    else:
        post_batch(app, host, [BACKGROUND], on_complete=in_this_thread)
    assert during == [200]
    assert probe.background.is_set()


def test_c27_background_work_is_not_cut_by_the_time_out() -> None:
    host = host_named("asgi")
    app = wrap(host, action_timeout=0.05)

    async def in_a_loop() -> None:
        answered = asyncio.Event()
        first = asyncio.create_task(apost_batch(app, [BACKGROUND], on_complete=answered.set))
        await asyncio.wait_for(answered.wait(), 10)
        # This one began later, so when its time is up, the time of the first was up before.
        assert (await apost_batch(app, [action("/gate/never", data={"n": 2})])).statuses == [504]
        assert not probe.background.is_set()
        probe.let_go.set()
        assert (await first).statuses == [200]
        assert probe.background.is_set(), "the parent ends after the background work of its actions"

    asyncio.run(in_a_loop())


def test_c27_the_parent_ends_after_the_work_of_all_its_actions_though_others_began_later() -> None:
    answered, ends = asyncio.Event(), []

    async def works_on(scope: Any, receive: Any, send: Any) -> None:
        await reply(send)
        await answered.wait()
        for _ in range(9):
            await asyncio.sleep(0)
        ends.append("ended")

    async def quick(scope: Any, receive: Any, send: Any) -> None:
        await reply(send)

    app = wrap(door("asgi", asgi_app({"/x": works_on, "/quick": quick})), parallel=1)

    async def in_a_loop() -> None:
        answer = await apost_batch(app, [action("/x"), action("/quick")], on_complete=answered.set)
        assert answer.statuses == [200, 200]
        assert ends == ["ended"]

    asyncio.run(in_a_loop())


@pytest.mark.parametrize("when", ["before the answer", "after the answer"])
def test_c27_background_work_ends_where_its_parent_is_cancelled(when: str) -> None:
    works, answered, ends = asyncio.Event(), asyncio.Event(), []

    async def works_on(scope: Any, receive: Any, send: Any) -> None:
        await reply(send)
        works.set()
        try:
            await asyncio.Event().wait()
        finally:
            ends.append("ended")

    async def waits(scope: Any, receive: Any, send: Any) -> None:
        await asyncio.Event().wait()

    app = wrap(door("asgi", asgi_app({"/x": works_on, "/wait": waits})))
    actions = [action("/x"), action("/wait")] if when == "before the answer" else [action("/x")]

    async def in_a_loop() -> None:
        headers, body = {"Content-Type": "application/json"}, batch_body(actions)
        sending = asend(app, "POST", "/batch", headers=headers, body=body, on_complete=answered.set)
        batch = asyncio.create_task(sending)
        await asyncio.wait_for((works if when == "before the answer" else answered).wait(), 10)
        batch.cancel()
        await asyncio.wait([batch])
        assert await others_have_ended()
        assert ends == ["ended"]

    asyncio.run(in_a_loop())


def test_c27_a_failure_after_the_body_changes_nothing() -> None:
    async def fails_later(scope: Any, receive: Any, send: Any) -> None:
        await reply(send, b"1")
        raise SystemExit

    host = door("asgi", asgi_app({"/x": fails_later}))
    assert post_batch(wrap(host), host, [action("/x")] * 2).statuses == [200, 200]


# --- close() on the WSGI door

_where: ContextVar[str] = ContextVar("where", default="nowhere")


class _Closed:
    """Handlers that note in `closed` who closes them, and in which context; `meet` of them run at once."""

    def __init__(self, meet: int = 1) -> None:
        self.ran: dict[str, int] = {}
        self.closed: list[tuple[str, int, str]] = []
        self._gates = Gates()
        self._meet = meet
        self.host = door("wsgi", self._app)

    def _app(self, environ: Any, start_response: Any) -> Any:
        path = environ["PATH_INFO"]
        self.ran[path] = threading.get_ident()
        _where.set(path)
        self._gates.arrive("all", self._meet)

        def close() -> None:
            self.closed.append((path, threading.get_ident(), _where.get()))
            if path.startswith("/raise"):
                raise RuntimeError(probe.SECRET)
            if path.startswith("/exit"):
                raise SystemExit

        if path.startswith("/nothing"):
            return Closing([], close)
        if path.startswith("/half"):
            started(start_response)
            return Closing((1 // 0 for _ in range(1)), close)
        body = b"x" * 2000 if path.startswith("/large") else b"{}"
        return Closing(started(start_response, body), close)


@pytest.mark.parametrize("threads", [0, 32], ids=["one thread", "threads"])
def test_c27_close_is_called_in_the_thread_and_the_context_that_ran_the_action(threads: int) -> None:
    paths = [f"/{index}" for index in range(5)]
    closed = _Closed(meet=5 if threads else 1)
    answer = post_batch(wrap(closed.host, threads=threads), closed.host, [action(path) for path in paths])
    assert answer.statuses == [200] * 5
    assert eventually(lambda: len(closed.closed) == 5)
    assert sorted(closed.closed) == [(path, closed.ran[path], path) for path in paths]
    assert len(set(closed.ran.values())) == (5 if threads else 1)


def test_c27_the_calling_thread_closes_its_actions_in_the_close_of_the_answer() -> None:
    closed = _Closed()
    before: list[int] = []
    app = wrap(closed.host, threads=0)
    post_batch(app, closed.host, [action("/1"), action("/2")], on_complete=lambda: before.append(len(closed.closed)))
    assert before == [0]
    assert [path for path, *_ in closed.closed] == ["/1", "/2"]


@pytest.mark.parametrize("threads", [0, 32], ids=["one thread", "threads"])
def test_c27_all_are_closed_even_if_one_raises(threads: int) -> None:
    closed = _Closed()
    app = wrap(closed.host, threads=threads, max_actions=4, max_pending=4)
    paths = ["/raise", "/1", "/exit", "/2"]
    for _ in range(2):
        closed.closed.clear()
        assert eventually(lambda: post_batch(app, closed.host, [action(path) for path in paths]).status == 200)
        assert eventually(lambda: len(closed.closed) == 4)
        assert sorted(path for path, *_ in closed.closed) == sorted(paths)


@pytest.mark.parametrize("path", ["/nothing", "/half", "/large"])
@pytest.mark.parametrize("threads", [0, 32], ids=["one thread", "threads"])
def test_c27_what_failed_is_closed_too(path: str, threads: int) -> None:
    closed = _Closed()
    app = wrap(closed.host, threads=threads, max_result_bytes=1000)
    answer = post_batch(app, closed.host, [action(f"{path}/{index}") for index in range(3)])
    assert set(answer.statuses) == {502 if path == "/large" else 500}
    assert eventually(lambda: len(closed.closed) == 3)


@pytest.mark.parametrize("host", params(*WSGI_HOSTS))
def test_c27_every_wsgi_host_is_closed_once_for_each_action(host: Host) -> None:
    shared = host.shared()
    lock = threading.Lock()
    counts = {"called": 0, "closed": 0}

    def count(what: str) -> None:
        with lock:
            counts[what] += 1

    def counted(environ: Any, start_response: Any) -> Any:
        iterable = shared(environ, start_response)
        count("called")

        def close() -> None:
            count("closed")
            if hasattr(iterable, "close"):
                iterable.close()

        return Closing(iterable, close)

    post_batch(wrap(host, counted), host, [action(f"/tasks/{index}") for index in range(6)])
    assert eventually(lambda: counts == {"called": 6, "closed": 6})
