"""Collecting actions: a handle for each, whose result is there after the batches were sent.

Decides what is sent when `send` is called again: what has no outcome yet, and what is known not to have run. What has
a result, or may have run, is never sent a second time.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from .actions import Action, Result
from .outcomes import NotDone, Outcome, Report, State, Unfinished, report_of

if TYPE_CHECKING:
    from .async_sender import AsyncSender
    from .sender import Sender


class Handle:
    """One collected action."""

    __slots__ = ("action", "outcome")

    def __init__(self, action: Action) -> None:
        self.action = action
        self.outcome: Outcome | None = None
        """What became of it; None before it was sent. Its `index` is the place among those that were sent with it."""

    @property
    def done(self) -> bool:
        """Whether there is a result."""
        return self.outcome is not None and self.outcome.state is State.DONE

    def result(self) -> Result:
        """The result. Raises `NotDone` where the action was not done, or not sent yet, and `Unknown` where it may."""
        if self.outcome is None:
            raise NotDone(self.action, "not sent yet", None)
        return self.outcome.get()

    def __repr__(self) -> str:
        state = "not sent" if self.outcome is None else self.outcome.result or self.outcome.state.value
        return f"<{self.action}: {state}>"


class Collecting:
    """The methods that collect."""

    def __init__(self) -> None:
        self.handles: list[Handle] = []
        """Of all actions, in the order in which they were collected."""

    def add(self, action: Action) -> Handle:
        """Collects an action. Raises `ValueError` for one that can't stand in a batch."""
        action.write()
        self.handles.append(Handle(action))
        return self.handles[-1]

    def get(
        self, path: str, params: Mapping[str, Any] | None = None, *, options: Mapping[str, Any] | None = None
    ) -> Handle:
        """Collects a GET; `params` are its query parameters."""
        return self.add(Action("get", path, params, options))

    def head(
        self, path: str, params: Mapping[str, Any] | None = None, *, options: Mapping[str, Any] | None = None
    ) -> Handle:
        """Collects a HEAD; `params` are its query parameters."""
        return self.add(Action("head", path, params, options))

    def delete(
        self, path: str, params: Mapping[str, Any] | None = None, *, options: Mapping[str, Any] | None = None
    ) -> Handle:
        """Collects a DELETE; `params` are its query parameters."""
        return self.add(Action("delete", path, params, options))

    def post(self, path: str, data: Any = None, *, options: Mapping[str, Any] | None = None) -> Handle:
        """Collects a POST; `data` is its body, a JSON value."""
        return self.add(Action("post", path, data, options))

    def put(self, path: str, data: Any = None, *, options: Mapping[str, Any] | None = None) -> Handle:
        """Collects a PUT; `data` is its body, a JSON value."""
        return self.add(Action("put", path, data, options))

    def patch(self, path: str, data: Any = None, *, options: Mapping[str, Any] | None = None) -> Handle:
        """Collects a PATCH; `data` is its body, a JSON value."""
        return self.add(Action("patch", path, data, options))

    @property
    def results(self) -> list[Result]:
        """The results of all actions, in the order of collecting. Raises as `Handle.result` does."""
        return [handle.result() for handle in self.handles]

    def _open(self) -> list[Handle]:
        return [handle for handle in self.handles if handle.outcome is None or handle.outcome.state is State.NOT_DONE]


class Batch(Collecting):
    """Collects any number of actions and sends them, at the end of a `with` block that no exception leaves."""

    def __init__(self, sender: Sender) -> None:
        super().__init__()
        self._sender = sender

    def send(self) -> Report:
        """Sends what was collected since, and what is known not to have run; raises `Unfinished`.

        After that, whether it raises or not, each handle knows what became of its action.
        """
        handles = self._open()
        try:
            report = self._sender.report([handle.action for handle in handles])
        except BaseException as error:
            _hand_out(handles, report_of(error))
            raise
        return _finished(handles, report)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is None:
            self.send()


class AsyncBatch(Collecting):
    """Collects any number of actions and sends them, at the end of an `async with` block that no exception leaves."""

    def __init__(self, sender: AsyncSender) -> None:
        super().__init__()
        self._sender = sender

    async def send(self) -> Report:
        """Sends what was collected since, and what is known not to have run; raises `Unfinished`.

        After that, whether it raises or not, each handle knows what became of its action.
        """
        handles = self._open()
        try:
            report = await self._sender.report([handle.action for handle in handles])
        except BaseException as error:
            _hand_out(handles, report_of(error))
            raise
        return _finished(handles, report)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is None:
            await self.send()


def _hand_out(handles: Iterable[Handle], report: Report | None) -> None:
    if report is not None:
        for handle, outcome in zip(handles, report.outcomes, strict=True):
            handle.outcome = outcome


def _finished(handles: Iterable[Handle], report: Report) -> Report:
    _hand_out(handles, report)
    if not report.complete:
        raise Unfinished(report)
    return report
