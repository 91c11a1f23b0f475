"""The limiter: what it is asked, and what it answers (C36, C39, C41).

What is owed is decided elsewhere (`charges`); a limiter counts. `batchware.testing.LimiterContract` is the laws that
all of them keep.
"""

from __future__ import annotations

from collections.abc import Awaitable, Sequence
from typing import Protocol, runtime_checkable

from msgspec import Struct

from .limits import Concurrency, Limit


class Charge(Struct, frozen=True, gc=False):
    """What one batch owes one rule for one subject, all its actions together."""

    rule: Limit
    subject: str
    cost: int
    holders: tuple[str, ...] = ()
    """Of a concurrency limit: `permit:index` of the actions that will run; refused ones hold nothing (C38)."""


class Slot(Struct, frozen=True, gc=False):
    """One place in flight that one action holds of one concurrency limit."""

    rule: Concurrency
    subject: str
    holder: str


class Level(Struct, frozen=True, gc=False):
    """How a limit stands after a decision."""

    rule: Limit
    remaining: int
    """What is left; never below 0."""
    reset: float
    """Seconds until more is left, if nothing else comes; for a concurrency limit 0."""


class Decision(Struct, frozen=True, gc=False):
    """A limiter's answer, for all charges at once."""

    admitted: bool
    retry_after: float | None
    """Where not admitted: seconds after which the same charges would pass if nothing else came; None for never."""
    levels: tuple[Level, ...]
    """In the order of the charges."""
    charges: tuple[Charge, ...] | None = None
    """What `levels` is about, if not what was asked for: a host's own limits are found out at admission."""


class LimiterUnavailable(Exception):
    """The store of the limits can't be reached, or did not answer in time (C41)."""


@runtime_checkable
class Limiter(Protocol):
    """Where charges are counted. `batchware.testing.LimiterContract` is its laws, to be run on any limiter.

    `blocking` says whether a call may wait for something outside the process; on ASGI only one that does not is taken.
    Each method raises `LimiterUnavailable` where the store can't be reached.
    """

    @property
    def blocking(self) -> bool:
        """Whether a call may wait for something outside the process."""
        ...

    def acquire(self, charges: Sequence[Charge], *, permit: str) -> Decision:
        """All charges or none, in one step; the same permit within 60 s charges once."""
        ...

    def release(self, slots: Sequence[Slot]) -> None:
        """Free slots; those that are free already stay so."""
        ...

    def renew(self, slots: Sequence[Slot]) -> Sequence[Slot]:
        """Extend the leases of slots; returns those that were lost before."""
        ...


@runtime_checkable
class AsyncLimiter(Protocol):
    """A `Limiter` whose methods are coroutines."""

    @property
    def blocking(self) -> bool:
        """Whether a call may hold the event loop; it must not."""
        ...

    def acquire(self, charges: Sequence[Charge], *, permit: str) -> Awaitable[Decision]:
        """As `Limiter.acquire`."""
        ...

    def release(self, slots: Sequence[Slot]) -> Awaitable[None]:
        """As `Limiter.release`."""
        ...

    def renew(self, slots: Sequence[Slot]) -> Awaitable[Sequence[Slot]]:
        """As `Limiter.renew`."""
        ...
