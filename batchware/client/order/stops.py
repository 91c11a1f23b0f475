"""Why a plan stops before its end, each time with a state from which it can go on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ..actions import Action, ActionFailed, ClientError, Result
from ..outcomes import NoResult

_NAMED = 20  # numbers that a message names


class OrderStopped(ClientError):
    """The items are not all in order. The plan knows how far it is: go on with it, or with its `state()` elsewhere."""


class InDoubt(OrderStopped):
    """Creations were sent, nobody knows whether they happened, and the plan has no way to find out.

    `items` are the numbers of their items, from 0, `actions` the creations. Look for each, tell the plan by
    `resolve`, and go on.
    """

    def __init__(self, items: Sequence[int], actions: Sequence[Action]) -> None:
        self.items = tuple(items)
        self.actions = tuple(actions)
        named = ", ".join(f"items[{item}]" for item in self.items[:_NAMED])
        more = f" and {len(self.items) - _NAMED} more" if len(self.items) > _NAMED else ""
        super().__init__(
            f"it is unknown whether these were created: {named}{more}. Say `resolve(item, id)` for each, with None for "
            "one that does not exist; `find` and `found`, or `repeatable`, let the plan go on by itself"
        )


@dataclass(frozen=True, slots=True)
class Failure:
    """An action that the plan does not try again."""

    item: int
    """The number of its item, from 0."""
    action: Action
    came: Result | NoResult | None
    """Its result; where there was none, what is known instead."""
    tries: int
    """How often it was sent in this process."""

    def __str__(self) -> str:
        came = str(ActionFailed(self.came)) if isinstance(self.came, Result) else f"{self.action}: no result"
        return f"items[{self.item}]: {came}, after {self.tries} tries"


class GaveUp(OrderStopped):
    """Actions were refused, or failed as often as the plan tries. `failures` says which, and what came."""

    def __init__(self, failures: Sequence[Failure]) -> None:
        self.failures = tuple(failures)
        more = f", and {len(failures) - 1} more" if len(failures) > 1 else ""
        super().__init__(f"{failures[0]}{more}")
