"""`around_batch`: what a hook sees of a whole batch request, refused ones included, and that it can't break one."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

import pytest

from batchware import BatchHooks, NotAuthorized, Parent, Quota, Reply
from batchware.replay.around import Around, Watched
from tests.contract.batching import action, bare_door, every_host, post_batch, wrap
from tests.hosts import Host
from tests.hosts.clients import send

inside: ContextVar[str] = ContextVar("inside", default="nothing")


class Watching(BatchHooks):
    def __init__(self) -> None:
        self.events: list[Any] = []
        self.actions: list[str] = []

    @contextmanager
    def around_batch(self, parent: Parent) -> Iterator[Callable[[Reply], Any]]:
        token = inside.set("batch")
        where = _where()
        self.events.append(("enter", parent.method, parent.path, parent.principal))
        try:
            yield lambda reply: self.events.append((reply.status, type(reply.error).__name__))
        finally:
            inside.reset(token)
            self.events.append(("leave", _where() == where))

    @contextmanager
    def around_action(self, action: Any, parent: Parent) -> Iterator[None]:
        self.actions.append(inside.get())
        inside.set("action")
        yield


def _where() -> Any:
    try:
        return asyncio.current_task()
    except RuntimeError:
        return threading.get_ident()


@every_host
def test_it_is_around_all_actions_and_what_it_sets_reaches_them(host: Host) -> None:
    hook = Watching()
    asked: list[str] = []

    def authorize(parent: Parent) -> str:
        asked.append(inside.get())
        return "ada"

    post_batch(wrap(host, hooks=[hook], authorize=authorize), host, [action(), action("/tasks/2")])
    assert hook.events == [("enter", "POST", "/batch", None), (200, "NoneType"), ("leave", True)]
    assert (asked, hook.actions) == (["batch"], ["batch", "batch"])
    assert inside.get() == "nothing"


def _refuse(parent: Parent) -> str:
    raise NotAuthorized(status=403)


REFUSALS: list[tuple[str, dict[str, Any], dict[str, Any], int, str]] = [
    ("media type", {}, {"content_type": "text/plain"}, 415, "UnsupportedMediaType"),
    ("size", {"max_body_bytes": 10}, {}, 413, "BodyTooLarge"),
    ("authorize", {"authorize": _refuse}, {}, 403, "NotAuthorized"),
    ("JSON", {}, {"body": b"{"}, 400, "BatchError"),
    ("actions", {"max_actions": 1}, {}, 400, "BatchError"),
    ("limits", {"limits": [Quota("all", 1)]}, {}, 429, "LimitExceeded"),
]


@bare_door
@pytest.mark.parametrize(("options", "sent", "status", "error"), [pytest.param(*rest, id=id) for id, *rest in REFUSALS])
def test_it_is_told_why_a_batch_was_refused(
    host: Host, options: dict[str, Any], sent: dict[str, Any], status: int, error: str
) -> None:
    hook = Watching()
    answer = post_batch(wrap(host, hooks=[hook], **options), host, [action(), action()], **sent)
    assert answer.status == status
    assert hook.events == [("enter", "POST", "/batch", None), (status, error), ("leave", True)]


@bare_door
def test_it_hears_of_other_methods_and_not_of_preflights(host: Host) -> None:
    hook = Watching()
    app = wrap(host, hooks=[hook])
    send(app, host.door, "OPTIONS", "/batch")
    send(app, host.door, "GET", "/tasks/1")
    assert hook.events == []
    send(app, host.door, "GET", "/batch")
    assert hook.events[1] == (405, "MethodNotAllowed")


def test_a_context_manager_is_left_as_with_leaves_it() -> None:
    left: list[Any] = []

    class Manager:
        def __enter__(self) -> None:
            return None

        def __exit__(self, *what: Any) -> None:
            left.append(what)

    class Hook(BatchHooks):
        def around_batch(self, parent: Parent) -> Any:
            return Manager()

    parent = Parent("POST", "/batch", "", "http", (), None, {})
    Around([Hook()], None, parent).leave(None)
    with pytest.raises(LookupError) as raised:
        raise LookupError
    Around([Hook()], None, parent).leave(raised.value)
    assert left == [(None, None, None), (LookupError, raised.value, raised.value.__traceback__)]
    assert left[1][2] is not None


def test_what_keeps_a_batch_from_its_answer_is_what_it_is_left_with() -> None:
    left: list[tuple[Any, ...]] = []

    class Hook(BatchHooks):
        @contextmanager
        def around_batch(self, parent: Parent) -> Iterator[Callable[[Reply], Any]]:
            try:
                yield lambda reply: left.append((reply,))
            except BaseException as error:
                left.append((type(error), error))
                raise

    interrupt = KeyboardInterrupt()

    def make() -> Reply:
        raise interrupt

    with pytest.raises(KeyboardInterrupt):
        Watched([Hook()], Parent("POST", "/batch", "", "http", (), None, {})).call(make)
    assert left == [(KeyboardInterrupt, interrupt)]


class _Failing(BatchHooks):
    def __init__(self, place: str, error: BaseException) -> None:
        self._place, self._error = place, error

    def around_batch(self, parent: Parent) -> Any:
        if self._place == "around_batch":
            raise self._error
        return self

    def __enter__(self) -> Any:
        if self._place == "enter":
            raise self._error
        return self._told

    def _told(self, reply: Reply) -> None:
        if self._place == "told":
            raise self._error

    def __exit__(self, *raised: object) -> bool:
        if self._place == "leave":
            raise self._error
        return True


LINES = {"told": "a hook failed as it was told the reply", "leave": "a hook failed as it was left"}


@bare_door
@pytest.mark.parametrize("place", ["around_batch", "enter", "told", "leave"])
@pytest.mark.parametrize("error", [LookupError("x"), SystemExit(3)], ids=lambda error: type(error).__name__)
def test_one_that_fails_breaks_nothing(
    host: Host, place: str, error: BaseException, caplog: pytest.LogCaptureFixture
) -> None:
    hook = Watching()
    failing = _Failing(place, error)
    answer = post_batch(wrap(host, hooks=[failing, hook]), host, [action()])
    assert answer.statuses == [200]
    assert [event[0] for event in hook.events] == ["enter", 200, "leave"]
    assert [(record.levelname, record.getMessage()) for record in caplog.records] == [
        ("ERROR", LINES.get(place, f"{failing!r} failed as it was entered for a batch"))
    ]
