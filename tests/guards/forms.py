"""What can be guarded: every form of endpoint of every host, with and without its guard.

Each application has `/open`, which is not guarded, and `/secret`, which is; both answer their name as text to GET, and
the secret one to POST too. `ran` is what handlers have run.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

from batchware import not_batchable

ran: list[str] = []


@dataclass(frozen=True)
class Form:
    """`make(guarded)` builds the application without batchware around it."""

    id: str
    door: Literal["asgi", "wsgi"]
    make: Callable[[bool], Any]


def guard(guarded: bool) -> Callable[[Any], Any]:
    """The decorator, or none."""
    return not_batchable if guarded else lambda endpoint: endpoint


def tell(name: str) -> str:
    """What every handler does."""
    ran.append(name)
    return name
