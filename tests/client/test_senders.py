"""The two senders: order, batches at once, handles, progress, and sources without an end."""

from __future__ import annotations

import asyncio
import itertools
import json
import threading
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import httpx2
import pytest

from batchware import Concurrency, Quota
from batchware.client import (
    Action,
    Answer,
    AsyncSender,
    Bounds,
    NotDone,
    Outcome,
    Progress,
    Report,
    Sender,
    Unfinished,
)
from examples.taskboard.api import BATCH
from examples.taskboard.hosts import LOOPBACK, listen, serving
from tests.client.conftest import Served
from tests.client.model import answer, error
from tests.examples.boards import filled

NUMBERS = [Action("get", f"/{number}") for number in range(57)]
both_kinds = pytest.mark.parametrize("kind", ["sync", "async"])


def results(body: bytes) -> Answer:
    """Each action's own path."""
    batch = json.loads(body)
    style, inner = ("data", batch["data"]) if "data" in batch else ("results", batch)
    paths = [action["relative_path"] for action in inner["actions"]]
    return answer(200, {style: [{"status_code": 200, "headers": {}, "body": path} for path in paths]})


class Server:
    """Answers each batch as soon as `together` are in the air; `answers` is what it says to the first ones instead."""

    def __init__(self, together: int = 1, answers: Sequence[Answer] = ()) -> None:
        self.answers = list(answers)
        self.bodies: list[bytes] = []
        self.headers: list[Mapping[str, str]] = []
        self.gate, self.together = threading.Barrier(together), together
        self.in_flight = self.most = 0
        self.all_here = asyncio.Condition()

    def taken(self, body: bytes, headers: Mapping[str, str]) -> Answer:
        self.bodies.append(body)
        self.headers.append(headers)
        return self.answers.pop(0) if self.answers else results(body)

    def post(self, url: str, headers: Mapping[str, str], body: bytes) -> Answer:
        self.gate.wait(20)
        return self.taken(body, headers)

    async def apost(self, url: str, headers: Mapping[str, str], body: bytes) -> Answer:
        async with self.all_here:
            self.in_flight += 1
            if self.in_flight % self.together == 0:
                self.all_here.notify_all()
            else:
                await asyncio.wait_for(self.all_here.wait(), 20)
        return self.taken(body, headers)

    def send(self, kind: str, actions: Sequence[Action], **options: Any) -> Report:
        if kind == "sync":
            return Sender(self.post, "/batch", **options).report(actions)
        return asyncio.run(AsyncSender(self.apost, "/batch", **options).report(actions))

    @property
    def sizes(self) -> list[int]:
        return sorted((body.count(b"relative_path") for body in self.bodies), reverse=True)


@both_kinds
@pytest.mark.parametrize("parallel", [1, 3, 6])
def test_so_many_batches_are_in_the_air_at_once_and_the_order_is_kept(kind: str, parallel: int) -> None:
    """The server answers none before so many have come."""
    server = Server(together=parallel)
    report = server.send(kind, NUMBERS[:60] + NUMBERS[:3], parallel=parallel, max_actions=10)
    assert [outcome.get().body for outcome in report.outcomes] == [f"/{n}" for n in (*range(57), 0, 1, 2)]
    assert server.sizes == [10] * 6


@both_kinds
@pytest.mark.parametrize("style", ["asana", "plain"])
def test_each_style_is_written_and_read(kind: str, style: str) -> None:
    server = Server()
    assert server.send(kind, NUMBERS, style=style, max_actions=20).complete
    assert server.sizes == [20, 20, 17]
    assert all(json.loads(body).keys() == {"data" if style == "asana" else "actions"} for body in server.bodies)


@both_kinds
def test_headers_go_with_each_batch(kind: str) -> None:
    server = Server()
    server.send(kind, [Action("post", "/x")] * 30, headers={"X-Trace": "t"}, idempotency_key="k")
    assert {headers["X-Trace"] for headers in server.headers} == {"t"}
    assert {headers["Idempotency-Key"] for headers in server.headers} == {'"k-1"', '"k-2"', '"k-3"'}
    assert {headers["Content-Type"] for headers in server.headers} == {"application/json"}


@both_kinds
def test_a_key_is_of_one_batch_over_all_calls_of_a_sender(kind: str) -> None:
    server = Server()
    if kind == "sync":
        sender = Sender(server.post, "/batch", idempotency_key="k")
        sender.send([Action("post", "/x")])
        with sender.batch() as batch:
            batch.post("/y")
        assert len(list(sender.stream([Action("post", "/z")]))) == 1
    else:

        async def thrice() -> None:
            sender = AsyncSender(server.apost, "/batch", idempotency_key="k")
            await sender.send([Action("post", "/x")])
            async with sender.batch() as batch:
                batch.post("/y")
            assert len([outcome async for outcome in sender.stream([Action("post", "/z")])]) == 1

        asyncio.run(thrice())
    assert [headers["Idempotency-Key"] for headers in server.headers] == ['"k-1"', '"k-2"', '"k-3"']


@both_kinds
def test_progress_is_told_up_to_the_end_and_says_for_how_long_it_waits(kind: str) -> None:
    told: list[Progress] = []
    server = Server(answers=[error(429, "later", retry_after="0")])
    server.send(kind, NUMBERS, progress=told.append, parallel=1)
    assert [progress.total for progress in told] == [57] * len(told)
    assert [progress.settled for progress in told] == sorted(progress.settled for progress in told)
    assert any(progress.wait > 0 for progress in told)
    assert told[-1] == Progress(57, 57, 0, 0, 0, 0.0)
    assert all(one != next for one, next in itertools.pairwise(told))


