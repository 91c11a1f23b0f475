"""What is known of each action at the end, and how that gets to whoever asked, whatever happened on the way.

Decides what an error carries: a report of every action, one of three states each. No interruption loses it, since
`KeyboardInterrupt` and cancellation carry it too (`report_of`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum

from .actions import Action, ClientError, Result


class State(Enum):
    """What is known of an action."""

    DONE = "done"
    """It has its result, whatever the status."""
    NOT_DONE = "not done"
    """It was never sent, or the server has said that it didn't run."""
    UNKNOWN = "unknown"
    """It was sent, and no answer came: it may have run, or may not."""


class NoResult(ClientError):
    """An action has no result. `action` says which, `__cause__` what kept it from having one, if that was an error."""

    def __init__(self, action: Action, what: str, why: BaseException | None) -> None:
        self.action = action
        super().__init__(f"{action}: {what}" + (f": {str(why) or type(why).__name__}" if why else ""))
        self.__cause__ = why


class NotDone(NoResult):
    """The action is known not to have run; it can be sent again."""


class Unknown(NoResult):
    """The action may have run. Look before you send it again."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one action."""

    index: int
    """Its place among the actions, from 0."""
    action: Action
    state: State
    result: Result | None = None
    """Its result, exactly where `state` is DONE."""
    error: NoResult | None = None
    """Why there is none, exactly where there is none."""

    @classmethod
    def of(
        cls, index: int, action: Action, result: Result | None, why: BaseException | None, *, uncertain: bool
    ) -> Outcome:
        """The outcome of an action that may have run (`uncertain`), has a `result`, or else has not run, for `why`."""
        if uncertain:
            error = Unknown(action, "it is unknown whether it was done", why)
            return cls(index, action, State.UNKNOWN, error=error)
        if result is not None:
            return cls(index, action, State.DONE, result)
        return cls(index, action, State.NOT_DONE, error=NotDone(action, "not done", why))

    def get(self) -> Result:
        """The result; raises `NotDone` or `Unknown` where there is none."""
        if self.result is None:
            raise self.error or NotDone(self.action, "not done", None)
        return self.result


@dataclass(frozen=True, slots=True)
class Report:
    """What became of all actions, in their order."""

    outcomes: Sequence[Outcome]

    @property
    def results(self) -> list[Result]:
        """The results of those that are done, in their order."""
        return [outcome.result for outcome in self.outcomes if outcome.result is not None]

    @property
    def done(self) -> list[Outcome]:
        """Those that have a result."""
        return self._those(State.DONE)

    @property
    def not_done(self) -> list[Outcome]:
        """Those that are known not to have run."""
        return self._those(State.NOT_DONE)

    @property
    def unknown(self) -> list[Outcome]:
        """Those that may have run."""
        return self._those(State.UNKNOWN)

    @property
    def complete(self) -> bool:
        """Whether every action has its result."""
        return all(outcome.state is State.DONE for outcome in self.outcomes)

    def __str__(self) -> str:
        counts = Counter(outcome.state for outcome in self.outcomes)
        return ", ".join(f"{counts[state]} {state.value}" for state in State)

    def _those(self, state: State) -> list[Outcome]:
        return [outcome for outcome in self.outcomes if outcome.state is state]


class Unfinished(ClientError):
    """Not every action has a result. `report` says which have, and what is known of the others."""

    def __init__(self, report: Report) -> None:
        self.report = report
        first = next((outcome.error for outcome in report.outcomes if outcome.error), None)
        super().__init__(f"{report}; the first without a result: {first}")
        self.__cause__ = first


def carry(error: BaseException, report: Report) -> None:
    """Let `error`, whatever it is, carry the report, for `report_of`."""
    error.__dict__["report"] = report
    error.add_note(f"Of the actions of the batches: {report}.")


def report_of(error: BaseException | None) -> Report | None:
    """The report that an error carries, or one of those that it came from; None where none does."""
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        report = getattr(error, "report", None)
        if isinstance(report, Report):
            return report
        seen.add(id(error))
        error = error.__cause__ or error.__context__
    return None
