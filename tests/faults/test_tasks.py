"""C26 where handlers start tasks, cancel them, lose them, or are cancelled themselves."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from typing import Any

import pytest

from tests.contract.batching import action, apost_batch, wrap
from tests.contract.small_apps import asgi_app, door, reply
from tests.faults.play import FAILED, error, play
from tests.hosts.probe import SECRET

SOON = 0.05
TOO_SLOW = error(504, "This action did not complete within 0.05 seconds.")
PAIR = [action("/fault"), action("/fault")]


async def _fails() -> None:
    raise RuntimeError(SECRET)


async def _group_fails(scope: Any, receive: Any, send: Any) -> None:
    async with asyncio.TaskGroup() as group:
        group.create_task(_fails())
        await asyncio.Event().wait()


async def _group_is_cancelled(scope: Any, receive: Any, send: Any) -> None:
    async with asyncio.TaskGroup() as group:
        group.create_task(asyncio.sleep(3600))
        this = asyncio.current_task()
        assert this is not None
        this.cancel()
        await asyncio.sleep(3600)


async def _group_fails_within_the_body(scope: Any, receive: Any, send: Any) -> None:
    await reply(send, b"[", more=True)
    await _group_fails(scope, receive, send)


async def _group_fails_after_the_end(scope: Any, receive: Any, send: Any) -> None:
    await reply(send, b"1")
    await _group_fails(scope, receive, send)


async def _group_fails_and_is_caught(scope: Any, receive: Any, send: Any) -> None:
    try:
        await _group_fails(scope, receive, send)
    except* RuntimeError:
        pass
    await reply(send, b"1")


async def _cancelled_and_caught(scope: Any, receive: Any, send: Any) -> None:
    with contextlib.suppress(asyncio.CancelledError):
        await _group_is_cancelled(scope, receive, send)
    await reply(send, b"1")


async def _sends_from_a_group(scope: Any, receive: Any, send: Any) -> None:
    async with asyncio.TaskGroup() as group:
        group.create_task(reply(send, b"1"))


async def _two_tasks_answer(scope: Any, receive: Any, send: Any) -> None:
    await asyncio.gather(reply(send, b"1"), reply(send, b"2"), return_exceptions=True)


async def _ok(scope: Any, receive: Any, send: Any) -> None:
    await reply(send)


ONE = {"status_code": 200, "headers": {}, "body": 1}


@pytest.mark.parametrize(
    ("handler", "result"),
    [
        pytest.param(_group_fails, FAILED, id="a group that fails"),
        pytest.param(_group_is_cancelled, FAILED, id="a group that cancels itself"),
        pytest.param(_group_fails_within_the_body, FAILED, id="a group that fails within the body"),
        pytest.param(_group_fails_after_the_end, ONE, id="a group that fails after the end"),
        pytest.param(_group_fails_and_is_caught, ONE, id="a group that fails and is caught"),
        pytest.param(_cancelled_and_caught, ONE, id="cancelled and caught"),
        pytest.param(_sends_from_a_group, ONE, id="the response comes from another task"),
        pytest.param(_two_tasks_answer, ONE, id="two tasks answer"),
    ],
)
def test_c26_groups_of_tasks(handler: Any, result: dict[str, Any]) -> None:
    assert play("asgi", handler) == result


def test_c26_a_task_that_swallows_its_cancelling_and_answers_late_is_504_and_its_answer_nothing() -> None:
    sent: list[str] = []

    async def stays(scope: Any, receive: Any, send: Any) -> None:
        for _ in range(3):
            with contextlib.suppress(asyncio.CancelledError):
                await asyncio.sleep(3 * SOON)
        try:
            await reply(send)
        except OSError as error:
            sent.append(str(error))

    assert play("asgi", stays, action_timeout=SOON) == TOO_SLOW
    assert sent == ["the batch takes no more of this response"] * 2


def test_c26_orphaned_tasks_are_the_hosts_and_may_not_answer_for_an_action() -> None:
    refused: list[str] = []
    orphans: list[asyncio.Task[None]] = []

    async def answers_later(send: Any, ended: asyncio.Event) -> None:
        await ended.wait()
        try:
            await reply(send, b'"late"')
        except Exception as error:  # noqa: BLE001  # whatever it raises
            refused.append(type(error).__name__)

    async def leaves_a_task(scope: Any, receive: Any, send: Any) -> None:
        ended = asyncio.Event()
        orphans.append(asyncio.create_task(answers_later(send, ended)))
        asyncio.get_running_loop().call_soon(ended.set)
        await reply(send, b"1")

    async def leaves_without_an_answer(scope: Any, receive: Any, send: Any) -> None:
        ended = asyncio.Event()
        orphans.append(asyncio.create_task(answers_later(send, ended)))
        asyncio.get_running_loop().call_soon(ended.set)

    assert play("asgi", leaves_a_task) == ONE
    assert play("asgi", leaves_without_an_answer) == FAILED
    assert refused == ["RuntimeError"] * 4


def test_c26_a_background_task_that_raises_is_the_hosts() -> None:
    async def leaves_a_task(scope: Any, receive: Any, send: Any) -> None:
        task = asyncio.create_task(_fails())
        await reply(send, b"1")
        with contextlib.suppress(RuntimeError):
            await task

    async def works_on_and_raises(scope: Any, receive: Any, send: Any) -> None:
        await reply(send, b"1")
        await asyncio.sleep(0)
        await _fails()

    assert play("asgi", leaves_a_task) == ONE
    assert play("asgi", works_on_and_raises) == ONE


def test_c26_a_callback_that_raises_is_the_loops(caplog: pytest.LogCaptureFixture) -> None:
    async def calls_soon(scope: Any, receive: Any, send: Any) -> None:
        asyncio.get_running_loop().call_soon(lambda: 1 // 0)
        await reply(send, b"1")

    assert play("asgi", calls_soon) == ONE
    assert [record.name for record in caplog.records if record.levelno >= logging.ERROR] == ["asyncio"] * 2


def test_c26_a_handler_that_ends_the_default_executor_ends_it_for_those_who_use_it() -> None:
    # As a direct request would: the executor belongs to the loop. The batch itself runs on no executor.
    async def in_a_thread(scope: Any, receive: Any, send: Any) -> None:
        await reply(send, await asyncio.to_thread(lambda: b"1"))

    async def shuts_it_down(scope: Any, receive: Any, send: Any) -> None:
        await asyncio.get_running_loop().shutdown_default_executor()
        await in_a_thread(scope, receive, send)

    assert play("asgi", in_a_thread) == ONE
    assert play("asgi", shuts_it_down) == FAILED


def test_c26_a_handler_may_cancel_its_siblings_as_it_may_any_task_of_its_loop() -> None:
    # Those that are actions become failures, whether or not they have begun, and the batch has its answer.
    async def waits(scope: Any, receive: Any, send: Any) -> None:
        await asyncio.Event().wait()

    async def cancels(scope: Any, receive: Any, send: Any) -> None:
        while len(siblings := asyncio.all_tasks() - {*outside, asyncio.current_task()}) < 2:
            await asyncio.sleep(0)
        for task in siblings:
            task.cancel()
        await reply(send, b"1")

    outside: set[Any] = set()
    inner = wrap(
        door("asgi", asgi_app({"/waits": waits, "/cancels": cancels, "/ok": _ok})), max_actions=3, max_pending=3
    )

    async def app(scope: Any, receive: Any, send: Any) -> None:
        outside.update(asyncio.all_tasks())
        await inner(scope, receive, send)

    async def in_a_loop() -> None:
        answer = await apost_batch(app, [action("/waits"), action("/cancels"), action("/waits")])
        assert answer.results == [FAILED, ONE, FAILED]
        assert (await apost_batch(app, [action("/ok")] * 3)).statuses == [200] * 3, "all places are free again"

    asyncio.run(in_a_loop())
