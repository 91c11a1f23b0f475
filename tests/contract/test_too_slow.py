"""C26 on time: an action that is not complete within `action_timeout` is 504, and the answer comes in time.

The handlers here wait for something that the test brings about, or for ever; nothing is measured.
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
from typing import Any

import pytest

from batchware import BatchConfig, asgi, wsgi
from batchware.replay import child
from tests.contract.batching import action, apost_batch, bare_door, batch_body, every_host, post_batch, wrap
from tests.contract.small_apps import asgi_app, door, eventually, others_have_ended, reply, started, wsgi_app
from tests.hosts import Host, probe
from tests.hosts.clients import asend
from tests.hosts.gates import Signal

SOON = 0.05
TOO_SLOW = {
    "status_code": 504,
    "headers": {},
    "body": {"errors": [{"message": "This action did not complete within 0.05 seconds."}]},
}
NEVER = action("/gate/never", data={"n": 2})


@every_host
def test_c26_too_slow_is_504(host: Host) -> None:
    app = wrap(host, action_timeout=SOON, max_actions=3, max_pending=3)

    def check(answer: Any) -> None:
        assert answer.results[1] == TOO_SLOW
        assert answer.statuses == [200, 504, 200]

    async def in_a_loop() -> None:
        check(await apost_batch(app, [action(), NEVER, action()]))
        assert await others_have_ended()
        assert probe.gates.waiting("never") == 0, "the handler was not ended"
        assert (await apost_batch(app, [action()] * 3)).statuses == [200] * 3

    if host.door == "asgi":
        asyncio.run(in_a_loop())
        return
    check(post_batch(app, host, [action(), NEVER, action()]))
    probe.gates.arrive("never", 2)  # a thread can't be stopped; it ends now
    assert eventually(lambda: post_batch(app, host, [action()] * 3).status == 200)


def test_c26_the_time_out_is_30_seconds_on_asgi_and_off_on_wsgi() -> None:
    shared = BatchConfig()
    assert asgi.BatchMiddleware(lambda scope: None, config=shared).config.action_timeout == 30.0
    assert wsgi.BatchMiddleware(lambda environ, start: [], config=shared).config.action_timeout is None
    assert asgi.BatchMiddleware(lambda scope: None, action_timeout=None).config.action_timeout is None
    assert wsgi.BatchMiddleware(lambda environ, start: [], action_timeout=1).config.action_timeout == 1


class _Stubborn:
    """A handler that goes on until it is let go, whatever is done to it; on the way out it sends a response."""

    def __init__(self, kind: Any) -> None:
        self.entered = Signal()
        self.let_go = Signal()
        self.left = Signal()
        app = asgi_app({"/x": self._asgi, "/ok": self._ok})
        self.host = door(kind, app if kind == "asgi" else wsgi_app({"/x": self._wsgi, "/ok": self._wsgi_ok}))

    async def _asgi(self, scope: Any, receive: Any, send: Any) -> None:
        self.entered.set()
        while not self.let_go.is_set():
            with contextlib.suppress(asyncio.CancelledError):
                await self.let_go.wait_async()
        try:
            await reply(send)
        finally:
            self.left.set()

    async def _ok(self, scope: Any, receive: Any, send: Any) -> None:
        await reply(send)

    def _wsgi(self, environ: Any, start_response: Any) -> Any:
        self.entered.set()
        self.let_go.wait()
        try:
            return started(start_response)
        finally:
            self.left.set()

    def _wsgi_ok(self, environ: Any, start_response: Any) -> Any:
        return started(start_response)


def test_c26_the_answer_comes_in_time_and_the_place_stays_counted_on_asgi() -> None:
    stubborn = _Stubborn("asgi")
    app = wrap(stubborn.host, action_timeout=SOON, max_actions=1, max_pending=1)

    async def in_a_loop() -> None:
        answered = asyncio.Event()
        first = asyncio.create_task(apost_batch(app, [action("/x")], on_complete=answered.set))
        await asyncio.wait_for(answered.wait(), 10)
        assert not stubborn.left.is_set()
        assert (await apost_batch(app, [action("/ok")])).status == 503
        stubborn.let_go.set()
        assert (await first).results == [TOO_SLOW]
        assert stubborn.left.is_set()
        assert (await apost_batch(app, [action("/ok")])).statuses == [200]

    asyncio.run(in_a_loop())


def test_c26_the_answer_comes_in_time_and_the_place_stays_counted_on_wsgi() -> None:
    stubborn = _Stubborn("wsgi")
    app = wrap(stubborn.host, action_timeout=SOON, max_actions=1, max_pending=1)
    assert post_batch(app, stubborn.host, [action("/x")]).results == [TOO_SLOW]
    assert not stubborn.left.is_set()
    assert post_batch(app, stubborn.host, [action("/ok")]).status == 503
    stubborn.let_go.set()
    assert stubborn.left.wait()
    assert eventually(lambda: post_batch(app, stubborn.host, [action("/ok")]).status == 200)


@bare_door
def test_c26_one_that_is_too_slow_makes_room_for_the_next(host: Host) -> None:
    answer = post_batch(wrap(host, action_timeout=SOON, parallel=1), host, [NEVER, action(), action()])
    assert answer.statuses == [504, 200, 200]
    if host.door == "wsgi":
        probe.gates.arrive("never", 2)


def test_c26_a_stream_that_never_waits_is_stopped_in_time() -> None:
    async def goes_on(scope: Any, receive: Any, send: Any) -> None:
        await reply(send, b"", more=True)
        for _ in range(1_000_000):  # so that a failure is no test run that hangs
            await send({"type": "http.response.body", "body": b"", "more_body": True})

    host = door("asgi", asgi_app({"/x": goes_on}))
    assert post_batch(wrap(host, action_timeout=SOON), host, [action("/x")]).results == [TOO_SLOW]


def test_c26_a_stream_lets_the_loop_turn_once_for_each_piece() -> None:
    turns: list[int] = []

    async def streams(scope: Any, receive: Any, send: Any) -> None:
        async def count() -> None:
            while True:
                turns[0] += 1
                await asyncio.sleep(0)

        await reply(send, b"", more=True)
        turns.append(0)
        counting = asyncio.create_task(count())
        for _ in range(2):
            await send({"type": "http.response.body", "body": b"", "more_body": True})
        counting.cancel()
        await send({"type": "http.response.body"})

    host = door("asgi", asgi_app({"/x": streams}))
    assert post_batch(wrap(host), host, [action("/x")]).statuses == [200]
    assert 2 <= turns[0] <= 4


def test_c26_a_stream_is_stopped_in_time_on_wsgi() -> None:
    ended = threading.Event()

    def endless(environ: Any, start_response: Any) -> Any:
        started(start_response)
        try:
            while True:
                yield b""
        finally:
            ended.set()

    host = door("wsgi", wsgi_app({"/x": endless}))
    assert post_batch(wrap(host, action_timeout=SOON), host, [action("/x")]).results == [TOO_SLOW]
    assert ended.wait(10)


def test_c26_the_task_of_an_action_that_is_too_slow_is_cancelled() -> None:
    ends: list[str] = []

    async def waits(scope: Any, receive: Any, send: Any) -> None:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            ends.append("cancelled")
            raise

    host = door("asgi", asgi_app({"/x": waits}))
    assert post_batch(wrap(host, action_timeout=SOON), host, [action("/x")] * 2).results == [TOO_SLOW] * 2
    assert ends == ["cancelled"] * 2


def test_c26_an_action_that_listens_for_its_disconnect_ends_by_itself() -> None:
    ends: list[str] = []

    async def listens(scope: Any, receive: Any, send: Any) -> None:
        await receive()
        ends.append((await receive())["type"])
        await asyncio.sleep(0)
        ends.append("cleaned up")

    host = door("asgi", asgi_app({"/x": listens}))
    assert post_batch(wrap(host, action_timeout=SOON), host, [action("/x")]).results == [TOO_SLOW]
    assert ends == ["http.disconnect", "cleaned up"]


def test_c26_an_action_that_goes_on_after_its_disconnect_is_cancelled(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(child, "GRACE", 0.01)
    ends: list[str] = []

    async def stays(scope: Any, receive: Any, send: Any) -> None:
        await receive()
        ends.append((await receive())["type"])
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            ends.append("cancelled")
            raise

    host = door("asgi", asgi_app({"/x": stays}))
    assert post_batch(wrap(host, action_timeout=SOON), host, [action("/x")]).results == [TOO_SLOW]
    assert ends == ["http.disconnect", "cancelled"]


def test_c26_a_batch_that_is_cancelled_ends_its_actions_and_frees_all_places() -> None:
    ends: list[str] = []

    async def waits(scope: Any, receive: Any, send: Any) -> None:
        try:
            await probe.gates.arrive_async("entered", 9)
        finally:
            ends.append("ended")

    async def ok(scope: Any, receive: Any, send: Any) -> None:
        await reply(send)

    host = door("asgi", asgi_app({"/x": waits, "/ok": ok}))
    app = wrap(host, parallel=2, max_actions=5, max_pending=5)

    async def in_a_loop() -> None:
        headers, body = {"Content-Type": "application/json"}, batch_body([action("/x")] * 5)
        batch = asyncio.create_task(asend(app, "POST", "/batch", headers=headers, body=body))
        while probe.gates.waiting("entered") < 2:
            await asyncio.sleep(0)
        batch.cancel()
        await asyncio.wait([batch])
        assert ends == ["ended"] * 2
        assert await others_have_ended()
        assert (await apost_batch(app, [action("/ok")] * 5)).status == 200, "three never started, and have places yet"

    asyncio.run(in_a_loop())
