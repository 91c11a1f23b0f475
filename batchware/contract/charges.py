"""What a batch owes to the limits, all its actions together, and what it then holds (C35, C38, C39)."""

from __future__ import annotations

import hashlib
import itertools
import os
from collections.abc import Iterable, Sequence
from typing import Protocol, runtime_checkable

from .limiter import Charge, Slot
from .limits import OWN, Concurrency, Key, Limit, Quota, one
from .logger import log
from .model import Action, Parent
from .nesting import Mark


@runtime_checkable
class HostLimits(Protocol):
    """Limits that the host keeps with a library of its own, which counts direct requests without us: `integrations`."""

    @property
    def name(self) -> str:
        """Names the limits in messages and logs, apart from all others of the middleware."""
        ...

    def charges(self, parent: Parent, actions: Sequence[tuple[Action, Mark | None]], permit: str) -> Sequence[Charge]:
        """What `actions` owe to the host's limits; each has its child's mark, or None if it won't run."""
        ...


class _Process:
    """A name that no other process has, and the numbers in it: a quarter of the time of a random name for each."""

    def __init__(self) -> None:
        self.numbers = itertools.count(1 << 32)  # all of one length
        self.begin()

    def begin(self) -> None:
        self.name = os.urandom(12).hex()


_process = _Process()
if hasattr(os, "register_at_fork"):  # not on Windows, where nothing forks
    os.register_at_fork(after_in_child=_process.begin)


def new_permit() -> str:
    """A name that no other request of any process has, for what it is charged and holds."""
    return f"{_process.name}{next(_process.numbers):x}"


def charges_for(
    limits: Sequence[Limit | HostLimits], parent: Parent, actions: Sequence[tuple[Action, Mark | None]], permit: str
) -> list[Charge]:
    """What `actions` owe to `limits`; each has its child's mark, or None if it won't run (C35, C38)."""
    subjects: dict[Key, str] = {}
    charges: list[Charge] = []
    for rule in limits:
        if not isinstance(rule, OWN):
            charges += rule.charges(parent, actions, permit)
            continue
        counted = actions if rule.counts_all else [pair for pair in actions if rule.counts(pair[0])]
        if not counted:
            continue
        if rule.key not in subjects:
            subjects[rule.key] = _subject(rule, parent)
        holders: tuple[str, ...] = ()
        if isinstance(rule, Quota):
            cost = len(counted) if rule.cost is one else sum(_cost(rule, action) for action, _ in counted)
        else:
            cost = len(counted)
            holders = tuple([f"{permit}:{action.index}" for action, mark in counted if mark])
        if cost:
            charges.append(Charge(rule, subjects[rule.key], cost, holders))
    return charges


def slots_of(charges: Iterable[Charge], permit: str) -> dict[int, list[Slot]]:
    """The slots that admitted charges hold, by the index of their action."""
    slots: dict[int, list[Slot]] = {}
    skip = len(permit) + 1
    for charge in charges:
        if isinstance(charge.rule, Concurrency):
            for holder in charge.holders:
                slots.setdefault(int(holder[skip:]), []).append(Slot(charge.rule, charge.subject, holder))
    return slots


def digest(subject: str) -> str:
    """A subject as it may stand in a log."""
    return hashlib.sha256(subject.encode("utf-8", "replace")).hexdigest()[:12]


def _subject(rule: Limit, parent: Parent) -> str:
    subject = rule.key(parent)
    if subject is None:
        log.warning("the limit %s knows neither principal nor client; all such requests share one bucket", rule.name)
        return "unknown"
    return subject


def _cost(rule: Quota, action: Action) -> int:
    try:
        cost = rule.cost(action)
    except Exception:
        log.exception("the cost of the limit %s failed; the action costs 1", rule.name)
        return 1
    return max(0, cost)
