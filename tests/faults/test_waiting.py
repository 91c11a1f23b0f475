"""C26 where handlers wait: for a lock, for a task, for each other, for a thread, or not at all."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Callable
from typing import Any

from tests.contract.batching import BatchAnswer, action, apost_batch, post_batch, wrap
from tests.contract.small_apps import asgi_app, door, eventually, others_have_ended, reply, started, wsgi_app
from tests.faults.play import FAILED, OK, error, play, small_app
from tests.hosts.gates import DEADLINE, Signal

SOON = 0.05
TOO_SLOW = error(504, "This action did not complete within 0.05 seconds.")
PAIR = [action("/fault"), action("/fault")]


def _later(post: Callable[[], BatchAnswer]) -> tuple[threading.Thread, list[BatchAnswer]]:
    """A batch in a thread of its own; a daemon, so that one without an end is no test run that hangs."""
    answers: list[BatchAnswer] = []
    thread = threading.Thread(target=lambda: answers.append(post()), daemon=True)
    thread.start()
    return thread, answers


# --- deadlocks between two actions of one batch


def test_c26_two_actions_that_wait_for_each_others_lock_are_504_on_asgi() -> None:
    locks: list[asyncio.Lock] = []

    async def crossed(scope: Any, receive: Any, send: Any) -> None:
        mine, other = asyncio.Lock(), len(locks)
        locks.append(mine)
        async with mine:
            while len(locks) < 2:
                await asyncio.sleep(0)
            async with locks[1 - other % 2]:  # each holds its own and wants the other's
                await reply(send)

    host = door("asgi", asgi_app({"/fault": crossed}))

    async def in_a_loop() -> None:
        app = wrap(host, action_timeout=SOON, max_actions=2, max_pending=2)
        for _ in range(2):
            locks.clear()
            assert (await apost_batch(app, PAIR)).results == [TOO_SLOW] * 2
            assert await others_have_ended()
        assert not any(lock.locked() for lock in locks), "cancelling ran their clean-up"

    asyncio.run(in_a_loop())


class _Crossed:
    """Two WSGI actions that wait for each other's lock until the test breaks the tie."""

    def __init__(self) -> None:
        self.locks = [threading.Lock(), threading.Lock()]
        self.met = threading.Barrier(2)
        self.broken = threading.Event()
        self.ended = 0
        self.app = wsgi_app({"/0": self._of(0), "/1": self._of(1), "/ok": self._ok})
        self.host = door("wsgi", self.app)

    def _of(self, index: int) -> Any:
        def handler(environ: Any, start_response: Any) -> Any:
            with self.locks[index]:
                self.met.wait(DEADLINE)
                while not self.locks[1 - index].acquire(timeout=0.01):
                    if self.broken.is_set():
                        break
                else:
                    self.locks[1 - index].release()
            self.ended += 1
            return started(start_response)

        return handler

    def _ok(self, environ: Any, start_response: Any) -> Any:
        return started(start_response)


def test_c26_two_actions_that_wait_for_each_others_lock_are_504_on_wsgi() -> None:
    crossed = _Crossed()
    app = wrap(crossed.host, crossed.app, action_timeout=SOON, max_actions=2, max_pending=2)
    try:
        assert post_batch(app, crossed.host, [action("/0"), action("/1")]).results == [TOO_SLOW] * 2
        assert crossed.ended == 0
        assert post_batch(app, crossed.host, [action("/ok")] * 2).status == 503, "their places stay counted"
    finally:
        crossed.broken.set()
    assert eventually(lambda: post_batch(app, crossed.host, [action("/ok")] * 2).status == 200)


