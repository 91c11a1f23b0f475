"""BatchHooks: what a host is told about actions and batches, and that no hook can break one (C0, C26)."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

import pytest

from batchware import Action, BatchHooks, Outcome, Parent
from batchware.contract.errors import Refused
from tests.contract.batching import action, bare_door, every_host, post_batch, wrap
from tests.contract.small_apps import asgi_app, door, eventually, reply, started, wsgi_app
from tests.hosts import Host, probe
from tests.hosts.clients import send

span: ContextVar[str] = ContextVar("span", default="none")


class Recorder(BatchHooks):
    """Keeps all it is told; `where` is the thread or the task that each came in."""

    def __init__(self, name: str = "") -> None:
        self.name = name
        self.events: list[tuple[str, Any]] = []
        self.where: dict[tuple[str, int], Any] = {}
        self.parents: list[Parent] = []
        self.batches: list[tuple[Parent, Sequence[Action], Sequence[Outcome], float]] = []

    def _note(self, event: str, of: Action, value: Any = None) -> None:
        self.events.append((f"{self.name}{event}", of.index if value is None else (of.index, value)))
        try:
            self.where[event, of.index] = asyncio.current_task()
        except RuntimeError:
            self.where[event, of.index] = threading.get_ident()

    @contextmanager
    def around_action(self, action: Action, parent: Parent) -> Iterator[Callable[[Outcome], Any]]:
        self._note("enter", action)
        self.parents.append(parent)
        span.set(f"{action.method} {action.path}")
        raised = None
        try:
            yield lambda outcome: self._note("outcome", action, outcome.status)
        except BaseException as error:
            raised = type(error).__name__
            raise
        finally:
            self._note("leave", action, raised)

    def on_batch(self, parent: Parent, actions: Sequence[Action], outcomes: Sequence[Outcome], seconds: float) -> None:
        self.batches.append((parent, actions, outcomes, seconds))


@every_host
def test_hooks_stand_around_every_action(host: Host) -> None:
    recorder = Recorder()
    answer = post_batch(wrap(host, hooks=[recorder]), host, [action("/tasks/1"), action("x"), action("/nowhere")])
    assert answer.statuses == [200, 400, 404]
    assert eventually(lambda: len(recorder.events) == 6)
    for index, status in ((0, 200), (2, 404)):
        mine = [event for event in recorder.events if event[1] == index or event[1] == (index, status)]
        assert mine == [("enter", index), ("outcome", (index, status)), ("leave", index)]
        assert recorder.where["enter", index] == recorder.where["leave", index]


@bare_door
def test_hooks_are_told_what_batch_an_action_came_in(host: Host) -> None:
    recorder = Recorder()
    app = wrap(host, hooks=[recorder], authorize=lambda parent: "ada")
    post_batch(app, host, [action(), action()], query="opt_pretty")
    told = [(parent.principal, parent.path, parent.query) for parent in recorder.parents]
    assert told == [("ada", "/batch", "opt_pretty")] * 2


@every_host
def test_hooks_set_context_for_their_action_alone(host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: dict[str, str] = {}
    answer, answer_async = probe.answer, probe.answer_async

    def spied(route: probe.Route, call: probe.Call) -> Any:
        seen[str(call.param)] = span.get()
        return answer(route, call)

    async def spied_async(route: probe.Route, call: probe.Call) -> Any:
        seen[str(call.param)] = span.get()
        return await answer_async(route, call)

    app = wrap(host, hooks=[Recorder()])
    monkeypatch.setattr(probe, "answer", spied)
    monkeypatch.setattr(probe, "answer_async", spied_async)
    post_batch(app, host, [action(f"/tasks/{index}") for index in range(4)])
    assert seen == {str(index): f"GET /tasks/{index}" for index in range(4)}
    assert span.get() == "none"


@bare_door
def test_hooks_are_told_what_the_handler_raised_and_what_became_of_it(host: Host) -> None:
    recorder = Recorder()
    post_batch(wrap(host, hooks=[recorder]), host, [action("/raise")])
    assert recorder.events == [("enter", 0), ("outcome", (0, 500)), ("leave", (0, "RuntimeError"))]


@bare_door
def test_hooks_are_told_of_what_is_too_slow(host: Host) -> None:
    recorder = Recorder()
    app = wrap(host, hooks=[recorder], action_timeout=0.05)
    assert post_batch(app, host, [action("/gate/never", data={"n": 2})]).statuses == [504]
    if host.door == "wsgi":
        probe.gates.arrive("never", 2)
    assert eventually(lambda: recorder.events and recorder.events[-1][0] == "leave")
    assert recorder.events[:2] == [("enter", 0), ("outcome", (0, 504))]
    assert recorder.batches[0][2][0].status == 504


@bare_door
def test_hooks_are_entered_in_order_and_left_in_the_opposite_one(host: Host) -> None:
    first, second = Recorder("first "), Recorder("second ")
    second.events = first.events
    post_batch(wrap(host, hooks=[first, second]), host, [action()])
    assert [event for event, _ in first.events] == [
        "first enter", "second enter", "second outcome", "first outcome", "second leave", "first leave",
    ]  # fmt: skip


@bare_door
def test_hooks_hear_of_a_result_before_background_work_has_ended(host: Host) -> None:
    recorder = Recorder()
    at_the_answer: list[list[Any]] = []

    def on_complete() -> None:
        at_the_answer.append(list(recorder.events))
        probe.let_go.set()

    post_batch(wrap(host, hooks=[recorder]), host, [action("/background")], on_complete=on_complete)
    assert ("outcome", (0, 200)) in at_the_answer[0]


@bare_door
def test_on_batch_gets_all_actions_and_outcomes_in_order(host: Host) -> None:
    recorder = Recorder()
    app = wrap(host, hooks=[recorder], authorize=lambda parent: "ada")
    sent = [action("/tasks/1"), 5, action("/raise", "post"), action("/scim", "delete")]
    before: list[int] = []
    post_batch(app, host, sent, on_complete=lambda: before.append(len(recorder.batches)))
    ((parent, actions, outcomes, seconds),) = recorder.batches
    assert before == [1], "before the answer is sent"
    assert (parent.principal, parent.path, parent.method) == ("ada", "/batch", "POST")
    assert [(one.index, one.method, one.path) for one in actions] == [
        (0, "GET", "/tasks/1"), (1, "", ""), (2, "POST", "/raise"), (3, "DELETE", "/scim"),
    ]  # fmt: skip
    assert [one.status for one in outcomes] == [200, 400, 500, 400]
    assert [one.error is None for one in outcomes] == [True, False, False, False]
    assert outcomes[0].seconds > 0.0
    assert outcomes[1].seconds == outcomes[3].seconds == 0.0
    assert seconds >= outcomes[0].seconds


@bare_door
def test_on_batch_is_called_where_all_were_refused(host: Host) -> None:
    recorder = Recorder()
    post_batch(wrap(host, hooks=[recorder]), host, [None])
    assert [outcome.status for outcome in recorder.batches[0][2]] == [400]
    assert recorder.events == []


@bare_door
@pytest.mark.parametrize(
    "options",
    [{"actions": []}, {"body": b"{"}, {"content_type": "text/plain"}],
    ids=["no actions", "no JSON", "media type"],
)
def test_hooks_do_not_hear_of_whole_batch_errors(host: Host, options: dict[str, Any]) -> None:
    recorder = Recorder()
    post_batch(wrap(host, hooks=[recorder]), host, headers={"Origin": "https://app.example"}, **options)
    assert (recorder.events, recorder.batches) == ([], [])


@bare_door
def test_hooks_do_not_hear_of_direct_requests_nor_of_the_request_for_the_policy(host: Host) -> None:
    recorder = Recorder()
    app = wrap(host, hooks=[recorder])
    send(app, host.door, "GET", "/tasks/1")
    send(app, host.door, "OPTIONS", "/batch")
    post_batch(app, host, [action()], headers={"Origin": "https://app.example"})
    assert [event for event, _ in recorder.events] == ["enter", "outcome", "leave"]
    assert len(recorder.batches) == 1


# --- hooks that fail


class _Manager:
    def __init__(self, place: str, error: BaseException) -> None:
        self._place, self._error = place, error

    def _fail(self, place: str) -> None:
        if place == self._place:
            raise self._error

    def __enter__(self) -> Any:
        self._fail("enter")
        return lambda outcome: self._fail("outcome")

    def __exit__(self, *raised: object) -> bool:
        self._fail("leave")
        return True  # which must not suppress anything


class _Failing(BatchHooks):
    def __init__(self, place: str, error: BaseException) -> None:
        self._place, self._error = place, error

    def around_action(self, action: Action, parent: Parent) -> Any:
        if self._place == "around_action":
            raise self._error
        if self._place == "no manager":
            return None
        return _Manager(self._place, self._error)

    def on_batch(self, *told: Any) -> None:
        if self._place == "on_batch":
            raise self._error


@bare_door
@pytest.mark.parametrize("place", ["around_action", "no manager", "enter", "outcome", "leave", "on_batch", "nowhere"])
@pytest.mark.parametrize(
    "error", [LookupError("x"), SystemExit(3), asyncio.CancelledError()], ids=lambda error: type(error).__name__
)
def test_a_hook_that_fails_breaks_nothing(host: Host, place: str, error: BaseException) -> None:
    recorder = Recorder()
    app = wrap(host, hooks=[_Failing(place, error), recorder], max_actions=3, max_pending=3)
    answer = post_batch(app, host, [action("/tasks/0"), action("/raise"), action("/tasks/2")])
    assert answer.statuses == [200, 500, 200]
    assert len(recorder.batches) == 1
    assert eventually(lambda: sum(event == "leave" for event, _ in recorder.events) == 3)
    assert eventually(lambda: post_batch(app, host, [action()] * 3).status == 200), "all places are free again"


@bare_door
def test_a_hook_can_not_change_what_an_action_gets(host: Host) -> None:
    async def asgi(scope: Any, receive: Any, send: Any) -> None:
        await reply(send, repr("hooked" in scope).encode())

    def wsgi(environ: Any, start_response: Any) -> Any:
        return started(start_response, repr("hooked" in environ).encode())

    class Writing(BatchHooks):
        def around_action(self, action: Action, parent: Parent) -> Any:
            parent.request["hooked"] = True
            return _Manager("nowhere", LookupError())

    small = door(host.door, asgi_app({"/x": asgi}) if host.door == "asgi" else wsgi_app({"/x": wsgi}))
    answer = post_batch(wrap(small, hooks=[Writing()]), small, [action("/x")] * 2)
    assert [result["body"] for result in answer.results] == ["False"] * 2


@bare_door
def test_hooks_are_told_an_error_as_the_response_that_stands_for_it(host: Host) -> None:
    recorder = Recorder()
    post_batch(wrap(host, hooks=[recorder]), host, [action("/scim")])
    ((_, _, (outcome,), _),) = recorder.batches
    message = b'{"errors":[{"message":"actions[0].relative_path: GET /scim cannot be batched"}]}'
    assert (outcome.status, outcome.headers, outcome.body) == (400, [("content-type", "application/json")], message)
    assert (type(outcome.error), outcome.seconds) == (Refused, 0.0)