def test_a_source_is_not_read_further_than_the_next_batches_hold() -> None:
    taken = itertools.count()
    source = (Action("get", f"/{next(taken)}") for _ in itertools.repeat(None))
    with Sender(Server().post, "/batch", parallel=2, max_actions=5).stream(source) as stream:
        ahead = [stream.taken - number for number, _ in enumerate(itertools.islice(stream, 500))]
    assert max(ahead) <= 25  # what is in the air, what waits, and what has landed and was not looked at


def test_a_source_is_read_no_further_by_the_asynchronous_sender() -> None:
    async def main() -> list[int]:
        source = (Action("get", f"/{number}") for number in itertools.count())
        ahead: list[int] = []
        async with AsyncSender(Server().apost, "/batch", parallel=2, max_actions=5).stream(source) as stream:
            async for _ in stream:
                ahead.append(stream.taken - len(ahead))
                if len(ahead) == 500:
                    break
        return ahead

    assert max(asyncio.run(main())) <= 25


def test_every_action_of_a_source_is_told_not_done_after_the_end_of_it_all() -> None:
    outcomes: Iterator[Outcome] = Sender(Server(answers=[error(401, "No.")] * 9).post, "/").stream(iter(NUMBERS * 9))
    assert sorted(outcome.index for outcome in outcomes if outcome.result is None) == list(range(57 * 9))


def test_what_is_collected_is_sent_at_the_end_of_the_block(served: Served) -> None:
    with httpx2.Client(headers=served.headers) as client:
        with Sender(client, served.url).batch() as batch:
            task = batch.get(f"/tasks/{served.sample.tasks[0]}", options={"fields": ["name"]})
            found = batch.get("/tasks", {"completed": False, "limit": 3})
            made = batch.post("/tasks", {"name": "Collected"})
            changed = batch.put(f"/tasks/{served.sample.tasks[1]}", {"completed": True})
            gone = batch.delete("/tasks/404")
            head = batch.head("/users/me")
            patched = batch.patch("/users/me", {})
            with pytest.raises(NotDone, match="GET /tasks: not sent yet"):
                found.result()
        statuses = [handle.result().status for handle in batch.handles]
    assert statuses == [200, 200, 201, 200, 404, 200, 405]
    assert batch.handles == [task, found, made, changed, gone, head, patched]
    assert task.result().body["data"]["name"] == "Write the announcement"
    assert len(found.result().json()["data"]) == 3
    assert head.result().content == b""


def test_what_is_collected_is_sent_at_the_end_of_an_asynchronous_block(served: Served) -> None:
    async def main() -> list[Any]:
        async with httpx2.AsyncClient(headers=served.headers) as client:
            async with AsyncSender(client, served.url).batch() as batch:
                for gid in served.sample.tasks:
                    batch.get(f"/tasks/{gid}")
            return [result.body["data"]["gid"] for result in batch.results]

    assert asyncio.run(main()) == list(served.sample.tasks)


def test_a_block_that_an_error_leaves_sends_nothing() -> None:
    server = Server()
    batch = Sender(server.post, "/batch").batch()
    handle = batch.get("/x")
    with pytest.raises(ZeroDivisionError), batch:
        raise ZeroDivisionError
    assert (server.bodies, handle.done, repr(handle)) == ([], False, "<GET /x: not sent>")


@both_kinds
def test_an_action_without_a_result_is_an_error_with_the_report(kind: str) -> None:
    server = Server(answers=[error(401, "Log in.")])
    send = {
        "sync": lambda: Sender(server.post, "/batch").send(NUMBERS[:3]),
        "async": lambda: asyncio.run(AsyncSender(server.apost, "/batch").send(NUMBERS[:3])),
    }
    with pytest.raises(Unfinished, match="GET /0: not done: the batch got 401: Log in") as caught:
        send[kind]()
    assert str(caught.value.report) == "0 done, 3 not done, 0 unknown"


@pytest.mark.parametrize(
    "options",
    [
        *({name: 0} for name in ("max_actions", "max_bytes", "parallel", "attempts")),
        {"max_wait": -1.0},
        {"max_wait": float("nan")},
        {"style": "other"},
        *({"idempotency_key": key} for key in ("", 'a"b', "a\\b", "é", "a\nb")),
    ],
)
def test_an_option_that_can_not_be_is_named(options: dict[str, Any]) -> None:
    (name,) = options
    for make in (Bounds, lambda **more: Sender(print, "/", **more), lambda **more: AsyncSender(print, "/", **more)):
        with pytest.raises(ValueError, match=f"^{name}: must be "):
            make(**options)


def test_a_limit_of_a_real_server_is_waited_out() -> None:
    """Two batches at once are too much, and the third too many within a second; in the end each action is done."""
    with filled() as (board, sample):
        listener, limits = listen(0), [Concurrency("all", 15), Quota("burst", 25, per=1.0)]
        url = f"http://{LOOPBACK}:{listener.getsockname()[1]}{BATCH}"
        headers = {"Authorization": f"Bearer {sample.token}"}
        waits: list[float] = []
        with serving("starlette", board, listener, limits=limits), httpx2.Client(headers=headers) as client:
            sender = Sender(client, url, progress=lambda progress: waits.append(progress.wait))
            results = sender.send([Action("get", f"/tasks/{gid}") for gid in sample.tasks * 4])
    assert [result.status for result in results] == [200] * len(sample.tasks) * 4
    assert max(waits) > 0.5