def test_c26_without_a_time_out_a_deadlock_on_wsgi_lasts_as_that_of_direct_requests_does() -> None:
    # WSGI has no way to stop a thread, and by default no time-out: two direct requests would hold two threads of the
    # server for ever. The batch holds them too, and is answered when they end.
    crossed = _Crossed()
    app = wrap(crossed.host, crossed.app)
    batch, answers = _later(lambda: post_batch(app, crossed.host, [action("/0"), action("/1")]))
    assert eventually(lambda: all(lock.locked() for lock in crossed.locks))
    assert post_batch(app, crossed.host, [action("/ok")] * 10).statuses == [200] * 10, "other batches go on"
    assert not answers
    crossed.broken.set()
    batch.join(DEADLINE)
    assert answers[0].statuses == [200, 200]


def test_c26_one_at_a_time_there_is_no_deadlock() -> None:
    lock = threading.Lock()

    def holds(environ: Any, start_response: Any) -> Any:
        with lock:
            return started(start_response, b'{"ok":true}')

    host = door("wsgi", holds)
    for options in ({"threads": 0}, {"parallel": 1}, {}):
        assert post_batch(wrap(host, holds, **options), host, [action()] * 10).results == [OK] * 10


# --- time


def test_c26_the_answer_comes_in_time_where_no_thread_is_free() -> None:
    let_go = Signal()
    entered = Signal()

    def waits(environ: Any, start_response: Any) -> Any:
        entered.set()
        let_go.wait()
        return started(start_response)

    app = small_app("wsgi", waits)
    host = door("wsgi", app)
    wrapped = wrap(host, app, action_timeout=SOON, threads=1)
    try:
        assert post_batch(wrapped, host, [action("/fault")]).results == [TOO_SLOW]
        assert entered.is_set(), "it has the only thread, and keeps it"
        batch, answers = _later(lambda: post_batch(wrapped, host, [action("/ok")] * 3))
        batch.join(DEADLINE)
        assert [answer.results for answer in answers] == [[TOO_SLOW] * 3]
    finally:
        let_go.set()
    assert eventually(lambda: post_batch(wrapped, host, [action("/ok")]).statuses == [200])


def test_c26_a_helper_that_is_idle_and_slow_to_wake_does_not_stop_the_clock() -> None:
    def endless(environ: Any, start_response: Any) -> Any:
        started(start_response)
        while True:
            yield b""

    app = small_app("wsgi", endless)
    host = door("wsgi", app)
    wrapped = wrap(host, app, action_timeout=6 * SOON)  # the others have to share the interpreter with one that spins
    for _ in range(8):  # idle helpers from the second on
        batch, answers = _later(lambda: post_batch(wrapped, host, [action("/ok"), action("/fault"), action("/ok")]))
        batch.join(DEADLINE)
        assert [answer.statuses for answer in answers] == [[200, 504, 200]]


def test_c26_a_handler_that_blocks_the_loop_past_its_time_keeps_its_response() -> None:
    # Nothing can be decided while it blocks; when it lets go its response is there, and so are those of its siblings.
    blocked = threading.Event()

    async def blocks(scope: Any, receive: Any, send: Any) -> None:
        blocked.wait(2 * SOON)
        await reply(send, b"1")

    assert play("asgi", blocks, action_timeout=SOON) == {"status_code": 200, "headers": {}, "body": 1}


def test_c26_a_time_out_of_the_handlers_own() -> None:
    async def caught(scope: Any, receive: Any, send: Any) -> None:
        try:
            async with asyncio.timeout(0):
                await asyncio.Event().wait()
        except TimeoutError:
            await reply(send, b'"late"', status=503)

    async def uncaught(scope: Any, receive: Any, send: Any) -> None:
        async with asyncio.timeout(0):
            await asyncio.Event().wait()

    async def within_the_body(scope: Any, receive: Any, send: Any) -> None:
        await reply(send, b"[", more=True)
        async with asyncio.timeout(0):
            await asyncio.Event().wait()

    async def over_the_batchs(scope: Any, receive: Any, send: Any) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(3600):
                await asyncio.Event().wait()

    assert play("asgi", caught) == {"status_code": 503, "headers": {}, "body": "late"}
    assert play("asgi", uncaught) == FAILED
    assert play("asgi", within_the_body) == FAILED
    assert play("asgi", over_the_batchs, action_timeout=SOON) == TOO_SLOW
