"""Ctrl-C, a cancellation, an error of a callback: what is known of each action goes up with it."""

from __future__ import annotations

import asyncio
import signal
import threading
from collections.abc import Callable, Mapping
from typing import Any

import pytest

from batchware.client import (
    Action,
    Answer,
    AsyncSender,
    Outcome,
    Report,
    Sender,
    State,
    Unknown,
    report_of,
)
from tests.client.model import answer

WRITES = [Action("post", f"/{number}", {}) for number in range(6)]


def results_of(body: bytes) -> Answer:
    results = [{"status_code": 201, "headers": {}, "body": None}] * body.count(b"relative_path")
    return answer(200, {"data": results})


class Post:
    """Answers the first batches, and then does what is told."""

    def __init__(self, then: Callable[[], Any], after: int = 2) -> None:
        self.then, self.left = then, after
        self.sent: list[bytes] = []

    def __call__(self, url: str, headers: Mapping[str, str], body: bytes) -> Answer:
        self.sent.append(body)
        if len(self.sent) > self.left:
            self.then()
        return results_of(body)


def interrupt() -> None:
    """What Ctrl-C does: the main thread gets an exception, wherever it is."""
    if threading.current_thread() is threading.main_thread():
        raise KeyboardInterrupt
    ident = threading.main_thread().ident
    assert ident
    signal.pthread_kill(ident, signal.SIGINT)


def states(report: Report | None) -> str:
    assert report is not None
    assert [outcome.action for outcome in report.outcomes] == WRITES
    return "".join(outcome.state.value[0] for outcome in report.outcomes)


@pytest.mark.parametrize("parallel", [1, 2])
def test_ctrl_c_carries_what_is_known_of_each_action(parallel: int) -> None:
    post = Post(interrupt)
    with pytest.raises(KeyboardInterrupt) as caught:
        Sender(post, "/batch", max_actions=1, parallel=parallel).send(WRITES)
    found = states(report_of(caught.value))
    assert found[: len(post.sent)].replace("u", "d") == "d" * len(post.sent)
    assert found[len(post.sent) :] == "n" * (6 - len(post.sent))
    assert "Of the actions of the batches: " in caught.value.__notes__[-1]


def held(interrupted: threading.Event) -> Callable[..., Answer]:
    """The second batch interrupts, and both are held until that has come."""

    def post(url: str, headers: Mapping[str, str], body: bytes) -> Answer:
        if b'"/1"' in body:
            interrupt()
        interrupted.wait(20)
        return results_of(body)

    return post


def test_what_is_in_the_air_lands_after_ctrl_c() -> None:
    interrupted = threading.Event()
    stream = Sender(held(interrupted), "/batch", max_actions=1, parallel=2, grace=30.0).stream(WRITES)
    with pytest.raises(KeyboardInterrupt) as caught:
        next(stream)
    interrupted.set()
    stream.stop(caught.value)
    found = {outcome.index: outcome.state for outcome in stream}
    assert found == {0: State.DONE, 1: State.DONE} | dict.fromkeys(range(2, stream.taken), State.NOT_DONE)


def test_without_grace_what_is_in_the_air_is_unknown() -> None:
    interrupted = threading.Event()
    with pytest.raises(KeyboardInterrupt) as caught:
        Sender(held(interrupted), "/batch", max_actions=1, parallel=2, grace=0.0).send(WRITES)
    interrupted.set()
    assert states(report_of(caught.value)) == "uunnnn"


@pytest.mark.parametrize("parallel", [1, 2])
def test_an_error_of_a_callback_carries_the_report(parallel: int) -> None:
    def each(outcome: Outcome) -> None:
        if outcome.index == 3:
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError) as caught:
        Sender(results, "/batch", max_actions=2, parallel=parallel).report(WRITES, each)
    assert states(report_of(caught.value))[2:4] == "dd"


def results(url: str, headers: Mapping[str, str], body: bytes) -> Answer:
    return results_of(body)


def test_a_mistake_of_the_client_carries_the_report() -> None:
    def wrong() -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError) as caught:
        Sender(Post(wrong), "/batch", max_actions=1, parallel=1).send(WRITES)
    assert states(report_of(caught.value)) == "ddunnn"


def test_an_action_that_is_none_is_refused_before_anything_is_sent() -> None:
    post = Post(interrupt, after=0)
    with pytest.raises(ValueError, match="POST /x: not JSON"):
        Sender(post, "/batch").send([*WRITES, Action("post", "/x", object())])
    assert post.sent == []


class Held:
    """Answers the first batches; the others wait for ever."""

    def __init__(self, after: int) -> None:
        self.after, self.sent = after, 0
        self.waiting = asyncio.Event()

    async def __call__(self, url: str, headers: Mapping[str, str], body: bytes) -> Answer:
        self.sent += 1
        if self.sent > self.after:
            self.waiting.set()
            await asyncio.Event().wait()
        return results_of(body)


def test_a_cancellation_is_prompt_and_carries_what_is_known() -> None:
    async def main() -> None:
        post = Held(after=3)
        batch = AsyncSender(post, "/batch", max_actions=1, parallel=2).batch()
        handles = [batch.add(action) for action in WRITES]
        task = asyncio.create_task(batch.send())
        await post.waiting.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError) as caught:
            await task
        found = states(report_of(caught.value))
        assert found in {"dduunn", "dddunn", "ddduun"}
        assert [handle.outcome.state.value[0] for handle in handles if handle.outcome] == list(found)
        assert asyncio.all_tasks() == {asyncio.current_task()}

    asyncio.run(main())


def test_a_time_out_of_asyncio_carries_the_report_of_the_cancellation() -> None:
    async def main() -> None:
        sender = AsyncSender(Held(after=0), "/batch", parallel=1, max_actions=1)
        with pytest.raises(TimeoutError) as caught:
            async with asyncio.timeout(0.05):
                await sender.send(WRITES)
        assert states(report_of(caught.value)) == "unnnnn"

    asyncio.run(main())


def test_what_is_sent_again_is_what_is_known_not_to_have_run() -> None:
    post = Post(interrupt)
    batch = Sender(post, "/batch", max_actions=1, parallel=1).batch()
    for action in WRITES:
        batch.add(action)
    with pytest.raises(KeyboardInterrupt):
        batch.send()
    post.left = 10
    assert batch.send().complete  # of these
    with pytest.raises(Unknown, match="POST /2: it is unknown"):
        assert batch.results
    assert [handle.done for handle in batch.handles] == [True, True, False, True, True, True]
    assert len(post.sent) == 3 + 3
