"""The hooks of a host around one action and after one batch; none of them can break a batch."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from types import TracebackType
from typing import Any

from ..contract.flight import Flight, Record
from ..contract.hooks import BatchHooks
from ..contract.logger import log
from ..contract.model import Action, Outcome, Parent, Reply


def overriding(hooks: Sequence[BatchHooks], name: str) -> list[BatchHooks]:
    """The hooks that do something at `name`."""
    return [hook for hook in hooks if getattr(type(hook), name) is not getattr(BatchHooks, name)]


class Around:
    """The `around_action` of all hooks, or their `around_batch`: entered, told once what became of it, and left."""

    __slots__ = ("_entered", "_tell")

    def __init__(self, hooks: Sequence[BatchHooks], action: Action | None, parent: Parent) -> None:
        self._entered: list[AbstractContextManager[Any]] = []
        self._tell: list[Callable[[Any], Any]] = []
        for hook in hooks:
            manager: AbstractContextManager[Any]
            try:
                manager = hook.around_batch(parent) if action is None else hook.around_action(action, parent)
                tell = manager.__enter__()
            except BaseException:  # SystemExit too: out of here it would end the server, and the batch would hang
                where = "a batch" if action is None else f"actions[{action.index}]"
                log.exception("%r failed as it was entered for %s", hook, where)
                continue
            self._entered.append(manager)
            if callable(tell):
                self._tell.append(tell)

    def tell(self, end: Outcome | Reply) -> None:
        """Hand on what became of it; only the first one counts."""
        told, self._tell = self._tell, []
        for tell in reversed(told):
            try:
                tell(end)
            except BaseException:
                log.exception("a hook failed as it was told the %s", type(end).__name__.lower())

    def leave(self, error: BaseException | None) -> None:
        """Leave in the opposite order, with what the handler raised."""
        while self._entered:
            manager = self._entered.pop()
            try:
                manager.__exit__(type(error) if error else None, error, error.__traceback__ if error else None)
            except BaseException as raised:
                if raised is not error:  # a context manager made of a generator may raise it again
                    log.exception("a hook failed as it was left")


class Watched:
    """The making of an answer as a `with` block, for the `around_batch` of all hooks. Gives what is to be told it."""

    __slots__ = ("_around", "_hooks", "_parent")

    def __init__(self, hooks: Sequence[BatchHooks], parent: Parent) -> None:
        self._hooks = hooks if parent.method != "OPTIONS" else ()
        self._parent = parent

    def __enter__(self) -> Callable[[Reply], None]:
        self._around = Around(self._hooks, None, self._parent)
        return self._around.tell

    def call(self, make: Callable[[], Reply]) -> Reply:
        """The block around one call, and its reply told."""
        with self as tell:
            reply = make()
            tell(reply)
        return reply

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._around.leave(error)


def tell_batch(hooks: Sequence[BatchHooks], flight: Flight, seconds: float) -> None:
    """`on_batch` of all hooks."""
    actions = [record.action for record in flight.records]
    for hook in hooks:
        try:
            hook.on_batch(flight.parent, actions, flight.outcomes(), seconds)
        except BaseException:
            log.exception("%r failed in on_batch", hook)


def log_failure(action: Action, error: BaseException | None) -> None:
    """A handler that gave no complete response: the one place where its traceback goes (C26)."""
    what = "raised" if error else "ended without a complete response"
    log.error("actions[%d] %s %s %s", action.index, action.method, action.path, what, exc_info=_info(error))


def log_late(action: Action, error: BaseException) -> None:
    """A handler that raised after its response was complete; the response stands (C26)."""
    log.error(
        "actions[%d] %s %s raised after its response", action.index, action.method, action.path, exc_info=_info(error)
    )


def log_cut(record: Record) -> None:
    """An action that was cut off: too slow, or too large (C26)."""
    action, error = record.action, record.outcome and record.outcome.error
    log.warning("actions[%d] %s %s was cut off: %s", action.index, action.method, action.path, error)


def _info(error: BaseException | None) -> Any:
    return (type(error), error, error.__traceback__) if error else None
