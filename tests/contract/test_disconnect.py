"""C28: when the client goes away each child sees it, and nothing is cancelled for that."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from starlette.requests import Request

from batchware.asgi import BatchMiddleware
from tests.contract.batching import action, batch_body
from tests.contract.small_apps import asgi_app, others_have_ended, reply
from tests.hosts.clients import Response, asend
from tests.hosts.gates import Signal


class _Children:
    """Handlers that listen, write or work on, and what they saw."""

    def __init__(self) -> None:
        self.seen: list[tuple[str, Any]] = []
        self.arrived = 0
        self.all_here = asyncio.Event()
        self.go_on = Signal()
        self._expected = 0
        self.routes = {"/listen": self.listen, "/write": self.write, "/body": self.body, "/work": self.work}
        self.app = BatchMiddleware(asgi_app(self.routes))

    def _arrive(self) -> None:
        self.arrived += 1
        if self.arrived == self._expected:
            self.all_here.set()

    async def listen(self, scope: Any, receive: Any, send: Any) -> None:
        await receive()
        self._arrive()
        for _ in range(2):
            self.seen.append(("listen", (await receive())["type"]))
        await reply(send)

    async def write(self, scope: Any, receive: Any, send: Any) -> None:
        await receive()
        self._arrive()
        try:
            await self.go_on.wait_async()
        except asyncio.CancelledError:
            self.seen.append(("write", "cancelled"))
            raise
        self.seen.append(("write", "done"))
        await reply(send)

    async def body(self, scope: Any, receive: Any, send: Any) -> None:
        self._arrive()
        await self.go_on.wait_async()
        self.seen += [("body", (await receive())["body"]), ("body", (await receive())["type"])]
        await reply(send)

    async def work(self, scope: Any, receive: Any, send: Any) -> None:
        await receive()
        await reply(send)
        self.seen.append(("work", (await receive())["type"]))
        await self.go_on.wait_async()
        self.seen.append(("work", "done"))

    def post(self, paths: list[str], leave: asyncio.Event, **options: Any) -> asyncio.Task[Response]:
        self._expected = len(paths)
        actions = [action(path, "post", data={}) for path in paths]
        headers, body = {"Content-Type": "application/json"}, batch_body(actions)
        sending = asend(self.app, "POST", "/batch", headers=headers, body=body, disconnect=leave, **options)
        return asyncio.create_task(sending)


def _run(test: Any) -> None:
    async def in_a_loop() -> None:
        await asyncio.wait_for(test(_Children(), asyncio.Event()), 20)
        assert await others_have_ended()

    asyncio.run(in_a_loop())


@pytest.mark.parametrize("gone", ["raise", "ignore"])
def test_c28_each_child_sees_the_disconnect(gone: Any) -> None:
    async def test(children: _Children, leave: asyncio.Event) -> None:
        batch = children.post(["/listen"] * 3, leave, gone=gone)
        await children.all_here.wait()
        assert children.seen == []
        leave.set()
        await batch
        assert children.seen == [("listen", "http.disconnect")] * 6

    _run(test)


def test_c28_what_else_a_server_says_is_no_disconnect() -> None:
    async def test(children: _Children, leave: asyncio.Event) -> None:
        body = {"type": "http.request", "body": batch_body([action("/listen")]), "more_body": False}
        messages = [body, {"type": "http.request"}, {"type": "http.heartbeat"}]
        told = asyncio.Event()

        async def receive() -> Any:
            if messages:
                return messages.pop(0)
            told.set()
            await leave.wait()
            return {"type": "http.disconnect"}

        async def send(message: Any) -> None:
            return None

        scope = {"type": "http", "asgi": {}, "method": "POST", "path": "/batch", "query_string": b""}
        scope["headers"] = [(b"content-type", b"application/json")]
        batch = asyncio.create_task(children.app(scope, receive, send))
        while not told.is_set() and not children.seen:
            await asyncio.sleep(0)
        assert children.seen == []
        leave.set()
        await batch
        assert children.seen == [("listen", "http.disconnect")] * 2

    _run(test)


def test_c28_writes_under_way_are_not_cancelled() -> None:
    async def test(children: _Children, leave: asyncio.Event) -> None:
        batch = children.post(["/listen", "/write"], leave)
        await children.all_here.wait()
        leave.set()
        while len(children.seen) < 2:
            await asyncio.sleep(0)
        children.go_on.set()
        await batch
        assert children.seen == [("listen", "http.disconnect")] * 2 + [("write", "done")]

    _run(test)


def test_c28_a_child_gets_its_body_even_after_the_client_has_gone() -> None:
    async def test(children: _Children, leave: asyncio.Event) -> None:
        batch = children.post(["/listen", "/body"], leave)
        await children.all_here.wait()
        leave.set()
        while len(children.seen) < 2:
            await asyncio.sleep(0)
        children.go_on.set()
        await batch
        assert children.seen[2:] == [("body", b'{"data":{}}'), ("body", "http.disconnect")]

    _run(test)


def test_c28_a_child_whose_response_is_complete_sees_a_disconnect_though_the_client_is_there() -> None:
    async def test(children: _Children, leave: asyncio.Event) -> None:
        batch = children.post(["/work"], leave)
        while not children.seen:
            await asyncio.sleep(0)
        children.go_on.set()
        assert (await batch).status == 200
        assert children.seen == [("work", "http.disconnect"), ("work", "done")]

    _run(test)


def test_c28_work_goes_on_where_the_answer_could_not_be_sent() -> None:
    async def test(children: _Children, leave: asyncio.Event) -> None:
        batch = children.post(["/listen", "/work"], leave, gone="raise")
        while not children.seen:
            await asyncio.sleep(0)
        leave.set()
        while len(children.seen) < 3:
            await asyncio.sleep(0)
        for _ in range(5):  # the answer is tried now
            await asyncio.sleep(0)
        assert not batch.done(), "the parent ends after the work of its actions"
        children.go_on.set()
        response = await batch
        assert isinstance(response.raised, OSError), "as for a direct request"
        assert children.seen[-1] == ("work", "done")

    _run(test)


@pytest.mark.parametrize("after", ["before the body", "within the body"])
def test_c28_a_batch_that_never_came_in_whole_does_nothing(after: str) -> None:
    async def test(children: _Children, leave: asyncio.Event) -> None:
        sent: list[Any] = []
        parts = [{"type": "http.request", "body": batch_body([action("/write")])[:-1], "more_body": True}]
        gone = {"type": "http.disconnect"}
        messages = [gone] if after == "before the body" else [*parts, gone]

        async def receive() -> Any:
            return messages.pop(0)

        async def send(message: Any) -> None:
            sent.append(message)

        scope = {"type": "http", "asgi": {}, "method": "POST", "path": "/batch", "query_string": b""}
        await children.app(scope | {"headers": [(b"content-type", b"application/json")]}, receive, send)
        assert (sent, children.arrived) == ([], 0)

    _run(test)


def test_c28_starlette_says_that_the_client_has_gone() -> None:
    seen: list[bool] = []
    here, go_on = asyncio.Event(), Signal()

    async def asks(scope: Any, receive: Any, send: Any) -> None:
        request = Request(scope, receive)
        await request.body()
        seen.append(await request.is_disconnected())
        here.set()
        await go_on.wait_async()
        seen.append(await request.is_disconnected())
        await reply(send)

    app = BatchMiddleware(asgi_app({"/x": asks}))

    async def in_a_loop() -> None:
        leave = asyncio.Event()
        headers, body = {"Content-Type": "application/json"}, batch_body([action("/x")])
        sending = asend(app, "POST", "/batch", headers=headers, body=body, disconnect=leave, gone="ignore")
        batch = asyncio.create_task(sending)
        await here.wait()
        leave.set()
        for _ in range(5):
            await asyncio.sleep(0)
        go_on.set()
        await batch
        assert seen == [False, True]

    asyncio.run(in_a_loop())
