"""C26 to C28: what clients and servers do wrong, at every step of a batch, and what is left then: nothing."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from batchware import asgi
from tests.contract.batching import action, apost_batch, batch_body
from tests.contract.small_apps import asgi_app, others_have_ended, reply
from tests.faults.play import FULL, HEADERS
from tests.hosts.asgi_client import build_scope
from tests.hosts.gates import DEADLINE
from tests.hosts.response import prepare

BODY = batch_body(FULL)
GONE = {"type": "http.disconnect"}


def _part(body: bytes, more: bool) -> dict[str, Any]:
    return {"type": "http.request", "body": body, "more_body": more}


class _Handlers:
    """What ran, and what it saw."""

    def __init__(self) -> None:
        self.ran: list[str] = []
        self.running = asyncio.Event()
        self.go_on = asyncio.Event()

    async def quick(self, scope: Any, receive: Any, send: Any) -> None:
        self.ran.append("quick")
        await reply(send)

    async def waits(self, scope: Any, receive: Any, send: Any) -> None:
        self.ran.append("waits")
        self.running.set()
        await self.go_on.wait()
        await reply(send)
        self.ran.append("done")

    def asgi(self) -> Any:
        app = asgi_app({"/ok": self.quick, "/waits": self.waits})
        return asgi.BatchMiddleware(app, max_actions=3, max_pending=3)


async def _serve(app: Any, receive: Any, send: Any, body: bytes = BODY) -> BaseException | None:
    """What the application raises; like a server, in a task of its own, and with a deadline."""
    scope = build_scope(prepare("POST", "/batch", HEADERS, body, ("testserver", 80), "http"))
    task = asyncio.create_task(app(scope, receive, send))
    await asyncio.wait([task], timeout=DEADLINE)
    assert task.done(), "the batch hangs"
    return None if task.cancelled() else task.exception()


def _run(test: Callable[[_Handlers, Any], Any]) -> None:
    """`test`, and then: no task is left, and all places are free."""

    async def in_a_loop() -> None:
        handlers = _Handlers()
        app = handlers.asgi()
        await test(handlers, app)
        assert await others_have_ended()
        assert (await apost_batch(app, FULL)).statuses == [200] * 3

    asyncio.run(in_a_loop())


def _receiving(*messages: Any) -> Any:
    """`receive` that gives the messages and raises those that are exceptions; then it waits for ever."""
    left = list(messages)

    async def receive() -> Any:
        if not left:
            await asyncio.Event().wait()
        message = left.pop(0)
        if isinstance(message, BaseException):
            raise message
        return message

    return receive


async def _ignore(message: Any) -> None:
    return None


# --- the way in, on ASGI


@pytest.mark.parametrize(
    "messages",
    [
        pytest.param([GONE], id="at once"),
        pytest.param([_part(BODY[:9], True), GONE], id="within the body"),
        pytest.param([_part(BODY, True), GONE], id="before the end of the body"),
        pytest.param([_part(b"", True)] * 9 + [GONE], id="after empty parts"),
    ],
)
def test_c28_a_client_that_leaves_before_its_batch_is_whole_runs_nothing(messages: list[Any]) -> None:
    async def test(handlers: _Handlers, app: Any) -> None:
        sent: list[Any] = []

        async def send(message: Any) -> None:
            sent.append(message)

        assert await _serve(app, _receiving(*messages), send) is None
        assert (handlers.ran, sent) == ([], [])

    _run(test)


@pytest.mark.parametrize("error", [OSError("reset"), RuntimeError("odd"), asyncio.CancelledError()], ids=repr)
@pytest.mark.parametrize("before", [[], [_part(BODY[:9], True)]], ids=["at once", "within the body"])
def test_c28_a_receive_that_raises_leaves_the_batch_as_it_leaves_any_application(before: Any, error: Any) -> None:
    async def test(handlers: _Handlers, app: Any) -> None:
        raised = await _serve(app, _receiving(*before, error), _ignore)
        assert raised is (None if isinstance(error, asyncio.CancelledError) else error)
        assert handlers.ran == []

    _run(test)


@pytest.mark.parametrize("parts", [[], [_part(BODY[:9], True)]], ids=["no body", "half a body"])
def test_c28_a_body_that_stops_holds_nothing_and_ends_with_its_request(parts: list[Any]) -> None:
    # Servers time it out, as they do for any request; until then it holds no place and no thread.
    async def test(handlers: _Handlers, app: Any) -> None:
        scope = build_scope(prepare("POST", "/batch", HEADERS, BODY, ("testserver", 80), "http"))
        stopped = asyncio.create_task(app(scope, _receiving(*parts), _ignore))
        await asyncio.sleep(0)
        assert (await apost_batch(app, FULL)).statuses == [200] * 3
        assert not stopped.done()
        stopped.cancel()
        await asyncio.wait([stopped])
        assert handlers.ran == ["quick"] * 3

    _run(test)


def test_c4_a_body_in_single_bytes_is_one_body() -> None:
    async def test(handlers: _Handlers, app: Any) -> None:
        parts = [BODY[index : index + 1] for index in range(len(BODY))]
        assert (await apost_batch(app, body=parts)).statuses == [200] * 3

    _run(test)


# --- while it runs, and the way out, on ASGI


@pytest.mark.parametrize("error", [OSError("reset"), RuntimeError("odd"), None], ids=repr)
def test_c28_who_leaves_while_the_batch_runs_cuts_nothing_off(error: Any) -> None:
    async def test(handlers: _Handlers, app: Any) -> None:
        leaves = asyncio.Event()
        first = [_part(batch_body([action("/waits")]), False)]

        async def receive() -> Any:
            if first:
                return first.pop()
            await leaves.wait()
            if error:
                raise error
            return GONE

        serving = asyncio.create_task(_serve(app, receive, _ignore))
        await handlers.running.wait()
        leaves.set()
        for _ in range(5):
            await asyncio.sleep(0)
        handlers.go_on.set()
        assert await serving is None
        assert handlers.ran == ["waits", "done"]

    _run(test)


@pytest.mark.parametrize("error", [OSError("reset"), RuntimeError("odd")], ids=repr)
@pytest.mark.parametrize("at", [0, 1], ids=["at the start", "at the body"])
def test_c28_an_answer_that_cannot_be_sent_raises_what_the_server_raised(at: int, error: Exception) -> None:
    async def test(handlers: _Handlers, app: Any) -> None:
        sent: list[str] = []

        async def send(message: Any) -> None:
            if len(sent) == at:
                raise error
            sent.append(message["type"])

        assert await _serve(app, _receiving(_part(BODY, False)), send) is error
        assert handlers.ran == ["quick"] * 3
        assert sent == ["http.response.start"][:at]

    _run(test)


def test_c28_a_send_that_never_ends_holds_no_place() -> None:
    # A client that reads nothing: the server waits, and the actions are long done.
    async def test(handlers: _Handlers, app: Any) -> None:
        stuck = asyncio.Event()

        async def send(message: Any) -> None:
            stuck.set()
            await asyncio.Event().wait()

        scope = build_scope(prepare("POST", "/batch", HEADERS, BODY, ("testserver", 80), "http"))
        sending = asyncio.create_task(app(scope, _receiving(_part(BODY, False)), send))
        await stuck.wait()
        assert (await apost_batch(app, FULL)).statuses == [200] * 3
        sending.cancel()
        await asyncio.wait([sending])

    _run(test)


def test_c28_batches_one_after_the_other_on_one_connection_do_not_mix() -> None:
    # Pipelined requests come to an application as requests that begin before the last answer is read.
    async def test(handlers: _Handlers, app: Any) -> None:
        first = asyncio.create_task(apost_batch(app, [action("/waits")]))
        await handlers.running.wait()
        assert (await apost_batch(app, FULL[:2])).statuses == [200] * 2
        handlers.go_on.set()
        assert (await first).statuses == [200]

    _run(test)
