"""Sends what a plan asks for until all is in order, with any sender, synchronous or not.

Decides when it goes on although something went wrong. It does where what is missing is known to be in doubt, and the
plan can find out; it does not where the sender has given up sending, or fails in a way that says nothing of a broken
connection. Whatever ends it, Ctrl-C too, the plan first takes in all that is known.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Any, TypeAlias

from ..actions import Action, Result
from ..outcomes import Unfinished, report_of
from .plan import Came, Plan
from .state import Id
from .stops import OrderStopped

Save: TypeAlias = Callable[[dict[str, Any]], object]

_BROKEN = (ConnectionError, TimeoutError)


def put_in_order(
    plan: Plan[Any], send: Callable[[list[Action]], Sequence[Result]], *, save: Save | None = None
) -> list[Id]:
    """Carries a plan out, and returns the ids of the items in their order.

    `send` sends a batch, or several, and returns the results in the order of the actions. It may raise `Unfinished`,
    as the senders of this package do, or `ConnectionError` or `TimeoutError` where nothing is known of any of them.
    `save` gets the plan's state before each batch and at the end: write it somewhere, and a plan that is given it
    goes on from there, even if this process has been killed. Raises `InDoubt` and `GaveUp`, and what `send` raises
    where sending has ended for good; to go on, call this again with the same plan.
    """
    run = _Run(plan, save)
    while actions := run.next():
        try:
            results = send(actions)
        except BaseException as error:
            if run.failed(actions, error):
                continue
            raise
        run.take(results)
    return run.ids


async def put_in_order_async(
    plan: Plan[Any], send: Callable[[list[Action]], Awaitable[Sequence[Result]]], *, save: Save | None = None
) -> list[Id]:
    """`put_in_order` with a `send` that is awaited."""
    run = _Run(plan, save)
    while actions := run.next():
        try:
            results = await send(actions)
        except BaseException as error:
            if run.failed(actions, error):
                continue
            raise
        run.take(results)
    return run.ids


class _Run:
    """What the two have in common."""

    def __init__(self, plan: Plan[Any], save: Save | None) -> None:
        self._plan = plan
        self._save = save

    def next(self) -> list[Action]:
        actions = self._plan.next()
        self._keep()
        return actions

    def take(self, results: Sequence[Result]) -> None:
        try:
            self._plan.take(results)
        except BaseException:
            self._keep()
            raise

    def failed(self, actions: Sequence[Action], error: BaseException) -> bool:
        """Takes in what an error tells; whether to go on."""
        report = report_of(error)
        if report is None or [outcome.action for outcome in report.outcomes] != list(actions):
            goes_on = isinstance(error, _BROKEN)
            came: list[Came] = [None] * len(actions)
        else:
            goes_on = isinstance(error, Unfinished) and not report.not_done
            came = [outcome.result or outcome.error for outcome in report.outcomes]
        try:
            self._plan.take(came)
        except OrderStopped:
            if goes_on:
                raise
        finally:
            if not goes_on:
                self._keep()
        return goes_on

    @property
    def ids(self) -> list[Id]:
        return [ident for ident in self._plan.ids if ident is not None]

    def _keep(self) -> None:
        if self._save is not None:
            self._save(self._plan.state())
