"""What carries a plan out: what it makes of a sender's errors, and that nothing it knows is lost when it ends."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import pytest

from batchware.client import Action, Answer, AsyncSender, Broken, NotSent, Result, Sender, Unfinished
from batchware.client.order import GaveUp, InDoubt, Plan, Where, put_in_order, put_in_order_async
from batchware.client.order.drive import Save
from tests.client.list_server import ListServer, in_order, looking_up, planned

URL = "http://list.test/batch"

Send = Callable[[list[Action]], Sequence[Result]]
Carry = Callable[..., list[Any]]


def carried_by_awaiting(plan: Plan[Any], send: Send, *, save: Save | None = None) -> list[Any]:
    """The same with the asynchronous driver."""

    async def awaited(actions: list[Action]) -> Sequence[Result]:
        await asyncio.sleep(0)
        return send(actions)

    return asyncio.run(put_in_order_async(plan, awaited, save=save))


@pytest.fixture(params=[put_in_order, carried_by_awaiting], ids=["sync", "async"])
def carry(request: pytest.FixtureRequest) -> Carry:
    return request.param


class Failing:
    """A sender on a list that raises an error in its nth calls, before or after the batch has run."""

    def __init__(self, server: ListServer, error: BaseException, at: Iterable[int], *, runs: bool) -> None:
        self._server, self._error, self._at, self._runs = server, error, set(at), runs
        self.calls = 0

    def send(self, actions: list[Action]) -> Sequence[Result]:
        self.calls += 1
        fails = self.calls in self._at
        results = self._server.all(actions) if self._runs or not fails else []
        if fails:
            raise self._error
        return results


@pytest.mark.parametrize("error", [ConnectionResetError("gone"), TimeoutError("too slow")])
@pytest.mark.parametrize("runs", [True, False])
def test_a_broken_connection_ends_nothing(carry: Carry, error: Exception, runs: bool) -> None:
    server, plan = ListServer(), planned(7, size=3, **looking_up())
    ids = carry(plan, Failing(server, error, range(1, 20, 3), runs=runs).send)
    assert [server.names[ident] for ident in ids] == [f"item {number}" for number in range(7)]
    assert in_order(server, 7, Where.IT_LANDS)
    assert server.created.total() == 7


@pytest.mark.parametrize("error", [ValueError("a bug"), KeyboardInterrupt(), OSError("no such file")])
def test_any_other_error_goes_up_and_the_same_plan_goes_on(carry: Carry, error: BaseException) -> None:
    server, plan = ListServer(), planned(7, size=3, **looking_up())
    with pytest.raises(type(error)):
        carry(plan, Failing(server, error, [2], runs=True).send)
    carry(plan, server.all)
    assert in_order(server, 7, Where.IT_LANDS)
    assert server.created.total() == 7


def test_a_connection_that_always_breaks_ends_when_the_tries_are_used_up(carry: Carry) -> None:
    plan = planned(2, tries=4, **looking_up())
    failing = Failing(ListServer(), ConnectionError("gone"), range(1, 100), runs=False)
    with pytest.raises(GaveUp, match=r"items\[0\]: GET /items: no result, after 4 tries, and 1 more") as stop:
        carry(plan, failing.send)
    assert failing.calls == 5
    assert isinstance(stop.value.__context__, ConnectionError)


def test_the_state_is_saved_before_each_batch_and_at_the_end_and_any_of_them_can_be_gone_on_with(carry: Carry) -> None:
    states: list[str] = []
    carry(planned(9, size=4, **looking_up()), ListServer().all, save=lambda state: states.append(json.dumps(state)))
    for cut, kept in enumerate(states):
        server, sent = ListServer(), 0
        plan = planned(9, size=4, **looking_up())
        while sent < cut:
            plan.take(server.all(plan.next()))
            sent += 1
        carry(planned(9, size=4, **looking_up(), state=json.loads(kept)), server.all)
        assert in_order(server, 9, Where.IT_LANDS)
        assert server.created.total() == 9


def test_what_is_known_when_it_stops_is_saved(carry: Carry) -> None:
    states: list[dict[str, Any]] = []
    plan = planned(3)

    def refusing(actions: list[Action]) -> list[Result]:
        return [Result(action, 403, {}, None, b"") for action in actions]

    with pytest.raises(GaveUp):
        carry(plan, refusing, save=states.append)
    assert states[0]["doubtful"] == [0, 1, 2]
    assert states[-1]["doubtful"] == []


# --- with the senders of this package


def poster(server: ListServer, fates: dict[int, Exception]) -> Callable[..., Answer]:
    """Posts batches to a list that honours `Idempotency-Key`.

    `fates`, by the number of the call: what is raised, `Broken` after the batch has run.
    """
    calls, kept = 0, dict[str, tuple[bytes, list[Result]]]()

    def post(url: str, headers: dict[str, str], body: bytes) -> Answer:
        nonlocal calls
        calls += 1
        error = fates.get(calls)
        if isinstance(error, NotSent):
            raise error
        key = headers.get("Idempotency-Key", "")
        ran, results = kept.get(key, (body, None))
        assert ran == body, f"{key}: of another batch"
        if results is None:
            wanted = json.loads(body)["data"]["actions"]
            results = server.all([Action(one["method"], one["relative_path"], one["data"]) for one in wanted])
        if key:
            kept[key] = body, results
        if error is not None:
            raise error
        shown = [{"status_code": result.status, "headers": {}, "body": result.body} for result in results]
        return Answer.of(200, {}, json.dumps({"data": shown}).encode())

    return post


@pytest.fixture(params=["sync", "async"])
def send_with(request: pytest.FixtureRequest) -> Callable[..., list[Any]]:
    """Carries a plan out with a sender of this package that posts by `post`."""

    def sync(plan: Plan[Any], post: Callable[..., Answer], **options: Any) -> list[Any]:
        return list(put_in_order(plan, Sender(post, URL, parallel=1, **options).send))

    def by_awaiting(plan: Plan[Any], post: Callable[..., Answer], **options: Any) -> list[Any]:
        async def awaited(*arguments: Any) -> Answer:
            return post(*arguments)

        return list(asyncio.run(put_in_order_async(plan, AsyncSender(awaited, URL, **options).send)))

    return sync if request.param == "sync" else by_awaiting


def test_an_answer_that_got_lost_in_a_sender_is_looked_up(send_with: Callable[..., list[Any]]) -> None:
    server = ListServer()
    lost = {number: Broken("gone") for number in range(1, 30, 3)}
    send_with(planned(7, size=3, **looking_up()), poster(server, lost))
    assert in_order(server, 7, Where.IT_LANDS)
    assert server.created.total() == 7


def test_without_a_way_to_look_up_the_plan_stops_with_the_unknown_ones(send_with: Callable[..., list[Any]]) -> None:
    server, plan = ListServer(), planned(7, size=3)
    with pytest.raises(InDoubt) as stop:
        send_with(plan, poster(server, {2: Broken("gone")}))
    assert {name for name in server.created if plan.ids[int(name.split()[1])] is None} == {
        f"item {item}" for item in stop.value.items
    }


def test_a_sender_that_gave_up_ends_it_and_leaves_nothing_in_doubt(send_with: Callable[..., list[Any]]) -> None:
    server, plan = ListServer(), planned(7, size=3)
    with pytest.raises(Unfinished, match="no route"):
        send_with(plan, poster(server, {2: NotSent("no route")}), attempts=1)
    assert plan.state()["doubtful"] == []
    send_with(plan, poster(server, {}))
    assert in_order(server, 7, Where.IT_LANDS)


def test_with_an_idempotency_key_no_answer_that_got_lost_needs_looking_up(send_with: Callable[..., list[Any]]) -> None:
    server = ListServer()
    lost = {number: Broken("gone") for number in range(1, 30, 3)}
    send_with(planned(7, size=3), poster(server, lost), idempotency_key="run-7")
    assert in_order(server, 7, Where.IT_LANDS)
    assert server.created.total() == 7


def test_a_plan_for_several_batches_at_once_needs_fewer_rounds() -> None:
    rounds = {}
    for size in (10, 40):
        server = ListServer()
        put_in_order(planned(200, size=size), server.all)
        assert in_order(server, 200, Where.IT_LANDS)
        rounds[size] = server.batches
    assert rounds == {10: 40, 40: 11}
